//! The account API under load: one failover group is read 1,000 times a second over 100 connections while another one
//! fails over and back, again and again. Prints one JSON line; `benches/README.md` says how to read it.
//!
//! The server is the program itself, in a process of its own, with the sandbox's jobs writing. The load is open: each
//! connection has times at which it has to send, and latency counts from that time, also where the answer before it was
//! late.

mod shared;

use reqwest::Client;
use serde_json::{Value, json};
use shared::Fault;
use shared::figures::percentile;
use std::io::{BufRead, BufReader as StdBufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

const CONNECTIONS: u32 = 100;
const PER_SECOND: u32 = 1_000;
const READ: &str = "read";
const MOVED: &str = "moved";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The served deployment, and how it is called.
struct Api {
    client: Client,
    url: String,
    account: String,
    token: String,
    regions: Vec<Value>,
}

impl Api {
    fn path(&self, below: &str) -> String {
        format!("/api/disaster-recovery/v1/accounts/{}/{below}", self.account)
    }

    async fn post(&self, below: &str, body: &Value) -> Result<(), Fault> {
        let url = format!("{}{}", self.url, self.path(below));
        let answer = self.client.post(url).bearer_auth(&self.token).json(body).send().await?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("{below}: {}", answer.text().await?).into()),
        }
    }

    async fn until_active(&self, group: &str) -> Result<Value, Fault> {
        let url = format!("{}{}", self.url, self.path(&format!("failover-groups/{group}")));
        let end = Instant::now() + Duration::from_secs(120);
        loop {
            let found: Value = self.client.get(&url).bearer_auth(&self.token).send().await?.json().await?;
            if found["state"] == "ACTIVE" {
                return Ok(found);
            }
            if Instant::now() > end {
                return Err(format!("{group} is {} for two minutes", found["state"]).into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn create(&self, id: &str, catalog: &str) -> Result<(), Fault> {
        let names: Vec<&Value> = self.regions.iter().map(|region| &region["region"]).collect();
        let workspaces: Vec<&Value> = self.regions.iter().map(|region| &region["workspace_id"]).collect();
        let uri = |region: &Value| {
            let root = region["storage_root"].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
            json!({"region": region["region"], "uri": format!("{root}/*")})
        };
        let uris: Vec<Value> = self.regions.iter().map(uri).collect();
        let body = json!({
            "regions": names, "initial_primary_region": names.first(),
            "workspace_sets": [{"name": "set", "workspace_ids": workspaces}],
            "unity_catalog_assets": {
                "catalogs": [{"name": catalog}], "data_replication_workspace_set": "set",
                "location_mappings": [{"name": "storage", "uri_by_region": uris}],
            },
        });
        self.post(&format!("failover-groups?failover_group_id={id}"), &body).await?;
        self.until_active(id).await.map(|_| ())
    }

    /// Fails the other group over and back until `end`; how often.
    async fn keep_failing_over(&self, end: Instant) -> Result<u32, Fault> {
        let mut done = 0;
        while Instant::now() < end {
            let group = self.until_active(MOVED).await?;
            let here = &group["effective_primary_region"];
            let there = self.regions.iter().map(|region| &region["region"]).find(|name| *name != here);
            // By turns, because a planned one compares and a forced one salvages.
            let kind = if done % 2 == 0 { "FORCED" } else { "PLANNED" };
            let body = json!({"target_primary_region": there, "failover_type": kind});
            self.post(&format!("failover-groups/{MOVED}/failover"), &body).await?;
            self.until_active(MOVED).await?;
            done += 1;
        }
        Ok(done)
    }
}

fn serve(data: &Path) -> Result<(Server, Value), Fault> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_resilience-console"))
        .args(["serve", "--sandbox", "--sandbox-catalogs", "8", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let out = child.stdout.take().ok_or("the program has no standard output")?;
    let server = Server(child);
    let mut line = String::new();
    StdBufReader::new(out).read_line(&mut line)?;
    Ok((server, serde_json::from_str(&line)?))
}

/// What one connection saw: milliseconds of each answer, and calls without a 200.
#[derive(Default)]
struct Seen {
    latencies: Vec<f64>,
    errors: u64,
}

async fn one_connection(address: String, request: Vec<u8>, first: Instant, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let pause = Duration::from_secs(1) * CONNECTIONS / PER_SECOND;
    let (mut due, mut open) = (first, None);
    while due < end {
        tokio::time::sleep_until(due).await;
        match call(&mut open, &address, &request).await {
            Ok(200) => seen.latencies.push(due.elapsed().as_secs_f64() * 1000.0),
            Ok(_) => seen.errors += 1,
            Err(_) => {
                seen.errors += 1;
                open = None;
            }
        }
        due += pause;
    }
    seen
}

/// Sends one call over the connection, opened where it is not; the answer's status.
async fn call(open: &mut Option<BufReader<TcpStream>>, address: &str, request: &[u8]) -> std::io::Result<u16> {
    let stream = match open {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            open.insert(BufReader::new(stream))
        }
    };
    stream.write_all(request).await?;
    let (mut line, mut status, mut length) = (String::new(), 0, 0);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        if let Some(rest) = text.strip_prefix("http/1.1 ") {
            status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
        } else if let Some(value) = text.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    stream.read_exact(&mut vec![0; length]).await?;
    Ok(status)
}

async fn measure(seconds: u64) -> Result<(), Fault> {
    let dir = tempfile::tempdir()?;
    eprintln!("serving a sandbox, and making the groups {READ} and {MOVED}");
    let (_server, ready) = serve(&dir.path().join("data"))?;
    let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
    let api = Api {
        client: Client::new(),
        url: text("api_url"),
        account: text("account_id"),
        token: std::fs::read_to_string(text("token_file"))?.trim().to_owned(),
        regions: ready["regions"].as_array().cloned().unwrap_or_default(),
    };
    api.create(READ, "business_unit_001").await?;
    api.create(MOVED, "business_unit_002").await?;

    eprintln!("reading {READ} for {seconds} s while {MOVED} fails over");
    let address = api.url.trim_start_matches("http://").to_owned();
    let path = api.path(&format!("failover-groups/{READ}"));
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n", api.token);
    let begin = Instant::now() + Duration::from_millis(200);
    let end = begin + Duration::from_secs(seconds);
    let load: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let first = begin + Duration::from_secs(1) * number / PER_SECOND;
            tokio::spawn(one_connection(address.clone(), head.clone().into_bytes(), first, end))
        })
        .collect();
    let failovers = api.keep_failing_over(end).await?;
    let (mut latencies, mut errors) = (Vec::new(), 0);
    for connection in load {
        let seen = connection.await?;
        latencies.extend(seen.latencies);
        errors += seen.errors;
    }
    let ms = |share| (percentile(latencies.clone(), share) * 1000.0).round() / 1000.0;
    let met = errors == 0 && ms(0.99) < 10.0;
    let line = json!({
        "bench": "api", "connections": CONNECTIONS, "seconds": seconds, "answers": latencies.len(),
        "requests_per_second": latencies.len() as u64 / seconds.max(1), "failovers": failovers, "errors": errors,
        "p50_ms": ms(0.5), "p99_ms": ms(0.99), "p999_ms": ms(0.999), "most_ms": ms(1.0), "aim": "p99 under 10 ms and no error", "aim_met": met,
    });
    println!("{line}");
    Ok(())
}

fn main() -> ExitCode {
    shared::main("api", std::env::args().any(|argument| argument == "--bench"), || {
        let asked = std::env::var("SECONDS_LONG").ok().and_then(|text| text.parse().ok());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(measure(asked.unwrap_or(20)))
    })
}
