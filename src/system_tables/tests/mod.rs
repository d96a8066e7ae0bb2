//! The tables on disk under an injected time, and what is found out about groups and objects.

mod life;
mod objects;
mod states;

use super::{AccountSnapshot, GroupSnapshot, OperationSnapshot, StateKind, StateRow};
use crate::domain::{
    AssetKind, CatalogName, ErrorClass, FailoverGroup, FailoverGroupSpec, GroupId, GroupState, ObjectError, Region,
    Timestamp, UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use chrono::{TimeDelta, TimeZone, Utc};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Noon, so that a day's end is not near.
fn noon() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).single().expect("a time")
}

fn after(seconds: i64) -> Timestamp {
    noon() + TimeDelta::seconds(seconds)
}

fn row(group: &str, at: Timestamp) -> StateRow {
    StateRow {
        event_id: uuid::Uuid::new_v4().to_string(),
        event_time: at,
        account_id: "acc".to_owned(),
        failover_group_name: group.to_owned(),
        replication_state: StateKind::Replicating,
        errors: Vec::new(),
        replication_lag_ms: Some(700),
        effective_primary_region: Region::new("east"),
        managed_assets: None,
    }
}

fn group(id: &str) -> FailoverGroup {
    FailoverGroup {
        spec: FailoverGroupSpec {
            rules: Default::default(),
            id: GroupId::new(id).expect("an id"),
            regions: vec![Region::new("east"), Region::new("west")],
            initial_primary_region: Region::new("east"),
            workspace_sets: vec![WorkspaceSet {
                name: "set".to_owned(),
                workspace_ids: ["1", "2"].map(WorkspaceId::new).to_vec(),
                replicate_workspace_assets: false,
                stable_url_names: vec![],
            }],
            unity_catalog_assets: Some(UnityCatalogAssets {
                catalogs: vec![CatalogName::new("main")],
                data_replication_workspace_set: "set".to_owned(),
                location_mappings: vec![],
            }),
        },
        effective_primary_region: Region::new("east"),
        state: GroupState::Active,
        state_message: None,
        epoch: 1,
        bootstrapped: true,
        salvage_pending: false,
        etag: "e".to_owned(),
        create_time: after(-100),
        update_time: after(-100),
        replication_point: Some(after(-1)),
        has_replication_point_blocking_errors: false,
        initial_replication_progress: None,
    }
}

fn error(class: ErrorClass, object: &str) -> ObjectError {
    ObjectError {
        class,
        parameters: BTreeMap::from([("path".to_owned(), object.to_owned()), ("region".to_owned(), "east".to_owned())]),
        message: format!("{object} does not replicate."),
        kind: AssetKind::Table,
        object: object.to_owned(),
        since: noon(),
    }
}

fn standing<'a>(group: &'a FailoverGroup, errors: &'a [ObjectError]) -> GroupSnapshot<'a> {
    GroupSnapshot { group, errors, operations: Vec::new(), objects: Vec::new() }
}

/// What `watch` finds in `groups` at `now`.
fn observe<W: super::ChangeDetector>(
    watch: &mut W,
    now: Timestamp,
    regular: bool,
    groups: Vec<GroupSnapshot<'_>>,
) -> Vec<W::Row> {
    let metastores: BTreeMap<Region, String> =
        BTreeMap::from([(Region::new("east"), "m-east".to_owned()), (Region::new("west"), "m-west".to_owned())]);
    watch.observe(&AccountSnapshot { now, account_id: "acc", metastores: &metastores, groups }, regular)
}

fn operation<'a>(id: &'a str, started: Timestamp) -> OperationSnapshot<'a> {
    static REGIONS: LazyLock<[Region; 2]> = LazyLock::new(|| ["east", "west"].map(Region::new));
    let [east, west] = &*REGIONS;
    OperationSnapshot { id, from_region: east, to_region: west, started, ended: None, message: None }
}
