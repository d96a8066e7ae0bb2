//! Appends salvaged commits to the live table.

use super::contents::{Contents, Salvage, path_of, rows_of};
use super::rows::schema_of_file;
use super::{features, fits};
use crate::delta::copy::{Outcome, copy_as};
use crate::delta::latest::position_at;
use crate::delta::log::{RawState, commit_path, find_txn};
use crate::delta::place::{Mode, Place, Put};
use crate::delta::{DeltaError, Transfer};
use serde_json::{Value, json};

/// How often a slot may be taken by another writer before the append gives up.
const ATTEMPTS: usize = 16;

/// Appends the commits in order, and returns the versions that they are in the live table.
pub fn append(salvage: &Salvage, versions: &[i64], now_ms: i64) -> Result<Vec<i64>, DeltaError> {
    let all = checked(salvage, versions)?;
    let mut became = Vec::new();
    for (commit, written) in &all {
        became.push(append_one(salvage, commit, written, now_ms)?);
    }
    Ok(became)
}

/// The commits with the state that they were written in; an error names the first that doesn't fit.
fn checked(salvage: &Salvage, versions: &[i64]) -> Result<Vec<(Contents, RawState)>, DeltaError> {
    let (_, _, _, live) = salvage.live_state()?;
    let mut all = Vec::new();
    for version in versions {
        let commit = salvage.contents(*version)?;
        let written = salvage.state(*version)?;
        if let Some(sentence) = fits::commit_unfit(&commit).or_else(|| fits::unfit(&written, &live)) {
            return Err(salvage.unfit(sentence));
        }
        for add in &commit.adds {
            let path = path_of(add, &salvage.table())?;
            let schema = schema_of_file(salvage.holder(&path)?, &path)?
                .ok_or_else(|| salvage.unfit(format!("{path} can't be read as Parquet, so it can't be appended.")))?;
            if let Some(sentence) = fits::file_unfit(&schema, &live) {
                return Err(salvage.unfit(sentence));
            }
        }
        all.push((commit, written));
    }
    Ok(all)
}

fn append_one(salvage: &Salvage, commit: &Contents, written: &RawState, now_ms: i64) -> Result<i64, DeltaError> {
    let app_id = app_id(salvage, commit.version);
    let mut adds: Option<Vec<Value>> = None;
    for _ in 0..ATTEMPTS {
        // The table may have moved since: what fitted then must fit now.
        let (live, log, newest, state) = salvage.live_state()?;
        if let Some(version) = find_txn(live, &log, salvage.manifest.common_version.unwrap_or(-1), &app_id)? {
            return Ok(version);
        }
        if let Some(sentence) = fits::unfit(written, &state) {
            return Err(salvage.unfit(sentence));
        }
        let adds = match &mut adds {
            Some(adds) => adds,
            none => none.insert(bring_files(salvage, commit, live, now_ms)?),
        };
        let version = newest.checked_add(1).ok_or_else(|| salvage.unfit(NO_NUMBER.to_owned()))?;
        // Never before the last commit, whatever this machine's clock says.
        let time_ms = now_ms.max(position_at(live, &log, newest)?.time_ms.saturating_add(1));
        let bytes = bytes_of(salvage, commit, adds, &state, (newest, time_ms), &app_id);
        if live.put(&commit_path(version), &bytes, time_ms.saturating_mul(1_000_000), Mode::Create)? == Put::Done {
            live.sync(&[commit_path(version)])?;
            return Ok(version);
        }
    }
    let sentence = format!("{} is being written to all the time. Try again.", salvage.manifest.table);
    Err(salvage.unfit(sentence))
}

const NO_NUMBER: &str = "The live table's newest version has the highest possible number, so no commit can follow.";

/// By which the live table knows a commit that was appended before.
fn app_id(salvage: &Salvage, version: i64) -> String {
    let manifest = &salvage.manifest;
    format!("resilience-console/{}/{}/{}/{version}", manifest.group, manifest.epoch, manifest.table)
}

/// Copies the commit's files into the live table under new names, syncs them, and returns their adds.
///
/// The names follow from the commit, so that a call that is repeated writes the same files and no others.
fn bring_files(salvage: &Salvage, commit: &Contents, live: &dyn Place, now_ms: i64) -> Result<Vec<Value>, DeltaError> {
    let (mut adds, mut paths) = (Vec::new(), Vec::new());
    for add in &commit.adds {
        let raw = add.get("path").and_then(Value::as_str).unwrap_or_default();
        let from = path_of(add, &salvage.table())?;
        let id = format!("{}/{from}", app_id(salvage, commit.version));
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, id.as_bytes());
        let beside = |path: &str| match path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/part-recovered-{id}.parquet"),
            None => format!("part-recovered-{id}.parquet"),
        };
        let to = beside(&from);
        let source = salvage.holder(&from)?;
        match copy_as(source, live, (&from, &to), &Transfer::default())? {
            Outcome::Copied(copied) => copied.staged.publish(Mode::Replace)?,
            Outcome::Absent => {
                return Err(DeltaError::MissingFile { table: salvage.table(), path: from, version: commit.version });
            }
        };
        let mut action = add.clone();
        action["path"] = beside(raw).into();
        action["modificationTime"] = now_ms.into();
        if let Some(action) = action.as_object_mut() {
            for key in ["baseRowId", "defaultRowCommitVersion", "clusteringProvider"] {
                action.remove(key);
            }
        }
        adds.push(action);
        paths.push(to);
    }
    live.sync(&paths)?;
    Ok(adds)
}

fn bytes_of(
    salvage: &Salvage,
    commit: &Contents,
    adds: &[Value],
    state: &RawState,
    (newest, time_ms): (i64, i64),
    app_id: &str,
) -> Vec<u8> {
    let manifest = &salvage.manifest;
    let rows = adds.iter().map(rows_of).try_fold(0_u64, |sum, rows| Some(sum.saturating_add(rows?)));
    let mut info = json!({
        "timestamp": time_ms,
        "operation": "RECOVER",
        "operationParameters": {
            "group": manifest.group, "epoch": manifest.epoch.to_string(), "salvagedVersion": commit.version.to_string(),
        },
        "readVersion": newest,
        "isolationLevel": "Serializable",
        "isBlindAppend": true,
        "operationMetrics": { "numFiles": adds.len().to_string() },
        "engineInfo": concat!("Resilience-Console/", env!("CARGO_PKG_VERSION")),
        "txnId": uuid::Uuid::new_v4().to_string(),
    });
    if let Some(rows) = rows {
        info["operationMetrics"]["numOutputRows"] = rows.to_string().into();
    }
    if features::carries_time(state) {
        info["inCommitTimestamp"] = time_ms.into();
    }
    let txn = json!({"txn": {"appId": app_id, "version": commit.version, "lastUpdated": time_ms}});
    let mut lines = vec![json!({ "commitInfo": info }), txn];
    lines.extend(adds.iter().map(|add| json!({ "add": add })));
    lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}
