//! What is kept and for how long: rows for a year, files and commits that are not needed any more for a day.

use super::table::{Change, LiveFile, before};
use super::{SystemTableError, Table, log};
use crate::domain::Timestamp;
use chrono::TimeDelta;
use std::collections::BTreeSet;
use std::time::SystemTime;

/// How long rows are kept.
const KEPT: TimeDelta = TimeDelta::days(365);
/// How long a file stays that the newest version does not need: a reader may have opened the table a while ago.
const GRACE: TimeDelta = TimeDelta::days(1);
/// Between two clean-ups.
const EVERY: TimeDelta = TimeDelta::hours(1);

impl Table {
    /// Cleans up once an hour, and when the table has just been opened.
    pub(super) fn tidy_when_due(&mut self, now: Timestamp) -> Result<(), SystemTableError> {
        if self.tidied.is_some_and(|last| now - last < EVERY) {
            return Ok(());
        }
        self.tidied = Some(now);
        self.merge_past_days(now)?;
        self.drop_old_rows(now)?;
        self.remove_unneeded_files(now)?;
        log::clean(&self.folder, before(now, GRACE))?;
        Ok(())
    }

    /// Drops the files of which every row is older than a year.
    fn drop_old_rows(&mut self, now: Timestamp) -> Result<(), SystemTableError> {
        let oldest = before(now, KEPT);
        let is_old = |file: &&LiveFile| file.range.is_some_and(|range| range.last < oldest);
        let removed: Vec<LiveFile> = self.files.iter().filter(is_old).cloned().collect();
        if removed.is_empty() {
            return Ok(());
        }
        self.commit(Change { operation: "DELETE", added: Vec::new(), removed, data_change: true }, now)
    }

    /// Removes the data files that have not been part of the table for a day, and what a killed process left.
    fn remove_unneeded_files(&mut self, now: Timestamp) -> Result<(), SystemTableError> {
        let cutoff = SystemTime::from(before(now, GRACE));
        let live: BTreeSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        for (path, name) in log::list(&self.folder)? {
            if !name.ends_with(".parquet") || live.contains(name.as_str()) {
                continue;
            }
            // A file's time is that of its removal: it is set again just before the commit that removes the file.
            let is_old = path.metadata().and_then(|m| m.modified()).is_ok_and(|time| time < cutoff);
            if is_old {
                std::fs::remove_file(&path).map_err(SystemTableError::disk("removed", &path))?;
            }
        }
        Ok(())
    }
}
