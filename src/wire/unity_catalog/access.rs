//! Workspace bindings, privileges and tags.

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

/// What the catalog guards with grants and owners, as its paths name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Securable {
    Catalog,
    Schema,
    /// Views are tables to the API.
    Table,
    Volume,
    Function,
    ExternalLocation,
}

impl Securable {
    /// As `/permissions/{type}` and `/policies/{type}` name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::Volume => "volume",
            Self::Function => "function",
            Self::ExternalLocation => "external_location",
        }
    }

    /// The path of its own calls.
    pub fn family(self) -> &'static str {
        match self {
            Self::Catalog => "catalogs",
            Self::Schema => "schemas",
            Self::Table => "tables",
            Self::Volume => "volumes",
            Self::Function => "functions",
            Self::ExternalLocation => "external-locations",
        }
    }

    /// The `entity_type` of its tags; None for what has none.
    pub fn entity_type(self) -> Option<&'static str> {
        match self {
            Self::Catalog | Self::Schema | Self::Table | Self::Volume => Some(self.family()),
            Self::Function | Self::ExternalLocation => None,
        }
    }
}

/// What a workspace holds that no cycle replicates and no list of catalog objects shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    Pipelines,
    ServingEndpoints,
    VectorSearchEndpoints,
    SecretScopes,
    Shares,
}

impl Leftover {
    pub const ALL: [Self; 5] =
        [Self::Pipelines, Self::ServingEndpoints, Self::VectorSearchEndpoints, Self::SecretScopes, Self::Shares];

    /// The path that lists them.
    pub fn path(self) -> &'static str {
        match self {
            Self::Pipelines => "/api/2.0/pipelines",
            Self::ServingEndpoints => "/api/2.0/serving-endpoints",
            Self::VectorSearchEndpoints => "/api/2.0/vector-search/endpoints",
            Self::SecretScopes => "/api/2.0/secrets/scopes/list",
            Self::Shares => "/api/2.1/unity-catalog/shares",
        }
    }

    /// The field of the answer that holds them.
    pub fn field(self) -> &'static str {
        match self {
            Self::Pipelines => "statuses",
            Self::ServingEndpoints | Self::VectorSearchEndpoints => "endpoints",
            Self::SecretScopes => "scopes",
            Self::Shares => "shares",
        }
    }

    /// In a sentence.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pipelines => "pipelines",
            Self::ServingEndpoints => "serving endpoints",
            Self::VectorSearchEndpoints => "vector search endpoints",
            Self::SecretScopes => "secret scopes",
            Self::Shares => "shares",
        }
    }
}

/// The `entity_type` of a column's tags.
pub const ENTITY_COLUMNS: &str = "columns";

/// `PATCH /{family}/{name}` with a new owner, which every family takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateOwner {
    pub owner: String,
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

/// A privilege, and where it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectivePrivilege {
    /// Such as `SELECT`.
    pub privilege: String,
    /// Full name of what hands it down; absent for one that is granted on the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited_from_name: Option<String>,
    /// Type of that, such as `CATALOG`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited_from_type: Option<String>,
}

/// One principal's privileges on an object and on what holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectivePrivilegeAssignment {
    /// User, group or service principal.
    pub principal: String,
    /// Privileges with where they come from.
    #[serde(default)]
    pub privileges: Vec<EffectivePrivilege>,
}

/// One page of `GET /effective-permissions/{type}/{full_name}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectivePermissions {
    /// The page.
    #[serde(default)]
    pub privilege_assignments: Vec<EffectivePrivilegeAssignment>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// A tag of a catalog, schema, table, column or volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityTagAssignment {
    /// `catalogs`, `schemas`, `tables`, `columns` or `volumes`.
    #[serde(default)]
    pub entity_type: String,
    /// Full name of the entity.
    #[serde(default)]
    pub entity_name: String,
    /// The tag.
    #[serde(default)]
    pub tag_key: String,
    /// Its value; a tag may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_value: Option<String>,
    /// RFC 3339; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_time: Option<String>,
    /// Output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// One page of `GET /entity-tag-assignments/{type}/{name}/tags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListEntityTagAssignments {
    /// The page.
    #[serde(default)]
    pub tag_assignments: Vec<EntityTagAssignment>,
    /// Present when there is more, even after an empty page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
