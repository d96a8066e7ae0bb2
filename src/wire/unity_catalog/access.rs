//! Workspace bindings and privileges.

use serde::{Deserialize, Serialize};

/// `binding_type`: the workspace may write.
pub const BINDING_READ_WRITE: &str = "BINDING_TYPE_READ_WRITE";
/// `binding_type`: the workspace may only read.
pub const BINDING_READ_ONLY: &str = "BINDING_TYPE_READ_ONLY";

/// What a workspace may do with an isolated catalog, location or credential.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkspaceBinding {
    /// The workspace.
    pub workspace_id: i64,
    /// [`BINDING_READ_WRITE`], which is also meant when absent, or [`BINDING_READ_ONLY`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding_type: Option<String>,
}

impl WorkspaceBinding {
    /// A binding that lets the workspace write.
    pub fn read_write(workspace_id: i64) -> Self {
        Self { workspace_id, binding_type: Some(BINDING_READ_WRITE.to_owned()) }
    }

    /// A binding that lets the workspace only read.
    pub fn read_only(workspace_id: i64) -> Self {
        Self { workspace_id, binding_type: Some(BINDING_READ_ONLY.to_owned()) }
    }

    /// Whether the workspace may only read.
    pub fn is_read_only(&self) -> bool {
        self.binding_type.as_deref() == Some(BINDING_READ_ONLY)
    }
}

/// One page of `GET /bindings/{type}/{name}`, and the whole answer of its `PATCH`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceBindings {
    /// The page.
    #[serde(default)]
    pub bindings: Vec<WorkspaceBinding>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// `PATCH /bindings/{type}/{name}`. What is added replaces the workspace's binding of another type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateBindings {
    /// Bindings to make.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<WorkspaceBinding>,
    /// Bindings to take away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<WorkspaceBinding>,
}

/// One principal's privileges on an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivilegeAssignment {
    /// User, group or service principal.
    pub principal: String,
    /// Privileges, such as `SELECT`.
    #[serde(default)]
    pub privileges: Vec<String>,
}

/// One page of `GET /permissions/{type}/{full_name}`, and the answer of its `PATCH`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// The page.
    #[serde(default)]
    pub privilege_assignments: Vec<PrivilegeAssignment>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A change to one principal's privileges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionsChange {
    /// User, group or service principal.
    pub principal: String,
    /// Privileges to grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Privileges to revoke.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// `PATCH /permissions/{type}/{full_name}`: a delta; there is no call that sets all privileges.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdatePermissions {
    /// One change a principal.
    #[serde(default)]
    pub changes: Vec<PermissionsChange>,
}
