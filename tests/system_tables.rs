//! Both system tables through readers that know nothing of this project, while they are written.
//!
//! `packaging/test.sh` makes the Python environment of the readers.

use resilience::system_tables::{OBJECTS as OBJECTS_FOLDER, Reader, STATES as STATES_FOLDER, SystemTable};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The columns of the states, as each reader names their types.
const STATES: [(&str, &str, &str); 9] = [
    ("event_id", "string", "VARCHAR"),
    ("event_time", "timestamp[us, tz=UTC]", "TIMESTAMP WITH TIME ZONE"),
    ("account_id", "string", "VARCHAR"),
    ("failover_group_name", "string", "VARCHAR"),
    ("replication_state", "string", "VARCHAR"),
    (
        "errors",
        "list<element: struct<error: struct<error_class: string, parameters: map<string, string>, message: string>, affected_assets_counts: list<element: struct<asset_type: string, failing_count: int64>>>>",
        "STRUCT(\"error\" STRUCT(error_class VARCHAR, parameters MAP(VARCHAR, VARCHAR), message VARCHAR), affected_assets_counts STRUCT(asset_type VARCHAR, failing_count BIGINT)[])[]",
    ),
    ("replication_lag_ms", "int64", "BIGINT"),
    ("effective_primary_region", "string", "VARCHAR"),
    (
        "managed_assets",
        "struct<metastore_ids: list<element: string>, workspace_sets: list<element: struct<name: string, workspace_ids: list<element: string>>>, catalogs: list<element: struct<name: string>>>",
        "STRUCT(metastore_ids VARCHAR[], workspace_sets STRUCT(\"name\" VARCHAR, workspace_ids VARCHAR[])[], catalogs STRUCT(\"name\" VARCHAR)[])",
    ),
];
/// The columns of the objects.
const OBJECTS: [(&str, &str, &str); 11] = [
    ("event_time", "timestamp[us, tz=UTC]", "TIMESTAMP WITH TIME ZONE"),
    ("failover_group_name", "string", "VARCHAR"),
    ("asset_type", "string", "VARCHAR"),
    ("asset_name", "string", "VARCHAR"),
    ("status", "string", "VARCHAR"),
    ("source_version", "int64", "BIGINT"),
    ("replica_version", "int64", "BIGINT"),
    ("lag_ms", "int64", "BIGINT"),
    ("bytes", "int64", "BIGINT"),
    ("error_class", "string", "VARCHAR"),
    ("message", "string", "VARCHAR"),
];
const READERS: [&str; 2] = ["by_deltalake", "by_duckdb"];
const PATIENCE: Duration = Duration::from_secs(120);

