//! Makes a table of salvaged rows.

use super::contents::{Salvage, path_of, rows_of, vector_of};
use super::features::carries_time;
use crate::delta::DeltaError;
use crate::delta::copy::bring;
use crate::delta::log::{Log, Protocol, RawKey, RawState, apply_files, catalog_feature, commit_path, raw_commit};
use crate::delta::place::{Mode, Place, Put};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Features whose upkeep asks for more than whole files under their own names.
const NOT_TAKEN_ALONG: [&str; 6] =
    ["rowTracking", "icebergCompatV1", "icebergCompatV2", "icebergCompatV3", "icebergWriterCompatV1", "clustering"];

/// Writes the rows of the commits as a new table at `target`; how many they are, where that is known.
///
/// Files that a later one of the commits removes are left out. Names and files stay as they are: nothing else is there.
pub fn make(salvage: &Salvage, versions: &[i64], target: &dyn Place, now_ms: i64) -> Result<Option<u64>, DeltaError> {
    let Some(last) = versions.iter().max() else { return Err(salvage.unfit("Name at least one commit.".to_owned())) };
    let state = salvage.state(*last)?;
    if let Some(why) = refusal(&state) {
        return Err(salvage.unfit(format!("No table can be made of the commits, because {why}. Export them instead.")));
    }
    let mut live: BTreeMap<RawKey, Value> = BTreeMap::new();
    for version in versions {
        salvage.contents(*version)?;
        apply_files(raw_commit(&*salvage.place, *version)?.unwrap_or_default(), &mut live);
    }
    if live.is_empty() {
        return Err(salvage.unfit("The commits leave no file, so there is nothing to make a table of.".to_owned()));
    }
    if Log::list(target, 0)?.newest(None).is_some() {
        return Err(salvage.unfit(format!("{} already has a table. Choose another name.", target.display(""))));
    }
    let (mut paths, table) = (BTreeSet::new(), salvage.table());
    for add in live.values() {
        paths.insert(path_of(add, &table)?);
        paths.extend(vector_of(add, &table)?);
    }
    for path in &paths {
        let version = *last;
        let gone = || DeltaError::MissingFile { table: table.clone(), path: path.clone(), version };
        bring(salvage.holder(path)?, target, path)?.ok_or_else(gone)?;
    }
    let paths: Vec<String> = paths.into_iter().collect();
    target.sync(&paths)?;
    let bytes = first_commit(salvage, &state, live.values(), now_ms);
    if target.put(&commit_path(0), &bytes, now_ms.saturating_mul(1_000_000), Mode::Create)? == Put::Exists {
        return Err(salvage.unfit(format!("{} already has a table. Choose another name.", target.display(""))));
    }
    target.sync(&[commit_path(0)])?;
    Ok(live.values().map(rows_of).try_fold(0_u64, |sum, rows| Some(sum.saturating_add(rows?))))
}

fn refusal(state: &RawState) -> Option<String> {
    let protocol = Protocol::deserialize(&state.protocol).unwrap_or_default();
    if let Some(feature) = catalog_feature(Some(&protocol), None) {
        return Some(format!("the catalog manages the commits of their table ({feature})"));
    }
    let feature = protocol.features().find(|feature| NOT_TAKEN_ALONG.contains(&feature.as_str()));
    feature.map(|feature| format!("their table uses the table feature {feature}"))
}

fn first_commit<'a>(
    salvage: &Salvage,
    state: &RawState,
    adds: impl Iterator<Item = &'a Value>,
    now_ms: i64,
) -> Vec<u8> {
    let mut metadata = state.metadata.clone();
    metadata["id"] = uuid::Uuid::new_v4().to_string().into();
    metadata["createdTime"] = now_ms.into();
    if let Some(properties) = metadata.get_mut("configuration").and_then(Value::as_object_mut) {
        // What belongs to the other table's history or to its catalog.
        let foreign = |key: &str| {
            key.starts_with("delta.inCommitTimestampEnablement")
                || key.starts_with("delta.coordinatedCommits")
                || key.to_ascii_lowercase().contains("tableid")
                || key.starts_with("delta.rowTracking")
                || key == "delta.enableRowTracking"
        };
        properties.retain(|key, _| !foreign(key));
    }
    let manifest = &salvage.manifest;
    let mut info = json!({
        "timestamp": now_ms,
        "operation": "CREATE TABLE AS SELECT",
        "operationParameters": { "group": manifest.group, "epoch": manifest.epoch.to_string(), "salvagedFrom": manifest.table },
        "isBlindAppend": true,
        "operationMetrics": {},
        "engineInfo": concat!("Resilience-Console/", env!("CARGO_PKG_VERSION")),
        "txnId": uuid::Uuid::new_v4().to_string(),
    });
    if carries_time(state) {
        info["inCommitTimestamp"] = now_ms.into();
    }
    let head = [json!({ "commitInfo": info }), json!({ "protocol": state.protocol }), json!({ "metaData": metadata })];
    let adds = adds.map(|add| {
        let mut add = add.clone();
        if let Some(add) = add.as_object_mut() {
            ["baseRowId", "defaultRowCommitVersion", "clusteringProvider"].iter().for_each(|key| _ = add.remove(*key));
        }
        add["dataChange"] = true.into();
        json!({ "add": add })
    });
    head.into_iter().chain(adds).map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}
