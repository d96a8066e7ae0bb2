//! What the figures were measured on.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// One line about machine, disk, build and peers.
pub fn describe(dir: &Path) -> Value {
    json!({
        "bench": "machine",
        "cores": std::thread::available_parallelism().map_or(0, |n| n.get()),
        "processor": field("/proc/cpuinfo", "model name"),
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "disk": said(Command::new("df").arg("--output=source,fstype").arg(dir)).lines().last().unwrap_or_default(),
        "build": if cfg!(debug_assertions) { "debug: not a figure to keep" } else { "release" },
        "rclone": said(Command::new("rclone").arg("version")).lines().next().unwrap_or("not installed"),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
}

fn said(command: &mut Command) -> String {
    command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
