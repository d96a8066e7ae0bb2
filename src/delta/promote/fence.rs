//! The fence commit: what it says, how it is known again, and which tables must not get one.

use super::Marker;
use crate::delta::DeltaError;
use crate::delta::log::{Action, CommitInfo, Log, Metadata, Protocol, catalog_feature, read_commit};
use crate::delta::place::Place;

/// The fence commit's operation.
const OPERATION: &str = "FAILOVER FENCE";

/// The version of the fence that belongs to `marker`, if it is there. Writers may have gone on above it.
pub(super) fn find(place: &dyn Place, log: &Log, marker: &Marker) -> Result<Option<i64>, DeltaError> {
    for version in log.commits.range(marker.version..).map(|(version, _)| *version) {
        let Some(commit) = read_commit(place, version)? else { continue };
        let mut ours = false;
        commit.actions(place, |action| {
            if let Action::CommitInfo(info) = action {
                ours |= is_of(&info, marker);
            }
            Ok(())
        })?;
        if ours {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// Another group's fence, or one of another epoch, fences nothing for this one.
fn is_of(info: &CommitInfo, marker: &Marker) -> bool {
    info.operation.as_deref() == Some(OPERATION)
        && info.parameter("epoch") == Some(marker.epoch.to_string().as_str())
        && info.parameter("group") == Some(marker.group.as_str())
}

/// Why the product must not commit to the table, as a sentence without its end.
pub(in crate::delta) fn write_refusal(protocol: &Protocol, metadata: &Metadata) -> Option<String> {
    let mut said = refusal(protocol, Some(metadata))?;
    if said.ends_with('.') {
        said.pop();
    }
    let mut letters = said.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect())
}

/// Why the product must not commit to the table, as a sentence.
pub(super) fn refusal(protocol: &Protocol, metadata: Option<&Metadata>) -> Option<String> {
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
    Some(format!("It uses the writer feature {unknown}, which the console doesn't support."))
}

pub(super) fn in_commit_timestamps(protocol: &Protocol, metadata: Option<&Metadata>) -> bool {
    let feature = protocol.writer_features.iter().flatten().any(|feature| feature.starts_with("inCommitTimestamp"));
    feature && metadata.and_then(|found| found.property("delta.enableInCommitTimestamps")) == Some("true")
}

/// The commit's bytes.
pub(super) fn bytes(marker: &Marker, version: i64, time_ms: i64, in_commit_timestamp: bool) -> Vec<u8> {
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
