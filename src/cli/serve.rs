//! `serve`: the runtime without a window.

use super::common::{Common, start_with};
use clap::Args;
use resilience::api::{ApiOptions, ServeError, TlsFiles, check_options};
use resilience::gateway::{GatewayOptions, GatewayTls, HoldLimits};
use resilience::runtime::EngineOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Runs without a window
#[derive(Debug, Args)]
pub struct Serve {
    /// The account API's address; port 0 takes any free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The address of the stable URLs' gateway; port 0 takes the one of the last time, or any free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    gateway: SocketAddr,
    /// Serves the gateway over HTTPS: with --tls-cert where given, else with a certificate that it makes by itself
    #[arg(long)]
    gateway_tls: bool,
    /// A domain that leads here: the stable URL `shop` is then served at shop.DOMAIN, too
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    gateway_domain: String,
    /// Seconds that a request may wait for a failover at the gateway
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=600))]
    gateway_hold_seconds: u64,
    /// Requests that may wait at a time
    #[arg(long, value_name = "N", default_value_t = HoldLimits::default().requests)]
    gateway_hold_requests: usize,
    /// Bytes that waiting requests may take together
    #[arg(long, value_name = "BYTES", default_value_t = HoldLimits::default().bytes)]
    gateway_hold_bytes: usize,
    /// Seconds that running requests get to end once a planned failover holds new ones
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=600))]
    gateway_drain_seconds: u64,
    /// Threads that serve the gateway; one for each core, and no more than four, when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    gateway_threads: Option<u16>,
    /// Serves another address than loopback without TLS; tokens then cross the network in the clear
    #[arg(long)]
    allow_plain_http: bool,
    /// The certificate, and after it those that lead to its root, as PEM; the API is then served over HTTPS
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "allow_plain_http")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, as PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A further name by which clients reach the account API, as behind a proxy; may be given more than once
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    host_name: Vec<String>,
    /// Calls a second that one token may make
    #[arg(long, value_name = "N", default_value_t = ApiOptions::default().calls_per_second, value_parser = clap::value_parser!(u32).range(1..))]
    calls_per_second: u32,
    /// Seconds between two regular rows of a failover group in the system tables
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    system_tables_interval: u64,
}

/// A name alone: clients may come by any port.
fn host_name(text: &str) -> Result<String, String> {
    match url::Host::parse(text) {
        Ok(_) if text.is_ascii() => Ok(text.to_owned()),
        _ => Err("Write a host name without a scheme, port or path, such as dr.example.com.".to_owned()),
    }
}

impl Serve {
    fn gateway(&self, data_dir: &Path) -> GatewayOptions {
        let tls = match self.api().tls {
            Some(files) => Some(GatewayTls::Files(files)),
            None => self.gateway_tls.then(|| GatewayTls::SelfMade(data_dir.to_owned())),
        };
        let usual = GatewayOptions::default();
        GatewayOptions {
            listen: self.gateway,
            allow_plain_http: self.allow_plain_http,
            tls,
            domain: self.gateway_domain.to_ascii_lowercase(),
            hold: HoldLimits {
                time: Duration::from_secs(self.gateway_hold_seconds),
                requests: self.gateway_hold_requests,
                bytes: self.gateway_hold_bytes,
            },
            threads: self.gateway_threads.map_or(usual.threads, usize::from),
            ..usual
        }
    }

    fn api(&self) -> ApiOptions {
        ApiOptions {
            listen: self.listen,
            allow_plain_http: self.allow_plain_http,
            tls: self
                .tls_cert
                .clone()
                .zip(self.tls_key.clone())
                .map(|(certificate, key)| TlsFiles { certificate, key }),
            calls_per_second: self.calls_per_second,
            host_names: self.host_name.clone(),
        }
    }
}

/// Serves until SIGTERM or Ctrl+C, which end it with 0.
pub async fn run(common: Common, serve: Serve) -> Result<ExitCode, String> {
    common.needs_regions("serve")?;
    // A port in use, or a certificate that cannot be used, is found out before anything else happens.
    let api = serve.api();
    check_options(&api).map_err(super::common::sentence)?;
    drop(
        std::net::TcpListener::bind(api.listen)
            .map_err(|source| super::common::sentence(ServeError::Listen { address: api.listen, source }))?,
    );
    let data_dir = common.data_dir()?;
    let mut options = common.engine();
    options.control.request_drain = Duration::from_secs(serve.gateway_drain_seconds);
    let options = EngineOptions {
        gateway: Some(serve.gateway(&data_dir)),
        api: Some(api),
        system_tables_interval: Duration::from_secs(serve.system_tables_interval),
        ..options
    };
    let mut terminate = signal(tokio::signal::unix::SignalKind::terminate())?;
    let mut interrupt = signal(tokio::signal::unix::SignalKind::interrupt())?;
    let engine = tokio::select! {
        engine = start_with(&common, options) => engine?,
        _ = terminate.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupt.recv() => return Ok(ExitCode::SUCCESS),
    };
    let line = serde_json::to_string(&engine.ready()).map_err(|e| e.to_string())?;
    let mut out = std::io::stdout();
    // The process that started this may have gone away; that isn't a reason to stop.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping at a commit boundary");
    engine.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn signal(kind: tokio::signal::unix::SignalKind) -> Result<tokio::signal::unix::Signal, String> {
    tokio::signal::unix::signal(kind).map_err(|e| format!("Can't listen for signals: {e}."))
}
