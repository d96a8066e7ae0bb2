//! A region's HTTP server: reads a call, checks its token, hands it to its handler, writes the answer.

use super::call::{Call, Caller};
use super::listener::CuttableListener;
use super::refusal::Refusal;
use super::region::Region;
use super::{SandboxError, routes};
use crate::net;
use crate::wire::error;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The largest body: a workspace import of 10 MB in base64.
const MOST_BYTES: usize = 16 << 20;
/// A server that runs.
#[derive(Debug)]
pub(super) struct Server {
    cut: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves the region on a bound socket.
    pub fn start(region: Arc<Region>, listener: TcpListener) -> Self {
        let (cut, receiver) = watch::channel(false);
        let router = Router::new().fallback(handle).layer(DefaultBodyLimit::max(MOST_BYTES)).with_state(region);
        let listener = CuttableListener::new(listener, receiver);
        let task = tokio::spawn(async move {
            if let Err(failed) = axum::serve(listener, router).await {
                tracing::error!(error = %failed, "a sandbox region stopped serving");
            }
        });
        Self { cut, task }
    }

    /// Stops listening and cuts every connection.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
        self.cut.send_replace(true);
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
    let listener = net::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), None).await.map_err(taken)?;
    let port = listener.local_addr().map_err(taken)?.port();
    Ok((listener, port))
}

async fn handle(
    State(region): State<Arc<Region>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let result = match read(&region, method, &uri, &headers, &body) {
        Err(refusal) => Err(refusal),
        // Reading takes memory alone; writing waits for the disk, and must not hold up the other calls.
        Ok(call) if call.method == Method::GET => routes::answer(&region, &call),
        Ok(call) => match tokio::task::spawn_blocking(move || routes::answer(&region, &call)).await {
            Ok(result) => result,
            Err(_) => Err(Refusal::new(500, error::INTERNAL_ERROR, "The region failed to answer.")),
        },
    };
    let (status, text) = match result {
        Ok(text) => (200, text),
        Err(refusal) => (refusal.status, serde_json::to_string(&refusal.body).unwrap_or_default()),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn read(region: &Region, method: Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Call, Refusal> {
    let caller = caller(region, headers)?;
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let path = uri.path().split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(body)
            .map_err(|e| Refusal::new(400, "MALFORMED_REQUEST", format!("The request body is no JSON: {e}.")))?
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
    if given == digest(&region.identity.admin_token) {
        Ok(Caller::Admin)
    } else if given == digest(&region.identity.replication_token) {
        Ok(Caller::Replication)
    } else {
        Err(Refusal::new(
            401,
            error::UNAUTHENTICATED,
            "The token is not one of this workspace. Take the one in its token file.",
        ))
    }
}
