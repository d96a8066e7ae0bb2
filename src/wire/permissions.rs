//! Permissions of workspace assets: who may do what with a job, a cluster, a notebook.

use serde::{Deserialize, Serialize};

/// Prefix of the calls; an asset's family and id follow.
pub const PREFIX: &str = "/api/2.0/permissions";
/// `permission_level` of the one user who owns a job or a SQL warehouse.
pub const IS_OWNER: &str = "IS_OWNER";
/// `permission_level` that allows everything.
pub const CAN_MANAGE: &str = "CAN_MANAGE";

/// One principal and what it may do; exactly one of the names is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessControl {
    /// A user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// A group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// A service principal's application id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_principal_name: Option<String>,
    /// A name for people; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What is given; input only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_level: Option<String>,
    /// What is held, and from where; output only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub all_permissions: Vec<Permission>,
}

/// One level that a principal holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Such as [`CAN_MANAGE`].
    pub permission_level: String,
    /// Whether it comes from what holds the asset.
    #[serde(default)]
    pub inherited: bool,
    /// Where it comes from, such as `/directories/123`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherited_from_object: Vec<String>,
}

/// `GET /{family}/{id}`, and the answer of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectPermissions {
    /// Such as `/jobs/123`.
    #[serde(default)]
    pub object_id: String,
    /// Such as `job`.
    #[serde(default)]
    pub object_type: String,
    /// By principal.
    #[serde(default)]
    pub access_control_list: Vec<AccessControl>,
}

/// `PUT`, which replaces every direct permission, and `PATCH`, which sets those of the principals that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPermissions {
    /// One entry a principal.
    #[serde(default)]
    pub access_control_list: Vec<AccessControl>,
}
