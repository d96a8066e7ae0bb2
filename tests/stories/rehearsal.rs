//! Drills of a real group: what they prove, what they find, and that nothing of them stays.

use super::support::{account, catalogs, engine, engine_with_api, spec, until_active};
use resilience::control::ControlError;
use resilience::domain::{
    CatalogName, Drill, DrillKind, DrillOutcome, DrillStep, GroupId, ObjectStatus, Proof, StepStatus,
};
use resilience::runtime::Engine;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn core() -> GroupId {
    GroupId::new("core").expect("an id")
}

async fn group(engine: &Engine) {
    let catalogs = catalogs(engine).await;
    let names: Vec<&str> = catalogs.iter().map(String::as_str).collect();
    engine.control().create_group("tester", spec(engine, "core", &names), false).await.expect("created");
    until_active(engine, "core").await;
}

fn drills(engine: &Engine) -> Vec<Arc<Drill>> {
    engine.control().rehearsals_of(&core()).expect("the group is there").drills
}

fn proof(engine: &Engine) -> Option<Proof> {
    engine.control().rehearsals_of(&core()).expect("the group is there").last_proof
}

/// Waits until the newest drill is as `done` says.
async fn until_drill(engine: &Engine, done: impl Fn(&Drill) -> bool) -> Arc<Drill> {
    let begun = Instant::now();
    let mut changes = engine.control().changes();
    loop {
        let newest = drills(engine).first().cloned();
        if let Some(drill) = newest.filter(|drill| done(drill)) {
            return drill;
        }
        let drills = drills(engine);
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain: {drills:#?}");
        let _ = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
    }
}

fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => _ = found.insert(entry.path()),
            }
        }
    }
    found
}

