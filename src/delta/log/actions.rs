//! The actions of a commit or checkpoint, as far as shipping needs them. Everything else stays bytes.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One action, or the part of it that matters here.
#[derive(Debug)]
pub(in crate::delta) enum Action {
    Add(FileAction),
    Remove(FileAction),
    Cdc(FileAction),
    Protocol(Protocol),
    Metadata(Metadata),
    CommitInfo(Box<CommitInfo>),
    /// A V2 checkpoint's part, by its path as the log has it.
    Sidecar(String),
}

/// An action on a file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::delta) struct FileAction {
    /// The path as the log has it.
    pub path: String,
    #[serde(default)]
    size: Option<serde_json::Number>,
    #[serde(default)]
    pub deletion_vector: Option<DeletionVector>,
    #[serde(default)]
    pub stats: Option<String>,
}

/// Where a file's deleted rows are listed.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::delta) struct DeletionVector {
    pub storage_type: String,
    pub path_or_inline_dv: String,
    #[serde(default)]
    pub offset: Option<i64>,
}

impl FileAction {
    pub fn new(path: String, size: Option<i64>, deletion_vector: Option<DeletionVector>) -> Self {
        Self { path, size: size.map(serde_json::Number::from), deletion_vector, stats: None }
    }

    /// Bytes as the log has them; 0 where it does not tell.
    pub fn size(&self) -> u64 {
        let Some(size) = &self.size else { return 0 };
        size.as_u64().or_else(|| size.as_f64().map(|size| size as u64)).unwrap_or(0)
    }

    /// Rows in the file, where its statistics tell.
    pub fn rows(&self) -> Option<u64> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Stats {
            num_records: Option<u64>,
        }
        serde_json::from_str::<Stats>(self.stats.as_deref()?).ok()?.num_records
    }
}

/// What a reader and a writer must know.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(in crate::delta) struct Protocol {
    #[serde(default)]
    pub min_reader_version: i64,
    #[serde(default)]
    pub min_writer_version: i64,
    #[serde(default)]
    pub reader_features: Option<Vec<String>>,
    #[serde(default)]
    pub writer_features: Option<Vec<String>>,
}

impl Protocol {
    /// Every feature named, readers' first.
    pub fn features(&self) -> impl Iterator<Item = &String> {
        self.reader_features.iter().chain(self.writer_features.iter()).flatten()
    }
}

/// The table's identity and properties.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
pub(in crate::delta) struct Metadata {
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub configuration: BTreeMap<String, Option<String>>,
}

impl Metadata {
    pub fn property(&self, key: &str) -> Option<&str> {
        self.configuration.get(key).and_then(Option::as_deref)
    }
}

/// Who committed, when and how.
#[derive(Debug, Clone, Default)]
pub(in crate::delta) struct CommitInfo {
    pub in_commit_timestamp: Option<i64>,
    pub operation: Option<String>,
    operation_parameters: Value,
}

impl CommitInfo {
    /// The protocol lets a writer put anything here, so nothing in it makes a commit unreadable.
    fn new(mut info: Value) -> Self {
        Self {
            in_commit_timestamp: info.get("inCommitTimestamp").and_then(Value::as_i64),
            operation: info.get("operation").and_then(Value::as_str).map(str::to_owned),
            operation_parameters: info.get_mut("operationParameters").map(Value::take).unwrap_or_default(),
        }
    }

    /// An operation's parameter as text, however it was written.
    pub fn parameter(&self, key: &str) -> Option<String> {
        match self.operation_parameters.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Whether the commit made the table a shallow clone.
    pub fn is_shallow_clone(&self) -> bool {
        self.operation.as_deref() == Some("CLONE") && self.parameter("isShallow").as_deref() == Some("true")
    }
}

/// One line of a commit. A line has one action; unknown ones are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default)]
    add: Option<FileAction>,
    #[serde(default)]
    remove: Option<FileAction>,
    #[serde(default)]
    cdc: Option<FileAction>,
    #[serde(default)]
    protocol: Option<Protocol>,
    #[serde(default)]
    meta_data: Option<Metadata>,
    #[serde(default)]
    commit_info: Option<Value>,
    #[serde(default)]
    sidecar: Option<SidecarAction>,
}

#[derive(Deserialize)]
struct SidecarAction {
    path: String,
}

/// Reads the actions of a commit's bytes, in order. The error says what is wrong and on which line.
pub(in crate::delta) fn parse_commit<E>(
    bytes: &[u8],
    mut each: impl FnMut(Action) -> Result<(), E>,
) -> Result<Result<(), E>, String> {
    let mut any = false;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        any = true;
        let broken = |error: serde_json::Error| format!("line {}: {error}", number + 1);
        let line: Line = match serde_json::from_slice(line) {
            Ok(line) => line,
            // A key that stands twice is no reason to refuse a commit that other readers take.
            Err(_) => serde_json::from_slice::<Value>(line).and_then(serde_json::from_value).map_err(broken)?,
        };
        let actions = [
            line.commit_info.map(|info| Action::CommitInfo(Box::new(CommitInfo::new(info)))),
            line.protocol.map(Action::Protocol),
            line.meta_data.map(Action::Metadata),
            line.add.map(Action::Add),
            line.remove.map(Action::Remove),
            line.cdc.map(Action::Cdc),
            line.sidecar.map(|sidecar| Action::Sidecar(sidecar.path)),
        ];
        for action in actions.into_iter().flatten() {
            if let Err(error) = each(action) {
                return Ok(Err(error));
            }
        }
    }
    if any { Ok(Ok(())) } else { Err("the file holds no action".to_owned()) }
}
