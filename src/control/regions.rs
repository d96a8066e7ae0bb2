//! Reading what the regions hold and run, for the screens that show it.

use super::deployment::{Deployment, Workspace};
use super::lock::lock;
use super::operation::{PausedWork, PausedWorkload};
use super::view::{CatalogView, RegionOffers, RegionView, SchemaView, TableEntry, WorkloadView};
use super::{Control, ControlError, audit};
use crate::connect::{ConnectError, Enforcement, UnpausedJob};
use crate::domain::{AssetKind, AssetName, CatalogName, ClockSkew, Region, WorkspaceId, clock_skew};
use crate::replicate::{self, Endpoint};
use crate::wire::jobs::PAUSED;
use crate::wire::unity_catalog::{ISOLATION_ISOLATED, SchemaInfo, TABLE_VIEW, TableInfo};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Regions of which nothing has been read yet.
pub fn unread(deployment: &Deployment) -> Vec<RegionView> {
    let mut regions: Vec<RegionView> = Vec::new();
    for workspace in &deployment.workspaces {
        if !regions.iter().any(|r| r.name == workspace.region) {
            regions.push(RegionView {
                name: workspace.region.clone(),
                unreachable_since: None,
                clock_skew_s: None,
                storage_skew_s: None,
                read_at: None,
                storage_root: workspace.storage_root.clone(),
                metastore_root: None,
                offers: None,
                catalogs: Vec::new(),
                external_locations: Vec::new(),
                workloads: Vec::new(),
            });
        }
    }
    regions
}

/// Catalogs are read again after this, so that what is shown is never older than half a minute.
const WHOLE_PAUSE: Duration = Duration::from_secs(15);
/// Changes of the product's own closer together than this are read as one.
const COALESCE: Duration = Duration::from_millis(200);
/// Reading rests at least this many times as long as it took, so that a long bootstrap is not slowed down.
const REST: u32 = 5;

