//! The rows of salvaged files, as text.

use super::contents::{Salvage, path_of};
use super::features::{fields, partition_columns, schema_of};
use crate::delta::DeltaError;
use crate::delta::log::{check_footer, check_pages, guarded, open_parquet};
use crate::delta::place::{Place, RandomAccess};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde_json::Value;

/// Rows that a preview shows.
pub const MOST_SHOWN: usize = 100;
/// Characters of a value that a preview shows.
const MOST_LETTERS: usize = 200;

/// Some of the rows of salvaged commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowsPreview {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, a value a column; None where it is null or the file has no such column.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows.
    pub more: bool,
    /// What there is to know of them, as sentences.
    pub notes: Vec<String>,
}

/// A column's value in one row.
pub type Cell = Option<String>;

/// The first rows that some commits added.
pub fn preview(salvage: &Salvage, versions: &[i64], most: usize) -> Result<RowsPreview, DeltaError> {
    let mut shown = RowsPreview::default();
    let (mut vectors, mut removed) = (0_usize, 0_usize);
    for version in versions {
        let commit = salvage.contents(*version)?;
        // Without its schema the files still tell names and values.
        let metadata = salvage.state(*version).map(|state| state.metadata).unwrap_or_default();
        removed += commit.removes.len();
        for add in &commit.adds {
            vectors += usize::from(add.get("deletionVector").is_some_and(Value::is_object));
            if shown.rows.len() >= most {
                shown.more = true;
                break;
            }
            let path = path_of(add, &salvage.table())?;
            let left = most + 1 - shown.rows.len();
            let table = &mut shown;
            read_rows(salvage.holder(&path)?, &path, left, &mut |names, cells| {
                let all = names.iter().map(|name| logical(&metadata, name)).zip(cells);
                let all = all.chain(partitions(add, &metadata));
                take_row(table, all);
            })?;
            if shown.rows.len() > most {
                shown.rows.truncate(most);
                shown.more = true;
            }
        }
    }
    let width = shown.columns.len();
    shown.rows.iter_mut().for_each(|row| row.resize(width, None));
    if vectors > 0 {
        let files = if vectors == 1 { "1 file".to_owned() } else { format!("{vectors} files") };
        shown.notes.push(format!("Rows that are marked as deleted in {files} are shown too."));
    }
    if removed > 0 {
        let files = if removed == 1 { "1 file".to_owned() } else { format!("{removed} files") };
        shown.notes.push(format!("The commits also remove {files}. Only rows of added files are shown."));
    }
    Ok(shown)
}

fn take_row(table: &mut RowsPreview, cells: impl Iterator<Item = (String, Cell)>) {
    let mut row = vec![None; table.columns.len()];
    for (name, cell) in cells {
        let at = table.columns.iter().position(|column| *column == name).unwrap_or_else(|| {
            table.columns.push(name);
            row.push(None);
            table.columns.len() - 1
        });
        if let Some(place) = row.get_mut(at) {
            *place = cell.map(|text| match text.char_indices().nth(MOST_LETTERS) {
                Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
                None => text,
            });
        }
    }
    table.rows.push(row);
}

/// The name that readers give to a column which a file calls `name`.
pub fn logical(metadata: &Value, name: &str) -> String {
    let schema = schema_of(metadata);
    let physical = |field: &&Value| {
        field.get("metadata").and_then(|m| m.get("delta.columnMapping.physicalName")?.as_str()) == Some(name)
    };
    let field = fields(&schema).iter().find(physical);
    field.and_then(|field| field.get("name")?.as_str()).unwrap_or(name).to_owned()
}

/// The values that all rows of a file share.
pub fn partitions(add: &Value, metadata: &Value) -> Vec<(String, Cell)> {
    let known = add.get("partitionValues").and_then(Value::as_object);
    let of_schema = partition_columns(metadata).into_iter().map(str::to_owned);
    let values = known.into_iter().flatten();
    let mut found: Vec<(String, Cell)> =
        values.map(|(name, value)| (logical(metadata, name), value.as_str().map(str::to_owned))).collect();
    for name in of_schema {
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, None));
        }
    }
    found
}

