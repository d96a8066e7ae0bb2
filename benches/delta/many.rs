//! Ten thousand tables: the memory that their first copy takes, and cycles over them that find nothing changed.

use crate::shared::deployment::Scope;
use crate::shared::disk::{self, Scratch};
use crate::shared::figures::median;
use crate::shared::{Fault, Options};
use resilience::connect::{ConnectSettings, SandboxRegion, Secret};
use resilience::domain::Region;
use resilience::domain::{CatalogName, ErrorClass, GroupId, LocationMapping, MappingTable, SystemClock, WorkspaceId};
use resilience::replicate::{CycleCache, CycleOutcome, CycleRequest, Endpoint, Progress, run_cycle};
use resilience::sandbox::{Sandbox, SandboxOptions};
use resilience::store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

const TABLES: usize = 10_000;
/// Files a table.
const FILES: usize = 10;
/// Cycles that find nothing changed.
const IDLE_CYCLES: usize = 15;
/// Seconds that an idle cycle may take.
const IDLE_AIM: f64 = 2.0;
/// Bytes that the first copy may take at its peak.
const MEMORY_AIM: u64 = 400_000_000;

/// What the measured process is told, as JSON on its standard input.
#[derive(Serialize, Deserialize)]
struct Order {
    regions: Vec<End>,
    catalogs: Vec<CatalogName>,
    mappings: Vec<LocationMapping>,
    tables: usize,
    store: PathBuf,
}

/// One region, as the measured process reaches it.
#[derive(Serialize, Deserialize)]
struct End {
    region: String,
    workspace_id: String,
    workspace_url: String,
    token: Secret,
}

impl End {
    async fn endpoint(&self) -> Result<Endpoint, Fault> {
        let settings = ConnectSettings::new(&self.region, &self.workspace_url, self.token.clone());
        Ok(Endpoint::connect(
            &Region::new(&self.region),
            &WorkspaceId::new(self.workspace_id.as_str()),
            SandboxRegion::connect(settings.fail_fast())?,
        )
        .await?)
    }
}

/// Makes the tables, and lets a process of its own replicate them: the sandbox's memory is not the product's.
pub fn run(options: &Options, dir: &Path) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let dir = Scratch::new(dir, "many")?;
    runtime.block_on(measure(options, dir.path()))
}

async fn measure(options: &Options, dir: &Path) -> Result<(), Fault> {
    let tables = (TABLES / options.divide).max(20);
    eprintln!("Seeding {tables} tables.");
    let started = Instant::now();
    let plan =
        SandboxOptions { tables: Some(tables), commits_per_second: 0.0, ..SandboxOptions::new(dir.join("sandbox")) };
    let sandbox = Sandbox::start(plan, Arc::new(SystemClock)).await?;
    let scope = Scope::of(&sandbox).await?;
    let files = fill(&dir.join("sandbox"))?;
    disk::sync()?;
    println!(
        "{}",
        json!({"bench": "many_seeded", "tables": scope.tables.len(), "files": files, "seconds": started.elapsed().as_secs_f64()})
    );
    let order = Order {
        regions: sandbox
            .regions()
            .into_iter()
            .map(|r| End {
                region: r.region,
                workspace_id: r.workspace_id,
                workspace_url: r.workspace_url,
                token: Secret::new(r.replication_token),
            })
            .collect(),
        catalogs: scope.catalogs,
        mappings: scope.mappings,
        tables,
        store: dir.join("state.db"),
    };
    let text = serde_json::to_string(&order)?;
    let done = tokio::task::spawn_blocking(move || -> Result<(), Fault> {
        let mut child =
            Command::new(std::env::current_exe()?).args(["--bench", "--child"]).stdin(Stdio::piped()).spawn()?;
        std::io::Write::write_all(&mut child.stdin.take().ok_or("The child takes no input.")?, text.as_bytes())?;
        if child.wait()?.success() { Ok(()) } else { Err("The measured process failed.".into()) }
    });
    done.await??;
    sandbox.shutdown().await;
    Ok(())
}

