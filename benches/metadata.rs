//! What metadata and workspace assets cost: the first pass, and quiet ones after it, in seconds and requests. JSON lines on
//! standard output; `benches/README.md` says how to read them.
//!
//! `cargo bench --bench metadata -- --help` lists the options. The full scale is `--catalogs 300 --schemas 3000 --tables 30000
//! --notebooks 10000 --jobs 1000`.

#[path = "metadata/assets.rs"]
mod assets;
mod shared;

use clap::Parser;
use futures::{StreamExt, TryStreamExt, stream};
use resilience::domain::{CatalogName, GroupId, MappingTable, Region, SystemClock};
use resilience::replicate::{CycleCache, CycleRequest, Endpoint, Progress, run_cycle};
use resilience::sandbox::{Sandbox, SandboxOptions};
use resilience::store::Store;
use resilience::wire::unity_catalog::{CreateSchema, PermissionsChange, Securable, UpdatePermissions};
use serde_json::{Value, json};
use shared::Fault;
use shared::deployment::{Scope, endpoint};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The share of the first pass's requests that a quiet cycle may take.
const QUIET_SHARE: f64 = 0.02;
/// Seconds that a quiet cycle may take.
const QUIET_SECONDS: f64 = 10.0;
/// The pause between two cycles, as a group's worker makes it.
const PAUSE: Duration = Duration::from_millis(700);

#[derive(Debug, Parser)]
#[command(about = "Measures what metadata costs and prints JSON lines.")]
struct Options {
    /// Catalogs in the scope.
    #[arg(long, default_value_t = 30)]
    catalogs: usize,
    /// Tables in the scope.
    #[arg(long, default_value_t = 600)]
    tables: usize,
    /// Schemas in the scope.
    #[arg(long, default_value_t = 60)]
    schemas: usize,
    /// Grants on each table and each schema; a catalog has one more.
    #[arg(long, default_value_t = 3)]
    grants: usize,
    /// Notebooks in the workspace.
    #[arg(long, default_value_t = 200)]
    notebooks: usize,
    /// Jobs in the workspace.
    #[arg(long, default_value_t = 20)]
    jobs: usize,
    #[command(flatten)]
    common: shared::Options,
}

/// Requests that are under way at a time while grants are made.
const PARALLEL: usize = 16;

/// Who is granted something; the sandbox knows them in both regions.
const PRINCIPALS: [&str; 4] = ["sales-analysts", "controllers", "plant-engineers", "account users"];

fn requests(ends: [&Endpoint; 2]) -> u64 {
    ends.iter().map(|end| end.client.health().answers()).sum()
}

/// One pass, as a line of figures.
struct Measured {
    bench: &'static str,
    run: usize,
    seconds: f64,
    asked: u64,
    /// Requests of the first pass.
    first: u64,
}

impl Measured {
    fn print(&self, more: Value) {
        let share = self.asked as f64 / self.first.max(1) as f64;
        let mut line = json!({"bench": self.bench, "run": self.run, "seconds": self.seconds, "requests": self.asked,
            "requests_a_minute": self.asked as f64 / self.seconds.max(0.001) * 60.0, "share_of_first_pass": share,
            "aim_share": QUIET_SHARE, "aim_seconds": QUIET_SECONDS,
            "aim_met": self.run == 0 || share <= QUIET_SHARE && self.seconds < QUIET_SECONDS});
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        println!("{line}");
    }
}

/// Makes schemas until each catalog has its share.
async fn add_schemas(source: &Endpoint, catalogs: &[String], each: usize) -> Result<Vec<String>, Fault> {
    let mut all = Vec::new();
    for catalog in catalogs {
        let known = source.client.schemas(catalog).await?.into_iter().map(|schema| schema.name);
        let mut names: Vec<String> = known.filter(|name| name != "information_schema").collect();
        for number in names.len()..each {
            let name = format!("bench{number:02}");
            let create = CreateSchema { name: name.clone(), catalog_name: catalog.clone(), ..CreateSchema::default() };
            source.client.create_schema(&create).await?;
            names.push(name);
        }
        all.extend(names.into_iter().map(|name| format!("{catalog}.{name}")));
    }
    Ok(all)
}

