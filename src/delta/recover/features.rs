//! What a table asks of a writer that appends files which another writer made.

use crate::delta::log::{Metadata, Protocol, RawState, catalog_feature};
use serde::Deserialize;
use serde_json::Value;

/// What is kept by a commit that only adds whole files, as long as the properties below aren't set.
const KEPT: [&str; 14] = [
    "allowColumnDefaults",
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "checkpointProtection",
    "columnMapping",
    "deletionVectors",
    "generatedColumns",
    "identityColumns",
    "inCommitTimestamp",
    "invariants",
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
];

/// Why files must not be appended to the table, as a sentence without its end.
pub fn refusal(state: &RawState) -> Option<String> {
    let protocol = Protocol::deserialize(&state.protocol).unwrap_or_default();
    let metadata = Metadata::deserialize(&state.metadata).unwrap_or_default();
    if let Some(feature) = catalog_feature(Some(&protocol), Some(&metadata)) {
        return Some(format!("the catalog manages its commits ({feature})"));
    }
    if protocol.min_writer_version > 7 {
        return Some(format!("its protocol asks for writer version {}", protocol.min_writer_version));
    }
    let mut features = protocol.features();
    if let Some(unknown) = features.find(|feature| !KEPT.contains(&feature.as_str())) {
        return Some(format!("it uses the table feature {unknown}, which the console doesn't keep up when it appends"));
    }
    if metadata.property("delta.columnMapping.mode").is_some_and(|mode| mode != "none") {
        return Some("it uses column mapping".to_owned());
    }
    let constraint = metadata.configuration.keys().find_map(|key| key.strip_prefix("delta.constraints."));
    if let Some(constraint) = constraint {
        return Some(format!("it has the constraint {constraint}, which the rows would have to meet"));
    }
    if metadata.property("delta.enableRowTracking") == Some("true") {
        return Some("it tracks rows".to_owned());
    }
    let schema = schema_of(&state.metadata);
    fields(&schema).iter().find_map(|field| {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let has = |key: &str| field.get("metadata").is_some_and(|metadata| metadata.get(key).is_some());
        [("delta.invariants", "an invariant"), ("delta.generationExpression", "a generation expression")]
            .into_iter()
            .find(|(key, _)| has(key))
            .map(|(_, what)| format!("its column {name} has {what}"))
            .or_else(|| has("delta.identity.start").then(|| format!("its column {name} is an identity column")))
    })
}

/// Whether a commit must carry its own time.
pub fn carries_time(state: &RawState) -> bool {
    let metadata = Metadata::deserialize(&state.metadata).unwrap_or_default();
    metadata.property("delta.enableInCommitTimestamps") == Some("true")
}

/// The schema in a metadata action; null where it can't be read.
pub fn schema_of(metadata: &Value) -> Value {
    let text = metadata.get("schemaString").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(text).unwrap_or_default()
}

/// A schema's fields.
pub fn fields(schema: &Value) -> &[Value] {
    schema.get("fields").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A table's partition columns.
pub fn partition_columns(metadata: &Value) -> Vec<&str> {
    let columns = metadata.get("partitionColumns").and_then(Value::as_array);
    columns.into_iter().flatten().filter_map(Value::as_str).collect()
}
