//! What becomes of the old primary, over real HTTP and real Delta tables.

use super::support::{catalogs, engine, named, spec, spec_with_assets, until, until_active};
use resilience::connect::{ConnectSettings, RegionApi, SandboxRegion, Secret};
use resilience::control::view::{GroupView, OperationOutcome};
use resilience::control::{ControlError, GroupPatch};
use resilience::domain::Region;
use resilience::domain::{CatalogName, FailoverGroup, FailoverKind, FailoverStep, GroupId, GroupState};
use resilience::runtime::Engine;
use resilience::wire::unity_catalog::{
    CreateStagingTable, CreateTable, ISOLATION_ISOLATED, ISOLATION_OPEN, TABLE_MANAGED, UpdateBindings, UpdateCatalog,
    WorkspaceBinding,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

fn id() -> GroupId {
    GroupId::new("core").expect("an id")
}

/// An admin of the region.
fn admin(engine: &Engine, region: &str) -> Arc<dyn RegionApi> {
    let all = engine.sandbox().expect("a sandbox").regions();
    let at = all.iter().find(|r| r.region == region).expect("the region");
    let token = std::fs::read_to_string(&at.token_file).expect("a token");
    SandboxRegion::connect(ConnectSettings::new(region, &at.workspace_url, Secret::new(token.trim())))
        .expect("a client")
}

fn workspace(engine: &Engine, region: &str) -> i64 {
    let all = engine.sandbox().expect("a sandbox").regions();
    all.iter().find(|r| r.region == region).expect("the region").workspace_id.parse().expect("a number")
}

async fn start(dir: &Path) -> (Engine, Vec<String>) {
    let engine = engine(dir, 0.0).await;
    let all = catalogs(&engine).await;
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    engine.control().create_group("tester", spec(&engine, "core", &names), false).await.expect("created");
    until_active(&engine, "core").await;
    (engine, all)
}

fn view(engine: &Engine) -> GroupView {
    (**engine.control().view().groups.first().expect("listed")).clone()
}

async fn fail_over(engine: &Engine, target: &str, kind: FailoverKind) -> FailoverGroup {
    engine.control().fail_over("tester", &id(), &Region::new(target), kind, None).await.expect("accepted");
    until(engine, "core", |g| g.state != GroupState::FailingOver).await
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, goal) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copy(&path, &goal) } else { std::fs::copy(&path, &goal).map(|_| ()).expect("a copy") }
    }
}

fn folder(uri: &str) -> PathBuf {
    url::Url::parse(uri).expect("a URI").to_file_path().expect("a path")
}

fn parts(name: &str) -> (String, String, String) {
    let parts: Vec<&str> = name.split('.').collect();
    (parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned())
}

/// Registers a managed table at a location, or where the catalog puts it.
async fn register(region: &Arc<dyn RegionApi>, full_name: &str, at: Option<(String, String)>) -> PathBuf {
    let (catalog_name, schema_name, name) = parts(full_name);
    let staging = CreateStagingTable {
        catalog_name: catalog_name.clone(),
        schema_name: schema_name.clone(),
        name: name.clone(),
        storage_location: at.as_ref().map(|(location, _)| location.clone()),
        table_id: at.map(|(_, id)| id),
    };
    let staged = region.create_staging_table(&staging).await.expect("staged");
    let table = CreateTable {
        name,
        catalog_name,
        schema_name,
        table_type: TABLE_MANAGED.to_owned(),
        storage_location: Some(staged.staging_location.clone()),
        ..CreateTable::default()
    };
    region.create_table(&table).await.expect("registered");
    folder(&staged.staging_location)
}

