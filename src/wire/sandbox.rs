//! What a sandbox region offers beyond the public APIs.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET`: what the region offers. A region without it answers 404 and offers nothing more.
pub const CAPABILITIES_PATH: &str = "/api/2.0/sandbox/capabilities";
/// `PUT`: the workspace's role in a failover group.
pub const DISASTER_RECOVERY_ROLE_PATH: &str = "/api/2.0/sandbox/disaster-recovery-role";
/// `GET` and `PUT`: the Mission Critical add-on of the workspace.
pub const MISSION_CRITICAL_PATH: &str = "/api/2.0/sandbox/mission-critical";
/// `GET` and `PUT`: what goes wrong in the region.
pub const FAULTS_PATH: &str = "/api/2.0/sandbox/faults";

/// [`Capabilities::managed_tables`]: managed tables are made by `POST /staging-tables` and `POST /tables`.
pub const MANAGED_TABLES_STAGING: &str = "STAGING_TABLES";

/// [`DisasterRecoveryRole::role`]: the workspace's region is the group's effective primary.
pub const ROLE_PRIMARY: &str = "PRIMARY";
/// [`DisasterRecoveryRole::role`]: the workspace's region is the group's effective secondary; compute doesn't start.
pub const ROLE_SECONDARY: &str = "SECONDARY";
/// [`DisasterRecoveryRole::role`]: the workspace left the group.
pub const ROLE_NONE: &str = "NONE";

/// What the region offers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// How managed tables are made; empty where they can't be made over REST.
    #[serde(default)]
    pub managed_tables: String,
    /// Whether a create call may say the new object's id and location.
    #[serde(default)]
    pub keeps_ids: bool,
    /// Whether the workspace can be told its role in a failover group.
    #[serde(default)]
    pub disaster_recovery_role: bool,
}

/// The workspace's role in one failover group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisasterRecoveryRole {
    /// The group's short id.
    pub failover_group: String,
    /// [`ROLE_PRIMARY`], [`ROLE_SECONDARY`] or [`ROLE_NONE`].
    pub role: String,
    /// The group's epoch. A workspace refuses a role from an epoch older than the one it knows.
    pub epoch: u64,
}

/// The Mission Critical add-on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissionCritical {
    /// Whether it is on.
    pub enabled: bool,
}

/// What goes wrong in a region, until it is switched off: all of it is off at first, and lasts over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// Calls that are refused with 429 and `Retry-After` when there are too many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<CallLimit>,
    /// Calls that the region does not serve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unserved: Vec<UnservedCalls>,
    /// How many objects there may be, by the last part of their kind's path, such as `jobs` or `volumes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<String, usize>,
    /// Names of users and service principals whose tokens are refused as expired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expired_tokens: Vec<String>,
    /// Whether new objects get ids of the region's own, whatever a create call says.
    #[serde(default)]
    pub ids_are_its_own: bool,
}

/// How many calls may be made in a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallLimit {
    /// Start of the calls' path, such as `/api/2.2/jobs/create`.
    pub path: String,
    /// The method; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Calls in each span; 0 refuses all.
    pub calls: u32,
    /// Length of a span.
    pub seconds: u32,
    /// What `Retry-After` says; the rest of the span where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
}

/// Calls that a region does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnservedCalls {
    /// Start of the calls' path.
    pub path: String,
    /// 404, 405 or 501.
    pub status: u16,
}
