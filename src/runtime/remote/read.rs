//! What another account tells, as the screens take it.

use crate::connect::{AccountClient, ConnectError};
use crate::control::view::{AccountView, GroupView, LagSample, RegionView, StableUrlView, WorkspaceView};
use crate::domain::{
    CatalogName, FailoverGroup, FailoverGroupSpec, GroupId, GroupState, LocationMapping, Region, ScopeRules, Targets,
    Timestamp, UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use crate::wire::disaster_recovery::{FailoverGroupBody, StableUrlBody};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads the account. `before` is what was read last: from it comes when a state began, as far as this window saw it.
pub async fn account(
    client: &AccountClient,
    before: Option<&AccountView>,
    now: Timestamp,
) -> Result<AccountView, ConnectError> {
    let bodies = client.groups().await?;
    let urls = client.stable_urls().await?;
    let workspaces = client.workspaces().await?.unwrap_or_default();
    let groups: Vec<Arc<GroupView>> = bodies
        .into_iter()
        .filter_map(|body| {
            let targets = Targets { rpo_s: body.rpo_target_seconds, rto_s: body.rto_target_seconds };
            Some(Arc::new(GroupView { targets, ..view(group_of(body)?, before, now) }))
        })
        .collect();
    let workspaces: Vec<WorkspaceView> = workspaces.iter().filter_map(|body| workspace_of(body, now)).collect();
    let named = groups.iter().flat_map(|view| view.group.spec.regions.iter().cloned());
    let regions: BTreeSet<Region> = named.chain(workspaces.iter().map(|workspace| workspace.region.clone())).collect();
    Ok(AccountView {
        account_id: client.account_id().to_owned(),
        stable_urls: urls.into_iter().filter_map(stable_url_of).collect(),
        regions: Arc::new(regions.into_iter().map(region_view).collect()),
        workspaces,
        groups,
        ..AccountView::default()
    })
}

fn view(group: FailoverGroup, before: Option<&AccountView>, now: Timestamp) -> GroupView {
    let known = before.and_then(|before| before.groups.iter().find(|known| known.group.spec.id == group.spec.id));
    let same = known.filter(|known| known.group.state == group.state);
    let lag = group.replication_point.map(|point| u64::try_from((now - point).num_milliseconds()).unwrap_or(0));
    GroupView {
        rehearsals: Default::default(),
        // Of a state that was there before this window looked, the last change of the group is the best that is known.
        state_since: match (same, known) {
            (Some(same), _) => same.state_since,
            (None, Some(_)) => now,
            (None, None) => group.update_time,
        },
        lag_ms: lag,
        point_without_failing: None,
        worst_object: None,
        lag_history: Arc::new(lag_history(known, lag, now)),
        marks: Arc::default(),
        objects: Arc::default(),
        assets: Default::default(),
        provisional: None,
        as_of: None,
        errors: Arc::default(),
        blocking_error: None,
        cycle: Default::default(),
        operation: None,
        history: Arc::default(),
        salvage: Arc::default(),
        left_behind: Arc::default(),
        unsettled_region: None,
        approval: Default::default(),
        targets: Default::default(),
        pending_approval: None,
        to_resume: Vec::new(),
        readiness: None,
        error_history: Arc::default(),
        loss_estimate: Default::default(),
        group,
    }
}

/// What this window saw of the lag, over the last hour.
fn lag_history(known: Option<&Arc<GroupView>>, lag_ms: Option<u64>, now: Timestamp) -> Vec<LagSample> {
    let since = now - TimeDelta::hours(1);
    let before = known.map(|known| known.lag_history.iter().filter(|sample| sample.at > since).copied());
    before.into_iter().flatten().chain([LagSample { at: now, lag_ms }]).collect()
}

/// A group of a body; None where it has no name or a state that this program doesn't know.
pub fn group_of(body: FailoverGroupBody) -> Option<FailoverGroup> {
    let name = body.name.as_deref().unwrap_or_default();
    let id = GroupId::new(name.rsplit('/').next()?).ok()?;
    let state = GroupState::ALL.into_iter().find(|state| body.state.as_deref() == Some(state.as_str()))?;
    let primary = Region::new(body.effective_primary_region.unwrap_or_default());
    let created = time(body.create_time.as_deref()).unwrap_or_default();
    Some(FailoverGroup {
        spec: FailoverGroupSpec {
            id,
            regions: body.regions.into_iter().map(Region::new).collect(),
            initial_primary_region: primary.clone(),
            workspace_sets: body
                .workspace_sets
                .into_iter()
                .map(|set| WorkspaceSet {
                    name: set.name,
                    workspace_ids: set.workspace_ids.into_iter().map(WorkspaceId::new).collect(),
                    replicate_workspace_assets: set.replicate_workspace_assets,
                    stable_url_names: set.stable_url_names,
                })
                .collect(),
            unity_catalog_assets: body.unity_catalog_assets.map(|assets| UnityCatalogAssets {
                catalogs: assets.catalogs.into_iter().map(|catalog| CatalogName::new(catalog.name)).collect(),
                data_replication_workspace_set: assets.data_replication_workspace_set,
                location_mappings: assets
                    .location_mappings
                    .into_iter()
                    .map(|row| LocationMapping {
                        name: row.name,
                        uri_by_region: row.uri_by_region.into_iter().map(|u| (Region::new(u.region), u.uri)).collect(),
                    })
                    .collect(),
            }),
            rules: ScopeRules {
                excluded: body.excluded.unwrap_or_default(),
                approved_renames: body.approved_renames.unwrap_or_default(),
                rename_limit_bytes: body.rename_limit_bytes,
            },
        },
        effective_primary_region: primary,
        state,
        state_message: None,
        epoch: 0,
        bootstrapped: state == GroupState::Active,
        salvage_pending: false,
        etag: body.etag.unwrap_or_default(),
        create_time: created,
        update_time: time(body.update_time.as_deref()).unwrap_or(created),
        replication_point: time(body.replication_point.as_deref()),
        has_replication_point_blocking_errors: body.has_replication_point_blocking_errors.unwrap_or(false),
        initial_replication_progress: body
            .initial_replication_progress
            .and_then(|progress| u8::try_from(progress.completed).ok()),
    })
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text?).ok().map(|time| time.with_timezone(&Utc))
}

