//! A first copy of a table: the product, `cp -r` with `sync`, and `rclone copy`, in turns on one disk.

use super::disk::{self, Scratch};
use super::figures::median;
use super::{Fault, Options};
use resilience::delta::{Plan, PlanRequest, TableRoot, Transfer, plan, ship};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// A table to copy.
pub struct Shape {
    pub name: &'static str,
    pub files: usize,
    pub size: usize,
    pub per_commit: usize,
}

/// The shapes that are measured.
pub const SHAPES: [Shape; 2] = [
    Shape { name: "2000 x 256 KiB", files: 2_000, size: 256 << 10, per_commit: 200 },
    Shape { name: "20 x 64 MiB", files: 20, size: 64 << 20, per_commit: 5 },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Resilience,
    Cp,
    Rclone,
}

impl Tool {
    fn name(self) -> &'static str {
        match self {
            Self::Resilience => "resilience",
            Self::Cp => "cp -r; sync",
            Self::Rclone => "rclone copy",
        }
    }
}

/// Seconds of one run.
struct Run {
    /// Until the tool says that it is done; for `cp` and the product, that includes the sync.
    seconds: f64,
    /// The same and a `sync` after it: how long until the copy survives power loss.
    synced_seconds: f64,
}

/// Measures both shapes.
pub fn run(options: &Options, dir: &Path) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut tools = vec![Tool::Resilience, Tool::Cp];
    match Command::new("rclone").arg("version").output() {
        Ok(_) => tools.push(Tool::Rclone),
        Err(_) => eprintln!("rclone is not installed, so there is nothing to compare with it."),
    }
    for shape in &SHAPES {
        let files = (shape.files / options.divide).max(1);
        let source = Scratch::new(dir, "source")?;
        let newest = disk::write_table(source.path(), files, shape.size, shape.per_commit)?;
        let mut runs: Vec<(Tool, Run)> = Vec::new();
        for number in 0..options.runs {
            // Each run begins with another tool, so that none always follows the same one.
            for turn in 0..tools.len() {
                let tool = tools[(number + turn) % tools.len()];
                let destination = Scratch::new(dir, "copy")?;
                let cache = disk::level(source.path())?;
                let run = time(tool, source.path(), &destination.path().join("table"), newest, &runtime)?;
                if number == 0 {
                    disk::check_same(source.path(), &destination.path().join("table"))?;
                }
                println!(
                    "{}",
                    json!({"bench": "bootstrap", "shape": shape.name, "tool": tool.name(), "run": number + 1,
                           "seconds": run.seconds, "synced_seconds": run.synced_seconds, "cache": cache.word()})
                );
                runs.push((tool, run));
            }
        }
        report(shape, files, &tools, &runs);
    }
    Ok(())
}

fn report(shape: &Shape, files: usize, tools: &[Tool], runs: &[(Tool, Run)]) {
    let megabytes = (files * shape.size) as f64 / 1e6;
    let median_of = |tool, seconds: fn(&Run) -> f64| {
        median(runs.iter().filter(|(of, _)| *of == tool).map(|(_, run)| seconds(run)).collect())
    };
    let own = median_of(Tool::Resilience, |run| run.seconds);
    for &tool in tools {
        let seconds = median_of(tool, |run| run.seconds);
        let mut line = json!({"bench": "bootstrap_median", "shape": shape.name, "tool": tool.name(), "seconds": seconds,
            "synced_seconds": median_of(tool, |run| run.synced_seconds), "mb_per_second": megabytes / seconds});
        if tool != Tool::Resilience {
            line["resilience_takes_times"] = json!(own / seconds);
        }
        match tool {
            Tool::Resilience => {}
            Tool::Cp => line["aim_met"] = json!(own <= 1.2 * seconds),
            Tool::Rclone => line["aim_met"] = json!(own <= 0.5 * seconds),
        }
        println!("{line}");
    }
}

fn time(
    tool: Tool,
    source: &Path,
    destination: &Path,
    newest: i64,
    runtime: &tokio::runtime::Runtime,
) -> Result<Run, Fault> {
    let started = Instant::now();
    match tool {
        Tool::Resilience => runtime.block_on(replicate(source, destination, newest))?,
        Tool::Cp => {
            disk::succeed(Command::new("cp").arg("-r").arg(source).arg(destination))?;
            disk::sync()?;
        }
        // An empty configuration, or rclone reads the user's own.
        Tool::Rclone => {
            disk::succeed(Command::new("rclone").env("RCLONE_CONFIG", "").arg("copy").arg(source).arg(destination))?
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    disk::sync()?;
    Ok(Run { seconds, synced_seconds: started.elapsed().as_secs_f64() })
}

/// What the first cycle does to a table: plan, copy with sha256, sync, publish.
async fn replicate(source: &Path, destination: &Path, newest: i64) -> Result<(), Fault> {
    fs::create_dir_all(destination)?;
    let (source, destination) = (TableRoot::Local(source.to_owned()), TableRoot::Local(destination.to_owned()));
    let Plan::Ship(shipment) = plan(PlanRequest::new(&source, &destination, None)).await? else {
        return Err("There was nothing to ship to an empty destination.".into());
    };
    for shipped in ship(vec![*shipment], &Transfer::default()).await {
        let version = shipped?.position.version;
        if version != newest {
            return Err(format!("The copy ended at version {version}, not {newest}.").into());
        }
    }
    Ok(())
}
