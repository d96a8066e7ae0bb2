//! Merging files of one day, so that a year of rows lies in some hundred files.

use super::data_file::NewFile;
use super::table::{Change, LiveFile};
use super::{SystemTableError, Table};
use crate::domain::Timestamp;
use chrono::NaiveDate;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::fs::File;

/// A file with fewer rows is small.
const SMALL_ROWS: u64 = 8_192;
/// Small files of a day that are merged into one.
const SMALL_FILES: usize = 32;
/// Most rows of one file, which bounds what a reader must open at once.
const MOST_ROWS: u64 = 1_000_000;
/// Rows that are in memory while files are merged.
const BATCH_ROWS: usize = 8_192;

impl Table {
    fn days(&self) -> BTreeMap<NaiveDate, Vec<LiveFile>> {
        let mut days: BTreeMap<NaiveDate, Vec<LiveFile>> = BTreeMap::new();
        for file in &self.files {
            if let Some(day) = file.range.and_then(|range| range.day()) {
                days.entry(day).or_default().push(file.clone());
            }
        }
        days
    }

    /// Merges the small files of a day once there are many.
    pub(super) fn merge_small_files(&mut self, now: Timestamp) -> Result<(), SystemTableError> {
        if self.files.len() < SMALL_FILES {
            return Ok(());
        }
        for (day, mut files) in self.days() {
            files.retain(|file| file.rows < SMALL_ROWS);
            if files.len() >= SMALL_FILES {
                self.merge(day, files, now)?;
            }
        }
        Ok(())
    }

    /// Merges all files of each day that is over.
    pub(super) fn merge_past_days(&mut self, now: Timestamp) -> Result<(), SystemTableError> {
        for (day, mut files) in self.days().into_iter().filter(|(day, _)| *day < now.date_naive()) {
            files.retain(|file| file.rows < MOST_ROWS);
            if files.len() > 1 {
                self.merge(day, files, now)?;
            }
        }
        Ok(())
    }

    /// Puts the rows of `files` into as few files as they fit in.
    fn merge(&mut self, day: NaiveDate, mut files: Vec<LiveFile>, now: Timestamp) -> Result<(), SystemTableError> {
        // In the order of their times, so that a reader can skip most of the merged file.
        files.sort_by_key(|file| file.range.map(|range| (range.first, range.last)));
        let mut added = Vec::new();
        let (mut file, mut rows) = (self.begin(day)?, 0);
        for source in &files {
            let path = self.folder.join(&source.path);
            if rows > 0 && rows + source.rows > MOST_ROWS {
                added.push(std::mem::replace(&mut file, self.begin(day)?).finish()?);
                rows = 0;
            }
            let failed = SystemTableError::data_file(&path);
            let opened = File::open(&path).map_err(SystemTableError::disk("read", &path))?;
            let reader = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(&failed)?;
            for batch in reader.with_batch_size(BATCH_ROWS).build().map_err(&failed)? {
                let batch = batch.map_err(SystemTableError::data_file(&path))?;
                // Names and nullability of nested fields as the schema has them, whichever program wrote the file.
                file.add(&super::history::shaped(&batch, &self.schema, &path)?)?;
            }
            rows += source.rows;
        }
        added.push(file.finish()?);
        fail::fail_point!("system_tables.before_merge_commit");
        self.commit(Change { operation: "OPTIMIZE", added, removed: files, data_change: false }, now)
    }

    fn begin(&self, day: NaiveDate) -> Result<NewFile, SystemTableError> {
        NewFile::begin(&self.folder, self.name, day, self.schema.clone())
    }
}
