//! Workspace calls other than jobs: compute, the caller, and the account's list of workspaces.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Prefix of the cluster calls.
pub const CLUSTERS_PREFIX: &str = "/api/2.1/clusters";
/// Prefix of the SQL warehouse calls.
pub const WAREHOUSES_PREFIX: &str = "/api/2.0/sql/warehouses";
/// `GET`: who the token belongs to.
pub const ME_PATH: &str = "/api/2.0/preview/scim/v2/Me";

/// `cluster_source` of clusters that belong to a job run.
pub const SOURCE_JOB: &str = "JOB";
/// `cluster_source` of clusters that belong to a SQL warehouse.
pub const SOURCE_SQL: &str = "SQL";
/// `cluster_source` of clusters that belong to a pipeline.
pub const SOURCE_PIPELINE: &str = "PIPELINE";

/// State of compute that works.
pub const STATE_RUNNING: &str = "RUNNING";
/// State of a cluster that starts.
pub const STATE_PENDING: &str = "PENDING";
/// State of a cluster that doesn't run.
pub const STATE_TERMINATED: &str = "TERMINATED";
/// State of a warehouse that starts.
pub const STATE_STARTING: &str = "STARTING";
/// State of a warehouse that doesn't run.
pub const STATE_STOPPED: &str = "STOPPED";

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterInfo {
    /// Its id.
    pub cluster_id: String,
    /// Its name.
    #[serde(default)]
    pub cluster_name: String,
    /// `PENDING`, `RUNNING`, `RESTARTING`, `RESIZING`, `TERMINATING`, `TERMINATED`, `ERROR` or `UNKNOWN`.
    #[serde(default)]
    pub state: String,
    /// Why it is in that state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_message: Option<String>,
    /// `UI`, `API` or one of the `SOURCE_` constants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_source: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ClusterInfo {
    /// Whether it belongs to a person and not to a job, a warehouse or a pipeline.
    pub fn is_all_purpose(&self) -> bool {
        !matches!(self.cluster_source.as_deref(), Some(SOURCE_JOB | SOURCE_SQL | SOURCE_PIPELINE))
    }

    /// Whether it runs or is about to.
    pub fn is_running(&self) -> bool {
        matches!(self.state.as_str(), STATE_RUNNING | STATE_PENDING | "RESTARTING" | "RESIZING")
    }
}

/// One page of `GET /clusters/list`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListClusters {
    /// The page.
    #[serde(default)]
    pub clusters: Vec<ClusterInfo>,
    /// Present when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// `POST /clusters/start` and `POST /clusters/delete`, which terminates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterId {
    /// The cluster.
    pub cluster_id: String,
}

/// Answer of a call that makes a SQL warehouse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarehouseId {
    pub id: String,
}

/// A SQL warehouse.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WarehouseInfo {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// `STARTING`, `RUNNING`, `STOPPING`, `STOPPED`, `DELETING` or `DELETED`.
    #[serde(default)]
    pub state: String,
    /// Its size, such as `Small`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_size: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl WarehouseInfo {
    /// Whether it runs or is about to.
    pub fn is_running(&self) -> bool {
        matches!(self.state.as_str(), STATE_RUNNING | STATE_STARTING)
    }
}

/// One page of `GET /sql/warehouses`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListWarehouses {
    /// The page.
    #[serde(default)]
    pub warehouses: Vec<WarehouseInfo>,
    /// Present when there is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// The user or service principal that a token belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Its name at login.
    #[serde(default)]
    pub user_name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it may log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// A workspace in the account's list; `GET /api/2.0/accounts/{account_id}/workspaces` answers an array of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AccountWorkspace {
    /// Its id.
    pub workspace_id: i64,
    /// Its display name.
    #[serde(default)]
    pub workspace_name: String,
    /// Its account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The first part of its host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_name: Option<String>,
    /// Its cloud, such as `aws`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// Its region on AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws_region: Option<String>,
    /// Its region on other clouds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// `RUNNING`, `PROVISIONING`, `FAILED` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_status: Option<String>,
    /// When it was created, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<i64>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl AccountWorkspace {
    /// Its region, whichever field the cloud gives it in.
    pub fn region(&self) -> Option<&str> {
        self.aws_region.as_deref().or(self.location.as_deref())
    }
}
