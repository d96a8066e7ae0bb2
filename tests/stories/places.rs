//! Where replicas lie: under a metastore's own root, where the secondary reaches, and never where the source is.

use super::support::{engine, spec, until, until_active};
use resilience::connect::{ConnectSettings, RegionApi, SandboxRegion, Secret};
use resilience::domain::Region;
use resilience::domain::{
    CatalogName, ErrorClass, FailoverGroupSpec, FailoverKind, GroupId, GroupState, LocationMapping, ObjectError,
};
use resilience::runtime::Engine;
use resilience::wire::unity_catalog::{
    CreateCatalog, CreateSchema, CreateStagingTable, CreateTable, FORMAT_DELTA, TABLE_EXTERNAL, TABLE_MANAGED,
};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A region as its admin sees it.
struct Admin {
    client: Arc<dyn RegionApi>,
    url: String,
    token: String,
    /// The URI of its storage.
    root: String,
}

impl Admin {
    fn of(engine: &Engine, index: usize) -> Self {
        let region = engine.sandbox().expect("a sandbox").regions().swap_remove(index);
        let token = std::fs::read_to_string(&region.token_file).expect("a token").trim().to_owned();
        let settings = ConnectSettings::new(&region.region, &region.workspace_url, Secret::new(token.clone()));
        let client = SandboxRegion::connect(settings).expect("a client");
        Self { client, url: region.workspace_url, token, root: region.storage_root }
    }

    async fn add_location(&self, name: &str) {
        let answer = reqwest::Client::new()
            .post(format!("{}/api/2.1/unity-catalog/external-locations", self.url))
            .bearer_auth(&self.token)
            .json(&json!({"name": name, "url": format!("{}/{name}", self.root)}))
            .send();
        assert!(answer.await.expect("an answer").status().is_success());
    }

    async fn add_catalog(&self, name: &str, storage_root: Option<String>) {
        let catalog = CreateCatalog { name: name.to_owned(), storage_root, ..CreateCatalog::default() };
        self.client.create_catalog(&catalog).await.expect("a catalog");
        self.add_schema(name, "s", None).await;
    }

    async fn add_schema(&self, catalog: &str, name: &str, storage_root: Option<String>) {
        let (name, catalog_name) = (name.to_owned(), catalog.to_owned());
        let schema = CreateSchema { name, catalog_name, storage_root, ..CreateSchema::default() };
        self.client.create_schema(&schema).await.expect("a schema");
    }

    /// A managed table, or an external one `at` a place; the folder that it lies in.
    async fn add_table(&self, catalog: &str, schema: &str, name: &str, at: Option<String>) -> PathBuf {
        let (catalog_name, schema_name, name) = (catalog.to_owned(), schema.to_owned(), name.to_owned());
        let external = at.is_some();
        let place = match at {
            Some(place) => place,
            None => {
                let staging = CreateStagingTable {
                    name: name.clone(),
                    catalog_name: catalog_name.clone(),
                    schema_name: schema_name.clone(),
                    ..CreateStagingTable::default()
                };
                self.client.create_staging_table(&staging).await.expect("a place").staging_location
            }
        };
        let folder = folder_of(&place);
        write_table(&folder);
        let kind = if external { TABLE_EXTERNAL } else { TABLE_MANAGED };
        let table = CreateTable {
            name,
            catalog_name,
            schema_name,
            table_type: kind.to_owned(),
            data_source_format: Some(FORMAT_DELTA.to_owned()),
            storage_location: Some(place),
            ..CreateTable::default()
        };
        self.client.create_table(&table).await.expect("a table");
        folder
    }

    async fn location_of(&self, table: &str) -> String {
        let table = self.client.table(table).await.expect("an answer").expect("the table");
        table.storage_location.expect("a location")
    }
}

fn folder_of(uri: &str) -> PathBuf {
    url::Url::parse(uri).expect("a URI").to_file_path().expect("a path")
}

