//! JSON that the pinned readers take and that is not as the protocol writes it: actions that share a line or span several,
//! numbers as text, fractions, a comma too many, control characters in text, nesting without end.
//!
//! These readers share one JSON decoder, so it decides here too. It is asked only where plain reading fails.

use super::actions::{Action, CommitInfo, FileAction};
use super::checkpoint::{Rows, add, field, file_action, metadata, path_of, protocol, text};
use super::lenient::PARAMETERS;
use super::nesting::nests_deeper;
use crate::delta::bounds;
use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::json::ReaderBuilder;
use std::sync::Arc;

/// The decoder writes out what it refuses by recursion, so that without a bound a line could end the process.
const MOST_NESTED: usize = 256;

/// Reads all actions. What a snapshot's reader ignores, such as change data, may be anything.
pub(super) fn read<E>(
    bytes: &[u8],
    sidecars: bool,
    each: &mut impl FnMut(Action) -> Result<(), E>,
) -> Result<Result<(), E>, String> {
    if nests_deeper(bytes, MOST_NESTED) {
        return Err(format!("it nests deeper than {MOST_NESTED}"));
    }
    let mut ended = Ok(());
    let mut hand_over = |action| {
        if ended.is_ok() {
            ended = each(action);
        }
        Ok::<_, String>(())
    };
    decode(bytes, beside(), true, &mut |batch| {
        let [infos, changes] = rows(batch, ["commitInfo", "cdc"]);
        for row in 0..batch.num_rows() {
            infos.read(row, info, &named, |found| hand_over(Action::CommitInfo(Box::new(found))))?;
            changes.read(row, change, &named, |found| found.map_or(Ok(()), |cdc| hand_over(Action::Cdc(cdc))))?;
        }
        Ok(())
    })?;
    decode(bytes, needed(sidecars), false, &mut |batch| {
        let [protocols, metadatas, adds, removes, parts] =
            rows(batch, ["protocol", "metaData", "add", "remove", "sidecar"]);
        for row in 0..batch.num_rows() {
            let mut added = false;
            protocols.read(row, protocol, &named, |found| {
                within(found.features().count(), bounds::FEATURES, "table features")?;
                hand_over(Action::Protocol(found))
            })?;
            metadatas.read(row, metadata, &named, |found| {
                within(found.configuration.len(), bounds::PROPERTIES, "properties")?;
                hand_over(Action::Metadata(found))
            })?;
            adds.read(row, add, &named, |found| {
                added = true;
                hand_over(Action::Add(found))
            })?;
            // Of two in one object, readers take the first.
            removes.read(
                row,
                file_action,
                &named,
                |found| {
                    if added { Ok(()) } else { hand_over(Action::Remove(found)) }
                },
            )?;
            parts.read(row, path_of, &named, |found| hand_over(Action::Sidecar(found)))?;
        }
        Ok(())
    })?;
    Ok(ended)
}

fn within(count: usize, most: usize, what: &str) -> Result<(), String> {
    if count <= most { Ok(()) } else { Err(format!("it has more than {most} {what}")) }
}

fn decode(
    mut bytes: &[u8],
    schema: Schema,
    lenient: bool,
    take: &mut dyn FnMut(&RecordBatch) -> Result<(), String>,
) -> Result<(), String> {
    let failed = |error: arrow::error::ArrowError| error.to_string();
    let builder = ReaderBuilder::new(Arc::new(schema)).with_coerce_primitive(true);
    let mut decoder = builder.with_ignore_type_conflicts(lenient).build_decoder().map_err(failed)?;
    loop {
        let read = decoder.decode(bytes).map_err(failed)?;
        bytes = bytes.get(read..).unwrap_or_default();
        let batch = decoder.flush().map_err(failed)?;
        if let Some(batch) = &batch {
            take(batch)?;
        }
        match (bytes.is_empty(), batch) {
            (true, _) => return Ok(()),
            (false, None) if read == 0 => return Err("it cannot be read to its end".to_owned()),
            (false, _) => {}
        }
    }
}

fn named(kind: &str, detail: String) -> String {
    format!("its {kind}: {detail}")
}

fn rows<'a, const N: usize>(batch: &'a RecordBatch, kinds: [&'a str; N]) -> [Rows<'a>; N] {
    kinds.map(|kind| Rows { kind, column: batch.column_by_name(kind) })
}

