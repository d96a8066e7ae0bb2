//! Writes small tables by hand, and reads a replica the way any reader would.

use crate::delta::log::{Action, Log, deletion_vector_path, read_checkpoint, read_commit, resolve_path};
use crate::delta::place::{LocalPlace, Mode, Place};
use crate::delta::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// 2026-07-01, in milliseconds.
pub const START_MS: i64 = 1_782_864_000_000;

/// A table on a local disk, written action by action.
pub struct Table {
    pub path: PathBuf,
    pub root: TableRoot,
    next: i64,
    id: String,
}

impl Table {
    /// A new table with protocol and metadata in version 0.
    pub fn create(path: PathBuf) -> Self {
        Self::create_with(path, json!({"minReaderVersion": 1, "minWriterVersion": 2}), json!({}))
    }

    pub fn create_with(path: PathBuf, protocol: Value, configuration: Value) -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        let mut table = Self { root: TableRoot::Local(path.clone()), path, next: 0, id: id.clone() };
        table.commit(&[json!({"protocol": protocol}), metadata(json!(id), configuration)]);
        table
    }

    /// A table that is there already, to be written on.
    pub fn open(path: PathBuf) -> Self {
        let place = LocalPlace::new(path.clone());
        let next = Log::list(&place, 0).expect("a log").newest(None).expect("a version") + 1;
        Self { root: TableRoot::Local(path.clone()), path, next, id: String::new() }
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn version(&self) -> i64 {
        self.next - 1
    }

    pub fn place(&self) -> LocalPlace {
        LocalPlace::new(self.path.clone())
    }

    /// Writes a data file with bytes of its own.
    pub fn file(&self, rel: &str, bytes: &[u8]) {
        let path = self.path.join(rel);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, bytes).expect("a file");
    }

    /// Commits raw actions.
    pub fn commit(&mut self, actions: &[Value]) -> i64 {
        let lines: String = actions.iter().map(|action| format!("{action}\n")).collect();
        self.commit_bytes(lines.as_bytes())
    }

    pub fn commit_bytes(&mut self, bytes: &[u8]) -> i64 {
        let version = self.next;
        let modified_ns = (START_MS + version * 1000) * 1_000_000 + 123;
        let put = self.place().put(&log_path(version, "json"), bytes, modified_ns, Mode::Create);
        assert_eq!(put.expect("a commit"), place::Put::Done);
        self.next += 1;
        version
    }

    /// Appends one file whose bytes follow from its name.
    pub fn append(&mut self, rel: &str) -> i64 {
        self.file(rel, &content(rel));
        self.commit(&[info("WRITE"), add(rel)])
    }

    pub fn append_many(&mut self, numbers: std::ops::Range<u8>) {
        for number in numbers {
            self.append(&format!("{number}.parquet"));
        }
    }

    /// Writes a checkpoint of the newest version in JSON, with all actions in a top file or a Parquet sidecar's stead.
    pub fn checkpoint_json(&self) -> String {
        let (version, state) = (self.version(), self.state_lines());
        let name = format!("{version:020}.checkpoint.{}.json", uuid::Uuid::new_v4());
        let lines: String = state.iter().map(|action| format!("{action}\n")).collect();
        self.file(&format!("_delta_log/{name}"), lines.as_bytes());
        name
    }

    pub fn hint(&self, version: i64) {
        self.file("_delta_log/_last_checkpoint", json!({"version": version, "size": 1}).to_string().as_bytes());
    }

    /// The actions that make up the newest version.
    pub fn state_lines(&self) -> Vec<Value> {
        let mut state: BTreeMap<String, Value> = BTreeMap::new();
        for version in 0..self.next {
            let path = self.path.join(log_path(version, "json"));
            for line in std::fs::read_to_string(path).expect("a commit").lines() {
                let action: Value = serde_json::from_str(line).expect("an action");
                for (kind, value) in action.as_object().expect("an object") {
                    let key = |value: &Value| format!("{}{}", value["path"], value["deletionVector"]);
                    match kind.as_str() {
                        "add" => drop(state.insert(format!("add{}", key(value)), action.clone())),
                        "remove" => drop(state.remove(&format!("add{}", key(value)))),
                        "protocol" | "metaData" => drop(state.insert(kind.clone(), action.clone())),
                        _ => {}
                    }
                }
            }
        }
        state.into_values().collect()
    }

    pub fn remove_log(&self, version: i64) {
        std::fs::remove_file(self.path.join(log_path(version, "json"))).expect("a commit to remove");
    }
}

pub fn log_path(version: i64, kind: &str) -> String {
    format!("_delta_log/{version:020}.{kind}")
}

/// The bytes of a file, by its name.
pub fn content(rel: &str) -> Vec<u8> {
    let mut bytes = format!("bytes of {rel} ").into_bytes();
    bytes.resize(64 + rel.len() * 7, b'.');
    bytes
}

pub fn info(operation: &str) -> Value {
    json!({"commitInfo": {"operation": operation, "operationParameters": {}}})
}

