//! Starting and stopping the gateway.

use super::certificate::{GatewayTls, fingerprint};
use super::error::GatewayError;
use super::forward::Shared;
use super::hold::{HoldLimits, Holding};
use super::tunnel::Tunnels;
use super::upstream::Upstreams;
use crate::net::{Arriving, Peer, RouteTable, ServeLimits, ServeThreads, Stop, bind, raise_descriptor_limit};
use hyper::Request;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Connections of clients at a time.
const CONNECTIONS: usize = 20_000;
/// How long a connection may be idle; drivers keep theirs for a minute.
const IDLE_TIME: Duration = Duration::from_secs(120);
/// How long a client may take no byte of its answer: drivers give a socket as long.
const STALL_TIME: Duration = Duration::from_secs(900);
/// Between two looks at the counts.
const LOOK: Duration = Duration::from_secs(1);

/// Threads that serve, where nothing else is asked for: one for each core, and no more than these.
const MOST_THREADS: usize = 4;

/// How the gateway is served.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// The address; port 0 takes the one of the last time, or any free one.
    pub listen: SocketAddr,
    /// The port of the last time.
    pub last_port: Option<u16>,
    /// Whether another address than loopback may be served without TLS.
    pub allow_plain_http: bool,
    /// None to serve plain HTTP.
    pub tls: Option<GatewayTls>,
    /// A domain whose names below it are stable URLs' ids; below `localhost` they always are.
    pub domain: String,
    /// What may wait for a switch.
    pub hold: HoldLimits,
    /// Threads that serve, at least one; each has connections of its own to the regions.
    pub threads: usize,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            last_port: None,
            allow_plain_http: false,
            tls: None,
            domain: "localhost".to_owned(),
            hold: HoldLimits::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS),
        }
    }
}

/// The gateway while it runs. It ends with [`Gateway::stop`], or at once when dropped.
pub struct Gateway {
    url: String,
    port: u16,
    fingerprint: Option<String>,
    domain: String,
    /// What the requests of each thread reach.
    shared: Vec<Arc<Shared>>,
    stopping: watch::Sender<bool>,
    stop: watch::Sender<Stop>,
    server: JoinHandle<()>,
    looker: JoinHandle<()>,
}

impl Gateway {
    /// Listens, and forwards to where `routes` lead until stopped. `changed` is called about once a second while counts change.
    pub async fn start(
        options: GatewayOptions,
        routes: watch::Receiver<Arc<RouteTable>>,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, GatewayError> {
        if options.tls.is_none() && !options.listen.ip().is_loopback() && !options.allow_plain_http {
            return Err(GatewayError::PlainHttp { address: options.listen });
        }
        raise_descriptor_limit();
        let files = match &options.tls {
            Some(tls) => Some(tls.files(options.listen.ip(), &options.domain)?),
            None => None,
        };
        let acceptor = files.as_ref().map(|files| files.acceptor(&["h2", "http/1.1"])).transpose()?;
        files.iter().for_each(crate::net::TlsFiles::warn_of_readers);
        let fingerprint = files.as_ref().map(fingerprint).transpose()?;
        let fault = |source| GatewayError::Listen { address: options.listen, source };
        let listener = bind(options.listen, options.last_port).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let url = format!("{}://{address}", if acceptor.is_some() { "https" } else { "http" });
        let (stopping, stopped) = watch::channel(false);
        let (upstreams, holding) = (Upstreams::new()?, Arc::new(Holding::new(options.hold, stopped)));
        let of_a_thread = |_| {
            Arc::new(Shared {
                routes: routes.clone(),
                upstreams: upstreams.apart(),
                holding: holding.clone(),
                tunnels: Tunnels::default(),
                domain: options.domain.clone(),
            })
        };
        let shared: Vec<_> = (0..options.threads.max(1)).map(of_a_thread).collect();
        let (stop, told) = watch::channel(Stop::No);
        let limits =
            ServeLimits { connections: CONNECTIONS, head_time: IDLE_TIME, stall_time: STALL_TIME, http2: true };
        let services = shared.iter().cloned().map(|shared| {
            move |peer: Peer| {
                let shared = shared.clone();
                service_fn(move |request: Request<Arriving>| {
                    let shared = shared.clone();
                    // Boxed, because what serves a connection moves it about.
                    async move { Ok::<_, Infallible>(Box::pin(shared.answer(peer, request)).await) }
                })
            }
        });
        let threads = ServeThreads::start("gateway", services.collect(), acceptor, limits, told)
            .map_err(|source| GatewayError::Threads { source })?;
        let server = tokio::spawn(threads.serve(listener));
        let looker = tokio::spawn(look(shared.clone(), routes, changed));
        Ok(Self {
            url,
            port: address.port(),
            fingerprint,
            domain: options.domain,
            shared,
            stopping,
            stop,
            server,
            looker,
        })
    }

    /// Scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The domain below which each stable URL has a host name.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Scheme, name and port as stable URLs have them: an address that stands for all of this machine's is none to call.
    pub fn origin(&self) -> String {
        let scheme = self.url.split("://").next().unwrap_or("http");
        match self.domain() {
            "localhost" => self.url.replacen("//0.0.0.0:", "//127.0.0.1:", 1).replacen("//[::]:", "//[::1]:", 1),
            domain => format!("{scheme}://{domain}:{}", self.port),
        }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The sha256 of the certificate that it shows; None where it serves plain HTTP.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// Takes no more requests, lets those that run end for a few seconds, and leaves no connection open.
    pub async fn stop(mut self) {
        self.looker.abort();
        self.stopping.send_replace(true);
        for shared in &self.shared {
            shared.tunnels.close().await;
        }
        self.stop.send_replace(Stop::Finish);
        let _ = (&mut self.server).await;
        for shared in &self.shared {
            shared.tunnels.close().await;
            shared.upstreams.close().await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.looker.abort();
        self.server.abort();
    }
}

/// Closes unused connections, and says when counts have changed.
async fn look(shared: Vec<Arc<Shared>>, routes: watch::Receiver<Arc<RouteTable>>, changed: impl Fn()) {
    let mut told = Vec::new();
    loop {
        tokio::time::sleep(LOOK).await;
        shared.iter().for_each(|shared| shared.upstreams.tidy());
        let views: Vec<_> = routes.borrow().gates().map(|gate| (gate.id.clone(), gate.traffic().view())).collect();
        if views != told {
            told = views;
            changed();
        }
    }
}
