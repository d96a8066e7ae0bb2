//! Failing over to an earlier instant, and failing over provisionally.

use super::left_behind::{core, view};
use super::recover::{appendable, reports};
use super::support::{account, catalogs, engine, engine_with_api, named, spec, until, until_active};
use resilience::domain::{Asker, FailoverKind, FailoverOrder, GroupState, RecoveryRequest, Region};
use resilience::runtime::Engine;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

async fn with_group(engine: &Engine) -> Vec<String> {
    let all = catalogs(engine).await;
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    engine.control().create_group("tester", spec(engine, "core", &names), false).await.expect("created");
    until_active(engine, "core").await;
    let tables = engine.sandbox().expect("a sandbox").truth(EAST, &named(&all)).await.expect("known");
    tables.into_iter().map(|table| table.full_name).collect()
}

/// Waits until everything that is committed now has arrived.
async fn until_arrived(engine: &Engine) {
    let now = chrono::Utc::now();
    until(engine, "core", |group| group.replication_point.is_some_and(|point| point >= now)).await;
}

fn order(kind: FailoverKind) -> FailoverOrder {
    FailoverOrder::new(&Region::new(WEST), kind)
}

/// The folders of the region's tables.
async fn folders(engine: &Engine, region: &str) -> BTreeMap<String, PathBuf> {
    let all = catalogs(engine).await;
    let truth = engine.sandbox().expect("a sandbox").truth(region, &named(&all)).await.expect("known");
    truth.into_iter().map(|table| (table.full_name, table.folder)).collect()
}

fn newest(folder: &Path) -> i64 {
    let names = std::fs::read_dir(folder.join("_delta_log")).expect("a log").flatten();
    let versions = names.filter_map(|name| name.file_name().to_str()?.strip_suffix(".json")?.parse().ok());
    versions.max().expect("a commit")
}