/// Writes a table of one version without a row.
fn write_table(folder: &Path) {
    let schema = r#"{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}"#;
    let lines = [
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {"id": "t", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [],
            "schemaString": schema, "configuration": {}}}),
    ];
    let log = folder.join("_delta_log");
    std::fs::create_dir_all(&log).expect("a folder");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(log.join(format!("{:020}.json", 0)), text).expect("a commit");
}

fn commit_zero(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("_delta_log").join(format!("{:020}.json", 0))).expect("a commit")
}

/// The group's mappings, each with a place of either region below its storage.
fn map(spec: &mut FailoverGroupSpec, ends: [&Admin; 2], rows: &[(&str, &str, &str)]) {
    let regions = spec.regions.clone();
    let assets = spec.unity_catalog_assets.as_mut().expect("a scope");
    let row = |(name, east, west): &(&str, &str, &str)| LocationMapping {
        name: (*name).to_owned(),
        uri_by_region: [(0, *east), (1, *west)]
            .map(|(end, below)| (regions[end].clone(), format!("{}/{below}", ends[end].root)))
            .into(),
    };
    assets.location_mappings = rows.iter().map(row).collect();
}

/// Waits until the group's errors are as `done` says.
async fn until_errors(engine: &Engine, done: impl Fn(&[ObjectError]) -> bool) -> Vec<ObjectError> {
    let begun = std::time::Instant::now();
    loop {
        let errors = engine.control().view().groups.first().expect("the group").errors.to_vec();
        if done(&errors) {
            return errors;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {errors:#?}");
        let _ = tokio::time::timeout(Duration::from_millis(200), engine.control().changes().changed()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_under_the_metastores_own_root_go_there_and_back() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let (east, west) = (Admin::of(&engine, 0), Admin::of(&engine, 1));
    east.add_catalog("plain", None).await;
    let folder = east.add_table("plain", "s", "t", None).await;
    let mut wanted = spec(&engine, "core", &["plain"]);
    // No row covers it: what lies under one metastore's root lies under the other's.
    map(&mut wanted, [&east, &west], &[("lake", "lake/*", "lake/*")]);
    engine.control().create_group("tester", wanted, false).await.expect("created");
    until_active(&engine, "core").await;
    let replica = west.location_of("plain.s.t").await;
    assert_eq!(replica, format!("{}/managed/plain/s/t", west.root));
    assert_eq!(commit_zero(&folder_of(&replica)), commit_zero(&folder));
    let catalog = west.client.catalog("plain").await.expect("an answer").expect("the replica");
    assert_eq!(catalog.storage_root, None, "the replica has no root of its own either");

    let id = GroupId::new("core").expect("an id");
    engine
        .control()
        .fail_over("tester", &id, &Region::new("us-west-2"), FailoverKind::Planned, None)
        .await
        .expect("accepted");
    until(&engine, "core", |g| g.state == GroupState::Active && g.effective_primary_region == "us-west-2").await;
    let made_after = west.add_table("plain", "s", "later", None).await;
    until_errors(&engine, |errors| errors.is_empty()).await;
    let begun = std::time::Instant::now();
    while east.client.table("plain.s.later").await.expect("an answer").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came back");
        let _ = tokio::time::timeout(Duration::from_millis(200), engine.control().changes().changed()).await;
    }
    let returned = east.location_of("plain.s.later").await;
    assert_eq!(commit_zero(&folder_of(&returned)), commit_zero(&made_after));
    let report = engine.control().verify(&id, true).await.expect("compared");
    assert!(report.differing().is_empty(), "{:#?}", report.differing());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_no_external_location_covers_is_named_and_arrives_once_one_does() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let (east, west) = (Admin::of(&engine, 0), Admin::of(&engine, 1));
    for name in ["one", "two", "three"] {
        east.add_location(name).await;
    }
    let at = |below: &str| Some(format!("{}/{below}", east.root));
    east.add_catalog("of_catalog", at("one/c")).await;
    east.add_catalog("of_schema", None).await;
    east.add_schema("of_schema", "apart", at("two/s")).await;
    east.add_catalog("of_metastore", None).await;
    east.add_table("of_metastore", "s", "t", None).await;
    east.add_catalog("of_table", None).await;

    // Before: the place is in the refusal, whichever root it comes from.
    for (catalog, place) in [("of_catalog", "one/c"), ("of_schema", "two/s"), ("of_metastore", "nowhere/")] {
        let mut wanted = spec(&engine, "core", &[catalog]);
        let rows = [("metastore", "managed/*", "nowhere/*"), ("all", "*", "*")];
        map(&mut wanted, [&east, &west], if catalog == "of_metastore" { &rows[..1] } else { &rows[1..] });
        let sentence = engine.control().create_group("tester", wanted, true).await.expect_err("refused").to_string();
        assert!(sentence.contains("MISSING_EXTERNAL_LOCATION"), "{catalog}: {sentence}");
        assert!(sentence.contains(&format!("{}/{place}", west.root)), "{catalog}: {sentence}");
    }

    // Afterwards: what is made later gets the class, with the place, and goes on by itself.
    engine.control().create_group("tester", spec(&engine, "core", &["of_table"]), false).await.expect("created");
    until_active(&engine, "core").await;
    east.add_schema("of_table", "apart", at("two/t")).await;
    east.add_table("of_table", "apart", "t", None).await;
    east.add_table("of_table", "s", "ext", at("three/ext")).await;
    let errors = until_errors(&engine, |errors| errors.len() == 3).await;
    for error in &errors {
        assert_eq!(error.class, ErrorClass::MissingExternalLocation, "{error:#?}");
        assert!(error.class.blocks_replication_point());
        let place = if error.object == "of_table.s.ext" { "three/ext" } else { "two/t" };
        assert!(error.message.contains(&format!("{}/{place}", west.root)), "{}", error.message);
        assert!(error.message.contains("us-west-2") && error.message.contains("Create"), "{}", error.message);
    }
    west.add_location("two").await;
    west.add_location("three").await;
    until_errors(&engine, |errors| errors.is_empty()).await;
    let id = GroupId::new("core").expect("an id");
    let report = engine.control().verify(&id, true).await.expect("compared");
    assert!(report.differing().is_empty() && report.verified() >= 2, "{:#?}", report.differing());
    let schema = west.client.schema("of_table.apart").await.expect("an answer").expect("the replica");
    assert_eq!(schema.storage_root, Some(format!("{}/two/t", west.root)));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_a_link_leads_into_its_source_is_refused() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let (east, west) = (Admin::of(&engine, 0), Admin::of(&engine, 1));
    east.add_catalog("linked", Some(format!("{}/lake/linked", east.root))).await;
    let folder = east.add_table("linked", "s", "t", None).await;
    let before = commit_zero(&folder);
    let (from, to) = (folder_of(&east.root).join("lake/linked"), folder_of(&west.root).join("lake/linked"));
    std::os::unix::fs::symlink(&from, &to).expect("linked");
    engine.control().create_group("tester", spec(&engine, "core", &["linked"]), false).await.expect("created");
    let errors = until_errors(&engine, |errors| !errors.is_empty()).await;
    assert_eq!(errors[0].class, ErrorClass::SamePlace, "{errors:#?}");
    assert!(errors[0].message.contains("linked.s.t") && errors[0].message.contains(&west.root), "{errors:#?}");
    assert_eq!(std::fs::read_dir(folder.join("_delta_log")).expect("a log").count(), 1, "nothing was written there");
    assert_eq!(commit_zero(&folder), before);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mappings_that_lead_two_places_to_one_are_refused_by_name_also_in_a_change() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let (east, west) = (Admin::of(&engine, 0), Admin::of(&engine, 1));
    east.add_catalog("two", Some(format!("{}/lake/two", east.root))).await;
    let meeting = [("whole-lake", "lake/*", "lake/*"), ("hot-to-cold", "lake/hot/*", "lake/cold/*")];
    let mut wanted = spec(&engine, "core", &["two"]);
    map(&mut wanted, [&east, &west], &meeting);
    let sentence =
        engine.control().create_group("tester", wanted.clone(), false).await.expect_err("refused").to_string();
    assert!(sentence.contains("whole-lake") && sentence.contains("hot-to-cold"), "{sentence}");

    map(&mut wanted, [&east, &west], &meeting[..1]);
    let group = engine.control().create_group("tester", wanted.clone(), false).await.expect("created");
    map(&mut wanted, [&east, &west], &meeting);
    let rows = wanted.unity_catalog_assets.map(|assets| assets.location_mappings);
    let patch = resilience::control::GroupPatch { location_mappings: rows, ..Default::default() };
    let id = group.spec.id;
    until_active(&engine, "core").await;
    let sentence = engine.control().update_group("tester", &id, None, patch).await.expect_err("refused").to_string();
    assert!(sentence.contains("whole-lake") && sentence.contains("hot-to-cold"), "{sentence}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_in_capitals_is_the_catalogs_own_scope() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let engine = engine(dir.path(), 0.0).await;
    let (east, west) = (Admin::of(&engine, 0), Admin::of(&engine, 1));
    east.add_catalog("one", None).await;
    east.add_table("one", "s", "t", None).await;
    let group = engine.control().create_group("tester", spec(&engine, "core", &["ONE"]), false).await.expect("created");
    assert_eq!(CatalogName::list(group.catalogs()), "one");
    until_active(&engine, "core").await;
    assert!(west.client.table("one.s.t").await.expect("an answer").is_some());
    let again = engine.control().create_group("tester", spec(&engine, "other", &["One"]), false).await;
    assert!(again.expect_err("refused").to_string().contains("belongs to failover group core"));
    let patch = resilience::control::GroupPatch { catalogs: Some(vec![CatalogName::new("oNe")]), ..Default::default() };
    let same = engine.control().update_group("tester", &group.spec.id, None, patch).await.expect("no change");
    assert_eq!((CatalogName::list(same.catalogs()).as_str(), same.state), ("one", GroupState::Active));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_group_whose_mappings_no_longer_hold_starts_and_says_so() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let first = engine(dir.path(), 0.0).await;
    let (east, west) = (Admin::of(&first, 0), Admin::of(&first, 1));
    east.add_catalog("plain", None).await;
    east.add_table("plain", "s", "t", None).await;
    let mut wanted = spec(&first, "core", &["plain"]);
    map(&mut wanted, [&east, &west], &[("onto-itself", "lake/*", "lake/*")]);
    first.control().create_group("tester", wanted, false).await.expect("created");
    until_active(&first, "core").await;
    first.stop().await;

    // As an earlier version accepted it: the west side leads into the east.
    let store = rusqlite::Connection::open(dir.path().join("data/state.db")).expect("the store");
    let (from, to) = (format!("{}/lake/*", west.root), format!("{}//l%61ke/*", east.root));
    let changed =
        store.execute("UPDATE failover_groups SET body = replace(body, ?1, ?2)", [from, to]).expect("changed");
    assert_eq!(changed, 1);
    drop(store);

    let again = engine(dir.path(), 0.0).await;
    let east = Admin::of(&again, 0);
    let errors = until_errors(&again, |errors| !errors.is_empty()).await;
    assert_eq!((errors[0].class, errors[0].object.as_str()), (ErrorClass::UnmappedLocation, "plain"), "{errors:#?}");
    assert!(errors[0].message.contains("onto-itself"), "{errors:#?}");
    east.add_table("plain", "s", "later", None).await;
    let errors = until_errors(&again, |errors| errors.len() == 2).await;
    assert!(errors.iter().any(|e| e.object == "plain.s.later" && e.message.contains("onto-itself")), "{errors:#?}");
    again.stop().await;
}
