//! What every kind of region does, whatever it is: the layers above rely on this and on nothing else.

use resilience::connect::{ConnectError, RegionApi, StorageHandle, TablePlace, open_storage};
use resilience::wire::unity_catalog as uc;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A region to try, and what it says that it can.
pub struct Kind {
    pub region: Arc<dyn RegionApi>,
    /// The workspace that it is called from.
    pub workspace: i64,
    /// A `file://` URI below which it takes external tables.
    pub external: String,
    /// Whether it keeps a catalog read-only.
    pub bindings: bool,
    /// Whether managed tables take commits by path.
    pub managed_by_path: bool,
}

/// Tries all of it. The region may hold other things.
pub async fn conforms(kind: &Kind) {
    connects(kind).await;
    catalogs(kind).await;
    schemas_are_listed_whole(kind).await;
    external_tables(kind).await;
    volumes_and_functions(kind).await;
    workloads_are_listed(kind).await;
    fence(kind).await;
}

async fn connects(kind: &Kind) {
    let region = &kind.region;
    region.probe(std::time::Duration::from_secs(5)).await;
    assert!(region.health().away_since().is_none(), "it answers");
    let offered = region.capabilities().await.expect("it tells what it can");
    assert_eq!(offered, region.capabilities().await.expect("it tells it again"));
    assert_eq!(offered.bindings, kind.bindings);
    assert_eq!(offered.staging_tables, kind.managed_by_path);
    match region.metastore_summary().await {
        Ok(_) => {}
        Err(error) => assert!(!error.is_unreachable(), "{error}"),
    }
}

async fn catalogs(kind: &Kind) {
    let region = &kind.region;
    assert_eq!(region.catalog("no_such_catalog").await.expect("an answer"), None);
    let wanted = uc::CreateCatalog {
        name: "suite".to_owned(),
        comment: Some("first".to_owned()),
        storage_root: kind.managed_by_path.then(|| format!("{}/suite", kind.external)),
        ..uc::CreateCatalog::default()
    };
    region.create_catalog(&wanted).await.expect("made");
    let again = region.create_catalog(&wanted).await.expect_err("the name is taken");
    assert!(again.is_already_exists(), "{again:?}");
    assert!(again.to_string().contains(region.region()), "an error names its region: {again}");
    let change = uc::UpdateCatalog { comment: Some("second".to_owned()), ..uc::UpdateCatalog::default() };
    region.update_catalog("suite", &change).await.expect("changed");
    let found = region.catalog("suite").await.expect("an answer").expect("it is there");
    assert_eq!(found.comment.as_deref(), Some("second"));
    assert!(region.catalogs().await.expect("listed").iter().any(|catalog| catalog.name == "suite"));
}

/// More than a page of any region.
async fn schemas_are_listed_whole(kind: &Kind) {
    let region = &kind.region;
    let names: BTreeSet<String> = (0..12).map(|number| format!("s{number:02}")).collect();
    for name in &names {
        let schema = uc::CreateSchema { name: name.clone(), catalog_name: "suite".to_owned(), ..Default::default() };
        region.create_schema(&schema).await.expect("made");
    }
    let listed = region.schemas("suite").await.expect("listed");
    let listed: BTreeSet<String> =
        listed.into_iter().map(|schema| schema.name).filter(|name| name.starts_with('s')).collect();
    assert_eq!(listed, names, "every page was read, and none twice");
    assert_eq!(region.schema("suite.no_such").await.expect("an answer"), None);
    let found = region.schema("suite.s00").await.expect("an answer").expect("it is there");
    assert_eq!((found.catalog_name.as_str(), found.name.as_str()), ("suite", "s00"));
    for name in names.iter().skip(1) {
        region.delete_schema(&format!("suite.{name}"), true).await.expect("gone");
    }
    let left = region.schemas("suite").await.expect("listed");
    assert!(left.iter().any(|s| s.name == "s00") && !left.iter().any(|s| s.name == "s01"), "{left:?}");
    let orphan =
        uc::CreateSchema { name: "x".to_owned(), catalog_name: "no_such_catalog".to_owned(), ..Default::default() };
    let refused = region.create_schema(&orphan).await.expect_err("it has no parent");
    assert!(!refused.is_unreachable() && !refused.is_already_exists(), "{refused:?}");
}

