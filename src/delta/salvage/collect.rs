//! Finds what only the old primary has, and copies it to the salvage folder.

use super::manifest::{Manifest, OrphanCommit};
use super::{Places, SalvageAbout};
use crate::delta::copy::bring;
use crate::delta::log::{Inventory, LOG, Log, LogName, commit_path, read_checkpoint, read_commit};
use crate::delta::{DeltaError, FileRecord, pool};
use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Mutex;

/// The versions above `common`.
pub(super) fn above(common: i64) -> (Bound<i64>, Bound<i64>) {
    (Bound::Excluded(common), Bound::Unbounded)
}

/// What only the old primary has.
pub(super) struct Orphans {
    commits: Vec<OrphanCommit>,
    files: BTreeSet<String>,
    kept_in_table: BTreeSet<String>,
    log_files: BTreeSet<String>,
}

impl Orphans {
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.log_files.is_empty()
    }

    /// Whether all of it is listed already.
    pub fn is_in(&self, manifest: &Manifest) -> bool {
        self.commits.iter().all(|commit| manifest.commits.contains(commit))
            && self.log_files.iter().all(|path| manifest.log_files.contains(path))
            && self.files.iter().all(|path| manifest.files.iter().any(|file| &file.path == path))
    }
}

impl Places {
    /// Finds commits above `common` with their files, and what else of the log lies above it.
    pub(super) fn collect(
        &self,
        log: &Log,
        new_log: &Log,
        common: i64,
        lineage: &Inventory,
    ) -> Result<Orphans, DeltaError> {
        let table = self.old.display("");
        let mut commits = Vec::new();
        let mut named = Inventory::lenient(table.clone());
        for version in log.commits.range(above(common)).map(|(version, _)| *version) {
            let Some(commit) = read_commit(&*self.old, version)? else { continue };
            // One that a crash cut short cannot be read; its bytes are salvaged anyway.
            let _ = named.take_commit(&*self.old, &commit);
            commits.push(OrphanCommit::new(&*self.old, &commit));
        }
        let theirs = self.names_of_new(new_log, common)?;
        let mut orphans =
            Orphans { commits, files: BTreeSet::new(), kept_in_table: BTreeSet::new(), log_files: BTreeSet::new() };
        for (path, _) in named.files.iter().filter(|(_, named)| named.added) {
            let of_lineage = lineage.files.contains_key(path) || theirs.files.contains_key(path);
            if of_lineage {
                orphans.kept_in_table.insert(path.to_string());
            } else if self.old.stat(path)?.is_some() {
                orphans.files.insert(path.to_string());
            }
        }
        for checkpoint in log.checkpoints.range(above(common)).flat_map(|(_, all)| all) {
            // A checkpoint that cannot be read is salvaged anyway; its sidecars stay unknown.
            if let Ok(files) = read_checkpoint(&*self.old, checkpoint, false, &mut |_, _| Ok(())) {
                orphans.log_files.extend(files.sidecars);
            }
        }
        // By name, because a part of an unfinished checkpoint must go too: with the new primary's parts it would make one.
        for entry in self.old.list(LOG, None)? {
            let is_above = match LogName::parse(&entry.name) {
                LogName::Checkpoint(version) | LogName::CheckpointPart { version, .. } | LogName::Crc(version) => {
                    version > common
                }
                LogName::Compacted { last, .. } => last > common,
                LogName::Commit(_) | LogName::Hint | LogName::Other => false,
            };
            if is_above {
                orphans.log_files.insert(format!("{LOG}/{}", entry.name));
            }
        }
        Ok(orphans)
    }

    /// What the new primary's commits above `common` name: those files come back by replication.
    pub(super) fn names_of_new(&self, new_log: &Log, common: i64) -> Result<Inventory, DeltaError> {
        let Some(new) = &self.new else { return Ok(Inventory::lenient(String::new())) };
        let mut named = Inventory::lenient(new.display(""));
        for version in new_log.commits.range(above(common)).map(|(version, _)| *version) {
            if let Some(commit) = read_commit(&**new, version)? {
                named.take_commit(&**new, &commit)?;
            }
        }
        Ok(named)
    }

    /// Copies everything to the salvage folder, syncs it, and writes the manifest last.
    pub(super) fn copy_aside(
        &self,
        about: &SalvageAbout,
        common: i64,
        orphans: Orphans,
        before: Option<Manifest>,
    ) -> Result<Manifest, DeltaError> {
        let mut manifest = before.unwrap_or_else(|| Manifest::new(about, self.old.display(""), Some(common)));
        let paths: Vec<String> = orphans
            .files
            .iter()
            .cloned()
            .chain(orphans.commits.iter().map(|commit| commit_path(commit.version)))
            .chain(orphans.log_files.iter().cloned())
            .collect();
        let copied = Mutex::new((Vec::<FileRecord>::new(), None));
        let lock = || copied.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        pool::each(&paths, 4, |path| match bring(&*self.old, &*self.salvage, path) {
            Ok(Some(record)) => lock().0.push(record),
            Ok(None) => {}
            Err(error) => {
                lock().1.get_or_insert(error);
            }
        });
        let (records, failed) = std::mem::take(&mut *lock());
        if let Some(error) = failed {
            return Err(error);
        }
        fail::fail_point!("delta.salvage.before_aside_sync");
        self.salvage.sync(&paths)?;
        let is_listed = |path: &str| manifest.files.iter().any(|file| file.path == path);
        let new: Vec<_> =
            records.into_iter().filter(|file| orphans.files.contains(&file.path) && !is_listed(&file.path)).collect();
        manifest.files.extend(new);
        manifest.files.sort_by(|a, b| a.path.cmp(&b.path));
        let merge = |list: &mut Vec<String>, more: BTreeSet<String>| {
            let all: BTreeSet<String> = list.drain(..).chain(more).collect();
            list.extend(all);
        };
        merge(&mut manifest.kept_in_table, orphans.kept_in_table);
        merge(&mut manifest.log_files, orphans.log_files);
        manifest.count(orphans.commits);
        manifest.rewound = false;
        manifest.write(&*self.salvage)?;
        Ok(manifest)
    }
}
