//! Each class of error is brought about, and what its remedy says, done as it is written, ends it.

use super::left_behind::{absolute, admin, append, commit_file, core, make_table, put, view};
use super::support::{engine, spec, spec_with_assets, until_active};
use resilience::connect::RegionApi;
use resilience::control::{GroupPatch, RulesPatch};
use resilience::domain::{ErrorClass, FailoverKind, GroupState, ObjectError, Region};
use resilience::runtime::Engine;
use resilience::wire::jobs::{CreateJob, UpdateJob};
use resilience::wire::objects::MakeFolder;
use resilience::wire::unity_catalog as uc;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

/// Waits until the group's errors are as `done` says.
async fn until_errors(engine: &Engine, done: impl Fn(&[ObjectError]) -> bool) -> Vec<ObjectError> {
    let begun = Instant::now();
    let mut changes = engine.control().changes();
    loop {
        let errors = view(engine).errors.to_vec();
        if done(&errors) {
            return errors;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain: {errors:#?}");
        let _ = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
    }
}

/// Waits until an object has an error of a class; its remedy is said with it.
async fn until_class(engine: &Engine, object: &str, class: ErrorClass) {
    let is_it = |error: &ObjectError| error.object == object && error.class == class;
    let errors = until_errors(engine, |errors| errors.iter().any(is_it)).await;
    let error = errors.iter().find(|error| is_it(error)).expect("there");
    assert!(error.message.ends_with('.') && class.resolution().ends_with('.'), "{error:#?}");
}

async fn until_fine(engine: &Engine, object: &str) {
    until_errors(engine, |errors| errors.iter().all(|error| error.object != object)).await;
}

/// A quiet group over a catalog of its own, which replicates a table.
async fn group(engine: &Engine) -> Arc<dyn RegionApi> {
    let east = admin(engine, EAST);
    let catalog = uc::CreateCatalog { name: "remedies".to_owned(), ..uc::CreateCatalog::default() };
    east.create_catalog(&catalog).await.expect("made");
    let schema = uc::CreateSchema { name: "s".into(), catalog_name: "remedies".into(), ..Default::default() };
    east.create_schema(&schema).await.expect("made");
    make_table(&east, "remedies.s.whole", 2).await;
    engine.control().create_group("tester", spec(engine, "core", &["remedies"]), false).await.expect("created");
    until_active(engine, "core").await;
    east
}

async fn patch(engine: &Engine, patch: GroupPatch) {
    engine.control().update_group("tester", &core(), None, patch).await.expect("changed");
}

/// What `excluded` takes out of the scope.
fn without(names: &[&str]) -> GroupPatch {
    let excluded = Some(names.iter().map(|name| (*name).to_owned()).collect());
    GroupPatch { rules: Box::new(RulesPatch { excluded, ..RulesPatch::default() }), ..GroupPatch::default() }
}

fn view_of(name: &str, definition: &str) -> uc::CreateTable {
    uc::CreateTable {
        name: name.to_owned(),
        catalog_name: "remedies".to_owned(),
        schema_name: "s".to_owned(),
        table_type: uc::TABLE_VIEW.to_owned(),
        view_definition: Some(definition.to_owned()),
        ..uc::CreateTable::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_tables_log_ends_when_the_table_is_mended_or_made_again() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let east = group(&engine).await;
    let named = |leaf: &str| format!("remedies.s.{leaf}");
    let mut folders: Vec<(&str, PathBuf)> = Vec::new();
    for leaf in ["absolute", "managed", "gap", "corrupt", "lost"] {
        folders.push((leaf, make_table(&east, &named(leaf), 3).await));
        until_fine(&engine, &named(leaf)).await;
    }
    let folder = |leaf: &str| folders.iter().find(|(known, _)| *known == leaf).expect("made").1.clone();
    absolute(&folder("absolute"), 3);
    let feature = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["catalogManaged"], "writerFeatures": ["catalogManaged", "inCommitTimestamp"]}});
    put(&folder("managed"), 3, &format!("{feature}\n"));
    append(&folder("gap"), 4);
    put(&folder("corrupt"), 3, "{\"add\":");
    append(&folder("lost"), 3);
    let file = folder("lost").join("part-3.parquet");
    let bytes = std::fs::read(&file).expect("there");
    std::fs::remove_file(&file).expect("gone");
    let classes = [
        ("absolute", ErrorClass::AbsolutePath),
        ("managed", ErrorClass::CatalogManagedCommits),
        ("gap", ErrorClass::LogGap),
        ("corrupt", ErrorClass::CorruptLog),
        ("lost", ErrorClass::MissingDataFile),
    ];
    for (leaf, class) in classes {
        until_class(&engine, &named(leaf), class).await;
    }

    // Rewritten with relative paths, as a deep clone does.
    east.delete_table(&named("absolute")).await.expect("dropped");
    std::fs::remove_dir_all(folder("absolute")).expect("gone");
    make_table(&east, &named("absolute"), 2).await;
    // Turned off for the table.
    let without = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    put(&folder("managed"), 3, &format!("{without}\n"));
    // Restored at the source.
    append(&folder("gap"), 3);
    append(&folder("corrupt"), 3);
    std::fs::write(&file, bytes).expect("restored");
    for (leaf, _) in classes {
        until_fine(&engine, &named(leaf)).await;
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_wrote_to_a_replica_ends_with_a_repair() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let east = group(&engine).await;
    let folder_in = async |region: &str, name: &str| {
        let table = admin(&engine, region).table(name).await.expect("asked").expect("there");
        url::Url::parse(&table.storage_location.expect("a place")).expect("a URI").to_file_path().expect("a path")
    };
    make_table(&east, "remedies.s.split", 2).await;
    until_fine(&engine, "remedies.s.split").await;
    let begun = Instant::now();
    while admin(&engine, WEST).table("remedies.s.split").await.expect("asked").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never arrived");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (source, replica) = (folder_in(EAST, "remedies.s.split").await, folder_in(WEST, "remedies.s.split").await);
    wait_for(&commit_file(&replica, 1)).await;
    put(&replica, 2, &format!("{}\n", json!({"txn": {"appId": "stray", "version": 1}})));
    append(&source, 2);
    until_class(&engine, "remedies.s.split", ErrorClass::SplitBrain).await;
    let repair = engine.control().repair("tester", &core(), false, None).await.expect("repaired");
    assert!(repair.done.iter().any(|sentence| sentence.contains("remedies.s.split")), "{:?}", repair.done);
    until_fine(&engine, "remedies.s.split").await;
    engine.stop().await;
}

async fn wait_for(file: &Path) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} never came", file.display());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_replicated_leaves_the_list_with_the_scope_and_a_view_gets_its_catalog() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let east = group(&engine).await;
    let with = |catalogs: &[&str]| {
        let catalogs = Some(catalogs.iter().map(|name| resilience::domain::CatalogName::new(*name)).collect());
        GroupPatch { catalogs, ..GroupPatch::default() }
    };
    patch(&engine, with(&["remedies", "cannot_replicate"])).await;
    let unsupported = "cannot_replicate.mixed.daily_revenue";
    until_class(&engine, unsupported, ErrorClass::UnsupportedObject).await;
    patch(&engine, without(&[unsupported])).await;
    until_fine(&engine, unsupported).await;
    let hidden = "cannot_replicate.mixed.payroll";
    until_class(&engine, hidden, ErrorClass::RowFilterOrMask).await;
    patch(&engine, without(&["cannot_replicate.mixed"])).await;
    until_fine(&engine, hidden).await;

    east.create_table(&view_of("reads_sales", "SELECT * FROM sales.orders.orders")).await.expect("made");
    until_class(&engine, "remedies.s.reads_sales", ErrorClass::MissingDependency).await;
    patch(&engine, with(&["remedies", "cannot_replicate", "sales"])).await;
    until_fine(&engine, "remedies.s.reads_sales").await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_secondary_has_and_a_catalog_that_is_gone_end_as_their_remedies_say() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let east = group(&engine).await;
    // The console's own login may write where a user may not.
    let west = engine.sandbox().expect("a sandbox").regions().swap_remove(1);
    let token = resilience::connect::Secret::new(west.replication_token);
    let settings = resilience::connect::ConnectSettings::new(&west.region, &west.workspace_url, token);
    let west = resilience::connect::SandboxRegion::connect(settings).expect("a client");
    west.create_table(&view_of("own", "SELECT 1")).await.expect("made");
    until_class(&engine, "remedies.s.own", ErrorClass::UnmanagedObject).await;
    west.delete_table("remedies.s.own").await.expect("renamed away");
    until_fine(&engine, "remedies.s.own").await;

    east.delete_catalog("remedies", true).await.expect("dropped");
    until_class(&engine, "remedies", ErrorClass::CatalogRefused).await;
    let catalog = uc::CreateCatalog { name: "remedies".to_owned(), ..uc::CreateCatalog::default() };
    east.create_catalog(&catalog).await.expect("made again");
    until_fine(&engine, "remedies").await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspace_assets_with_an_error_end_it_as_their_remedies_say() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let (east, west) = (admin(&engine, EAST), admin(&engine, WEST));
    let settings = |cluster: Option<&str>| {
        let mut task = json!({"task_key": "t", "notebook_task": {"notebook_path": "/Shared/x", "source": "WORKSPACE"}});
        if let Some(cluster) = cluster {
            task["existing_cluster_id"] = cluster.into();
        }
        let settings: Value = json!({"name": "needs_more", "tasks": [task]});
        serde_json::from_value(settings).expect("settings")
    };
    let job = east.create_job(&CreateJob { job_id: None, settings: settings(Some("no-such-cluster")) }).await;
    let job = job.expect("made");
    engine
        .control()
        .create_group("tester", spec_with_assets(&engine, "core", &["sales"]), false)
        .await
        .expect("created");
    until_active(&engine, "core").await;
    until_class(&engine, "needs_more", ErrorClass::ReferenceNotReplicated).await;
    east.reset_job(&UpdateJob { job_id: job, new_settings: settings(None) }).await.expect("changed");
    until_fine(&engine, "needs_more").await;

    // Both remedies: what is needed is made in the primary, and the deletion of the rest is confirmed.
    until_class(&engine, "/Shared/leftovers", ErrorClass::SecondaryOnly).await;
    east.make_folder(&MakeFolder { path: "/Shared/leftovers".to_owned(), object_id: None }).await.expect("made");
    until_fine(&engine, "/Shared/leftovers").await;
    until_class(&engine, "/Shared/leftovers/notes.txt", ErrorClass::SecondaryOnly).await;
    let outcome = engine.control().delete_secondary_only("tester", &core(), "core").await.expect("confirmed");
    assert!(outcome.left.is_empty() && outcome.deleted.len() > 2, "{outcome:#?}");
    until_fine(&engine, "/Shared/leftovers/notes.txt").await;
    assert!(Path::new(&outcome.folder).join("workspace/Shared/leftovers/notes.txt").is_file(), "it was exported first");
    assert!(west.object("/Regional/readme.md").await.expect("asked").is_some(), "out of scope");
    engine.stop().await;
}