async fn external_tables(kind: &Kind) {
    let region = &kind.region;
    let location = format!("{}/suite/ext", kind.external);
    write_log(&location).await;
    let column = uc::ColumnInfo {
        name: "id".to_owned(),
        type_text: Some("bigint".to_owned()),
        type_name: Some("LONG".to_owned()),
        type_json: Some(r#"{"name":"id","type":"long","nullable":true,"metadata":{}}"#.to_owned()),
        position: Some(0),
        nullable: Some(true),
        ..uc::ColumnInfo::default()
    };
    let table = uc::CreateTable {
        name: "ext".to_owned(),
        catalog_name: "suite".to_owned(),
        schema_name: "s00".to_owned(),
        table_type: uc::TABLE_EXTERNAL.to_owned(),
        data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
        storage_location: Some(location.clone()),
        columns: vec![column],
        ..uc::CreateTable::default()
    };
    region.create_table(&table).await.expect("made");
    assert!(region.create_table(&table).await.expect_err("the name is taken").is_already_exists());
    let found = region.table("suite.s00.ext").await.expect("an answer").expect("it is there");
    assert_eq!((found.table_type.as_str(), found.storage_location.as_deref()), ("EXTERNAL", Some(location.as_str())));
    let listed = region.tables("suite", "s00").await.expect("listed");
    assert_eq!(listed.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["ext"]);
    let place = TablePlace::of(&found).expect("it has a place");
    for write in [false, true] {
        let grant = region.grant(&place, write).await.expect("granted");
        let opened = open_storage(&place.uri, Some(&grant.credentials), region.storage()).expect("opened");
        assert!(matches!(opened, StorageHandle::Local(path) if path.join("_delta_log").is_dir()));
    }
    assert_eq!(region.table("suite.s00.no_such").await.expect("an answer"), None);
    region.delete_table("suite.s00.ext").await.expect("dropped");
    assert_eq!(region.table("suite.s00.ext").await.expect("an answer"), None);
    write_log(&location).await;
}

/// A region has them or says that it has no such call; nothing else.
async fn volumes_and_functions(kind: &Kind) {
    let region = &kind.region;
    for answer in [
        region.volumes("suite", "s00").await.map(|all| all.len()),
        region.functions("suite", "s00").await.map(|all| all.len()),
    ] {
        match answer {
            Ok(count) => assert_eq!(count, 0),
            Err(error) => assert!(error.is_not_served(), "{error:?}"),
        }
    }
}

async fn workloads_are_listed(kind: &Kind) {
    kind.region.jobs().await.expect("none is a list too");
    kind.region.clusters().await.expect("none is a list too");
    kind.region.warehouses().await.expect("none is a list too");
    match kind.region.external_locations().await {
        Ok(_) => {}
        Err(error) => assert!(error.is_not_served(), "{error:?}"),
    }
}

/// Where a catalog can be read-only, the product still makes what a replica needs, and the fence stands afterwards.
async fn fence(kind: &Kind) {
    let region = &kind.region;
    if !kind.bindings {
        let asked = region.bindings_of_catalog("suite").await;
        assert!(asked.as_ref().is_err_and(ConnectError::is_not_served), "{asked:?}");
        return;
    }
    let isolated =
        uc::UpdateCatalog { isolation_mode: Some(uc::ISOLATION_ISOLATED.to_owned()), ..uc::UpdateCatalog::default() };
    let own = || uc::WorkspaceBinding::read_only(kind.workspace);
    let bound = region.bindings_of_catalog("suite").await.expect("told");
    let change = uc::UpdateBindings { add: vec![own()], remove: bound };
    region.update_bindings("suite", &change).await.expect("bound");
    region.update_catalog("suite", &isolated).await.expect("isolated");
    let bound = region.bindings_of_catalog("suite").await.expect("told");
    let writers: Vec<_> = bound.iter().filter(|b| b.workspace_id == kind.workspace && !b.is_read_only()).collect();
    if !writers.is_empty() {
        // Isolating binds the caller's workspace by itself in some regions.
        let change = uc::UpdateBindings { add: vec![own()], remove: bound.clone() };
        region.update_bindings("suite", &change).await.expect("bound");
    }
    let schema = uc::CreateSchema { name: "fenced".to_owned(), catalog_name: "suite".to_owned(), ..Default::default() };
    region.create_schema(&schema).await.expect("the product makes what a replica needs");
    let bound = region.bindings_of_catalog("suite").await.expect("told");
    assert!(bound.iter().any(|b| b.workspace_id == kind.workspace && b.is_read_only()), "{bound:?}");
    assert!(!bound.iter().any(|b| !b.is_read_only()), "the fence stands: {bound:?}");
}

/// A Delta table with an empty version 0.
async fn write_log(location: &str) {
    let StorageHandle::Local(path) = open_storage(location, None, &Default::default()).expect("a place") else {
        panic!("{location} is no folder")
    };
    std::fs::create_dir_all(path.join("_delta_log")).expect("a folder");
    let lines = [
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#,
        r#"{"metaData":{"id":"11111111-1111-4111-8111-111111111111","format":{"provider":"parquet","options":{}},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[],"configuration":{},"createdTime":0}}"#,
    ];
    std::fs::write(path.join("_delta_log/00000000000000000000.json"), lines.join("\n") + "\n").expect("written");
}
