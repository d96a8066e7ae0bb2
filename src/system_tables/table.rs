//! One system table: its live files, and the commits that change them.

use super::data_file::{NewFile, add_action, remove_action};
use super::log::{self, Put};
use super::{Row, SystemTableError, kernel};
use crate::domain::Timestamp;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use uuid::Uuid;

const ENGINE: &str = concat!("resilience-console/", env!("CARGO_PKG_VERSION"));
/// Commits between two checkpoints.
const CHECKPOINT_EVERY: i64 = 100;
/// How often a commit is tried against another writer's.
const MOST_TRIES: usize = 5;

/// First and last time of what a file tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeRange {
    pub first: Timestamp,
    pub last: Timestamp,
}

impl TimeRange {
    /// The range over both.
    pub fn and(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// The UTC day; None for a file that crosses midnight, which only another writer's can.
    pub fn day(&self) -> Option<NaiveDate> {
        let day = self.first.date_naive();
        (self.last.date_naive() == day).then_some(day)
    }
}

/// A file of the newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiveFile {
    /// Below the table's folder, as the log spells it.
    pub path: String,
    pub bytes: u64,
    pub rows: u64,
    /// None where another writer left no statistics.
    pub range: Option<TimeRange>,
}

/// A system table that is open for writing. One process writes it, the one that holds the data dir.
pub struct Table {
    pub(super) folder: PathBuf,
    pub(super) name: &'static str,
    pub(super) schema: SchemaRef,
    pub(super) files: Vec<LiveFile>,
    pub(super) tidied: Option<Timestamp>,
    scratch: PathBuf,
    version: i64,
    checkpoint: i64,
}

/// A change of the live files.
pub(super) struct Change {
    pub operation: &'static str,
    pub added: Vec<LiveFile>,
    pub removed: Vec<LiveFile>,
    /// Whether the rows change, or only how they lie in files.
    pub data_change: bool,
}

impl Table {
    /// Opens the table in `folder`, and starts it if there is none.
    pub fn open<R: Row>(folder: &Path, now: Timestamp) -> Result<Self, SystemTableError> {
        let scratch = folder.join("_scratch");
        for path in [&log::log_folder(folder), &scratch] {
            std::fs::create_dir_all(path).map_err(SystemTableError::disk("created", path))?;
        }
        for (path, _) in log::list(&scratch)? {
            std::fs::remove_file(&path).map_err(SystemTableError::disk("removed", &path))?;
        }
        let folder = folder.canonicalize().map_err(SystemTableError::disk("read", folder))?;
        let scratch = folder.join("_scratch");
        let is_new = log::list(&log::log_folder(&folder))?.is_empty();
        let mut table = Self {
            name: R::NAME,
            schema: R::schema(),
            files: Vec::new(),
            tidied: None,
            scratch,
            version: -1,
            checkpoint: -1,
            folder,
        };
        if is_new {
            let actions = table.first_actions(now)?;
            if log::put_commit(&table.folder, &table.scratch, 0, &actions, now)? == Put::Done {
                table.sync_names()?;
            }
        }
        table.reload()?;
        Ok(table)
    }

    /// Opens the table in `folder` to read it, while another process writes it; None if it doesn't exist.
    pub fn open_to_read<R: Row>(folder: &Path) -> Result<Option<Self>, SystemTableError> {
        if !log::log_folder(folder).is_dir() || log::list(&log::log_folder(folder))?.is_empty() {
            return Ok(None);
        }
        let mut table = Self {
            name: R::NAME,
            schema: R::schema(),
            files: Vec::new(),
            tidied: None,
            scratch: folder.join("_scratch"),
            version: -1,
            checkpoint: -1,
            folder: folder.to_owned(),
        };
        table.reload()?;
        Ok(Some(table))
    }

    fn reload(&mut self) -> Result<(), SystemTableError> {
        let loaded = kernel::load(&self.folder, &self.schema)?;
        (self.version, self.files) = (loaded.version, loaded.files);
        self.checkpoint = log::newest_checkpoint(&self.folder)?.unwrap_or(0);
        Ok(())
    }

