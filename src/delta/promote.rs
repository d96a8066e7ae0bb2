//! Makes a replica a primary: the epoch marker and the fence commit.

use super::latest::position_at;
use super::log::{Action, CommitInfo, Log, Metadata, Protocol, catalog_feature, commit_path, read_commit, state_at};
use super::place::{self, Mode, Place, Put};
use super::{DeltaError, Position, TableFault, TableRoot};
use serde::{Deserialize, Serialize};

/// The fence commit's operation.
const OPERATION: &str = "FAILOVER FENCE";
/// The folder of a table's epoch markers, one file an epoch.
const EPOCHS: &str = "_resilience/epoch";
/// How often a slot may be taken by another writer before the promotion gives up.
const ATTEMPTS: usize = 16;

/// How a table was promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promotion {
    /// Marker and fence commit are there.
    Fenced {
        /// The fence commit.
        position: Position,
    },
    /// Only the marker is there, because the product must not commit to this table.
    MarkerOnly {
        /// The newest version.
        position: Position,
        /// Why, as a sentence.
        reason: String,
    },
}

/// An epoch's marker on a table.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    epoch: u64,
    group: String,
    /// The version that the table had.
    version: i64,
    at_ms: i64,
}

/// Writes the numbered epoch marker and the fence commit, and syncs both. Idempotent for one epoch.
///
/// The fence takes the slot after the newest version, so that a late shipment of the old primary's next commit meets
/// another hash there and stops.
pub async fn promote(table: &TableRoot, epoch: u64, group: &str, now_ms: i64) -> Result<Promotion, TableFault> {
    let (root, group) = (table.clone(), group.to_owned());
    place::blocking(table, move || promote_blocking(&*place::open(&root), epoch, group, now_ms)).await
}

fn promote_blocking(place: &dyn Place, epoch: u64, group: String, now_ms: i64) -> Result<Promotion, DeltaError> {
    let table = place.display("");
    let markers = place.list(EPOCHS, None)?;
    let found = markers.iter().filter_map(|entry| entry.name.strip_suffix(".json")?.parse().ok()).max().unwrap_or(0);
    if found > epoch {
        return Err(DeltaError::StaleEpoch { table, found, asked: epoch });
    }
    let version = Log::list(place, 0)?.newest_of(&table)?;
    let marker = write_marker(place, Marker { epoch, group, version, at_ms: now_ms })?;
    fail::fail_point!("delta.promote.after_marker");
    for _ in 0..ATTEMPTS {
        let log = Log::list(place, 0)?;
        if let Some(version) = find_fence(place, &log, marker.version, epoch)? {
            place.sync(&[commit_path(version)])?;
            return Ok(Promotion::Fenced { position: position_at(place, &log, version)? });
        }
        let version = log.newest_of(&table)?;
        let position = position_at(place, &log, version)?;
        let (protocol, metadata) = state_at(place, &log, version)?;
        let protocol =
            protocol.ok_or_else(|| DeltaError::MissingAction { table: table.clone(), action: "protocol", version })?;
        if let Some(reason) = refusal(&protocol, metadata.as_ref()) {
            return Ok(Promotion::MarkerOnly { position, reason });
        }
        // Never before the last commit, whatever this machine's clock says.
        let time_ms = now_ms.max(position.time_ms + 1);
        let bytes = fence(&marker, version, time_ms, in_commit_timestamps(&protocol, metadata.as_ref()));
        if place.put(&commit_path(version + 1), &bytes, time_ms.saturating_mul(1_000_000), Mode::Create)? == Put::Exists
        {
            continue;
        }
    }
    let version = Log::list(place, 0)?.newest_of(&table)?;
    Err(DeltaError::SplitBrain { table, version })
}

