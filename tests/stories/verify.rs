//! Knowing that a replica is one: what verifying finds, what repairing mends, what can be read back.

use super::support::{catalogs, engine, program, spec, until, until_active};
use chrono::{DurationRound, TimeDelta, Utc};
use resilience::connect::{ConnectSettings, RegionApi, SandboxRegion, Secret};
use resilience::domain::Region;
use resilience::domain::{AssetKind, ErrorClass, GroupId, ObjectStatus, SystemClock, WorkspaceId};
use resilience::replicate::{CompareReport, Endpoint, ObjectRecord, TidyRound};
use resilience::runtime::{Engine, Intent, NoticeDetail};
use resilience::store::{CommitRow, Store};
use resilience::wire::unity_catalog as uc;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EAST: usize = 0;
const WEST: usize = 1;

fn client(engine: &Engine, region: usize) -> Arc<dyn RegionApi> {
    let region = engine.sandbox().expect("a sandbox").regions().swap_remove(region);
    let token = Secret::new(region.replication_token);
    SandboxRegion::connect(ConnectSettings::new(&region.region, &region.workspace_url, token)).expect("a client")
}

fn core() -> GroupId {
    GroupId::new("core").expect("an id")
}

/// A quiet group over the sandbox's first catalog, ACTIVE.
async fn group(dir: &Path) -> (Engine, String) {
    let engine = engine(dir, 0.0).await;
    let catalog = catalogs(&engine).await.swap_remove(0);
    engine.control().create_group("tester", spec(&engine, "core", &[&catalog]), false).await.expect("created");
    until_active(&engine, "core").await;
    (engine, catalog)
}

/// Every table and view of the catalog that is data.
async fn all_tables(region: &Arc<dyn RegionApi>, catalog: &str) -> Vec<uc::TableInfo> {
    let mut all = Vec::new();
    for schema in region.schemas(catalog).await.expect("listed") {
        if schema.name != "information_schema" {
            all.extend(region.tables(catalog, &schema.name).await.expect("listed"));
        }
    }
    all
}

/// A table of the catalog and its folder in a region.
async fn a_table(engine: &Engine, region: usize, catalog: &str) -> (String, PathBuf) {
    let all = all_tables(&client(engine, region), catalog).await;
    let tables = all.into_iter().filter(|t| t.table_type == uc::TABLE_MANAGED);
    let table = tables.min_by_key(uc::TableInfo::full_name).expect("a table");
    (table.full_name(), folder(&table))
}

fn folder(table: &uc::TableInfo) -> PathBuf {
    let location = table.storage_location.as_deref().expect("a location");
    PathBuf::from(location.strip_prefix("file://").expect("a local one"))
}

fn newest_commit(folder: &Path) -> (i64, PathBuf) {
    let names = std::fs::read_dir(folder.join("_delta_log")).expect("a log").flatten();
    let commits = names.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some((name.strip_suffix(".json")?.parse::<i64>().ok()?, entry.path()))
    });
    commits.max().expect("a commit")
}

/// Commits past the catalog, as a client with the disk at hand can.
fn commit_past_the_catalog(folder: &Path) -> i64 {
    let (version, _) = newest_commit(folder);
    let action = json!({"txn": {"appId": "stray", "version": 1}});
    let path = folder.join(format!("_delta_log/{:020}.json", version + 1));
    std::fs::write(path, format!("{action}\n")).expect("written");
    version + 1
}

fn a_data_file(folder: &Path) -> PathBuf {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("listed").flatten() {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('_');
            match path.is_dir() {
                true if !hidden => folders.push(path),
                false if path.extension().is_some_and(|kind| kind == "parquet") => return path,
                _ => {}
            }
        }
    }
    panic!("{} has no data file", folder.display());
}

fn flip_a_bit(path: &Path) {
    let mut bytes = std::fs::read(path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("written");
}

fn object<'a>(report: &'a CompareReport, name: &str) -> &'a ObjectRecord {
    report.objects.iter().find(|o| o.name == name).unwrap_or_else(|| panic!("{name} is not in {:#?}", report.objects))
}

