//! The account's workspaces and how they are reached.

use super::ControlError;
use crate::connect::RegionApi;
use crate::domain::{FailoverGroup, Region, WorkspaceId, WorkspaceSet};
use crate::replicate::Endpoint;
use std::sync::Arc;

/// The account and its workspaces.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// The account's id.
    pub account_id: String,
    /// Every workspace.
    pub workspaces: Vec<Workspace>,
}

/// One workspace and how it is reached.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its display name.
    pub name: String,
    /// Its region.
    pub region: Region,
    /// Its URL.
    pub url: String,
    /// What its region offers, asked as the product's own principal.
    pub client: Arc<dyn RegionApi>,
    /// A URI above every location of its region, where known.
    pub storage_root: Option<String>,
}

impl Deployment {
    /// The workspace with this id.
    pub fn workspace(&self, id: &WorkspaceId) -> Result<&Workspace, ControlError> {
        self.workspaces
            .iter()
            .find(|w| w.id == *id)
            .ok_or_else(|| ControlError::UnknownWorkspace { id: id.to_string() })
    }

    /// The group's workspace in `region`.
    pub fn workspace_of(&self, group: &FailoverGroup, region: &Region) -> Result<&Workspace, ControlError> {
        let set = group.spec.data_workspace_set().ok_or_else(|| ControlError::Refused {
            sentence: format!("Failover group {} has no workspace set. Add one.", group.spec.id),
        })?;
        set.workspace_ids
            .iter()
            .filter_map(|id| self.workspaces.iter().find(|w| &w.id == id))
            .find(|w| w.region == *region)
            .ok_or_else(|| ControlError::Refused {
                sentence: format!(
                    "Failover group {} has no workspace in {region}. Add one to its workspace set.",
                    group.spec.id
                ),
            })
    }

    /// The ids, as catalogs' bindings spell them, of the group's own workspaces in `region`.
    pub fn workspace_ids(&self, group: &FailoverGroup, region: &Region) -> Result<Vec<i64>, ControlError> {
        let in_group = |w: &&Workspace| {
            w.region == *region && group.spec.workspace_sets.iter().any(|s| s.workspace_ids.contains(&w.id))
        };
        let own = self.workspaces.iter().filter(in_group).map(|w| Ok(w.id.number()?));
        own.collect()
    }

    /// One end of a workspace set: its workspace in `region`.
    pub async fn endpoint_of_set(&self, set: &WorkspaceSet, region: &Region) -> Result<Endpoint, ControlError> {
        let in_set = |w: &&Workspace| w.region == *region && set.workspace_ids.contains(&w.id);
        let workspace = self.workspaces.iter().find(in_set).ok_or_else(|| ControlError::Refused {
            sentence: format!("Workspace set {} has no workspace in {region}. Add one.", set.name),
        })?;
        Ok(Endpoint::connect(region, &workspace.id, workspace.client.clone()).await?)
    }

    /// One end of the group's replication.
    pub async fn endpoint(&self, group: &FailoverGroup, region: &Region) -> Result<Endpoint, ControlError> {
        let workspace = self.workspace_of(group, region)?;
        Ok(Endpoint::connect(region, &workspace.id, workspace.client.clone()).await?)
    }
}
