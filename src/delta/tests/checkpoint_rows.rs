//! Checkpoints whose rows are not what the protocol says: no row is ever passed over.

use super::pair::Pair;
use super::parquet_checkpoint::{columns_of, parquet_file};
use crate::delta::TableFault;
use crate::domain::ErrorClass;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, NullArray, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields};
use std::sync::Arc;

/// A field of a struct, and what stands there instead; None takes it out.
type Change = (&'static str, Option<ArrayRef>);

/// The struct with other fields and the same rows.
fn changed(column: &ArrayRef, changes: Vec<Change>) -> ArrayRef {
    let column = column.as_struct();
    let mut fields: Vec<(String, ArrayRef)> =
        column.column_names().iter().map(|name| name.to_string()).zip(column.columns().to_vec()).collect();
    for (name, change) in changes {
        let at = fields.iter().position(|(field, _)| field == name).expect("a field");
        match change {
            Some(array) => fields[at].1 = array,
            None => drop(fields.remove(at)),
        }
    }
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        fields.into_iter().map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array)).unzip();
    Arc::new(StructArray::new(Fields::from(fields), arrays, column.nulls().cloned()))
}

/// A table of nothing but a checkpoint with this column changed, two files and one commit above it.
fn table_with(kind: &str, change: impl Fn(&ArrayRef) -> ArrayRef) -> Pair {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.append("b.parquet");
    let name = pair.table.checkpoint();
    let mut columns = columns_of(&pair.table.state_lines());
    let at = columns.iter().position(|(column, _)| column == kind).expect("a column");
    columns[at].1 = change(&columns[at].1);
    pair.table.file(&name, &parquet_file(columns));
    (0..=2).for_each(|version| pair.table.remove_log(version));
    pair.table.append("c.parquet");
    pair
}

async fn refused(kind: &str, change: impl Fn(&ArrayRef) -> ArrayRef) -> TableFault {
    let fault = table_with(kind, change).fault().await;
    assert_eq!(fault.class, ErrorClass::CorruptLog, "{fault:?}");
    assert_eq!(fault.parameters["path"], "_delta_log/00000000000000000002.checkpoint.parquet");
    fault
}

fn nulls(column: &ArrayRef) -> Option<ArrayRef> {
    Some(Arc::new(StringArray::new_null(column.len())))
}

fn numbers(column: &ArrayRef) -> Option<ArrayRef> {
    Some(Arc::new(Int64Array::from(vec![7; column.len()])))
}

fn words(column: &ArrayRef) -> Option<ArrayRef> {
    Some(Arc::new(StringArray::from(vec!["u"; column.len()])))
}

