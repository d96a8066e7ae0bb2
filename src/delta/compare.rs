//! Whether a replica equals its source.

mod files;

use super::log::{Log, LogState, Protocol, commit_path, read_commit, read_log_state, state_at};
use super::place::{self, Place};
use super::{DeltaError, FileRecord, TableRoot};
use crate::domain::{ErrorClass, ObjectStatus};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How to compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompareOptions {
    /// Compares no version above this one.
    pub up_to: Option<i64>,
    /// How closely files are compared.
    pub depth: Depth,
}

/// How closely files are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Depth {
    /// By names and sizes.
    #[default]
    Sizes,
    /// Every file of the replica is hashed, and held against what was hashed when it was copied.
    Ledger,
    /// Every file of the replica and of the source is hashed, and one held against the other.
    Source,
}

impl From<bool> for Depth {
    /// What `deep` alone asks for.
    fn from(deep: bool) -> Self {
        if deep { Self::Ledger } else { Self::Sizes }
    }
}

/// What the ledger keeps of a replica: the truth of what was copied, whichever side was changed since.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// Files by decoded path.
    pub files: HashMap<String, FileRecord>,
    /// The sha256 of commits in hex, by version.
    pub commits: BTreeMap<i64, String>,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How the replica stands.
    pub status: ObjectStatus,
    /// The source's newest version, within the bound.
    pub source_version: Option<i64>,
    /// The replica's newest version, within the bound.
    pub replica_version: Option<i64>,
    /// The class of what differs.
    pub class: Option<ErrorClass>,
    /// What the class names.
    pub parameters: BTreeMap<String, String>,
    /// What differs, as a sentence.
    pub message: Option<String>,
    /// Files compared.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Files of the replica that are missing or differ, and missing folders with a slash at the end; [`super::repair`]
    /// brings them again.
    pub damaged: Vec<String>,
    /// Whether the replica holds commits that its source never had, which [`super::salvage`] salvages.
    pub strayed: bool,
}

impl Comparison {
    fn new(status: ObjectStatus) -> Self {
        Self {
            status,
            source_version: None,
            replica_version: None,
            class: None,
            parameters: BTreeMap::new(),
            message: None,
            files: 0,
            bytes: 0,
            damaged: Vec::new(),
            strayed: false,
        }
    }

    fn differ(&mut self, status: ObjectStatus, class: ErrorClass, parameters: &[(&str, String)], message: String) {
        self.status = status;
        self.class = Some(class);
        self.parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.message = Some(message);
    }
}

/// Compares version, commit hashes, file list, sizes, and as deep as `options` say the files' bytes.
pub async fn compare(source: &TableRoot, destination: &TableRoot, kept: &Kept, options: CompareOptions) -> Comparison {
    let (ours, theirs, kept) = (source.clone(), destination.clone(), kept.clone());
    let result = place::blocking(source, move || {
        let pair = Pair { source: place::open(&ours), replica: place::open(&theirs), kept, options };
        Ok(pair.compare())
    });
    let fault = match result.await {
        Ok(comparison) => return comparison,
        Err(fault) => fault,
    };
    let mut comparison = Comparison::new(ObjectStatus::Unknown);
    comparison.class = Some(fault.class);
    comparison.message = Some(fault.message);
    comparison
}

/// Two tables that are compared.
struct Pair {
    source: Arc<dyn Place>,
    replica: Arc<dyn Place>,
    kept: Kept,
    options: CompareOptions,
}

impl Pair {
    fn compare(&self) -> Comparison {
        let mut found = Comparison::new(ObjectStatus::InSync);
        if let Err(error) = self.fill(&mut found) {
            // Nothing is claimed of what cannot be reached.
            found.status = if error.class().is_transient() { ObjectStatus::Unknown } else { ObjectStatus::Failed };
            found.class = Some(error.class());
            found.parameters = error.parameters();
            found.message = Some(error.to_string());
        }
        found
    }

    fn fill(&self, found: &mut Comparison) -> Result<(), DeltaError> {
        let table = self.source.display("");
        // The replica first: what arrives there in the meantime must not look as if the source had never had it.
        let at_destination = Log::list(&*self.replica, 0)?;
        let log = Log::list(&*self.source, 0)?;
        found.source_version = log.newest(self.options.up_to);
        found.replica_version = at_destination.newest(self.options.up_to);
        let newest = found.source_version.map_or_else(|| log.newest_of(&table), Ok)?;
        let Some(last) = found.replica_version else {
            // One that can't be shipped says why; any other is only not there yet.
            read_log_state(&*self.source, &log, newest, |_, _| {})?.inventory.refuse_unreadable(newest)?;
            found.status = ObjectStatus::Missing;
            found.message = Some(format!("{} has no table yet.", self.replica.display("")));
            return Ok(());
        };
        let mut hashes = BTreeMap::new();
        let state = read_log_state(&*self.source, &log, newest, |commit, _| {
            hashes.insert(commit.version, commit.sha256);
        })?;
        state.inventory.refuse_unreadable(newest)?;
        state.inventory.refuse_dots(&*self.source, &*self.replica)?;
        self.compare_commits(found, &hashes, &at_destination, &state, newest.min(last))?;
        if found.status != ObjectStatus::InSync {
            return Ok(());
        }
        self.compare_files(found, &state, &log, &at_destination, last)?;
        self.compare_base(found, &log, &at_destination, last)?;
        if last >= newest {
            self.compare_folders(found, &state.inventory);
        }
        if found.class.is_some() {
            return Ok(());
        }
        if last > newest {
            let replica = self.replica.display("");
            let arrived = self.kept.commits.get(&last);
            if arrived.is_some() && read_commit(&*self.replica, last)?.map(|commit| commit.sha256).as_ref() == arrived {
                found.status = ObjectStatus::Lagging;
                found.message = Some(format!(
                    "The source was restored from version {last} to {newest}. The next cycle updates the replica."
                ));
                return Ok(());
            }
            found.strayed = true;
            found.differ(
                ObjectStatus::Drifted,
                ErrorClass::Drift,
                &[("version", (newest + 1).to_string())],
                format!(
                    "{replica} is at version {last}, but its source only at {newest}: somebody wrote to the replica. {}",
                    ErrorClass::Drift.resolution()
                ),
            );
        } else if last < newest {
            found.status = ObjectStatus::Lagging;
            found.message = Some(format!("The replica is at version {last}, its source at {newest}."));
        } else if found.status == ObjectStatus::InSync {
            readable(found, &state);
        }
        Ok(())
    }