/// Verifies until `done`, which a cycle may have to bring about.
async fn verified(engine: &Engine, done: impl Fn(&CompareReport) -> bool) -> CompareReport {
    let begun = Instant::now();
    loop {
        let report = engine.control().verify(&core(), false).await.expect("compared");
        if done(&report) {
            return report;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain: {:#?}", report.objects);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_region_is_away_every_object_is_unknown_and_none_is_missing() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, _) = group(dir.path()).await;
    let before = engine.control().verify(&core(), false).await.expect("compared");
    for region in ["us-west-2", "us-east-1"] {
        engine.sandbox().expect("a sandbox").take_down(region).await.expect("down");
        let report = engine.control().verify(&core(), true).await.expect("an answer all the same");
        assert!(report.objects.len() >= before.objects.len(), "{:#?}", report.objects);
        for object in &report.objects {
            assert_eq!(object.status, ObjectStatus::Unknown, "{object:?}");
            let error = object.error.as_ref().expect("says why");
            assert_eq!(error.class, ErrorClass::RegionUnreachable);
            assert!(error.message.contains(region), "{}", error.message);
        }
        engine.sandbox().expect("a sandbox").bring_up(region).await.expect("up");
        until(&engine, "core", |g| !g.has_replication_point_blocking_errors).await;
    }
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_past_the_catalog_is_named_as_drift_and_a_repair_sets_it_aside() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let (name, folder) = a_table(&engine, WEST, &catalog).await;
    let stray = commit_past_the_catalog(&folder);
    let report = engine.control().verify(&core(), false).await.expect("compared");
    let found = object(&report, &name);
    assert_eq!((found.status, found.error.as_ref().map(|e| e.class)), (ObjectStatus::Drifted, Some(ErrorClass::Drift)));
    assert_eq!(report.differing().len(), 1, "its siblings are as they were");

    let etag = engine.control().group(&core()).expect("there").etag;
    let stale = Intent::Repair { id: core(), deep: false, etag: "seen long ago".to_owned() };
    assert!(engine.perform("console", stale).await.expect_err("refused").stale);
    let intent = Intent::Repair { id: core(), deep: false, etag };
    let Ok(NoticeDetail::Done(sentence)) = engine.perform("console", intent).await else { panic!("refused") };
    assert!(sentence.contains(&name) && sentence.contains("1 commit"), "{sentence}");
    let report = engine.control().verify(&core(), true).await.expect("compared");
    assert!(report.differing().is_empty(), "{:#?}", report.differing());
    assert!(!folder.join(format!("_delta_log/{stray:020}.json")).exists());
    let view = engine.control().view();
    let salvage = view.groups[0].salvage.first().expect("listed").clone();
    assert_eq!((salvage.table.as_str(), salvage.commits), (name.as_str(), 1));
    assert!(PathBuf::from(salvage.folder.trim_start_matches("file://")).join("manifest.json").is_file());

    // It can happen again, and both stay listed.
    commit_past_the_catalog(&folder);
    engine.control().repair("tester", &core(), false, None).await.expect("repaired");
    assert_eq!(engine.control().view().groups[0].salvage.len(), 2);
    engine.stop().await;
    let again = super::support::engine(dir.path(), 0.0).await;
    assert_eq!(again.control().view().groups[0].salvage.len(), 2, "the store holds both");
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_and_a_lost_file_are_mended_while_the_group_replicates() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let (name, folder) = a_table(&engine, WEST, &catalog).await;
    let damaged = a_data_file(&folder);
    flip_a_bit(&damaged);
    std::fs::remove_file(folder.join(format!("_delta_log/{:020}.json", 0))).ok();
    let report = engine.control().verify(&core(), true).await.expect("compared");
    let found = object(&report, &name);
    assert_eq!(found.status, ObjectStatus::Drifted);
    let message = &found.error.as_ref().expect("says what").message;
    assert!(message.contains(damaged.file_name().and_then(|n| n.to_str()).expect("a name")), "{message}");
    let repair = engine.control().repair("tester", &core(), true, None).await.expect("repaired");
    assert!(repair.done.iter().any(|sentence| sentence.contains(&name)), "{:?}", repair.done);
    assert!(repair.report.differing().is_empty(), "{:#?}", repair.report.differing());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_made_in_the_replica_is_named_and_left_there() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let west = client(&engine, WEST);
    let schema = west.schemas(&catalog).await.expect("listed").swap_remove(0).name;
    west.create_schema(&uc::CreateSchema { name: "extra".into(), catalog_name: catalog.clone(), ..Default::default() })
        .await
        .expect("made");
    west.create_table(&view_of(&catalog, &schema, "stranger")).await.expect("made");
    let report = engine.control().verify(&core(), false).await.expect("compared");
    for name in [format!("{catalog}.{schema}.stranger"), format!("{catalog}.extra")] {
        let found = object(&report, &name);
        assert_eq!(found.status, ObjectStatus::Drifted, "{found:?}");
        assert!(found.message().is_some_and(|message| message.contains("us-west-2")), "{found:?}");
    }
    engine.stop().await;
}

fn view_of(catalog: &str, schema: &str, name: &str) -> uc::CreateTable {
    uc::CreateTable {
        name: name.to_owned(),
        catalog_name: catalog.to_owned(),
        schema_name: schema.to_owned(),
        table_type: uc::TABLE_VIEW.to_owned(),
        view_definition: Some("SELECT 1 AS one".to_owned()),
        ..Default::default()
    }
}

/// Makes a managed table of so many versions, as any writer would.
async fn make_table(east: &Arc<dyn RegionApi>, catalog: &str, schema: &str, name: &str, versions: i64) {
    let staging = uc::CreateStagingTable {
        catalog_name: catalog.to_owned(),
        schema_name: schema.to_owned(),
        name: name.to_owned(),
        ..Default::default()
    };
    let location = east.create_staging_table(&staging).await.expect("staged").staging_location;
    write_log(Path::new(location.strip_prefix("file://").expect("local")), name, versions);
    let table = uc::CreateTable {
        table_type: uc::TABLE_MANAGED.to_owned(),
        data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
        storage_location: Some(location),
        view_definition: None,
        ..view_of(catalog, schema, name)
    };
    east.create_table(&table).await.expect("registered");
}

/// Writes the log of a table without rows.
fn write_log(folder: &Path, id: &str, versions: i64) {
    let log = folder.join("_delta_log");
    std::fs::create_dir_all(&log).expect("a folder");
    let fields =
        json!({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": true, "metadata": {}}]});
    let metadata = json!({"metaData": {"id": id, "format": {"provider": "parquet", "options": {}},
        "schemaString": fields.to_string(), "partitionColumns": [], "configuration": {}}});
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    std::fs::write(log.join(format!("{:020}.json", 0)), format!("{protocol}\n{metadata}\n")).expect("written");
    for version in 1..versions {
        let action = json!({"txn": {"appId": id, "version": version}});
        std::fs::write(log.join(format!("{version:020}.json")), format!("{action}\n")).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_tables_and_schemas_follow_what_becomes_of_them_at_the_source() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let (east, west) = (client(&engine, EAST), client(&engine, WEST));
    east.create_schema(&uc::CreateSchema {
        name: "moving".into(),
        catalog_name: catalog.clone(),
        ..Default::default()
    })
    .await
    .expect("made");
    let name = format!("{catalog}.moving.thing");
    let is = |kind: AssetKind| {
        let name = name.clone();
        move |report: &CompareReport| {
            report.objects.iter().any(|o| o.name == name && o.kind == kind && o.status == ObjectStatus::InSync)
                && report.objects.iter().all(|o| !o.status.is_difference())
        }
    };
    east.create_table(&view_of(&catalog, "moving", "thing")).await.expect("a view");
    verified(&engine, is(AssetKind::View)).await;
    east.delete_table(&name).await.expect("dropped");
    make_table(&east, &catalog, "moving", "thing", 3).await;
    verified(&engine, is(AssetKind::Table)).await;
    until(&engine, "core", |g| !g.has_replication_point_blocking_errors).await;
    east.delete_table(&name).await.expect("dropped");
    east.create_table(&view_of(&catalog, "moving", "thing")).await.expect("a view again");
    verified(&engine, is(AssetKind::View)).await;
    east.delete_table(&name).await.expect("dropped");
    let gone = |report: &CompareReport| report.objects.iter().all(|o| o.name != name && !o.status.is_difference());
    verified(&engine, gone).await;
    assert!(west.table(&name).await.expect("asked").is_none());
    east.delete_schema(&format!("{catalog}.moving"), false).await.expect("dropped");
    let schema = format!("{catalog}.moving");
    verified(&engine, |report| report.objects.iter().all(|o| o.name != schema)).await;
    assert!(west.schema(&schema).await.expect("asked").is_none());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_in_time_names_the_versions_of_what_was_there_and_not_of_what_it_replaced() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let east = client(&engine, EAST);
    let schema = east.schemas(&catalog).await.expect("listed").swap_remove(0).name;
    let name = format!("{catalog}.{schema}.reborn");
    let arrived = |version: i64| {
        let name = name.clone();
        move |report: &CompareReport| {
            report
                .objects
                .iter()
                .any(|o| o.name == name && o.status == ObjectStatus::InSync && o.replica_version == Some(version))
        }
    };
    make_table(&east, &catalog, &schema, "reborn", 5).await;
    verified(&engine, arrived(4)).await;
    let folder = folder(&east.table(&name).await.expect("asked").expect("there"));
    // Another table in the same place, of which the catalog hears nothing.
    std::fs::remove_dir_all(folder.join("_delta_log")).expect("dropped");
    write_log(&folder, "another", 2);
    verified(&engine, arrived(1)).await;
    let begun = Instant::now();
    let report = loop {
        let intent = Intent::ReadPoint { id: core(), at: Utc::now() };
        let Ok(NoticeDetail::Point(report)) = engine.perform("console", intent).await else { panic!("refused") };
        let reborn = report.tables.iter().find(|t| t.name == name).and_then(|t| t.version);
        if reborn == Some(1) {
            break report;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the old table's versions are still told: {reborn:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(report.is_held(), "{report:#?}");
    assert!(report.tables.len() > 1 && report.tables.iter().all(|t| t.by_timestamp == Some(true)));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_look_without_touching_and_mend_only_when_asked() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let (behind, source) = a_table(&engine, EAST, &catalog).await;
    let all = all_tables(&client(&engine, WEST), &catalog).await;
    let other =
        all.into_iter().filter(|t| t.table_type == uc::TABLE_MANAGED).max_by_key(|t| t.full_name()).expect("a table");
    let replica = a_table(&engine, WEST, &catalog).await.1;
    engine.stop().await;
    let data = dir.path().join("data");
    let data = data.to_str().expect("a path");
    let ask = |arguments: &[&str]| {
        let output = program(&[arguments, &["--data-dir", data]].concat());
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), answer, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let of = |answer: &Value, name: &str| {
        let objects = answer["objects"].as_array().expect("objects").clone();
        objects.into_iter().find(|o| o["name"] == name).expect("listed")
    };
    let version = commit_past_the_catalog(&source);
    for _ in 0..2 {
        let (status, answer, errors) = ask(&["verify", "core"]);
        assert_eq!(status, Some(0), "{errors}");
        let table = of(&answer, &behind);
        assert_eq!((&table["status"], &table["error_class"]), (&json!("lagging"), &Value::Null), "{table}");
        assert_eq!(newest_commit(&replica).0, version - 1, "nothing replicates while it is only looked at");
    }
    flip_a_bit(&a_data_file(&folder(&other)));
    assert_eq!(ask(&["verify", "core"]).0, Some(0), "only a deep look reads the bytes");
    let (status, answer, _) = ask(&["verify", "core", "--deep"]);
    assert_eq!((status, &of(&answer, &other.full_name())["status"]), (Some(1), &json!("drifted")));
    let (status, answer, errors) = ask(&["verify", "core", "--deep", "--repair"]);
    assert_eq!(status, Some(0), "{answer} {errors}");
    assert_eq!(answer["repaired"].as_array().map(Vec::len), Some(1), "{answer}");
    flip_a_bit(&a_data_file(&source));
    let (status, answer, errors) = ask(&["verify", "core", "--deep"]);
    assert_eq!((status, &answer["compared_with"]), (Some(0), &json!("ledger")), "{answer} {errors}");
    let (status, answer, errors) = ask(&["verify", "core", "--deep", "--against-source"]);
    assert_eq!((status, &answer["compared_with"]), (Some(1), &json!("source")), "{answer} {errors}");
    let table = of(&answer, &behind);
    assert_eq!((&table["status"], &table["error_class"]), (&json!("drifted"), &json!("DRIFT")), "{table}");
    assert!(errors.contains("the source's bytes"), "{errors}");
    assert_eq!(ask(&["verify", "core", "--against-source"]).0, Some(2), "it belongs to --deep");

    let file = dir.path().join("point.json");
    let (status, _, errors) = ask(&["points", "core", "--json", file.to_str().expect("a path")]);
    assert_eq!(status, Some(0), "{errors}");
    let point: Value = serde_json::from_slice(&std::fs::read(&file).expect("written")).expect("JSON");
    let table = point["tables"].as_array().expect("tables").iter().find(|t| t["name"] == behind).cloned();
    assert_eq!(table.map(|t| t["version"].clone()), Some(json!(version - 1)));
    let (status, _, _) = ask(&["points", "core", "--at", "2020-01-01T00:00:00Z"]);
    assert_eq!(status, Some(1), "there was no point then");
    assert_eq!(ask(&["points", "core", "--at", "yesterday"]).0, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_log_holds_any_more_leaves_the_ledger_and_old_points_are_thinned_out() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let (name, west) = a_table(&engine, WEST, &catalog).await;
    let (_, east) = a_table(&engine, EAST, &catalog).await;
    let store = Store::open(&dir.path().join("data/state.db")).expect("opens");
    let commits = || store.run_blocking(|tx| tx.commits(&core(), &name)).expect("read");
    assert_eq!(commits().first().map(|commit| commit.version), Some(0));
    let minute = Utc::now().duration_trunc(TimeDelta::minutes(1)).expect("a minute") - TimeDelta::days(3);
    let old = CommitRow {
        version: 0,
        sha256: String::new(),
        time_ms: (Utc::now() - TimeDelta::days(400)).timestamp_millis(),
    };
    let point = |at| store.run_blocking(|tx| tx.point_at(&core(), at)).expect("read").map(|(_, time)| time);
    let ancient = Utc::now() - TimeDelta::days(380);
    store
        .run_blocking(|tx| {
            tx.add_commits(&core(), "gone.long.ago", &[old], Utc::now())?;
            tx.add_point(&core(), 1, ancient)?;
            (0..120).try_for_each(|second| tx.add_point(&core(), 1, minute + TimeDelta::seconds(second)))
        })
        .expect("recorded");
    for folder in [&west, &east] {
        std::fs::remove_file(folder.join(format!("_delta_log/{:020}.json", 0))).expect("cleaned up");
    }
    let regions = engine.sandbox().expect("a sandbox").regions();
    let link = async |index: usize| {
        Endpoint::connect(
            &Region::new(&regions[index].region),
            &WorkspaceId::new(regions[index].workspace_id.as_str()),
            client(&engine, index),
        )
        .await
        .expect("up")
    };
    let (source, destination) = (link(EAST).await, link(WEST).await);
    let clock = SystemClock;
    let group = core();
    let round = TidyRound { group: &group, source: &source, destination: &destination, store: &store, clock: &clock };
    // A round thins out two days of minutes at most, so as not to hold anybody up.
    for _ in 0..4 {
        round.run().await.expect("tidied");
    }
    assert_ne!(commits().first().map(|commit| commit.version), Some(0), "neither log holds it");
    assert!(!commits().is_empty());
    assert_eq!(point(minute + TimeDelta::seconds(58)), None, "a year is kept, and one point a minute");
    assert_eq!(point(minute + TimeDelta::seconds(60)), Some(minute + TimeDelta::seconds(59)));
    assert_eq!(point(minute + TimeDelta::seconds(118)), Some(minute + TimeDelta::seconds(59)));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_refused_holds_the_point_back_alone_and_is_taken_up_again_once_it_is_mended() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, catalog) = group(dir.path()).await;
    let (name, folder) = a_table(&engine, EAST, &catalog).await;
    let (version, _) = newest_commit(&folder);
    let broken = folder.join(format!("_delta_log/{:020}.json", version + 1));
    std::fs::write(&broken, "{\"add\":").expect("written");
    let held = until(&engine, "core", |g| g.has_replication_point_blocking_errors).await.replication_point;
    let begun = Instant::now();
    loop {
        let view = engine.control().view();
        let group = &view.groups[0];
        let error = group.errors.first().expect("flagged");
        assert_eq!((error.object.as_str(), error.class), (name.as_str(), ErrorClass::CorruptLog));
        assert_eq!(group.group.replication_point, held, "it stays where it was");
        // The other point goes on over many cycles that do not plan the table again.
        if group.point_without_failing > held && group.cycle.iteration > 5 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the other point stands still");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    std::fs::remove_file(&broken).expect("mended");
    until(&engine, "core", |g| !g.has_replication_point_blocking_errors && g.replication_point > held).await;
    engine.stop().await;
}
