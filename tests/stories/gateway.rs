//! A client that knows one stable URL while failovers go on behind it.

use super::support::{catalogs, named, spec, until, until_active};
use resilience::control::ControlSettings;
use resilience::domain::Region;
use resilience::domain::{FailoverKind, GroupState, SystemClock};
use resilience::gateway::{GatewayOptions, HoldLimits};
use resilience::runtime::{DataDir, Engine, EngineOptions, SandboxSource};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// A client that asks who it talks to, over and over.
struct Client {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<Result<String, String>>>,
}

impl Client {
    fn start(url: String) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let task = tokio::spawn(async move {
            let http = reqwest::Client::new();
            let mut answers = Vec::new();
            while !told.load(Ordering::Relaxed) {
                answers.push(workspace(&http, &url).await);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            answers
        });
        Self { stop, task }
    }

    /// The workspaces that answered, in their order, each once for every time that it took over.
    async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let answers = self.task.await.expect("it ends");
        let mut seen = answers.into_iter().map(|answer| answer.expect("every request is answered")).collect::<Vec<_>>();
        seen.dedup();
        seen
    }
}

async fn workspace(http: &reqwest::Client, url: &str) -> Result<String, String> {
    let answer = http.get(url).send().await.map_err(|e| e.to_string())?;
    let status = answer.status();
    let body: Value = answer.json().await.map_err(|e| e.to_string())?;
    match body["workspace_id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(format!("{status}: {body}")),
    }
}

async fn fail_over(engine: &Engine, to: &str, kind: FailoverKind) {
    let group = until_active(engine, "core").await;
    let etag = Some(group.etag.as_str());
    engine.control().fail_over("story", &group.spec.id, &Region::new(to), kind, etag).await.expect("confirmed");
    until(engine, "core", |group| group.effective_primary_region == to && group.state != GroupState::FailingOver).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_a_stable_url_notices_no_failover() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let options = EngineOptions {
        sandbox: SandboxSource { commits_per_second: Some(0.0), seed: 7, ..SandboxSource::default() },
        control: ControlSettings { quiet_period: Duration::from_millis(150), ..ControlSettings::default() },
        // A machine under load may take its time; a person's limit is ten seconds.
        gateway: Some(GatewayOptions {
            hold: HoldLimits { time: Duration::from_secs(60), ..HoldLimits::default() },
            ..GatewayOptions::default()
        }),
        ..EngineOptions::default()
    };
    let data_dir = DataDir::hold(&dir.path().join("data")).expect("the data dir is free");
    let engine = Engine::start(data_dir, options, Arc::new(SystemClock)).await.expect("the runtime starts");
    let regions = engine.sandbox().expect("a sandbox").regions();
    let [east, west] = [&regions[0], &regions[1]];
    let made = engine.control().create_stable_url("story", "shop", &east.workspace_id, false).await.expect("made");
    let url = made.expect("made").url;
    let gateway = engine.ready().gateway_url.expect("a gateway runs");
    assert!(url.starts_with(&format!("{gateway}/?w=")), "{url} is not at {gateway}");

    let mut wanted = spec(&engine, "core", &[]);
    wanted.unity_catalog_assets.as_mut().expect("assets").catalogs = named(&catalogs(&engine).await);
    wanted.workspace_sets[0].stable_url_names =
        vec![format!("accounts/{}/stable-urls/shop", engine.control().account_id())];
    engine.control().create_group("story", wanted, false).await.expect("created");
    until_active(&engine, "core").await;

    let client = Client::start(url.replace("/?w=", "/.well-known/databricks-config?w="));
    fail_over(&engine, &west.region, FailoverKind::Planned).await;
    fail_over(&engine, &east.region, FailoverKind::Planned).await;
    engine.sandbox().expect("a sandbox").take_down(&east.region).await.expect("it is down");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let group = engine.control().groups().remove(0);
    let etag = Some(group.etag.as_str());
    engine
        .control()
        .fail_over("story", &group.spec.id, &Region::new(&west.region), FailoverKind::Forced, etag)
        .await
        .expect("confirmed");
    until(&engine, "core", |group| group.effective_primary_region == west.region.as_str() && group.epoch > 3).await;
    let mut seen = Vec::new();
    for _ in 0..200 {
        seen = engine.control().stable_urls();
        if seen[0].traffic.as_ref().is_some_and(|traffic| traffic.held == 0 && traffic.switches.len() == 3) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let traffic = seen.remove(0).traffic.expect("counted");
    assert_eq!((traffic.switches.len(), traffic.late), (3, 0), "{traffic:?}");
    let order = client.end().await;
    let wanted = [east, west, east, west].map(|region| region.workspace_id.clone());
    assert_eq!(order, wanted);
    engine.stop().await;
}
