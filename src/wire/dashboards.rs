//! Draft and published dashboards.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Prefix of the calls.
pub const PREFIX: &str = "/api/2.0/lakeview/dashboards";
/// `lifecycle_state` of a dashboard in use.
pub const DASHBOARD_ACTIVE: &str = "ACTIVE";
/// `lifecycle_state` of a dashboard in the trash.
pub const DASHBOARD_TRASHED: &str = "TRASHED";

/// A draft dashboard. Lists leave out the etag, both paths and the definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Output only; a region that keeps ids takes it at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard_id: Option<String>,
    /// The file's name too, without its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The folder that it is created in; input only at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_path: Option<String>,
    /// Path of its file; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Pages, datasets and the like, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serialized_dashboard: Option<String>,
    /// The warehouse that runs its queries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse_id: Option<String>,
    /// Changes with every change. A change that names an older one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// [`DASHBOARD_ACTIVE`] or [`DASHBOARD_TRASHED`]; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_state: Option<String>,
    /// RFC 3339; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<String>,
    /// RFC 3339; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_time: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What readers of a published dashboard see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PublishedDashboard {
    /// Output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether readers' queries run with the publisher's rights.
    #[serde(default)]
    pub embed_credentials: bool,
    /// The warehouse that runs its queries; the draft's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warehouse_id: Option<String>,
    /// RFC 3339; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_create_time: Option<String>,
}

/// One page of draft dashboards.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListDashboards {
    /// The page.
    #[serde(default)]
    pub dashboards: Vec<Dashboard>,
    /// Present when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}