fn listed(column: &ArrayRef) -> ArrayRef {
    let item = Arc::new(Field::new("element", column.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(vec![1; column.len()]);
    Arc::new(ListArray::new(item, offsets, column.clone(), column.nulls().cloned()))
}

#[tokio::test]
async fn a_file_without_a_path_is_flagged() {
    let fault = refused("add", |add| changed(add, vec![("path", nulls(add))])).await;
    assert!(fault.message.contains("its add in row 1: it has no path"), "{}", fault.message);
    refused("add", |add| changed(add, vec![("path", None)])).await;
    // Not one of the columns that are read is left.
    let read = ["path", "size", "modificationTime", "dataChange", "deletionVector"];
    refused("add", |add| changed(add, read.map(|name| (name, None)).into())).await;
}

#[tokio::test]
async fn an_action_without_what_readers_insist_on_is_flagged() {
    for (kind, members) in [
        ("add", &["size", "modificationTime", "dataChange"][..]),
        ("metaData", &["id", "format", "schemaString", "partitionColumns", "configuration"]),
    ] {
        for member in members {
            let nothing = |column: &ArrayRef| -> ArrayRef {
                let field = column.as_struct().column_by_name(member).expect("a field");
                arrow::array::new_null_array(field.data_type(), column.len())
            };
            let fault = refused(kind, |column| changed(column, vec![(member, Some(nothing(column)))])).await;
            assert!(fault.message.contains(&format!("it has no {member}")), "{}", fault.message);
            refused(kind, |column| changed(column, vec![(member, None)])).await;
        }
    }
    refused("add", |add| changed(add, vec![("partitionValues", None)])).await;
    // No reader looks at a tombstone.
    table_with("remove", |remove| changed(remove, vec![("dataChange", None)])).arrives(None).await;
}

#[tokio::test]
async fn a_column_of_another_type_is_flagged() {
    let fault = refused("add", |add| changed(add, vec![("path", numbers(add))])).await;
    assert!(fault.message.contains("its path cannot be read, it is Int64 where text should be"), "{}", fault.message);
    let fault = refused("add", listed).await;
    assert!(fault.message.contains("where a struct should be"), "{}", fault.message);
    refused("add", |add| numbers(add).expect("a column")).await;
    refused("metaData", listed).await;
    refused("metaData", |metadata| changed(metadata, vec![("id", numbers(metadata))])).await;
    refused("protocol", listed).await;
}

#[tokio::test]
async fn half_a_deletion_vector_is_flagged() {
    for (lacks, has) in [("storageType", "pathOrInlineDv"), ("pathOrInlineDv", "storageType")] {
        let fault = refused("add", |add| {
            let vector = add.as_struct().column_by_name("deletionVector").expect("a field");
            let whole: ArrayRef = Arc::new(StructArray::new(
                vector.as_struct().fields().clone(),
                vector.as_struct().columns().to_vec(),
                None,
            ));
            changed(add, vec![("deletionVector", Some(changed(&whole, vec![(has, words(add))])))])
        });
        assert!(fault.await.message.contains(&format!("its deletionVector has no {lacks}")));
    }
    refused("add", |add| changed(add, vec![("deletionVector", numbers(add))])).await;
}

#[tokio::test]
async fn a_struct_of_nulls_is_no_deletion_vector() {
    let pair = table_with("add", |add| {
        let vector = add.as_struct().column_by_name("deletionVector").expect("a field").as_struct();
        let whole = StructArray::new(vector.fields().clone(), vector.columns().to_vec(), None);
        changed(add, vec![("deletionVector", Some(Arc::new(whole)))])
    });
    pair.arrives(None).await;
}

#[tokio::test]
async fn a_column_of_nothing_but_nulls_holds_no_action() {
    table_with("remove", |remove| Arc::new(NullArray::new(remove.len()))).arrives(None).await;
    table_with("remove", |remove| Arc::new(Int64Array::new_null(remove.len()))).arrives(None).await;
}

#[tokio::test]
async fn a_protocol_without_its_versions_is_flagged() {
    for version in ["minReaderVersion", "minWriterVersion"] {
        let nothing = |column: &ArrayRef| Some(Arc::new(Int64Array::new_null(column.len())) as ArrayRef);
        let fault = refused("protocol", |protocol| changed(protocol, vec![(version, nothing(protocol))])).await;
        assert!(fault.message.contains(&format!("it has no {version}")), "{}", fault.message);
        refused("protocol", |protocol| changed(protocol, vec![(version, None)])).await;
    }
}

#[tokio::test]
async fn a_sidecar_without_a_path_is_flagged() {
    for json in [true, false] {
        let mut pair = Pair::new();
        pair.table.append("a.parquet");
        let [top, sidecar] = pair.table.checkpoint_with_sidecar(json);
        let mut lines = pair.table.state_lines();
        lines.retain(|line| line.get("add").is_none());
        lines.push(serde_json::json!({"sidecar": {"path": null, "sizeInBytes": 1}}));
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let bytes = if json { text.into_bytes() } else { parquet_file(columns_of(&lines)) };
        pair.table.file(&top, &bytes);
        (0..=1).for_each(|version| pair.table.remove_log(version));
        std::fs::remove_file(pair.table.path.join(sidecar)).expect("a sidecar");
        pair.table.append("b.parquet");
        let fault = pair.fault().await;
        assert_eq!((fault.class, fault.parameters["path"].as_str()), (ErrorClass::CorruptLog, top.as_str()));
    }
}
