//! What the stories share: the program, a sandbox in a temporary folder, and waiting for conditions.

use resilience::connect::StorageOptions;
use resilience::control::ControlSettings;
use resilience::domain::{
    Clock, FailoverGroup, FailoverGroupSpec, GroupId, GroupState, LocationMapping, SystemClock, UnityCatalogAssets,
    WorkspaceId, WorkspaceSet,
};
use resilience::runtime::{DataDir, Engine, EngineOptions, SandboxSource};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The program with arguments, to its end.
pub fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_resilience-console")).args(arguments).output().expect("the program starts")
}

/// A runtime on a sandbox in `dir`; `commits` a second.
pub async fn engine(dir: &Path, commits: f64) -> Engine {
    engine_with_stores(dir, commits, StorageOptions::default()).await
}

/// The same with a way to object stores.
pub async fn engine_with_stores(dir: &Path, commits: f64, stores: StorageOptions) -> Engine {
    start(dir, commits, stores, Arc::new(SystemClock)).await
}

/// The same by a clock of the test's own.
pub async fn engine_with_clock(dir: &Path, commits: f64, clock: Arc<dyn Clock>) -> Engine {
    start(dir, commits, StorageOptions::default(), clock).await
}

async fn start(dir: &Path, commits: f64, stores: StorageOptions, clock: Arc<dyn Clock>) -> Engine {
    let options = EngineOptions {
        sandbox: SandboxSource { commits_per_second: Some(commits), seed: 7, stores, ..SandboxSource::default() },
        control: ControlSettings { quiet_period: Duration::from_millis(150), ..ControlSettings::default() },
        ..EngineOptions::default()
    };
    let data_dir = DataDir::hold(&dir.join("data")).expect("the data dir is free");
    Engine::start(data_dir, options, clock).await.expect("the runtime starts")
}

/// A group over `catalogs` whose primary is the first region.
pub fn spec(engine: &Engine, name: &str, catalogs: &[&str]) -> FailoverGroupSpec {
    let regions = engine.sandbox().expect("a sandbox").regions();
    let uri = |root: &str| format!("{}/*", root.trim_end_matches('/'));
    FailoverGroupSpec {
        id: GroupId::new(name).expect("an id"),
        regions: regions.iter().map(|r| r.region.clone()).collect(),
        initial_primary_region: regions[0].region.clone(),
        workspace_sets: vec![WorkspaceSet {
            name: "workspaces".to_owned(),
            workspace_ids: regions.iter().map(|r| WorkspaceId::new(r.workspace_id.as_str())).collect(),
            replicate_workspace_assets: false,
            stable_url_names: vec![],
        }],
        unity_catalog_assets: Some(UnityCatalogAssets {
            catalogs: catalogs.iter().map(|c| (*c).to_owned()).collect(),
            data_replication_workspace_set: "workspaces".to_owned(),
            location_mappings: vec![LocationMapping {
                name: "storage".to_owned(),
                uri_by_region: regions.iter().map(|r| (r.region.clone(), uri(&r.storage_root))).collect(),
            }],
        }),
    }
}

/// Waits until the group is as `done` says, and panics with what it is after a minute.
pub async fn until(engine: &Engine, id: &str, done: impl Fn(&FailoverGroup) -> bool) -> FailoverGroup {
    let id = GroupId::new(id).expect("an id");
    let begun = Instant::now();
    let mut changes = engine.control().changes();
    loop {
        let group = engine.control().group(&id).expect("the group is there");
        if done(&group) {
            return group;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain: {group:#?}");
        let _ = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
    }
}

/// Waits until the group is ACTIVE.
pub async fn until_active(engine: &Engine, id: &str) -> FailoverGroup {
    until(engine, id, |group| group.state == GroupState::Active).await
}

/// Every catalog of the sandbox in which something can be replicated.
pub async fn catalogs(engine: &Engine) -> Vec<String> {
    let home = engine.regions()[0].region.clone();
    engine.control().replicable_catalogs(&home).await.expect("the region answers")
}
