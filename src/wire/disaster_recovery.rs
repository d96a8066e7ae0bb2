//! The account's disaster-recovery API.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Prefix of every call; the account's id follows.
pub const PREFIX: &str = "/api/disaster-recovery/v1/accounts";
/// The one published `failover_type`.
pub const FAILOVER_FORCED: &str = "FORCED";

/// A failover group: what a client sends, and what it reads back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverGroupBody {
    /// `accounts/{account_id}/failover-groups/{id}`; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The two regions; immutable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Workspaces that stand for each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspace_sets: Vec<WorkspaceSetBody>,
    /// The region that is primary first; input only, at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_primary_region: Option<String>,
    /// The primary region now; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_primary_region: Option<String>,
    /// Catalogs in scope and how their storage maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unity_catalog_assets: Option<UnityCatalogAssetsBody>,
    /// The state; output only, left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The instant up to which everything in scope has arrived, RFC 3339; output only, left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_point: Option<String>,
    /// Whether errors hold back the replication point; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_replication_point_blocking_errors: Option<bool>,
    /// How far the bootstrap is; output only, only in INITIAL_REPLICATION.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_replication_progress: Option<InitialReplicationProgress>,
    /// Full names of objects that were taken out of the scope by name; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excluded: Option<Vec<String>>,
    /// New names of renamed tables that may be shipped again, whatever their size; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_renames: Option<Vec<String>>,
    /// Bytes that renames may ship again without being approved; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename_limit_bytes: Option<u64>,
    /// The most that the replica may be behind, in seconds; output only, left out of lists; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo_target_seconds: Option<u32>,
    /// The longest that a failover may take, in seconds; output only, left out of lists; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto_target_seconds: Option<u32>,
    /// Changes with every change; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When the group was created, RFC 3339; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<String>,
    /// When the group was last changed, RFC 3339; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_time: Option<String>,
}

/// Workspaces that stand for each other, one a region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceSetBody {
    /// The set's name, unique in its group.
    #[serde(default)]
    pub name: String,
    /// Ids as text, in any order.
    #[serde(default)]
    pub workspace_ids: Vec<String>,
    /// Whether notebooks, jobs and the like replicate too.
    #[serde(default)]
    pub replicate_workspace_assets: bool,
    /// Full names of the stable URLs that follow this set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stable_url_names: Vec<String>,
}

/// Catalogs in scope and how their storage maps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnityCatalogAssetsBody {
    /// Catalogs in scope.
    #[serde(default)]
    pub catalogs: Vec<CatalogBody>,
    /// The workspace set that the data replicates through.
    #[serde(default)]
    pub data_replication_workspace_set: String,
    /// A URI a region for each location.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub location_mappings: Vec<LocationMappingBody>,
}

/// A catalog in scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogBody {
    /// Its name.
    #[serde(default)]
    pub name: String,
}

/// One location in every region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationMappingBody {
    /// The mapping's name.
    #[serde(default)]
    pub name: String,
    /// The URI in each region.
    #[serde(default)]
    pub uri_by_region: Vec<RegionUri>,
}

/// One location in one region.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionUri {
    /// The region.
    #[serde(default)]
    pub region: String,
    /// The URI there.
    #[serde(default)]
    pub uri: String,
}

/// How far a bootstrap is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitialReplicationProgress {
    /// Percent, 0 to 100.
    #[serde(default)]
    pub completed: i32,
}

/// One page of failover groups, without state and replication point.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListFailoverGroups {
    /// The page.
    #[serde(default)]
    pub failover_groups: Vec<FailoverGroupBody>,
    /// Present when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// `POST …/failover`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverRequest {
    /// The participating region that is to be primary.
    #[serde(default)]
    pub target_primary_region: String,
    /// [`FAILOVER_FORCED`].
    #[serde(default)]
    pub failover_type: String,
    /// The etag that the caller saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Full names of what a planned failover may leave behind in the old primary; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_left_behind: Option<Vec<String>>,
    /// The instant to whose versions the tables go back, RFC 3339; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// Minutes after which it is undone unless it is kept; not part of the published API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisional_minutes: Option<u32>,
}

/// One error of a group's objects over time; not part of the published API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectErrorBody {
    pub error_class: String,
    #[serde(rename = "type")]
    pub object_type: String,
    pub object: String,
    pub message: String,
    pub parameters: BTreeMap<String, String>,
    /// What to do.
    pub resolution: String,
    /// Whether it holds the replication point back now.
    pub blocks_replication_point: bool,
    /// When it began last, RFC 3339.
    pub since: String,
    /// When it began first, RFC 3339.
    pub first_seen: String,
    /// When it ended, RFC 3339; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// How often it began.
    pub count: u64,
}

/// What a group should reach: read and set at `…/failover-groups/{id}/targets`; not part of the published API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetsBody {
    /// Seconds; 0 takes the target away, and absent leaves it as it is.
    #[serde(default)]
    pub rpo_seconds: Option<u32>,
    /// Seconds; 0 takes the target away, and absent leaves it as it is.
    #[serde(default)]
    pub rto_seconds: Option<u32>,
}

/// `POST …/failover-groups/{id}/readiness/confirm`; not part of the published API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmReadiness {
    /// The line that a person looked at, such as `sso`.
    #[serde(default)]
    pub line: String,
}

/// A stable URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StableUrlBody {
    /// `accounts/{account_id}/stable-urls/{id}`; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The workspace that it first leads to; input only, at creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_workspace_id: Option<String>,
    /// The workspace that it leads to now; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_workspace_id: Option<String>,
    /// The group that it is attached to, by full name; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failover_group_name: Option<String>,
    /// Its own id, which never changes; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_workspace_id: Option<String>,
    /// The URL, which never changes; output only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// One page of stable URLs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListStableUrls {
    /// The page.
    #[serde(default)]
    pub stable_urls: Vec<StableUrlBody>,
    /// Present when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// `POST …/delete-secondary-only-assets`, a call of this product: deletes in the secondary's workspaces what only they have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteSecondaryOnlyRequest {
    /// The group's short id, typed by whoever confirms it.
    #[serde(default)]
    pub confirm: String,
}

/// Its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteSecondaryOnlyResponse {
    /// What was exported and deleted.
    pub deleted: Vec<AssetBody>,
    /// What was left, each as a sentence that says why.
    pub left: Vec<String>,
    /// The folder with the copies, on the machine that runs the product.
    pub folder: String,
}

/// An asset by its kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetBody {
    /// Such as `NOTEBOOK`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its path, or its name.
    pub name: String,
}