/// How many rows a Parquet file's footer counts.
pub fn rows_in_file(place: &dyn Place, path: &str) -> Result<u64, DeltaError> {
    let file = place.display(path);
    let broken = |detail: String| DeltaError::Unfit {
        table: place.display(""),
        sentence: format!("Can't read the footer of {file}: {detail}."),
    };
    let input = place.open_random(path)?.ok_or_else(|| broken("it is not there".to_owned()))?;
    let footer = guarded(|why| why, || footer_of(&input)).map_err(broken)?;
    Ok(u64::try_from(footer.metadata().file_metadata().num_rows()).unwrap_or(0))
}

fn footer_of(input: &RandomAccess) -> Result<ArrowReaderMetadata, String> {
    check_footer(input)?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ArrowReaderMetadata::load(input, options).map_err(|error| error.to_string())
}

/// Reads a Parquet file's rows, at most `most`, each with the names of its columns.
pub fn read_rows(
    place: &dyn Place,
    path: &str,
    most: usize,
    each: &mut dyn FnMut(&[String], Vec<Cell>),
) -> Result<(), DeltaError> {
    let file = place.display(path);
    let broken = |detail: String| DeltaError::Unfit {
        table: place.display(""),
        sentence: format!("Can't read the rows of {file}: {detail}."),
    };
    let input = open_parquet(place, path)?.ok_or_else(|| broken("it is not there".to_owned()))?;
    guarded(|why| why, || read_parquet(input, most, each)).map_err(broken)
}

fn read_parquet(input: RandomAccess, most: usize, each: &mut dyn FnMut(&[String], Vec<Cell>)) -> Result<(), String> {
    let footer = footer_of(&input)?;
    let leaves: Vec<usize> = (0..footer.metadata().file_metadata().schema_descr().num_columns()).collect();
    let batch_size = check_pages(&input, footer.metadata(), &leaves)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, footer);
    let reader = builder.with_batch_size(batch_size.min(most.max(1))).with_limit(most).build();
    for batch in reader.map_err(|error| error.to_string())? {
        cells_of(&batch.map_err(|error| error.to_string())?, each).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn cells_of(batch: &RecordBatch, each: &mut dyn FnMut(&[String], Vec<Cell>)) -> Result<(), arrow::error::ArrowError> {
    let names: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    let options = FormatOptions::default();
    let columns = batch.columns();
    let formats: Vec<ArrayFormatter<'_>> =
        columns.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options)).collect::<Result<_, _>>()?;
    for row in 0..batch.num_rows() {
        let cell = |(column, format): (&arrow::array::ArrayRef, &ArrayFormatter<'_>)| {
            let null = column.data_type() == &DataType::Null || column.is_null(row);
            if null { Ok(None) } else { format.value(row).try_to_string().map(Some) }
        };
        each(&names, columns.iter().zip(&formats).map(cell).collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// Whether every value of a file is one that a CSV file can hold.
pub fn is_flat(place: &dyn Place, path: &str) -> Result<bool, DeltaError> {
    let flat = |kind: &DataType| !kind.is_nested() && !kind.is_binary();
    let schema = schema_of_file(place, path)?;
    Ok(schema.is_some_and(|schema| schema.fields().iter().all(|field| flat(field.data_type()))))
}

/// A Parquet file's schema; None where it can't be read.
pub fn schema_of_file(place: &dyn Place, path: &str) -> Result<Option<Schema>, DeltaError> {
    let Some(opened) = place.open_random(path)? else { return Ok(None) };
    let footer = guarded(|why| why, || footer_of(&opened));
    Ok(footer.ok().map(|footer| footer.schema().as_ref().clone()))
}
