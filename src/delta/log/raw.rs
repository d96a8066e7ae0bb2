//! A log's actions as the JSON that they are, for the few who write one again: what a writer put there and this program
//! doesn't know must not get lost.

use super::checkpoint::read_checkpoint;
use super::parquet_guard::{check_footer, check_pages, guarded, open_parquet};
use super::{Base, Checkpoint, Log, commit_path, read_commit};
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::place::{Place, RandomAccess};
use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Protocol and metadata in force, whole.
#[derive(Debug, Clone, Default)]
pub(in crate::delta) struct RawState {
    pub protocol: Value,
    pub metadata: Value,
}

/// A logical file: its path as the log has it, and its deletion vector.
pub(in crate::delta) type RawKey = (String, Option<String>);

/// The actions of a commit in their order, each an object with one key; None if there is no such commit.
pub(in crate::delta) fn raw_commit(
    place: &dyn Place,
    version: i64,
) -> Result<Option<Vec<Map<String, Value>>>, DeltaError> {
    let Some(commit) = read_commit(place, version)? else { return Ok(None) };
    let Some(bytes) = commit.bytes else {
        let (path, most) = (place.display(&commit_path(version)), bounds::COMMIT_IN_MEMORY);
        return Err(DeltaError::TooLarge { path, size: commit.size, most });
    };
    let corrupt = |error: serde_json::Error| DeltaError::CorruptCommit {
        table: place.display(""),
        version,
        detail: error.to_string(),
    };
    let lines = serde_json::Deserializer::from_slice(&bytes).into_iter::<Map<String, Value>>();
    lines.collect::<Result<_, _>>().map(Some).map_err(corrupt)
}

/// The path of a raw file action, and its deletion vector.
pub(in crate::delta) fn raw_key(action: &Value) -> RawKey {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let vector = action.get("deletionVector").filter(|vector| vector.is_object()).map(|vector| {
        let offset = vector.get("offset").and_then(Value::as_i64).map(|offset| format!("@{offset}"));
        format!("{}{}{}", text(&vector["storageType"]), text(&vector["pathOrInlineDv"]), offset.unwrap_or_default())
    });
    (text(&action["path"]), vector)
}

/// Protocol and metadata in force at `version`; null where the log doesn't tell.
pub(in crate::delta) fn raw_state_at(place: &dyn Place, log: &Log, version: i64) -> Result<RawState, DeltaError> {
    let Base { checkpoint, commits } = log.base(version, false, &place.display(""))?;
    let mut state = RawState::default();
    let take = |state: &mut RawState, kind: &str, value: Value| {
        let slot = match kind {
            "protocol" => &mut state.protocol,
            "metaData" => &mut state.metadata,
            _ => return,
        };
        if slot.is_null() && value.is_object() {
            *slot = value;
        }
    };
    for at in commits.rev() {
        for line in raw_commit(place, at)?.into_iter().flatten() {
            line.into_iter().for_each(|(kind, value)| take(&mut state, &kind, value));
        }
        if !state.protocol.is_null() && !state.metadata.is_null() {
            return Ok(state);
        }
    }
    if let Some(checkpoint) = checkpoint {
        raw_checkpoint(place, checkpoint, &["protocol", "metaData"], false, &mut |kind, value| {
            take(&mut state, kind, value);
        })?;
    }
    Ok(state)
}

/// The live files of `version`, each with the action that adds it.
pub(in crate::delta) fn raw_live(
    place: &dyn Place,
    log: &Log,
    version: i64,
) -> Result<BTreeMap<RawKey, Value>, DeltaError> {
    let Base { checkpoint, commits } = log.base(version, false, &place.display(""))?;
    let mut live = BTreeMap::new();
    if let Some(checkpoint) = checkpoint {
        raw_checkpoint(place, checkpoint, &["add"], true, &mut |_, add| {
            live.insert(raw_key(&add), add);
        })?;
    }
    for at in commits {
        apply_files(raw_commit(place, at)?.unwrap_or_default(), &mut live);
    }
    Ok(live)
}

