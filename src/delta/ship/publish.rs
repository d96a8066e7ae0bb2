//! Makes what was copied visible: commits in order, then what hints at them.

use super::load::Load;
use super::swap;
use crate::delta::log::{commit_path, read_commit};
use crate::delta::place::{Mode, Put};
use crate::delta::shipment::{Generation, PlannedCommit};
use crate::delta::{CommitRecord, DeltaError, Position, StorageClock, Transfer};
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Load {
    /// Publishes the commits. Stops between two of them when asked.
    pub fn publish_commits(&self, transfer: &Transfer) -> Result<(), DeltaError> {
        if self.state().position.is_some() {
            return Ok(());
        }
        if self.shipment.generation == Generation::New && self.target().local().is_none() {
            swap::clear_log(self.target())?;
        }
        // What a version without a commit of its own names.
        self.exchange_data(self.shipment.commits.first().map_or(i64::MAX, |first| first.version.saturating_sub(1)))?;
        // The checkpoint that a cleaned log begins with: before it, no commit above it can be read.
        self.publish_log_files(true)?;
        for (index, commit) in self.shipment.commits.iter().enumerate() {
            if transfer.stop.load(Ordering::Relaxed) {
                return self.stop_at(index);
            }
            if index > 0 {
                fail::fail_point!("delta.between_commits");
            }
            self.exchange_data(commit.version)?;
            self.publish_commit(commit, &transfer.clock)?;
        }
        self.state().position = Some(self.shipment.position.clone());
        Ok(())
    }

    /// Puts the files in place that versions up to `version` name and that take the place of others.
    ///
    /// Where a path was removed before it was added again, no version that is the newest by now names it, so that readers
    /// of the newest version never see bytes of another time. Readers of older versions do, as they do at the source.
    fn exchange_data(&self, version: i64) -> Result<(), DeltaError> {
        let staged: Vec<(String, _)> = self.state().staged_data.extract_if(|_, (at, ..)| *at <= version).collect();
        let mut paths = Vec::with_capacity(staged.len());
        for (path, (_, staged, record)) in staged {
            staged.publish(Mode::Replace)?;
            self.state().files.insert(path.clone(), Some(record));
            paths.push(path);
        }
        if paths.is_empty() { Ok(()) } else { self.target().sync(&paths) }
    }

    fn stop_at(&self, index: usize) -> Result<(), DeltaError> {
        let Some(last) = index.checked_sub(1).and_then(|last| self.shipment.commits.get(last)) else {
            return Err(DeltaError::Stopped { table: self.shipment.destination.display() });
        };
        self.state().position = Some(Position {
            version: last.version,
            sha256: last.sha256.clone(),
            table_id: self.shipment.position.table_id.clone(),
            time_ms: last.time_ms,
            stamp: last.stamp.clone(),
        });
        Ok(())
    }

    fn publish_commit(&self, commit: &PlannedCommit, clock: &StorageClock) -> Result<(), DeltaError> {
        let split = || DeltaError::SplitBrain { table: self.shipment.destination.display(), version: commit.version };
        let staged = self.state().staged_commits.remove(&commit.version).ok_or_else(split)?;
        let since = Instant::now();
        if staged.publish(Mode::Create)? == Put::Exists {
            // Our own, when an earlier answer was lost. Anything else was written by someone else.
            let there = read_commit(self.target(), commit.version)?;
            if there.is_none_or(|there| there.sha256 != commit.sha256) {
                return Err(split());
            }
        } else {
            clock.look_at_put(self.target(), &commit_path(commit.version), since);
        }
        let mut state = self.state();
        state.published.extend(self.target().local().map(|place| place.root().join(commit_path(commit.version))));
        state.commits.push(CommitRecord {
            version: commit.version,
            time_ms: commit.time_ms,
            sha256: commit.sha256.clone(),
        });
        Ok(())
    }

    fn publish_log_files(&self, first: bool) -> Result<(), DeltaError> {
        // In planned order: sidecars stand before the checkpoint that names them.
        for file in self.shipment.log_files.iter().filter(|file| file.first == first) {
            let staged = self.state().staged_log.remove(&file.path);
            if let Some((staged, record)) = staged
                && self.has_all(&file.sidecars)?
            {
                staged.publish(Mode::Replace)?;
                let mut state = self.state();
                state.published.extend(self.target().local().map(|place| place.root().join(&file.path)));
                state.log_files.push(record);
            }
        }
        Ok(())
    }

    /// Whether the destination holds all of these files.
    fn has_all(&self, paths: &[String]) -> Result<bool, DeltaError> {
        for path in paths {
            if self.target().stat(path)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Publishes what readers can do without, and puts a new generation in its place.
    pub fn publish_rest(&self) -> Result<(), DeltaError> {
        if !self.is_complete() {
            // A checkpoint above the last commit would show a version that is not there yet.
            return if self.shipment.generation == Generation::New {
                Err(DeltaError::Stopped { table: self.shipment.destination.display() })
            } else {
                Ok(())
            };
        }
        self.publish_log_files(false)?;
        fail::fail_point!("delta.before_last_checkpoint");
        let hint = self.state().staged_hint.take();
        if let Some(hint) = hint {
            let log_files = self.shipment.log_files.iter().map(|file| &file.path);
            let checkpoints: Vec<String> = log_files.filter(|path| path.contains(".checkpoint.")).cloned().collect();
            // One that vanished at the source must not be pointed at.
            if self.has_all(&checkpoints)? {
                hint.publish(Mode::Replace)?;
            }
        }
        if self.shipment.generation == Generation::New {
            swap::put_in_place(&self.shipment)?;
        }
        Ok(())
    }
}