/// Switches a region's faults.
async fn faults(engine: &Engine, region: &str, faults: Value) {
    let all = engine.sandbox().expect("a sandbox").regions();
    let at = all.iter().find(|known| known.region == region).expect("the region");
    let token = std::fs::read_to_string(&at.token_file).expect("a token");
    let answer = reqwest::Client::new()
        .put(format!("{}/api/2.0/sandbox/faults", at.workspace_url))
        .bearer_auth(token.trim())
        .json(&faults)
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_throttles_is_waited_for_as_long_as_it_asks_and_replication_goes_on_by_itself() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let east = group(&engine).await;
    let limit = json!({"path": "/api/2.1/unity-catalog/", "calls": 0, "seconds": 1, "retry_after_seconds": 1});
    faults(&engine, EAST, json!({"limits": [limit]})).await;
    let of_class = |error: &ObjectError| error.class == ErrorClass::RequestLimitExceeded;
    let errors = until_errors(&engine, |errors| errors.iter().any(of_class)).await;
    assert!(errors.iter().any(|error| error.message.contains("throttling")), "{errors:#?}");
    // Nobody does anything but what the remedy says: wait. The limit ends, and a new table arrives.
    faults(&engine, EAST, json!({})).await;
    make_table(&east, "remedies.s.after", 2).await;
    until_errors(&engine, |errors| errors.is_empty()).await;
    let begun = Instant::now();
    while admin(&engine, WEST).table("remedies.s.after").await.expect("asked").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never arrived");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_away_is_failed_over_from_or_checked_and_back() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    group(&engine).await;
    let sandbox = engine.sandbox().expect("a sandbox");
    let is_away = |error: &ObjectError| error.class == ErrorClass::RegionUnreachable;
    sandbox.take_down(WEST).await.expect("down");
    until_errors(&engine, |errors| errors.iter().any(is_away)).await;
    sandbox.bring_up(WEST).await.expect("checked, and up");
    until_errors(&engine, |errors| errors.is_empty()).await;
    sandbox.take_down(EAST).await.expect("down");
    until_errors(&engine, |errors| errors.iter().any(is_away)).await;
    let target = Region::new(WEST);
    engine.control().fail_over("tester", &core(), &target, FailoverKind::Forced, None).await.expect("accepted");
    super::support::until(&engine, "core", |g| {
        g.effective_primary_region == WEST && g.state == GroupState::InitialReplication
    })
    .await;
    sandbox.bring_up(EAST).await.expect("up");
    until_active(&engine, "core").await;
    until_errors(&engine, |errors| errors.is_empty()).await;
    engine.stop().await;
}
