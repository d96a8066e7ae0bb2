//! A scope of one catalog in two regions, and what people do in it.

use crate::connect::{InMemoryRegion, RegionApi, RegionCapabilities};
use crate::delta::TransferLimits;
use crate::domain::{
    AssetKind, CatalogName, GroupId, LocationMapping, ManualClock, MappingTable, ObjectStatus, Region, ScopeRules,
    TransferLimit, WorkspaceId,
};
use crate::replicate::assets::REPLICATED;
use crate::replicate::engine::{self, AssetType};
use crate::replicate::followers::FOLLOWERS;
use crate::replicate::kinds::run_cycle_over;
use crate::replicate::{
    Attributes, CompareReport, Comparison, Coverage, CycleCache, CycleError, CycleOutcome, CycleRequest, Endpoint,
    ObjectRecord,
};
use crate::store::Store;
use crate::wire::unity_catalog as uc;
use chrono::{DateTime, TimeDelta};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use url::Url;

pub struct World {
    pub source: Arc<InMemoryRegion>,
    pub destination: Arc<InMemoryRegion>,
    pub cache: CycleCache,
    pub clock: ManualClock,
    pub catalogs: Vec<CatalogName>,
    pub rules: ScopeRules,
    /// Kinds beyond those that the product replicates.
    pub more_kinds: Vec<Arc<dyn AssetType>>,
    from: Endpoint,
    to: Endpoint,
    group: GroupId,
    mappings: MappingTable,
    store: Store,
    _folder: tempfile::TempDir,
}

impl World {
    /// The catalog `shop` with the schema `shop.sales`, in `east`; nothing in `west`.
    pub async fn new() -> Self {
        Self::with(true).await
    }

    /// The same, but `west` chooses ids and places itself.
    pub async fn without_ids() -> Self {
        Self::with(false).await
    }

    async fn with(keeps_ids: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let source = InMemoryRegion::new("east", 1, folder.path());
        let destination = InMemoryRegion::new("west", 2, folder.path());
        let offered = destination.capabilities().await.expect("it answers");
        destination.offer(RegionCapabilities { keeps_ids, ..offered });
        let from =
            Endpoint::connect(&Region::new("east"), &WorkspaceId::new("1"), source.api()).await.expect("it answers");
        let to = Endpoint::connect(&Region::new("west"), &WorkspaceId::new("2"), destination.api())
            .await
            .expect("it answers");
        let mappings = mapped([&from, &to], [source.lake(), destination.lake()]);
        let world = Self {
            source,
            destination,
            cache: CycleCache::default(),
            clock: ManualClock::new(DateTime::from_timestamp(1_800_000_000, 0).expect("a time")),
            catalogs: vec![CatalogName::new("shop")],
            rules: ScopeRules::default(),
            more_kinds: Vec::new(),
            from,
            to,
            group: GroupId::new("core").expect("an id"),
            mappings,
            store: Store::open(&folder.path().join("state.db")).expect("a store"),
            _folder: folder,
        };
        let catalog = uc::CreateCatalog { name: "shop".to_owned(), ..uc::CreateCatalog::default() };
        world.source.create_catalog(&catalog).await.expect("a catalog");
        schema(&world.source, "sales").await;
        world.source.take_changes();
        world
    }

    /// Maps only what lies in the folder `below` of each region's lake.
    pub fn map_only(&mut self, below: &str) {
        self.mappings =
            mapped([&self.from, &self.to], [&self.source, &self.destination].map(|r| format!("{}/{below}", r.lake())));
    }

    /// A cycle half a minute later, so that the destination's catalog is read again.
    pub async fn cycle(&mut self) -> CycleOutcome {
        self.try_cycle().await.expect("a cycle")
    }

    pub async fn try_cycle(&mut self) -> Result<CycleOutcome, CycleError> {
        self.clock.advance(TimeDelta::seconds(31));
        self.soon().await
    }

    /// A cycle right away, which trusts what it knows of the destination.
    pub async fn soon(&mut self) -> Result<CycleOutcome, CycleError> {
        let kinds: Vec<&dyn AssetType> =
            REPLICATED.into_iter().chain(self.more_kinds.iter().map(|kind| kind.as_ref())).collect();
        let request = CycleRequest {
            group: &self.group,
            catalogs: &self.catalogs,
            rules: &self.rules,
            mappings: &self.mappings,
            source: &self.from,
            destination: &self.to,
            store: &self.store,
            clock: &self.clock,
            stop: Arc::new(AtomicBool::new(false)),
            limits: Arc::new(TransferLimits::new(TransferLimit::default())),
            bulk: None,
            progress: Arc::default(),
            coverage: Coverage::default(),
        };
        run_cycle_over(&kinds, &request, &mut self.cache).await
    }

    pub async fn compare(&self) -> CompareReport {
        let kinds: Vec<&dyn AssetType> =
            REPLICATED.into_iter().chain(self.more_kinds.iter().map(|kind| kind.as_ref())).collect();
        let comparison = Comparison {
            group: &self.group,
            rules: &self.rules,
            source: &self.from,
            destination: &self.to,
            store: &self.store,
            clock: &self.clock,
            depth: crate::delta::Depth::Sizes,
        };
        engine::compare(&kinds, &FOLLOWERS, &self.catalogs, &comparison).await.expect("both regions answer")
    }

