//! A failover group: what a user asks for, and what has become of it.

use super::{AssetKind, CatalogName, GroupId, GroupState, LocationMapping, Region, ScopeRules, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

/// Workspaces that stand for each other, one a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceSet {
    /// The set's name, unique in its group.
    pub name: String,
    /// One workspace a region, in any order.
    pub workspace_ids: Vec<WorkspaceId>,
    /// Whether notebooks, jobs and the like replicate too.
    #[serde(default)]
    pub replicate_workspace_assets: bool,
    /// Full names of the stable URLs that follow this set.
    #[serde(default)]
    pub stable_url_names: Vec<String>,
}

/// The catalogs in scope and how their storage maps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnityCatalogAssets {
    /// Catalogs in scope, by name, each once.
    pub catalogs: Vec<CatalogName>,
    /// The workspace set whose workspaces the data replicates through.
    pub data_replication_workspace_set: String,
    /// A URI a region for each location.
    pub location_mappings: Vec<LocationMapping>,
}

/// What a user asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverGroupSpec {
    /// The short id.
    pub id: GroupId,
    /// The two regions.
    pub regions: Vec<Region>,
    /// The region that is primary first.
    pub initial_primary_region: Region,
    /// Workspace sets; at least one.
    pub workspace_sets: Vec<WorkspaceSet>,
    /// Catalogs in scope; absent when only workspace assets replicate.
    pub unity_catalog_assets: Option<UnityCatalogAssets>,
    /// What people decided about single objects.
    #[serde(default)]
    pub rules: ScopeRules,
}

/// A failover group as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailoverGroup {
    /// What the user asked for, with later changes applied.
    pub spec: FailoverGroupSpec,
    /// The primary region now.
    pub effective_primary_region: Region,
    /// The state, as the API spells it.
    pub state: GroupState,
    /// Why the state is one of the FAILED ones, as a sentence.
    pub state_message: Option<String>,
    /// Rises by one with every cutover; 1 at first.
    pub epoch: u64,
    /// Whether everything in scope has arrived, or been flagged, once since creation.
    pub bootstrapped: bool,
    /// Whether the replica still holds commits that a forced failover left behind and that are not yet salvaged.
    pub salvage_pending: bool,
    /// Changes with every change that a user could see in the group's definition or state.
    pub etag: String,
    /// When the group was created.
    pub create_time: Timestamp,
    /// When the definition or the state last changed.
    pub update_time: Timestamp,
    /// The instant up to which everything in scope has arrived; absent until bootstrap ends.
    pub replication_point: Option<Timestamp>,
    /// Whether a flagged object holds back the replication point.
    pub has_replication_point_blocking_errors: bool,
    /// Percent of the bytes in scope that have arrived; only in INITIAL_REPLICATION.
    pub initial_replication_progress: Option<u8>,
}

impl FailoverGroup {
    /// The effective secondary region.
    pub fn effective_secondary_region(&self) -> &Region {
        self.spec.other_region(&self.effective_primary_region)
    }

    /// Catalogs in scope.
    pub fn catalogs(&self) -> &[CatalogName] {
        self.spec.unity_catalog_assets.as_ref().map_or(&[], |assets| &assets.catalogs)
    }

    /// Whether a catalog of this name is in the scope.
    pub fn has_catalog(&self, name: &str) -> bool {
        self.catalogs().iter().any(|known| *known == name)
    }

    /// Whether the secondary could take over now with a known replication point.
    pub fn is_protected(&self) -> bool {
        self.state == GroupState::Active && !self.salvage_pending
    }
}

impl FailoverGroupSpec {
    /// The participating region that is not `region`; `region` itself when there is no other.
    pub fn other_region<'a>(&'a self, region: &'a Region) -> &'a Region {
        self.regions.iter().find(|r| *r != region).unwrap_or(region)
    }

    /// The regions, the one that is primary first before the other.
    pub fn regions_in_order(&self) -> Vec<Region> {
        let first = |region: &&Region| **region == self.initial_primary_region;
        let (primary, rest): (Vec<&Region>, Vec<&Region>) = self.regions.iter().partition(first);
        primary.into_iter().chain(rest).cloned().collect()
    }

    /// Workspaces whose assets replicate.
    pub fn asset_workspaces(&self) -> impl Iterator<Item = &WorkspaceId> {
        let sets = self.workspace_sets.iter().filter(|set| set.replicate_workspace_assets);
        sets.flat_map(|set| &set.workspace_ids)
    }

    /// The workspace set that data replicates through; the first one when the name names none.
    pub fn data_workspace_set(&self) -> Option<&WorkspaceSet> {
        let wanted = self.unity_catalog_assets.as_ref().map(|assets| &assets.data_replication_workspace_set);
        self.workspace_sets.iter().find(|set| Some(&set.name) == wanted).or_else(|| self.workspace_sets.first())
    }
}

/// The kinds that a group's scope holds but no cycle replicates, for lists that say so.
pub fn kinds_not_replicated() -> impl Iterator<Item = AssetKind> {
    AssetKind::ALL.into_iter().filter(|kind| !kind.is_replicated())
}
