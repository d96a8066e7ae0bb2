//! The actions of a commit or checkpoint, as far as shipping needs them. Everything else stays bytes.

use super::lenient::{self, Text, Texts};
use super::lines::too_long;
use super::odd_json;
use super::schema::SchemaFlaw;
use crate::delta::bounds;
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
    pub size: Option<serde_json::Number>,
    #[serde(default, deserialize_with = "lenient::object")]
    pub deletion_vector: Option<DeletionVector>,
    #[serde(default)]
    pub stats: Option<String>,
    #[serde(default)]
    pub data_change: Option<bool>,
}

/// An add with every field that readers require. They refuse a commit that lacks one, even if they don't use it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Add {
    path: String,
    size: serde_json::Number,
    #[serde(rename = "partitionValues")]
    _partition_values: Texts,
    #[serde(rename = "modificationTime")]
    _modification_time: i64,
    data_change: bool,
    #[serde(default, deserialize_with = "lenient::object")]
    deletion_vector: Option<DeletionVector>,
    #[serde(default)]
    stats: Option<String>,
}

impl From<Add> for FileAction {
    fn from(add: Add) -> Self {
        let Add { path, size, deletion_vector, stats, data_change, .. } = add;
        Self { path, size: Some(size), deletion_vector, stats, data_change: Some(data_change) }
    }
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
        Self { path, size: size.map(serde_json::Number::from), deletion_vector, ..Self::default() }
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
    #[serde(default, deserialize_with = "lenient::features")]
    pub reader_features: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient::features")]
    pub writer_features: Option<Vec<String>>,
}

impl Protocol {
    /// Every feature named, readers' first.
    pub fn features(&self) -> impl Iterator<Item = &String> {
        self.reader_features.iter().chain(self.writer_features.iter()).flatten()
    }

    /// Why readers refuse it, as the end of a sentence: its versions don't fit its lists of features
    /// ([Protocol Evolution](https://github.com/delta-io/delta/blob/master/PROTOCOL.md#protocol-evolution)).
    ///
    /// Later versions than those that brought the lists aren't judged: a newer reader may know them.
    pub fn flaw(&self) -> Option<String> {
        let sides = [
            ("minReaderVersion", self.min_reader_version, "readerFeatures", 3, self.reader_features.is_some()),
            ("minWriterVersion", self.min_writer_version, "writerFeatures", 7, self.writer_features.is_some()),
        ];
        for (version_name, version, list, first, has_list) in sides {
            if version == first && !has_list {
                return Some(format!("{version_name} is {version}, and there are no {list}"));
            }
            if version < first && has_list {
                return Some(format!("there are {list}, and {version_name} is {version}"));
            }
        }
        (self.min_reader_version == 3 && self.min_writer_version < 7)
            .then(|| format!("minReaderVersion is 3, and minWriterVersion is {}", self.min_writer_version))
    }
}

/// The table's identity and properties.
#[derive(Debug, Clone, Default, Deserialize, PartialEq, Eq)]
pub(in crate::delta) struct Metadata {
    #[serde(default)]
    pub id: String,
    #[serde(default, deserialize_with = "lenient::properties")]
    pub configuration: BTreeMap<String, Option<String>>,
    /// Why readers can't make anything of its schema.
    #[serde(skip)]
    pub flaw: SchemaFlaw,
}

/// A metadata action with all that readers require.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WholeMetadata {
    id: String,
    #[serde(rename = "format", deserialize_with = "lenient::whole")]
    _format: Format,
    schema_string: String,
    #[serde(deserialize_with = "lenient::columns")]
    partition_columns: Vec<String>,
    #[serde(deserialize_with = "lenient::all_properties")]
    configuration: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "provider")]
    _provider: Text,
    #[serde(rename = "options")]
    _options: Texts,
}

/// A protocol action with the versions that readers require.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WholeProtocol {
    min_reader_version: i64,
    min_writer_version: i64,
    #[serde(default, deserialize_with = "lenient::features")]
    reader_features: Option<Vec<String>>,
    #[serde(default, deserialize_with = "lenient::features")]
    writer_features: Option<Vec<String>>,
}

impl From<WholeProtocol> for Protocol {
    fn from(whole: WholeProtocol) -> Self {
        let WholeProtocol { min_reader_version, min_writer_version, reader_features, writer_features } = whole;
        Self { min_reader_version, min_writer_version, reader_features, writer_features }
    }
}

impl From<WholeMetadata> for Metadata {
    fn from(whole: WholeMetadata) -> Self {
        let flaw = SchemaFlaw::find(&whole.schema_string, &whole.partition_columns);
        Self { id: whole.id, configuration: whole.configuration, flaw }
    }
}

impl Metadata {
    pub fn property(&self, key: &str) -> Option<&str> {
        self.configuration.get(key).and_then(Option::as_deref)
    }
}