/// Keeps what is shown of a workspace young: what runs every few seconds, all of it before it grows old, and at once
/// after a call of the product's own changed something, after an outage, and when asked.
pub async fn keep_reading(control: Control, workspace: Workspace) {
    let health = workspace.client.health().clone();
    let (mut stopping, mut refresh, mut news) = (control.stopping(), control.inner.refresh.subscribe(), health.news());
    let mut read_at: Option<Instant> = None;
    let (mut asked, mut known_changes) = (true, 0);
    let mut moved = None;
    loop {
        // Read here too: without a group nothing else checks whether the clock jumped.
        let newest = control.clock_move();
        if newest != moved {
            moved = newest;
            control.touch();
        }
        let (begun, changes) = (Instant::now(), health.now().changes);
        let due = asked || changes != known_changes || read_at.is_none_or(|at| at.elapsed() >= WHOLE_PAUSE);
        // No call waits for a region that is away: the probe tells when it is back.
        let read = health.away_since().is_none() && read(&control, &workspace, due).await;
        if read && due {
            (asked, known_changes, read_at) = (false, changes, Some(begun));
        }
        asked |= !read;
        let rest = COALESCE.max(begun.elapsed().min(WHOLE_PAUSE / REST) * REST);
        tokio::select! {
            () = tokio::time::sleep(control.inner.settings.region_pause) => {}
            _ = refresh.changed() => asked = true,
            _ = async { let _ = news.changed().await; tokio::time::sleep(rest).await } => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Reads what runs in a workspace, and with `whole` what its region holds; whether that succeeded.
async fn read(control: &Control, workspace: &Workspace, whole: bool) -> bool {
    let began = control.now();
    let mut found = match read_workspace(workspace, whole).await {
        Ok(found) => found,
        Err(error) => {
            tracing::debug!(region = %workspace.region, %error, "the region could not be read");
            return false;
        }
    };
    if let Some(holdings) = &mut found.catalogs {
        for catalog in &mut holdings.catalogs {
            let name = CatalogName::new(&*catalog.name);
            catalog.left_by = control.left_by(&workspace.region, &name).await.ok().flatten();
        }
    }
    keep_workloads(control, &workspace.id, &found.workloads).await;
    let on = found.mission_critical;
    let before = lock(&control.inner.mission_critical).insert(workspace.id.clone(), (on, began));
    let mut changed = before.map(|(on, _)| on) != Some(on);
    changed |= compare_clocks(control, workspace);
    {
        let mut regions = lock(&control.inner.regions);
        let workloads = control.workloads_of(&workspace.region);
        // Readers keep the regions that they were shown, so a change copies them: only where there is one.
        let news = |r: &RegionView| r.workloads != workloads || found.catalogs.is_some();
        let index = regions.iter().position(|r| r.name == workspace.region && news(r));
        if let Some(region) = index.and_then(|index| Arc::make_mut(&mut regions).get_mut(index)) {
            changed = true;
            region.workloads = workloads;
            if let Some(Holdings { catalogs, external_locations, metastore_root, offers }) = found.catalogs {
                region.offers = Some(offers);
                region.catalogs = catalogs;
                region.external_locations = external_locations;
                region.metastore_root = metastore_root;
                region.read_at = Some(began);
            }
        }
    }
    if changed {
        control.touch();
    }
    true
}

/// Notes how far a region's clock is from this machine's; whether that is news, which is logged once.
fn compare_clocks(control: &Control, workspace: &Workspace) -> bool {
    let skew = workspace.client.clock_skew();
    let slot = (|region: &RegionView| region.clock_skew_s, |region: &mut RegionView, s| region.clock_skew_s = s);
    compare(control, &workspace.region, workspace.region.as_str(), skew, slot)
}

/// Notes the same of a region's storage, where a file was written there.
pub fn compare_storage_clock(control: &Control, region: &Region, skew: Option<ClockSkew>) {
    let slot = (|region: &RegionView| region.storage_skew_s, |region: &mut RegionView, s| region.storage_skew_s = s);
    if skew.is_some() && compare(control, region, &format!("the storage in {region}"), skew, slot) {
        control.touch();
    }
}

fn compare(
    control: &Control,
    region: &Region,
    whose: &str,
    skew: Option<ClockSkew>,
    (read, write): (impl Fn(&RegionView) -> Option<i64>, impl Fn(&mut RegionView, Option<i64>)),
) -> bool {
    let seconds = skew.and_then(ClockSkew::seconds);
    let mut regions = lock(&control.inner.regions);
    let Some(index) = regions.iter().position(|r| r.name == *region) else { return false };
    let known = regions.get(index).and_then(read);
    // Whole seconds leave one open, which is no news.
    if known == seconds || known.zip(seconds).is_some_and(|(known, now)| known.abs_diff(now) <= 1) {
        return false;
    }
    match seconds {
        Some(seconds) => tracing::warn!("{}", clock_skew::in_words(whose, seconds)),
        None => tracing::info!("The clocks of {whose} and this machine agree again."),
    }
    if let Some(region) = Arc::make_mut(&mut regions).get_mut(index) {
        write(region, seconds);
    }
    true
}

/// Keeps what runs in a workspace, because a forced failover can no longer ask a region that has died.
async fn keep_workloads(control: &Control, workspace: &WorkspaceId, found: &[WorkloadView]) {
    if lock(&control.inner.workloads).get(workspace).is_some_and(|known| known == found) {
        return;
    }
    if let Ok(text) = serde_json::to_string(found)
        && let Err(error) = control.set_setting(&workloads_key(workspace), &text).await
    {
        tracing::warn!(%workspace, %error, "what runs in the workspace could not be kept");
    }
    lock(&control.inner.workloads).insert(workspace.clone(), found.to_vec());
}

fn workloads_key(workspace: &WorkspaceId) -> String {
    format!("workloads.{workspace}")
}

/// What was known to run in the workspaces before this start.
pub async fn recall_workloads(control: &Control) -> Result<(), ControlError> {
    for workspace in &control.inner.deployment.workspaces {
        let Some(text) = control.setting(&workloads_key(&workspace.id)).await? else { continue };
        if let Ok(workloads) = serde_json::from_str(&text) {
            lock(&control.inner.workloads).insert(workspace.id.clone(), workloads);
        }
    }
    for region in Arc::make_mut(&mut lock(&control.inner.regions)) {
        region.workloads = control.workloads_of(&region.name);
    }
    Ok(())
}

struct Found {
    workloads: Vec<WorkloadView>,
    mission_critical: bool,
    catalogs: Option<Holdings>,
}

/// What the region's catalog holds and can reach.
struct Holdings {
    catalogs: Vec<CatalogView>,
    external_locations: Vec<String>,
    metastore_root: Option<String>,
    offers: RegionOffers,
}

async fn read_workspace(workspace: &Workspace, whole: bool) -> Result<Found, ConnectError> {
    let client = &workspace.client;
    let mut workloads: Vec<WorkloadView> = Vec::new();
    for job in client.jobs().await? {
        let places = crate::connect::UnpausedPlaces::of(&job.settings);
        let running = !places.is_empty();
        workloads.push(WorkloadView {
            kind: AssetKind::Job,
            id: job.job_id.to_string(),
            name: job.settings.name.unwrap_or_default(),
            running,
            state: if running { "UNPAUSED".to_owned() } else { PAUSED.to_owned() },
        });
    }
    workloads.extend(client.clusters().await?.into_iter().map(|c| WorkloadView {
        kind: AssetKind::Cluster,
        running: c.is_running(),
        id: c.cluster_id,
        name: c.cluster_name,
        state: c.state,
    }));
    workloads.extend(client.warehouses().await?.into_iter().map(|w| WorkloadView {
        kind: AssetKind::SqlWarehouse,
        running: w.is_running(),
        id: w.id,
        name: w.name,
        state: w.state,
    }));
    let mission_critical = client.mission_critical().await?;
    let catalogs = if whole { Some(read_catalogs(workspace).await?) } else { None };
    Ok(Found { workloads, mission_critical: mission_critical.unwrap_or(true), catalogs })
}

async fn read_catalogs(workspace: &Workspace) -> Result<Holdings, ConnectError> {
    let endpoint = Endpoint::connect(&workspace.region, &workspace.id, workspace.client.clone()).await?;
    let listed = endpoint.client.catalogs().await?.into_iter();
    let names: Vec<CatalogName> = listed.map(|catalog| CatalogName::new(catalog.name)).collect();
    let inventory = replicate::read_inventory(&endpoint, &names).await.map_err(|error| match error {
        replicate::CycleError::Region { source, .. } => *source,
        other => ConnectError::BadSettings { region: workspace.region.clone(), problem: other.to_string() },
    })?;
    let own = endpoint.workspace_number()?;
    let mut catalogs = Vec::new();
    let view = |schema: &SchemaInfo| {
        let name = AssetName::schema(&*schema.catalog_name, &*schema.name);
        SchemaView { name: schema.name.clone(), tables: inventory.tables_in(&name).map(entry).collect() }
    };
    for catalog in inventory.catalogs() {
        let name = catalog.name.clone();
        // Only an isolated catalog heeds its bindings.
        let read_only = endpoint.capabilities.bindings
            && catalog.isolation_mode.as_deref() == Some(ISOLATION_ISOLATED)
            && endpoint
                .client
                .bindings_of_catalog(&name)
                .await?
                .iter()
                .any(|b| b.workspace_id == own && b.is_read_only());
        let schemas = inventory.schemas_in(&AssetName::catalog(&*name)).map(view).collect();
        catalogs.push(CatalogView {
            storage_root: catalog.storage_root.clone(),
            locations: replicate::roots(&inventory, catalog, endpoint.metastore_root.as_deref()),
            read_only,
            group: None,
            left_by: None,
            schemas,
            name,
        });
    }
    let external_locations = endpoint.external_places().await?;
    let offers = RegionOffers {
        enforces_read_only: endpoint.capabilities.bindings,
        managed_by_path: endpoint.capabilities.staging_tables,
    };
    Ok(Holdings { catalogs, external_locations, metastore_root: endpoint.metastore_root, offers })
}

fn entry(info: &TableInfo) -> TableEntry {
    TableEntry {
        name: info.name.clone(),
        kind: if info.table_type == TABLE_VIEW { AssetKind::View } else { AssetKind::Table },
        unsupported: replicate::unsupported_reason(info),
    }
}

impl Control {
    /// What runs in all workspaces of a region, as last heard of.
    fn workloads_of(&self, region: &Region) -> Vec<WorkloadView> {
        let known = lock(&self.inner.workloads);
        let workspaces = self.inner.deployment.workspaces.iter().filter(|w| w.region == *region);
        workspaces.filter_map(|w| known.get(&w.id)).flatten().cloned().collect()
    }

    /// What ran in a workspace when it was last heard of.
    pub(super) fn last_known_workloads(&self, workspace: &WorkspaceId) -> PausedWork {
        let known = lock(&self.inner.workloads);
        let running = || known.get(workspace).into_iter().flatten().filter(|w| w.running);
        let of = |kind| {
            let all = running().filter(move |w| w.kind == kind);
            all.map(|w| PausedWorkload { id: w.id.clone(), name: w.name.clone() }).collect()
        };
        PausedWork {
            jobs: running()
                .filter(|w| w.kind == AssetKind::Job)
                .filter_map(|w| match w.id.parse() {
                    Ok(job_id) => Some(UnpausedJob { job_id, name: w.name.clone(), places: Default::default() }),
                    Err(_) => {
                        // Kept by this program alone, so it is damage and no job that anybody made.
                        tracing::warn!(job = %w.name, id = %w.id, "the kept id of a job is not a number");
                        None
                    }
                })
                .collect(),
            clusters: of(AssetKind::Cluster),
            warehouses: of(AssetKind::SqlWarehouse),
            catalogs: Vec::new(),
        }
    }

    /// Names of all catalogs of all regions as last read.
    pub(super) fn known_catalogs(&self) -> BTreeSet<CatalogName> {
        let regions = lock(&self.inner.regions).clone();
        regions.iter().flat_map(|region| &region.catalogs).map(|catalog| CatalogName::new(&*catalog.name)).collect()
    }

    /// Reads what the regions hold again, soon.
    pub fn refresh_regions(&self) {
        self.inner.refresh.send_modify(|count| *count += 1);
    }

    /// Switches the Mission Critical add-on of a workspace; it cannot go off while a group needs it.
    pub async fn set_mission_critical(
        &self,
        actor: &str,
        workspace_id: &WorkspaceId,
        on: bool,
    ) -> Result<String, ControlError> {
        let workspace = self.inner.deployment.workspace(workspace_id)?.clone();
        // A group that is being created may need it.
        let creating = self.inner.creating.clone().lock_owned().await;
        let in_use = self.handles().into_iter().map(|handle| handle.group()).find(|group| {
            group.spec.workspace_sets.iter().any(|set| set.workspace_ids.iter().any(|id| id == workspace_id))
        });
        if let Some(group) = in_use.filter(|_| !on) {
            return Err(ControlError::Refused {
                sentence: format!(
                    "You can't switch off Mission Critical for {}, because failover group {} uses the workspace. Delete the group first.",
                    workspace.name, group.spec.id
                ),
            });
        }
        let before = self.workspaces().into_iter().find(|w| w.id == *workspace_id).map(|w| w.mission_critical);
        if workspace.client.set_mission_critical(on).await? == Enforcement::NotOffered {
            return Err(ControlError::Refused {
                sentence: format!("{} has no Mission Critical add-on, so there is nothing to switch.", workspace.name),
            });
        }
        lock(&self.inner.mission_critical).insert(workspace.id.clone(), (on, self.now()));
        let word = if on { "on" } else { "off" };
        let message = format!("Mission Critical is {word} for {}.", workspace.name);
        let mut line =
            audit::line(self.now(), actor, "workspace.mission_critical", workspace_id.as_str(), message.clone());
        let state = |on: bool| serde_json::json!({"mission_critical": on});
        audit::show_change(&mut line, before.map(state).as_ref(), Some(&state(on)));
        let stored = line.clone();
        let show = move |control: &Self, ()| control.show_activity(line);
        self.durably(creating, move |tx| tx.add_activity(&stored), show).await?;
        self.refresh_regions();
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::{ConnectSettings, SandboxRegion, Secret};
    use crate::control::ControlSettings;
    use crate::domain::SystemClock;
    use crate::store::Store;
    use std::path::Path;
    use std::sync::Arc;

    async fn control(store: &Path) -> Control {
        let workspace = |id: &str| Workspace {
            id: WorkspaceId::new(id),
            name: id.to_owned(),
            region: Region::new("east"),
            url: "http://127.0.0.1:1".to_owned(),
            client: SandboxRegion::connect(
                ConnectSettings::new("east", "http://127.0.0.1:1", Secret::new("none")).fail_fast(),
            )
            .expect("a client"),
            storage_root: None,
        };
        let deployment = Deployment { account_id: "acc".to_owned(), workspaces: vec![workspace("1"), workspace("2")] };
        let store = Store::open(store).expect("a store");
        Control::start(deployment, store, Arc::new(SystemClock), ControlSettings::default()).await.expect("starts")
    }

    fn job(id: &str) -> WorkloadView {
        WorkloadView {
            kind: AssetKind::Job,
            id: id.to_owned(),
            name: format!("job {id}"),
            running: true,
            state: "UNPAUSED".to_owned(),
        }
    }

    #[tokio::test]
    async fn two_workspaces_of_one_region_are_remembered_apart_over_a_restart() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("state.db");
        let first = control(&path).await;
        keep_workloads(&first, &WorkspaceId::new("1"), &[job("11")]).await;
        keep_workloads(&first, &WorkspaceId::new("2"), &[job("22"), job("23")]).await;
        first.stop().await;
        drop(first);
        let again = control(&path).await;
        let jobs = |workspace: &str| -> Vec<i64> {
            again.last_known_workloads(&WorkspaceId::new(workspace)).jobs.iter().map(|job| job.job_id).collect()
        };
        assert_eq!((jobs("1"), jobs("2")), (vec![11], vec![22, 23]));
        let shown = again.view().regions.iter().flat_map(|r| r.workloads.clone()).count();
        assert_eq!(shown, 3, "a region shows what runs in all of its workspaces");
        again.stop().await;
    }
}
