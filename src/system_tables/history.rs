//! Reading back what was written: for the charts, and to go on after a restart.

use super::data_file::TIME;
use super::table::LiveFile;
use super::{StateKind, SystemTableError, Table};
use crate::delta::open_regular;
use crate::domain::Timestamp;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray, new_null_array};
use arrow::datatypes::{Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The lag at one moment, as a row of the states tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LagPoint {
    /// When.
    pub at: Timestamp,
    /// Milliseconds; None while an asset had never been replicated.
    pub lag_ms: Option<u64>,
}

/// A row of the states, as far as charts need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatePoint {
    /// When.
    pub at: Timestamp,
    /// What the row says.
    pub kind: StateKind,
    /// Milliseconds; None while an asset had never been replicated.
    pub lag_ms: Option<u64>,
}

/// The rows of one group since an instant, oldest first.
pub fn states_since(states: &Table, group: &str, since: Timestamp) -> Result<Vec<StatePoint>, SystemTableError> {
    let mut points = Vec::new();
    let wanted = ["failover_group_name", "replication_state", "replication_lag_ms"];
    states.rows_since(since, &wanted, |row| {
        if row.text("failover_group_name") == Some(group)
            && let Some(kind) = row.text("replication_state").and_then(StateKind::parse)
        {
            let lag_ms = row.long("replication_lag_ms").and_then(|lag| u64::try_from(lag).ok());
            points.push(StatePoint { at: row.time, kind, lag_ms });
        }
    })?;
    points.sort_by_key(|point| point.at);
    Ok(points)
}

/// The lag of each group since an instant, oldest first.
pub fn lag_since(states: &Table, since: Timestamp) -> Result<BTreeMap<String, Vec<LagPoint>>, SystemTableError> {
    let mut groups: BTreeMap<String, Vec<LagPoint>> = BTreeMap::new();
    let wanted = ["failover_group_name", "replication_state", "replication_lag_ms"];
    states.rows_since(since, &wanted, |row| {
        // Events are told with the time at which they happened, and the lag with that at which it was looked at.
        if matches!(row.text("replication_state"), Some("INITIALIZING" | "REPLICATING"))
            && let Some(group) = row.text("failover_group_name")
        {
            let lag_ms = row.long("replication_lag_ms").and_then(|lag| u64::try_from(lag).ok());
            groups.entry(group.to_owned()).or_default().push(LagPoint { at: row.time, lag_ms });
        }
    })?;
    for points in groups.values_mut() {
        points.sort_by_key(|point| point.at);
    }
    Ok(groups)
}

/// One row that is read back.
pub(super) struct ReadRow<'a> {
    pub time: Timestamp,
    batch: &'a RecordBatch,
    row: usize,
}

impl<'a> ReadRow<'a> {
    /// A text; None where it is null.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        let column = self.batch.column_by_name(column)?.as_string_opt::<i32>()?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    /// A number; None where it is null.
    pub fn long(&self, column: &str) -> Option<i64> {
        let column = self.batch.column_by_name(column)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(self.row).then(|| column.value(self.row))
    }
}

impl Table {
    /// Hands over the rows since an instant, with the named columns, in no particular order.
    pub(super) fn rows_since(
        &self,
        since: Timestamp,
        columns: &[&str],
        mut each: impl FnMut(ReadRow<'_>),
    ) -> Result<(), SystemTableError> {
        for file in self.files_since(since) {
            for batch in self.read(file, columns)? {
                let Some(times) = batch.column_by_name(TIME) else { continue };
                let Some(times) = times.as_primitive_opt::<TimestampMicrosecondType>() else { continue };
                for row in 0..batch.num_rows() {
                    let Some(time) = DateTime::<Utc>::from_timestamp_micros(times.value(row)) else { continue };
                    if time >= since {
                        each(ReadRow { time, batch: &batch, row });
                    }
                }
            }
        }
        Ok(())
    }

    fn read(&self, file: &LiveFile, columns: &[&str]) -> Result<Vec<RecordBatch>, SystemTableError> {
        let path = self.folder.join(&file.path);
        let failed = SystemTableError::data_file(&path);
        let opened = open_regular(&path).map_err(SystemTableError::disk("read", &path))?;
        let (opened, _) = opened
            .ok_or_else(|| SystemTableError::DataFile { path: path.clone(), reason: "it is not a file".to_owned() })?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(&failed)?;
        let names = columns.iter().copied().chain([TIME]);
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        let reader = builder.with_projection(mask).build().map_err(&failed)?;
        reader.map(|batch| batch.map_err(SystemTableError::data_file(&path))).collect()
    }
}

/// `batch` with the columns of `schema` in their order; a column that it doesn't have is null.
pub(super) fn shaped(batch: &RecordBatch, schema: &SchemaRef, path: &Path) -> Result<RecordBatch, SystemTableError> {
    if batch.schema().fields() == schema.fields() {
        return Ok(batch.clone());
    }
    let whole = StructArray::from(batch.clone());
    let columns = columns_of(&whole, schema).map_err(SystemTableError::data_file(path))?;
    RecordBatch::try_new(schema.clone(), columns).map_err(SystemTableError::data_file(path))
}

fn columns_of(batch: &StructArray, schema: &Arc<Schema>) -> Result<Vec<ArrayRef>, arrow::error::ArrowError> {
    let column = |field: &arrow::datatypes::FieldRef| match batch.column_by_name(field.name()) {
        Some(column) => arrow::compute::cast(column, field.data_type()),
        None => Ok(new_null_array(field.data_type(), batch.len())),
    };
    schema.fields().iter().map(column).collect()
}
