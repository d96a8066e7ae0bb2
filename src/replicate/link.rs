//! One end of a replication: a region, reached through a workspace.

use crate::connect::{ConnectError, RegionCapabilities, RegionClient};
use crate::domain::{Region, WorkspaceId};

/// One end of a replication.
#[derive(Debug, Clone)]
pub struct Link {
    /// The region.
    pub region: Region,
    /// The workspace that it is reached through.
    pub workspace_id: WorkspaceId,
    /// Its REST APIs.
    pub client: RegionClient,
    /// What the region offers beyond the public API.
    pub capabilities: RegionCapabilities,
}

impl Link {
    /// Connects and finds out what the region offers.
    pub async fn connect(region: &str, workspace_id: &str, client: RegionClient) -> Result<Self, ConnectError> {
        let capabilities = client.capabilities().await?;
        Ok(Self { region: region.to_owned(), workspace_id: workspace_id.to_owned(), client, capabilities })
    }
}
