//! A region goes away while someone watches: what the running engine shows, and how soon.

use super::support::{catalogs, engine, named, spec, until_active};
use resilience::control::view::{GroupView, RegionView};
use resilience::domain::Region;
use resilience::domain::{AssetKind, FailoverKind, GroupId, ObjectStatus};
use resilience::runtime::{Engine, Intent};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An outage is known everywhere within this.
const KNOWN_WITHIN: Duration = Duration::from_secs(2);

fn group(engine: &Engine) -> Arc<GroupView> {
    engine.control().view().groups.first().expect("listed").clone()
}

fn region(engine: &Engine, name: &str) -> RegionView {
    engine.control().view().regions.iter().find(|r| r.name == name).expect("listed").clone()
}

/// Waits until `done`, looking whenever something changed; how long it took.
async fn until_shown(engine: &Engine, what: &str, patience: Duration, done: impl Fn(&Engine) -> bool) -> Duration {
    let begun = Instant::now();
    let mut changes = engine.control().changes();
    while !done(engine) {
        assert!(begun.elapsed() < patience, "{what}: not within {patience:?}");
        let _ = tokio::time::timeout(Duration::from_millis(20), changes.changed()).await;
    }
    begun.elapsed()
}

async fn replicated(dir: &Path, commits: f64) -> (Engine, GroupId, Vec<String>) {
    let engine = engine(dir, commits).await;
    let all = catalogs(&engine).await;
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    engine.control().create_group("tester", spec(&engine, "core", &names), false).await.expect("created");
    until_active(&engine, "core").await;
    (engine, GroupId::new("core").expect("an id"), all)
}

async fn ask(engine: &Engine, id: &GroupId) {
    engine.perform("console", Intent::EstimateLoss { id: id.clone() }).await.expect("answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_region_is_dead_everywhere_within_two_seconds_and_back_at_once() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, id, _) = replicated(dir.path(), 4.0).await;
    let before = group(&engine);
    assert!(before.as_of.is_none());
    engine.sandbox().expect("a sandbox").take_down("us-east-1").await.expect("down");
    // Together: an answer that was on its way when the region went makes it alive once more for a moment.
    let shown = |engine: &Engine| {
        region(engine, "us-east-1").unreachable_since.is_some()
            && group(engine).as_of.is_some()
            && engine.control().away_since(&Region::new("us-east-1")).is_some()
    };
    until_shown(&engine, "the outage", KNOWN_WITHIN, shown).await;
    assert_eq!(region(&engine, "us-west-2").unreachable_since, None);

    let now = group(&engine);
    let statuses = |view: &GroupView| -> Vec<(AssetKind, String, bool)> {
        let broken = |o: &ObjectStatus| !matches!(o, ObjectStatus::InSync | ObjectStatus::Lagging);
        view.objects.iter().map(|o| (o.kind, o.name.clone(), broken(&o.status))).collect()
    };
    assert_eq!(statuses(&now), statuses(&before), "a dead region makes no object fail");
    until_shown(&engine, "the worker's error", KNOWN_WITHIN, |e| group(e).blocking_error.is_some()).await;
    assert_eq!(group(&engine).errors.len(), before.errors.len() + 1, "the region fails, and no object does");
    let verified = engine.control().verify(&id, false).await.expect("compared");
    assert!(verified.objects.iter().all(|o| o.status == ObjectStatus::Unknown), "a comparison could not be made");

    engine.sandbox().expect("a sandbox").bring_up("us-east-1").await.expect("up");
    until_shown(&engine, "the return", KNOWN_WITHIN, |e| region(e, "us-east-1").unreachable_since.is_none()).await;
    let whole = |engine: &Engine| group(engine).as_of.is_none() && group(engine).blocking_error.is_none();
    until_shown(&engine, "the first cycle after it", Duration::from_secs(30), whole).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_known_where_no_group_asks_anything() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    until_shown(&engine, "the regions", Duration::from_secs(30), |e| region(e, "us-west-2").read_at.is_some()).await;
    engine.sandbox().expect("a sandbox").take_down("us-west-2").await.expect("down");
    until_shown(&engine, "the outage", KNOWN_WITHIN, |e| region(e, "us-west-2").unreachable_since.is_some()).await;
    engine.sandbox().expect("a sandbox").bring_up("us-west-2").await.expect("up");
    until_shown(&engine, "the return", KNOWN_WITHIN, |e| region(e, "us-west-2").unreachable_since.is_none()).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_is_counted_at_the_source_while_it_answers() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, id, all) = replicated(dir.path(), 0.0).await;
    ask(&engine, &id).await;
    let loss = group(&engine).loss_estimate.clone();
    assert_eq!((loss.commits, loss.rows, loss.tables.len()), (Some(0), Some(0), 0), "{loss:?}");
    assert!(loss.as_of.is_some() && loss.likely.is_none() && loss.unknown.is_empty(), "{loss:?}");

    // A cycle goes on for as long as it trusts what it read of the secondary before. Once one has failed, nothing arrives,
    // so what is committed then would be lost.
    engine.sandbox().expect("a sandbox").take_down("us-west-2").await.expect("down");
    until_shown(&engine, "the outage", KNOWN_WITHIN, |e| region(e, "us-west-2").unreachable_since.is_some()).await;
    until_shown(&engine, "a failed cycle", Duration::from_secs(60), |e| group(e).blocking_error.is_some()).await;
    let truth = engine.sandbox().expect("a sandbox").truth("us-east-1", &named(&all)).await.expect("read");
    let table = truth.first().expect("a table");
    let log = table.folder.join("_delta_log");
    let before = newest(&log);
    for _ in 0..3 {
        engine.sandbox().expect("a sandbox").commit("us-east-1", &table.full_name).await.expect("committed");
    }
    let (mut rows, mut bytes) = (0, 0);
    for version in before + 1..=newest(&log) {
        let text = std::fs::read_to_string(log.join(format!("{version:020}.json"))).expect("a commit");
        for action in text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an action")) {
            if let Some(add) = action.get("add") {
                let stats = add["stats"].as_str().expect("the sandbox writes statistics");
                let stats: serde_json::Value = serde_json::from_str(stats).expect("statistics");
                rows += stats["numRecords"].as_u64().expect("a count");
                bytes += add["size"].as_u64().expect("a size");
            }
        }
    }
    ask(&engine, &id).await;
    let loss = group(&engine).loss_estimate.clone();
    let made = (newest(&log) - before) as u64;
    assert_eq!((loss.commits, loss.rows, loss.bytes), (Some(made), Some(rows), Some(bytes)), "{loss:?}");
    assert_eq!(loss.tables, std::slice::from_ref(&table.full_name));
    assert!(made >= 3 && loss.seconds > Some(0.0), "{loss:?}");
    engine.stop().await;
}

