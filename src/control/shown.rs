//! Putting together what the outside sees, without copying what did not change.

use super::Control;
use super::lock::lock;
use super::shown_regions::ShownRegions;
use super::view::{AccountView, GroupView, RegionView, WorkspaceView};
use std::sync::Arc;

impl Control {
    /// Everything that is known, whole.
    pub fn view(&self) -> AccountView {
        let now = self.now();
        let groups: Vec<_> = self
            .handles()
            .iter()
            .map(|handle| {
                let mut view = handle.view(now, |region| self.away_since(region).is_some());
                view.rehearsals = self.rehearsals(&view.group);
                Arc::new(view)
            })
            .collect();
        let regions = self.regions_with_groups(&groups);
        AccountView {
            account_id: self.account_id().to_owned(),
            workspaces: self.workspaces(),
            regions,
            groups,
            activity: lock(&self.inner.activity).clone(),
            stable_urls: self.stable_urls(),
            tokens: self.tokens(),
            alerts: self.alerts_view(),
            transfer_limit: self.inner.limits.get(),
            spark: self.inner.spark.as_ref().map(|spark| spark.view()),
            clock_move: self.clock_move(),
        }
    }

    /// The regions, each catalog with its group; made again only when a region or a scope changed.
    fn regions_with_groups(&self, groups: &[Arc<GroupView>]) -> Arc<Vec<RegionView>> {
        let read = lock(&self.inner.regions).clone();
        let scopes = || groups.iter().map(|g| (&g.group.spec.id, g.group.catalogs()));
        let mut shown = lock(&self.inner.shown_regions);
        let same = Arc::ptr_eq(&shown.of, &read)
            && scopes().eq(shown.scopes.iter().map(|(id, catalogs)| (id, catalogs.as_slice())));
        if !same {
            let mut regions = read.as_ref().clone();
            for catalog in regions.iter_mut().flat_map(|r| &mut r.catalogs) {
                catalog.group = scopes()
                    .find(|(_, names)| names.iter().any(|name| *name == catalog.name.as_str()))
                    .map(|(id, _)| id.clone());
            }
            let scopes = scopes().map(|(id, names)| (id.clone(), names.to_vec())).collect();
            *shown = ShownRegions { of: read, scopes, regions: Arc::new(regions) };
        }
        shown.regions.clone()
    }

    /// Every workspace.
    pub fn workspaces(&self) -> Vec<WorkspaceView> {
        let on = lock(&self.inner.mission_critical);
        let workspaces = self.inner.deployment.workspaces.iter();
        workspaces
            .map(|w| WorkspaceView {
                id: w.id.clone(),
                name: w.name.clone(),
                region: w.region.clone(),
                url: w.url.clone(),
                mission_critical: on.get(&w.id).is_some_and(|(on, _)| *on),
                read_at: on.get(&w.id).map(|(_, at)| *at),
            })
            .collect()
    }
}
