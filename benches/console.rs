//! How much CPU a frame of the window takes, logic and tessellation, as JSON lines on standard output; `benches/README.md` says how to
//! read them.
//!
//! `cargo bench --bench console -- --help` lists the options.

#[cfg(feature = "desktop")]
#[path = "console/account.rs"]
mod account;
#[cfg(feature = "desktop")]
#[path = "console/frames.rs"]
mod frames;
mod shared;

use clap::Parser;
use shared::Fault;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(about = "Measures frames of the window and prints JSON lines.")]
struct Arguments {
    /// Frames of each screen.
    #[arg(long, default_value_t = 400)]
    frames: usize,
    #[command(flatten)]
    common: shared::Options,
}

fn main() -> ExitCode {
    let options = Arguments::parse();
    let asked = options.common.bench;
    shared::main("console", asked, || run(&options))
}

#[cfg(feature = "desktop")]
fn run(options: &Arguments) -> Result<(), Fault> {
    println!("{}", shared::machine::describe(std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))));
    frames::measure(options.frames, options.common.divide)?;
    frames::week(options.common.divide)
}

#[cfg(not(feature = "desktop"))]
fn run(_: &Arguments) -> Result<(), Fault> {
    Err("This build has no window.".into())
}
