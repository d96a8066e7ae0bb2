//! Addresses with ids of assets, through a stable URL, where no region keeps another one's ids.

use super::left_behind::admin;
use super::support::{spec, until, until_active};
use resilience::control::ControlSettings;
use resilience::domain::{FailoverKind, GroupId, GroupState, Region, SystemClock};
use resilience::gateway::GatewayOptions;
use resilience::runtime::{DataDir, Engine, EngineOptions, SandboxSource};
use resilience::wire::jobs::CreateJob;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub const EAST: &str = "us-east-1";
pub const WEST: &str = "us-west-2";

pub async fn engine(dir: &Path) -> Engine {
    let options = EngineOptions {
        sandbox: SandboxSource { commits_per_second: Some(0.0), seed: 7, ..SandboxSource::default() },
        control: ControlSettings { quiet_period: Duration::from_millis(150), ..ControlSettings::default() },
        gateway: Some(GatewayOptions::default()),
        ..EngineOptions::default()
    };
    let data_dir = DataDir::hold(&dir.join("data")).expect("the data dir is free");
    Engine::start(data_dir, options, Arc::new(SystemClock)).await.expect("the runtime starts")
}

pub fn token(engine: &Engine, region: &str) -> String {
    let all = engine.sandbox().expect("a sandbox").regions();
    let at = all.iter().find(|r| r.region == region).expect("the region");
    std::fs::read_to_string(&at.token_file).expect("a token").trim().to_owned()
}

pub async fn fail_over(engine: &Engine, target: &str) {
    let (id, target) = (GroupId::new("core").expect("an id"), Region::new(target));
    engine.control().fail_over("tester", &id, &target, FailoverKind::Planned, None).await.expect("accepted");
    until(engine, "core", |g| g.state != GroupState::FailingOver).await;
    assert_eq!(until_active(engine, "core").await.effective_primary_region, target);
}

/// Asks through the stable URL as a client that is logged in to the region that answers.
async fn ask(engine: &Engine, region: &str, path: &str) -> (u16, Value) {
    let url = engine.control().stable_urls().remove(0);
    let origin = engine.ready().gateway_url.expect("a gateway runs");
    let request = reqwest::Client::new().get(format!("{origin}{path}")).bearer_auth(token(engine, region));
    let answer = request.header("x-databricks-workspace-id", url.stable_workspace_id).send().await.expect("answered");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bookmark_with_an_id_opens_the_same_asset_after_a_failover_and_after_the_way_back() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path()).await;
    let regions = engine.sandbox().expect("a sandbox").regions();
    for region in &regions {
        let url = format!("{}/api/2.0/sandbox/faults", region.workspace_url);
        let request = reqwest::Client::new().put(url).bearer_auth(token(&engine, &region.region));
        let answer = request.json(&json!({"ids_are_its_own": true})).send().await.expect("answered");
        assert!(answer.status().is_success(), "{answer:?}");
    }
    let (east, west) = (admin(&engine, EAST), admin(&engine, WEST));
    let settings = serde_json::from_value(json!({"name": "nightly", "tasks": []})).expect("settings");
    let job = east.create_job(&CreateJob { job_id: None, settings }).await.expect("made").to_string();
    let made = json!({"name": "reports", "cluster_size": "Small", "max_num_clusters": 1});
    let warehouse = east.create_warehouse(&made).await.expect("made");

    engine.control().create_stable_url("tester", "shop", &regions[0].workspace_id, false).await.expect("made");
    let mut wanted = spec(&engine, "core", &["sales"]);
    wanted.workspace_sets[0].replicate_workspace_assets = true;
    wanted.workspace_sets[0].stable_url_names =
        vec![format!("accounts/{}/stable-urls/shop", engine.control().account_id())];
    engine.control().create_group("tester", wanted, false).await.expect("created");
    until_active(&engine, "core").await;
    let jobs = west.whole_jobs().await.expect("they read");
    let replica = jobs.iter().find(|job| job.settings.name.as_deref() == Some("nightly")).expect("it has arrived");
    let replica = replica.job_id.to_string();
    assert_ne!(replica, job, "no region keeps ids here");

    let job_at = |id: &str| format!("/api/2.1/jobs/get?job_id={id}");
    let warehouse_at = |id: &str| format!("/api/2.0/sql/warehouses/{id}");
    let job_of = |answer: &Value| (answer["settings"]["name"].clone(), answer["job_id"].to_string());
    let nightly = |id: &str| (json!("nightly"), id.to_owned());
    let (_, before) = ask(&engine, EAST, &job_at(&job)).await;
    assert_eq!(job_of(&before), nightly(&job));
    let (status, _) = ask(&engine, EAST, &job_at("1")).await;
    assert_eq!(status, 400, "an id that nothing has is still nobody's");

    fail_over(&engine, WEST).await;
    // The sandbox's workspace at its own address doesn't know the old id: it's the gateway that does.
    let direct = format!("{}{}", regions[1].workspace_url, job_at(&job));
    let direct = reqwest::Client::new().get(direct).bearer_auth(token(&engine, WEST)).send().await.expect("answered");
    assert_eq!(direct.status().as_u16(), 400);
    for id in [&job, &replica] {
        let (status, answer) = ask(&engine, WEST, &job_at(id)).await;
        assert_eq!((status, job_of(&answer)), (200, nightly(&replica)), "asked for {id}");
    }
    let (status, answer) = ask(&engine, WEST, &warehouse_at(&warehouse)).await;
    assert_eq!((status, &answer["name"]), (200, &json!("reports")), "{answer}");
    let moved = answer["id"].as_str().expect("an id").to_owned();
    assert_ne!(moved, warehouse);

    fail_over(&engine, EAST).await;
    for id in [&job, &replica] {
        let (status, answer) = ask(&engine, EAST, &job_at(id)).await;
        assert_eq!((status, job_of(&answer)), (200, nightly(&job)), "asked for {id} after the way back");
    }
    let (status, answer) = ask(&engine, EAST, &warehouse_at(&moved)).await;
    assert_eq!((status, answer["id"].as_str()), (200, Some(warehouse.as_str())), "{answer}");
    engine.stop().await;
}
