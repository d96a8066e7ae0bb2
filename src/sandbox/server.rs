//! A region's HTTP server: reads a call, checks its token, hands it to its handler, writes the answer.

use super::call::{Call, Caller};
use super::refusal::Refusal;
use super::region::Region;
use super::{SandboxError, faults, multipart, routes, tokens, workspace};
use crate::net::{BodyFault, BodyLimits, BodyRoom, ServeLimits, Stop, ambiguity, most_connections, routed, serve};
use crate::wire::error;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The largest body: a workspace import of 10 MB in base64.
const MOST_BYTES: usize = 16 << 20;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);
/// Bytes that all bodies that are arriving may take together.
const BODIES: usize = 64 << 20;
/// How long a connection may be idle: longer than clients keep theirs, so that none meets one that was just closed.
const HEAD_TIME: Duration = Duration::from_secs(120);

/// What the gateway writes of itself into `Via`.
const GATEWAY: &str = "resilience-console";

/// A server that runs.
#[derive(Debug)]
pub(super) struct Server {
    stop: watch::Sender<Stop>,
    task: JoinHandle<()>,
}

/// What every call reaches.
#[derive(Clone)]
struct Served {
    region: Arc<Region>,
    bodies: BodyRoom,
}

impl Server {
    /// Serves the region on a bound socket.
    pub fn start(region: Arc<Region>, listener: TcpListener) -> Self {
        let (stop, stopped) = watch::channel(Stop::No);
        let served = Served { region, bodies: BodyRoom::new(BODIES) };
        let router = Router::new().fallback(handle).with_state(served);
        let limits = ServeLimits { connections: most_connections(), head_time: HEAD_TIME, ..ServeLimits::default() };
        Self { stop, task: tokio::spawn(serve(listener, None, routed(router), limits, stopped)) }
    }

    /// Stops listening and cuts every connection.
    pub async fn stop(mut self) {
        self.stop.send_replace(Stop::Cut);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Binds the region's port on loopback; a fresh one where `port` is 0.
pub(super) async fn bind(region: &str, port: u16) -> Result<(TcpListener, u16), SandboxError> {
    let taken = |source| SandboxError::PortTaken { region: region.to_owned(), port, source };
    let listener = crate::net::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), None).await.map_err(taken)?;
    let port = listener.local_addr().map_err(taken)?.port();
    Ok((listener, port))
}

async fn handle(State(served): State<Served>, request: Request) -> Response<Body> {
    let region = served.region.clone();
    let mut retry_after = None;
    let (status, kind, body) = match answer(served, request).await {
        Ok(Reply::Json(text)) => (200, "application/json", Body::from(text)),
        Ok(Reply::File(bytes)) => (200, "application/octet-stream", Body::from(bytes)),
        Err(refusal) => {
            retry_after = refusal.retry_after;
            (refusal.status, "application/json", Body::from(refusal.text()))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    }
    // The region's own clock: the server's date stands still while the machine's clock is set back.
    let date = region.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = header::HeaderValue::try_from(date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// What a call is answered with.
enum Reply {
    Json(String),
    File(Vec<u8>),
}

async fn answer(served: Served, request: Request) -> Result<Reply, Refusal> {
    let Served { region, bodies } = served;
    let (head, body) = request.into_parts();
    if let Some(sentence) = ambiguity(&head.headers) {
        return Err(Refusal::new(400, "MALFORMED_REQUEST", sentence));
    }
    if let Some(known) = routes::without_token(&region, &head.method, head.uri.path()) {
        note(&region, &head.headers, None);
        return known.map(Reply::Json);
    }
    // Before its body is read: a stranger's takes no memory.
    let caller = caller(&region, &head.headers);
    note(&region, &head.headers, caller.as_ref().ok().copied());
    let caller = caller?;
    let limits = BodyLimits { bytes: MOST_BYTES, time: BODY_TIME };
    let body = bodies.read(&head.headers, body, limits).await.map_err(of_body)?;
    let mut call = read(caller, head, &body)?;
    drop(body);
    faults::admit(&region, &mut call)?;
    if let Some(content) = workspace::download(&region, &call) {
        return content.map(Reply::File);
    }
    // Reading takes memory alone, but for a table of which the log is asked; writing waits for the disk, and must not hold
    // up the other calls.
    if call.method == Method::GET && !call.asks_for_a_table() {
        return routes::answer(&region, &call).map(Reply::Json);
    }
    match tokio::task::spawn_blocking(move || routes::answer(&region, &call)).await {
        Ok(result) => result.map(Reply::Json),
        Err(_) => Err(Refusal::new(500, error::INTERNAL_ERROR, "The region failed to answer.")),
    }
}

/// Notes who calls; the product's own calls are none of a client.
fn note(region: &Region, headers: &HeaderMap, caller: Option<Caller>) {
    if caller == Some(Caller::Replication) {
        return;
    }
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok()).unwrap_or_default();
    let through_gateway = text(header::VIA).contains(GATEWAY);
    region.clients.called(
        text(header::USER_AGENT),
        caller.map(|caller| region.user(caller)).as_deref(),
        through_gateway,
        region.now(),
    );
}

fn of_body(fault: BodyFault) -> Refusal {
    match fault {
        BodyFault::TooLong => {
            let sentence = format!("The request body is longer than {MOST_BYTES} bytes. Send a shorter one.");
            Refusal::new(413, "REQUEST_TOO_LARGE", sentence)
        }
        BodyFault::TooSlow => {
            Refusal::new(408, "REQUEST_TIMEOUT", "The request body did not arrive in time. Send it again.")
        }
        BodyFault::Broken => Refusal::new(400, "MALFORMED_REQUEST", "The request body broke off. Send it again."),
        BodyFault::NoRoom => {
            Refusal::new(503, error::TEMPORARILY_UNAVAILABLE, "Too many long bodies are arriving. Send it again later.")
        }
    }
}

fn read(caller: Caller, head: Parts, body: &[u8]) -> Result<Call, Refusal> {
    let Parts { method, uri, headers, .. } = head;
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let path = uri.path().split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let mut query: HashMap<String, String> = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match query.get_mut(name.as_ref()) {
            // A filter that names several values repeats itself.
            Some(values) if name.starts_with("filter_by.") => *values = format!("{values},{value}"),
            _ => drop(query.insert(name.into_owned(), value.into_owned())),
        }
    }
    let body = if body.is_empty() {
        Value::Null
    } else if let Some(form) = multipart::fields(content_type, body) {
        form
    } else {
        serde_json::from_slice(body)
            .map_err(|e| Refusal::new(400, "MALFORMED_REQUEST", format!("The request body is not JSON: {e}.")))?
    };
    Ok(Call { caller, method, path, query, body })
}

fn caller(region: &Region, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| {
            Refusal::new(401, error::UNAUTHENTICATED, "Authentication is missing: send Authorization: Bearer <token>.")
        })?;
    // Digests, so that the time of a comparison says nothing of the token.
    let digest = |text: &str| Sha256::digest(text.trim().as_bytes());
    let given = digest(token);
    if given == digest(&region.account_token) || given == digest(&region.identity.admin_token) {
        Ok(Caller::Admin)
    } else if given == digest(&region.identity.replication_token) {
        Ok(Caller::Replication)
    } else {
        tokens::caller(region, &given)
    }
}