async fn whole(engine: &Engine) {
    until_active(engine, "core").await;
    let report = engine.control().verify(&core(), true).await.expect("compared");
    assert!(report.differing().is_empty(), "{:#?}", report.differing());
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_go_back_to_an_instant_and_what_came_later_is_salvaged_and_can_be_appended_again() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let tables = with_group(&engine).await;
    let sandbox = engine.sandbox().expect("a sandbox");
    for table in tables.iter().take(5) {
        sandbox.commit(EAST, table).await.expect("a commit");
    }
    until_arrived(&engine).await;
    let at = engine.control().group(&core()).expect("there").replication_point.expect("a point");
    let (before, west) = (folders(&engine, EAST).await, folders(&engine, WEST).await);
    let then: BTreeMap<&String, i64> = tables.iter().map(|table| (table, newest(&before[table]))).collect();
    for table in tables.iter().take(5) {
        for _ in 0..3 {
            sandbox.commit(EAST, table).await.expect("a commit");
        }
    }
    until_arrived(&engine).await;
    let control = engine.control();
    let future = control.as_of(&core(), chrono::Utc::now() + chrono::TimeDelta::hours(1)).await.expect_err("refused");
    assert!(future.to_string().contains("after the replication point"), "{future}");
    let report = control.as_of(&core(), at).await.expect("looked at");
    assert!(report.tables.len() + report.problems.len() >= 4, "{report:#?}");

    // What can't go back refuses the failover, and the sentence names it.
    let back = FailoverOrder { as_of: Some(at), ..order(FailoverKind::Planned) };
    if !report.problems.is_empty() {
        let refused = control.order_failover(&Asker::named("ada"), &core(), back, None).await.expect_err("refused");
        assert!(refused.to_string().contains(&report.problems[0]), "{refused}");
        engine.stop().await;
        return;
    }
    control.order_failover(&Asker::named("ada"), &core(), back, None).await.expect("confirmed");
    let group = until(&engine, "core", |g| g.state == GroupState::Active && g.effective_primary_region == WEST).await;
    for table in &report.tables {
        assert_eq!(then[&table.name], table.version, "{}", table.name);
        let log = west[&table.name].join(format!("_delta_log/{:020}.json", table.newest + 1));
        let text = std::fs::read_to_string(log).expect("the commit that restores");
        assert!(text.contains("\"RESTORE\""), "{text}");
        assert!(newest(&west[&table.name]) > table.newest, "the history is kept");
    }
    let lines = view(&engine).salvage.clone();
    assert_eq!(lines.len(), report.tables.len(), "{lines:#?}");
    assert!(lines.iter().all(|line| line.after == Some(at) && line.epoch == group.epoch && line.commits == 3));
    whole(&engine).await;

    let found = reports(&engine).await;
    let (of, commit) = appendable(&found);
    let before = newest(&west[of.table.split(" (").next().expect("a name")]);
    control.recover_salvage("ada", &of, vec![commit.version], RecoveryRequest::Append).await.expect("appended");
    assert_eq!(newest(&west[of.table.split(" (").next().expect("a name")]), before + 1);
    whole(&engine).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provisional_failover_is_kept_or_undone_and_what_was_written_meanwhile_is_salvaged() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine_with_api(dir.path()).await;
    let tables = with_group(&engine).await;
    let caller = account(&engine, "failover").await;
    let path = "failover-groups/core/failover";
    let body = json!({"target_primary_region": WEST, "failover_type": "PLANNED", "provisional_minutes": 0});
    let (status, answer) = caller.post(path, body).await;
    assert_eq!((status, answer["error_code"].as_str()), (400, Some("INVALID_PARAMETER_VALUE")), "{answer}");
    let body = json!({"target_primary_region": WEST, "failover_type": "PLANNED", "provisional_minutes": 30});
    let (status, answer) = caller.post(path, body.clone()).await;
    assert_eq!(status, 200, "{answer}");
    until_shown(&engine, |engine| view(engine).provisional.is_some_and(|known| known.until.is_some())).await;
    let (east, west) = (folders(&engine, EAST).await, folders(&engine, WEST).await);
    let table = &tables[0];
    let kept = newest(&east[table]);
    engine.sandbox().expect("a sandbox").commit(WEST, table).await.expect("a commit");
    let refused = engine.control().delete_group("ada", &core(), None).await.expect_err("kept or undone first");
    assert!(refused.to_string().contains("provisional"), "{refused}");
    engine.stop().await;

    let engine = engine_with_api(dir.path()).await;
    let caller = caller.at(&engine);
    assert!(view(&engine).provisional.is_some(), "a restart keeps it");
    assert_eq!(newest(&east[table]), kept, "nothing replicates meanwhile");
    let (status, answer) = caller.post("failover-groups/core/provisional/undo", json!({})).await;
    assert_eq!((status, answer["state"].as_str()), (200, Some("FAILING_OVER")), "{answer}");
    until_shown(&engine, |engine| {
        let group = view(engine).group;
        group.state == GroupState::Active && group.effective_primary_region == EAST
    })
    .await;
    let lines = view(&engine).salvage.clone();
    assert_eq!(lines.iter().map(|line| (&line.table, line.commits)).collect::<Vec<_>>(), [(table, 1)], "{lines:#?}");
    whole(&engine).await;

    let (status, _) = caller.post(path, body).await;
    assert_eq!(status, 200);
    until_shown(&engine, |engine| view(engine).provisional.is_some_and(|known| known.until.is_some())).await;
    let (status, answer) = caller.post("failover-groups/core/provisional/keep", json!({})).await;
    assert_eq!(status, 200, "{answer}");
    let group = until_active(&engine, "core").await;
    assert_eq!(group.effective_primary_region, WEST);
    let (status, answer) = caller.post("failover-groups/core/provisional/undo", json!({})).await;
    assert_eq!((status, answer["error_code"].as_str()), (400, Some("INVALID_STATE")), "{answer}");
    engine.sandbox().expect("a sandbox").commit(WEST, table).await.expect("a commit");
    until_arrived(&engine).await;
    assert_eq!(newest(&east[table]), newest(&west[table]), "replication goes on in the new direction");
    whole(&engine).await;
    engine.stop().await;
}

async fn until_shown(engine: &Engine, done: impl Fn(&Engine) -> bool) {
    let begun = std::time::Instant::now();
    let mut changes = engine.control().changes();
    while !done(engine) {
        assert!(begun.elapsed().as_secs() < 60, "waited in vain: {:#?}", (view(engine).operation, view(engine).errors));
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), changes.changed()).await;
    }
}
