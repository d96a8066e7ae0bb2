//! Mends single files of a replica from its source, where the ledger says that the source's are the right ones.

use super::compare::Kept;
use super::copy::{Outcome, copy};
use super::log::{LOG, LogName};
use super::place::{self, LocalPlace, Mode, Place};
use super::{DeltaError, TableFault, TableRoot, Transfer};
use std::path::PathBuf;

/// What a repair did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Files that the replica has again as they were copied once.
    pub mended: Vec<String>,
    /// Files left as they are, because the source's are not what was copied either, or are gone.
    pub unmendable: Vec<String>,
}

/// Makes folders, which end in a slash, and copies `damaged` files of `destination` again: staged, hashed against what the
/// ledger keeps, synced, then exchanged in one step each. A file of the source that is not what was copied once never gets in.
pub async fn repair(
    source: &TableRoot,
    destination: &TableRoot,
    damaged: &[String],
    kept: &Kept,
) -> Result<Repaired, TableFault> {
    let (from, to, kept) = (source.clone(), destination.clone(), kept.clone());
    let mut damaged = damaged.to_vec();
    // Data before the log that names it, and commits last.
    damaged.sort_by_key(|path| (path.starts_with(LOG), version_of(path).is_some()));
    place::blocking(destination, move || {
        let (from, to) = (place::open(&from), place::open(&to));
        let mut repaired = Repaired::default();
        for path in damaged {
            let mended = mend(&*from, &*to, &path, &kept)?;
            if mended { repaired.mended.push(path) } else { repaired.unmendable.push(path) }
        }
        Ok(repaired)
    })
    .await
}

/// The version of a commit file; None for any other.
fn version_of(path: &str) -> Option<i64> {
    match LogName::parse(path.strip_prefix(LOG)?.strip_prefix('/')?) {
        LogName::Commit(version) => Some(version),
        _ => None,
    }
}

fn mend(source: &dyn Place, target: &dyn Place, path: &str, kept: &Kept) -> Result<bool, DeltaError> {
    if let Some(folder) = path.strip_suffix('/') {
        let Some(local) = target.local() else { return Ok(false) };
        local.make_folder(&local.root().join(folder))?;
        target.sync(&[])?;
        return Ok(local.root().join(folder).is_dir());
    }
    let Outcome::Copied(copied) = copy(source, target, path, &Transfer::default())? else { return Ok(false) };
    let expected = match version_of(path) {
        Some(version) => kept.commits.get(&version),
        None => kept.files.get(path).map(|file| &file.sha256),
    };
    // Dropped before it is published, what was staged leaves nothing behind.
    if expected.is_some_and(|expected| *expected != copied.sha256) {
        return Ok(false);
    }
    let local: Vec<&LocalPlace> = target.local().into_iter().collect();
    let staged: Vec<PathBuf> = copied.staged.local_path().map(PathBuf::from).into_iter().collect();
    place::sync_batch(&staged, &local)?;
    copied.staged.publish(Mode::Replace)?;
    target.sync(&[path.to_owned()])?;
    Ok(true)
}
