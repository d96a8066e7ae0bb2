//! Listening, the table of paths, and the limits of a connection.

use super::reply::Refusal;
use super::{ServeError, TlsFiles, account, groups, login, rate::RateLimit, stable_urls};
use crate::control::{Control, ControlError};
use crate::net::bind;
use crate::wire::disaster_recovery::PREFIX;
use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// The document that describes the API.
const OPENAPI: &str = include_str!("../../assets/openapi.json");
/// Connections at a time; more of them wait.
const MOST_CONNECTIONS: usize = 1024;
/// Header fields of a request at most.
const MOST_HEADERS: usize = 64;
/// Bytes of a request's head at most.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// How long a request's head may take to arrive, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long the handshake of a TLS connection may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a call may go on once the server stops.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Where the port is remembered.
const PORT_KEY: &str = "api.port";

/// How the API is served.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// The address; port 0 takes the one of the last time, or any free one.
    pub listen: SocketAddr,
    /// Whether another address than loopback may be served without TLS.
    pub allow_plain_http: bool,
    /// Certificate and key; None to serve plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Calls a second that a token may make.
    pub calls_per_second: u32,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            allow_plain_http: false,
            tls: None,
            calls_per_second: 10_000,
        }
    }
}

/// What every handler reaches.
pub struct Api {
    /// The control handle.
    pub control: Control,
    /// Calls a second of each token.
    pub limit: RateLimit,
    /// Scheme and authority of the address that is listened on.
    pub origin: String,
}

/// A served API. It ends with [`ApiServer::stop`], or at once when dropped.
pub struct ApiServer {
    url: String,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

/// Refuses an address on which tokens would cross a network in the clear, and TLS files that cannot be used.
pub fn check_options(options: &ApiOptions) -> Result<(), ServeError> {
    acceptor(options).map(|_| ())
}

fn acceptor(options: &ApiOptions) -> Result<Option<TlsAcceptor>, ServeError> {
    match &options.tls {
        Some(files) => Ok(Some(files.acceptor(&["http/1.1"])?)),
        None if options.listen.ip().is_loopback() || options.allow_plain_http => Ok(None),
        None => Err(ServeError::PlainHttp { address: options.listen }),
    }
}

impl ApiServer {
    /// Listens, and serves until stopped.
    pub async fn start(control: Control, options: &ApiOptions) -> Result<Self, ServeError> {
        let tls = acceptor(options)?;
        options.tls.iter().for_each(TlsFiles::warn_of_readers);
        let listener = listen(&control, options.listen).await?;
        let address = listener.local_addr().unwrap_or(options.listen);
        let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
        let limit = RateLimit::new(options.calls_per_second);
        let api = Arc::new(Api { control, limit, origin: url.clone() });
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, tls, router(api), stopped));
        Ok(Self { url, stop, task })
    }

    /// Where it is served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes no more calls, and waits for those that run, for a few seconds at most.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(control: &Control, asked: SocketAddr) -> Result<TcpListener, ServeError> {
    // Clients keep the URL, so the port of the last time is taken again where it is free.
    let last: Option<u16> = control.remembered(PORT_KEY).await.ok().flatten().and_then(|port| port.parse().ok());
    let listener = bind(asked, last).await.map_err(|source| ServeError::Listen { address: asked, source })?;
    let port = listener.local_addr().map(|address| address.port()).ok().filter(|port| Some(*port) != last);
    if let Some(port) = port.filter(|_| asked.port() == 0)
        && let Err(error) = control.remember(PORT_KEY, &port.to_string()).await
    {
        tracing::warn!(%error, "the API's port could not be remembered");
    }
    Ok(listener)
}

/// Every path that is served; `assets/openapi.json` describes the same ones.
fn router(api: Arc<Api>) -> Router {
    let account = format!("{PREFIX}/{{account_id}}");
    let workspaces = "/api/2.0/accounts/{account_id}/workspaces";
    Router::new()
        .route(&format!("{account}/failover-groups"), get(groups::list).post(groups::create))
        .route(
            &format!("{account}/failover-groups/{{failover_group_id}}"),
            get(groups::get).patch(groups::update).delete(groups::delete),
        )
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/failover"), post(groups::fail_over))
        .route(&format!("{account}/stable-urls"), get(stable_urls::list).post(stable_urls::create))
        .route(&format!("{account}/stable-urls/{{stable_url_id}}"), get(stable_urls::get).delete(stable_urls::delete))
        .route(workspaces, get(account::workspaces))
        .route(&format!("{workspaces}/{{workspace_id}}"), get(account::workspace))
        .route("/.well-known/databricks-config", get(login::host))
        .route("/oidc/.well-known/oauth-authorization-server", get(login::any_server))
        .route("/oidc/accounts/{account_id}/.well-known/oauth-authorization-server", get(login::account_server))
        .route("/oidc/v1/token", post(login::token))
        .route("/oidc/accounts/{account_id}/v1/token", post(login::account_token))
        .route("/openapi.json", get(openapi))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .with_state(api)
}

async fn openapi() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn unknown_path(uri: Uri) -> Refusal {
    Refusal::UnknownPath { path: uri.path().to_owned() }
}

async fn wrong_method() -> Refusal {
    Refusal::WrongMethod
}

/// Runs a change to its end even if the client goes away: a change that is half told would be half done.
pub async fn to_the_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, ControlError>> + Send + 'static,
) -> Result<T, Refusal> {
    match tokio::spawn(change).await {
        Ok(answer) => answer.map_err(Refusal::from),
        Err(_) => Err(Refusal::Stopping),
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router, mut stopped: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let for_each = stopped.clone();
    loop {
        let next = async {
            let permit = room.clone().acquire_owned().await;
            (listener.accept().await, permit)
        };
        tokio::select! {
            (accepted, permit) = next => match accepted {
                Ok((stream, _)) => {
                    let (tls, router, stopped) = (tls.clone(), router.clone(), for_each.clone());
                    connections.spawn(async move {
                        serve(stream, tls, router, stopped).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    // No file descriptor is free, or the client went away between; the next one may do.
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            () = told_to_stop(&mut stopped) => break,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_TIME, async { while connections.join_next().await.is_some() {} }).await;
}

async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router, mut stopped: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve_http(stream, router, stopped).await };
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)) => shaken,
        () = told_to_stop(&mut stopped) => return,
    };
    match shaken {
        Ok(Ok(stream)) => serve_http(stream, router, stopped).await,
        Ok(Err(error)) => tracing::debug!(%error, "a client did not get through the TLS handshake"),
        Err(_) => tracing::debug!("a client did not end the TLS handshake in time"),
    }
}

async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(MOST_HEADERS)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = told_to_stop(&mut stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