    /// Compares every commit that both retain.
    fn compare_commits(
        &self,
        found: &mut Comparison,
        hashes: &BTreeMap<i64, String>,
        at_destination: &Log,
        state: &LogState<'_>,
        upper: i64,
    ) -> Result<(), DeltaError> {
        // A replica's log is cleaned on its own; what it doesn't have below its first commit isn't a difference.
        let Some(lower) = at_destination.commits.keys().next().copied() else { return Ok(()) };
        let (mut differing, mut last_equal, mut changed_here) = (Vec::new(), None, None);
        for (version, ours) in hashes.range(lower..=upper.max(lower)) {
            let theirs = read_commit(&*self.replica, *version)?.map(|commit| commit.sha256);
            if theirs.as_ref() == Some(ours) {
                last_equal = Some(*version);
                continue;
            }
            differing.push(*version);
            if theirs.is_some() && theirs.as_ref() == self.kept.commits.get(version) {
                changed_here.get_or_insert(*version);
            }
        }
        let Some(first) = differing.first().copied() else { return Ok(()) };
        if self.is_another_table(at_destination, state) {
            found.status = ObjectStatus::Lagging;
            found.message = Some(format!(
                "{} was recreated. The replica still has the table from before, until the next cycle.",
                self.source.display("")
            ));
            return Ok(());
        }
        if let Some(version) = changed_here {
            return Err(DeltaError::ChangedSource {
                table: self.source.display(""),
                path: commit_path(version),
                class: ErrorClass::CorruptLog,
            });
        }
        let replica = self.replica.display("");
        // Histories that part never meet again, so an equal commit above means that single files were damaged.
        if last_equal.is_some_and(|equal| equal > first) || !at_destination.commits.contains_key(&first) {
            let path = commit_path(first);
            found.damaged = differing.iter().map(|version| commit_path(*version)).collect();
            found.differ(
                ObjectStatus::Drifted,
                ErrorClass::Drift,
                &[("version", first.to_string()), ("path", path.clone())],
                format!("{replica} differs from its source in {path}. {}", ErrorClass::Drift.resolution()),
            );
        } else if self.kept.commits.get(&first).is_some_and(|kept| hashes.get(&first) == Some(kept)) {
            // This very commit arrived once, so someone changed the replica's file since.
            let path = commit_path(first);
            let arrived = |version: &&i64| self.kept.commits.contains_key(*version);
            found.damaged = differing.iter().take_while(arrived).map(|version| commit_path(*version)).collect();
            found.strayed = found.damaged.len() < differing.len();
            found.differ(
                ObjectStatus::Drifted,
                ErrorClass::Drift,
                &[("version", first.to_string()), ("path", path.clone())],
                format!(
                    "{replica} has other bytes in {path} than were copied there. {}",
                    ErrorClass::Drift.resolution()
                ),
            );
        } else {
            let error = DeltaError::SplitBrain { table: replica, version: first };
            found.strayed = true;
            found.status = ObjectStatus::Drifted;
            found.class = Some(error.class());
            found.parameters = error.parameters();
            found.message = Some(error.to_string());
        }
        Ok(())
    }

    /// Whether the replica holds another table than the source does now.
    fn is_another_table(&self, at_destination: &Log, state: &LogState<'_>) -> bool {
        let newest = at_destination.newest(None);
        let metadata = newest.and_then(|version| state_at(&*self.replica, at_destination, version).ok()?.1);
        metadata.is_some_and(|metadata| metadata.id != state.position.table_id)
    }
}

/// Says which table feature keeps a reader from checking the rows of a replica that is equal byte for byte.
fn readable(found: &mut Comparison, state: &LogState<'_>) {
    if let Some(feature) = state.inventory.protocol.as_ref().and_then(unreadable_feature) {
        found.status = ObjectStatus::Unverifiable;
        found.parameters.insert("feature".to_owned(), feature.clone());
        found.message = Some(format!(
            "Log and files are equal byte for byte. Rows weren't checked, because the reader doesn't support the table feature {feature}."
        ));
    }
}

/// The first reader feature that `delta_kernel` cannot read; a protocol version counts as one.
fn unreadable_feature(protocol: &Protocol) -> Option<String> {
    const READABLE: [&str; 12] = [
        "columnMapping",
        "deletionVectors",
        "timestampNtz",
        "timestampWithoutTimezone",
        "typeWidening",
        "typeWidening-preview",
        "v2Checkpoint",
        "vacuumProtocolCheck",
        "variantType",
        "variantType-preview",
        "variantShredding",
        "variantShredding-preview",
    ];
    if !(1..=3).contains(&protocol.min_reader_version) {
        return Some(format!("minReaderVersion {}", protocol.min_reader_version));
    }
    let mut features = protocol.reader_features.iter().flatten();
    features.find(|feature| !READABLE.contains(&feature.as_str())).cloned()
}
