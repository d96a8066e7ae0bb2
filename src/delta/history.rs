//! Which versions a table's log still holds, and whether one of them can be read.

use super::log::{Log, read_checkpoint, read_commit, read_log_state, state_at};
use super::place::{self, Place};
use super::{DeltaError, TableFault, TableRoot};
use crate::domain::ErrorClass;
use std::collections::HashSet;

/// The property that writes each commit's time into the commit itself.
const IN_COMMIT_TIMESTAMPS: &str = "delta.enableInCommitTimestamps";

/// Whether one version of a table can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointCheck {
    /// Why it can't be read, as a sentence; None when it can.
    pub problem: Option<String>,
    /// Whether a reader that asks for a time, not a version, gets the same version here as at the source.
    pub by_timestamp: bool,
}

/// The lowest version that a table's log holds anything of; None if there is no log.
pub async fn oldest_version(root: &TableRoot) -> Result<Option<i64>, TableFault> {
    let table = root.clone();
    place::blocking(root, move || {
        let log = Log::list(&*place::open(&table), 0)?;
        Ok([log.commits.keys().next(), log.checkpoints.keys().next()].into_iter().flatten().min().copied())
    })
    .await
}

/// The newest version of a table, where log and live files are whole; else why it can't be shipped.
pub async fn newest_whole_version(root: &TableRoot) -> Result<i64, TableFault> {
    let table = root.clone();
    place::blocking(root, move || {
        let place = place::open(&table);
        let log = Log::list(&*place, 0)?;
        let newest = log.newest_of(&table.display())?;
        let state = read_log_state(&*place, &log, newest, |_, _| {})?;
        state.inventory.refuse_unreadable(newest)?;
        for (path, _) in state.inventory.files.iter().filter(|(_, named)| named.live) {
            if place.stat(path)?.is_none() {
                let (table, path) = (table.display(), path.to_string());
                return Err(DeltaError::MissingFile { table, path, version: newest });
            }
        }
        Ok(newest)
    })
    .await
}

/// Every file that a version which the log still holds names, checkpoints and sidecars too.
pub async fn named_files(root: &TableRoot) -> Result<HashSet<String>, TableFault> {
    let table = root.clone();
    place::blocking(root, move || {
        let place = place::open(&table);
        let log = Log::list(&*place, 0)?;
        let state = read_log_state(&*place, &log, log.newest_of(&table.display())?, |_, _| {})?;
        let mut named: HashSet<String> = state.inventory.files.keys().map(|path| path.to_string()).collect();
        for checkpoint in log.checkpoints.values().flatten() {
            let files = read_checkpoint(&*place, checkpoint, false, &mut |_, _| Ok(()))?;
            named.extend(files.sidecars.into_iter().chain(files.top));
        }
        Ok(named)
    })
    .await
}

/// Whether `version` of a table, known by its sha256, can be read whole.
pub async fn check_point(root: &TableRoot, version: i64, sha256: &str) -> Result<PointCheck, TableFault> {
    let (table, sha256) = (root.clone(), sha256.to_owned());
    place::blocking(root, move || {
        let place = place::open(&table);
        let log = Log::list(&*place, 0)?;
        let metadata = state_at(&*place, &log, version).ok().and_then(|(_, metadata)| metadata);
        let timed = metadata.is_some_and(|metadata| metadata.property(IN_COMMIT_TIMESTAMPS) == Some("true"));
        let problem = match problem(&*place, &log, version, &sha256) {
            Err(error) if error.class() == ErrorClass::LogGap => {
                Some(format!("The replica's log no longer reaches back to version {version}."))
            }
            problem => problem?,
        };
        // A local disk keeps each commit file's time, an object store gives it the time of the copy.
        Ok(PointCheck { problem, by_timestamp: timed || matches!(table, TableRoot::Local(_)) })
    })
    .await
}

fn problem(place: &dyn Place, log: &Log, version: i64, sha256: &str) -> Result<Option<String>, DeltaError> {
    if let Some(commit) = read_commit(place, version)?
        && commit.sha256 != sha256
    {
        return Ok(Some(format!("The replica now has a different commit at version {version}.")));
    }
    let state = read_log_state(place, log, version, |_, _| {})?;
    for (path, _) in state.inventory.files.iter().filter(|(_, named)| named.live) {
        if place.stat(path)?.is_none() {
            return Ok(Some(format!("The replica's log has version {version}, but its file {path} was vacuumed.")));
        }
    }
    Ok(None)
}
