//! The sandbox over real HTTP on loopback.

mod doors;
mod every_kind;

use super::{Sandbox, SandboxError, SandboxOptions};
use crate::domain::{CatalogName, SystemClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const UC: &str = "/api/2.1/unity-catalog";

async fn quiet(dir: &Path) -> Sandbox {
    start(dir, 0.0).await
}

async fn start(dir: &Path, commits_per_second: f64) -> Sandbox {
    let options = SandboxOptions { commits_per_second, tables: Some(12), ..SandboxOptions::new(dir) };
    Sandbox::start(options, Arc::new(SystemClock)).await.expect("it starts")
}

/// One caller of one region.
#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    fn user(sandbox: &Sandbox, region: &str) -> Self {
        let endpoint = sandbox.regions().into_iter().find(|r| r.region == region).expect("the region");
        let token = std::fs::read_to_string(&endpoint.token_file).expect("a token");
        Self { http: reqwest::Client::new(), url: endpoint.workspace_url, token }
    }

    fn product(sandbox: &Sandbox, region: &str) -> Self {
        let endpoint = sandbox.regions().into_iter().find(|r| r.region == region).expect("the region");
        Self { http: reqwest::Client::new(), url: endpoint.workspace_url, token: endpoint.replication_token }
    }

    async fn try_call(&self, method: Method, path: &str, body: Value) -> reqwest::Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let (status, body) = self.try_call(method, path, body).await.expect("an answer");
        (status.as_u16(), body)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn patch(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::PATCH, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn refused(&self, method: Method, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.call(method, path, body).await;
        assert!(answer["message"].as_str().is_some_and(|m| m.len() > 10), "{path}: {status} {answer}");
        (status, answer["error_code"].as_str().unwrap_or_default().to_owned())
    }

    /// Every entry of a list, over all its pages.
    async fn list(&self, path: &str, field: &str) -> Vec<Value> {
        let (mut entries, mut token) = (Vec::new(), String::new());
        loop {
            let glue = if path.contains('?') { '&' } else { '?' };
            let page = self.get(&format!("{path}{glue}page_token={token}")).await;
            entries.extend(page[field].as_array().cloned().unwrap_or_default());
            match page["next_page_token"].as_str() {
                Some(next) => token = next.to_owned(),
                None => return entries,
            }
        }
    }

    async fn workspace_id(&self) -> i64 {
        self.get(&format!("{UC}/current-metastore-assignment")).await["workspace_id"].as_i64().expect("an id")
    }

    async fn credentials(&self, table: &str, operation: &str) -> (u16, Value) {
        let id = self.get(&format!("{UC}/tables/{table}")).await["table_id"].clone();
        let body = json!({"table_id": id, "operation": operation});
        self.call(Method::POST, "/api/2.0/unity-catalog/temporary-table-credentials", body).await
    }

    async fn make_read_only(&self, catalog: &str) {
        let here = self.workspace_id().await;
        self.patch(&format!("{UC}/catalogs/{catalog}"), json!({"isolation_mode": "ISOLATED"})).await;
        let add = json!({"add": [{"workspace_id": here, "binding_type": "BINDING_TYPE_READ_ONLY"}]});
        self.patch(&format!("{UC}/bindings/catalog/{catalog}"), add).await;
    }
}

fn names(entries: &[Value], field: &str) -> Vec<String> {
    entries.iter().filter_map(|e| e[field].as_str().map(str::to_owned)).collect()
}

