//! One cheap look: has a table moved since its remembered position?

use super::log::{LOG, LogName, commit_path, next_commit_path, sha256_hex};
use super::place::{self, stat_file, storage_error};
use super::{Position, TableFault, TableRoot};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The table is where it was.
    Same,
    /// Something is newer, or other, than remembered: plan it.
    Changed,
}

/// Looks at a table with at most one listing (object store) or two stats (local disk); parses nothing.
pub async fn has_changed(source: &TableRoot, known: &Position) -> Result<Change, TableFault> {
    match source {
        TableRoot::Local(path) => {
            let (path, known) = (path.clone(), known.clone());
            place::blocking(source, move || look_at(&path, &known)).await
        }
        TableRoot::Ratified { .. } => {
            let (place, known) = (place::open(source), known.clone());
            place::blocking(source, move || {
                let listed = place.list(LOG, Some(&format!("{:020}", known.version)))?;
                let newest = listed.iter().filter_map(|entry| match LogName::parse(&entry.name) {
                    LogName::Commit(version) => Some(version),
                    _ => None,
                });
                let same = newest.max() == Some(known.version)
                    && place.stat(&commit_path(known.version))?.is_some_and(|stamp| stamp.matches(&known.stamp));
                Ok(if same { Change::Same } else { Change::Changed })
            })
            .await
        }
        TableRoot::Remote { .. } => {
            let (place, known) = (place::open(source), known.clone());
            place::blocking(source, move || {
                let mut same = false;
                for entry in place.list(LOG, Some(&format!("{:020}", known.version)))? {
                    match LogName::parse(&entry.name) {
                        LogName::Commit(version) if version > known.version => return Ok(Change::Changed),
                        LogName::Commit(version) if version == known.version => {
                            same = entry.stamp.is_some_and(|stamp| stamp.matches(&known.stamp))
                        }
                        _ => {}
                    }
                }
                Ok(if same { Change::Same } else { Change::Changed })
            })
            .await
        }
    }
}

/// What the log of a table looks like from outside: as long as it stays the same, so does what a plan finds in the log.
pub async fn log_fingerprint(root: &TableRoot) -> Result<String, TableFault> {
    if let TableRoot::Local(path) = root {
        // A folder's times change whenever a name in it does.
        let folder = path.join(LOG);
        let metadata =
            std::fs::metadata(&folder).map_err(|error| TableFault::from(storage_error("look at", &folder, &error)))?;
        return Ok(format!("{} {} {}", metadata.mtime(), metadata.mtime_nsec(), metadata.ino()));
    }
    let place = place::open(root);
    place::blocking(root, move || {
        let mut names: Vec<String> =
            place.list(LOG, None)?.into_iter().map(|entry| format!("{} {:?}", entry.name, entry.stamp)).collect();
        names.sort();
        Ok(sha256_hex(names.join("\n").as_bytes()))
    })
    .await
}

/// [`has_changed`] for a local disk, for a caller that looks at thousands of tables from one blocking thread.
pub fn has_changed_local(root: &Path, known: &Position) -> Result<Change, TableFault> {
    look_at(root, known).map_err(TableFault::from)
}

fn look_at(root: &Path, known: &Position) -> Result<Change, super::DeltaError> {
    let stat = |rel: String| stat_file(&root.join(rel));
    let same = stat(commit_path(known.version))?.is_some_and(|stamp| stamp.matches(&known.stamp))
        && next_commit_path(known.version).map(stat).transpose()?.flatten().is_none();
    Ok(if same { Change::Same } else { Change::Changed })
}
