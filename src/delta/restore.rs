//! Takes a table back to an earlier version by a commit: its history stays, and so do the files of the versions between.

use super::latest::position_at;
use super::log::{
    Log, Metadata, Protocol, RawKey, RawState, catalog_feature, commit_path, find_txn, raw_live, raw_state_at,
    read_commit, resolve,
};
use super::place::{self, Mode, Place, Put};
use super::{DeltaError, TableFault, TableRoot};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How often a slot may be taken by another writer before the restore gives up.
const ATTEMPTS: usize = 16;
/// Features whose upkeep asks for more than names of files and a schema.
const NOT_KEPT_UP: [&str; 5] =
    ["rowTracking", "icebergCompatV1", "icebergCompatV2", "icebergCompatV3", "icebergWriterCompatV1"];

/// For whom and when a table is restored.
#[derive(Debug, Clone)]
pub struct RestoreAbout {
    /// The failover group.
    pub group: String,
    /// The epoch that the failover began.
    pub epoch: u64,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What a restore did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// The commit that restores; None where the table was as it is to be.
    pub version: Option<i64>,
    /// Files that are back.
    pub added: usize,
    /// Files that are gone from the newest version.
    pub removed: usize,
}

/// Why a table can't go back to `version`, as a sentence; None where it can.
pub async fn restore_problem(table: &TableRoot, version: i64, sha256: &str) -> Result<Option<String>, TableFault> {
    let (root, sha256) = (table.clone(), sha256.to_owned());
    place::blocking(table, move || {
        let place = place::open(&root);
        match Restore::plan(&*place, version, Some(&sha256)) {
            Ok(_) => Ok(None),
            Err(DeltaError::Unfit { sentence, .. }) => Ok(Some(sentence)),
            Err(error @ DeltaError::LogGap { .. }) => Ok(Some(error.to_string())),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Takes a table back to `version` by one commit with create-if-absent. Idempotent for one epoch of one group.
pub async fn restore(table: &TableRoot, version: i64, about: RestoreAbout) -> Result<Restored, TableFault> {
    let root = table.clone();
    place::blocking(table, move || restore_blocking(&*place::open(&root), version, &about)).await
}

fn restore_blocking(place: &dyn Place, version: i64, about: &RestoreAbout) -> Result<Restored, DeltaError> {
    let app_id = format!("resilience-console/restore/{}/{}", about.group, about.epoch);
    for _ in 0..ATTEMPTS {
        let log = Log::list(place, 0)?;
        if let Some(done) = find_txn(place, &log, version, &app_id)? {
            return Ok(Restored { version: Some(done), added: 0, removed: 0 });
        }
        let plan = Restore::plan(place, version, None)?;
        let (added, removed) = (plan.adds.len(), plan.removes.len());
        if plan.is_nothing() {
            return Ok(Restored { version: None, added, removed });
        }
        let next = plan.newest.checked_add(1).ok_or_else(|| {
            unfit(place, "Its newest version has the highest possible number, so no commit can follow.".to_owned())
        })?;
        // Never before the last commit, whatever this machine's clock says.
        let time_ms = about.now_ms.max(position_at(place, &log, plan.newest)?.time_ms.saturating_add(1));
        let bytes = plan.bytes(version, about, time_ms, &app_id);
        if place.put(&commit_path(next), &bytes, time_ms.saturating_mul(1_000_000), Mode::Create)? == Put::Done {
            place.sync(&[commit_path(next)])?;
            return Ok(Restored { version: Some(next), added, removed });
        }
    }
    Err(unfit(place, format!("{} is being written to all the time. Try again.", place.display(""))))
}

fn unfit(place: &dyn Place, sentence: String) -> DeltaError {
    DeltaError::Unfit { table: place.display(""), sentence }
}

/// What lies between the newest version and the one to go back to.
struct Restore {
    newest: i64,
    /// The `add` actions of files that the newest version doesn't have.
    adds: Vec<Value>,
    /// The `add` actions of files that must be removed again.
    removes: Vec<Value>,
    /// The metadata to go back to, where it differs.
    metadata: Option<Value>,
    now: RawState,
}

impl Restore {
    fn plan(place: &dyn Place, version: i64, sha256: Option<&str>) -> Result<Self, DeltaError> {
        let log = Log::list(place, 0)?;
        let newest = log.newest_of(&place.display(""))?;
        if let (Some(sha256), Some(commit)) = (sha256, read_commit(place, version)?)
            && commit.sha256 != sha256
        {
            return Err(unfit(
                place,
                format!("Version {version} is now another commit than the one that was recorded."),
            ));
        }
        let (then, now) = (raw_state_at(place, &log, version)?, raw_state_at(place, &log, newest)?);
        let mut plan = Self { newest, adds: Vec::new(), removes: Vec::new(), metadata: None, now };
        if newest == version {
            return Ok(plan);
        }
        if let Some(why) = refusal(&then, &plan.now) {
            return Err(unfit(place, format!("It can't go back to version {version}, because {why}.")));
        }
        let (wanted, live) = (raw_live(place, &log, version)?, raw_live(place, &log, newest)?);
        let missing = |of: &BTreeMap<RawKey, Value>, from: BTreeMap<RawKey, Value>| -> Vec<Value> {
            from.into_iter().filter(|(key, _)| !of.contains_key(key)).map(|(_, add)| add).collect()
        };
        plan.removes = missing(&wanted, live.clone());
        plan.adds = missing(&live, wanted);
        for add in &plan.adds {
            for path in files_of(place, add)? {
                if place.stat(&path)?.is_none() {
                    let sentence =
                        format!("It can't go back to version {version}, because its file {path} was vacuumed.");
                    return Err(unfit(place, sentence));
                }
            }
        }
        plan.metadata = metadata_back(&then.metadata, &plan.now.metadata);
        Ok(plan)
    }

    fn is_nothing(&self) -> bool {
        self.adds.is_empty() && self.removes.is_empty() && self.metadata.is_none()
    }

    fn bytes(&self, version: i64, about: &RestoreAbout, time_ms: i64, app_id: &str) -> Vec<u8> {
        let mut info = json!({
            "timestamp": time_ms,
            "operation": "RESTORE",
            "operationParameters": {
                "version": version.to_string(), "epoch": about.epoch.to_string(), "group": about.group,
            },
            "readVersion": self.newest,
            "isolationLevel": "Serializable",
            "isBlindAppend": false,
            "operationMetrics": {
                "numRestoredFiles": self.adds.len().to_string(), "numRemovedFiles": self.removes.len().to_string(),
            },
            "engineInfo": concat!("Resilience-Console/", env!("CARGO_PKG_VERSION")),
            "txnId": uuid::Uuid::new_v4().to_string(),
        });
        let metadata = Metadata::deserialize(&self.now.metadata).unwrap_or_default();
        if metadata.property("delta.enableInCommitTimestamps") == Some("true") {
            info["inCommitTimestamp"] = time_ms.into();
        }
        let txn = json!({"txn": {"appId": app_id, "version": version, "lastUpdated": time_ms}});
        let mut lines = vec![json!({ "commitInfo": info }), txn];
        lines.extend(self.metadata.iter().map(|metadata| json!({ "metaData": metadata })));
        let columns = self.metadata.as_ref().unwrap_or(&self.now.metadata).get("partitionColumns").cloned();
        for add in &self.adds {
            let mut add = add.clone();
            add["dataChange"] = true.into();
            fill_partitions(&mut add, columns.as_ref());
            lines.push(json!({ "add": add }));
        }
        lines.extend(self.removes.iter().map(|add| json!({ "remove": remove_of(add, time_ms) })));
        lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
    }
}

/// A checkpoint says nothing of a partition value that is null; a commit must name it.
fn fill_partitions(add: &mut Value, columns: Option<&Value>) {
    let columns = columns.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let Some(add) = add.as_object_mut() else { return };
    let values = add.entry("partitionValues").or_insert_with(|| json!({}));
    if let Some(values) = values.as_object_mut() {
        columns.for_each(|column| _ = values.entry(column).or_insert(Value::Null));
    }
}

fn remove_of(add: &Value, time_ms: i64) -> Value {
    let mut remove = json!({
        "path": add["path"],
        "deletionTimestamp": time_ms,
        "dataChange": true,
        "extendedFileMetadata": true,
        "partitionValues": add.get("partitionValues").cloned().unwrap_or_else(|| json!({})),
        "size": add.get("size").cloned().unwrap_or_else(|| 0.into()),
    });
    for key in ["deletionVector", "tags"] {
        if let Some(value) = add.get(key).filter(|value| value.is_object()) {
            remove[key] = value.clone();
        }
    }
    remove
}

/// The files of an action, decoded.
fn files_of(place: &dyn Place, add: &Value) -> Result<Vec<String>, DeltaError> {
    let raw = add.get("path").and_then(Value::as_str).unwrap_or_default();
    let bad = |path: &str| DeltaError::BadPath { table: place.display(""), path: path.to_owned() };
    let mut files = vec![resolve(raw).map_err(|_| bad(raw))?];
    if let Some(vector) = add.get("deletionVector").filter(|vector| vector.is_object()) {
        let text = |key: &str| vector.get(key).and_then(Value::as_str).unwrap_or_default();
        let path = text("pathOrInlineDv");
        files.extend(super::log::deletion_vector(text("storageType"), path).map_err(|_| bad(path))?);
    }
    Ok(files)
}

/// Why the table must not be taken back, as a sentence without its end.
fn refusal(then: &RawState, now: &RawState) -> Option<String> {
    let protocol = Protocol::deserialize(&now.protocol).unwrap_or_default();
    let metadata = Metadata::deserialize(&now.metadata).unwrap_or_default();
    if let Some(feature) = catalog_feature(Some(&protocol), Some(&metadata)) {
        return Some(format!("the catalog manages its commits ({feature})"));
    }
    if let Some(why) = super::promote::write_refusal(&protocol, &metadata) {
        return Some(why);
    }
    if let Some(feature) = protocol.features().find(|feature| NOT_KEPT_UP.contains(&feature.as_str())) {
        return Some(format!("it uses the table feature {feature}"));
    }
    if metadata.property("delta.appendOnly") == Some("true") {
        return Some("it only takes appended rows (delta.appendOnly)".to_owned());
    }
    if then.metadata.get("id") != now.metadata.get("id") {
        return Some("the table was replaced by another one since".to_owned());
    }
    let schema = |state: &RawState| state.metadata.get("schemaString").cloned();
    let identity =
        now.metadata.get("schemaString").and_then(Value::as_str).is_some_and(|s| s.contains("delta.identity"));
    (identity && schema(then) != schema(now))
        .then(|| "its identity columns would count again from where they were".to_owned())
}

/// The metadata to go back to, where it differs. Ids of columns that were given since are never given again.
fn metadata_back(then: &Value, now: &Value) -> Option<Value> {
    const HIGHEST: &str = "delta.columnMapping.maxColumnId";
    let mut back = then.clone();
    let highest = now.get("configuration").and_then(|properties| properties.get(HIGHEST)).cloned();
    if let (Some(highest), Some(properties)) = (highest, back.get_mut("configuration").and_then(Value::as_object_mut)) {
        properties.insert(HIGHEST.to_owned(), highest);
    }
    (back != *now).then_some(back)
}
