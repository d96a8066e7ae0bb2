//! The command line: what other programs rely on.

mod account;
mod ask;
mod common;
mod connect;
mod drill;
mod points;
mod report;
mod serve;
mod verify;
#[cfg(feature = "desktop")]
mod window;

pub use common::COULD_NOT_RUN;

use clap::{Parser, Subcommand};
use common::Common;
use std::process::ExitCode;

/// Managed disaster recovery for lakehouse deployments. Without a command it opens the window on the embedded sandbox.
#[derive(Debug, Parser)]
#[command(name = "resilience-console", version, args_conflicts_with_subcommands = false)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
    /// Open as a wall display: the whole screen, read-only, legible from afar. Escape leaves it
    #[cfg(feature = "desktop")]
    #[arg(long)]
    wall: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs without a window
    Serve(serve::Serve),
    /// Goes the whole way once: replicate, fail over, fail back, lose a region, reclaim it
    Drill(drill::Drill),
    /// Compares every object of a failover group with its replica
    Verify(verify::Verify),
    /// Another account's failover groups and stable URLs
    Account(account::Account),
    /// Connects two regions of your own, and asks them what they can do
    Connect(connect::Connect),
    /// Reads back a replication point: each table's version then, and where the replica holds it
    Points(points::Points),
}

/// Runs what was asked for.
pub fn run(arguments: Arguments) -> Result<ExitCode, String> {
    let common = arguments.common;
    let asks_accounts = matches!(arguments.command, None | Some(Command::Account(_) | Command::Points(_)));
    if !asks_accounts && common.account()?.is_some() {
        return Err(
            "Another account's API doesn't tell this. With --account-url, use 'account', 'points' or the window."
                .to_owned(),
        );
    }
    match arguments.command {
        Some(Command::Serve(serve)) => block_on(serve::run(common, serve)),
        Some(Command::Drill(drill)) => block_on(drill::run(common, drill)),
        Some(Command::Verify(verify)) => block_on(verify::run(common, verify)),
        Some(Command::Account(account)) => block_on(account::run(common, account)),
        Some(Command::Connect(connect)) => block_on(connect::run(common, connect)),
        Some(Command::Points(points)) => block_on(points::run(common, points)),
        #[cfg(feature = "desktop")]
        None => window::run(&common, arguments.wall),
        #[cfg(not(feature = "desktop"))]
        None => Err("This build has no window. Use serve, drill, verify, points, account or connect.".to_owned()),
    }
}

fn block_on(work: impl Future<Output = Result<ExitCode, String>>) -> Result<ExitCode, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build()
        .map_err(|e| format!("The runtime couldn't start: {e}. Close other programs, then try again."))?;
    runtime.block_on(work)
}

/// In a test build, kills the process at the point that RESILIENCE_KILL_AT names: `point` or `point@3` for the third time.
pub fn arm_failpoints() {
    #[cfg(feature = "failpoints")]
    if let Ok(wanted) = std::env::var("RESILIENCE_KILL_AT") {
        use std::sync::atomic::{AtomicU32, Ordering};
        let (point, count) = wanted.split_once('@').unwrap_or((&wanted, "1"));
        let left = AtomicU32::new(count.parse().unwrap_or(1));
        let name = point.to_owned();
        let armed = fail::cfg_callback(point, move || {
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                eprintln!("killed at {name}");
                let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            }
        });
        if let Err(problem) = armed {
            eprintln!("RESILIENCE_KILL_AT was not understood: {problem}");
        }
    }
}