/// What `ALTER TABLE … RENAME TO` does: the id and the location stay.
async fn rename(region: &Arc<dyn RegionApi>, from: &str, to: &str) {
    let info = region.table(from).await.expect("asked").expect("there");
    region.delete_table(from).await.expect("gone");
    register(region, to, Some((info.storage_location.expect("a location"), info.table_id.expect("an id")))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_dropped_renamed_or_made_again_during_an_outage_are_reclaimed_and_nothing_is_lost() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalogs) = start(dir.path()).await;
    let tables: Vec<String> = engine
        .sandbox()
        .expect("a sandbox")
        .truth(EAST, &named(&catalogs))
        .await
        .expect("known")
        .into_iter()
        .map(|t| t.full_name)
        .collect();
    let [dropped, renamed, again, dropped_before, renamed_before, made_of] = &tables[..6] else { panic!("{tables:?}") };
    let moved = |name: &str| format!("{name}_moved");

    // While the secondary is away the primary changes what it cannot replicate any more, then it dies.
    take_down(&engine, WEST).await;
    for table in [dropped, renamed, renamed, again, dropped_before, renamed_before] {
        engine.sandbox().expect("a sandbox").commit(EAST, table).await.expect("a commit");
    }
    let east = admin(&engine, EAST);
    east.delete_table(dropped_before).await.expect("dropped");
    rename(&east, renamed_before, &moved(renamed_before)).await;
    engine.sandbox().expect("a sandbox").take_down(EAST).await.expect("down");
    engine.sandbox().expect("a sandbox").bring_up(WEST).await.expect("up");
    let group = fail_over(&engine, WEST, FailoverKind::Forced).await;
    assert_eq!(group.effective_primary_region, WEST);

    let west = admin(&engine, WEST);
    west.delete_table(dropped).await.expect("dropped");
    rename(&west, renamed, &moved(renamed)).await;
    west.delete_table(again).await.expect("dropped");
    let source = west.table(made_of).await.expect("asked").and_then(|t| t.storage_location).expect("there");
    let (catalog_name, schema_name, name) = parts(again);
    let staging = CreateStagingTable { catalog_name, schema_name, name, ..CreateStagingTable::default() };
    let staged = west.create_staging_table(&staging).await.expect("staged");
    copy(&folder(&source), &folder(&staged.staging_location));
    register(&west, again, Some((staged.staging_location, staged.id))).await;

    engine.sandbox().expect("a sandbox").bring_up(EAST).await.expect("up");
    until_active(&engine, "core").await;
    let shown = view(&engine);
    let mut listed: Vec<(String, u64)> = shown.salvage.iter().map(|s| (s.table.clone(), s.commits)).collect();
    listed.sort();
    let mut expected = vec![
        (dropped.clone(), 1),
        (moved(renamed), 2),
        (again.clone(), 1),
        (dropped_before.clone(), 1),
        (renamed_before.clone(), 1),
    ];
    expected.sort();
    assert_eq!(listed, expected);
    assert_eq!(shown.operation.as_ref().and_then(|o| o.commits_lost), Some(6));
    for salvage in shown.salvage.iter() {
        let text = std::fs::read_to_string(Path::new(&salvage.folder).join("manifest.json")).expect("a manifest");
        let manifest: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(manifest["table"], salvage.table.as_str());
        assert_eq!(manifest["commits"].as_array().map(Vec::len), Some(salvage.commits as usize));
        assert_eq!(manifest["first_version"].as_i64(), salvage.first_version);
        assert_eq!(manifest["rows"].as_u64(), salvage.rows);
        assert_eq!(manifest["bytes"].as_u64(), Some(salvage.bytes));
        assert!(salvage.committed.is_some_and(|(first, last)| first <= last), "{salvage:?}");
    }
    assert!(shown.errors.is_empty(), "{:#?}", shown.errors);
    for gone in [dropped.clone(), renamed.clone(), moved(renamed_before)] {
        assert!(east.table(&gone).await.expect("asked").is_none(), "{gone} follows the new primary");
    }
    for there in [moved(renamed), again.clone(), dropped_before.clone(), renamed_before.clone()] {
        assert!(east.table(&there).await.expect("asked").is_some(), "{there} comes back by replication");
    }
    let report = engine.control().verify(&id(), true).await.expect("compared");
    assert!(report.differing().is_empty(), "{:#?}", report.differing());
    engine.stop().await;
}

