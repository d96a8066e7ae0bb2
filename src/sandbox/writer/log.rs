//! A table's log on disk: its versions, its newest metadata, and the put-if-absent that makes a commit.

use super::WriterError;
use super::bounds;
use super::data_file::{Durability, batches, sync_folder, write_new};
use crate::delta::{open_regular, read_regular};
use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// What tells one file of a name from another of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

/// The log's entries that matter here.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Versions of commits, ascending.
    pub commits: Vec<i64>,
    /// The newest classic checkpoint: its version and parts.
    pub checkpoint: Option<(i64, Vec<PathBuf>)>,
    /// The newest checkpoint of the second kind, whose top file holds all but the files.
    pub top_file: Option<(i64, PathBuf)>,
}

pub(super) fn log_folder(table: &Path) -> PathBuf {
    table.join("_delta_log")
}

pub(super) fn commit_path(table: &Path, version: i64) -> PathBuf {
    log_folder(table).join(format!("{version:020}.json"))
}

pub(super) fn identity(path: &Path) -> Option<FileIdentity> {
    let m = std::fs::metadata(path).ok()?;
    Some(FileIdentity { inode: m.ino(), modified: (m.mtime(), m.mtime_nsec()), size: m.size() })
}

/// Lists a log; None if it doesn't exist.
pub(super) fn list(table: &Path) -> Result<Option<Listing>, WriterError> {
    let folder = log_folder(table);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(WriterError::disk("listed", &folder)(e)),
    };
    let mut listing = Listing::default();
    let mut parts: std::collections::BTreeMap<i64, Vec<(usize, PathBuf)>> = Default::default();
    for entry in entries {
        let entry = entry.map_err(WriterError::disk("listed", &folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let words: Vec<&str> = name.split('.').collect();
        let Some(version) = words.first().filter(|w| w.len() == 20).and_then(|w| w.parse::<i64>().ok()) else {
            continue;
        };
        match words.as_slice() {
            [_, "json"] => listing.commits.push(version),
            [_, "checkpoint", "parquet"] => parts.entry(version).or_default().push((1, entry.path())),
            [_, "checkpoint", _, "parquet" | "json"] => {
                listing.top_file = listing.top_file.take().max(Some((version, entry.path())));
            }
            [_, "checkpoint", _, of, "parquet"] => {
                let of = of.parse().unwrap_or(usize::MAX);
                parts.entry(version).or_default().push((of, entry.path()));
            }
            _ => {}
        }
    }
    listing.commits.sort_unstable();
    listing.checkpoint = parts.into_iter().rev().find_map(|(version, mut found)| {
        found.sort();
        let of = found.first().map(|(of, _)| *of)?;
        (found.len() >= of).then(|| (version, found.into_iter().take(of).map(|(_, path)| path).collect()))
    });
    Ok(Some(listing))
}

/// The actions of one commit.
pub(super) fn read_commit(table: &Path, version: i64) -> Result<Vec<Map<String, Value>>, WriterError> {
    read_lines(&commit_path(table, version))
}

fn read_lines(path: &Path) -> Result<Vec<Map<String, Value>>, WriterError> {
    let bytes = read_regular(path, bounds::ACTIONS).map_err(WriterError::disk("read", path))?;
    let text = String::from_utf8(bytes).map_err(|e| WriterError::log(path, e))?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).map_err(|e| WriterError::log(path, e)))
        .collect()
}

