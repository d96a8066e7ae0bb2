//! Two regions of one's own are protected, failed over and failed back.

use super::double::Double;
use super::minilake;
use resilience::connect::Secret;
use resilience::control::view::GroupView;
use resilience::control::{ControlSettings, GroupPatch};
use resilience::domain::{
    CatalogName, FailoverGroup, FailoverGroupSpec, FailoverKind, FailoverStep, GroupId, GroupState, LocationMapping,
    ObjectStatus, Region, SystemClock, UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use resilience::runtime::{Connections, DataDir, Engine, EngineOptions, LoginSource, NewConnection, NewLogin};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const GROUP: &str = "shop";

/// Connects two regions in a new data dir and starts the runtime on them.
pub async fn engine(dir: &Path, regions: [(&str, &str, NewLogin); 2]) -> Engine {
    let held = DataDir::hold(&dir.join("data")).expect("the data dir is free");
    let mut connections = Connections::load(held.path()).expect("none yet");
    for (name, url, login) in regions {
        let new = NewConnection {
            name: name.to_owned(),
            url: Some(url.to_owned()),
            region: Some(name.to_owned()),
            workspace_id: None,
            login,
            storage: BTreeMap::new(),
            secret_storage: BTreeMap::new(),
        };
        connections.add(new).await.expect("connected");
    }
    let options = EngineOptions {
        control: ControlSettings { quiet_period: Duration::from_millis(150), ..ControlSettings::default() },
        ..EngineOptions::default()
    };
    Engine::start(held, options, Arc::new(SystemClock)).await.expect("it starts")
}

/// Mapping rows: a URI in the first region and one in the second.
pub async fn protect(engine: &Engine, mappings: &[(&str, String, String)]) {
    let regions = engine.regions();
    let names: Vec<Region> = regions.iter().map(|r| r.region.clone()).collect();
    let spec = FailoverGroupSpec {
        rules: Default::default(),
        id: GroupId::new(GROUP).expect("an id"),
        regions: names.clone(),
        initial_primary_region: names[0].clone(),
        workspace_sets: vec![WorkspaceSet {
            name: "workspaces".to_owned(),
            workspace_ids: regions.iter().map(|r| WorkspaceId::new(r.workspace_id.as_str())).collect(),
            replicate_workspace_assets: false,
            stable_url_names: vec![],
        }],
        unity_catalog_assets: Some(UnityCatalogAssets {
            catalogs: vec![CatalogName::new("shop")],
            data_replication_workspace_set: "workspaces".to_owned(),
            location_mappings: mappings
                .iter()
                .map(|(name, first, second)| mapping(engine, name, first.clone(), second.clone()))
                .collect(),
        }),
    };
    engine.control().create_group("tester", spec, false).await.expect("created");
}

fn mapping(engine: &Engine, name: &str, first: String, second: String) -> LocationMapping {
    let names: Vec<Region> = engine.regions().iter().map(|r| r.region.clone()).collect();
    LocationMapping {
        name: name.to_owned(),
        uri_by_region: [(names[0].clone(), first), (names[1].clone(), second)].into(),
    }
}

pub async fn until(engine: &Engine, what: &str, done: impl Fn(&FailoverGroup, &GroupView) -> bool) -> GroupView {
    let id = GroupId::new(GROUP).expect("an id");
    let begun = Instant::now();
    let mut changes = engine.control().changes();
    loop {
        let group = engine.control().group(&id).expect("it is there");
        let view = engine.control().view().groups.iter().find(|view| view.group.spec.id == id).cloned();
        if let Some(view) = view.as_ref().filter(|view| done(&group, view)) {
            return GroupView::clone(view);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}: {group:#?} {view:#?}");
        let _ = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
    }
}

pub async fn fail_over(engine: &Engine, to: &str, accepted: &[&str]) -> GroupView {
    let id = GroupId::new(GROUP).expect("an id");
    let accepted: Vec<String> = accepted.iter().map(|name| (*name).to_owned()).collect();
    let (planned, to) = (FailoverKind::Planned, Region::new(to));
    engine.control().fail_over_accepting("tester", &id, &to, planned, None, &accepted).await.expect("accepted");
    until(engine, "the failover", |group, _| {
        group.effective_primary_region == to && group.state != GroupState::FailingOver
    })
    .await
}

/// Appends a version that adds a file to a table's log.
pub fn commit(folder: &Path, version: u64) {
    let log = folder.join("_delta_log");
    std::fs::create_dir_all(&log).expect("a folder");
    let mut lines = Vec::new();
    if version == 0 {
        lines.push(json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}).to_string());
        let schema =
            json!({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": true, "metadata": {}}]});
        lines.push(
            json!({"metaData": {"id": "22222222-2222-4222-8222-222222222222", "format": {"provider": "parquet", "options": {}},
                "schemaString": schema.to_string(), "partitionColumns": [], "configuration": {}, "createdTime": 0}})
            .to_string(),
        );
    }
    let file = format!("part-{version}.parquet");
    std::fs::write(folder.join(&file), format!("rows of version {version}")).expect("written");
    let size = std::fs::metadata(folder.join(&file)).expect("written").len();
    lines.push(json!({"commitInfo": {"timestamp": version, "operation": "WRITE"}}).to_string());
    lines.push(
        json!({"add": {"path": file, "partitionValues": {}, "size": size, "modificationTime": 0, "dataChange": true}})
            .to_string(),
    );
    std::fs::write(log.join(format!("{version:020}.json")), lines.join("\n") + "\n").expect("written");
}

pub fn log_of(folder: &Path) -> Vec<Vec<u8>> {
    let mut names: Vec<_> = std::fs::read_dir(folder.join("_delta_log"))
        .expect("a log")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    names.sort();
    names.iter().map(|path| std::fs::read(path).expect("read")).collect()
}

pub fn token() -> NewLogin {
    NewLogin::Token(LoginSource::Typed(Secret::from("hunter2")))
}

#[tokio::test]
async fn a_managed_table_of_a_region_like_databricks_arrives_as_an_external_one_with_its_whole_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let east = Double::serve("east", 11, dir.path()).await;
    let west = Double::serve("west", 22, dir.path()).await;
    let source = east.make_managed("shop.sales.orders");
    (0..3).for_each(|version| commit(&source, version));
    let engine = engine(dir.path(), [("east", &east.url, token()), ("west", &west.url, token())]).await;
    assert_eq!(engine.regions().iter().map(|r| r.workspace_id.as_str()).collect::<Vec<_>>(), ["11", "22"]);
    let managed = format!("file://{}/managed", east.folder().display());
    protect(&engine, &[("managed", managed, west.lake())]).await;
    let view = until(&engine, "ACTIVE", |group, _| group.state == GroupState::Active).await;
    let table = view.objects.iter().find(|object| object.name == "shop.sales.orders").expect("named");
    assert_eq!((table.status, table.replica_version), (ObjectStatus::InSync, Some(2)));
    assert!(table.message().is_some_and(|note| note.contains("EXTERNAL") && note.contains("After a failover")));

    let replica = west.table("shop.sales.orders").expect("made");
    assert_eq!(replica["table_type"], "EXTERNAL");
    let place = replica["storage_location"].as_str().and_then(|uri| uri.strip_prefix("file://")).expect("a place");
    let replica = Path::new(place).to_owned();
    assert_eq!(log_of(&replica), log_of(&source), "every version, byte for byte");
    assert!(west.is_read_only("shop"), "the fence stands after the product made its tables");

    fail_over(&engine, "west", &[]).await;
    assert!(!west.is_read_only("shop") && east.is_read_only("shop"), "the fence changed sides");
    // The old primary's table is managed, so the log can't go back into it. That is said, with what mends it.
    let in_the_way = |view: &GroupView| {
        let table = view.objects.iter().find(|object| object.name == "shop.sales.orders");
        table.and_then(|table| table.message()).is_some_and(|message| message.contains("MANAGED in east"))
    };
    let view = until(&engine, "the sentence", |_, view| in_the_way(view)).await;
    assert!(view.group.has_replication_point_blocking_errors, "no replica is claimed");
    assert_eq!(log_of(&source).len(), 3, "nothing was put into managed storage");

    // What the sentence says mends it: the name is free, and the path is outside managed storage.
    east.drop_table("shop.sales.orders");
    let id = GroupId::new(GROUP).expect("an id");
    let mappings = vec![mapping(&engine, "managed", format!("{}/back", east.lake()), west.lake())];
    let patch = GroupPatch { location_mappings: Some(mappings), ..GroupPatch::default() };
    engine.control().update_group("tester", &id, None, patch).await.expect("changed");
    until(&engine, "the way back", |_, view| {
        let table = view.objects.iter().find(|object| object.name == "shop.sales.orders");
        table.is_some_and(|table| table.status == ObjectStatus::InSync)
    })
    .await;
    assert_eq!(east.table("shop.sales.orders").expect("made again")["table_type"], "EXTERNAL");
    until(&engine, "ACTIVE", |group, _| group.state == GroupState::Active).await;
    let view = fail_over(&engine, "east", &[]).await;
    assert_eq!(view.group.effective_primary_region, "east");
    assert!(!east.is_read_only("shop") && west.is_read_only("shop"));
    engine.stop().await;
}

fn sql_safe(text: &str) -> String {
    text.replace('\'', "''")
}

/// Writes versions with rows by a writer that knows nothing of this project.
fn write(python: &Path, folder: &Path, versions: u32) {
    let script = format!(
        "import deltalake, pyarrow as pa\nfor i in range({versions}):\n    deltalake.write_deltalake('{}', pa.table({{'id': [i, i + 1], 'v': ['a', 'b']}}), mode='append')",
        sql_safe(&folder.display().to_string())
    );
    std::fs::create_dir_all(folder).expect("a folder");
    let done = Command::new(python).args(["-c", &script]).output().expect("Python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// What deltalake and DuckDB read: version and rows of the one, rows of the other.
fn read(python: &Path, folder: &Path) -> (u64, u64, u64) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/read_tables.py");
    let done = Command::new(python).arg(script).arg(folder).output().expect("Python runs");
    let line: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{line}"));
    (number(&line["deltalake"]["version"]), number(&line["deltalake"]["rows"]), number(&line["duckdb"]["rows"]))
}

#[tokio::test]
async fn two_emulators_are_protected_failed_over_and_failed_back() {
    let Some(python) = minilake::python() else { return };
    let (Some(east), Some(west)) = (minilake::start().await, minilake::start().await) else { return };
    let client = reqwest::Client::new();
    let post = async |path: &str, body: Value| {
        let answer = client.post(format!("{}/api/2.1/unity-catalog/{path}", east.url)).json(&body).send().await;
        let answer = answer.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap_or_default());
    };
    post("catalogs", json!({"name": "shop"})).await;
    post("schemas", json!({"name": "sales", "catalog_name": "shop"})).await;
    let folder = east.folder().join("orders");
    write(&python, &folder, 4);
    let columns = json!([
        {"name": "id", "type_name": "LONG", "type_text": "bigint", "type_json": "\"long\"", "position": 0},
        {"name": "v", "type_name": "STRING", "type_text": "string", "type_json": "\"string\"", "position": 1}
    ]);
    // As its users write it: a plain path.
    post(
        "tables",
        json!({"name": "orders", "catalog_name": "shop", "schema_name": "sales", "table_type": "EXTERNAL",
        "data_source_format": "DELTA", "storage_location": folder.display().to_string(), "columns": columns}),
    )
    .await;
    // The emulator keeps managed tables in a database of its own.
    post(
        "tables",
        json!({"name": "own", "catalog_name": "shop", "schema_name": "sales", "table_type": "MANAGED",
        "data_source_format": "DELTA", "columns": columns}),
    )
    .await;

    let dir = tempfile::tempdir().expect("a folder");
    let regions = [("east", east.url.as_str(), NewLogin::None), ("west", west.url.as_str(), NewLogin::None)];
    let engine = engine(dir.path(), regions).await;
    protect(&engine, &[("lake", east.external(), west.external())]).await;
    let view = until(&engine, "ACTIVE", |group, _| group.state == GroupState::Active).await;
    let status = |view: &GroupView, name: &str| {
        view.objects.iter().find(|object| object.name == name).map(|object| object.status)
    };
    assert_eq!(status(&view, "shop.sales.orders"), Some(ObjectStatus::InSync));
    assert_eq!(status(&view, "shop.sales.own"), Some(ObjectStatus::Unsupported), "named, and fails nothing");
    let replica = west.folder().join("orders");
    assert_eq!(read(&python, &replica), (3, 8, 8), "DuckDB reads the replica");
    assert_eq!(log_of(&replica), log_of(&folder), "history is kept");

    let view = fail_over(&engine, "west", &["shop.sales.own"]).await;
    let operation = view.operation.as_ref().expect("it ran");
    let fence = operation.steps.iter().find(|step| step.step == FailoverStep::Fence).expect("a fence");
    let said = fence.note.as_deref().unwrap_or_default();
    assert!(said.contains("nothing keeps writers out"), "a step never says that it fenced what it can't: {said}");
    write(&python, &replica, 1);
    until(&engine, "the way back", |group, view| {
        group.state == GroupState::Active
            && view.objects.iter().any(|o| o.name == "shop.sales.orders" && o.replica_version == Some(5))
    })
    .await;
    assert_eq!(read(&python, &folder), (5, 10, 10));
    let view = fail_over(&engine, "east", &["shop.sales.own"]).await;
    assert_eq!(view.group.effective_primary_region, "east");
    until(&engine, "ACTIVE again", |group, _| group.state == GroupState::Active).await;
    engine.stop().await;
}