async fn grant(source: &Endpoint, of: Securable, names: &[String], each: usize) -> Result<usize, Fault> {
    let change = |principal: &&str| PermissionsChange {
        principal: (*principal).to_owned(),
        add: vec!["SELECT".to_owned()],
        ..PermissionsChange::default()
    };
    let changes = UpdatePermissions { changes: PRINCIPALS.iter().take(each).map(change).collect() };
    let calls: Vec<_> = names.iter().map(|name| source.client.update_grants(of, name, &changes)).collect();
    stream::iter(calls).buffer_unordered(PARALLEL).try_collect::<()>().await?;
    Ok(names.len() * changes.changes.len())
}

async fn measure(options: &Options, dir: &std::path::Path) -> Result<(), Fault> {
    let tables = (options.tables / options.common.divide).max(20);
    let catalogs = (options.catalogs / options.common.divide).max(3);
    eprintln!("Seeding {tables} tables in {catalogs} catalogs.");
    let seed = SandboxOptions {
        tables: Some(tables),
        catalogs: Some(catalogs),
        commits_per_second: 0.0,
        ..SandboxOptions::new(dir.join("sandbox"))
    };
    let sandbox = Sandbox::start(seed, Arc::new(SystemClock)).await?;
    let scope = Scope::of(&sandbox).await?;
    let regions = sandbox.regions();
    let [from, to] = regions.as_slice() else { return Err("The sandbox has other than two regions.".into()) };
    let (source, destination) = (endpoint(from).await?, endpoint(to).await?);
    let schemas = options.schemas / options.common.divide;
    let names: Vec<String> = scope.catalogs.iter().map(CatalogName::to_string).collect();
    let schemas = add_schemas(&source, &names, schemas.div_ceil(catalogs)).await?;
    let mut grants = grant(&source, Securable::Catalog, &names, options.grants + 1).await?;
    grants += grant(&source, Securable::Schema, &schemas, options.grants).await?;
    grants += grant(&source, Securable::Table, &scope.tables, options.grants).await?;
    let names: Vec<Region> = regions.iter().map(|region| Region::new(&region.region)).collect();
    let mappings = MappingTable::new(&scope.mappings, &names)
        .map_err(|violations| format!("The mapping is refused: {violations:?}"))?;
    let (store, group) = (Store::open(&dir.join("state.db"))?, GroupId::new("bench")?);
    let mut cache = CycleCache::default();
    let mut first = 0;
    for run in 0..=options.common.runs {
        if run > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let (before, started) = (requests([&source, &destination]), Instant::now());
        let request = CycleRequest {
            rules: &Default::default(),
            group: &group,
            catalogs: &scope.catalogs,
            mappings: &mappings,
            source: &source,
            destination: &destination,
            store: &store,
            clock: &SystemClock,
            stop: Arc::default(),
            limits: Arc::default(),
            bulk: None,
            progress: Arc::new(Progress::default()),
            coverage: Default::default(),
        };
        let outcome = run_cycle(&request, &mut cache).await?;
        let (seconds, asked) = (started.elapsed().as_secs_f64(), requests([&source, &destination]) - before);
        if run == 0 {
            first = asked;
        }
        let bench = if run == 0 { "first_pass" } else { "quiet_cycle" };
        Measured { bench, run, seconds, asked, first }.print(json!({"catalogs": catalogs, "schemas": schemas.len(),
            "tables": tables, "grants": grants, "objects": outcome.objects.len()}));
    }
    assets::measure(options, [&source, &destination], dir).await?;
    sandbox.shutdown().await;
    Ok(())
}

fn run(options: &Options) -> Result<(), Fault> {
    let dir = options.common.scratch("bench-metadata")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(options, dir.path()))
}

fn main() -> ExitCode {
    let options = Options::parse();
    shared::main("metadata", options.common.bench, || run(&options))
}