/// Protocol and metadata of a commit or a JSON checkpoint, read line by line.
fn metadata_lines(path: &Path) -> Result<Vec<Map<String, Value>>, WriterError> {
    #[derive(Deserialize)]
    struct Line {
        protocol: Option<Value>,
        #[serde(rename = "metaData")]
        metadata: Option<Value>,
    }
    let opened = open_regular(path).map_err(WriterError::disk("read", path))?;
    let (file, about) = opened.ok_or_else(|| WriterError::log(path, "it is not a file"))?;
    if about.len() > bounds::LOG_FILE {
        return Err(WriterError::log(path, format!("it has {} bytes, more than are read of a commit", about.len())));
    }
    let mut reader = BufReader::new(file.take(bounds::LOG_FILE));
    let (mut found, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        let read = (&mut reader).take(bounds::LINE as u64 + 1).read_until(b'\n', &mut line);
        if read.map_err(WriterError::disk("read", path))? == 0 {
            return Ok(found);
        }
        if line.len() > bounds::LINE {
            return Err(WriterError::log(path, format!("a line is longer than {} MiB", bounds::LINE >> 20)));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_slice(&line).map_err(|e| WriterError::log(path, e))?;
        let named = [("protocol", line.protocol), ("metaData", line.metadata)];
        let action: Map<String, Value> =
            named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        if !action.is_empty() {
            found.push(action);
        }
    }
}

/// Puts a commit if its version is still free: false when another writer was faster.
///
/// A whole file appears under its name at once, because a hard link fails where the name exists.
pub(super) fn put_commit(
    table: &Path,
    temporary: &Path,
    version: i64,
    lines: &[Value],
    durability: Durability,
) -> Result<bool, WriterError> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    let target = commit_path(table, version);
    let source = temporary.join(format!("commit-{}.json", Uuid::new_v4()));
    write_new(&source, text.as_bytes(), durability)?;
    // A commit's time is its file's: taken after the sync, so that it is not older than readers can see it.
    let _ = std::fs::File::options()
        .write(true)
        .open(&source)
        .and_then(|file| file.set_modified(std::time::SystemTime::now()));
    let linked = std::fs::hard_link(&source, &target);
    // The name under `temporary` is only a name: losing it costs nothing.
    let _ = std::fs::remove_file(&source);
    match linked {
        Ok(()) if durability == Durability::Later => Ok(true),
        Ok(()) => sync_folder(&log_folder(table)).map(|()| true),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(WriterError::disk("written", &target)(e)),
    }
}

/// What of a checkpoint is wanted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Everything,
    /// `protocol` and `metaData`, which spares reading every file's entry.
    Metadata,
}

/// The newest `protocol` and `metaData` of the table in `folder`; None if there is no log.
pub fn latest_metadata(folder: &Path) -> Result<Option<(Value, Value)>, WriterError> {
    let Some(listing) = list(folder)? else {
        return Ok(None);
    };
    let (mut protocol, mut metadata) = (None, None);
    let mut take = |actions: Vec<Map<String, Value>>| {
        for mut action in actions {
            protocol = protocol.take().or_else(|| action.remove("protocol"));
            metadata = metadata.take().or_else(|| action.remove("metaData"));
        }
        protocol.is_some() && metadata.is_some()
    };
    let classic = listing.checkpoint.filter(|(version, _)| listing.top_file.as_ref().is_none_or(|(v, _)| v < version));
    let (after, parts) = match (classic, listing.top_file) {
        (Some((version, parts)), _) => (version, parts),
        (None, Some((version, top))) => (version, vec![top]),
        (None, None) => (-1, Vec::new()),
    };
    let mut complete = false;
    for version in listing.commits.iter().rev().filter(|version| **version > after) {
        complete = complete || take(metadata_lines(&commit_path(folder, *version))?);
    }
    for part in parts {
        complete = complete || take(read_checkpoint(&part, Wanted::Metadata)?);
    }
    Ok(protocol.zip(metadata))
}

/// The actions of a checkpoint's file, as JSON.
pub(super) fn read_checkpoint(path: &Path, wanted: Wanted) -> Result<Vec<Map<String, Value>>, WriterError> {
    if path.extension().is_some_and(|extension| extension == "json") {
        return if wanted == Wanted::Metadata { metadata_lines(path) } else { read_lines(path) };
    }
    let roots: Option<&[&str]> = match wanted {
        Wanted::Everything => None,
        Wanted::Metadata => Some(&["protocol", "metaData"]),
    };
    let mut actions = Vec::new();
    for batch in batches(path, bounds::LOG_FILE, roots)? {
        let rows = StructArray::from(batch.map_err(WriterError::arrow(path))?);
        actions.extend((0..rows.len()).map(|row| object(&rows, row)).filter(|action| !action.is_empty()));
    }
    Ok(actions)
}

fn object(array: &StructArray, row: usize) -> Map<String, Value> {
    let fields = array.fields().iter().zip(array.columns());
    fields
        .filter(|(_, column)| !column.is_null(row))
        .map(|(field, column)| (field.name().clone(), value(column.as_ref(), row)))
        .collect()
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Struct(_) => Value::Object(object(array.as_struct(), row)),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|i| value(items.as_ref(), i)).collect()
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let pairs = (0..entries.len()).filter_map(|i| match value(keys.as_ref(), i) {
                Value::String(key) => Some((key, value(values.as_ref(), i))),
                _ => None,
            });
            Value::Object(pairs.collect())
        }
        // Parsed statistics and the like, which the log's JSON doesn't hold.
        _ => Value::Null,
    }
}
