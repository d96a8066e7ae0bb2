//! What the benches have in common.
#![allow(dead_code)] // Each bench is built with all of it and uses a part.

pub mod bootstrap;
pub mod deployment;
pub mod disk;
pub mod figures;
pub mod machine;

use disk::Scratch;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Anything that went wrong, as a sentence.
pub type Fault = Box<dyn Error + Send + Sync>;

/// Options of every bench that takes some.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Runs of which medians are taken.
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// A folder on the disk to measure; benches/README.md says how much space it needs. Target's own temporary folder
    /// when absent.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Divides every amount of work, to try the bench itself out.
    #[arg(long, default_value_t = 1)]
    pub divide: usize,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// A folder to work in, after a line about the machine and the disk that it is on.
    pub fn scratch(&self, name: &str) -> Result<Scratch, Fault> {
        let dir = self.dir.clone().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
        std::fs::create_dir_all(&dir)?;
        let scratch = Scratch::new(&dir, name)?;
        println!("{}", machine::describe(scratch.path()));
        Ok(scratch)
    }
}

/// Runs `bench` where `cargo bench` asked for it, and tells how it ended.
pub fn main(name: &str, asked: bool, bench: impl FnOnce() -> Result<(), Fault>) -> ExitCode {
    if !asked {
        // `cargo test --all-targets` runs every target once; measuring there would tell nothing and take minutes.
        eprintln!("This measures only under `cargo bench --bench {name}`.");
        return ExitCode::SUCCESS;
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("The bench stopped: {fault}");
            ExitCode::from(2)
        }
    }
}
