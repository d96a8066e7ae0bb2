//! What the metadata of Unity Catalog costs: the first pass, and quiet cycles after it, in seconds and requests. JSON lines on
//! standard output; `benches/README.md` says how to read them.
//!
//! `cargo bench --bench metadata -- --help` lists the options. The full scale is `--catalogs 300 --tables 30000`.

mod shared;

use clap::Parser;
use resilience::domain::{GroupId, MappingTable, Region, SystemClock};
use resilience::replicate::{CycleCache, CycleRequest, Endpoint, Progress, run_cycle};
use resilience::sandbox::{Sandbox, SandboxOptions};
use resilience::store::Store;
use resilience::wire::unity_catalog::{PermissionsChange, Securable, UpdatePermissions};
use serde_json::json;
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
    /// Grants on each table.
    #[arg(long, default_value_t = 3)]
    grants: usize,
    #[command(flatten)]
    common: shared::Options,
}

/// Who is granted something; the sandbox knows them in both regions.
const PRINCIPALS: [&str; 4] = ["sales-analysts", "controllers", "plant-engineers", "account users"];

fn requests(ends: [&Endpoint; 2]) -> u64 {
    ends.iter().map(|end| end.client.health().answers()).sum()
}

async fn grant(source: &Endpoint, tables: &[String], each: usize) -> Result<(), Fault> {
    for table in tables {
        let change = |principal: &&str| PermissionsChange {
            principal: (*principal).to_owned(),
            add: vec!["SELECT".to_owned()],
            ..PermissionsChange::default()
        };
        let changes = PRINCIPALS.iter().take(each).map(change).collect();
        source.client.update_grants(Securable::Table, table, &UpdatePermissions { changes }).await?;
    }
    Ok(())
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
    grant(&source, &scope.tables, options.grants).await?;
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
            progress: Arc::new(Progress::default()),
            coverage: Default::default(),
        };
        let outcome = run_cycle(&request, &mut cache).await?;
        let (seconds, asked) = (started.elapsed().as_secs_f64(), requests([&source, &destination]) - before);
        if run == 0 {
            first = asked;
        }
        let share = asked as f64 / first.max(1) as f64;
        println!(
            "{}",
            json!({"bench": if run == 0 { "first_pass" } else { "quiet_cycle" }, "run": run, "catalogs": catalogs,
                "tables": tables, "grants": tables * options.grants, "objects": outcome.objects.len(),
                "seconds": seconds, "requests": asked, "requests_a_minute": asked as f64 / seconds.max(0.001) * 60.0,
                "share_of_first_pass": share, "aim_share": QUIET_SHARE, "aim_seconds": QUIET_SECONDS,
                "aim_met": run == 0 || share <= QUIET_SHARE && seconds < QUIET_SECONDS})
        );
    }
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
