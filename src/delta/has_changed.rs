//! One cheap look: has a table moved since its remembered position?

use super::log::{LOG, LogName, commit_path, next_commit_path, sha256_hex};
use super::place::{self, stat_file, storage_error};
use super::{Position, TableFault, TableRoot};
use std::hash::{DefaultHasher, Hash, Hasher};
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

impl Change {
    fn of(same: bool) -> Self {
        if same { Self::Same } else { Self::Changed }
    }
}

/// What one look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether commits came.
    pub change: Change,
    /// A print of what lies beside the commits: checkpoints come after theirs, or are written again. Only for a comparison
    /// with an earlier look at the same position.
    pub beside: u64,
}

/// Looks at a table with at most one listing (object store) or four stats (local disk); parses nothing.
pub async fn look(source: &TableRoot, known: &Position) -> Result<Look, TableFault> {
    let known = known.clone();
    if let TableRoot::Local(path) = source {
        let path = path.clone();
        return place::blocking(source, move || look_at(&path, &known)).await;
    }
    let (place, is_ratified) = (place::open(source), matches!(source, TableRoot::Ratified { .. }));
    place::blocking(source, move || {
        let listed = place.list(LOG, Some(&format!("{:020}", known.version)))?;
        let (mut newest, mut stamp, mut beside) = (None, None, Vec::new());
        for entry in listed {
            match LogName::parse(&entry.name) {
                LogName::Commit(version) => {
                    if version == known.version {
                        stamp = entry.stamp;
                    }
                    newest = newest.max(Some(version));
                }
                _ => beside.push((entry.name, entry.stamp)),
            }
        }
        // A catalog's commits are listed by name alone.
        if is_ratified && newest == Some(known.version) {
            stamp = place.stat(&commit_path(known.version))?;
        }
        beside.sort_by(|a, b| a.0.cmp(&b.0));
        let same = newest == Some(known.version) && stamp.is_some_and(|stamp| stamp.matches(&known.stamp));
        Ok(Look { change: Change::of(same), beside: print(&beside) })
    })
    .await
}

/// Whether commits came since the remembered position; see [`look`].
pub async fn has_changed(source: &TableRoot, known: &Position) -> Result<Change, TableFault> {
    look(source, known).await.map(|look| look.change)
}

fn print(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
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

/// [`look`] at a local disk, for a caller that looks at thousands of tables from one blocking thread.
pub fn look_local(root: &Path, known: &Position) -> Result<Look, TableFault> {
    look_at(root, known).map_err(TableFault::from)
}

fn look_at(root: &Path, known: &Position) -> Result<Look, super::DeltaError> {
    let stat = |rel: String| stat_file(&root.join(rel));
    let same = stat(commit_path(known.version))?.is_some_and(|stamp| stamp.matches(&known.stamp))
        && next_commit_path(known.version).map(stat).transpose()?.flatten().is_none();
    // A folder's times change whenever a name in it does. A checkpoint that is written over in place shows by the hint,
    // which is written with it.
    let folder =
        std::fs::metadata(root.join(LOG)).ok().map(|folder| (folder.mtime(), folder.mtime_nsec(), folder.ino()));
    let hint = stat(format!("{LOG}/_last_checkpoint"))?;
    Ok(Look { change: Change::of(same), beside: print(&(folder, hint)) })
}