fn stable_url_of(body: StableUrlBody) -> Option<StableUrlView> {
    let name = body.name?;
    let group = body.failover_group_name.as_deref().and_then(|name| GroupId::new(name.rsplit('/').next()?).ok());
    Some(StableUrlView {
        id: name.rsplit('/').next()?.to_owned(),
        stable_workspace_id: body.stable_workspace_id.unwrap_or_default(),
        url: body.url.unwrap_or_default(),
        effective_workspace_id: WorkspaceId::new(body.effective_workspace_id.unwrap_or_default()),
        group,
        moved_ids: 0,
        token_clients: Vec::new(),
        traffic: None,
        name,
    })
}

fn workspace_of(body: &Value, now: Timestamp) -> Option<WorkspaceView> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let id = match body.get("workspace_id")? {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Some(WorkspaceView {
        id: WorkspaceId::new(id),
        name: text("workspace_name").or_else(|| text("deployment_name")).unwrap_or_default(),
        region: Region::new(text("aws_region").or_else(|| text("location")).unwrap_or_default()),
        url: String::new(),
        // The account API doesn't tell; whoever creates a group is told by its answer.
        mission_critical: true,
        read_at: Some(now),
    })
}

fn region_view(name: Region) -> RegionView {
    RegionView {
        name,
        unreachable_since: None,
        clock_skew_s: None,
        storage_skew_s: None,
        read_at: None,
        storage_root: None,
        metastore_root: None,
        catalogs: Vec::new(),
        external_locations: Vec::new(),
        workloads: Vec::new(),
        offers: None,
    }
}
