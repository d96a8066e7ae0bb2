//! Tables of every shape on a local disk, for copying into stores.

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, MapBuilder, RecordBatch, StringArray, StringBuilder, StructArray,
};
use arrow::datatypes::{DataType, Field};
use parquet::arrow::ArrowWriter;
use resilience::sandbox::writer::{Durability, Feature, TableSpec, TableWriter};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const START_MS: i64 = 1_782_864_000_000;
const COLUMNS: &[(&str, &str)] = &[("id", "long"), ("region", "string"), ("amount", "double"), ("day", "date")];

/// A table that goes on growing.
pub struct Table {
    pub name: &'static str,
    pub path: PathBuf,
    writer: Writer,
    next: i64,
    /// Whether any reader can read its rows; of others only the bytes are compared.
    pub has_rows: bool,
}

enum Writer {
    /// The sandbox's: real rows.
    Sandbox(Box<TableWriter>),
    /// Action by action: what no writer at hand makes.
    ByHand,
}

const SHAPES: [(&str, TableSpec); 5] = [
    ("plain", spec(&[], &[])),
    ("partitioned", spec(&["region"], &[Feature::Checkpoints(4)])),
    ("deletion_vectors", spec(&[], &[Feature::DeletionVectors, Feature::Checkpoints(5)])),
    ("change_data", spec(&[], &[Feature::ChangeData])),
    ("in_commit_timestamps", spec(&["day"], &[Feature::InCommitTimestamps, Feature::Checkpoints(3)])),
];

const fn spec(partition_by: &'static [&'static str], features: &'static [Feature]) -> TableSpec {
    TableSpec { columns: COLUMNS, partition_by, features }
}

/// One table of every shape, a few commits old.
pub fn every_shape(folder: &Path) -> Vec<Table> {
    let mut tables: Vec<Table> = SHAPES.iter().map(|(name, spec)| Table::sandbox(folder, name, spec)).collect();
    tables.push(Table::by_hand(folder, "odd_values_and_sidecars"));
    for table in &mut tables {
        table.grow(6);
    }
    tables
}

impl Table {
    fn sandbox(folder: &Path, name: &'static str, spec: &TableSpec) -> Self {
        let (path, temporary) = (folder.join(name), folder.join("temporary"));
        fs::create_dir_all(&temporary).expect("a folder");
        let writer = TableWriter::new(path.clone(), temporary, 7, name).with(Durability::Later);
        writer.create(spec, START_MS).expect("a table");
        Self { name, path, writer: Writer::Sandbox(Box::new(writer)), next: 1, has_rows: true }
    }

