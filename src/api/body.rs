//! Groups and stable URLs between the API's bodies and the product's own types.

use super::reply::{Rejection, bad};
use crate::control::view::StableUrlView;
use crate::domain::{
    CatalogName, FailoverGroup, FailoverGroupSpec, GroupId, GroupState, LocationMapping, Region, ScopeRules, Timestamp,
    UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use crate::store::ErrorRow;
use crate::wire::disaster_recovery::{
    CatalogBody, FailoverGroupBody, InitialReplicationProgress, LocationMappingBody, ObjectErrorBody, RegionUri,
    StableUrlBody, UnityCatalogAssetsBody, WorkspaceSetBody,
};
use chrono::SecondsFormat;
use std::collections::BTreeMap;

/// What a body asks for as a new group. What the server sets is let pass and left out.
pub fn spec_of(id: GroupId, body: FailoverGroupBody) -> Result<FailoverGroupSpec, Rejection> {
    let initial_primary_region = body
        .initial_primary_region
        .filter(|region| !region.is_empty())
        .ok_or_else(|| bad("initial_primary_region is missing. Name the first primary region."))?;
    Ok(FailoverGroupSpec {
        rules: ScopeRules {
            excluded: body.excluded.unwrap_or_default(),
            approved_renames: body.approved_renames.unwrap_or_default(),
            rename_limit_bytes: body.rename_limit_bytes,
        },
        id,
        regions: body.regions.into_iter().map(Region::new).collect(),
        initial_primary_region: Region::new(initial_primary_region),
        workspace_sets: body.workspace_sets.into_iter().map(set_of).collect(),
        unity_catalog_assets: body.unity_catalog_assets.map(assets_of).transpose()?,
    })
}

/// A workspace set of a body.
pub fn set_of(body: WorkspaceSetBody) -> WorkspaceSet {
    WorkspaceSet {
        name: body.name,
        workspace_ids: body.workspace_ids.into_iter().map(WorkspaceId::new).collect(),
        replicate_workspace_assets: body.replicate_workspace_assets,
        stable_url_names: body.stable_url_names,
    }
}

/// The scope of a body.
pub fn assets_of(body: UnityCatalogAssetsBody) -> Result<UnityCatalogAssets, Rejection> {
    Ok(UnityCatalogAssets {
        catalogs: catalogs_of(body.catalogs),
        data_replication_workspace_set: body.data_replication_workspace_set,
        location_mappings: mappings_of(body.location_mappings)?,
    })
}

/// The catalogs of a body.
pub fn catalogs_of(bodies: Vec<CatalogBody>) -> Vec<CatalogName> {
    bodies.into_iter().map(|catalog| CatalogName::new(catalog.name)).collect()
}

/// The storage mappings of a body.
pub fn mappings_of(bodies: Vec<LocationMappingBody>) -> Result<Vec<LocationMapping>, Rejection> {
    bodies
        .into_iter()
        .map(|body| {
            let mut uri_by_region = BTreeMap::new();
            for RegionUri { region, uri } in body.uri_by_region {
                if let Some(other) = uri_by_region.insert(Region::new(region.clone()), uri) {
                    return Err(bad(format!(
                        "The storage mapping {:?} has two URIs for {region:?}, one of them {other:?}. Send one URI per region.",
                        body.name
                    )));
                }
            }
            Ok(LocationMapping { name: body.name, uri_by_region })
        })
        .collect()
}

/// A group as a client reads it; abbreviated as in lists, or whole.
pub fn group_body(account_id: &str, group: FailoverGroup, abbreviated: bool) -> FailoverGroupBody {
    let ScopeRules { excluded, approved_renames, rename_limit_bytes } = group.spec.rules;
    let listed = |names: Vec<String>| Some(names).filter(|names| !names.is_empty());
    let progress = group.initial_replication_progress.filter(|_| group.state == GroupState::InitialReplication);
    FailoverGroupBody {
        name: Some(group.spec.id.resource_name(account_id)),
        regions: group.spec.regions.iter().map(Region::to_string).collect(),
        workspace_sets: group.spec.workspace_sets.into_iter().map(set_body).collect(),
        initial_primary_region: None,
        effective_primary_region: Some(group.effective_primary_region.to_string()),
        unity_catalog_assets: group.spec.unity_catalog_assets.map(assets_body),
        state: (!abbreviated).then(|| group.state.as_str().to_owned()),
        replication_point: group.replication_point.filter(|_| !abbreviated).map(time),
        has_replication_point_blocking_errors: Some(group.has_replication_point_blocking_errors),
        initial_replication_progress: progress
            .map(|percent| InitialReplicationProgress { completed: i32::from(percent.min(100)) }),
        excluded: listed(excluded),
        approved_renames: listed(approved_renames),
        rename_limit_bytes,
        rpo_target_seconds: None,
        rto_target_seconds: None,
        etag: Some(group.etag),
        create_time: Some(time(group.create_time)),
        update_time: Some(time(group.update_time)),
    }
}

fn set_body(set: WorkspaceSet) -> WorkspaceSetBody {
    WorkspaceSetBody {
        name: set.name,
        workspace_ids: set.workspace_ids.iter().map(WorkspaceId::to_string).collect(),
        replicate_workspace_assets: set.replicate_workspace_assets,
        stable_url_names: set.stable_url_names,
    }
}

fn assets_body(assets: UnityCatalogAssets) -> UnityCatalogAssetsBody {
    let uris = |uris: BTreeMap<Region, String>| {
        uris.into_iter().map(|(region, uri)| RegionUri { region: region.to_string(), uri })
    };
    UnityCatalogAssetsBody {
        catalogs: assets.catalogs.into_iter().map(|name| CatalogBody { name: name.to_string() }).collect(),
        data_replication_workspace_set: assets.data_replication_workspace_set,
        location_mappings: assets
            .location_mappings
            .into_iter()
            .map(|row| LocationMappingBody { name: row.name, uri_by_region: uris(row.uri_by_region).collect() })
            .collect(),
    }
}

/// An error over time, as a client reads it.
pub fn error_body(row: ErrorRow) -> ObjectErrorBody {
    let ErrorRow { error, count, first, ended } = row;
    ObjectErrorBody {
        error_class: error.class.as_str().to_owned(),
        object_type: error.kind.as_str().to_owned(),
        resolution: error.class.resolution().to_owned(),
        blocks_replication_point: error.blocks_replication_point() && ended.is_none(),
        object: error.object,
        message: error.message,
        parameters: error.parameters,
        since: time(error.since),
        first_seen: time(first),
        ended: ended.map(time),
        count,
    }
}

/// A stable URL as a client reads it.
pub fn url_body(account_id: &str, url: StableUrlView) -> StableUrlBody {
    StableUrlBody {
        name: Some(url.name),
        initial_workspace_id: None,
        effective_workspace_id: Some(url.effective_workspace_id.to_string()),
        failover_group_name: url.group.map(|group| group.resource_name(account_id)),
        stable_workspace_id: Some(url.stable_workspace_id),
        url: Some(url.url),
    }
}

/// RFC 3339 in UTC.
fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
