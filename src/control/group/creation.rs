//! Creating a failover group.

use super::released::left_replica_key;
use super::{GroupChange, epoch_floor};
use crate::connect::WorkspaceRole;
use crate::control::acts::set_role;
use crate::control::{Control, ControlError, audit};
use crate::domain::{
    CatalogName, Facts, FailoverGroup, FailoverGroupSpec, GroupState, Region, WorkspaceFacts, validate_spec,
};
use crate::replicate::{self, Endpoint};

impl Control {
    /// Checks a group and, unless `validate_only`, creates it; it exists durably when this returns.
    pub async fn create_group(
        &self,
        actor: &str,
        mut spec: FailoverGroupSpec,
        validate_only: bool,
    ) -> Result<FailoverGroup, ControlError> {
        let creating = self.inner.creating.clone().lock_owned().await;
        let facts = self.facts(&spec).await;
        facts.spell_as_known(&mut spec);
        let violations = validate_spec(&spec, &facts);
        if !violations.is_empty() {
            return Err(ControlError::Invalid { violations });
        }
        let now = self.now();
        let mut group = FailoverGroup {
            effective_primary_region: spec.initial_primary_region.clone(),
            spec,
            state: GroupState::Creating,
            state_message: None,
            epoch: epoch_floor(self).await? + 1,
            bootstrapped: false,
            salvage_pending: false,
            etag: String::new(),
            create_time: now,
            update_time: now,
            replication_point: None,
            has_replication_point_blocking_errors: false,
            initial_replication_progress: None,
        };
        audit::renew_etag(&mut group, now);
        if validate_only {
            return Ok(group);
        }
        let id = group.spec.id.clone();
        let message =
            format!("{actor} created failover group {id} with {} as primary.", group.effective_primary_region);
        let mut change = GroupChange::creation(group, now);
        change.log(audit::line(now, actor, "failover_group.create", id.as_str(), message));
        change.show(|_| fail::fail_point!("control.after_create_stored"));
        change.then(move |_| drop(creating));
        change.commit(self).await
    }

    /// What the rules are checked against; a region that does not answer leaves its facts unknown.
    pub(in crate::control) async fn facts(&self, spec: &FailoverGroupSpec) -> Facts {
        let mut facts =
            Facts { group_ids: self.handles().iter().map(|c| c.id.to_string()).collect(), ..Facts::default() };
        for workspace in &self.inner.deployment.workspaces {
            let on = match workspace.client.mission_critical().await {
                // A workspace that has no such add-on has nothing to switch on.
                Ok(answer) => answer.unwrap_or(true),
                // An unreachable workspace keeps what was last known; the rules must not call it off for that.
                Err(_) => self.workspaces().iter().any(|w| w.id == workspace.id && w.mission_critical),
            };
            facts.workspaces.push(WorkspaceFacts {
                id: workspace.id.clone(),
                name: workspace.name.clone(),
                region: workspace.region.clone(),
                mission_critical: on,
            });
        }
        for handle in self.handles() {
            let group = handle.group();
            facts.catalogs_taken.extend(group.catalogs().iter().map(|c| (c.clone(), group.spec.id.to_string())));
            facts.assets_taken.extend(group.spec.asset_workspaces().map(|id| (id.clone(), group.spec.id.to_string())));
        }
        let urls = self.stable_urls().into_iter();
        facts.stable_urls = Some(urls.map(|url| (url.name, url.group.map(|id| id.to_string()))).collect());
        let Some(assets) = &spec.unity_catalog_assets else { return facts };
        let primary = self.end_of(spec, &spec.initial_primary_region).await;
        let secondary = self.end_of(spec, spec.other_region(&spec.initial_primary_region)).await;
        for endpoint in [&primary, &secondary].into_iter().flatten() {
            if let Some(root) = &endpoint.metastore_root {
                facts.metastore_roots.insert(endpoint.region.clone(), root.clone());
            }
        }
        if let Some(endpoint) = &primary {
            facts.primary_catalogs = endpoint
                .client
                .catalogs()
                .await
                .ok()
                .map(|all| all.into_iter().map(|c| CatalogName::new(c.name)).collect());
            if let Ok(inventory) = replicate::read_inventory(endpoint, &assets.catalogs).await {
                facts.locations = replicate::locations(&inventory);
            }
        }
        if let Some(endpoint) = &secondary {
            facts.secondary_places = replicate::reachable_places(endpoint).await.ok();
        }
        if let Some(endpoint) = &secondary
            && let Ok(all) = endpoint.client.catalogs().await
        {
            let mut foreign = Vec::new();
            for catalog in all {
                // A replica that a deleted group left is taken up again: it is compared, and only what differs is copied.
                let name = CatalogName::new(catalog.name);
                if !matches!(self.left_by(&endpoint.region, &name).await, Ok(Some(_))) {
                    foreign.push(name);
                }
            }
            facts.secondary_catalogs = Some(foreign);
        }
        facts
    }

    pub(in crate::control) async fn end_of(&self, spec: &FailoverGroupSpec, region: &Region) -> Option<Endpoint> {
        let set = spec.data_workspace_set()?;
        let workspaces = &self.inner.deployment.workspaces;
        let workspace = workspaces.iter().find(|w| w.region == *region && set.workspace_ids.contains(&w.id))?;
        Endpoint::connect(region, &workspace.id, workspace.client.clone()).await.ok()
    }

    /// Prepares both regions of a new group.
    pub(in crate::control) async fn provision(&self, group: &FailoverGroup) -> Result<(), ControlError> {
        let from = self.inner.deployment.endpoint(group, &group.effective_primary_region).await?;
        let to = self.inner.deployment.endpoint(group, group.effective_secondary_region()).await?;
        let _ = set_role(&from, group, WorkspaceRole::Primary).await?;
        let _ = set_role(&to, group, WorkspaceRole::Secondary).await?;
        for catalog in group.catalogs() {
            // A replica that is in use again is no one's to release.
            self.set_setting(&left_replica_key(&to.region, catalog), "").await?;
        }
        Ok(())
    }
}