    fn first_actions(&self, now: Timestamp) -> Result<Vec<Value>, SystemTableError> {
        Ok(vec![
            commit_info("CREATE TABLE", now),
            json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
            json!({"metaData": {
                "id": Uuid::new_v4().to_string(),
                "name": format!("system.replication.{}", self.name),
                "format": {"provider": "parquet", "options": {}},
                "schemaString": kernel::schema_string(&self.schema, &self.folder)?,
                "partitionColumns": [],
                "configuration": {
                    "delta.checkpointInterval": CHECKPOINT_EVERY.to_string(),
                    "delta.dataSkippingStatsColumns": super::data_file::TIME,
                    "delta.deletedFileRetentionDuration": "interval 1 days",
                    "delta.logRetentionDuration": "interval 1 days",
                },
                "createdTime": now.timestamp_millis(),
            }}),
        ])
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest version.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Files of the newest version.
    pub fn live_files(&self) -> usize {
        self.files.len()
    }

    /// Appends rows in one commit, with one file a UTC day; [`Self::settle`] makes it durable.
    ///
    /// An error means that no row was committed, so the same rows may be appended again.
    pub fn append<R: Row>(&mut self, rows: &[R], now: Timestamp) -> Result<(), SystemTableError> {
        let mut rows: Vec<&R> = rows.iter().collect();
        rows.sort_by_key(|row| row.time());
        let mut added = Vec::new();
        for of_a_day in rows.chunk_by(|a, b| a.time().date_naive() == b.time().date_naive()) {
            let Some(first) = of_a_day.first() else { continue };
            let batch = super::rows::batch(of_a_day, &self.folder)?;
            added.push(self.write_file(first.time().date_naive(), &batch)?);
        }
        if added.is_empty() {
            return Ok(());
        }
        fail::fail_point!("system_tables.before_commit");
        self.commit(Change { operation: "WRITE", added, removed: Vec::new(), data_change: true }, now)?;
        fail::fail_point!("system_tables.after_commit");
        Ok(())
    }

    fn write_file(&self, day: NaiveDate, batch: &RecordBatch) -> Result<LiveFile, SystemTableError> {
        let mut file = NewFile::begin(&self.folder, self.name, day, self.schema.clone())?;
        file.add(batch)?;
        file.finish()
    }

    /// Commits a change whose new files are written and synced.
    pub(super) fn commit(&mut self, change: Change, now: Timestamp) -> Result<(), SystemTableError> {
        // The names of the data files, before a commit that names them.
        log::sync_folder(&self.folder)?;
        let mut actions = vec![commit_info(change.operation, now)];
        for file in &change.removed {
            log::touch(&self.folder.join(&file.path), now)?;
            actions.push(remove_action(file, now, change.data_change));
        }
        actions.extend(change.added.iter().map(|file| add_action(file, now, change.data_change)));
        for _ in 0..MOST_TRIES {
            let version = self.version + 1;
            if log::put_commit(&self.folder, &self.scratch, version, &actions, now)? == Put::Taken {
                self.reload()?;
                let gone = change.removed.iter().any(|file| !self.files.iter().any(|live| live.path == file.path));
                if gone {
                    // Someone else rewrote the same files; what they are merged into now is looked at next time.
                    return Ok(());
                }
                continue;
            }
            self.version = version;
            self.files.retain(|file| !change.removed.iter().any(|removed| removed.path == file.path));
            self.files.extend(change.added);
            return Ok(());
        }
        Err(SystemTableError::Contended { folder: self.folder.clone() })
    }

    /// Makes the commits durable, then does what is due: a checkpoint, merging small files, taking old ones away.
    ///
    /// The rows stand, whatever fails here.
    pub fn settle(&mut self, now: Timestamp) -> Result<(), SystemTableError> {
        log::sync_folder(&log::log_folder(&self.folder))?;
        self.checkpoint_when_due(now)?;
        self.merge_small_files(now)?;
        self.tidy_when_due(now)
    }

    /// Writes a checkpoint where one is due. The commits stand without it.
    fn checkpoint_when_due(&mut self, now: Timestamp) -> Result<(), SystemTableError> {
        if self.version - self.checkpoint < CHECKPOINT_EVERY {
            return Ok(());
        }
        kernel::checkpoint(&self.folder, self.version)?;
        let path = log::log_folder(&self.folder).join(format!("{:020}.checkpoint.parquet", self.version));
        log::touch(&path, now)?;
        self.checkpoint = self.version;
        fail::fail_point!("system_tables.after_checkpoint");
        Ok(())
    }

    fn sync_names(&self) -> Result<(), SystemTableError> {
        log::sync_folder(&log::log_folder(&self.folder))?;
        let mut folder = Some(self.folder.as_path());
        // The folders themselves may be as new as the table: two levels up to the data dir.
        for _ in 0..4 {
            let Some(path) = folder else { break };
            log::sync_folder(path)?;
            folder = path.parent();
        }
        Ok(())
    }

    /// Files whose rows may be as young as `since`, oldest first.
    pub(super) fn files_since(&self, since: Timestamp) -> Vec<&LiveFile> {
        let mut files: Vec<&LiveFile> =
            self.files.iter().filter(|file| file.range.is_none_or(|range| range.last >= since)).collect();
        files.sort_by_key(|file| file.range.map(|range| range.first));
        files
    }

    /// The newest time that any row has; None in an empty table.
    pub fn newest(&self) -> Option<Timestamp> {
        self.files.iter().filter_map(|file| file.range).map(|range| range.last).max()
    }
}

fn commit_info(operation: &str, now: Timestamp) -> Value {
    json!({"commitInfo": {
        "timestamp": now.timestamp_millis(),
        "operation": operation,
        "operationParameters": {},
        "isBlindAppend": operation == "WRITE",
        "engineInfo": ENGINE,
        "txnId": Uuid::new_v4().to_string(),
    }})
}

/// How long ago.
pub(super) fn before(now: Timestamp, span: TimeDelta) -> Timestamp {
    now.checked_sub_signed(span).unwrap_or(now)
}
