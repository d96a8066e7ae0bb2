//! What a region offers, whatever kind of region it is.
//!
//! [`RegionApi`] is all that the layers above know. A flavour is one file: [`SandboxRegion`] is reached over HTTP by the
//! public REST APIs and a few private calls, [`PublicRegion`] is any other region with these APIs or some of them. Tests use
//! one in memory that keeps the same rules.

mod access;
mod credentials;
mod flavour;
#[cfg(test)]
mod in_memory;
mod private;
mod public;
mod sandbox;
mod schedules;
mod workspace;

pub use access::AccessApi;
pub use credentials::{CatalogTable, CredentialModes, Grant, TablePlace};
#[cfg(test)]
pub use in_memory::InMemoryRegion;
pub use public::PublicRegion;
pub(super) use public::ask_capabilities;
pub use sandbox::SandboxRegion;
pub use schedules::{UnpausedJob, UnpausedPlaces};
pub use workspace::WorkspaceApi;

use super::error::ConnectError;
use super::health::RegionHealth;
use super::storage::StorageOptions;
use crate::domain::{ClockSkew, GroupId};
use crate::wire::jobs::{JobInfo, UpdateJob};
use crate::wire::unity_catalog as uc;
use crate::wire::workspace::{ClusterInfo, WarehouseInfo};
use futures::future::BoxFuture;
use std::fmt;
use std::time::Duration;

/// The answer of a region to one call.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ConnectError>>;

/// What a region can do beyond what every region can. Found out by asking, when an end of a replication is connected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegionCapabilities {
    /// Managed tables and views can be made over REST, by staging.
    pub staging_tables: bool,
    /// A create call may say the new object's id and location.
    pub keeps_ids: bool,
    /// The workspace can be told its role in a failover group.
    pub disaster_recovery_role: bool,
    /// A catalog can be bound to a workspace read-only, and the region enforces that.
    pub bindings: bool,
}

/// What a workspace is told about itself in a failover group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceRole {
    /// Its region is the group's effective primary.
    Primary,
    /// Its region is the group's effective secondary: compute doesn't start.
    Secondary,
    /// It left the group.
    None,
}

/// Whether a region does what it was asked to, or has no way to. A step that gets `NotOffered` must say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Enforcement {
    /// The region keeps it up from now on.
    Enforced,
    /// The region has no such call, so nothing was done.
    NotOffered,
}

/// One region, reached through one workspace.
///
/// Every call may fail with [`ConnectError`], which names the region, the call and what to do next. A call that lists gives
/// the whole list, whatever pages it came in. `Option` answers are `None` where the object isn't there.
pub trait RegionApi: AccessApi + WorkspaceApi + Send + Sync + fmt::Debug {
    /// The region as messages name it.
    fn region(&self) -> &str;
    /// Whether the workspace answers, as every call so far found it.
    fn health(&self) -> &RegionHealth;
    /// How far the region's clock is from this machine's; None until an answer told.
    fn clock_skew(&self) -> Option<ClockSkew>;
    /// What the region's stores need beyond what their URIs and the vended credentials say.
    fn storage(&self) -> &StorageOptions;
    /// What was learned of how the region vends credentials.
    fn credential_modes(&self) -> &CredentialModes;
    /// Asks whether the workspace answers: once, and not for longer than `patience`. What it finds is in the health.
    fn probe(&self, patience: Duration) -> BoxFuture<'_, ()>;
    /// Asks what the region offers beyond what every region does.
    fn capabilities(&self) -> Answer<'_, RegionCapabilities>;