/// Takes a region down, so that no later commit arrives: a cycle goes on while it trusts what it read, until one fails.
async fn take_down(engine: &Engine, region: &str) {
    engine.sandbox().expect("a sandbox").take_down(region).await.expect("down");
    let begun = std::time::Instant::now();
    while view(engine).blocking_error.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no cycle failed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_cannot_be_set_aside_waits_alone_and_is_tried_again() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalogs) = start(dir.path()).await;
    let truth = engine.sandbox().expect("a sandbox").truth(EAST, &named(&catalogs)).await.expect("known");
    let [stuck, fine, ..] = &truth[..] else { panic!("{truth:?}") };
    let east = admin(&engine, EAST);
    let location = east.table(&stuck.full_name).await.expect("asked").and_then(|t| t.storage_location).expect("there");
    let roots = east.external_locations().await.expect("asked").into_iter().map(|l| l.url);
    let root = roots.filter(|root| location.starts_with(root.as_str())).max_by_key(String::len).expect("covered");
    take_down(&engine, EAST).await;
    let orphan = engine.sandbox().expect("a sandbox").commit(EAST, &stuck.full_name).await.expect("a commit").version;
    engine.sandbox().expect("a sandbox").commit(EAST, &fine.full_name).await.expect("a commit");
    let group = fail_over(&engine, WEST, FailoverKind::Forced).await;
    // Something that isn't a folder stands where its remains would go.
    let salvage_dir = folder(&root).join(format!("_salvage/core/epoch-{}/{}", group.epoch, stuck.full_name));
    std::fs::create_dir_all(salvage_dir.parent().expect("a parent")).expect("a folder");
    std::fs::write(&salvage_dir, "in the way").expect("a file");
    let commit = stuck.folder.join(format!("_delta_log/{orphan:020}.json"));
    let bytes = std::fs::read(&commit).expect("the orphan");

    engine.sandbox().expect("a sandbox").bring_up(EAST).await.expect("up");
    let group = until_active(&engine, "core").await;
    assert!(!group.salvage_pending && group.has_replication_point_blocking_errors);
    let shown = view(&engine);
    assert_eq!(shown.salvage.iter().map(|s| s.table.as_str()).collect::<Vec<_>>(), [fine.full_name.as_str()]);
    let [error] = &shown.errors[..] else { panic!("{:#?}", shown.errors) };
    assert_eq!(error.object, stuck.full_name);
    assert!(error.message.contains("Couldn't salvage") && error.message.ends_with('.'), "{}", error.message);
    assert!(!error.parameters.is_empty());
    // Siblings replicate, and nothing of the one that waits is touched.
    let west = engine.sandbox().expect("a sandbox").commit(WEST, &fine.full_name).await.expect("a commit").version;
    engine.sandbox().expect("a sandbox").commit(WEST, &stuck.full_name).await.expect("a commit");
    let begun = std::time::Instant::now();
    while !fine.folder.join(format!("_delta_log/{west:020}.json")).is_file() {
        assert!(begun.elapsed() < Duration::from_secs(60), "its sibling never replicated");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(std::fs::read(&commit).ok(), Some(bytes), "its orphan stays until it is safe");

    std::fs::remove_file(&salvage_dir).expect("out of the way");
    until(&engine, "core", |group| !group.has_replication_point_blocking_errors).await;
    let shown = view(&engine);
    assert!(shown.salvage.iter().any(|s| s.table == stuck.full_name && s.commits == 1), "{:#?}", shown.salvage);
    assert_eq!(shown.operation.as_ref().and_then(|o| o.commits_lost), Some(2));
    let report = engine.control().verify(&id(), true).await.expect("compared");
    assert!(report.differing().is_empty(), "{:#?}", report.differing());
    engine.stop().await;
}

async fn bindings(region: &Arc<dyn RegionApi>, catalog: &str) -> (String, Vec<(i64, bool)>) {
    let mode = region.catalog(catalog).await.expect("asked").and_then(|c| c.isolation_mode).expect("a mode");
    let mut bound: Vec<(i64, bool)> = region
        .bindings_of_catalog(catalog)
        .await
        .expect("asked")
        .iter()
        .map(|b| (b.workspace_id, b.is_read_only()))
        .collect();
    bound.sort_unstable();
    (mode, bound)
}

