//! A random writer that knows what every version of its table holds.

use super::table::*;
use crate::delta::log::{Log, state_at};
use crate::delta::place::{LocalPlace, Place};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Something that happens to a table or to its replication.
#[derive(Debug, Clone)]
pub enum Step {
    Append(u8),
    DeleteWithVector(u8),
    Overwrite,
    Optimise(u8),
    Vacuum,
    Restore(u8),
    ChangeSchema,
    ChangeData,
    Checkpoint(u8),
    CleanLog,
    Recreate,
    /// A cycle that is killed after so many changes to the replica; `forget` drops what is remembered.
    Cycle {
        life: u8,
        forget: bool,
    },
}

/// A live file: its path, and the number of its deletion vector's file where it has one.
pub type Live = BTreeMap<String, Option<u8>>;

/// The writer, which knows what every version holds.
pub struct Writer {
    pub table: Table,
    live: Live,
    /// Every version of every generation: table id and version, then its files.
    versions: HashMap<(String, i64), Live>,
    /// Files that a VACUUM took, by generation.
    vacuumed: BTreeSet<(String, String)>,
    checkpoint: Option<i64>,
    next: u32,
    vectors: u8,
}

impl Writer {
    pub fn new(path: PathBuf) -> Self {
        let mut writer = Self {
            table: Table::create(path),
            live: Live::new(),
            versions: HashMap::new(),
            vacuumed: BTreeSet::new(),
            checkpoint: None,
            next: 0,
            vectors: 0,
        };
        writer.remember();
        writer
    }

    fn remember(&mut self) {
        self.versions.insert((self.table.id().to_owned(), self.table.version()), self.live.clone());
    }

    fn new_file(&mut self) -> String {
        self.next += 1;
        let rel = format!("part={}/f {}.parquet", self.next % 3, self.next);
        self.table.file(&rel, &content(&rel));
        rel
    }

    fn action(action: Value, vector_number: Option<u8>) -> Value {
        match vector_number {
            Some(number) => with_vector(action, "u", &vector(number).0, i64::from(number)),
            None => action,
        }
    }

    fn change_to(&mut self, next: Live, operation: &str) {
        let mut actions = vec![info(operation)];
        for (path, number) in &self.live {
            if next.get(path) != Some(number) {
                actions.push(Self::action(remove(path), *number));
            }
        }
        for (path, number) in &next {
            if self.live.get(path) != Some(number) {
                actions.push(Self::action(add(path), *number));
            }
        }
        self.table.commit(&actions);
        self.live = next;
        self.remember();
    }