/// Gives every table that has one commit with one file more files, in a second commit; returns how many files there are then.
fn fill(folder: &Path) -> Result<usize, Fault> {
    let (mut files, mut open) = (0, vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        let log = next.join("_delta_log");
        if log.is_dir() {
            files += fill_table(&next, &log)?;
            continue;
        }
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn fill_table(table: &Path, log: &Path) -> Result<usize, Fault> {
    let second = log.join(format!("{:020}.json", 1));
    if second.exists() {
        return Ok(0);
    }
    let first = fs::read_to_string(log.join(format!("{:020}.json", 0)))?;
    let actions = first.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let Some(add) = actions.iter().find_map(|action| action.get("add")) else { return Ok(0) };
    // What cannot be replicated may name files of another table.
    let Ok(bytes) = fs::read(table.join(add["path"].as_str().unwrap_or_default())) else { return Ok(0) };
    let mut text = json!({"commitInfo": {"operation": "WRITE", "timestamp": 1}}).to_string() + "\n";
    for number in 1..FILES {
        let mut add = add.clone();
        let path = format!("part-{number:05}.snappy.parquet");
        fs::write(table.join(&path), &bytes)?;
        add["path"] = json!(path);
        text.push_str(&json!({ "add": add }).to_string());
        text.push('\n');
    }
    fs::write(second, text)?;
    Ok(FILES)
}

/// The measured process.
pub fn child() -> Result<(), Fault> {
    let order: Order = serde_json::from_reader(std::io::stdin())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(replicate(order))
}

async fn replicate(order: Order) -> Result<(), Fault> {
    let names: Vec<Region> = order.regions.iter().map(|r| Region::new(&r.region)).collect();
    let mappings = MappingTable::new(&order.mappings, &names)
        .map_err(|violations| format!("The mapping is refused: {violations:?}"))?;
    let [source, destination] = order.regions.as_slice() else {
        return Err("The sandbox has other than two regions.".into());
    };
    let (source, destination) = (source.endpoint().await?, destination.endpoint().await?);
    let store = Store::open(&order.store)?;
    let mut cache = CycleCache::default();
    let before = peak()?;
    let (seconds, outcome) = cycle(&order, &mappings, &source, &destination, &store, &mut cache).await?;
    let peak = peak()?;
    println!(
        "{}",
        json!({"bench": "many_first_cycle", "tables": order.tables, "seconds": seconds, "changed": outcome.changed,
               "bytes": outcome.bytes_copied, "peak_bytes": peak, "peak_bytes_before": before,
               "aim_bytes": MEMORY_AIM, "aim_met": peak <= MEMORY_AIM})
    );
    drop(outcome);
    let mut idle = Vec::new();
    for run in 0..=IDLE_CYCLES {
        let (seconds, outcome) = cycle(&order, &mappings, &source, &destination, &store, &mut cache).await?;
        if outcome.changed != 0 {
            return Err(format!("An idle cycle found {} tables changed.", outcome.changed).into());
        }
        // The first one reads the secondary's catalog as the first copy left it.
        if run > 0 {
            idle.push(seconds);
        }
    }
    let (most, seconds) = (idle.iter().copied().fold(0.0, f64::max), median(idle));
    println!(
        "{}",
        json!({"bench": "many_idle_cycle_median", "tables": order.tables, "cycles": IDLE_CYCLES, "seconds": seconds,
               "most_seconds": most, "aim_seconds": IDLE_AIM, "aim_met": seconds <= IDLE_AIM})
    );
    Ok(())
}

async fn cycle(
    order: &Order,
    mappings: &MappingTable,
    source: &Endpoint,
    destination: &Endpoint,
    store: &Store,
    cache: &mut CycleCache,
) -> Result<(f64, CycleOutcome), Fault> {
    let group = GroupId::new("bench")?;
    let request = CycleRequest {
        rules: &Default::default(),
        group: &group,
        catalogs: &order.catalogs,
        mappings,
        source,
        destination,
        store,
        clock: &SystemClock,
        stop: Arc::default(),
        limits: Arc::default(),
        bulk: None,
        progress: Arc::new(Progress::default()),
        coverage: Default::default(),
    };
    let started = Instant::now();
    let outcome = run_cycle(&request, cache).await?;
    let seconds = started.elapsed().as_secs_f64();
    if let Some(error) = outcome.errors().find(|e| e.class != ErrorClass::UnsupportedObject) {
        return Err(error.message.clone().into());
    }
    if !outcome.complete {
        return Err("A cycle ended before it was complete.".into());
    }
    Ok((seconds, outcome))
}

/// The most memory that this process has had resident.
fn peak() -> Result<u64, Fault> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("The kernel tells no peak of memory.")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
