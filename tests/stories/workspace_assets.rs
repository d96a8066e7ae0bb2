//! Workspace assets of a group over HTTP: they arrive at rest, and a failover and its way back go by their ids.

use super::left_behind::admin;
use super::support::{engine, spec_with_assets, until, until_active};
use resilience::connect::RegionApi;
use resilience::domain::{AssetKind, FailoverKind, GroupId, GroupState, ObjectStatus, Region};
use resilience::runtime::Engine;
use resilience::wire::jobs::{CreateJob, JobInfo};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

fn id() -> GroupId {
    GroupId::new("core").expect("an id")
}

async fn job(region: &Arc<dyn RegionApi>, name: &str, table: &str) -> i64 {
    let settings: Value = json!({"name": name, "continuous": {"pause_status": "UNPAUSED"}, "tasks": [{"task_key": "t",
        "notebook_task": {"notebook_path": "/Shared/etl/x", "base_parameters": {"target_table": table}}}]});
    let settings = serde_json::from_value(settings).expect("settings");
    region.create_job(&CreateJob { job_id: None, settings }).await.expect("made")
}

async fn named(region: &Arc<dyn RegionApi>, name: &str) -> Option<JobInfo> {
    let jobs = region.whole_jobs().await.expect("they read");
    jobs.into_iter().find(|job| job.settings.name.as_deref() == Some(name))
}

/// Waits until a region has a job that is as `done` says.
async fn until_job(region: &Arc<dyn RegionApi>, name: &str, done: impl Fn(&JobInfo) -> bool) -> JobInfo {
    let begun = Instant::now();
    loop {
        let found = named(region, name).await;
        if let Some(job) = found.clone().filter(&done) {
            return job;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {name}: {found:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn fail_over(engine: &Engine, target: &str) {
    let target = Region::new(target);
    engine.control().fail_over("tester", &id(), &target, FailoverKind::Planned, None).await.expect("accepted");
    until(engine, "core", |g| g.state != GroupState::FailingOver).await;
    let group = until_active(engine, "core").await;
    assert_eq!(group.effective_primary_region, target);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_arrive_paused_and_each_failover_resumes_only_those_that_the_group_covers() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let (east, west) = (admin(&engine, EAST), admin(&engine, WEST));
    job(&east, "of_sales", "sales.orders.orders").await;
    job(&east, "of_finance", "finance.ledger.entries").await;
    let wanted = spec_with_assets(&engine, "core", &["sales"]);
    engine.control().create_group("tester", wanted, false).await.expect("created");
    until_active(&engine, "core").await;
    let replica = named(&west, "of_sales").await.expect("it has arrived once the group is active");
    assert!(!replica.settings.is_unpaused(), "{replica:#?}");
    assert!(named(&east, "of_sales").await.expect("there").settings.is_unpaused());
    let view = engine.control().view();
    let listed = view.groups[0].objects.iter().find(|o| o.kind == AssetKind::Job && o.name == "of_sales");
    let listed = listed.expect("listed").clone();
    assert_eq!((listed.status, listed.replica_id), (ObjectStatus::InSync, Some(replica.job_id.to_string())));

    fail_over(&engine, WEST).await;
    assert!(!named(&east, "of_sales").await.expect("there").settings.is_unpaused(), "the old primary is at rest");
    let said = engine.control().resume_workloads("tester", &id()).await.expect("resumed");
    assert!(said.contains("Still paused") && said.contains("of_finance (finance)"), "{said}");
    assert!(named(&west, "of_sales").await.expect("there").settings.is_unpaused());
    assert!(!named(&west, "of_finance").await.expect("there").settings.is_unpaused());

    // The way back: a job that is made in the new primary, and the same ids.
    let made = job(&west, "made_in_the_west", "sales.orders.orders").await;
    let back = until_job(&east, "made_in_the_west", |job| !job.settings.is_unpaused()).await;
    assert_eq!(back.job_id, made, "the sandbox keeps ids");
    fail_over(&engine, EAST).await;
    engine.control().resume_workloads("tester", &id()).await.expect("resumed");
    for name in ["of_sales", "made_in_the_west"] {
        assert!(named(&east, name).await.expect("there").settings.is_unpaused(), "{name}");
        until_job(&west, name, |job| !job.settings.is_unpaused()).await;
    }
    let jobs = west.whole_jobs().await.expect("they read");
    let twice = jobs.iter().filter(|job| job.settings.name.as_deref() == Some("of_sales")).count();
    assert_eq!(twice, 1, "no failover makes a job twice");
    engine.stop().await;
}
