//! Writes Parquet checkpoints of a table, in any of the shapes that the protocol has.

use super::table::Table;
use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, MapBuilder, RecordBatch, StringArray, StringBuilder, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::Field;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::sync::Arc;

fn texts(actions: &[Value], kind: &str, key: &str) -> ArrayRef {
    let values = actions.iter().map(|action| action.get(kind)?.get(key)?.as_str());
    Arc::new(StringArray::from_iter(values))
}

fn numbers(actions: &[Value], kind: &str, key: &str) -> ArrayRef {
    Arc::new(Int64Array::from_iter(actions.iter().map(|action| action.get(kind)?.get(key)?.as_i64())))
}

fn truths(actions: &[Value], kind: &str, key: &str) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(actions.iter().map(|action| action.get(kind)?.get(key)?.as_bool())))
}

fn maps(actions: &[Value], kind: &str, key: &str) -> ArrayRef {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for action in actions {
        let map = action.get(kind).and_then(|action| action.get(key)?.as_object());
        for (key, value) in map.into_iter().flatten() {
            maps.keys().append_value(key);
            maps.values().append_option(value.as_str());
        }
        maps.append(map.is_some()).expect("as many keys as values");
    }
    Arc::new(maps.finish())
}

fn lists(actions: &[Value], kind: &str, key: &str) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for action in actions {
        let list = action.get(kind).and_then(|action| action.get(key)?.as_array());
        for value in list.into_iter().flatten() {
            lists.values().append_option(value.as_str());
        }
        lists.append(list.is_some());
    }
    Arc::new(lists.finish())
}

fn formats(actions: &[Value]) -> ArrayRef {
    let of = |action: &Value| action.get("metaData").and_then(|metadata| metadata.get("format")).cloned();
    let inner = |action: &Value| of(action).map_or(Value::Null, |format| serde_json::json!({"v": format}));
    let inner: Vec<Value> = actions.iter().map(inner).collect();
    structure(
        &inner,
        "v",
        vec![("provider", texts(&inner, "v", "provider")), ("options", maps(&inner, "v", "options"))],
    )
    .1
}

fn structure(actions: &[Value], kind: &str, columns: Vec<(&str, ArrayRef)>) -> (String, ArrayRef) {
    let there = NullBuffer::from_iter(actions.iter().map(|action| action.get(kind).is_some()));
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        columns.into_iter().map(|(name, array)| (Field::new(name, array.data_type().clone(), true), array)).unzip();
    (kind.to_owned(), Arc::new(StructArray::new(fields.into(), arrays, Some(there))))
}

fn vectors(actions: &[Value], kind: &str) -> ArrayRef {
    let of = |action: &Value| action.get(kind).and_then(|file| file.get("deletionVector")).cloned();
    let inner: Vec<Value> = actions
        .iter()
        .map(|action| of(action).map_or(Value::Null, |vector| serde_json::json!({"v": vector})))
        .collect();
    let columns = vec![
        ("storageType", texts(&inner, "v", "storageType")),
        ("pathOrInlineDv", texts(&inner, "v", "pathOrInlineDv")),
        ("offset", numbers(&inner, "v", "offset")),
    ];
    structure(&inner, "v", columns).1
}

/// The bytes of a Parquet file with these actions.
pub fn parquet_of(actions: &[Value]) -> Vec<u8> {
    parquet_file(columns_of(actions))
}

/// The columns of a checkpoint with these actions, one a kind.
pub fn columns_of(actions: &[Value]) -> Vec<(String, ArrayRef)> {
    let file = |kind: &str| {
        let columns = vec![
            ("path", texts(actions, kind, "path")),
            ("partitionValues", maps(actions, kind, "partitionValues")),
            ("size", numbers(actions, kind, "size")),
            ("modificationTime", numbers(actions, kind, "modificationTime")),
            ("dataChange", truths(actions, kind, "dataChange")),
            ("deletionVector", vectors(actions, kind)),
            ("stats", texts(actions, kind, "stats")),
        ];
        structure(actions, kind, columns)
    };
    vec![
        file("add"),
        file("remove"),
        structure(actions, "sidecar", vec![("path", texts(actions, "sidecar", "path"))]),
        structure(
            actions,
            "metaData",
            vec![
                ("id", texts(actions, "metaData", "id")),
                ("format", formats(actions)),
                ("schemaString", texts(actions, "metaData", "schemaString")),
                ("partitionColumns", lists(actions, "metaData", "partitionColumns")),
                ("configuration", maps(actions, "metaData", "configuration")),
            ],
        ),
        structure(
            actions,
            "protocol",
            vec![
                ("minReaderVersion", numbers(actions, "protocol", "minReaderVersion")),
                ("minWriterVersion", numbers(actions, "protocol", "minWriterVersion")),
                ("readerFeatures", lists(actions, "protocol", "readerFeatures")),
                ("writerFeatures", lists(actions, "protocol", "writerFeatures")),
            ],
        ),
        structure(actions, "checkpointMetadata", vec![("version", numbers(actions, "checkpointMetadata", "version"))]),
    ]
}

/// The bytes of a Parquet file with these columns.
pub fn parquet_file(columns: Vec<(String, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("rows");
    writer.close().expect("a footer");
    bytes
}

impl Table {
    /// One Parquet file.
    pub fn checkpoint(&self) -> String {
        let name = format!("_delta_log/{:020}.checkpoint.parquet", self.version());
        self.file(&name, &parquet_of(&self.state_lines()));
        name
    }

    /// Two Parquet files.
    pub fn checkpoint_in_parts(&self) -> [String; 2] {
        let state = self.state_lines();
        let (first, second) = state.split_at(state.len() / 2);
        [(1, first), (2, second)].map(|(part, actions)| {
            let name = format!("_delta_log/{:020}.checkpoint.{part:010}.{:010}.parquet", self.version(), 2);
            self.file(&name, &parquet_of(actions));
            name
        })
    }

    /// A V2 checkpoint: a top file in JSON or Parquet, and all files in one sidecar. Returns top file and sidecar.
    pub fn checkpoint_with_sidecar(&self, json: bool) -> [String; 2] {
        let (files, mut top): (Vec<Value>, Vec<Value>) =
            self.state_lines().into_iter().partition(|action| action.get("add").is_some());
        let sidecar = format!("{}.parquet", uuid::Uuid::new_v4());
        self.file(&format!("_delta_log/_sidecars/{sidecar}"), &parquet_of(&files));
        top.push(serde_json::json!({"checkpointMetadata": {"version": self.version()}}));
        top.push(serde_json::json!({"sidecar": {"path": sidecar, "sizeInBytes": 1, "modificationTime": 1}}));
        let kind = if json { "json" } else { "parquet" };
        let name = format!("_delta_log/{:020}.checkpoint.{}.{kind}", self.version(), uuid::Uuid::new_v4());
        let bytes = if json {
            top.iter().map(|action| format!("{action}\n")).collect::<String>().into_bytes()
        } else {
            parquet_of(&top)
        };
        self.file(&name, &bytes);
        [name, format!("_delta_log/_sidecars/{sidecar}")]
    }
}