/// Who committed, when and how.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::delta) struct CommitInfo {
    // The protocol lets a writer put anything here, so nothing in it makes a commit unreadable.
    #[serde(default, deserialize_with = "lenient::number")]
    pub in_commit_timestamp: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub operation: Option<String>,
    #[serde(default, deserialize_with = "lenient::parameters")]
    pub operation_parameters: BTreeMap<&'static str, String>,
}

impl CommitInfo {
    /// An operation's parameter as text, however it was written: one of those that matter here.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.operation_parameters.get(key).map(String::as_str)
    }

    /// Whether the commit made the table a shallow clone.
    pub fn is_shallow_clone(&self) -> bool {
        self.operation.as_deref() == Some("CLONE") && self.parameter("isShallow") == Some("true")
    }
}

/// One line of a commit. A line has one action; unknown ones are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default, deserialize_with = "lenient::object")]
    add: Option<Add>,
    #[serde(default, deserialize_with = "lenient::object")]
    remove: Option<FileAction>,
    #[serde(default, deserialize_with = "lenient::object")]
    cdc: Option<FileAction>,
    #[serde(default, deserialize_with = "lenient::object")]
    protocol: Option<WholeProtocol>,
    #[serde(default, deserialize_with = "lenient::object")]
    meta_data: Option<WholeMetadata>,
    #[serde(default, deserialize_with = "lenient::object_or_anything")]
    commit_info: Option<CommitInfo>,
    #[serde(default, deserialize_with = "lenient::object")]
    sidecar: Option<SidecarAction>,
}

#[derive(Deserialize)]
struct SidecarAction {
    path: String,
}

/// Reads the actions of a commit's bytes, in order; none where it has only blank lines. The error says what is wrong and
/// on which line.
pub(in crate::delta) fn parse_commit<E>(
    bytes: &[u8],
    mut each: impl FnMut(Action) -> Result<(), E>,
) -> Result<Result<(), E>, String> {
    let mut parser = Parser::new(false);
    let mut at = 0;
    for line in bytes.split(|byte| *byte == b'\n') {
        let rest = bytes.get(at..).unwrap_or_default();
        at += line.len() + 1;
        match parser.plain_line(line, &mut each) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Ok(Err(error)),
            // Readers may take it anyway, also where it goes on in the next line; else what was wrong at first
            // says most.
            Err(detail) => return odd_json::read(rest, false, &mut each).map_err(|_| detail),
        }
    }
    Ok(Ok(()))
}

/// Reads a file of a log line by line.
pub(super) struct Parser {
    number: usize,
    /// Whether it is a checkpoint, so that sidecars count.
    sidecars: bool,
}

impl Parser {
    pub fn new(sidecars: bool) -> Self {
        Self { number: 0, sidecars }
    }

    /// Takes in the next line, as readers do. The outer error says what is wrong with it.
    pub fn line<E>(
        &mut self,
        line: &[u8],
        each: &mut impl FnMut(Action) -> Result<(), E>,
    ) -> Result<Result<(), E>, String> {
        match self.plain_line(line, each) {
            Err(detail) if line.len() <= bounds::LINE_AS_TREE => {
                odd_json::read(line, self.sidecars, each).map_err(|_| detail)
            }
            taken => taken,
        }
    }

