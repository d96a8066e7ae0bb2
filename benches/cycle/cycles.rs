//! One cycle over many tables of which none, a few or all changed.

use crate::shared::deployment::{Scope, endpoint};
use crate::shared::disk::{self, Scratch};
use crate::shared::figures::median;
use crate::shared::{Fault, Options};
use resilience::domain::Region;
use resilience::domain::{ErrorClass, GroupId, MappingTable, SystemClock};
use resilience::replicate::{CycleCache, CycleOutcome, CycleRequest, Endpoint, Progress, run_cycle};
use resilience::sandbox::{Sandbox, SandboxOptions};
use resilience::store::Store;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Tables in scope.
const TABLES: usize = 1_000;
/// Tables that change where only a few do.
const FEW: usize = 10;
/// Idle cycles for each cycle with changes: they are short, so one alone says little.
const IDLE_CYCLES: usize = 5;
/// Seconds that a cycle with nothing to ship may take.
const IDLE_AIM: f64 = 0.3;

/// One direction of replication, as a group's worker drives it.
struct Replication {
    sandbox: Sandbox,
    scope: Scope,
    mappings: MappingTable,
    source: Endpoint,
    destination: Endpoint,
    store: Store,
    group: GroupId,
    cache: CycleCache,
}

/// One cycle and how long it took.
struct Timed {
    seconds: f64,
    outcome: CycleOutcome,
}

/// Measures a first cycle, then rounds of cycles with all, some and no tables changed.
pub fn run(options: &Options, dir: &Path) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let dir = Scratch::new(dir, "cycles")?;
    runtime.block_on(measure(options, dir.path()))
}

async fn measure(options: &Options, dir: &Path) -> Result<(), Fault> {
    let tables = (TABLES / options.divide).max(20);
    eprintln!("Seeding {tables} tables.");
    let mut replication = Replication::start(dir, tables).await?;
    disk::sync()?;
    let first = replication.cycle().await?;
    let bytes = first.outcome.bytes_copied;
    println!("{}", json!({"bench": "first_cycle", "tables": tables, "seconds": first.seconds, "bytes": bytes}));

    let (mut all, mut few, mut idle, mut reread) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 1..=options.runs {
        for (changed, seconds) in [(tables, &mut all), (FEW, &mut few)] {
            replication.change(changed).await?;
            // What the writers wrote is not the cycle's to write out.
            disk::sync()?;
            seconds.push(replication.expect(run, changed, false).await?);
        }
        for _ in 0..IDLE_CYCLES {
            idle.push(replication.expect(run, 0, false).await?);
        }
        // Every thirty seconds a cycle reads the secondary's catalog again.
        replication.cache.destination = None;
        reread.push(replication.expect(run, 0, true).await?);
    }
    for (changed, reads, seconds) in [(0, false, idle), (0, true, reread), (FEW, false, few), (tables, false, all)] {
        let (cycles, most) = (seconds.len(), seconds.iter().copied().fold(0.0, f64::max));
        let seconds = median(seconds);
        let mut line = json!({"bench": "cycle_median", "tables": tables, "changed": changed,
            "secondary_read_anew": reads, "cycles": cycles, "seconds": seconds, "most_seconds": most});
        if changed == 0 {
            line["aim_seconds"] = json!(IDLE_AIM);
            line["aim_met"] = json!(seconds < IDLE_AIM);
        }
        println!("{line}");
    }
    replication.sandbox.shutdown().await;
    Ok(())
}

impl Replication {
    async fn start(dir: &Path, tables: usize) -> Result<Self, Fault> {
        let options = SandboxOptions {
            tables: Some(tables),
            commits_per_second: 0.0,
            ..SandboxOptions::new(dir.join("sandbox"))
        };
        let sandbox = Sandbox::start(options, Arc::new(SystemClock)).await?;
        let scope = Scope::of(&sandbox).await?;
        if scope.tables.len() != tables {
            return Err(format!("The sandbox seeded {} tables, not {tables}.", scope.tables.len()).into());
        }
        let regions = sandbox.regions();
        let names: Vec<Region> = regions.iter().map(|r| Region::new(&r.region)).collect();
        let mappings = MappingTable::new(&scope.mappings, &names)
            .map_err(|violations| format!("The mapping is refused: {violations:?}"))?;
        let [source, destination] = regions.as_slice() else {
            return Err("The sandbox has other than two regions.".into());
        };
        Ok(Self {
            source: endpoint(source).await?,
            destination: endpoint(destination).await?,
            store: Store::open(&dir.join("state.db"))?,
            group: GroupId::new("bench")?,
            cache: CycleCache::default(),
            sandbox,
            scope,
            mappings,
        })
    }

    /// Makes one commit to each of `count` tables, spread over all of them.
    async fn change(&self, count: usize) -> Result<(), Fault> {
        for table in self.scope.tables.iter().step_by(self.scope.tables.len() / count).take(count) {
            self.sandbox.commit(self.source.region.as_str(), table).await?;
        }
        Ok(())
    }

    /// One cycle, from the listing of the primary's catalog to the synced ledger.
    async fn cycle(&mut self) -> Result<Timed, Fault> {
        let request = CycleRequest {
            rules: &Default::default(),
            group: &self.group,
            catalogs: &self.scope.catalogs,
            mappings: &self.mappings,
            source: &self.source,
            destination: &self.destination,
            store: &self.store,
            clock: &SystemClock,
            stop: Arc::default(),
            limits: Arc::default(),
            bulk: None,
            progress: Arc::new(Progress::default()),
            coverage: Default::default(),
        };
        let started = Instant::now();
        let outcome = run_cycle(&request, &mut self.cache).await?;
        let seconds = started.elapsed().as_secs_f64();
        if let Some(error) = outcome.errors().find(|e| e.class != ErrorClass::UnsupportedObject) {
            return Err(error.message.clone().into());
        }
        if !outcome.complete {
            return Err("A cycle ended before it was complete.".into());
        }
        Ok(Timed { seconds, outcome })
    }

    /// One cycle that must find `changed` tables changed; its seconds.
    async fn expect(&mut self, run: usize, changed: usize, reads: bool) -> Result<f64, Fault> {
        let Timed { seconds, outcome } = self.cycle().await?;
        if outcome.changed != changed as u64 {
            return Err(format!("A cycle found {} tables changed, not {changed}.", outcome.changed).into());
        }
        println!(
            "{}",
            json!({"bench": "cycle", "tables": self.scope.tables.len(), "changed": changed, "run": run,
                   "secondary_read_anew": reads, "seconds": seconds, "bytes": outcome.bytes_copied})
        );
        Ok(seconds)
    }
}
