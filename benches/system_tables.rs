//! How fast the system tables are written and read, as JSON lines on standard output; `benches/README.md` says how to read them.

mod shared;

use chrono::{TimeDelta, Timelike, Utc};
use clap::Parser;
use resilience::domain::{CatalogName, Region};
use resilience::system_tables::{ErrorEntry, ManagedAssets, StateKind, StateRow, Table, lag_since};
use serde_json::{Value, json};
use shared::Fault;
use shared::figures::{median, percentile};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

#[derive(Debug, Parser)]
#[command(about = "Measures the system tables and prints JSON lines.")]
struct Options {
    /// Failover groups.
    #[arg(long, default_value_t = 100)]
    groups: usize,
    /// Days of rows, one a group every 30 s.
    #[arg(long, default_value_t = 7)]
    days: i64,
    #[command(flatten)]
    common: shared::Options,
    /// A Python with deltalake, pyarrow, duckdb and its extension delta.
    #[arg(long)]
    python: Option<PathBuf>,
}

/// What one group's row holds; a tenth of the groups has an error.
fn row(group: usize, at: chrono::DateTime<Utc>) -> StateRow {
    let error = ErrorEntry {
        error_class: "LOG_GAP".to_owned(),
        parameters: BTreeMap::from([("version".to_owned(), "41".to_owned())]),
        message: "main.sales.orders lacks version 41 of its log. Restore the missing commit files at the source."
            .to_owned(),
        affected_assets_counts: BTreeMap::from([("TABLE".to_owned(), 1)]),
    };
    StateRow {
        event_id: uuid::Uuid::new_v4().to_string(),
        event_time: at,
        account_id: "3f0b8f5e-52a4-4c1e-9d2d-0e6a4b1c7f10".to_owned(),
        failover_group_name: format!("business-unit-{group:03}"),
        replication_state: StateKind::Replicating,
        errors: if group.is_multiple_of(10) { vec![error] } else { Vec::new() },
        replication_lag_ms: Some(
            i64::from(at.nanosecond() / 1_000_000) + (at.timestamp() * 37 + group as i64 * 101) % 900,
        ),
        effective_primary_region: Region::new("us-east-1"),
        managed_assets: Some(ManagedAssets {
            metastore_ids: vec![
                "d9ab7bbe-727b-4796-a1c8-41c60616fe5d".into(),
                "1d5c28c1-0557-44e8-b54f-e3810b8092d2".into(),
            ],
            workspace_sets: vec![("workspaces".into(), vec!["7136245037130532".into(), "7779614471287219".into()])],
            catalogs: (0..3).map(|i| CatalogName::new(format!("unit_{group:03}_{i}"))).collect(),
        }),
    }
}

fn spread(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let most = values.last().copied().unwrap_or(f64::NAN);
    let round = |ms: f64| (ms * 100.0).round() / 100.0;
    json!({"median": round(median(values.clone())), "p99": round(percentile(values, 0.99)), "most": round(most)})
}

fn write(options: &Options, folder: &Path, end: chrono::DateTime<Utc>) -> Result<(), Fault> {
    let ticks = (options.days * 2_880 / options.common.divide as i64).max(1);
    let mut table = Table::open::<StateRow>(folder, end - TimeDelta::days(options.days))?;
    let (mut appends, mut upkeep, begun) = (Vec::new(), Vec::new(), Instant::now());
    for tick in 0..ticks {
        let now = end - TimeDelta::seconds(30 * (ticks - 1 - tick));
        let rows: Vec<StateRow> = (0..options.groups).map(|group| row(group, now)).collect();
        let watch = Instant::now();
        table.append(&rows, now)?;
        appends.push(watch.elapsed().as_secs_f64() * 1000.0);
        let watch = Instant::now();
        table.settle(now)?;
        upkeep.push(watch.elapsed().as_secs_f64() * 1000.0);
        if tick % 2_880 == 2_879 {
            eprintln!("{} of {} days are written", (tick + 1) / 2_880, options.days);
        }
    }
    let entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    let data: Vec<u64> = entries
        .iter()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".parquet"))
        .map(|entry| entry.metadata().map(|m| m.len()))
        .collect::<Result<_, _>>()?;
    println!(
        "{}",
        json!({
            "bench": "write",
            "rows": ticks as usize * options.groups,
            "appends": ticks,
            "append_ms": spread(appends),
            "upkeep_ms": spread(upkeep),
            "seconds": begun.elapsed().as_secs_f64().round(),
            "live_files": table.live_files(),
            "data_files_on_disk": data.len(),
            "log_files_on_disk": std::fs::read_dir(folder.join("_delta_log"))?.count(),
            "megabytes_on_disk": data.iter().sum::<u64>() / 1_000_000,
            "aim": "a few hundred live files",
            "aim_met": table.live_files() <= 300,
        })
    );
    Ok(())
}

fn read(options: &Options, folder: &Path, end: chrono::DateTime<Utc>) -> Result<(), Fault> {
    let (since, mut seconds, mut rows) = (end - TimeDelta::days(1), Vec::new(), 0);
    for _ in 0..options.common.runs {
        let watch = Instant::now();
        let table = Table::open::<StateRow>(folder, end)?;
        let lag = lag_since(&table, since)?;
        seconds.push(watch.elapsed().as_secs_f64());
        rows = lag.values().map(Vec::len).sum();
    }
    let taken = median(seconds);
    println!(
        "{}",
        json!({"bench": "read_last_day", "reader": "the product, for its charts", "rows": rows, "seconds": taken, "aim_met": taken < 1.0})
    );
    let named = std::env::var_os("READER_PYTHON").map(PathBuf::from);
    let Some(python) = options.python.clone().or(named) else {
        eprintln!("The other readers were left out: name a Python with --python or READER_PYTHON.");
        return Ok(());
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/system_tables/read.py");
    let status = Command::new(python)
        .arg(script)
        .arg(folder)
        .arg(since.timestamp_millis().to_string())
        .arg(options.common.runs.to_string())
        .status()?;
    if status.success() { Ok(()) } else { Err("The other readers failed; their message is above.".into()) }
}

fn run(options: &Options) -> Result<(), Fault> {
    let dir = options.common.scratch("bench-system-tables")?;
    let (folder, end) = (dir.path().join("states"), Utc::now());
    write(options, &folder, end)?;
    read(options, &folder, end)
}

fn main() -> ExitCode {
    let options = Options::parse();
    shared::main("system_tables", options.common.bench, || run(&options))
}
