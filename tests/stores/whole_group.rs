//! A failover group whose regions keep their tables in object stores: its whole life, over HTTP and into real stores.

use super::replica::{assert_equal, bytes_of, objects, store_of, version_of};
use super::servers::{self, Server};
use super::support::{engine_with_stores, spec, until, until_active};
use super::tables::{Table, every_shape, files_of};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode};
use resilience::connect::{ConnectSettings, RegionApi, SandboxRegion, Secret};
use resilience::delta::TableRoot;
use resilience::domain::Region;
use resilience::domain::{FailoverKind, GroupId, GroupState, LocationMapping, ObjectStatus};
use resilience::runtime::Engine;
use resilience::wire::unity_catalog::{
    CreateCatalog, CreateSchema, CreateStagingTable, CreateTable, FORMAT_DELTA, TABLE_EXTERNAL, TABLE_MANAGED,
};
use serde_json::json;
use std::sync::Arc;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const CATALOG: &str = "cloud";

/// A region's place in its store.
struct Home<'a> {
    region: &'static str,
    server: &'a Server,
    prefix: String,
}

impl Home<'_> {
    fn uri(&self, rel: &str) -> String {
        self.server.uri(&format!("{}/{rel}", self.prefix))
    }

    fn root(&self, rel: &str) -> TableRoot {
        self.server.root(&format!("{}/{rel}", self.prefix))
    }

    /// Where `uri` leads, which lies in this home.
    fn root_of(&self, uri: &str) -> TableRoot {
        let rel = uri.strip_prefix(&format!("{}/", self.server.uri(&self.prefix))).expect("a place in this home");
        self.root(rel)
    }
}

/// Makes the region's external location; returns an admin of the region.
async fn admin(engine: &Engine, home: &Home<'_>) -> Arc<dyn RegionApi> {
    let all = engine.sandbox().expect("a sandbox").regions();
    let at = all.iter().find(|region| region.region == home.region).expect("the region");
    let token = std::fs::read_to_string(&at.token_file).expect("a token").trim().to_owned();
    let answer = reqwest::Client::new()
        .post(format!("{}/api/2.1/unity-catalog/external-locations", at.workspace_url))
        .bearer_auth(&token)
        .json(&json!({"name": "cloud", "url": home.server.uri(&home.prefix)}))
        .send();
    let answer = answer.await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    SandboxRegion::connect(ConnectSettings::new(home.region, &at.workspace_url, Secret::new(token))).expect("a client")
}

/// Puts what the store doesn't have of a table's folder there, commits last and in order.
async fn upload(table: &Table, root: &TableRoot) {
    let there = objects(root).await;
    let (store, prefix) = store_of(root);
    let mut files = files_of(&table.path);
    let hint = |rel: &str| rel.ends_with("_last_checkpoint");
    files.retain(|(rel, bytes)| hint(rel) || there.get(rel) != Some(&(bytes.len() as u64)));
    files.sort_by_key(|(rel, _)| (rel.starts_with("_delta_log/"), rel.clone()));
    for (rel, bytes) in files {
        let key = Path::parse(format!("{prefix}/{rel}")).expect("a key");
        store.put(&key, bytes.into()).await.expect("a put");
    }
}

/// Whether a file of each of the table's names is there, and the newest hint: the last thing that a cycle brings.
async fn has_all(replica: &TableRoot, table: &Table) -> bool {
    const HINT: &str = "_delta_log/_last_checkpoint";
    let there = objects(replica).await;
    let files = files_of(&table.path);
    let hint = files.iter().find(|(rel, _)| rel == HINT).map(|(_, bytes)| bytes.clone());
    files.iter().all(|(rel, _)| there.contains_key(rel)) && bytes_of(replica, HINT).await == hint
}

fn newest(paths: impl IntoIterator<Item = String>) -> i64 {
    paths.into_iter().filter_map(|rel| version_of(&rel)).max().expect("a commit")
}

/// Commits one file to a table in a store; returns the version.
async fn append(root: &TableRoot, name: &str) -> i64 {
    let version = newest(objects(root).await.into_keys()) + 1;
    let (store, prefix) = store_of(root);
    let data = Path::parse(format!("{prefix}/{name}")).expect("a key");
    store.put(&data, name.to_owned().into()).await.expect("a put");
    let add = json!({"add": {"path": name, "partitionValues": {}, "size": name.len(), "modificationTime": 0, "dataChange": true}});
    let text = format!("{}\n{add}\n", json!({"commitInfo": {"timestamp": 0, "operation": "WRITE"}}));
    let commit = Path::parse(format!("{prefix}/_delta_log/{version:020}.json")).expect("a key");
    store.put_opts(&commit, text.into(), PutMode::Create.into()).await.expect("a commit");
    version
}

