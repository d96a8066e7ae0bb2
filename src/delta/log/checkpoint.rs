//! The actions of a checkpoint of any kind: single, in parts, V2 with sidecars, Parquet or JSON.

use super::actions::{Action, DeletionVector, FileAction, Metadata, Protocol};
use super::lines::read_actions;
use super::name::Checkpoint;
use super::parquet_guard::{check_footer, check_pages, guarded, open_parquet};
use super::path::sidecar;
use super::schema::SchemaFlaw;
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::place::{Place, RandomAccess};
use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use std::collections::BTreeMap;

/// The columns that are read. Statistics and partition values, most of a checkpoint's bytes, are not.
const COLUMNS: [&str; 18] = [
    "add.path",
    "add.size",
    "add.modificationTime",
    "add.dataChange",
    "add.deletionVector.storageType",
    "add.deletionVector.pathOrInlineDv",
    "add.deletionVector.offset",
    "remove.path",
    "remove.deletionVector.storageType",
    "remove.deletionVector.pathOrInlineDv",
    "remove.deletionVector.offset",
    "sidecar.path",
    "metaData.id",
    "metaData.format.provider",
    "metaData.schemaString",
    "metaData.partitionColumns",
    "metaData.configuration",
    "protocol",
];
/// Where the columns of the top file begin, which tell all but the table's files.
const TOP: usize = 11;

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
        read_file(place, path, if whole { &COLUMNS } else { &COLUMNS[TOP..] }, &mut sort)?;
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
        return read_actions(place, path, each)?.ok_or_else(gone)?.map(|_| ()).map_err(corrupt);
    }
    let input = open_parquet(place, path)?.ok_or_else(gone)?;
    guarded(corrupt, || read_parquet(input, columns, each, &corrupt))
}

fn read_parquet(
    input: RandomAccess,
    columns: &[&str],
    each: &mut dyn FnMut(Action) -> Result<(), DeltaError>,
    corrupt: &dyn Fn(String) -> DeltaError,
) -> Result<(), DeltaError> {
    check_footer(&input).map_err(corrupt)?;
    // The Arrow schema that some writers embed may hold types that are of no concern here.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let footer = ArrowReaderMetadata::load(&input, options.clone()).map_err(|error| corrupt(error.to_string()))?;
    let schema = footer.metadata().file_metadata().schema_descr();
    let paths: Vec<String> = schema.columns().iter().map(|leaf| leaf.path().string()).collect();
    let leaves = wanted(&paths, columns);
    let has_partition_values = paths.iter().any(|path| path.starts_with("add.partitionValues."));
    let batch_size = check_pages(&input, footer.metadata(), &leaves).map_err(corrupt)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, footer);
    let mask = ProjectionMask::leaves(builder.parquet_schema(), leaves);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(batch_size)
        .build()
        .map_err(|error| corrupt(error.to_string()))?;
    let mut before = 0;
    for batch in reader {
        let batch = batch.map_err(|error| corrupt(error.to_string()))?;
        let [protocols, metadatas, adds, removes, sidecars] = ["protocol", "metaData", "add", "remove", "sidecar"]
            .map(|kind| Rows { kind, column: batch.column_by_name(kind) });
        for row in 0..batch.num_rows() {
            let corrupt =
                |kind: &str, detail: String| corrupt(format!("its {kind} in row {}: {detail}", before + row + 1));
            protocols.read(row, protocol, &corrupt, |found| each(Action::Protocol(found)))?;
            metadatas.read(row, metadata, &corrupt, |found| each(Action::Metadata(found)))?;
            adds.read(row, add, &corrupt, |found| {
                // Their values are most of a checkpoint's bytes, so only the column is looked for.
                if has_partition_values {
                    each(Action::Add(found))
                } else {
                    Err(corrupt("add", "it has no partitionValues".to_owned()))
                }
            })?;
            removes.read(row, file_action, &corrupt, |found| each(Action::Remove(found)))?;
            sidecars.read(row, path_of, &corrupt, |found| each(Action::Sidecar(found)))?;
        }
        before += batch.num_rows();
        if before as u64 > bounds::ROWS {
            return Err(corrupt(format!("it has more than {} rows", bounds::ROWS)));
        }
    }
    Ok(())
}

/// The leaves to read for `columns`. Where an action has none of them, be it a list or lack its path, all of its leaves are
/// read: otherwise no one would know that it is there.
fn wanted(paths: &[String], columns: &[&str]) -> Vec<usize> {
    let below = |path: &str, column: &str| {
        path.strip_prefix(column).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let mut wanted: Vec<bool> = paths.iter().map(|path| columns.iter().any(|column| below(path, column))).collect();
    for (group, _) in columns.iter().filter_map(|column| column.rsplit_once('.')) {
        let leaves = || (0..paths.len()).filter(|leaf| below(&paths[*leaf], group));
        if !leaves().any(|leaf| wanted[leaf]) {
            leaves().for_each(|leaf| wanted[leaf] = true);
        }
    }
    (0..paths.len()).filter(|leaf| wanted[*leaf]).collect()
}

/// The actions of one kind, a row each.
pub(super) struct Rows<'a> {
    pub kind: &'a str,
    pub column: Option<&'a ArrayRef>,
}

impl Rows<'_> {
    /// Reads the action in `row`, where there is one. One that cannot be read is an error: left out, the table would
    /// arrive without it and no one would know.
    pub fn read<T, E>(
        &self,
        row: usize,
        read: impl Fn(&StructArray, usize) -> Result<T, String>,
        corrupt: &dyn Fn(&str, String) -> E,
        each: impl FnOnce(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(column) = self.column.filter(|column| !is_null(column, row)) else { return Ok(()) };
        let failed = |detail| corrupt(self.kind, detail);
        let at = column.as_struct_opt().ok_or_else(|| failed(wrong(column, "a struct")))?;
        each(read(at, row).map_err(failed)?)
    }
}

