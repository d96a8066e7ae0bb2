//! What a cycle found out about one object.

use super::coverage::Failure;
use crate::domain::{AssetKey, AssetKind, Clock, ObjectError, ObjectStatus};
use serde::Serialize;

/// One object in scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectRecord {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: AssetKind,
    /// Its full name. Text, because a workspace asset has a path or a title here, which isn't made of names.
    pub name: String,
    /// What is known of its replica.
    pub status: ObjectStatus,
    /// A table's newest version at the source.
    pub source_version: Option<i64>,
    /// A table's newest version at the replica.
    pub replica_version: Option<i64>,
    /// Milliseconds that the replica is behind.
    pub lag_ms: Option<u64>,
    /// Bytes of live data, where known.
    pub bytes: Option<u64>,
    /// Why it does not replicate, or what is missing.
    pub error: Option<ObjectError>,
    /// What there is to say of it where nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Owners and grantees of the source whom the secondary doesn't know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_principals: Vec<String>,
    /// A workspace asset's id in the primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
    /// A workspace asset's id in the secondary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_id: Option<String>,
}

impl ObjectRecord {
    /// Whether its name, or its id in either region, contains `part`, which is in small letters.
    pub fn is_called(&self, part: &str) -> bool {
        let ids = [&self.source_id, &self.replica_id].into_iter().flatten();
        std::iter::once(&self.name).chain(ids).any(|text| text.to_lowercase().contains(part))
    }

    /// An asset with nothing but a status.
    pub fn new(key: &AssetKey, status: ObjectStatus) -> Self {
        Self::named(key.kind, key.to_string(), status)
    }

    /// As [`Self::new`], by its full name.
    pub fn named(kind: AssetKind, name: String, status: ObjectStatus) -> Self {
        Self {
            kind,
            name,
            status,
            source_version: None,
            replica_version: None,
            lag_ms: None,
            bytes: None,
            error: None,
            note: None,
            unknown_principals: Vec::new(),
            source_id: None,
            replica_id: None,
        }
    }

    /// An asset that failed.
    pub fn failed(key: &AssetKey, (class, parameters, message): Failure, clock: &dyn Clock) -> Self {
        let (kind, object) = (key.kind, key.to_string());
        let error = ObjectError { class, parameters, message, kind, object, since: clock.now() };
        Self { error: Some(error), ..Self::new(key, class.status()) }
    }

    /// Whether the object has arrived, or been flagged for a reason that is known.
    pub fn is_settled(&self) -> bool {
        match self.status {
            ObjectStatus::Lagging | ObjectStatus::Unknown => false,
            ObjectStatus::Missing => self.error.is_some(),
            _ => true,
        }
    }

    /// The sentence that goes with the status, where there is one.
    pub fn message(&self) -> Option<&str> {
        self.error.as_ref().map(|error| error.message.as_str()).or(self.note.as_deref())
    }

    /// Whether the object holds back the group's replication point.
    pub fn blocks(&self) -> bool {
        self.error.as_ref().is_some_and(|e| e.blocks_replication_point())
    }

    /// Whether the primary doesn't have it, so that a failover loses nothing of it.
    pub fn is_only_in_secondary(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.class.is_only_in_secondary())
    }
}
