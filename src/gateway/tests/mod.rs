//! The gateway between clients and two regions, all over loopback.

mod frames;
mod protocols;
mod rules;
mod switches;
mod wire;

use super::{Gateway, GatewayOptions, HoldLimits};
use crate::net::{Admission, Gate, RouteTable, ServeLimits, Stop, Target, routed, serve};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use chrono::Utc;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

const STABLE_ID: &str = "1001";

/// What a region was asked, in its order: method, path with query, and body.
type Asked = Arc<Mutex<Vec<String>>>;

/// A server that stands for a region's workspace.
struct Region {
    name: &'static str,
    address: SocketAddr,
    asked: Asked,
    stop: watch::Sender<Stop>,
    task: JoinHandle<()>,
}

impl Region {
    /// One that notes and echoes what it is asked.
    async fn echo(name: &'static str) -> Self {
        let asked = Asked::default();
        let router = Router::new().fallback(any(note)).with_state((name, asked.clone()));
        Self::of(name, router, asked).await
    }

    async fn of(name: &'static str, router: Router, asked: Asked) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        Self::on(listener, name, router, asked)
    }

    fn on(listener: TcpListener, name: &'static str, router: Router, asked: Asked) -> Self {
        let address = listener.local_addr().expect("bound");
        let (stop, told) = watch::channel(Stop::No);
        let task = tokio::spawn(serve(listener, None, routed(router), ServeLimits::default(), told));
        Self { name, address, asked, stop, task }
    }

    fn target(&self, epoch: u64) -> Target {
        let url = Url::parse(&format!("http://{}", self.address)).expect("a URL");
        Target::new(epoch, self.name, &format!("77{}", self.name.len()), url)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a lock").clone()
    }

    /// Goes dark: every connection is cut and none is accepted.
    async fn die(self) -> Vec<String> {
        self.stop.send_replace(Stop::Cut);
        self.task.await.expect("it ends");
        let asked = self.asked.lock().expect("a lock");
        asked.clone()
    }
}

async fn note(State((name, asked)): State<(&'static str, Asked)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(body) => String::from_utf8_lossy(&body).into_owned(),
        Err(_) => return (axum::http::StatusCode::BAD_REQUEST, "a body that broke off").into_response(),
    };
    let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let line = format!("{} {target} {body}", parts.method);
    asked.lock().expect("a lock").push(line.clone());
    let headers: Vec<String> =
        parts.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default())).collect();
    ([("x-region", name)], Body::from(format!("{line}\n{}", headers.join("\n")))).into_response()
}

/// A gateway with one stable URL.
struct Served {
    gateway: Gateway,
    gate: Arc<Gate>,
    http: reqwest::Client,
    _routes: watch::Sender<Arc<RouteTable>>,
}

impl Served {
    async fn to(region: &Region) -> Self {
        Self::with(region, GatewayOptions::default()).await
    }

    async fn with(region: &Region, options: GatewayOptions) -> Self {
        let gate = Arc::new(Gate::new("shop", STABLE_ID));
        gate.lead(Some(region.target(1)), Admission::Open, Utc::now());
        let (routes, told) = watch::channel(Arc::new(RouteTable::new([gate.clone()])));
        let gateway = Gateway::start(options, told, || {}).await.expect("it starts");
        let http = crate::net::HttpClient::new().build().expect("a client");
        Self { gateway, gate, http, _routes: routes }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway.url())
    }

    fn address(&self) -> String {
        self.gateway.url().split_once("//").expect("a URL").1.to_owned()
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).header("x-databricks-org-id", STABLE_ID).send().await.expect("answered")
    }

    /// A planned switch: holds, lets end what runs, leads elsewhere, opens.
    async fn switch(&self, from: &Region, to: &Region, epoch: u64) {
        let now = Utc::now();
        self.gate.lead(Some(from.target(epoch - 1)), Admission::Hold, now);
        let drained = async {
            while self.gate.traffic().running() > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), drained).await;
        self.gate.end_running();
        self.gate.lead(Some(to.target(epoch)), Admission::Hold, now);
        self.gate.lead(Some(to.target(epoch)), Admission::Open, now);
    }

    /// Sends bytes as they are, and reads what comes until the gateway closes or says nothing for a while.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).await.expect("connects");
        stream.write_all(bytes).await.expect("sent");
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(Ok(more)) = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut chunk)).await {
            if more == 0 {
                break;
            }
            text.extend_from_slice(&chunk[..more]);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Limits under which a test does not wait long.
fn short(time: Duration) -> GatewayOptions {
    GatewayOptions { hold: HoldLimits { time, ..HoldLimits::default() }, ..GatewayOptions::default() }
}