async fn bind(region: &Arc<dyn RegionApi>, catalog: &str, add: Vec<WorkspaceBinding>) {
    let change = UpdateBindings { add, remove: Vec::new() };
    region.update_bindings(catalog, &change).await.expect("bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_changes_its_own_workspaces_bindings_and_a_rollback_puts_all_back() {
    const MONITOR: i64 = 777;
    const WRITER: i64 = 888;
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalogs) = start(dir.path()).await;
    let (east, west) = (admin(&engine, EAST), admin(&engine, WEST));
    let (here, there) = (workspace(&engine, EAST), workspace(&engine, WEST));
    let (closed, open) = (&catalogs[0], &catalogs[1]);
    let monitor = || vec![WorkspaceBinding::read_only(MONITOR)];
    bind(&east, closed, vec![WorkspaceBinding::read_write(here), WorkspaceBinding::read_write(WRITER)]).await;
    bind(&east, closed, monitor()).await;
    let isolated = UpdateCatalog { isolation_mode: Some(ISOLATION_ISOLATED.to_owned()), ..UpdateCatalog::default() };
    east.update_catalog(closed, &isolated).await.expect("isolated");
    bind(&west, closed, monitor()).await;
    bind(&west, open, monitor()).await;
    let as_made = [bindings(&east, closed).await, bindings(&east, open).await];
    assert_eq!(as_made[0].1, sorted(vec![(here, false), (MONITOR, true), (WRITER, false)]));
    assert_eq!(as_made[1].0, ISOLATION_OPEN);

    // It cannot end without the secondary, so everything is put back.
    engine.sandbox().expect("a sandbox").take_down(WEST).await.expect("down");
    fail_over(&engine, WEST, FailoverKind::Planned).await;
    let operation = engine.control().last_operation(&id()).expect("there").expect("an operation");
    assert_eq!(operation.outcome, OperationOutcome::RolledBack, "{operation:#?}");
    assert_eq!([bindings(&east, closed).await, bindings(&east, open).await], as_made);
    engine.sandbox().expect("a sandbox").bring_up(WEST).await.expect("up");
    until(&engine, "core", |group| !group.has_replication_point_blocking_errors).await;

    fail_over(&engine, WEST, FailoverKind::Planned).await;
    for catalog in [closed, open] {
        // A monitor that may only read could write to an open catalog, so this one stays isolated.
        let expected = (ISOLATION_ISOLATED.to_owned(), sorted(vec![(there, false), (MONITOR, true)]));
        assert_eq!(bindings(&west, catalog).await, expected, "{catalog}");
    }
    until_active(&engine, "core").await;
    assert!(bindings(&east, closed).await.1.iter().all(|(_, read_only)| *read_only), "nobody writes to a replica");

    fail_over(&engine, EAST, FailoverKind::Planned).await;
    assert_eq!(bindings(&east, closed).await, as_made[0], "who could write before the failover can again");
    engine.stop().await;
}

fn sorted(mut all: Vec<(i64, bool)>) -> Vec<(i64, bool)> {
    all.sort_unstable();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_old_primary_is_lost_for_good_is_deleted_with_an_acknowledgement() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, _) = start(dir.path()).await;
    engine.sandbox().expect("a sandbox").take_down(EAST).await.expect("down");
    fail_over(&engine, WEST, FailoverKind::Forced).await;
    assert_eq!(view(&engine).unsettled_region, Some(Region::new(EAST)));
    let refused = engine.control().delete_group("tester", &id(), None).await.expect_err("refused");
    assert!(matches!(refused, ControlError::Refused { .. }), "{refused:?}");
    assert!(refused.to_string().contains("given_up_region=us-east-1"), "{refused}");
    let other = engine
        .control()
        .delete_group_giving_up("tester", &id(), None, &Region::new(WEST))
        .await
        .expect_err("not that one");
    assert!(matches!(other, ControlError::BadArgument { .. }), "{other:?}");
    let deleting =
        engine.control().delete_group_giving_up("tester", &id(), None, &Region::new(EAST)).await.expect("accepted");
    assert_eq!(deleting.state, GroupState::Deleting);
    gone(&engine).await;
    assert!(engine.control().view().activity.iter().any(|a| a.message.contains("gave us-east-1 up")));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_primary_died_in_a_rolled_back_failover_can_be_deleted_too() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalogs) = start(dir.path()).await;
    engine.sandbox().expect("a sandbox").take_down(EAST).await.expect("down");
    fail_over(&engine, WEST, FailoverKind::Planned).await;
    let refused = engine.control().delete_group("tester", &id(), None).await.expect_err("refused");
    assert!(refused.to_string().contains(EAST), "{refused}");
    engine.control().delete_group_giving_up("tester", &id(), None, &Region::new(EAST)).await.expect("accepted");
    gone(&engine).await;
    let left = engine.control().left_by(&Region::new(WEST), &CatalogName::new(&catalogs[0])).await.expect("asked");
    assert_eq!(left.as_deref(), Some("core"), "the replica in the other region is whole and listed");
    engine.stop().await;
}

