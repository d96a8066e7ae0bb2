//! The bench's own processes: a region that answers, and the gateway, which is told on standard input where to lead.

use crate::shared::Fault;
use axum::routing::any;
use chrono::Utc;
use resilience::gateway::{Gateway, GatewayOptions};
use resilience::net::{Admission, Gate, RouteTable, ServeLimits, Stop, Target, routed, serve};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

/// The stable URL's own workspace id.
pub const STABLE_ID: &str = "1001";

/// Answers every request with 200 and its name.
pub async fn region(told: &[String]) -> Result<(), Fault> {
    let [name, port] = told else { return Err("a region is told its name and port".into()) };
    resilience::net::raise_descriptor_limit();
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("{}", listener.local_addr()?.port());
    let name = name.clone();
    let router = super::streams::routes().fallback(any(move || {
        let name = name.clone();
        async move { name }
    }));
    let (_stop, stopped) = watch::channel(Stop::No);
    let limits = ServeLimits { connections: 4096, head_time: Duration::from_secs(300), ..ServeLimits::default() };
    serve(listener, None, routed(router), limits, stopped).await;
    Ok(())
}

/// Leads to the first port, and on each line `planned` or `forced` to the other one.
pub async fn gateway(told: &[String]) -> Result<(), Fault> {
    let ports: Vec<u16> = told.iter().filter_map(|port| port.parse().ok()).collect();
    let [east, west] = ports[..] else { return Err("the gateway is told two ports".into()) };
    let target = |epoch: u64| -> Result<Target, Fault> {
        let (region, port) = if epoch % 2 == 1 { ("east", east) } else { ("west", west) };
        let url = format!("http://127.0.0.1:{port}").parse()?;
        Ok(Target::new(epoch, region, region, url))
    };
    let gate = Arc::new(Gate::new("shop", STABLE_ID));
    gate.lead(Some(target(1)?), Admission::Open, Utc::now());
    let (_routes, table) = watch::channel(Arc::new(RouteTable::new([gate.clone()])));
    let gateway = Gateway::start(GatewayOptions::default(), table, || {}).await?;
    println!("{}", gateway.port());
    let (tell, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    let mut epoch = 1;
    while let Some(line) = lines.recv().await {
        let now = Utc::now();
        match line.as_str() {
            // What a planned failover does with its gates.
            "planned" => {
                gate.lead(Some(target(epoch)?), Admission::Hold, now);
                for _ in 0..200 {
                    if gate.traffic().running() == 0 {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                gate.end_running();
                epoch += 1;
                gate.lead(Some(target(epoch)?), Admission::Open, Utc::now());
            }
            "forced" => {
                gate.lead(Some(target(epoch)?), Admission::Hold, now);
                gate.end_running();
                epoch += 1;
                gate.lead(Some(target(epoch)?), Admission::Open, Utc::now());
            }
            _ => {}
        }
        println!("{}", gate.traffic().view().late);
    }
    gateway.stop().await;
    Ok(())
}
