//! What the stories share: the program, a sandbox in a temporary folder, and waiting for conditions.

use resilience::api::ApiOptions;
use resilience::connect::StorageOptions;
use resilience::control::ControlSettings;
use resilience::domain::Region;
use resilience::domain::{
    CatalogName, Clock, FailoverGroup, FailoverGroupSpec, FailoverKind, GroupId, GroupState, LocationMapping, Role,
    SystemClock, UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use resilience::runtime::{DataDir, Engine, EngineOptions, SandboxSource};
use serde_json::Value;
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

/// A runtime on a sandbox in `dir`, with its account API served.
pub async fn engine_with_api(dir: &Path) -> Engine {
    engine_with(dir, ControlSettings::default()).await
}

/// The same with settings of the test's own.
pub async fn engine_with(dir: &Path, control: ControlSettings) -> Engine {
    let options = EngineOptions {
        sandbox: SandboxSource { commits_per_second: Some(0.0), seed: 7, ..SandboxSource::default() },
        control: ControlSettings { quiet_period: Duration::from_millis(150), ..control },
        api: Some(ApiOptions::default()),
        ..EngineOptions::default()
    };
    let data_dir = DataDir::hold(&dir.join("data")).expect("the data dir is free");
    Engine::start(data_dir, options, Arc::new(SystemClock)).await.expect("the runtime starts")
}

/// A caller of the account API.
pub struct Account {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// A caller with a new token of a role, which is also its name.
pub async fn account(engine: &Engine, role: &str) -> Account {
    let of = Role::ALL.into_iter().find(|known| known.as_str() == role).expect("a role");
    let (_, token) = engine.control().create_token("tester", role, of).await.expect("made");
    account_with(engine, token.expose())
}

/// A caller with this token.
pub fn account_with(engine: &Engine, token: &str) -> Account {
    let ready = engine.ready();
    let url =
        format!("{}/api/disaster-recovery/v1/accounts/{}", ready.api_url.expect("the API is served"), ready.account_id);
    Account { client: reqwest::Client::new(), url, token: token.to_owned() }
}

impl Account {
    /// The same caller at another start of the account.
    pub fn at(self, engine: &Engine) -> Self {
        account_with(engine, &self.token)
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(reqwest::Method::PATCH, path, Some(body)).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call(reqwest::Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(reqwest::Method::POST, path, Some(body)).await
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.client.request(method, format!("{}/{path}", self.url)).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}")))
    }
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
        rules: Default::default(),
        id: GroupId::new(name).expect("an id"),
        regions: regions.iter().map(|r| Region::new(&r.region)).collect(),
        initial_primary_region: Region::new(regions[0].region.clone()),
        workspace_sets: vec![WorkspaceSet {
            name: "workspaces".to_owned(),
            workspace_ids: regions.iter().map(|r| WorkspaceId::new(r.workspace_id.as_str())).collect(),
            replicate_workspace_assets: false,
            stable_url_names: vec![],
        }],
        unity_catalog_assets: Some(UnityCatalogAssets {
            catalogs: catalogs.iter().copied().map(CatalogName::new).collect(),
            data_replication_workspace_set: "workspaces".to_owned(),
            location_mappings: vec![LocationMapping {
                name: "storage".to_owned(),
                uri_by_region: regions.iter().map(|r| (Region::new(&r.region), uri(&r.storage_root))).collect(),
            }],
        }),
    }
}

/// [`spec`], and the assets of the workspaces replicate too.
pub fn spec_with_assets(engine: &Engine, name: &str, catalogs: &[&str]) -> FailoverGroupSpec {
    let mut spec = spec(engine, name, catalogs);
    spec.workspace_sets[0].replicate_workspace_assets = true;
    spec
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
    let names = engine.control().replicable_catalogs(&home).await.expect("the region answers");
    names.iter().map(CatalogName::to_string).collect()
}

/// Names of catalogs as the runtime takes them.
pub fn named(catalogs: &[String]) -> Vec<CatalogName> {
    catalogs.iter().map(CatalogName::new).collect()
}

/// A group that failed over by force from a dead primary whose jobs went on for a while, and has it back as its secondary.
pub async fn left_by_force(engine: &Engine) {
    let [home, away] = [0, 1].map(|at| engine.regions()[at].region.clone());
    let all = catalogs(engine).await;
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    engine.control().create_group("tester", spec(engine, "core", &names), false).await.expect("created");
    until_active(engine, "core").await;
    let sandbox = engine.sandbox().expect("a sandbox");
    let tables = sandbox.truth(home.as_str(), &named(&all)).await.expect("known");
    sandbox.take_down(home.as_str()).await.expect("down");
    for table in tables.iter().take(6) {
        for _ in 0..4 {
            sandbox.commit(home.as_str(), &table.full_name).await.expect("a commit");
        }
    }
    engine
        .control()
        .fail_over("tester", &GroupId::new("core").expect("an id"), &away, FailoverKind::Forced, None)
        .await
        .expect("accepted");
    until(engine, "core", |g| g.state != GroupState::FailingOver).await;
    sandbox.bring_up(home.as_str()).await.expect("up");
    until(engine, "core", |g| g.state == GroupState::Active && !g.salvage_pending).await;
}
