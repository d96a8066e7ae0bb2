//! The rules that tests of other layers rely on.

#[path = "../../../../tests/regions/suite.rs"]
mod suite;

use super::InMemoryRegion;
use crate::connect::{ConnectError, Enforcement, RegionApi, RegionCapabilities, TablePlace, WorkspaceRole};
use crate::domain::GroupId;
use crate::wire::jobs::{CronSchedule, JobSettings, PAUSED};
use crate::wire::unity_catalog as uc;
use std::sync::Arc;

const WORKSPACE: i64 = 7;

struct Home {
    region: Arc<InMemoryRegion>,
    _folder: tempfile::TempDir,
}

fn home() -> Home {
    let folder = tempfile::tempdir().expect("a folder");
    Home { region: InMemoryRegion::new("us-east-1", WORKSPACE, folder.path()), _folder: folder }
}

async fn catalog(region: &dyn RegionApi, name: &str) {
    let wanted = uc::CreateCatalog { name: name.to_owned(), ..uc::CreateCatalog::default() };
    region.create_catalog(&wanted).await.expect("a catalog");
}

async fn managed(region: &dyn RegionApi, catalog: &str, name: &str) -> Result<uc::TableInfo, ConnectError> {
    let staging = uc::CreateStagingTable {
        catalog_name: catalog.to_owned(),
        schema_name: "default".to_owned(),
        name: name.to_owned(),
        ..uc::CreateStagingTable::default()
    };
    region.create_staging_table(&staging).await?;
    let table = uc::CreateTable {
        name: name.to_owned(),
        catalog_name: catalog.to_owned(),
        schema_name: "default".to_owned(),
        table_type: uc::TABLE_MANAGED.to_owned(),
        ..uc::CreateTable::default()
    };
    region.create_table(&table).await
}

async fn bind(region: &dyn RegionApi, catalog: &str, add: uc::WorkspaceBinding) {
    let isolated =
        uc::UpdateCatalog { isolation_mode: Some(uc::ISOLATION_ISOLATED.to_owned()), ..uc::UpdateCatalog::default() };
    region.update_catalog(catalog, &isolated).await.expect("isolated");
    let change = uc::UpdateBindings { add: vec![add], remove: Vec::new() };
    region.update_bindings(catalog, &change).await.expect("bound");
}

#[tokio::test]
async fn names_are_unique_parents_must_exist_and_what_holds_something_stays() {
    let home = home();
    let region = home.region.api();
    catalog(&*region, "Sales").await;
    let again = uc::CreateCatalog { name: "SALES".to_owned(), ..uc::CreateCatalog::default() };
    assert!(region.create_catalog(&again).await.is_err_and(|error| error.is_already_exists()));
    let orphan =
        uc::CreateSchema { name: "s".to_owned(), catalog_name: "nowhere".to_owned(), ..uc::CreateSchema::default() };
    assert!(region.create_schema(&orphan).await.is_err_and(|error| error.is_not_found()));
    managed(&*region, "sales", "orders").await.expect("a table");
    assert!(managed(&*region, "sales", "orders").await.is_err_and(|error| error.is_already_exists()));
    let refused = region.delete_schema("sales.default", false).await.expect_err("it holds a table");
    assert!(
        matches!(&refused, ConnectError::Refused { status: 400, error_code, .. } if error_code == "SCHEMA_NOT_EMPTY")
    );
    region.delete_table("sales.default.orders").await.expect("dropped");
    region.delete_schema("sales.default", false).await.expect("it is empty now");
    assert_eq!(region.schema("sales.default").await, Ok(None));
}

#[tokio::test]
async fn a_location_is_one_tables_and_lies_in_an_external_location() {
    let home = home();
    let region = home.region.api();
    catalog(&*region, "sales").await;
    let external = |name: &str, location: String| uc::CreateTable {
        name: name.to_owned(),
        catalog_name: "sales".to_owned(),
        schema_name: "default".to_owned(),
        table_type: uc::TABLE_EXTERNAL.to_owned(),
        data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
        storage_location: Some(location),
        ..uc::CreateTable::default()
    };
    region.create_table(&external("a", format!("{}/a", home.region.lake()))).await.expect("a table");
    let inside = region.create_table(&external("b", format!("{}/a/b", home.region.lake()))).await;
    assert!(matches!(inside, Err(ConnectError::Refused { error_code, .. }) if error_code == "LOCATION_OVERLAP"));
    let outside = region.create_table(&external("c", "file:///elsewhere/c".to_owned())).await;
    assert!(outside.is_err_and(|error| error.is_permission_denied()));
}

