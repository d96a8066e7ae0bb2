//! One end of a replication: a region, reached through a workspace.

use crate::connect::{ConnectError, RegionApi, RegionCapabilities};
use crate::domain::{InvalidWorkspaceId, Region, WorkspaceId};
use std::sync::Arc;

/// One end of a replication.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The region.
    pub region: Region,
    /// The workspace that it is reached through.
    pub workspace_id: WorkspaceId,
    /// What it offers and how it is asked.
    pub client: Arc<dyn RegionApi>,
    /// What the region offers beyond what every region does.
    pub capabilities: RegionCapabilities,
    /// Where the region's metastore keeps what has no storage root of its own; None where it has no such place, or
    /// doesn't tell.
    pub metastore_root: Option<String>,
}

impl Endpoint {
    /// Connects and finds out what the region offers.
    pub async fn connect(
        region: &Region,
        workspace_id: &WorkspaceId,
        client: Arc<dyn RegionApi>,
    ) -> Result<Self, ConnectError> {
        let capabilities = client.capabilities().await?;
        let metastore_root = match client.metastore_summary().await {
            Ok(summary) => summary.storage_root.filter(|root| !root.is_empty()),
            Err(error) if error.is_unreachable() => return Err(error),
            // Without it, only what the mappings cover is mapped.
            Err(_) => None,
        };
        let (region, workspace_id) = (region.to_owned(), workspace_id.clone());
        Ok(Self { region: region.clone(), workspace_id, client, capabilities, metastore_root })
    }

    /// Where the region's external locations are; none for a region that has no such thing.
    pub async fn external_places(&self) -> Result<Vec<String>, ConnectError> {
        match self.client.external_locations().await {
            Ok(all) => Ok(all.into_iter().map(|location| location.url).collect()),
            Err(error) if error.is_not_served() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The workspace as a catalog's bindings spell it.
    pub fn workspace_number(&self) -> Result<i64, ConnectError> {
        let problem = |error: InvalidWorkspaceId| ConnectError::BadSettings {
            region: self.region.clone(),
            problem: error.to_string().trim_end_matches('.').to_owned(),
        };
        self.workspace_id.number().map_err(problem)
    }
}
