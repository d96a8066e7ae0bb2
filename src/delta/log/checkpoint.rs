//! The actions of a checkpoint of any kind: single, in parts, V2 with sidecars, Parquet or JSON.

use super::actions::{Action, DeletionVector, FileAction, Metadata, Protocol, parse_commit};
use super::name::Checkpoint;
use super::path::sidecar;
use crate::delta::DeltaError;
use crate::delta::place::{Place, RandomAccess};
use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;

/// The columns that are read. Statistics and partition values, most of a checkpoint's bytes, are not.
const COLUMNS: [&str; 13] = [
    "add.path",
    "add.size",
    "add.deletionVector.storageType",
    "add.deletionVector.pathOrInlineDv",
    "add.deletionVector.offset",
    "remove.path",
    "remove.deletionVector.storageType",
    "remove.deletionVector.pathOrInlineDv",
    "remove.deletionVector.offset",
    "sidecar.path",
    "metaData.id",
    "metaData.configuration",
    "protocol",
];

/// What a checkpoint's files are, and what is in them.
pub(in crate::delta) struct CheckpointFiles {
    /// Top files, relative to the table's root.
    pub top: Vec<String>,
    /// Sidecars, relative to the table's root.
    pub sidecars: Vec<String>,
}

/// Hands over the actions of a checkpoint, sidecars' included, and returns its files. `whole` false reads the top files
/// only, which is enough to know the sidecars.
pub(in crate::delta) fn read_checkpoint(
    place: &dyn Place,
    checkpoint: &Checkpoint,
    whole: bool,
    each: &mut dyn FnMut(Action, &str) -> Result<(), DeltaError>,
) -> Result<CheckpointFiles, DeltaError> {
    let mut files = CheckpointFiles { top: checkpoint.paths().collect(), sidecars: Vec::new() };
    let table = place.display("");
    for path in &files.top {
        let mut raw = Vec::new();
        let mut sort = |action: Action| match action {
            Action::Sidecar(name) => {
                raw.push(name);
                Ok(())
            }
            action => each(action, path),
        };
        read_file(place, path, if whole { &COLUMNS } else { &COLUMNS[9..] }, &mut sort)?;
        for name in raw {
            files.sidecars.push(sidecar(&name).map_err(|_| DeltaError::AbsolutePath {
                table: table.clone(),
                path: name,
                file: path.clone(),
            })?);
        }
    }
    if whole {
        for path in &files.sidecars {
            read_file(place, path, &COLUMNS, &mut |action| each(action, path))?;
        }
    }
    Ok(files)
}

fn read_file(
    place: &dyn Place,
    path: &str,
    columns: &[&str],
    each: &mut dyn FnMut(Action) -> Result<(), DeltaError>,
) -> Result<(), DeltaError> {
    let table = place.display("");
    let corrupt =
        |detail: String| DeltaError::CorruptCheckpoint { table: table.clone(), file: path.to_owned(), detail };
    let gone = || corrupt("it is not there".to_owned());
    if path.ends_with(".json") {
        let content = place.read(path)?.ok_or_else(gone)?;
        return parse_commit(&content.bytes, each).map_err(corrupt)?;
    }
    match place.open_random(path)?.ok_or_else(gone)? {
        RandomAccess::File(file) => read_parquet(file, columns, each, &corrupt),
        RandomAccess::Bytes(bytes) => read_parquet(bytes, columns, each, &corrupt),
    }
}