/// One table of each shape at the source: an external one, or every other one managed.
async fn register(east: &Arc<dyn RegionApi>, home: &Home<'_>, tables: &[Table]) -> Vec<TableRoot> {
    let catalog =
        CreateCatalog { name: CATALOG.to_owned(), storage_root: Some(home.uri("managed")), ..CreateCatalog::default() };
    east.create_catalog(&catalog).await.expect("a catalog");
    let schema =
        CreateSchema { name: "shapes".to_owned(), catalog_name: CATALOG.to_owned(), ..CreateSchema::default() };
    east.create_schema(&schema).await.expect("a schema");
    let mut roots = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let mut wanted = CreateTable {
            name: table.name.to_owned(),
            catalog_name: CATALOG.to_owned(),
            schema_name: "shapes".to_owned(),
            data_source_format: Some(FORMAT_DELTA.to_owned()),
            ..CreateTable::default()
        };
        let uri = if index % 2 == 0 {
            wanted.table_type = TABLE_EXTERNAL.to_owned();
            home.uri(&format!("tables/{}", table.name))
        } else {
            wanted.table_type = TABLE_MANAGED.to_owned();
            let staging = CreateStagingTable {
                catalog_name: wanted.catalog_name.clone(),
                schema_name: wanted.schema_name.clone(),
                name: wanted.name.clone(),
                ..CreateStagingTable::default()
            };
            east.create_staging_table(&staging).await.expect("staged").staging_location
        };
        let root = home.root_of(&uri);
        upload(table, &root).await;
        wanted.storage_location = Some(uri);
        east.create_table(&wanted).await.expect("registered");
        roots.push(root);
    }
    roots
}

/// The replica's place of each table.
async fn places(region: &Arc<dyn RegionApi>, home: &Home<'_>, tables: &[Table]) -> Vec<TableRoot> {
    let mut roots = Vec::new();
    for table in tables {
        let found = region.table(&format!("{CATALOG}.shapes.{}", table.name)).await.expect("asked").expect("there");
        roots.push(home.root_of(&found.storage_location.expect("a location")));
    }
    roots
}

async fn lives(prefix: &str, from: &Server, to: &Server) {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = engine_with_stores(dir.path(), 0.0, Server::options_with_keys(&[from, to])).await;
    let control = engine.control();
    let east_home = Home { region: EAST, server: from, prefix: format!("{prefix}/east") };
    let west_home = Home { region: WEST, server: to, prefix: format!("{prefix}/west") };
    let (east, west) = (admin(&engine, &east_home).await, admin(&engine, &west_home).await);
    let mut tables = every_shape(dir.path());
    let sources = register(&east, &east_home, &tables).await;

    let mut wanted = spec(&engine, "core", &[CATALOG]);
    let uri_by_region = [&east_home, &west_home].map(|home| (Region::new(home.region), home.uri("*")));
    wanted.unity_catalog_assets.as_mut().expect("assets").location_mappings =
        vec![LocationMapping { name: "cloud".to_owned(), uri_by_region: uri_by_region.into_iter().collect() }];
    let id: GroupId = wanted.id.clone();
    control.create_group("tester", wanted, false).await.expect("created");
    until_active(&engine, "core").await;
    let replicas = places(&west, &west_home, &tables).await;

    // What is committed at the source arrives, byte for byte. Meanwhile the secondary is away: a checkpoint that came
    // after its commit had left would follow only with a later one.
    engine.sandbox().expect("a sandbox").take_down(WEST).await.expect("down");
    for (table, root) in tables.iter_mut().zip(&sources) {
        table.grow(3);
        upload(table, root).await;
    }
    engine.sandbox().expect("a sandbox").bring_up(WEST).await.expect("up");
    for (table, replica) in tables.iter().zip(&replicas) {
        let begun = std::time::Instant::now();
        while !has_all(replica, table).await {
            assert!(begun.elapsed().as_secs() < 60, "{} never arrived", table.name);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
    let report = control.verify(&id, true).await.expect("compared");
    assert!(report.differing().is_empty(), "{:#?}", report.differing());
    for (table, replica) in tables.iter().zip(&replicas) {
        assert_equal(table, replica).await;
    }

    // The region dies; a writer that still holds credentials commits once more, and so does the new primary.
    engine.sandbox().expect("a sandbox").take_down(EAST).await.expect("down");
    let orphan = append(&sources[0], "orphan.parquet").await;
    control.fail_over("tester", &id, &Region::new(WEST), FailoverKind::Forced, None).await.expect("accepted");
    until(&engine, "core", |group| group.state != GroupState::FailingOver).await;
    append(&replicas[0], "new.parquet").await;
    engine.sandbox().expect("a sandbox").bring_up(EAST).await.expect("up");
    until_active(&engine, "core").await;
    let shown = control.view().groups.first().expect("listed").clone();
    let [left] = &shown.salvage[..] else { panic!("{:#?}", shown.salvage) };
    assert_eq!((left.commits, left.first_version, left.last_version), (1, Some(orphan), orphan));
    let salvage_dir = east_home.root_of(&left.folder);
    let manifest = bytes_of(&salvage_dir, "manifest.json").await.expect("a manifest");
    assert!(String::from_utf8_lossy(&manifest).contains("orphan.parquet"));
    assert!(objects(&salvage_dir).await.into_keys().any(|rel| rel.ends_with("orphan.parquet")), "its data is kept");
    assert!(shown.errors.is_empty(), "{:#?}", shown.errors);

    // And back, as planned.
    control.fail_over("tester", &id, &Region::new(EAST), FailoverKind::Planned, None).await.expect("accepted");
    let group = until(&engine, "core", |group| group.state == GroupState::Active).await;
    assert_eq!(group.effective_primary_region, EAST);
    assert!(objects(&sources[0]).await.contains_key("new.parquet"), "what the new primary wrote came back");
    let report = control.verify(&id, true).await.expect("compared");
    let states: Vec<_> = report.objects.iter().filter(|object| object.status != ObjectStatus::InSync).collect();
    assert!(states.is_empty(), "{states:#?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_replicates_fails_over_and_back_within_one_s3_store() {
    let Some(s3) = servers::s3() else { return };
    lives("group-s3", &s3, &s3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_replicates_fails_over_and_back_between_s3_and_azure() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    lives("group-azure", &s3, &azure).await;
}