fn is_null(column: &ArrayRef, row: usize) -> bool {
    // A column of nothing but nulls may be of a type of its own, which counts none of them.
    column.data_type() == &DataType::Null || column.is_null(row)
}

fn wrong(column: &ArrayRef, wanted: &str) -> String {
    format!("it is {} where {wanted} should be", column.data_type())
}

/// The value in a row, None where it is null.
fn value<'a, T>(
    column: &'a ArrayRef,
    row: usize,
    read: impl Fn(&'a ArrayRef, usize) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if is_null(column, row) { Ok(None) } else { read(column, row).map(Some) }
}

/// The value of a field, None where it is null or not there at all.
pub(super) fn field<'a, T>(
    at: &'a StructArray,
    row: usize,
    name: &str,
    read: impl Fn(&'a ArrayRef, usize) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let Some(column) = at.column_by_name(name) else { return Ok(None) };
    value(column, row, read).map_err(|detail| format!("its {name} cannot be read, {detail}"))
}

fn needed<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("it has no {name}"))
}

pub(super) fn text(column: &ArrayRef, row: usize) -> Result<String, String> {
    let bytes = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| "it is not UTF-8".to_owned());
    match column.data_type() {
        DataType::Utf8 => Ok(column.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Ok(column.as_string::<i64>().value(row).to_owned()),
        DataType::Utf8View => Ok(column.as_string_view().value(row).to_owned()),
        DataType::Binary => bytes(column.as_binary::<i32>().value(row)),
        _ => Err(wrong(column, "text")),
    }
}

pub(super) fn number(column: &ArrayRef, row: usize) -> Result<i64, String> {
    match column.data_type() {
        DataType::Int32 => Ok(i64::from(column.as_primitive::<Int32Type>().value(row))),
        DataType::Int64 => Ok(column.as_primitive::<Int64Type>().value(row)),
        _ => Err(wrong(column, "a number")),
    }
}

fn structure(column: &ArrayRef, _row: usize) -> Result<&StructArray, String> {
    column.as_struct_opt().ok_or_else(|| wrong(column, "a struct"))
}

fn texts(column: &ArrayRef, row: usize) -> Result<Vec<String>, String> {
    let list = column.as_list_opt::<i32>().ok_or_else(|| wrong(column, "a list"))?.value(row);
    let text = |index| needed(value(&list, index, text)?, "text in a place of the list");
    (0..list.len()).map(text).collect()
}

pub(super) fn properties(column: &ArrayRef, row: usize) -> Result<BTreeMap<String, Option<String>>, String> {
    let map = column.as_map_opt().ok_or_else(|| wrong(column, "a map"))?.value(row);
    let entry = |index| {
        let key = needed(value(map.column(0), index, text)?, "key for a property")?;
        Ok((key, value(map.column(1), index, text)?))
    };
    (0..map.len()).map(entry).collect()
}

pub(super) fn path_of(at: &StructArray, row: usize) -> Result<String, String> {
    needed(field(at, row, "path", text)?, "path")
}

pub(super) fn file_action(at: &StructArray, row: usize) -> Result<FileAction, String> {
    let vector = match field(at, row, "deletionVector", structure)? {
        Some(vector) => {
            let kind = field(vector, row, "storageType", text)?;
            let path = field(vector, row, "pathOrInlineDv", text)?;
            match (kind, path) {
                // Some writers put a struct of nulls where there is no vector.
                (None, None) => None,
                (Some(storage_type), Some(path_or_inline_dv)) => {
                    let offset = field(vector, row, "offset", number)?;
                    Some(DeletionVector { storage_type, path_or_inline_dv, offset })
                }
                (None, Some(_)) => return Err("its deletionVector has no storageType".to_owned()),
                (Some(_), None) => return Err("its deletionVector has no pathOrInlineDv".to_owned()),
            }
        }
        None => None,
    };
    let stats = field(at, row, "stats", text)?;
    Ok(FileAction { stats, ..FileAction::new(path_of(at, row)?, field(at, row, "size", number)?, vector) })
}

/// An add with all that readers require, but for its partition values.
pub(super) fn add(at: &StructArray, row: usize) -> Result<FileAction, String> {
    let seen = |_: &ArrayRef, _: usize| Ok(());
    needed(field(at, row, "size", number)?, "size")?;
    needed(field(at, row, "modificationTime", number)?, "modificationTime")?;
    needed(field(at, row, "dataChange", seen)?, "dataChange")?;
    file_action(at, row)
}

pub(super) fn protocol(at: &StructArray, row: usize) -> Result<Protocol, String> {
    let version = |name: &str| needed(field(at, row, name, number)?, name);
    Ok(Protocol {
        min_reader_version: version("minReaderVersion")?,
        min_writer_version: version("minWriterVersion")?,
        reader_features: field(at, row, "readerFeatures", texts)?,
        writer_features: field(at, row, "writerFeatures", texts)?,
    })
}

pub(super) fn metadata(at: &StructArray, row: usize) -> Result<Metadata, String> {
    let seen = |_: &ArrayRef, _: usize| Ok(());
    needed(field(at, row, "format", seen)?, "format")?;
    let schema = needed(field(at, row, "schemaString", text)?, "schemaString")?;
    let partition_columns = needed(field(at, row, "partitionColumns", texts)?, "partitionColumns")?;
    Ok(Metadata {
        flaw: SchemaFlaw::find(&schema, &partition_columns),
        id: needed(field(at, row, "id", text)?, "id")?,
        configuration: needed(field(at, row, "configuration", properties)?, "configuration")?,
    })
}
