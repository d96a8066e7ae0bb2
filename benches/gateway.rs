//! The gateway beside HAProxy and nginx: added latency, throughput, what clients see of a switch, and memory. Prints JSON lines;
//! `benches/README.md` says how to read them.
//!
//! Regions, proxies and load are processes of their own on one machine. A proxy that isn't installed takes no part.

#[path = "gateway/load.rs"]
mod load;
#[path = "gateway/parts.rs"]
mod parts;
#[path = "gateway/proxies.rs"]
mod proxies;
#[path = "gateway/roles.rs"]
mod roles;
mod shared;
#[path = "gateway/streams.rs"]
mod streams;

use clap::Parser;
use std::process::ExitCode;

/// What the bench was asked for.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    common: shared::Options,
    /// One part alone: latency, throughput, planned, killed, bodies, idle, starts or soak. All but the soak when absent.
    #[arg(long)]
    part: Option<String>,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds of the soak.
    #[arg(long, default_value_t = 600)]
    soak_seconds: u64,
    /// Connections that are idle in the part of that name.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// MiB of each body in the part of that name.
    #[arg(long, default_value_t = 1024)]
    body_mib: u64,
    /// What a process of the bench's own is: a region or the gateway.
    #[arg(long, hide = true)]
    role: Option<String>,
    /// What that process is told.
    #[arg(long, hide = true)]
    told: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let asked = arguments.common.bench || arguments.role.is_some();
    shared::main("gateway", asked, || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        match arguments.role.as_deref() {
            Some("region") => runtime.block_on(roles::region(&arguments.told)),
            Some(_) => runtime.block_on(roles::gateway(&arguments.told)),
            None => runtime.block_on(parts::run(&arguments)),
        }
    })
}
