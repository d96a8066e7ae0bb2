//! Parquet data files: written whole and synced, read whole.

use super::schema::{Column, Shape};
use super::{WriterError, bounds};
use crate::delta::{check_footer, check_pages, open_regular};
use arrow::array::{AsArray, RecordBatch, RecordBatchReader};
use arrow::compute::concat_batches;
use arrow::datatypes::{Int64Type, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// What may not stand in a folder name of a partition, as Hive escapes it.
const HIVE: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'\'')
    .add(b'*')
    .add(b'/')
    .add(b':')
    .add(b'=')
    .add(b'?')
    .add(b'\\')
    .add(b'{')
    .add(b'[')
    .add(b']')
    .add(b'^');
/// What a path in the log escapes on top of that: the log holds URIs.
const URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'#')
    .add(b'?')
    .add(b'{')
    .add(b'}')
    .add(b'|')
    .add(b'\\')
    .add(b'^')
    .add(b'[')
    .add(b']');

/// The folder of a partition, such as `region=Asia & Pacific`, as it is on the disk.
pub(super) fn partition_folder(columns: &[&Column], values: &[String]) -> String {
    columns
        .iter()
        .zip(values)
        .map(|(column, value)| format!("{}={}/", column.name, utf8_percent_encode(value, HIVE)))
        .collect()
}

/// A path on the disk as the log spells it.
pub(super) fn log_path(path: &str) -> String {
    utf8_percent_encode(path, URI).to_string()
}

/// A path of the log as it is on the disk, below the table's folder.
pub(super) fn disk_path(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The rows as Parquet.
pub(super) fn encode(batch: &RecordBatch, path: &Path) -> Result<Vec<u8>, WriterError> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut buffer = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut buffer, batch.schema(), Some(properties)).map_err(WriterError::parquet(path))?;
    writer.write(batch).map_err(WriterError::parquet(path))?;
    writer.close().map_err(WriterError::parquet(path))?;
    Ok(buffer)
}

/// When what is written must be on the disk for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// At once.
    Now,
    /// The caller syncs later, before anybody counts on it.
    Later,
}

/// Writes a file that must not exist yet.
pub(super) fn write_new(path: &Path, bytes: &[u8], durability: Durability) -> Result<(), WriterError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(WriterError::disk("created", folder))?;
    }
    let written = (|| {
        let mut file = File::options().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        if durability == Durability::Now { file.sync_all() } else { Ok(()) }
    })();
    written.map_err(WriterError::disk("written", path))
}

/// Makes new names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), WriterError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(WriterError::disk("synced", folder))
}

/// Every row of a data file, with the table's own columns in their order.
pub(super) fn read(path: &Path, shape: &Shape) -> Result<RecordBatch, WriterError> {
    let reader = batches(path, bounds::DATA_FILE, None)?;
    let schema: SchemaRef = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(WriterError::arrow(path))?;
    let batch = concat_batches(&schema, &batches).map_err(WriterError::arrow(path))?;
    let schema = shape.file_schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => arrow::compute::cast(column, field.data_type()).map_err(WriterError::arrow(path)),
            // A column that is younger than the file.
            None => Ok(arrow::array::new_null_array(field.data_type(), batch.num_rows())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, columns).map_err(WriterError::arrow(path))
}

/// The rows of any Parquet file of at most `most` bytes; of some of its top-level columns alone where `roots` names them.
pub(super) fn batches(path: &Path, most: u64, roots: Option<&[&str]>) -> Result<ParquetRecordBatchReader, WriterError> {
    let wrong = |detail: String| WriterError::log(path, detail);
    let opened = open_regular(path).map_err(WriterError::disk("read", path))?;
    let (file, about) = opened.ok_or_else(|| wrong("it is not a file".to_owned()))?;
    if about.len() > most {
        return Err(wrong(format!("it has {} bytes, more than the {most} that are read of such a file", about.len())));
    }
    check_footer(&file).map_err(wrong)?;
    let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()).map_err(WriterError::parquet(path))?;
    let schema = footer.parquet_schema();
    let mask = match roots {
        Some(roots) => ProjectionMask::columns(schema, roots.iter().copied()),
        None => ProjectionMask::all(),
    };
    let leaves: Vec<usize> = (0..schema.num_columns()).filter(|leaf| mask.leaf_included(*leaf)).collect();
    let rows = check_pages(&file, footer.metadata(), &leaves).map_err(wrong)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, footer).with_projection(mask);
    builder.with_batch_size(rows).build().map_err(WriterError::parquet(path))
}

/// The keys of a batch: its first column.
pub(super) fn keys(batch: &RecordBatch) -> Vec<i64> {
    let Some(column) = batch.columns().first() else {
        return Vec::new();
    };
    column
        .as_primitive_opt::<Int64Type>()
        .map(|keys| (0..keys.len()).map(|row| keys.value(row)).collect())
        .unwrap_or_default()
}
