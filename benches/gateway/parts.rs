//! What is measured.

use super::Arguments;
use super::load::{Client, Load, Seen};
use super::proxies::{Kind, Proxy, Regions};
use super::streams::{self, Lasting};
use crate::shared::Fault;
use crate::shared::figures::{median, percentile};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 64;
/// How long it takes until someone switches away from a dead region.
const NOTICED: Duration = Duration::from_millis(300);

/// Runs what was asked for.
pub async fn run(arguments: &Arguments) -> Result<(), Fault> {
    resilience::net::raise_descriptor_limit();
    let scratch = arguments.common.scratch("gateway")?;
    let (dir, kinds) = (scratch.path(), Kind::installed());
    let asked = |part: &str| arguments.part.as_deref().is_none_or(|one| one == part);
    if asked("latency") {
        latency(arguments, &kinds, dir).await?;
    }
    if asked("throughput") {
        throughput(arguments, &kinds, dir).await?;
    }
    for forced in [false, true] {
        if asked(if forced { "killed" } else { "planned" }) {
            switches(arguments, &kinds, dir, forced).await?;
        }
    }
    if asked("bodies") {
        bodies(arguments, &kinds, dir).await?;
    }
    if asked("idle") {
        idle(arguments, &kinds, dir).await?;
    }
    if asked("starts") {
        starts(dir).await?;
    }
    if arguments.part.as_deref() == Some("soak") {
        soak(arguments, dir).await?;
    }
    Ok(())
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

async fn alone(port: u16, time: Duration) -> Result<f64, Fault> {
    let (mut client, end, mut micros) = (Client::connect(port).await?, Instant::now() + time, Vec::new());
    while Instant::now() < end {
        let begun = Instant::now();
        if !client.ask().await? {
            return Err("an answer is no 200".into());
        }
        micros.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(percentile(micros, 0.5))
}

/// One client, one request after the other; the regions are asked directly in the same rounds.
async fn latency(arguments: &Arguments, kinds: &[Kind], dir: &Path) -> Result<(), Fault> {
    let regions = Regions::start()?;
    let mut proxies = Vec::new();
    for kind in kinds {
        proxies.push((*kind, Proxy::start(*kind, &regions, dir).await?));
    }
    let time = Duration::from_secs(arguments.seconds) / 2;
    let mut added: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut direct = Vec::new();
    for run in 0..arguments.common.runs {
        let without = alone(regions.ports[0], time).await?;
        direct.push(without);
        let many = proxies.len();
        for (kind, proxy) in (0..many).map(|n| &proxies[(n + run) % many]) {
            added.entry(kind.name()).or_default().push(alone(proxy.port, time).await? - without);
        }
    }
    let medians: BTreeMap<&str, f64> = added.into_iter().map(|(name, all)| (name, round(median(all)))).collect();
    let (ours, theirs) = (medians["gateway"], medians.get("haproxy").copied());
    print(json!({
        "bench": "gateway latency", "direct_p50_micros": round(median(direct)), "added_p50_micros": medians,
        "aim": "at most 60 µs, and no more than HAProxy", "aim_met": ours <= 60.0 && theirs.is_none_or(|theirs| ours <= theirs),
    }));
    Ok(())
}

async fn load_for(port: u16, time: Duration) -> Seen {
    let load = Load::start(port, CONNECTIONS);
    tokio::time::sleep(time).await;
    load.end().await
}

async fn throughput(arguments: &Arguments, kinds: &[Kind], dir: &Path) -> Result<(), Fault> {
    let regions = Regions::start()?;
    let time = Duration::from_secs(arguments.seconds);
    let mut rates: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in 0..arguments.common.runs {
        for kind in (0..kinds.len()).map(|n| kinds[(n + run) % kinds.len()]) {
            let proxy = Proxy::start(kind, &regions, dir).await?;
            load_for(proxy.port, Duration::from_millis(500)).await;
            let seen = load_for(proxy.port, time).await;
            if seen.failed > 0 {
                return Err(format!("{} requests of {} failed", seen.failed, kind.name()).into());
            }
            rates.entry(kind.name()).or_default().push(seen.micros.len() as f64 / time.as_secs_f64());
        }
    }
    let medians: BTreeMap<&str, f64> = rates.into_iter().map(|(name, all)| (name, median(all).round())).collect();
    let ratio = medians.get("haproxy").map(|theirs| medians["gateway"] / theirs);
    print(json!({
        "bench": "gateway throughput", "connections": CONNECTIONS, "requests_per_second": medians,
        "of_haproxy": ratio.map(|ratio| (ratio * 100.0).round() / 100.0),
        "aim": "at least 0.9 of HAProxy's", "aim_met": ratio.is_none_or(|ratio| ratio >= 0.9),
    }));
    Ok(())
}

/// What clients see while the proxy is led to the other region: again and again, or once after the first was killed.
async fn switches(arguments: &Arguments, kinds: &[Kind], dir: &Path, forced: bool) -> Result<(), Fault> {
    let mut failed: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut answered, mut most_ms): (BTreeMap<&str, usize>, BTreeMap<&str, f64>) = Default::default();
    let (mut late, mut switched) = (0, 0);
    let rounds = if forced { arguments.common.runs } else { 1 };
    for kind in kinds {
        for _ in 0..rounds {
            let mut regions = Regions::start()?;
            let mut proxy = Proxy::start(*kind, &regions, dir).await?;
            let load = Load::start(proxy.port, CONNECTIONS);
            tokio::time::sleep(Duration::from_millis(500)).await;
            if forced {
                regions.kill(0);
                tokio::time::sleep(NOTICED).await;
                late += proxy.switch(true)?;
                tokio::time::sleep(Duration::from_millis(700)).await;
            } else {
                switched = arguments.seconds * 4;
                for _ in 0..switched {
                    late += proxy.switch(false)?;
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
            }
            let seen = load.end().await;
            *failed.entry(kind.name()).or_default() += seen.failed;
            *answered.entry(kind.name()).or_default() += seen.micros.len();
            let most = most_ms.entry(kind.name()).or_default();
            *most = most.max(round(percentile(seen.micros, 1.0) / 1000.0));
        }
    }
    print(json!({
        "bench": if forced { "gateway killed" } else { "gateway planned" }, "connections": CONNECTIONS,
        "switches": if forced { rounds as u64 } else { switched }, "failed": failed, "answered": answered, "most_ms": most_ms, "late": late,
        "aim": "none of the gateway's fails or comes late", "aim_met": failed["gateway"] == 0 && late == 0,
    }));
    Ok(())
}

/// Large bodies through each proxy, one after the other, and what memory that takes.
async fn bodies(arguments: &Arguments, kinds: &[Kind], dir: &Path) -> Result<(), Fault> {
    let bytes = arguments.body_mib << 20;
    let mut all: BTreeMap<&str, Value> = BTreeMap::new();
    let mut ours = 0;
    for kind in kinds {
        let regions = Regions::start()?;
        let proxy = Proxy::start(*kind, &regions, dir).await?;
        let (empty, _) = proxy.size();
        let mut most = 0;
        let mut rates = Vec::new();
        for is_upload in [true, false] {
            let begun = Instant::now();
            let port = proxy.port;
            let mut task = tokio::spawn(async move {
                match is_upload {
                    true => streams::upload(port, bytes).await,
                    false => streams::download(port, bytes).await,
                }
            });
            loop {
                match tokio::time::timeout(Duration::from_millis(100), &mut task).await {
                    Ok(ended) => break ended??,
                    Err(_) => most = most.max(proxy.size().0),
                }
            }
            rates.push(round(bytes as f64 / 1e6 / begun.elapsed().as_secs_f64()));
        }
        if *kind == Kind::Gateway {
            ours = most.saturating_sub(empty);
        }
        let (upload, download) = (rates[0], rates[1]);
        let line = json!({"upload_mb_s": upload, "download_mb_s": download, "empty_bytes": empty, "most_bytes": most});
        all.insert(kind.name(), line);
    }
    print(json!({
        "bench": "gateway bodies", "mib": arguments.body_mib, "proxies": all,
        "aim": "at most 16 MB more memory than empty", "aim_met": ours <= 16_000_000,
    }));
    Ok(())
}

/// Memory with connections that were used once and are kept open.
async fn idle(arguments: &Arguments, kinds: &[Kind], dir: &Path) -> Result<(), Fault> {
    let mut sizes: BTreeMap<&str, Value> = BTreeMap::new();
    let mut ours = 0;
    for kind in kinds {
        let regions = Regions::start()?;
        let proxy = Proxy::start(*kind, &regions, dir).await?;
        let (empty, _) = proxy.size();
        let mut clients = Vec::with_capacity(arguments.idle);
        while clients.len() < arguments.idle {
            let mut client = Client::connect(proxy.port).await?;
            client.ask().await?;
            clients.push(client);
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (full, _) = proxy.size();
        if *kind == Kind::Gateway {
            ours = full;
        }
        let all_live = {
            let mut live = 0;
            for client in clients.iter_mut().step_by(100) {
                live += usize::from(client.ask().await.unwrap_or(false));
            }
            live == clients.len().div_ceil(100)
        };
        sizes.insert(kind.name(), json!({"empty_bytes": empty, "bytes": full, "still_answered": all_live}));
    }
    print(json!({
        "bench": "gateway idle", "connections": arguments.idle, "memory": sizes, "aim": "at most 60 MB", "aim_met": ours <= 60_000_000,
    }));
    Ok(())
}

async fn starts(dir: &Path) -> Result<(), Fault> {
    let regions = Regions::start()?;
    let mut left = 0;
    for _ in 0..50 {
        let proxy = Proxy::start(Kind::Gateway, &regions, dir).await?;
        let port = format!(":{:04X}", proxy.port);
        drop(proxy);
        let table = std::fs::read_to_string("/proc/net/tcp")?;
        // Listening or established, in the table's own spelling.
        left += table
            .lines()
            .filter(|line| line.contains(&port) && (line.contains(" 0A ") || line.contains(" 01 ")))
            .count();
    }
    print(json!({"bench": "gateway starts", "starts": 50, "sockets_left": left, "aim": "none", "aim_met": left == 0}));
    Ok(())
}

/// Load and a switch every two seconds, for long.
async fn soak(arguments: &Arguments, dir: &Path) -> Result<(), Fault> {
    let regions = Regions::start()?;
    let mut proxy = Proxy::start(Kind::Gateway, &regions, dir).await?;
    let (begun, mut late, mut switched) = (Instant::now(), 0, 0);
    let (mut sizes, mut answered, mut failed) = (Vec::new(), 0, 0);
    let lasting = Lasting::start(proxy.port, 8);
    while begun.elapsed() < Duration::from_secs(arguments.soak_seconds) {
        // A new set of clients each time, so that connections come and go.
        let load = Load::start(proxy.port, CONNECTIONS);
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            late = proxy.switch(false)?;
            switched += 1;
        }
        let seen = load.end().await;
        answered += seen.micros.len();
        failed += seen.failed;
        tokio::time::sleep(Duration::from_millis(500)).await;
        sizes.push(proxy.size());
        eprintln!(
            "{:.0} s: {} bytes, {} descriptors",
            begun.elapsed().as_secs_f64(),
            sizes[sizes.len() - 1].0,
            sizes[sizes.len() - 1].1
        );
    }
    let seen = lasting.end().await?;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    // The first minute fills pools and buffers.
    let settled = &sizes[(sizes.len() / 10).min(sizes.len() - 1)..];
    let (first, last) = (settled[0], settled[settled.len() - 1]);
    let most = settled.iter().map(|(bytes, _)| *bytes).max().unwrap_or(0);
    let flat = most as f64 <= first.0 as f64 * 1.15 && last.1 <= first.1 + CONNECTIONS;
    print(json!({
        "bench": "gateway soak", "seconds": arguments.soak_seconds, "switches": switched, "answered": answered, "failed": failed, "late": late,
        "bytes_after_a_tenth": first.0, "bytes_at_the_end": last.0, "most_bytes": most, "descriptors": [first.1, last.1],
        "events": count(&seen.events), "event_streams_ended": count(&seen.ended), "event_streams_broken": count(&seen.broken),
        "echoes": count(&seen.echoes), "upgraded_closed": count(&seen.closed), "upgraded_wrong": count(&seen.wrong),
        "aim": "flat memory, no descriptor more, none failed or late, no stream broken",
        "aim_met": flat && failed == 0 && late == 0 && count(&seen.broken) == 0 && count(&seen.wrong) == 0,
    }));
    Ok(())
}

fn print(line: Value) {
    println!("{line}");
}