fn read_parquet(
    input: impl ChunkReader + 'static,
    columns: &[&str],
    each: &mut dyn FnMut(Action) -> Result<(), DeltaError>,
    corrupt: &dyn Fn(String) -> DeltaError,
) -> Result<(), DeltaError> {
    // The Arrow schema that some writers embed may hold types that are of no concern here.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(input, options)
        .map_err(|error| corrupt(error.to_string()))?;
    let schema = builder.parquet_schema();
    let wanted = (0..schema.num_columns()).filter(|leaf| {
        let path = schema.column(*leaf).path().string();
        columns
            .iter()
            .any(|column| path.strip_prefix(column).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    });
    let mask = ProjectionMask::leaves(schema, wanted.collect::<Vec<_>>());
    let reader = builder.with_projection(mask).build().map_err(|error| corrupt(error.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|error| corrupt(error.to_string()))?;
        let column = |name: &str| batch.column_by_name(name).and_then(|column| column.as_struct_opt());
        let [protocols, metadatas, adds, removes, sidecars] =
            ["protocol", "metaData", "add", "remove", "sidecar"].map(column);
        for row in 0..batch.num_rows() {
            if let Some(at) = valid(protocols, row) {
                each(Action::Protocol(protocol(at, row)))?;
            }
            if let Some(at) = valid(metadatas, row) {
                each(Action::Metadata(metadata(at, row)))?;
            }
            if let Some(action) = valid(adds, row).and_then(|at| file_action(at, row)) {
                each(Action::Add(action))?;
            }
            if let Some(action) = valid(removes, row).and_then(|at| file_action(at, row)) {
                each(Action::Remove(action))?;
            }
            if let Some(path) = valid(sidecars, row).and_then(|at| text(at.column_by_name("path")?, row)) {
                each(Action::Sidecar(path))?;
            }
        }
    }
    Ok(())
}

fn valid(column: Option<&StructArray>, row: usize) -> Option<&StructArray> {
    column.filter(|column| column.is_valid(row))
}

fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Some(column.as_string_view().value(row).to_owned()),
        DataType::Binary => String::from_utf8(column.as_binary::<i32>().value(row).to_vec()).ok(),
        _ => None,
    }
}

fn number(column: &ArrayRef, row: usize) -> Option<i64> {
    if column.is_null(row) {
        return None;
    }
    match column.data_type() {
        DataType::Int32 => Some(i64::from(column.as_primitive::<Int32Type>().value(row))),
        DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(row)),
        _ => None,
    }
}

fn file_action(at: &StructArray, row: usize) -> Option<FileAction> {
    let path = text(at.column_by_name("path")?, row)?;
    let vector = at.column_by_name("deletionVector").and_then(|column| column.as_struct_opt());
    let vector = vector.filter(|vector| vector.is_valid(row)).and_then(|vector| {
        Some(DeletionVector {
            storage_type: text(vector.column_by_name("storageType")?, row)?,
            path_or_inline_dv: text(vector.column_by_name("pathOrInlineDv")?, row)?,
            offset: vector.column_by_name("offset").and_then(|column| number(column, row)),
        })
    });
    Some(FileAction::new(path, at.column_by_name("size").and_then(|column| number(column, row)), vector))
}

fn protocol(at: &StructArray, row: usize) -> Protocol {
    let version = |name: &str| at.column_by_name(name).and_then(|column| number(column, row)).unwrap_or_default();
    let features = |name: &str| {
        let list = at.column_by_name(name)?.as_list_opt::<i32>().filter(|list| list.is_valid(row))?.value(row);
        Some((0..list.len()).filter_map(|index| text(&list, index)).collect())
    };
    Protocol {
        min_reader_version: version("minReaderVersion"),
        min_writer_version: version("minWriterVersion"),
        reader_features: features("readerFeatures"),
        writer_features: features("writerFeatures"),
    }
}

fn metadata(at: &StructArray, row: usize) -> Metadata {
    let entries = at.column_by_name("configuration").and_then(|column| column.as_map_opt());
    let entries = entries.filter(|map| map.is_valid(row)).map(|map| map.value(row));
    let configuration = entries.map(|entries| {
        (0..entries.len())
            .filter_map(|index| Some((text(entries.column(0), index)?, text(entries.column(1), index))))
            .collect()
    });
    Metadata {
        id: at.column_by_name("id").and_then(|column| text(column, row)).unwrap_or_default(),
        configuration: configuration.unwrap_or_default(),
    }
}
