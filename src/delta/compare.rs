//! Whether a replica equals its source.

mod files;

use super::log::{Log, Picture, Protocol, commit_path, read_commit, read_picture};
use super::place::{self, Place};
use super::{DeltaError, FileRecord, TableRoot};
use crate::domain::{ErrorClass, ObjectStatus};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How to compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompareOptions {
    /// Compares no version above this one.
    pub up_to: Option<i64>,
    /// Reads and hashes every file of the replica again.
    pub deep: bool,
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
    /// Files of the replica that lack or differ; copied again when handed to [`super::plan`] as `recopy`.
    pub damaged: Vec<String>,
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
        }
    }

    fn differ(&mut self, status: ObjectStatus, class: ErrorClass, parameters: &[(&str, String)], message: String) {
        self.status = status;
        self.class = Some(class);
        self.parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.message = Some(message);
    }
}

/// Compares version, commit hashes, file list, sizes, and with `options.deep` the files' bytes. `kept` is what the
/// ledger keeps of the replica's files, by decoded path.
pub async fn compare(
    source: &TableRoot,
    destination: &TableRoot,
    kept: &HashMap<String, FileRecord>,
    options: CompareOptions,
) -> Comparison {
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
    kept: HashMap<String, FileRecord>,
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
        let log = Log::list(&*self.source, 0)?;
        found.source_version = log.newest(self.options.up_to);
        let there = Log::list(&*self.replica, 0)?;
        found.replica_version = there.newest(self.options.up_to);
        let newest = found.source_version.map_or_else(|| log.newest_of(&table), Ok)?;
        let Some(last) = found.replica_version else {
            found.status = ObjectStatus::Missing;
            found.message = Some(format!("{} has no table yet.", self.replica.display("")));
            return Ok(());
        };
        let mut hashes = BTreeMap::new();
        let picture = read_picture(&*self.source, &log, newest, |commit, _| {
            hashes.insert(commit.version, commit.sha256);
        })?;
        self.compare_commits(found, &hashes, &there, newest.min(last))?;
        if found.class.is_some() {
            return Ok(());
        }
        self.compare_files(found, &picture, &log, &there, last)?;
        if found.class.is_some() {
            return Ok(());
        }
        if last > newest {
            let replica = self.replica.display("");
            found.differ(
                ObjectStatus::Drifted,
                ErrorClass::Drift,
                &[("version", (newest + 1).to_string())],
                format!(
                    "{replica} holds version {last}, and its source only {newest}: somebody wrote to it. {}",
                    ErrorClass::Drift.resolution()
                ),
            );
        } else if last < newest {
            found.status = ObjectStatus::Lagging;
            found.message = Some(format!("The replica is at version {last}, its source at {newest}."));
        } else {
            readable(found, &picture);
        }
        Ok(())
    }

    /// Compares every commit that both retain.
    fn compare_commits(
        &self,
        found: &mut Comparison,
        hashes: &BTreeMap<i64, String>,
        there: &Log,
        upper: i64,
    ) -> Result<(), DeltaError> {
        // A replica's log is cleaned on its own; what it lacks below its first commit is no difference.
        let Some(lower) = there.commits.keys().next().copied() else { return Ok(()) };
        let (mut differing, mut last_equal) = (Vec::new(), None);
        for (version, ours) in hashes.range(lower..=upper.max(lower)) {
            match read_commit(&*self.replica, *version)? {
                Some(theirs) if &theirs.sha256 == ours => last_equal = Some(*version),
                _ => differing.push(*version),
            }
        }
        let Some(first) = differing.first().copied() else { return Ok(()) };
        let replica = self.replica.display("");
        found.damaged = differing.iter().map(|version| commit_path(*version)).collect();
        // Histories that part never meet again, so an equal commit above means that single files were damaged.
        if last_equal.is_some_and(|equal| equal > first) || !there.commits.contains_key(&first) {
            let path = commit_path(first);
            found.differ(
                ObjectStatus::Drifted,
                ErrorClass::Drift,
                &[("version", first.to_string()), ("path", path.clone())],
                format!("{replica} holds other bytes than its source in {path}. {}", ErrorClass::Drift.resolution()),
            );
        } else {
            found.damaged.clear();
            let error = DeltaError::SplitBrain { table: replica, version: first };
            found.status = ObjectStatus::Drifted;
            found.class = Some(error.class());
            found.parameters = error.parameters();
            found.message = Some(error.to_string());
        }
        Ok(())
    }
}

/// Says which table feature keeps a reader from checking the rows of a replica that is equal byte for byte.
fn readable(found: &mut Comparison, picture: &Picture<'_>) {
    if let Some(feature) = picture.inventory.protocol.as_ref().and_then(unreadable_feature) {
        found.status = ObjectStatus::Unverifiable;
        found.parameters.insert("feature".to_owned(), feature.clone());
        found.message = Some(format!(
            "Log and files are equal byte for byte; the rows were not checked, because the reader lacks the table feature {feature}."
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
