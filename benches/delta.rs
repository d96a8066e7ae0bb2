//! How fast the data plane is and how much memory it takes, as JSON lines on standard output; `benches/README.md` says how to read
//! them.
//!
//! `cargo bench --bench delta -- --help` lists the options.

#[path = "cycle/bootstrap.rs"]
mod bootstrap;
#[allow(dead_code)] // What only the other bench uses.
#[path = "cycle/deployment.rs"]
mod deployment;
#[path = "cycle/disk.rs"]
mod disk;
#[allow(dead_code)]
#[path = "cycle/figures.rs"]
mod figures;
#[path = "delta/looks.rs"]
mod looks;
#[path = "cycle/machine.rs"]
mod machine;
#[path = "delta/many.rs"]
mod many;
#[path = "delta/verify.rs"]
mod verify;

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
    /// Runs of which medians are taken.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// A folder on the disk to measure; needs 5 GB. Target's own temporary folder when absent.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Divides every amount of work, to try the bench itself out.
    #[arg(long, default_value_t = 1)]
    divide: usize,
    /// Given to the process whose memory is measured.
    #[arg(long, hide = true)]
    child: bool,
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
    let dir = disk::Scratch::new(&dir, "bench-delta")?;
    println!("{}", machine::describe(dir.path()));
    if options.wants(Part::Bootstrap) {
        bootstrap::run(options, dir.path())?;
    }
    if options.wants(Part::Verify) {
        verify::run(options, dir.path())?;
    }
    if options.wants(Part::Many) {
        many::run(options, dir.path())?;
    }
    if options.wants(Part::Looks) {
        looks::run(options)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let options = Options::parse();
    if !options.bench {
        // `cargo test --all-targets` runs every target once; measuring there would tell nothing and take minutes.
        eprintln!("This measures only under `cargo bench --bench delta`.");
        return ExitCode::SUCCESS;
    }
    let done = if options.child { many::child() } else { run(&options) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("The bench stopped: {fault}");
            ExitCode::from(2)
        }
    }
}