    /// What is known of the workspace's metastore.
    fn metastore_summary(&self) -> Answer<'_, uc::MetastoreSummary>;
    /// Every external location.
    fn external_locations(&self) -> Answer<'_, Vec<uc::ExternalLocationInfo>>;
    /// Every catalog that the login sees.
    fn catalogs(&self) -> Answer<'_, Vec<uc::CatalogInfo>>;
    /// One catalog.
    fn catalog<'a>(&'a self, name: &'a str) -> Answer<'a, Option<uc::CatalogInfo>>;
    /// Creates a catalog. It is open to every workspace until [`RegionApi::update_catalog`] isolates it.
    fn create_catalog<'a>(&'a self, catalog: &'a uc::CreateCatalog) -> Answer<'a, uc::CatalogInfo>;
    /// Changes a catalog.
    fn update_catalog<'a>(&'a self, name: &'a str, change: &'a uc::UpdateCatalog) -> Answer<'a, uc::CatalogInfo>;
    /// Deletes a catalog; with `force`, also one that holds something.
    fn delete_catalog<'a>(&'a self, name: &'a str, force: bool) -> Answer<'a, ()>;
    /// The workspaces that a catalog is bound to. Only an isolated catalog heeds them.
    fn bindings_of_catalog<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<uc::WorkspaceBinding>>;
    /// Binds a catalog to workspaces or looses it from them, and tells what holds afterwards.
    fn update_bindings<'a>(
        &'a self,
        catalog: &'a str,
        change: &'a uc::UpdateBindings,
    ) -> Answer<'a, Vec<uc::WorkspaceBinding>>;
    /// Every schema of a catalog.
    fn schemas<'a>(&'a self, catalog: &'a str) -> Answer<'a, Vec<uc::SchemaInfo>>;
    /// One schema by `catalog.schema`.
    fn schema<'a>(&'a self, full_name: &'a str) -> Answer<'a, Option<uc::SchemaInfo>>;
    /// Creates a schema.
    fn create_schema<'a>(&'a self, schema: &'a uc::CreateSchema) -> Answer<'a, uc::SchemaInfo>;
    /// Changes a schema.
    fn update_schema<'a>(&'a self, full_name: &'a str, change: &'a uc::UpdateSchema) -> Answer<'a, uc::SchemaInfo>;
    /// Deletes a schema; with `force`, also one that holds something.
    fn delete_schema<'a>(&'a self, full_name: &'a str, force: bool) -> Answer<'a, ()>;
    /// Every table and view of a schema, without view dependencies and constraints.
    fn tables<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::TableInfo>>;
    /// One table or view by `catalog.schema.name`.
    fn table<'a>(&'a self, full_name: &'a str) -> Answer<'a, Option<uc::TableInfo>>;
    /// Creates a table over data that is there, or a view where the region takes views here.
    fn create_table<'a>(&'a self, table: &'a uc::CreateTable) -> Answer<'a, uc::TableInfo>;
    /// Asks for a place for a managed table that is written before it is created.
    fn create_staging_table<'a>(&'a self, table: &'a uc::CreateStagingTable) -> Answer<'a, uc::StagingTableInfo>;
    /// Drops a table or view. Its files stay.
    fn delete_table<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()>;
    /// Every volume of a schema.
    fn volumes<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::VolumeInfo>>;
    /// Creates a volume.
    fn create_volume<'a>(&'a self, volume: &'a uc::CreateVolume) -> Answer<'a, uc::VolumeInfo>;
    /// Changes a volume.
    fn update_volume<'a>(&'a self, full_name: &'a str, change: &'a uc::UpdateVolume) -> Answer<'a, uc::VolumeInfo>;
    /// Drops a volume; of a managed one the files too.
    fn delete_volume<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()>;
    /// Every function of a schema.
    fn functions<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<uc::FunctionInfo>>;
    /// Creates a function. No call changes one.
    fn create_function<'a>(&'a self, function: &'a uc::CreateFunction) -> Answer<'a, uc::FunctionInfo>;
    /// Drops a function.
    fn delete_function<'a>(&'a self, full_name: &'a str) -> Answer<'a, ()>;
    /// Credentials for a table's storage; `operation` is one of the wire module's `OPERATION_` constants.
    fn table_credentials<'a>(&'a self, table_id: &'a str, operation: &'a str) -> Answer<'a, uc::TemporaryCredentials>;
    /// Credentials for a path; `operation` is one of the wire module's `OPERATION_PATH_` constants.
    fn path_credentials<'a>(&'a self, url: &'a str, operation: &'a str) -> Answer<'a, uc::TemporaryCredentials>;

    /// The commits of a table that its catalog ratifies; None where the region serves none.
    fn catalog_commits<'a>(
        &'a self,
        _table: &'a CatalogTable,
        _place: &'a TablePlace,
    ) -> Answer<'a, Option<uc::CatalogCommits>> {
        Box::pin(async { Ok(None) })
    }

    /// Every job, without its tasks.
    fn jobs(&self) -> Answer<'_, Vec<JobInfo>>;
    /// One job by its id, with the first hundred of its tasks.
    fn job(&self, job_id: i64) -> Answer<'_, JobInfo>;
    /// Replaces top-level settings of a job; those that aren't named stay.
    fn update_job<'a>(&'a self, update: &'a UpdateJob) -> Answer<'a, ()>;
    /// Every all-purpose cluster; those of jobs, warehouses and pipelines are left out.
    fn clusters(&self) -> Answer<'_, Vec<ClusterInfo>>;
    /// Terminates a cluster; one that is terminated already stays so.
    fn terminate_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()>;
    /// Starts a terminated cluster; one that runs already stays so.
    fn start_cluster<'a>(&'a self, cluster_id: &'a str) -> Answer<'a, ()>;
    /// Every SQL warehouse.
    fn warehouses(&self) -> Answer<'_, Vec<WarehouseInfo>>;
    /// Stops a SQL warehouse; one that is stopped already stays so.
    fn stop_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;
    /// Starts a SQL warehouse; one that runs already stays so.
    fn start_warehouse<'a>(&'a self, id: &'a str) -> Answer<'a, ()>;

    /// Tells the workspace its role in a failover group. A workspace refuses a role of an epoch older than it knows.
    fn set_workspace_role<'a>(&'a self, group: &'a GroupId, role: WorkspaceRole, epoch: u64)
    -> Answer<'a, Enforcement>;
    /// Whether the Mission Critical add-on is on; None where the region has no such thing.
    fn mission_critical(&self) -> Answer<'_, Option<bool>>;
    /// Switches the Mission Critical add-on.
    fn set_mission_critical(&self, enabled: bool) -> Answer<'_, Enforcement>;
}
