//! Where a table is, and what was committed to it.

use super::copy::hash_with_fingerprint;
use super::log::{Action, Commit, CommitInfo, Log, Metadata, read_commit, state_at};
use super::place::{self, Place};
use super::{DeltaError, Position, TableFault, TableRoot, pool};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Logs listed at a time.
const PARALLEL_LISTS: usize = 16;
/// Stands for no version.
const NONE: i64 = -1;

/// A table's newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// The version.
    pub version: i64,
    /// When it was committed, in milliseconds since 1970.
    pub time_ms: i64,
    /// The sha256 of the commit file in hex.
    pub sha256: String,
    /// The same as a position, to go on from.
    pub position: Position,
}

/// One commit in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitSummary {
    /// Its version.
    pub version: i64,
    /// When it was committed, in milliseconds since 1970.
    pub time_ms: i64,
    /// Rows in the files that it added, where every file's statistics tell.
    pub rows_added: Option<u64>,
    /// Bytes in the files that it added.
    pub bytes_added: u64,
}

/// The newest version of a table; None if there is no log.
pub async fn latest(root: &TableRoot) -> Result<Option<Latest>, TableFault> {
    let table = root.clone();
    let found = place::blocking(root, move || {
        let place = place::open(&table);
        let log = Log::list(&*place, 0)?;
        log.newest(None).map(|version| position_at(&*place, &log, version)).transpose()
    });
    Ok(found.await?.map(|position| Latest {
        version: position.version,
        time_ms: position.time_ms,
        sha256: position.sha256.clone(),
        position,
    }))
}

/// The newest version of many tables, each from nothing but its log's names; None if there is no log, or where it
/// cannot be listed. In the order of `tables`.
pub async fn newest_versions(tables: Arc<Vec<TableRoot>>) -> Vec<Option<i64>> {
    let count = tables.len();
    let work = move || {
        let places: Vec<_> = tables.iter().map(|table| (place::open(table), AtomicI64::new(NONE))).collect();
        pool::each(&places, PARALLEL_LISTS, |(place, found)| {
            let newest = Log::list(&**place, 0).ok().and_then(|log| log.newest(None));
            found.store(newest.unwrap_or(NONE), Ordering::Relaxed);
        });
        let found = places.into_iter().map(|(_, found)| found.into_inner());
        found.map(|version| (version != NONE).then_some(version)).collect()
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| vec![None; count])
}

/// The position of a table at `version`, which must be there.
pub(super) fn position_at(place: &dyn Place, log: &Log, version: i64) -> Result<Position, DeltaError> {
    let (_, metadata) = state_at(place, log, version)?;
    position_with(place, log, version, metadata.as_ref())
}

/// [`position_at`] for a caller that knows the metadata in force.
pub(super) fn position_with(
    place: &dyn Place,
    log: &Log,
    version: i64,
    metadata: Option<&Metadata>,
) -> Result<Position, DeltaError> {
    let table = place.display("");
    let missing = || DeltaError::MissingAction { table: table.clone(), action: "metaData", version };
    let table_id = metadata.ok_or_else(missing)?.id.clone();
    if let Some(commit) = read_commit(place, version)? {
        let time_ms = match summarize(place, &commit) {
            // Readers begin with the checkpoint of the same version.
            Err(DeltaError::CorruptCommit { .. }) if log.checkpoints.contains_key(&version) => commit.time_ms(None),
            summary => summary?.time_ms,
        };
        return Ok(Position { version, sha256: commit.sha256, table_id, time_ms, stamp: commit.stamp });
    }
    let gap = || DeltaError::LogGap { table: table.clone(), missing: version, newest: version };
    let path = log.checkpoints.get(&version).and_then(|all| all.first()?.paths().next()).ok_or_else(gap)?;
    let (_, sha256, stamp) = hash_with_fingerprint(place, &path)?.ok_or_else(gap)?;
    Ok(Position { version, sha256, table_id, time_ms: stamp.modified_ms(), stamp })
}

/// A commit in numbers.
pub(super) fn summarize(place: &dyn Place, commit: &Commit) -> Result<CommitSummary, DeltaError> {
    let mut info: Option<Box<CommitInfo>> = None;
    let mut rows = Some(0_u64);
    let mut bytes = 0;
    commit.actions(place, |action| {
        match action {
            Action::CommitInfo(found) => info = info.take().or(Some(found)),
            Action::Add(add) => {
                bytes = u64::saturating_add(bytes, add.size());
                rows = rows.zip(add.rows()).map(|(sum, rows)| sum.saturating_add(rows));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(CommitSummary {
        version: commit.version,
        time_ms: commit.time_ms(info.as_deref()),
        rows_added: rows,
        bytes_added: bytes,
    })
}

/// The commits above `version`, in order.
pub async fn commits_since(root: &TableRoot, version: i64) -> Result<Vec<CommitSummary>, TableFault> {
    let table = root.clone();
    place::blocking(root, move || {
        let place = place::open(&table);
        let log = Log::list(&*place, version.max(0))?;
        let mut found = Vec::new();
        for version in log.commits.range((Bound::Excluded(version), Bound::Unbounded)).map(|(version, _)| *version) {
            if let Some(commit) = read_commit(&*place, version)? {
                found.push(summarize(&*place, &commit)?);
            }
        }
        Ok(found)
    })
    .await
}

/// The highest version whose commit is byte-equal in both; None if there is none.
pub async fn common_version(a: &TableRoot, b: &TableRoot) -> Result<Option<i64>, TableFault> {
    let (left, right) = (a.clone(), b.clone());
    place::blocking(a, move || {
        let (left, right) = (place::open(&left), place::open(&right));
        let (left_log, right_log) = (Log::list(&*left, 0)?, Log::list(&*right, 0)?);
        common(&*left, &left_log, &*right, &right_log)
    })
    .await
}

/// The highest version whose commit is byte-equal in both. Logs that once were one differ from some version on, so the
/// search halves.
pub(super) fn common(
    left: &dyn Place,
    left_log: &Log,
    right: &dyn Place,
    right_log: &Log,
) -> Result<Option<i64>, DeltaError> {
    let both: Vec<i64> =
        left_log.commits.keys().filter(|version| right_log.commits.contains_key(version)).copied().collect();
    let (mut low, mut high) = (0, both.len());
    while let Some(version) = both.get(low..high).and_then(|range| range.get(range.len() / 2)) {
        let middle = low + (high - low) / 2;
        let ours = read_commit(left, *version)?.map(|commit| commit.sha256);
        let theirs = read_commit(right, *version)?.map(|commit| commit.sha256);
        if ours.is_some() && ours == theirs { low = middle + 1 } else { high = middle }
    }
    Ok(low.checked_sub(1).and_then(|index| both.get(index)).copied())
}
