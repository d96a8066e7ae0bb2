//! What the runtime is told of the sandbox's regions.

use super::SandboxError;
use super::clients::WorkspaceClient;
use super::deployment::Place;
use super::records::Kind;
use super::refusal::Refusal;
use super::region::Region;
use super::unity_catalog::folder_of;
use crate::domain::CatalogName;
use crate::wire::unity_catalog::{TABLE_MANAGED, TableInfo};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// How to reach one region.
#[derive(Clone, PartialEq, Eq)]
pub struct RegionEndpoint {
    /// The region's name.
    pub region: String,
    /// Its workspace's id.
    pub workspace_id: String,
    /// Its workspace's name.
    pub workspace_name: String,
    /// Its metastore's id.
    pub metastore_id: String,
    /// Where its APIs are served.
    pub workspace_url: String,
    /// The file with the admin's token, readable by its owner alone.
    pub token_file: PathBuf,
    /// `file://` URI above every location of the region.
    pub storage_root: String,
    /// The token of the product's own service principal.
    pub replication_token: String,
    /// Whether Mission Critical is on.
    pub mission_critical: bool,
}

impl fmt::Debug for RegionEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionEndpoint")
            .field("region", &self.region)
            .field("workspace_id", &self.workspace_id)
            .field("workspace_url", &self.workspace_url)
            .field("storage_root", &self.storage_root)
            .field("replication_token", &"[secret]")
            .field("mission_critical", &self.mission_critical)
            .finish_non_exhaustive()
    }
}

/// How one region is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionStatus {
    /// The region's name.
    pub region: String,
    /// Whether it answers.
    pub up: bool,
    /// Commits of its jobs since the process started.
    pub commits: u64,
    /// Who called its workspace since the process started, the latest one first.
    pub clients: Vec<WorkspaceClient>,
}

/// A managed table as its region itself knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableTruth {
    /// `catalog.schema.table`.
    pub full_name: String,
    /// Its id.
    pub table_id: String,
    /// The folder that holds its log and files.
    pub folder: PathBuf,
}

pub(super) fn endpoint(place: &Place) -> RegionEndpoint {
    let identity = &place.region.identity;
    RegionEndpoint {
        region: identity.region.clone(),
        workspace_id: identity.workspace_id.to_string(),
        workspace_name: identity.workspace_name.clone(),
        metastore_id: identity.metastore_id.clone(),
        workspace_url: format!("http://127.0.0.1:{}", place.port),
        token_file: place.token_file.clone(),
        storage_root: identity.storage_root.clone(),
        replication_token: identity.replication_token.clone(),
        mission_critical: super::roles::is_mission_critical(&place.region),
    }
}

pub(super) fn status(place: &Place) -> RegionStatus {
    RegionStatus {
        region: place.region.name().to_owned(),
        up: place.region.is_up(),
        commits: place.region.commits.load(Ordering::Relaxed),
        clients: place.region.clients.seen(),
    }
}

/// The managed tables of the given catalogs, or of all where none is given.
pub(super) fn truth(region: &Region, catalogs: &[CatalogName]) -> Vec<TableTruth> {
    let tables: Vec<TableInfo> = region.records.all(Kind::Table, "");
    tables
        .into_iter()
        .filter(|table| table.table_type == TABLE_MANAGED)
        .filter(|table| catalogs.is_empty() || catalogs.iter().any(|name| *name == table.catalog_name.as_str()))
        .filter_map(|table| {
            Some(TableTruth {
                full_name: table.full_name(),
                folder: folder_of(table.storage_location.as_deref()?)?,
                table_id: table.table_id?,
            })
        })
        .collect()
}

impl SandboxError {
    pub(super) fn refused(region: &Region, refusal: Refusal) -> Self {
        Self::Refused { region: region.name().to_owned(), message: refusal.body.message }
    }
}