#[tokio::test]
async fn a_read_only_binding_refuses_credentials_to_write_by_id_and_users_any() {
    let home = home();
    let region = home.region.api();
    catalog(&*region, "sales").await;
    let table = managed(&*region, "sales", "orders").await.expect("a table");
    let place = TablePlace::of(&table).expect("it has files");
    bind(&*region, "sales", uc::WorkspaceBinding::read_only(WORKSPACE)).await;
    let grant = region.grant(&place, true).await.expect("the product's principal writes by path");
    assert!(!grant.by_id);
    let id = place.table_id.clone().expect("an id");
    let by_id = region.table_credentials(&id, uc::OPERATION_READ_WRITE).await;
    assert!(by_id.is_err_and(|error| error.is_permission_denied()));
    let user = home.region.as_user().api();
    assert!(user.grant(&place, true).await.is_err_and(|error| error.is_permission_denied()));
    user.grant(&place, false).await.expect("reading is allowed");
    assert!(user.delete_table("sales.default.orders").await.is_err_and(|error| error.is_permission_denied()));
    let elsewhere = home.region.through_workspace(8).as_user().api();
    assert!(elsewhere.grant(&place, false).await.is_err_and(|error| error.is_permission_denied()));
    assert_eq!(elsewhere.catalogs().await, Ok(Vec::new()), "an unbound catalog is not listed");
}

#[tokio::test]
async fn compute_of_a_secondary_does_not_start_and_an_old_epoch_is_refused() {
    let home = home();
    let region = home.region.api();
    home.region.add_cluster("c1");
    let group = GroupId::new("main").expect("an id");
    let told = region.set_workspace_role(&group, WorkspaceRole::Secondary, 2).await;
    assert_eq!(told, Ok(Enforcement::Enforced));
    region.terminate_cluster("c1").await.expect("stopped");
    assert!(matches!(region.start_cluster("c1").await, Err(ConnectError::InvalidState { .. })));
    assert!(region.set_workspace_role(&group, WorkspaceRole::Primary, 1).await.is_err());
    assert_eq!(home.region.role_in(&group), WorkspaceRole::Secondary);
    home.region.offer(RegionCapabilities::default());
    let told = region.set_workspace_role(&group, WorkspaceRole::Primary, 3).await;
    assert_eq!(told, Ok(Enforcement::NotOffered));
}

#[tokio::test]
async fn schedules_pause_and_resume_as_in_a_real_region() {
    let home = home();
    let region = home.region.api();
    let schedule = CronSchedule {
        quartz_cron_expression: "0 0 3 * * ?".to_owned(),
        timezone_id: "UTC".to_owned(),
        ..CronSchedule::default()
    };
    let id = home.region.add_job(JobSettings { schedule: Some(schedule), ..JobSettings::default() });
    let unpaused = region.unpaused_jobs().await.expect("listed");
    assert_eq!(unpaused.iter().map(|job| job.job_id).collect::<Vec<_>>(), [id]);
    region.pause_job(&unpaused[0]).await.expect("paused");
    let job = region.job(id).await.expect("it is there");
    assert_eq!(job.settings.schedule.and_then(|s| s.pause_status).as_deref(), Some(PAUSED));
    region.resume_job(&unpaused[0]).await.expect("resumed");
    assert_eq!(region.unpaused_jobs().await.expect("listed").len(), 1);
}

#[tokio::test]
async fn faults_are_met_once_and_the_health_hears_of_them() {
    let home = home();
    let region = home.region.api();
    home.region.refuse("POST /catalogs", 1, 429, "REQUEST_LIMIT_EXCEEDED", "slow down");
    let wanted = uc::CreateCatalog { name: "sales".to_owned(), ..uc::CreateCatalog::default() };
    assert!(region.create_catalog(&wanted).await.is_err());
    home.region.lose_answers("POST /catalogs", 1);
    assert!(region.create_catalog(&wanted).await.is_err_and(|error| error.is_unreachable()));
    assert!(region.health().away_since().is_some());
    assert!(region.create_catalog(&wanted).await.is_err_and(|error| error.is_already_exists()));
    assert_eq!(home.region.take_changes(), ["POST /catalogs sales"]);
    home.region.go_away();
    assert!(region.catalogs().await.is_err_and(|error| error.is_unreachable()));
    home.region.come_back();
    assert_eq!(region.catalogs().await.map(|all| all.len()), Ok(1));
    assert!(region.health().away_since().is_none());
}

#[tokio::test]
async fn it_does_what_every_kind_of_region_does() {
    let home = home();
    let kind = suite::Kind {
        region: home.region.api(),
        workspace: WORKSPACE,
        external: home.region.lake(),
        bindings: true,
        managed_by_path: true,
    };
    suite::conforms(&kind).await;
}