    fn plain_line<E>(
        &mut self,
        line: &[u8],
        each: &mut impl FnMut(Action) -> Result<(), E>,
    ) -> Result<Result<(), E>, String> {
        self.number += 1;
        let number = self.number;
        if line.len() > bounds::LINE {
            return Err(too_long(number));
        }
        let line = trim(line);
        if line.is_empty() {
            return Ok(Ok(()));
        }
        let broken = |error: serde_json::Error| format!("line {number}: {error}");
        // Readers take the file as text, so a byte that is none is refused wherever it stands.
        let line = std::str::from_utf8(line).map_err(|_| format!("line {number}: it is not UTF-8"))?;
        // A sequence would do for a struct.
        if !line.starts_with('{') {
            return Err(format!("line {number}: it isn't a JSON object"));
        }
        let line: Line = match serde_json::from_str(line) {
            Ok(line) => line,
            // A key that stands twice isn't a reason to refuse a commit that other readers take.
            Err(_) if line.len() <= bounds::LINE_AS_TREE => {
                serde_json::from_str::<Value>(line).and_then(serde_json::from_value).map_err(broken)?
            }
            Err(error) => return Err(broken(error)),
        };
        // No reader reads the tombstones of a checkpoint.
        if !self.sidecars && line.remove.as_ref().is_some_and(|remove| remove.data_change.is_none()) {
            return Err(format!("line {number}: its remove has no dataChange"));
        }
        let is_add = line.add.is_some();
        let actions = [
            line.commit_info.map(|info| Action::CommitInfo(Box::new(info))),
            line.protocol.map(|protocol| Action::Protocol(protocol.into())),
            line.meta_data.map(|metadata| Action::Metadata(metadata.into())),
            line.add.map(|add| Action::Add(add.into())),
            // Of two in one object, readers take the first.
            line.remove.filter(|_| !is_add).map(Action::Remove),
            line.cdc.map(Action::Cdc),
            line.sidecar.map(|sidecar| Action::Sidecar(sidecar.path)),
        ];
        for action in actions.into_iter().flatten() {
            if let Err(error) = each(action) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}

/// Takes off what JSON counts as white space, and nothing else.
fn trim(line: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let Some(first) = line.iter().position(|byte| !is_blank(byte)) else { return &[] };
    let last = line.iter().rposition(|byte| !is_blank(byte)).unwrap_or(first);
    line.get(first..=last).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Action>, String> {
        let mut actions = Vec::new();
        let read = parse_commit(bytes, |action| {
            actions.push(action);
            Ok::<_, ()>(())
        })?;
        read.expect("nothing stops it");
        Ok(actions)
    }

    #[test]
    fn a_line_that_is_no_object_is_refused() {
        for line in ["[]", "[null,null,null]", "null", "42", "\"add\"", "\u{feff}{\"txn\":{}}"] {
            let bytes = format!("{{\"txn\":{{}}}}\n{line}\n");
            assert_eq!(read(bytes.as_bytes()).err().as_deref(), Some("line 2: it isn't a JSON object"), "{line}");
        }
    }

    #[test]
    fn an_action_that_is_no_object_is_refused() {
        for line in [
            r#"{"add":["a.parquet",5]}"#,
            r#"{"remove":["a.parquet"]}"#,
            r#"{"protocol":[1,2]}"#,
            r#"{"metaData":["an-id"]}"#,
            r#"{"add":{"path":"a.parquet","deletionVector":["u","ab"]}}"#,
            r#"{"add":{"path":"a.parquet","deletionVector":{"storageType":"u"}}}"#,
            // The same with a key that stands twice.
            r#"{"add":["a.parquet",5],"add":["a.parquet",5]}"#,
        ] {
            let error = read(line.as_bytes()).expect_err(line);
            assert!(error.starts_with("line 1: "), "{error}");
        }
        let nothing = r#"{"add":null,"remove":null,"metaData":null,"protocol":null,"commitInfo":null,"sidecar":null}"#;
        assert!(read(nothing.as_bytes()).is_ok_and(|actions| actions.is_empty()));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_wherever_they_stand() {
        for bytes in [&b"{\"unknown\":{\"a\":\"\xff\xfe\"}}\n"[..], b"{\"commitInfo\":{\"\xc3\":1}}"] {
            assert_eq!(read(bytes).err().as_deref(), Some("line 1: it is not UTF-8"));
        }
    }

    #[test]
    fn nothing_in_a_commit_info_makes_a_commit_unreadable() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for info in [
            format!(r#"{{"operation":"WRITE","x":{deep},"inCommitTimestamp":42}}"#),
            r#"{"operation":"WRITE","x":1e999,"inCommitTimestamp":42}"#.to_owned(),
        ] {
            let actions = read(format!(r#"{{"commitInfo":{info}}}"#).as_bytes()).expect("a commit");
            let [Action::CommitInfo(info)] = actions.as_slice() else { panic!("an info") };
            assert_eq!((info.operation.as_deref(), info.in_commit_timestamp), (Some("WRITE"), Some(42)));
        }
        for info in [
            r#""text""#,
            "5",
            "true",
            r#"["WRITE",1]"#,
            r#"{"operation":{"a":[1]},"inCommitTimestamp":"late","operationParameters":7}"#,
            r#"{"operation":["a"],"inCommitTimestamp":1.5}"#,
            r#"{"operation":null,"inCommitTimestamp":18446744073709551615}"#,
        ] {
            let actions = read(format!(r#"{{"commitInfo":{info}}}"#).as_bytes()).expect(info);
            let [Action::CommitInfo(found)] = actions.as_slice() else { panic!("an info") };
            assert_eq!((found.operation.as_deref(), found.in_commit_timestamp), (None, None), "{info}");
        }
    }

    #[test]
    fn a_property_need_not_be_text() {
        let line = |configuration: &str| {
            let rest = r#""format":{"provider":"parquet","options":{}},"schemaString":"{}","partitionColumns":[]"#;
            format!(r#"{{"metaData":{{"id":"x",{rest},"configuration":{configuration}}}}}"#)
        };
        let properties = r#"{"a":false,"b":5,"c":null,"d":"text","e":1.5,"f":-1}"#;
        let actions = read(line(properties).as_bytes()).expect("a commit");
        let [Action::Metadata(metadata)] = actions.as_slice() else { panic!("a metadata") };
        let found = ["a", "b", "c", "d", "e", "f"].map(|key| metadata.property(key));
        assert_eq!(found, [Some("false"), Some("5"), None, Some("text"), Some("1.5"), Some("-1")]);
        for configuration in ["null", "[]", r#"{"a":{}}"#, r#"{"a":[]}"#] {
            assert!(read(line(configuration).as_bytes()).is_err(), "{configuration}");
        }
    }
}