struct Server {
    child: Child,
    ready: Value,
    token: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        Self::start_until(data, None)
    }

    /// Starts one that kills itself at a named point, where one is named.
    fn start_until(data: &Path, kill_at: Option<&str>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_resilience-console"))
            .env_remove("RESILIENCE_KILL_AT")
            .envs(kill_at.map(|point| ("RESILIENCE_KILL_AT", point)))
            .args(["serve", "--sandbox", "--sandbox-commits-per-second", "4", "--system-tables-interval", "1"])
            .arg("--data-dir")
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("the ready line is JSON");
        let token = std::fs::read_to_string(ready["token_file"].as_str().expect("a token file")).expect("a token");
        Self { child, ready, token: token.trim().to_owned() }
    }

    /// Ends the process as a power cut would.
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ends");
    }

    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("signalled");
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let url = format!(
            "{}/api/disaster-recovery/v1/accounts/{}/failover-groups{path}",
            self.ready["api_url"].as_str().expect("an API").trim_end_matches('/'),
            self.ready["account_id"].as_str().expect("an account"),
        );
        let mut call = reqwest::Client::new().request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            call = call.json(&body);
        }
        let answer = call.send().await.expect("the API answers");
        let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap_or_default());
        assert!(status.is_success(), "{status}: {body}");
        body
    }

    async fn create(&self, name: &str, catalog: &str) {
        let regions = self.ready["regions"].as_array().expect("regions");
        let of = |key: &str| regions.iter().map(|r| r[key].clone()).collect::<Vec<Value>>();
        let uris: Vec<Value> = regions
            .iter()
            .map(|r| json!({"region": r["region"], "uri": format!("{}/*", r["storage_root"].as_str().expect("a root").trim_end_matches('/'))}))
            .collect();
        let group = json!({
            "regions": of("region"),
            "initial_primary_region": regions[0]["region"],
            "workspace_sets": [{"name": "set", "workspace_ids": of("workspace_id")}],
            "unity_catalog_assets": {
                "catalogs": [{"name": catalog}],
                "data_replication_workspace_set": "set",
                "location_mappings": [{"name": "all", "uri_by_region": uris}],
            },
        });
        self.call(reqwest::Method::POST, &format!("?failover_group_id={name}"), Some(group)).await;
    }

    async fn until_active(&self, name: &str) -> Value {
        let begun = Instant::now();
        loop {
            let group = self.call(reqwest::Method::GET, &format!("/{name}"), None).await;
            if group["state"] == "ACTIVE" {
                return group;
            }
            assert!(begun.elapsed() < PATIENCE, "waited in vain: {group}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The queries that the console offers.
fn queries(folder: &Path) -> Value {
    let tables = [(SystemTable::States, STATES_FOLDER), (SystemTable::Objects, OBJECTS_FOLDER)];
    let of = |reader| {
        let queries = tables.iter().map(|(table, name)| table.query(reader, &folder.join(name).display().to_string()));
        queries.collect::<Vec<String>>()
    };
    json!({"duckdb": of(Reader::DuckDb), "python": of(Reader::Python)})
}

/// What both readers find in both tables, which must be alike in columns and types.
fn read(python: &str, folder: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/system_tables/read.py");
    let output =
        Command::new(python).arg(script).arg(folder).arg(queries(folder).to_string()).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (table, columns) in [("states", &STATES[..]), ("objects", &OBJECTS[..])] {
        for (i, reader) in READERS.iter().enumerate() {
            let types = found[table][reader]["types"].as_object().expect("types");
            for (name, arrow, sql) in columns {
                let wanted = if i == 0 { arrow } else { sql };
                let shown = types.get(*name).and_then(Value::as_str).unwrap_or("nothing");
                // Arrow says in words where a nested field must not be null.
                assert_eq!(
                    shown.replace(" not null", "").replace(" ('key_value')", ""),
                    *wanted,
                    "{name} of {table} {reader}"
                );
            }
            assert_eq!(types.len(), columns.len(), "{reader} finds other columns in {table}");
        }
    }
    found
}

fn rows<'a>(found: &'a Value, table: &str, reader: &str) -> &'a [Value] {
    found[table][reader]["rows"].as_array().expect("rows")
}

/// Reads until `done` says that a reader's states tell what is waited for.
async fn until(python: &str, folder: &Path, what: &str, done: impl Fn(&[Value]) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        // Either table is there at most a moment after the other.
        if folder.join("replication/objects/_delta_log/00000000000000000001.json").exists() {
            let found = read(python, folder);
            if READERS.iter().all(|reader| done(rows(&found, "states", reader))) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "no {what} in {:#}", found["states"]["by_deltalake"]["rows"]);
        }
        assert!(begun.elapsed() < PATIENCE, "no {what}, and no tables");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

fn told<'a>(rows: &'a [Value], group: &str, state: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["failover_group_name"] == group && row["replication_state"] == state).collect()
}

fn ids(rows: &[Value]) -> std::collections::BTreeSet<String> {
    rows.iter().map(|row| row["event_id"].as_str().expect("an id").to_owned()).collect()
}

fn python() -> Option<String> {
    let python = std::env::var("READER_PYTHON").ok();
    if python.is_none() {
        let why = "READER_PYTHON names no Python with deltalake and duckdb; packaging/test.sh makes one";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("not run: {why}");
    }
    python
}