async fn gone(engine: &Engine) {
    let begun = std::time::Instant::now();
    while engine.control().group(&id()).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the group never went");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_moves_to_another_group_is_promoted_above_its_old_epochs() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalogs) = start(dir.path()).await;
    for target in [WEST, EAST] {
        fail_over(&engine, target, FailoverKind::Planned).await;
        until_active(&engine, "core").await;
    }
    let (moves, stay) = (&catalogs[0], &catalogs[1..]);
    let patch = GroupPatch { catalogs: Some(named(stay)), ..GroupPatch::default() };
    let before = engine.control().update_group("tester", &id(), None, patch).await.expect("changed");
    let other = GroupId::new("other").expect("an id");
    engine.control().create_group("tester", spec(&engine, "other", &[moves]), false).await.expect("created");
    until_active(&engine, "other").await;
    engine
        .control()
        .fail_over("tester", &other, &Region::new(WEST), FailoverKind::Planned, None)
        .await
        .expect("accepted");
    let group = until(&engine, "other", |g| g.state != GroupState::FailingOver).await;
    assert_eq!(group.effective_primary_region, WEST, "{group:#?}");
    assert!(group.epoch > before.epoch);
    let operation = engine.control().last_operation(&other).expect("there").expect("an operation");
    assert_eq!(operation.outcome, OperationOutcome::Succeeded, "{operation:#?}");
    let rebound = operation.steps.iter().find(|s| s.step == FailoverStep::Rebind).and_then(|s| s.note.clone());
    assert!(rebound.is_some_and(|note| !note.contains("No fence")), "{operation:#?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_somebody_promoted_for_a_later_epoch_stops_the_failover_before_anyone_writes() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalogs) = start(dir.path()).await;
    let truth = engine.sandbox().expect("a sandbox").truth(WEST, &named(&catalogs[..1])).await.expect("known");
    let marker = truth[0].folder.join("_resilience/epoch/00000000000000000099.json");
    std::fs::create_dir_all(marker.parent().expect("a parent")).expect("a folder");
    std::fs::write(&marker, r#"{"epoch":99,"group":"core","version":0,"at_ms":0}"#).expect("a marker");
    let group = fail_over(&engine, WEST, FailoverKind::Planned).await;
    assert_eq!(group.state, GroupState::FailoverFailed);
    assert!(group.state_message.as_ref().is_some_and(|m| m.contains("epoch 99")), "{group:#?}");
    let west = admin(&engine, WEST);
    for catalog in &catalogs {
        assert!(
            bindings(&west, catalog).await.1.iter().all(|(_, read_only)| *read_only),
            "{catalog} can be written to"
        );
    }
    std::fs::remove_file(&marker).expect("gone");
    engine.control().retry("tester", &id()).await.expect("accepted");
    let group =
        until(&engine, "core", |g| g.state != GroupState::FailingOver && g.state != GroupState::FailoverFailed).await;
    assert_eq!(group.effective_primary_region, WEST);
    until_active(&engine, "core").await;
    engine.stop().await;
}

/// Blocks a resume, in this process, between two jobs.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failover_that_is_confirmed_while_schedules_resume_leaves_none_of_them_on() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let all = catalogs(&engine).await;
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let wanted = spec_with_assets(&engine, "core", &names);
    engine.control().create_group("tester", wanted, false).await.expect("created");
    until_active(&engine, "core").await;
    fail_over(&engine, WEST, FailoverKind::Planned).await;
    until_active(&engine, "core").await;
    assert!(view(&engine).to_resume.len() > 2, "there is more than one thing to resume");
    fail::cfg("resume.between_jobs", "pause").expect("a failpoint");
    let control = engine.control().clone();
    let resuming = tokio::spawn(async move { control.resume_workloads("tester", &id()).await });
    let west = admin(&engine, WEST);
    while west.unpaused_jobs().await.expect("asked").is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let twice = engine.control().resume_workloads("another", &id()).await.expect_err("one at a time");
    assert!(twice.to_string().contains("already"), "{twice}");
    let answer = engine.control().fail_over("tester", &id(), &Region::new(EAST), FailoverKind::Planned, None).await;
    assert_eq!(answer.expect("accepted").state, GroupState::FailingOver);
    // It would be here by now if it did not wait.
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_secs(2) && !has_paused(&engine) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fail::remove("resume.between_jobs");
    let refused = resuming.await.expect("no panic").expect_err("stopped on the way");
    assert!(refused.to_string().contains("started while"), "{refused}");
    until(&engine, "core", |g| g.state != GroupState::FailingOver).await;
    let on = west.unpaused_jobs().await.expect("asked");
    assert!(on.is_empty(), "schedules run in a secondary: {on:#?}");
    engine.stop().await;
}

#[cfg(feature = "failpoints")]
fn has_paused(engine: &Engine) -> bool {
    let operation = engine.control().last_operation(&id()).expect("there").expect("an operation");
    operation.steps.iter().any(|s| s.step == FailoverStep::PauseSchedules && s.ended.is_some())
}