fn encoded(rel: &str) -> String {
    const SET: &percent_encoding::AsciiSet =
        &percent_encoding::CONTROLS.add(b' ').add(b'%').add(b'#').add(b'?').add(b':');
    percent_encoding::utf8_percent_encode(rel, SET).to_string()
}

pub fn add(rel: &str) -> Value {
    let size = content(rel).len();
    json!({"add": {"path": encoded(rel), "partitionValues": {}, "size": size, "modificationTime": START_MS,
        "dataChange": true, "stats": "{\"numRecords\":10}"}})
}

/// A metadata action with all that readers require.
pub fn metadata(id: Value, configuration: Value) -> Value {
    json!({"metaData": {
        "id": id,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": "{\"type\":\"struct\",\"fields\":[]}",
        "partitionColumns": [],
        "configuration": configuration,
        "createdTime": START_MS,
    }})
}

pub fn remove(rel: &str) -> Value {
    json!({"remove": {"path": encoded(rel), "deletionTimestamp": START_MS, "dataChange": true}})
}

/// The encoded id of a deletion vector and the name of its file.
pub fn vector(number: u8) -> (String, String) {
    const ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
    let id = uuid::Uuid::from_bytes([number; 16]);
    let mut text = String::new();
    for group in id.as_bytes().chunks(4) {
        let mut value = u32::from_be_bytes(group.try_into().expect("four bytes"));
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = ALPHABET[(value % 85) as usize];
            value /= 85;
        }
        text.push_str(std::str::from_utf8(&digits).expect("ascii"));
    }
    (text, format!("deletion_vector_{id}.bin"))
}

pub fn with_vector(mut action: Value, storage_type: &str, path_or_inline: &str, offset: i64) -> Value {
    let key = if action.get("add").is_some() { "add" } else { "remove" };
    action[key]["deletionVector"] = json!({"storageType": storage_type, "pathOrInlineDv": path_or_inline,
        "offset": offset, "sizeInBytes": 10, "cardinality": 1});
    action
}

/// Ships until there is nothing more to do.
pub async fn replicate(
    source: &TableRoot,
    destination: &TableRoot,
    known: Option<&Position>,
) -> Result<Shipped, TableFault> {
    match plan(PlanRequest::new(source, destination, known)).await? {
        Plan::UpToDate(position) => Ok(Shipped {
            position,
            generation: Generation::Same,
            commits: Vec::new(),
            files: Vec::new(),
            unreadable: Vec::new(),
            bytes_copied: 0,
        }),
        Plan::Ship(shipment) => ship(vec![*shipment], &Transfer::default()).await.remove(0),
    }
}

pub async fn compare_all(source: &TableRoot, destination: &TableRoot) -> Comparison {
    compare(source, destination, &Kept::default(), CompareOptions { up_to: None, depth: Depth::Ledger }).await
}

/// The bytes of files, by decoded path.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What a reader sees of a table's newest version: the version and the bytes of every live file. An error where it
/// cannot read it. Written apart from the layer's own replay.
pub fn read_whole(path: &Path) -> Result<Option<(i64, Files)>, String> {
    let place = LocalPlace::new(path.to_path_buf());
    let log = Log::list(&place, 0).map_err(|error| error.to_string())?;
    let Some(version) = log.newest(None) else { return Ok(None) };
    read_version(path, version).map(|files| Some((version, files)))
}

pub fn read_version(path: &Path, version: i64) -> Result<Files, String> {
    let place = LocalPlace::new(path.to_path_buf());
    let log = Log::list(&place, 0).map_err(|error| error.to_string())?;
    let base = log.base(version, false, "").map_err(|error| error.to_string())?;
    let mut live: BTreeSet<(String, Option<String>)> = BTreeSet::new();
    let mut apply = |action: Action| {
        let key = |file: &crate::delta::log::FileAction| {
            let vector = file.deletion_vector.as_ref();
            (resolve_path(&file.path), vector.and_then(deletion_vector_path))
        };
        match action {
            Action::Add(add) => drop(live.insert(key(&add))),
            Action::Remove(remove) => drop(live.remove(&key(&remove))),
            _ => {}
        }
        Ok(())
    };
    if let Some(checkpoint) = base.checkpoint {
        read_checkpoint(&place, checkpoint, true, &mut |action, _| match action {
            Action::Remove(_) => Ok(()),
            action => apply(action),
        })
        .map_err(|error| error.to_string())?;
    }
    for version in base.commits {
        let commit = read_commit(&place, version).map_err(|error| error.to_string())?.ok_or("a commit vanished")?;
        commit.actions(&place, &mut apply).map_err(|error| error.to_string())?;
    }
    let mut files = BTreeMap::new();
    for rel in live.into_iter().flat_map(|(path, vector)| std::iter::once(path).chain(vector)) {
        let bytes = std::fs::read(path.join(&rel)).map_err(|error| format!("version {version}: {rel}: {error}"))?;
        files.insert(rel, bytes);
    }
    Ok(files)
}