    /// A table with odd partition values, a checkpoint with sidecars to come, and a file that takes several parts.
    pub fn by_hand(folder: &Path, name: &'static str) -> Self {
        let path = folder.join(name);
        fs::create_dir_all(path.join("_delta_log")).expect("a folder");
        let mut table = Self { name, path, writer: Writer::ByHand, next: 0, has_rows: false };
        let schema =
            json!({"type": "struct", "fields": [{"name": "p", "type": "string", "nullable": true, "metadata": {}}]});
        table.commit(&[
            json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
                "readerFeatures": ["v2Checkpoint"], "writerFeatures": ["v2Checkpoint"]}}),
            json!({"metaData": {"id": uuid::Uuid::new_v4().to_string(), "format": {"provider": "parquet", "options": {}},
                "schemaString": schema.to_string(), "partitionColumns": ["p"], "configuration": {}, "createdTime": START_MS}}),
        ]);
        table
    }

    /// Makes `commits` commits more.
    pub fn grow(&mut self, commits: i64) {
        for _ in 0..commits {
            let now = START_MS + self.next * 1_000;
            match &mut self.writer {
                Writer::Sandbox(writer) => {
                    writer.commit(now).expect("a commit");
                    self.next += 1;
                }
                Writer::ByHand => {
                    const FOLDERS: [&str; 6] =
                        ["p=a b", "p=a%20b", "p=50%25", "p=ü#?", "p=x%2Fy", "p=__HIVE_DEFAULT_PARTITION__"];
                    let folder = FOLDERS[self.next as usize % FOLDERS.len()];
                    let size = if self.next == 2 { 20 << 20 } else { 3_000 };
                    self.append(&format!("{folder}/part-{}.parquet", self.next), size);
                }
            }
        }
    }

    /// Appends one file of random bytes.
    pub fn append(&mut self, rel: &str, size: usize) {
        let mut bytes = vec![0; size];
        let mut seed = (self.next as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        for byte in &mut bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (seed >> 56) as u8;
        }
        let path = self.path.join(rel);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
        self.commit(&[json!({"add": {"path": encoded(rel), "partitionValues": {"p": "x"}, "size": size,
            "modificationTime": START_MS, "dataChange": true}})]);
    }

    fn commit(&mut self, actions: &[Value]) {
        let version = self.next;
        let info = json!({"commitInfo": {"timestamp": START_MS + version, "operation": "WRITE", "txnId": format!("{}-{version}", self.name)}});
        let lines: String = std::iter::once(&info).chain(actions).map(|action| format!("{action}\n")).collect();
        fs::write(self.log(&format!("{version:020}.json")), lines).expect("a commit");
        self.next += 1;
    }

    fn log(&self, name: &str) -> PathBuf {
        self.path.join("_delta_log").join(name)
    }

    pub fn version(&self) -> i64 {
        self.next - 1
    }

    /// Writes a V2 checkpoint of an earlier version, its files in a sidecar, as a slow writer would.
    pub fn checkpoint_late(&self, version: i64) {
        let mut top = vec![json!({"checkpointMetadata": {"version": version}})];
        let mut files = Vec::new();
        for at in 0..=version {
            let text = fs::read_to_string(self.log(&format!("{at:020}.json"))).expect("a commit");
            for action in text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an action")) {
                match action.get("add") {
                    Some(add) => files.push(add.clone()),
                    None if action.get("commitInfo").is_none() => top.push(action),
                    None => {}
                }
            }
        }
        let sidecar = format!("{}.parquet", uuid::Uuid::new_v4());
        let paths: ArrayRef = Arc::new(StringArray::from_iter(files.iter().map(|add| add["path"].as_str())));
        let mut values = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for add in &files {
            for (name, value) in add["partitionValues"].as_object().expect("partition values") {
                values.keys().append_value(name);
                values.values().append_option(value.as_str());
            }
            values.append(true).expect("a map");
        }
        let values: ArrayRef = Arc::new(values.finish());
        let numbers = |name: &str| -> ArrayRef {
            Arc::new(Int64Array::from_iter(files.iter().map(|add| Some(add[name].as_i64().unwrap_or(START_MS)))))
        };
        let changes: ArrayRef = Arc::new(BooleanArray::from_iter(files.iter().map(|_| Some(false))));
        let field = |name: &str, kind: &DataType| Arc::new(Field::new(name, kind.clone(), true));
        let add = StructArray::from(vec![
            (field("path", &DataType::Utf8), paths),
            (field("partitionValues", values.data_type()), values.clone()),
            (field("size", &DataType::Int64), numbers("size")),
            (field("modificationTime", &DataType::Int64), numbers("modificationTime")),
            (field("dataChange", &DataType::Boolean), changes),
        ]);
        let batch = RecordBatch::try_from_iter([("add", Arc::new(add) as ArrayRef)]).expect("a batch");
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
        writer.write(&batch).expect("rows");
        writer.close().expect("a footer");
        fs::create_dir_all(self.log("_sidecars")).expect("a folder");
        top.push(json!({"sidecar": {"path": sidecar, "sizeInBytes": bytes.len(), "modificationTime": START_MS}}));
        fs::write(self.log(&format!("_sidecars/{sidecar}")), bytes).expect("a sidecar");
        let lines: String = top.iter().map(|action| format!("{action}\n")).collect();
        fs::write(self.log(&format!("{version:020}.checkpoint.{}.json", uuid::Uuid::new_v4())), lines)
            .expect("a checkpoint");
        fs::write(self.log("_last_checkpoint"), json!({"version": version, "size": 1}).to_string()).expect("a hint");
    }

    /// Removes the commits below `version`, as log clean-up does.
    pub fn clean_log_below(&self, version: i64) {
        for at in 0..version {
            fs::remove_file(self.log(&format!("{at:020}.json"))).expect("a commit to remove");
        }
    }
}

fn encoded(rel: &str) -> String {
    const SET: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS.add(b' ').add(b'%').add(b'#').add(b'?');
    percent_encoding::utf8_percent_encode(rel, SET).to_string()
}

/// The bytes of every file below a folder, by path; none of those that begin with a dot.
pub fn files_of(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a folder").map(|entry| entry.expect("an entry")) {
            if entry.file_type().expect("a kind").is_dir() {
                open.push(entry.path());
            } else if !entry.file_name().to_string_lossy().starts_with('.') {
                let path = entry.path();
                let rel = path.strip_prefix(folder).expect("below").to_str().expect("text").to_owned();
                found.push((rel, fs::read(path).expect("bytes")));
            }
        }
    }
    found.sort();
    found
}