/// Writes the marker where it is not; returns the one that is there.
fn write_marker(place: &dyn Place, marker: Marker) -> Result<Marker, DeltaError> {
    let path = format!("{EPOCHS}/{:020}.json", marker.epoch);
    let bytes = serde_json::to_vec(&marker).unwrap_or_default();
    let put = place.put(&path, &bytes, marker.at_ms.saturating_mul(1_000_000), Mode::Create)?;
    place.sync(std::slice::from_ref(&path))?;
    if put == Put::Done {
        return Ok(marker);
    }
    let there = place.read(&path)?.and_then(|content| serde_json::from_slice(&content.bytes).ok());
    Ok(there.unwrap_or(marker))
}

/// The version of the epoch's own fence, if it is there. Writers may have gone on above it.
fn find_fence(place: &dyn Place, log: &Log, after: i64, epoch: u64) -> Result<Option<i64>, DeltaError> {
    let table = place.display("");
    for version in log.commits.range(after..).map(|(version, _)| *version) {
        let Some(commit) = read_commit(place, version)? else { continue };
        let mut ours = false;
        commit.actions(&table, |action| {
            if let Action::CommitInfo(info) = action {
                ours |= is_fence(&info, epoch);
            }
            Ok(())
        })?;
        if ours {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

fn is_fence(info: &CommitInfo, epoch: u64) -> bool {
    info.operation.as_deref() == Some(OPERATION) && info.parameter("epoch") == Some(epoch.to_string())
}

/// Why the product must not commit to the table, as a sentence.
fn refusal(protocol: &Protocol, metadata: Option<&Metadata>) -> Option<String> {
    // A commit without data files or metadata keeps all that these ask of a writer.
    const WRITABLE: [&str; 28] = [
        "allowColumnDefaults",
        "appendOnly",
        "changeDataFeed",
        "checkConstraints",
        "checkpointProtection",
        "clustering",
        "columnMapping",
        "deletionVectors",
        "domainMetadata",
        "generatedColumns",
        "icebergCompatV1",
        "icebergCompatV2",
        "icebergCompatV3",
        "icebergWriterCompatV1",
        "identityColumns",
        "inCommitTimestamp",
        "invariants",
        "materializePartitionColumns",
        "rowTracking",
        "timestampNtz",
        "typeWidening",
        "typeWidening-preview",
        "v2Checkpoint",
        "vacuumProtocolCheck",
        "variantShredding-preview",
        "variantShredding",
        "variantType",
        "variantType-preview",
    ];
    if let Some(feature) = catalog_feature(Some(protocol), metadata) {
        return Some(format!("Its commits are managed by the catalog ({feature}), so only the catalog may add one."));
    }
    if protocol.min_writer_version > 7 {
        return Some(format!("Its protocol asks for writer version {}.", protocol.min_writer_version));
    }
    let mut features = protocol.writer_features.iter().flatten();
    let unknown = features.find(|feature| !WRITABLE.contains(&feature.as_str()))?;
    Some(format!("It uses the writer feature {unknown}, whose rules for a commit are not known here."))
}

fn in_commit_timestamps(protocol: &Protocol, metadata: Option<&Metadata>) -> bool {
    let feature = protocol.writer_features.iter().flatten().any(|feature| feature.starts_with("inCommitTimestamp"));
    feature && metadata.and_then(|found| found.property("delta.enableInCommitTimestamps")) == Some("true")
}

fn fence(marker: &Marker, version: i64, time_ms: i64, in_commit_timestamp: bool) -> Vec<u8> {
    let mut info = serde_json::json!({
        "timestamp": time_ms,
        "operation": OPERATION,
        "operationParameters": { "epoch": marker.epoch.to_string(), "group": marker.group },
        "readVersion": version,
        "isolationLevel": "Serializable",
        "isBlindAppend": true,
        "operationMetrics": {},
        "engineInfo": concat!("Resilience-Console/", env!("CARGO_PKG_VERSION")),
        "txnId": uuid::Uuid::new_v4().to_string(),
    });
    if in_commit_timestamp {
        info["inCommitTimestamp"] = time_ms.into();
    }
    let mut bytes = serde_json::json!({ "commitInfo": info }).to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}