/// Waits until `done` says so; fails after ten seconds.
async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut done: F) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < Duration::from_secs(10), "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn commits(sandbox: &Sandbox, region: &str) -> u64 {
    sandbox.status().iter().find(|s| s.region == region).expect("the region").commits
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_sandbox_is_seeded_once_and_kept() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let first = sandbox.regions();
    let east = Client::user(&sandbox, EAST);
    let catalogs = names(&east.list(&format!("{UC}/catalogs"), "catalogs").await, "name");
    assert_eq!(catalogs, ["cannot_replicate", "finance", "operations", "sales"]);
    let (mut managed, mut views, mut schemas) = (0, 0, 0);
    for catalog in &catalogs[1..] {
        for schema in names(&east.list(&format!("{UC}/schemas?catalog_name={catalog}"), "schemas").await, "name") {
            schemas += usize::from(!["default", "information_schema"].contains(&schema.as_str()));
            let path = format!("{UC}/tables?catalog_name={catalog}&schema_name={schema}");
            for table in east.list(&path, "tables").await {
                managed += usize::from(table["table_type"] == "MANAGED");
                views += usize::from(table["table_type"] == "VIEW");
                if table["table_type"] == "MANAGED" {
                    assert!(!table["columns"].as_array().expect("columns").is_empty());
                }
            }
        }
    }
    assert_eq!((schemas, managed, views), (6, 12, 2));
    let west = Client::user(&sandbox, WEST);
    assert!(west.list(&format!("{UC}/catalogs"), "catalogs").await.is_empty());
    assert_eq!(west.list(&format!("{UC}/external-locations"), "external_locations").await.len(), 3);
    sandbox.shutdown().await;
    let again = quiet(dir.path()).await;
    assert_eq!(again.regions(), first, "ids, tokens and ports are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_binding_keeps_everybody_from_writing_and_the_product_may_still_replicate() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let (user, product) = (Client::user(&sandbox, EAST), Client::product(&sandbox, EAST));
    assert_eq!(user.credentials("sales.orders.orders", "READ_WRITE").await.0, 200);
    product.make_read_only("sales").await;
    for client in [&user, &product] {
        let (status, body) = client.credentials("sales.orders.orders", "READ_WRITE").await;
        assert_eq!((status, &body["error_code"]), (403, &json!("PERMISSION_DENIED")));
        assert!(body["message"].as_str().is_some_and(|m| m.contains("read-only")), "{body}");
        assert_eq!(client.credentials("sales.orders.orders", "READ").await.0, 200);
    }
    assert_eq!(user.credentials("finance.ledger.entries", "READ_WRITE").await.0, 200, "other catalogs go on");

    let schema = json!({"name": "extra", "catalog_name": "sales"});
    let (status, _) = user.refused(Method::POST, &format!("{UC}/schemas"), schema.clone()).await;
    assert_eq!(status, 403);
    let (status, _) = user.refused(Method::DELETE, &format!("{UC}/tables/sales.orders.orders"), Value::Null).await;
    assert_eq!(status, 403);
    product.post(&format!("{UC}/schemas"), schema).await;

    let url = user.get(&format!("{UC}/tables/sales.orders.orders")).await["storage_location"].clone();
    let lake = user.get(&format!("{UC}/external-locations/lake")).await["url"].clone();
    let path = "/api/2.0/unity-catalog/temporary-path-credentials";
    for place in [&url, &lake] {
        let body = json!({"url": place, "operation": "PATH_READ_WRITE"});
        assert_eq!(user.refused(Method::POST, path, body.clone()).await.0, 403, "{place}");
        product.post(path, body).await;
    }
    user.post(path, json!({"url": url, "operation": "PATH_READ"})).await;
    let outside = json!({"url": "file:///etc", "operation": "PATH_READ"});
    assert_eq!(product.refused(Method::POST, path, outside).await.0, 403);

    // Unbound, the catalog is gone from this workspace.
    let here = user.workspace_id().await;
    product.patch(&format!("{UC}/bindings/catalog/sales"), json!({"remove": [{"workspace_id": here}]})).await;
    assert_eq!(user.refused(Method::GET, &format!("{UC}/catalogs/sales"), Value::Null).await.0, 403);
    let listed = names(&user.list(&format!("{UC}/catalogs"), "catalogs").await, "name");
    assert!(!listed.contains(&"sales".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_takes_the_location_and_id_that_it_asks_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let (east, west) = (Client::product(&sandbox, EAST), Client::product(&sandbox, WEST));
    let source = east.get(&format!("{UC}/tables/sales.orders.orders")).await;
    let roots: Vec<String> = sandbox.regions().into_iter().map(|r| r.storage_root).collect();
    let mapped = source["storage_location"].as_str().expect("a location").replace(&roots[0], &roots[1]);
    let root = format!("{}/lake/sales", roots[1]);
    west.post(&format!("{UC}/catalogs"), json!({"name": "sales", "storage_root": root})).await;
    west.post(&format!("{UC}/schemas"), json!({"name": "orders", "catalog_name": "sales"})).await;

    let table = json!({"catalog_name": "sales", "schema_name": "orders", "name": "orders"});
    let create = |extra: Value| {
        let mut body = table.clone();
        body["table_type"] = "MANAGED".into();
        body["data_source_format"] = "DELTA".into();
        body["columns"] = json!([]);
        body["storage_location"] = extra;
        body
    };
    let path = format!("{UC}/tables");
    assert_eq!(west.refused(Method::POST, &path, create(json!(mapped))).await.0, 400, "nothing is staged yet");

    let mut staging = table.clone();
    staging["storage_location"] = json!(mapped);
    staging["table_id"] = source["table_id"].clone();
    let staged = west.post(&format!("{UC}/staging-tables"), staging.clone()).await;
    assert_eq!((&staged["id"], &staged["staging_location"]), (&source["table_id"], &json!(mapped)));
    assert_eq!(west.post(&format!("{UC}/staging-tables"), staging).await, staged, "asking again is no second one");

    let credentials = json!({"table_id": staged["id"], "operation": "READ_WRITE"});
    west.post("/api/2.0/unity-catalog/temporary-table-credentials", credentials).await;
    let from = super::unity_catalog::folder_of(source["storage_location"].as_str().expect("a location"));
    let to = super::unity_catalog::folder_of(&mapped).expect("a folder");
    std::fs::create_dir_all(to.join("_delta_log")).expect("a folder");
    let first = "_delta_log/00000000000000000000.json";
    std::fs::copy(from.expect("a folder").join(first), to.join(first)).expect("it is copied");
    assert_eq!(west.refused(Method::POST, &path, create(json!(format!("{mapped}x")))).await.0, 400);
    let created = west.post(&path, create(json!(mapped))).await;
    assert_eq!(created["table_id"], source["table_id"]);
    assert_eq!(created["columns"], source["columns"], "the log tells the columns");
    assert_eq!(west.refused(Method::POST, &path, create(json!(mapped))).await, (409, "ALREADY_EXISTS".to_owned()));

    // Nothing else may lie in it or around it.
    for place in [format!("{mapped}/inner"), root.clone()] {
        let body =
            json!({"catalog_name": "sales", "schema_name": "orders", "name": "other", "storage_location": place});
        assert_eq!(west.refused(Method::POST, &format!("{UC}/staging-tables"), body).await.0, 400);
    }
    let view = json!({"catalog_name": "sales", "schema_name": "orders", "name": "v", "table_type": "VIEW",
        "columns": [], "view_definition": "SELECT 1"});
    west.post(&path, view).await;
    let owner = json!({"owner": "controllers"});
    west.patch(&format!("{path}/sales.orders.orders"), owner).await;
    let comment = json!({"comment": "x"});
    assert_eq!(west.refused(Method::PATCH, &format!("{path}/sales.orders.orders"), comment).await.0, 400);
    let (status, code) = west.refused(Method::DELETE, &format!("{UC}/catalogs/sales"), Value::Null).await;
    assert_eq!((status, code.as_str()), (400, "CATALOG_NOT_EMPTY"));
    let (status, _) = west.call(Method::DELETE, &format!("{path}/sales.orders.orders"), Value::Null).await;
    assert_eq!(status, 200);
    assert!(to.join(first).exists(), "dropping leaves the files");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_write_until_they_are_paused_or_their_compute_stops() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = start(dir.path(), 40.0).await;
    let user = Client::user(&sandbox, EAST);
    eventually("a commit", async || commits(&sandbox, EAST) > 5).await;
    assert_eq!(commits(&sandbox, WEST), 0, "the secondary's schedules are paused");

    for cluster in user.list("/api/2.1/clusters/list", "clusters").await {
        user.post("/api/2.1/clusters/delete", json!({"cluster_id": cluster["cluster_id"]})).await;
    }
    let jobs = user.list("/api/2.2/jobs/list?limit=100", "jobs").await;
    assert!(jobs.iter().all(|job| job["settings"].get("tasks").is_none()));
    for job in &jobs {
        let mut changed = job["settings"].clone();
        for place in ["schedule", "continuous", "trigger"] {
            if changed.get(place).is_some() {
                changed[place]["pause_status"] = "PAUSED".into();
            }
        }
        for trigger in changed["triggers"].as_array_mut().into_iter().flatten() {
            trigger["pause_status"] = "PAUSED".into();
        }
        user.post("/api/2.2/jobs/update", json!({"job_id": job["job_id"], "new_settings": changed})).await;
    }
    eventually("the end of all runs", async || {
        user.get("/api/2.2/jobs/runs/list?active_only=true").await["runs"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    let at_rest = commits(&sandbox, EAST);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(commits(&sandbox, EAST), at_rest);
    let job = user.get(&format!("/api/2.2/jobs/get?job_id={}", jobs[0]["job_id"])).await;
    assert!(!job["settings"]["tasks"].as_array().expect("tasks").is_empty(), "an update keeps the tasks");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_commit_lands_after_a_catalog_was_made_read_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = start(dir.path(), 200.0).await;
    let product = Client::product(&sandbox, EAST);
    eventually("commits", async || commits(&sandbox, EAST) > 10).await;
    for catalog in ["sales", "finance", "operations"] {
        product.make_read_only(catalog).await;
    }
    let versions = || async {
        let mut found = Vec::new();
        for table in sandbox.truth(EAST, &[]).await.expect("the truth") {
            let log = std::fs::read_dir(table.folder.join("_delta_log")).expect("a log");
            found.push((table.full_name, log.count()));
        }
        found
    };
    let before = versions().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(versions().await, before);
    let refused = sandbox.commit(EAST, "sales.orders.orders").await;
    assert!(matches!(refused, Err(SandboxError::Refused { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_region_that_is_down_refuses_connections_also_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = start(dir.path(), 40.0).await;
    let user = Client::user(&sandbox, EAST);
    let mut changes = sandbox.changes();
    user.get(&format!("{UC}/catalogs")).await;
    eventually("a commit", async || commits(&sandbox, EAST) > 0).await;
    sandbox.take_down(EAST).await.expect("it goes down");
    assert!(changes.has_changed().expect("it is there"));
    changes.mark_unchanged();
    let gone = user.try_call(Method::GET, &format!("{UC}/catalogs"), Value::Null).await;
    assert!(gone.is_err_and(|e| e.is_connect() || e.is_request()), "an open connection is cut, a new one refused");
    let silent = commits(&sandbox, EAST);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(commits(&sandbox, EAST), silent);
    assert_eq!(sandbox.truth(EAST, &[CatalogName::new("sales")]).await.expect("the truth").len(), 4);
    let port = sandbox.regions()[0].workspace_url.clone();
    sandbox.shutdown().await;

    let sandbox = start(dir.path(), 40.0).await;
    assert!(!sandbox.status()[0].up && sandbox.status()[1].up);
    assert!(user.try_call(Method::GET, &format!("{UC}/catalogs"), Value::Null).await.is_err());
    sandbox.bring_up(EAST).await.expect("it comes up");
    assert_eq!(sandbox.regions()[0].workspace_url, port);
    user.get(&format!("{UC}/catalogs")).await;
    eventually("a commit", async || commits(&sandbox, EAST) > 0).await;
    assert!(matches!(sandbox.take_down("mars").await, Err(SandboxError::UnknownRegion { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn compute_does_not_start_in_a_secondary() {
    let dir = tempfile::tempdir().expect("a folder");
    let sandbox = quiet(dir.path()).await;
    let (user, product) = (Client::user(&sandbox, WEST), Client::product(&sandbox, WEST));
    let warehouse = user.list("/api/2.0/sql/warehouses", "warehouses").await[0]["id"].clone();
    let cluster = user.list("/api/2.1/clusters/list", "clusters").await[0]["cluster_id"].clone();
    let start = format!("/api/2.0/sql/warehouses/{}/start", warehouse.as_str().expect("an id"));
    let role = "/api/2.0/sandbox/disaster-recovery-role";
    let set = |group: &str, role: &str, epoch: u64| json!({"failover_group": group, "role": role, "epoch": epoch});
    let put = async |body: Value| product.call(Method::PUT, role, body).await.0;

    assert_eq!(put(set("core", "SECONDARY", 2)).await, 200);
    let refused = (400, "INVALID_STATE".to_owned());
    assert_eq!(user.refused(Method::POST, &start, json!({})).await, refused);
    let body = json!({"cluster_id": cluster});
    assert_eq!(user.refused(Method::POST, "/api/2.1/clusters/start", body).await, refused);
    assert_eq!(put(set("core", "PRIMARY", 1)).await, 409, "an old epoch says nothing any more");
    let critical = "/api/2.0/sandbox/mission-critical";
    assert_eq!(user.refused(Method::PUT, critical, json!({"enabled": false})).await, refused);

    // Primary of another group, it needs its compute.
    assert_eq!(put(set("edge", "PRIMARY", 1)).await, 200);
    user.post(&start, json!({})).await;
    let shown = |id: Value| async move { id };
    let _ = shown(warehouse.clone()).await;
    eventually("the warehouse's start", async || {
        let path = format!("/api/2.0/sql/warehouses/{}", warehouse.as_str().expect("an id"));
        user.get(&path).await["state"] == "RUNNING"
    })
    .await;
    for group in ["core", "edge"] {
        assert_eq!(put(set(group, "NONE", 3)).await, 200);
    }
    assert_eq!(user.call(Method::PUT, critical, json!({"enabled": false})).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_that_was_cut_off_is_done_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let whole = quiet(dir.path()).await;
    let expected = whole.truth(EAST, &[]).await.expect("the truth").len();
    whole.shutdown().await;
    let region = dir.path().join(EAST);
    {
        let records = super::records::Records::open(&region.join("region.db")).expect("it opens");
        let mut writing = records.write();
        writing.delete(super::records::Kind::Setting, super::seed::SEEDED);
        writing.delete(super::records::Kind::Table, "sales.orders.orders");
        writing.commit().expect("it commits");
    }
    std::fs::remove_dir_all(region.join("storage/lake/sales/orders/orders/_delta_log")).expect("it was there");
    let again = quiet(dir.path()).await;
    assert_eq!(again.truth(EAST, &[]).await.expect("the truth").len(), expected);
    again.commit(EAST, "sales.orders.orders").await.expect("a commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_tables() {
    let shape = async |dir: &Path| {
        let sandbox = quiet(dir).await;
        let mut found = Vec::new();
        for table in sandbox.truth(EAST, &[]).await.expect("the truth") {
            let mut version = 0;
            loop {
                let path = table.folder.join(format!("_delta_log/{version:020}.json"));
                let Ok(text) = std::fs::read_to_string(path) else { break };
                let operations: Vec<Value> = text
                    .lines()
                    .map(|line| serde_json::from_str::<Value>(line).expect("it is JSON"))
                    .map(|action| {
                        json!([action["commitInfo"]["operation"], action["add"]["stats"].as_str().map(|s| s.len())])
                    })
                    .collect();
                found.push((table.full_name.clone(), version, json!(operations).to_string()));
                version += 1;
            }
        }
        found
    };
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    assert_eq!(shape(one.path()).await, shape(two.path()).await);
}

/// Leaves a sandbox where `SANDBOX_OUT` says, with `SANDBOX_TABLES` tables, and prints how long each thing took.
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_for_other_readers() {
    let Ok(out) = std::env::var("SANDBOX_OUT") else {
        return;
    };
    let tables = std::env::var("SANDBOX_TABLES").ok().and_then(|n| n.parse().ok());
    let options = SandboxOptions { commits_per_second: 40.0, tables, ..SandboxOptions::new(out) };
    let begun = Instant::now();
    let sandbox = Sandbox::start(options, Arc::new(SystemClock)).await.expect("it starts");
    println!("start: {:?}", begun.elapsed());
    let user = Client::user(&sandbox, EAST);
    let schema = if tables.is_some() { "archive" } else { "orders" };
    let path = format!("{UC}/tables?catalog_name=sales&schema_name={schema}");
    for _ in 0..3 {
        let begun = Instant::now();
        let listed = user.list(&path, "tables").await.len();
        println!("list of {listed}: {:?}", begun.elapsed());
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!("commits: {:?}", sandbox.status());
    let begun = Instant::now();
    sandbox.shutdown().await;
    println!("shutdown: {:?}", begun.elapsed());
}