/// Kills the server at `point` while it writes, and expects whole tables then, that go on after a restart.
#[cfg(feature = "failpoints")]
async fn survives(point: &str) {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().expect("a temp dir");
    let data = dir.path().join("data");
    let mut server = Server::start_until(&data, Some(point));
    let folder = Path::new(server.ready["system_tables"].as_str().expect("a folder")).to_owned();
    server.create("core", "sales").await;
    let begun = Instant::now();
    while server.child.try_wait().expect("asked").is_none() {
        assert!(begun.elapsed() < PATIENCE, "{point} was never reached");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let before = read(&python, &folder);
    let _server = Server::start(&data);
    let more = rows(&before, "states", READERS[0]).len() + 2;
    let found = until(&python, &folder, "rows after the kill", |rows| rows.len() >= more).await;
    for reader in READERS {
        let (before, after) = (rows(&before, "states", reader), rows(&found, "states", reader));
        assert!(ids(after).is_superset(&ids(before)), "{reader}: rows are lost");
        assert_eq!(ids(after).len(), after.len(), "{reader}: rows are there twice");
        assert_eq!(told(after, "core", "CREATED").len(), 1, "{reader}");
    }
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_before_a_commit_leaves_whole_tables() {
    survives("system_tables.before_commit@5").await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_after_a_commit_leaves_whole_tables() {
    survives("system_tables.after_commit@5").await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_files_are_merged_leaves_whole_tables() {
    survives("system_tables.before_merge_commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_readers_follow_a_group_from_creation_to_deletion_while_the_tables_are_written() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().expect("a temp dir");
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let folder = Path::new(server.ready["system_tables"].as_str().expect("a folder")).to_owned();
    assert!(folder.is_absolute());
    server.create("core", "sales").await;
    server.until_active("core").await;
    let several = |rows: &[Value]| told(rows, "core", "REPLICATING").len() >= 4;
    let found = until(&python, &folder, "regular rows", several).await;

    for reader in READERS {
        let states = rows(&found, "states", reader);
        assert_eq!(told(states, "core", "CREATED").len(), 1, "{reader}");
        assert!(!told(states, "core", "INITIALIZING").is_empty(), "{reader}: before everything has arrived");
        let times: Vec<i64> = states.iter().map(|row| row["event_time"].as_i64().expect("a time")).collect();
        assert!(times.is_sorted(), "{reader}: sorted by group and time");
        assert_eq!(ids(states).len(), states.len(), "{reader}: each event has an id of its own");
        let last = states.last().expect("a row");
        assert_eq!(last["account_id"], server.ready["account_id"]);
        assert_eq!(last["effective_primary_region"], "us-east-1");
        assert!(last["replication_lag_ms"].as_i64().is_some_and(|lag| (0..60_000).contains(&lag)), "{last}");
        let regions = server.ready["regions"].as_array().expect("regions");
        let metastores: Vec<&Value> = regions.iter().map(|r| &r["metastore_id"]).collect();
        let workspaces: Vec<&Value> = regions.iter().map(|r| &r["workspace_id"]).collect();
        let assets = json!({
            "metastore_ids": metastores,
            "workspace_sets": [{"name": "set", "workspace_ids": workspaces}],
            "catalogs": [{"name": "sales"}],
        });
        assert_eq!(last["managed_assets"], assets, "{reader}");
        let objects = rows(&found, "objects", reader);
        let tables: Vec<&Value> =
            objects.iter().filter(|row| row["asset_type"] == "TABLE" && row["status"] == "in_sync").collect();
        assert!(tables.len() >= 3, "{reader}: {objects:?}");
        assert!(tables.iter().all(|row| row["source_version"].as_i64() >= Some(0)), "{reader}");
        assert!(tables.iter().all(|row| row["asset_name"].as_str().is_some_and(|name| name.starts_with("sales."))));
    }

    let forced = json!({"target_primary_region": "us-west-2", "failover_type": "FORCED"});
    server.call(reqwest::Method::POST, "/core/failover", Some(forced)).await;
    let finished = |rows: &[Value]| told(rows, "core", "FAILOVER_FINISHED").len() == 1;
    let found = until(&python, &folder, "end of the failover", finished).await;
    let before = rows(&found, "states", READERS[0]).to_vec();
    let (started, ended) = (told(&before, "core", "FAILOVER_STARTED"), told(&before, "core", "FAILOVER_FINISHED"));
    assert_eq!(started.len(), 1);
    assert_eq!(started[0]["effective_primary_region"], "us-east-1");
    assert_eq!(ended[0]["effective_primary_region"], "us-west-2");
    assert!(started[0]["event_time"].as_i64() <= ended[0]["event_time"].as_i64());

    server.kill();
    let server = Server::start(&data);
    let more = before.len() + 3;
    let found = until(&python, &folder, "rows after the kill", |rows| rows.len() >= more).await;
    for reader in READERS {
        let after = rows(&found, "states", reader);
        assert!(ids(after).is_superset(&ids(&before)), "{reader}: rows that were there are lost");
        for state in ["CREATED", "FAILOVER_STARTED", "FAILOVER_FINISHED"] {
            assert_eq!(told(after, "core", state).len(), 1, "{reader}: {state} is told once, also after a restart");
        }
    }

    server.until_active("core").await;
    server.call(reqwest::Method::DELETE, "/core", None).await;
    let deleted = |rows: &[Value]| told(rows, "core", "DELETED").len() == 1;
    let found = until(&python, &folder, "deletion", deleted).await;
    let states = rows(&found, "states", READERS[1]);
    assert_eq!(states.last().expect("a row")["replication_state"], "DELETED", "nothing is told of it afterwards");
    let removed = rows(&found, "objects", READERS[1]).iter().filter(|row| row["status"] == "removed").count();
    assert!(removed >= 3, "objects of a group that is gone are told to be removed");
    server.end();
}