/// Takes a commit's files into `live`. Of two actions of one commit on the same file, readers take the first.
pub(in crate::delta) fn apply_files(lines: Vec<Map<String, Value>>, live: &mut BTreeMap<RawKey, Value>) {
    let mut said = std::collections::BTreeSet::new();
    for (kind, action) in lines.into_iter().flatten().filter(|(_, action)| action.is_object()) {
        let key = raw_key(&action);
        match kind.as_str() {
            "add" if said.insert(key.clone()) => _ = live.insert(key, action),
            "remove" if said.insert(key.clone()) => _ = live.remove(&key),
            _ => {}
        }
    }
}

/// Hands over a checkpoint's actions of some kinds; `whole` reads its sidecars too.
fn raw_checkpoint(
    place: &dyn Place,
    checkpoint: &Checkpoint,
    kinds: &[&str],
    whole: bool,
    each: &mut dyn FnMut(&str, Value),
) -> Result<(), DeltaError> {
    let files = read_checkpoint(place, checkpoint, false, &mut |_, _| Ok(()))?;
    let sidecars = if whole { files.sidecars } else { Vec::new() };
    for path in files.top.iter().chain(&sidecars) {
        read_file(place, path, kinds, each)?;
    }
    Ok(())
}

fn read_file(
    place: &dyn Place,
    path: &str,
    kinds: &[&str],
    each: &mut dyn FnMut(&str, Value),
) -> Result<(), DeltaError> {
    let corrupt =
        |detail: String| DeltaError::CorruptCheckpoint { table: place.display(""), file: path.to_owned(), detail };
    let gone = || corrupt("it is not there".to_owned());
    if path.ends_with(".json") {
        let content = place.read(path, bounds::MANIFEST)?.ok_or_else(gone)?;
        return take_lines(&content.bytes, kinds, each).map_err(corrupt);
    }
    let input = open_parquet(place, path)?.ok_or_else(gone)?;
    guarded(|why| why, || read_parquet(input, kinds, each)).map_err(corrupt)
}

fn read_parquet(input: RandomAccess, kinds: &[&str], each: &mut dyn FnMut(&str, Value)) -> Result<(), String> {
    check_footer(&input)?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let footer = ArrowReaderMetadata::load(&input, options).map_err(|error| error.to_string())?;
    let schema = footer.metadata().file_metadata().schema_descr();
    let parsed = |path: &str| path.contains(".stats_parsed") || path.contains(".partitionValues_parsed");
    let is_wanted = |path: String| {
        let root = path.split('.').next().unwrap_or_default();
        kinds.contains(&root) && !parsed(&path)
    };
    let leaves: Vec<usize> = schema
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, leaf)| is_wanted(leaf.path().string()))
        .map(|(at, _)| at)
        .collect();
    let batch_size = check_pages(&input, footer.metadata(), &leaves)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, footer);
    let mask = ProjectionMask::leaves(builder.parquet_schema(), leaves);
    let reader =
        builder.with_projection(mask).with_batch_size(batch_size).build().map_err(|error| error.to_string())?;
    for batch in reader {
        let lines = json_lines(&batch.map_err(|error| error.to_string())?)?;
        take_lines(&lines, kinds, each)?;
    }
    Ok(())
}

fn json_lines(batch: &RecordBatch) -> Result<Vec<u8>, String> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch).and_then(|()| writer.finish()).map_err(|error| error.to_string())?;
    Ok(writer.into_inner())
}

fn take_lines(bytes: &[u8], kinds: &[&str], each: &mut dyn FnMut(&str, Value)) -> Result<(), String> {
    for line in serde_json::Deserializer::from_slice(bytes).into_iter::<Map<String, Value>>() {
        for (kind, value) in line.map_err(|error| error.to_string())? {
            if kinds.contains(&kind.as_str()) && value.is_object() {
                each(&kind, value);
            }
        }
    }
    Ok(())
}

/// The version above `since` in which a transaction of `app_id` was committed, the newest one first.
pub(in crate::delta) fn find_txn(
    place: &dyn Place,
    log: &Log,
    since: i64,
    app_id: &str,
) -> Result<Option<i64>, DeltaError> {
    for version in log.commits.range((Bound::Excluded(since), Bound::Unbounded)).rev().map(|(version, _)| *version) {
        let Some(bytes) = read_commit(place, version)?.and_then(|commit| commit.bytes) else { continue };
        let is_ours = |line: Value| line.get("txn").and_then(|txn| txn.get("appId")?.as_str()) == Some(app_id);
        let lines = serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>();
        if lines.map_while(Result::ok).any(is_ours) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}