    pub fn take(&mut self, step: &Step) {
        let mut next = self.live.clone();
        match step {
            Step::Append(count) => {
                for _ in 0..*count {
                    next.insert(self.new_file(), None);
                }
                self.change_to(next, "WRITE");
            }
            Step::DeleteWithVector(pick) => {
                let Some(path) = pick_from(&next, *pick) else { return };
                self.vectors = self.vectors.wrapping_add(1);
                self.table.file(&vector(self.vectors).1, &[self.vectors; 30]);
                next.insert(path, Some(self.vectors));
                self.change_to(next, "DELETE");
            }
            Step::Overwrite => {
                let only = self.new_file();
                self.change_to(BTreeMap::from([(only, None)]), "WRITE");
            }
            Step::Optimise(pick) => {
                let (Some(one), Some(other)) = (pick_from(&next, *pick), pick_from(&next, pick.wrapping_add(1))) else {
                    return;
                };
                next.remove(&one);
                next.remove(&other);
                next.insert(self.new_file(), None);
                self.change_to(next, "OPTIMIZE");
            }
            Step::Vacuum => self.vacuum(),
            Step::Restore(pick) => {
                let version = i64::from(*pick) % (self.table.version() + 1);
                let there = |path: &str| self.table.path.join(path).exists();
                let goal = self.versions[&(self.table.id().to_owned(), version)].clone();
                let whole = goal.iter().all(|(path, number)| there(path) && number.is_none_or(|n| there(&vector(n).1)));
                if whole {
                    self.change_to(goal, "RESTORE");
                }
            }
            Step::ChangeSchema => {
                let metadata = json!({"metaData": {"id": self.table.id(), "format": {"provider": "parquet", "options": {}},
                    "schemaString": "{\"type\":\"struct\",\"fields\":[]}", "partitionColumns": [],
                    "configuration": {"changed": self.table.version().to_string()}}});
                self.table.commit(&[info("ADD COLUMNS"), metadata]);
                self.remember();
            }
            Step::ChangeData => {
                let rel = format!("_change_data/cdc-{}.parquet", self.table.version());
                self.table.file(&rel, &content(&rel));
                self.table.commit(&[info("MERGE"), json!({"cdc": {"path": rel, "size": 1, "partitionValues": {}}})]);
                self.remember();
            }
            Step::Checkpoint(kind) => {
                // A reader of a checkpoint needs its table's whole log, which a cleaned one no longer has.
                if self.checkpoint.is_some() {
                    return;
                }
                match kind {
                    0 => drop(self.table.checkpoint()),
                    1 => drop(self.table.checkpoint_in_parts()),
                    2 => drop(self.table.checkpoint_with_sidecar(true)),
                    _ => drop(self.table.checkpoint_with_sidecar(false)),
                }
                self.table.hint(self.table.version());
                self.checkpoint = Some(self.table.version());
            }
            Step::CleanLog => {
                let place = self.table.place();
                let oldest = Log::list(&place, 0).expect("a log").commits.keys().next().copied().unwrap_or(0);
                for version in oldest..self.checkpoint.unwrap_or(0) {
                    self.table.remove_log(version);
                }
            }
            Step::Recreate => {
                std::fs::remove_dir_all(&self.table.path).expect("a drop");
                self.table = Table::create(self.table.path.clone());
                self.live.clear();
                self.checkpoint = None;
                self.remember();
            }
            Step::Cycle { .. } => {}
        }
    }

    fn vacuum(&mut self) {
        let keep: BTreeSet<String> =
            self.live.keys().cloned().chain(self.live.values().flatten().map(|n| vector(*n).1)).collect();
        for rel in self.table.place().list_all("").expect("files") {
            if !rel.starts_with('_') && !keep.contains(&rel) {
                std::fs::remove_file(self.table.path.join(&rel)).expect("a file");
                self.vacuumed.insert((self.table.id().to_owned(), rel));
            }
        }
    }

    /// Whether the replica reads as some version of some generation, whole.
    pub fn check(&self, replica: &Path) {
        let place = LocalPlace::new(replica.to_path_buf());
        let log = Log::list(&place, 0).expect("a listing");
        let Some(version) = log.newest(None) else { return };
        if log.base(version, false, "").is_err() {
            // A bootstrap that has not put its first version together: no one can open it yet.
            assert!(log.commits.is_empty() || log.checkpoints.is_empty());
            return;
        }
        let (_, metadata) = state_at(&place, &log, version).expect("a state");
        let id = metadata.expect("metadata").id;
        let expected =
            self.versions.get(&(id.clone(), version)).unwrap_or_else(|| panic!("no version {version} of {id}"));
        let mut names: BTreeSet<String> = expected.keys().cloned().collect();
        names.extend(expected.values().flatten().map(|number| vector(*number).1));
        if names.iter().any(|name| self.vacuumed.contains(&(id.clone(), name.clone())) && !replica.join(name).exists())
        {
            // The source could not read this version any more when it was shipped.
            return;
        }
        let files = read_version(replica, version).expect("a whole version");
        assert_eq!(files.keys().cloned().collect::<BTreeSet<_>>(), names, "version {version}");
        for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("part=")) {
            assert_eq!(bytes, &content(path), "{path}");
        }
    }
}

fn pick_from(live: &Live, pick: u8) -> Option<String> {
    live.keys().nth(usize::from(pick) % live.len().max(1)).cloned()
}
