//! An account at its limits: 100 groups over 300 catalogs, with as many objects as are asked for in one of them.

use chrono::{TimeDelta, TimeZone, Utc};
use resilience::control::view::*;
use resilience::domain::Region;
use resilience::domain::*;
use resilience::runtime::{DeploymentView, Snapshot};
use std::sync::Arc;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
/// Groups and catalogs of an account at its limits.
pub const GROUPS: usize = 100;
pub const CATALOGS: usize = 300;

pub fn now() -> Timestamp {
    Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time")
}

fn spec(number: usize) -> FailoverGroupSpec {
    let each = CATALOGS / GROUPS;
    FailoverGroupSpec {
        rules: Default::default(),
        id: GroupId::new(format!("group-{number:03}")).expect("a valid id"),
        regions: vec![Region::new(EAST), Region::new(WEST)],
        initial_primary_region: Region::new(EAST),
        workspace_sets: vec![WorkspaceSet {
            name: "workspaces".to_owned(),
            workspace_ids: ["1", "2"].map(WorkspaceId::new).to_vec(),
            replicate_workspace_assets: false,
            stable_url_names: Vec::new(),
        }],
        unity_catalog_assets: Some(UnityCatalogAssets {
            catalogs: (0..each).map(|n| CatalogName::new(format!("catalog_{:03}", number * each + n))).collect(),
            data_replication_workspace_set: "workspaces".to_owned(),
            location_mappings: Vec::new(),
        }),
    }
}

/// An hour of samples, as many as are asked for.
fn lag(points: usize) -> Vec<LagSample> {
    let lag = |number: usize| 240 + (number as u64 % 4) * 260 + (number as u64 * 7_919) % 140;
    let step = TimeDelta::milliseconds(3_600_000 / points.max(1) as i64);
    (0..points)
        .map(|number| LagSample { at: now() - step * (points - number) as i32, lag_ms: Some(lag(number)) })
        .collect()
}

fn error(name: &str, number: usize) -> ObjectError {
    ObjectError {
        class: if number.is_multiple_of(2) { ErrorClass::UnsupportedObject } else { ErrorClass::MissingDataFile },
        parameters: Default::default(),
        message: "The log names a data file that the source's storage does not hold.".to_owned(),
        kind: AssetKind::Table,
        object: name.to_owned(),
        since: now() - TimeDelta::seconds(number as i64),
    }
}

fn objects(count: usize) -> Vec<ObjectView> {
    let object = |number: usize| {
        let name = format!("catalog_{:03}.schema_{:02}.table_{number:06}", number % 3, number % 50);
        let status = if number.is_multiple_of(997) { ObjectStatus::Failed } else { ObjectStatus::InSync };
        ObjectView {
            source_version: Some(number as i64),
            replica_version: Some(number as i64),
            lag_ms: Some(number as u64 % 900),
            bytes: Some(number as u64 * 1_000),
            error: (number.is_multiple_of(997)).then(|| error(&name, number)),
            ..ObjectView::named(AssetKind::Table, name, status)
        }
    };
    (0..count).map(object).collect()
}

fn group(
    number: usize,
    objects: Arc<Vec<ObjectView>>,
    errors: Arc<Vec<ObjectError>>,
    lag: Arc<Vec<LagSample>>,
) -> GroupView {
    let point = now() - TimeDelta::milliseconds(700);
    GroupView {
        provisional: None,
        rehearsals: Default::default(),
        approval: Default::default(),
        targets: Default::default(),
        pending_approval: None,
        readiness: None,
        error_history: Default::default(),
        group: FailoverGroup {
            spec: spec(number),
            effective_primary_region: Region::new(EAST),
            state: GroupState::Active,
            state_message: None,
            epoch: 1,
            bootstrapped: true,
            salvage_pending: false,
            etag: "etag".to_owned(),
            create_time: now() - TimeDelta::days(3),
            update_time: now(),
            replication_point: Some(point),
            has_replication_point_blocking_errors: false,
            initial_replication_progress: None,
        },
        state_since: now() - TimeDelta::hours(3),
        lag_ms: Some(700),
        point_without_failing: Some(point),
        worst_object: None,
        lag_history: lag,
        marks: Arc::default(),
        objects,
        as_of: None,
        errors,
        blocking_error: None,
        cycle: CycleView::default(),
        operation: None,
        history: Arc::default(),
        salvage: Arc::default(),
        left_behind: Arc::default(),
        unsettled_region: None,
        to_resume: Vec::new(),
        assets: None,
        loss_estimate: LossEstimate::default(),
    }
}

/// The snapshot; the first group holds the objects and the errors, and all groups together the points of lag.
pub fn full(object_count: usize, error_count: usize, points: usize) -> Snapshot {
    let many = Arc::new(objects(object_count));
    let errors: Vec<ObjectError> =
        (0..error_count).map(|n| error(&format!("catalog_000.schema.table_{n:07}"), n)).collect();
    let errors = Arc::new(errors);
    let groups = (0..GROUPS).map(|number| {
        let (objects, errors) = if number == 0 { (many.clone(), errors.clone()) } else { Default::default() };
        Arc::new(group(number, objects, errors, Arc::new(lag(points / GROUPS))))
    });
    Snapshot {
        session: Default::default(),
        taken_at: now(),
        interval_ms: 10_000,
        deployment: DeploymentView::default(),
        account: Arc::new(AccountView { groups: groups.collect(), ..AccountView::default() }),
        sandbox: None,
    }
}