async fn catalogs_in_west(engine: &Engine) -> Vec<CatalogName> {
    engine.control().refresh_regions();
    let workspace = engine.control().view().workspaces[1].region.clone();
    engine.control().replicable_catalogs(&workspace).await.expect("asked")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolated_drill_holds_and_leaves_nothing_while_jobs_write() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = engine(dir.path(), 20.0).await;
    group(&engine).await;
    let before = catalogs_in_west(&engine).await;
    engine.control().start_drill("ada", &core(), DrillKind::Isolated, false).await.expect("started");
    let again = engine.control().start_drill("bob", &core(), DrillKind::Isolated, false).await.expect_err("one runs");
    assert!(matches!(&again, ControlError::Refused { sentence } if sentence.contains("runs already")), "{again}");
    let drill = until_drill(&engine, |drill| !drill.is_running()).await;
    assert_eq!(drill.outcome, DrillOutcome::Held, "{drill:#?}");
    assert!(
        drill.tables.len() > 5 && drill.tables.iter().all(|table| table.rows.is_some_and(|rows| rows > 0)),
        "{drill:#?}"
    );
    assert!(drill.tables.iter().all(|table| table.shared_bytes == table.bytes), "one disk: nothing is copied");
    assert!(drill.point.is_some() && drill.rpo_seconds.is_some());
    assert_eq!(catalogs_in_west(&engine).await, before, "no catalog of the drill is left");
    let left: Vec<_> =
        files_below(dir.path()).into_iter().filter(|path| path.display().to_string().contains("_drills")).collect();
    assert!(left.is_empty(), "{left:?}");
    let proof = proof(&engine).expect("proven");
    assert_eq!(proof.by, "isolated drill");
    // The replica is untouched: every file has the bytes of the ledger.
    let report = engine.control().verify(&core(), true).await.expect("compared");
    let damaged: Vec<_> =
        report.objects.iter().filter(|o| o.status.is_difference() && o.status != ObjectStatus::Lagging).collect();
    assert!(damaged.is_empty(), "{damaged:#?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_replica_does_not_hold_and_the_drill_names_the_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = engine(dir.path(), 0.0).await;
    group(&engine).await;
    let west = dir.path().join("data/sandbox");
    let is_replica = |path: &&PathBuf| {
        let text = path.display().to_string();
        text.contains("us-west-2") && text.ends_with(".parquet") && !text.contains("_delta_log")
    };
    let victim = files_below(&west).iter().find(is_replica).cloned().expect("a data file of the replica");
    // All of its folder: an older version alone may need the first one.
    let folder = victim.parent().expect("a folder");
    for path in files_below(folder).iter().filter(is_replica) {
        let bytes = std::fs::read(path).expect("read");
        std::fs::write(path, &bytes[..bytes.len() - 4]).expect("cut short");
    }
    engine.control().start_drill("ada", &core(), DrillKind::Isolated, false).await.expect("started");
    let drill = until_drill(&engine, |drill| !drill.is_running()).await;
    assert_eq!(drill.outcome, DrillOutcome::NotHeld, "{drill:#?}");
    let place = folder.display().to_string();
    assert!(drill.problems.iter().any(|problem| problem.contains(".parquet")), "{place}: {:#?}", drill.problems);
    let cleaned = drill.steps.iter().find(|record| record.step == DrillStep::CleanUp).expect("a step");
    assert_eq!(cleaned.status, StepStatus::Done, "{drill:#?}");
    assert!(proof(&engine).is_none(), "it proves nothing");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_drill_goes_over_waits_for_a_person_and_comes_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = engine_with_api(dir.path()).await;
    group(&engine).await;
    let (east, admin) =
        (engine.control().group(&core()).expect("known").effective_primary_region, account(&engine, "admin").await);
    let viewer = account(&engine, "viewer").await;
    let path = "failover-groups/core/drills";
    assert_eq!(viewer.post(path, json!({"kind": "FULL"})).await.0, 403);
    assert_eq!(admin.post(path, json!({"kind": "PARTIAL"})).await.0, 400);
    let (status, started) = admin.post(path, json!({"kind": "FULL", "wait_for_person": true})).await;
    assert_eq!((status, started["kind"].as_str()), (200, Some("FULL")), "{started}");
    let waiting = until_drill(&engine, Drill::is_waiting).await;
    let group = engine.control().group(&core()).expect("known");
    assert_eq!(group.effective_primary_region, waiting.secondary, "it is over");
    let (status, _) = admin.post(&format!("{path}/go-on"), json!({"drill_id": started["id"]})).await;
    assert_eq!(status, 200);
    let drill = until_drill(&engine, |drill| !drill.is_running()).await;
    assert_eq!(drill.outcome, DrillOutcome::Held, "{drill:#?}");
    assert!(drill.rto_seconds.is_some() && drill.failback_rto_seconds.is_some() && drill.tables_verified > 5);
    assert_eq!(drill.let_go_by.as_deref(), Some("admin"));
    assert_eq!(engine.control().group(&core()).expect("known").effective_primary_region, east, "it is back");
    for call in ["go-on", "report"] {
        let (status, answer) = admin.post(&format!("{path}/{call}"), json!({"drill": drill.id})).await;
        assert!(status == 400 && answer["message"].as_str().is_some_and(|m| m.contains("drill_id")), "{answer}");
    }
    let (status, report) = admin.post(&format!("{path}/report"), json!({"drill_id": drill.id})).await;
    assert_eq!(status, 200);
    let html = report["html"].as_str().expect("a page");
    assert!(
        html.contains("RTO over") && html.contains("Fail back") && !html.contains("http"),
        "self-contained: {html}"
    );
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_group_of_the_same_name_has_no_drills_and_is_not_proven() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = engine(dir.path(), 0.0).await;
    group(&engine).await;
    engine.control().start_drill("ada", &core(), DrillKind::Isolated, false).await.expect("started");
    let drill = until_drill(&engine, |drill| !drill.catalogs.is_empty()).await;
    engine.control().delete_group("ada", &core(), None).await.expect("accepted");
    // Its copy is removed although the group is gone.
    let begun = Instant::now();
    while catalogs_in_west(&engine).await.iter().any(|name| drill.catalogs.contains(name))
        || engine.control().group(&core()).is_ok()
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let catalogs = catalogs(&engine).await;
    let names: Vec<&str> = catalogs.iter().map(String::as_str).collect();
    engine.control().create_group("tester", spec(&engine, "core", &names), false).await.expect("created");
    assert!(drills(&engine).is_empty() && proof(&engine).is_none());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_that_a_stop_interrupts_goes_on_and_removes_its_copy() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = engine(dir.path(), 0.0).await;
    group(&first).await;
    first.control().start_drill("ada", &core(), DrillKind::Isolated, false).await.expect("started");
    until_drill(&first, |drill| !drill.catalogs.is_empty() || !drill.is_running()).await;
    first.stop().await;
    let second = engine(dir.path(), 0.0).await;
    let drill = until_drill(&second, |drill| !drill.is_running()).await;
    assert_eq!(drill.outcome, DrillOutcome::Held, "{drill:#?}");
    assert!(!catalogs_in_west(&second).await.iter().any(|name| name.as_str().starts_with("drill_")));
    second.stop().await;
}
