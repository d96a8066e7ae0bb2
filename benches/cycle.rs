//! How fast replication is, as JSON lines on standard output; `benches/README.md` says how to read them.
//!
//! `cargo bench --bench cycle -- --help` lists the options.

#[path = "cycle/cycles.rs"]
mod cycles;
#[path = "cycle/lag.rs"]
mod lag;
mod shared;

use clap::{Parser, ValueEnum};
use shared::{Fault, bootstrap};
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A first copy against `cp -r` with `sync` and against rclone.
    Bootstrap,
    /// One cycle over a thousand tables of which none, ten or all changed.
    Cycles,
    /// How far the replication point lies behind while the sandbox's jobs write.
    Lag,
}

#[derive(Debug, Parser)]
#[command(about = "Measures replication and prints JSON lines.")]
struct Options {
    /// Parts to run; all when none is named.
    #[arg(long, value_enum)]
    part: Vec<Part>,
    #[command(flatten)]
    common: shared::Options,
}

fn run(options: &Options) -> Result<(), Fault> {
    let wants = |part| options.part.is_empty() || options.part.contains(&part);
    let dir = options.common.scratch("bench-cycle")?;
    if wants(Part::Bootstrap) {
        bootstrap::run(&options.common, dir.path())?;
    }
    if wants(Part::Cycles) {
        cycles::run(&options.common, dir.path())?;
    }
    if wants(Part::Lag) {
        lag::run(&options.common, dir.path())?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let options = Options::parse();
    shared::main("cycle", options.common.bench, || run(&options))
}
