//! How fast the data plane is and how much memory it takes, as JSON lines on standard output; `benches/README.md` says how to read
//! them.
//!
//! `cargo bench --bench delta -- --help` lists the options.

#[path = "delta/looks.rs"]
mod looks;
#[path = "delta/many.rs"]
mod many;
mod shared;
#[path = "delta/verify.rs"]
mod verify;

use clap::{Parser, ValueEnum};
use shared::{Fault, bootstrap};
use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A first copy against `cp -r` with `sync` and against rclone.
    Bootstrap,
    /// A deep comparison against `sha256sum` over the same files.
    Verify,
    /// Ten thousand tables with a hundred thousand files: memory of their first copy, and cycles that find nothing changed.
    Many,
    /// What a look at ten thousand tables in an object store asks of it.
    Looks,
}

#[derive(Debug, Parser)]
#[command(about = "Measures the data plane and prints JSON lines.")]
struct Options {
    /// Parts to run; all when none is named.
    #[arg(long, value_enum)]
    part: Vec<Part>,
    #[command(flatten)]
    common: shared::Options,
    /// Given to the process whose memory is measured.
    #[arg(long, hide = true)]
    child: bool,
}

fn run(options: &Options) -> Result<(), Fault> {
    let wants = |part| options.part.is_empty() || options.part.contains(&part);
    let dir = options.common.scratch("bench-delta")?;
    if wants(Part::Bootstrap) {
        bootstrap::run(&options.common, dir.path())?;
    }
    if wants(Part::Verify) {
        verify::run(&options.common, dir.path())?;
    }
    if wants(Part::Many) {
        many::run(&options.common, dir.path())?;
    }
    if wants(Part::Looks) {
        looks::run(&options.common)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let options = Options::parse();
    shared::main("delta", options.common.bench, || if options.child { many::child() } else { run(&options) })
}