/// The columns without which no reader reads the table.
fn needed(is_checkpoint: bool) -> Schema {
    let vector = structure([
        must("storageType", DataType::Utf8),
        must("pathOrInlineDv", DataType::Utf8),
        may("offset", DataType::Int32),
    ]);
    let add = structure([
        must("path", DataType::Utf8),
        must("partitionValues", map()),
        must("size", DataType::Int64),
        must("modificationTime", DataType::Int64),
        must("dataChange", DataType::Boolean),
        may("stats", DataType::Utf8),
        may("deletionVector", vector.clone()),
    ]);
    // No reader reads the tombstones of a checkpoint.
    let remove = structure([
        must("path", DataType::Utf8),
        Field::new("dataChange", DataType::Boolean, is_checkpoint),
        may("size", DataType::Int64),
        may("deletionVector", vector),
    ]);
    let texts = || DataType::List(Arc::new(may("element", DataType::Utf8)));
    let protocol = structure([
        must("minReaderVersion", DataType::Int32),
        must("minWriterVersion", DataType::Int32),
        may("readerFeatures", texts()),
        may("writerFeatures", texts()),
    ]);
    let format = structure([must("provider", DataType::Utf8), must("options", map())]);
    let metadata = structure([
        must("id", DataType::Utf8),
        must("format", format),
        must("schemaString", DataType::Utf8),
        must("partitionColumns", DataType::List(Arc::new(must("element", DataType::Utf8)))),
        must("configuration", map()),
    ]);
    let mut columns =
        vec![may("protocol", protocol), may("metaData", metadata), may("add", add), may("remove", remove)];
    if is_checkpoint {
        columns.push(may("sidecar", structure([must("path", DataType::Utf8)])));
    }
    Schema::new(columns)
}

/// The columns that readers of a snapshot pass by.
fn beside() -> Schema {
    let info = structure([
        may("inCommitTimestamp", DataType::Int64),
        may("operation", DataType::Utf8),
        may("operationParameters", map()),
    ]);
    let change = structure([may("path", DataType::Utf8), may("size", DataType::Int64)]);
    Schema::new(vec![may("commitInfo", info), may("cdc", change)])
}

fn structure<const N: usize>(fields: [Field; N]) -> DataType {
    DataType::Struct(Fields::from(fields.to_vec()))
}

fn map() -> DataType {
    let entry = structure([must("key", DataType::Utf8), may("value", DataType::Utf8)]);
    DataType::Map(Arc::new(must("entries", entry)), false)
}

fn must(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

fn may(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

fn change(at: &StructArray, row: usize) -> Result<Option<FileAction>, String> {
    let path = field(at, row, "path", text)?;
    let size = field(at, row, "size", super::checkpoint::number)?;
    Ok(path.map(|path| FileAction::new(path, size, None)))
}

fn info(at: &StructArray, row: usize) -> Result<CommitInfo, String> {
    let parameters = field(at, row, "operationParameters", super::checkpoint::properties)?.unwrap_or_default();
    let known = |key: &String| PARAMETERS.into_iter().find(|known| known == key);
    Ok(CommitInfo {
        in_commit_timestamp: field(at, row, "inCommitTimestamp", super::checkpoint::number)?,
        operation: field(at, row, "operation", text)?,
        operation_parameters: parameters.into_iter().filter_map(|(key, value)| Some((known(&key)?, value?))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8]) -> Result<Vec<Action>, String> {
        let mut found = Vec::new();
        read(bytes, true, &mut |action| {
            found.push(action);
            Ok::<_, ()>(())
        })?
        .expect("nothing stops it");
        Ok(found)
    }

    #[test]
    fn nesting_has_a_bound_and_text_nests_nothing() {
        let deep = |depth: usize| format!("{{\"add\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        for depth in [300, 100_000] {
            assert!(read_all(deep(depth).as_bytes()).is_err_and(|error| error.contains("nests deeper")), "{depth}");
        }
        let text = format!(
            r#"{{"add":{{"path":"{}\"[","size":"5","partitionValues":{{}},"modificationTime":"1","dataChange":true}}}}"#,
            "[{".repeat(1000)
        );
        assert!(matches!(read_all(text.as_bytes()).as_deref(), Ok([Action::Add(add)]) if add.size() == 5));
    }

    #[test]
    fn actions_come_whole_over_many_batches() {
        let text: String =
            (0..5000).map(|number| format!(r#"{{"remove":{{"path":"{number}","dataChange":true}}}}"#)).collect();
        assert_eq!(read_all(text.as_bytes()).map(|found| found.len()), Ok(5000));
        assert!(read_all(text.as_bytes().strip_suffix(b"}").expect("a brace")).is_err());
    }

    #[test]
    fn sidecars_count_where_they_are_asked_for() {
        assert!(read_all(b"{\"sidecar\":[1]}").is_err());
        assert!(read(b"{\"sidecar\":[1]}", false, &mut |_| Ok::<_, ()>(())).is_ok());
    }
}
