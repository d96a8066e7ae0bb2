//! How fast replication is, as JSON lines on standard output; `benches/README.md` says how to read them.
//!
//! `cargo bench --bench cycle -- --help` lists the options.

#[path = "cycle/bootstrap.rs"]
mod bootstrap;
#[path = "cycle/cycles.rs"]
mod cycles;
#[path = "cycle/deployment.rs"]
mod deployment;
#[path = "cycle/disk.rs"]
mod disk;
#[path = "cycle/figures.rs"]
mod figures;
#[path = "cycle/lag.rs"]
mod lag;
#[path = "cycle/machine.rs"]
mod machine;

use clap::{Parser, ValueEnum};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Anything that went wrong, as a sentence.
type Fault = Box<dyn Error + Send + Sync>;

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
    /// Runs of which medians are taken.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// A folder on the disk to measure; needs 3 GB. Target's own temporary folder when absent.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Divides every amount of work, to try the bench itself out.
    #[arg(long, default_value_t = 1)]
    divide: usize,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.part.is_empty() || self.part.contains(&part)
    }
}

fn run(options: &Options) -> Result<(), Fault> {
    let dir = options.dir.clone().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    std::fs::create_dir_all(&dir)?;
    let dir = disk::Scratch::new(&dir, "bench-cycle")?;
    println!("{}", machine::describe(dir.path()));
    if options.wants(Part::Bootstrap) {
        bootstrap::run(options, dir.path())?;
    }
    if options.wants(Part::Cycles) {
        cycles::run(options, dir.path())?;
    }
    if options.wants(Part::Lag) {
        lag::run(options, dir.path())?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        // `cargo test --all-targets` runs every target once; measuring there would tell nothing and take minutes.
        eprintln!("This measures only under `cargo bench --bench cycle`.");
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("The bench stopped: {fault}");
            ExitCode::from(2)
        }
    }
}
