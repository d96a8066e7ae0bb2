//! Parquet data files, and the statistics that let a reader skip them.

use super::SystemTableError;
use super::table::{LiveFile, TimeRange};
use crate::domain::Timestamp;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, Utc};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The column that files are ordered and pruned by.
pub(super) const TIME: &str = "event_time";
/// Rows that a reader may skip at once within a file.
const ROW_GROUP: usize = 32_768;

/// A data file that is being written.
pub(super) struct NewFile {
    name: String,
    path: PathBuf,
    writer: ArrowWriter<File>,
    rows: u64,
    range: Option<TimeRange>,
}

impl NewFile {
    /// Begins a file of rows of one UTC day.
    pub fn begin(folder: &Path, table: &str, day: NaiveDate, schema: SchemaRef) -> Result<Self, SystemTableError> {
        let name = format!("{table}-{day}-{}.parquet", Uuid::new_v4());
        let path = folder.join(&name);
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(SystemTableError::disk("written", &path))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            // No two are alike, so a dictionary would only be in the way.
            .set_column_dictionary_enabled(ColumnPath::from("event_id"), false)
            .build();
        let writer =
            ArrowWriter::try_new(file, schema, Some(properties)).map_err(SystemTableError::data_file(&path))?;
        Ok(Self { name, path, writer, rows: 0, range: None })
    }

    /// Adds rows.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), SystemTableError> {
        self.writer.write(batch).map_err(SystemTableError::data_file(&self.path))?;
        self.rows += batch.num_rows() as u64;
        self.range = match (self.range, range_of(batch)) {
            (Some(a), Some(b)) => Some(a.and(b)),
            (a, b) => a.or(b),
        };
        Ok(())
    }

    /// Ends the file and syncs its bytes; its name is durable once the folder is synced.
    pub fn finish(self) -> Result<LiveFile, SystemTableError> {
        let file = self.writer.into_inner().map_err(SystemTableError::data_file(&self.path))?;
        file.sync_all().map_err(SystemTableError::disk("synced", &self.path))?;
        let bytes = file.metadata().map_err(SystemTableError::disk("read", &self.path))?.len();
        Ok(LiveFile { path: self.name, bytes, rows: self.rows, range: self.range })
    }
}

/// The first and last time in a batch.
fn range_of(batch: &RecordBatch) -> Option<TimeRange> {
    let times = batch.column_by_name(TIME)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let instant = |micros| DateTime::<Utc>::from_timestamp_micros(micros);
    let first = arrow::compute::min(times).and_then(instant)?;
    let last = arrow::compute::max(times).and_then(instant)?;
    Some(TimeRange { first, last })
}

/// The `add` action of a file.
pub(super) fn add_action(file: &LiveFile, now: Timestamp, data_change: bool) -> Value {
    let mut stats = json!({"numRecords": file.rows});
    if let Some(range) = file.range {
        let text = |time: Timestamp| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        stats["minValues"] = json!({TIME: text(range.first)});
        stats["maxValues"] = json!({TIME: text(range.last)});
        stats["nullCount"] = json!({TIME: 0});
    }
    json!({"add": {
        "path": file.path,
        "partitionValues": {},
        "size": file.bytes,
        "modificationTime": now.timestamp_millis(),
        "dataChange": data_change,
        "stats": stats.to_string(),
    }})
}

/// The `remove` action of a file.
pub(super) fn remove_action(file: &LiveFile, now: Timestamp, data_change: bool) -> Value {
    json!({"remove": {
        "path": file.path,
        "deletionTimestamp": now.timestamp_millis(),
        "dataChange": data_change,
        "extendedFileMetadata": true,
        "partitionValues": {},
        "size": file.bytes,
    }})
}

/// Rows and times as an `add` action's statistics tell them; nothing where another writer left them out.
pub(super) fn range_of_stats(stats: Option<&str>) -> (u64, Option<TimeRange>) {
    let Some(stats) = stats.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return (0, None) };
    let time = |of: &str| DateTime::parse_from_rfc3339(stats[of][TIME].as_str()?).ok().map(|t| t.with_timezone(&Utc));
    let range = time("minValues").zip(time("maxValues")).map(|(first, last)| TimeRange { first, last });
    (stats["numRecords"].as_u64().unwrap_or(0), range)
}