/// The newest version in a log.
fn newest(log: &Path) -> i64 {
    let names = std::fs::read_dir(log).expect("a log").map(|entry| entry.expect("an entry").file_name());
    let versions = names.filter_map(|name| name.to_str()?.strip_suffix(".json")?.parse().ok());
    versions.max().expect("a commit")
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_source_dead_the_loss_is_what_the_last_look_knew_and_an_estimate_since() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, id, _) = replicated(dir.path(), 8.0).await;
    // An estimate needs some history of the group's own.
    let old = |engine: &Engine| {
        let view = group(engine);
        view.group.replication_point.is_some_and(|point| (point - view.group.create_time).num_seconds() >= 11)
    };
    until_shown(&engine, "a history", Duration::from_secs(60), old).await;
    engine.sandbox().expect("a sandbox").take_down("us-east-1").await.expect("down");
    until_shown(&engine, "the outage", KNOWN_WITHIN, |e| region(e, "us-east-1").unreachable_since.is_some()).await;
    ask(&engine, &id).await;
    let loss = group(&engine).loss_estimate.clone();
    let away_since = region(&engine, "us-east-1").unreachable_since.expect("away");
    let as_of = loss.as_of.expect("a cycle looked before");
    assert!(as_of <= away_since, "{loss:?}");
    assert_eq!(loss.commits, Some(0), "everything up to the last cycle's cut had arrived");
    let likely = loss.likely.expect("an estimate");
    assert_eq!(likely.since, as_of);
    assert!(likely.commits > 0.2 && likely.commits < 40.0, "{likely:?}");
    assert!(likely.rows > Some(0.0) && likely.bytes > Some(0.0), "read in the replica's log: {likely:?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_regions_show_at_once_what_replication_and_a_failover_did() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (engine, id, all) = replicated(dir.path(), 0.0).await;
    let soon = Duration::from_secs(5);
    let holds = |engine: &Engine| {
        let west = region(engine, "us-west-2");
        all.iter().all(|name| west.catalogs.iter().any(|c| &c.name == name && c.read_only))
    };
    until_shown(&engine, "the replica's catalogs", soon, holds).await;
    let group = engine.control().group(&id).expect("there");
    let answer = engine
        .control()
        .fail_over("tester", &id, &Region::new("us-west-2"), FailoverKind::Planned, Some(&group.etag))
        .await;
    answer.expect("accepted");
    super::support::until(&engine, "core", |g| g.effective_primary_region == "us-west-2").await;
    until_active(&engine, "core").await;
    let turned = |engine: &Engine| {
        let writable = |name: &str, read_only: bool| {
            let catalogs = region(engine, name).catalogs;
            all.iter().all(|name| catalogs.iter().any(|c| &c.name == name && c.read_only == read_only))
        };
        writable("us-west-2", false) && writable("us-east-1", true)
    };
    until_shown(&engine, "the turned bindings", soon, turned).await;
    engine.stop().await;
}