    /// The secondary takes over: what was the source is the destination from now on, and the cache is of another epoch.
    pub fn turn_round(&mut self) {
        std::mem::swap(&mut self.source, &mut self.destination);
        std::mem::swap(&mut self.from, &mut self.to);
        self.restart();
    }

    /// Forgets a table, as a group does that takes it out of the scope by name.
    pub fn disown(&mut self, table: &str) {
        let (store, group, table) = (self.store.clone(), self.group.clone(), table.to_owned());
        store.run_blocking(move |tx| tx.remove_table(&group, &table)).expect("it writes");
        self.restart();
    }

    /// A runtime that starts again: only what the store has is known.
    pub fn restart(&mut self) {
        let (store, group) = (self.store.clone(), self.group.clone());
        let (tables, owned, rows) = store
            .run_blocking(move |tx| Ok((tx.tables(&group)?, tx.owned(&group)?, tx.attributes(&group)?)))
            .expect("it reads");
        self.cache = CycleCache {
            tables: tables.into_iter().map(|row| (row.name, row.body)).collect(),
            owned: owned.into_iter().collect(),
            attributes: Attributes::with_rows(rows),
            ..CycleCache::default()
        };
    }
}

/// One mapping between a folder of each end, beside the metastores' own roots.
fn mapped(ends: [&Endpoint; 2], folders: [String; 2]) -> MappingTable {
    let regions = ends.map(|end| end.region.clone());
    let places = folders.map(|folder| format!("{folder}/*"));
    let row =
        LocationMapping { name: "lake".to_owned(), uri_by_region: regions.clone().into_iter().zip(places).collect() };
    let roots = ends.map(|end| (&end.region, end.metastore_root.as_deref()));
    MappingTable::new(&[row], &regions).expect("one to one").with_metastore_roots(roots)
}

/// What is said of one object.
pub fn found<'a>(objects: &'a [ObjectRecord], kind: AssetKind, name: &str) -> &'a ObjectRecord {
    let mut of_name = objects.iter().filter(|object| object.kind == kind && object.name == name);
    let record = of_name.next().unwrap_or_else(|| panic!("nothing is said of {kind} {name}: {objects:#?}"));
    assert!(of_name.next().is_none(), "{kind} {name} is listed twice: {objects:#?}");
    record
}

pub fn status(objects: &[ObjectRecord], kind: AssetKind, name: &str) -> ObjectStatus {
    found(objects, kind, name).status
}

/// Each object's kind, name and status.
pub fn statuses(objects: &[ObjectRecord]) -> Vec<(AssetKind, &str, ObjectStatus)> {
    objects.iter().map(|object| (object.kind, object.name.as_str(), object.status)).collect()
}

pub async fn schema(region: &InMemoryRegion, name: &str) {
    let schema =
        uc::CreateSchema { name: name.to_owned(), catalog_name: "shop".to_owned(), ..uc::CreateSchema::default() };
    region.create_schema(&schema).await.expect("a schema");
}

fn leaf(schema: &str, name: &str, table_type: &str) -> uc::CreateTable {
    uc::CreateTable {
        name: name.to_owned(),
        catalog_name: "shop".to_owned(),
        schema_name: schema.to_owned(),
        table_type: table_type.to_owned(),
        ..uc::CreateTable::default()
    }
}

/// A view in a schema of `shop`.
pub async fn view(region: &InMemoryRegion, schema: &str, name: &str, definition: &str) {
    let view = uc::CreateTable { view_definition: Some(definition.to_owned()), ..leaf(schema, name, uc::TABLE_VIEW) };
    region.create_table(&view).await.expect("a view");
}

/// A managed Delta table in a schema of `shop`, with one row in one file.
pub async fn table(region: &InMemoryRegion, schema: &str, name: &str) {
    let staging = uc::CreateStagingTable {
        catalog_name: "shop".to_owned(),
        schema_name: schema.to_owned(),
        name: name.to_owned(),
        ..uc::CreateStagingTable::default()
    };
    let staged = region.create_staging_table(&staging).await.expect("a place");
    let folder = Url::parse(&staged.staging_location).expect("a URI").to_file_path().expect("a folder");
    write_table(&folder, &staged.id);
    let table =
        uc::CreateTable { storage_location: Some(staged.staging_location), ..leaf(schema, name, uc::TABLE_MANAGED) };
    region.create_table(&table).await.expect("a table");
}

fn write_table(folder: &Path, id: &str) {
    std::fs::create_dir_all(folder.join("_delta_log")).expect("a folder");
    std::fs::write(folder.join("part-0.parquet"), b"a row").expect("written");
    let schema = r#"{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}"#;
    let actions = [
        json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}),
        json!({"metaData": {"id": id, "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
            "partitionColumns": [], "configuration": {}}}),
        json!({"add": {"path": "part-0.parquet", "partitionValues": {}, "size": 5, "modificationTime": 1_800_000_000_000_i64,
            "dataChange": true}}),
    ];
    let lines: Vec<String> = actions.iter().map(ToString::to_string).collect();
    let commit = folder.join("_delta_log").join("00000000000000000000.json");
    std::fs::write(commit, lines.join("\n")).expect("written");
}
