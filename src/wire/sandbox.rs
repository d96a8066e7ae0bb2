//! What a sandbox region offers beyond the public APIs.

use serde::{Deserialize, Serialize};

/// `GET`: what the region offers. A region without it answers 404 and offers nothing more.
pub const CAPABILITIES_PATH: &str = "/api/2.0/sandbox/capabilities";
/// `PUT`: the workspace's role in a failover group.
pub const DISASTER_RECOVERY_ROLE_PATH: &str = "/api/2.0/sandbox/disaster-recovery-role";
/// `GET` and `PUT`: the Mission Critical add-on of the workspace.
pub const MISSION_CRITICAL_PATH: &str = "/api/2.0/sandbox/mission-critical";

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
