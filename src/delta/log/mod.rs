//! What lies in a `_delta_log` folder, read without knowing any table feature.

mod actions;
mod checkpoint;
mod commit;
mod inventory;
mod lenient;
mod lines;
mod log_state;
mod name;
mod nesting;
mod odd_json;
mod parquet_deltas;
mod parquet_guard;
mod path;
mod raw;
mod schema;
mod thrift;

pub(super) use actions::{Action, CommitInfo, Metadata, Protocol, parse_commit};
pub(super) use checkpoint::{CheckpointFiles, read_checkpoint};
pub(super) use commit::{Commit, read_commit, sha256_hex};
pub(super) use inventory::{Inventory, Named, catalog_feature, live_print, state_at};
pub(super) use lines::read_actions;
pub(super) use log_state::{LogState, Past, read_log_state};
pub(super) use name::{Checkpoint, LOG, LogName, commit_path, crc_path, hint_version, next_commit_path};
pub use parquet_guard::{check_footer, check_pages};
pub(super) use parquet_guard::{guarded, open_parquet};
pub(super) use path::{deletion_vector, resolve};
pub(super) use raw::{RawKey, RawState, apply_files, find_txn, raw_commit, raw_live, raw_state_at};

#[cfg(test)]
pub(super) use actions::{DeletionVector, FileAction};

use super::DeltaError;
use super::place::{Listed, Place};
use super::position::FileFingerprint;
use std::collections::{BTreeMap, BTreeSet};

/// The names in a log, sorted by what they are.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Commits by version, with their stamps where the listing told them.
    pub commits: BTreeMap<i64, Option<FileFingerprint>>,
    /// Complete checkpoints by version, without those that hold nothing.
    pub checkpoints: BTreeMap<i64, Vec<Checkpoint>>,
    pub crcs: BTreeSet<i64>,
    /// Compacted commits, first and last version.
    pub compacted: Vec<(i64, i64)>,
    pub has_hint: bool,
    /// Stamps of files that aren't commits, by name, where the listing told them.
    pub stamps: BTreeMap<String, FileFingerprint>,
    is_there: bool,
}

/// From what one version of a table is built.
#[derive(Debug)]
pub(super) struct Base<'a> {
    /// Read first; None when the commits reach down to 0.
    pub checkpoint: Option<&'a Checkpoint>,
    /// Then these commits, in order; may be empty.
    pub commits: std::ops::RangeInclusive<i64>,
}

impl Log {
    /// Reads the names from version `from` on.
    pub fn list(place: &dyn Place, from: i64) -> Result<Self, DeltaError> {
        let listed = place.list(LOG, Some(&format!("{from:020}")))?;
        let mut log = Self { is_there: !listed.is_empty(), ..Self::default() };
        let mut parts: BTreeMap<(i64, u32), BTreeSet<u32>> = BTreeMap::new();
        for entry in listed {
            let name = LogName::parse(&entry.name);
            if let LogName::Checkpoint(version)
            | LogName::CheckpointPart { version, .. }
            | LogName::Compacted { last: version, .. } = name
                && version >= from
                && is_empty(place, &entry)?
            {
                continue;
            }
            if let (Some(stamp), LogName::Checkpoint(_) | LogName::CheckpointPart { .. } | LogName::Compacted { .. }) =
                (&entry.stamp, &name)
            {
                log.stamps.insert(entry.name.clone(), stamp.clone());
            }
            match name {
                LogName::Commit(version) => {
                    log.commits.insert(version, entry.stamp);
                }
                LogName::Checkpoint(version) => log.add_checkpoint(version, vec![entry.name]),
                LogName::CheckpointPart { version, part, of } => {
                    parts.entry((version, of)).or_default().insert(part);
                }
                LogName::Crc(version) => {
                    log.crcs.insert(version);
                }
                LogName::Compacted { first, last } => log.compacted.push((first, last)),
                LogName::Hint => log.has_hint = true,
                LogName::Other => {}
            }
        }
        for ((version, of), found) in parts {
            // Only a checkpoint with all its parts is one.
            if found.len() as u64 == u64::from(of) && found.first() == Some(&1) && found.last() == Some(&of) {
                let names = (1..=of).map(|part| format!("{version:020}.checkpoint.{part:010}.{of:010}.parquet"));
                log.add_checkpoint(version, names.collect());
            }
        }
        log.compacted.sort_unstable();
        Ok(log)
    }

    fn add_checkpoint(&mut self, version: i64, names: Vec<String>) {
        let all = self.checkpoints.entry(version).or_default();
        all.push(Checkpoint { version, names });
        all.sort();
    }

    /// The newest version that is there, not above `bound`.
    pub fn newest(&self, bound: Option<i64>) -> Option<i64> {
        let bound = bound.unwrap_or(i64::MAX);
        let commit = self.commits.range(..=bound).next_back().map(|(version, _)| *version);
        let checkpoint = self.checkpoints.range(..=bound).next_back().map(|(version, _)| *version);
        commit.max(checkpoint)
    }

    /// The newest version; an error if there is none.
    pub fn newest_of(&self, table: &str) -> Result<i64, DeltaError> {
        let table = table.to_owned();
        let none = if self.is_there { DeltaError::EmptyLog { table } } else { DeltaError::NoLog { table } };
        self.newest(None).ok_or(none)
    }

    /// The version below the unbroken run of commits that ends at `version`, which itself may be the one that is missing;
    /// -1 where the run reaches down to 0. No version above `version` is asked for: there may be no such number.
    fn missing_below(&self, version: i64) -> i64 {
        let mut missing = version;
        while self.commits.contains_key(&missing) {
            missing -= 1;
        }
        missing
    }

    /// From what `version` is built; `lowest` goes back as far as it can, else the nearest checkpoint is taken.
    pub fn base(&self, version: i64, lowest: bool, table: &str) -> Result<Base<'_>, DeltaError> {
        let missing = self.missing_below(version);
        if lowest && missing == -1 {
            return Ok(Base { checkpoint: None, commits: 0..=version });
        }
        let mut usable = self.checkpoints.range(missing..=version);
        let found = if lowest { usable.next() } else { usable.next_back() };
        match found.and_then(|(at, all)| all.first().map(|checkpoint| (*at, checkpoint))) {
            Some((at, checkpoint)) => {
                let commits = if at < version { at + 1..=version } else { version..=version - 1 };
                Ok(Base { checkpoint: Some(checkpoint), commits })
            }
            None if missing == -1 => Ok(Base { checkpoint: None, commits: 0..=version }),
            None => Err(DeltaError::LogGap { table: table.to_owned(), missing, newest: version }),
        }
    }
}

/// Whether a checkpoint's or a compaction's file has no bytes. A writer that crashed leaves such a file, and readers take
/// it for none: so it is none here either, is not copied, and isn't a difference between a table and its replica.
fn is_empty(place: &dyn Place, entry: &Listed) -> Result<bool, DeltaError> {
    if let Some(stamp) = &entry.stamp {
        return Ok(stamp.size == 0);
    }
    // A disk's listing tells no size. Checkpoints are few beside commits, so that only they are looked at.
    Ok(place.stat(&format!("{LOG}/{}", entry.name))?.is_some_and(|stamp| stamp.size == 0))
}

#[cfg(test)]
pub(super) fn resolve_path(raw: &str) -> String {
    path::resolve(raw).expect("a path in the table")
}

#[cfg(test)]
pub(super) fn deletion_vector_path(vector: &DeletionVector) -> Option<String> {
    path::deletion_vector(&vector.storage_type, &vector.path_or_inline_dv).expect("a deletion vector")
}
