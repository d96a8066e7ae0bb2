//! Listening, the table of paths, and the limits of a connection.

use super::context::Api;
use super::hosts::{Hosts, Origin};
use super::reply::{Rejection, bad};
use super::{
    ServeError, TlsFiles, account, approval, drills, groups, login, notifications, rate::RateLimit, readiness, salvage,
    stable_urls, targets, token_pairs, what_if,
};
use crate::control::Control;
use crate::net::{BodyRoom, LocalAddress, ServeLimits, Stop, ambiguity, bind, most_connections, routed, serve};
use crate::wire::disaster_recovery::PREFIX;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The document that describes the API.
const OPENAPI: &str = include_str!("../../assets/openapi.json");
/// How long a request's head may take to arrive, and how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Bytes that all bodies that are arriving may take together.
const BODIES: usize = 64 << 20;
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
    /// Further names by which clients reach it, without a port.
    pub host_names: Vec<String>,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            allow_plain_http: false,
            tls: None,
            calls_per_second: 10_000,
            host_names: Vec::new(),
        }
    }
}

/// A served API. It ends with [`ApiServer::stop`], or at once when dropped.
pub struct ApiServer {
    url: String,
    stop: watch::Sender<Stop>,
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
        let limit = RateLimit::new(options.calls_per_second);
        let hosts = Hosts::new(address, options.tls.as_ref(), &options.host_names)?;
        let Origin(url) = hosts.own();
        let api = Arc::new(Api { control, limit, bodies: BodyRoom::new(BODIES), hosts });
        let (stop, stopped) = watch::channel(Stop::No);
        let limits = ServeLimits { connections: most_connections(), head_time: HEAD_TIME, ..ServeLimits::default() };
        let task = tokio::spawn(serve(listener, tls, routed(router(api)), limits, stopped));
        Ok(Self { url, stop, task })
    }

    /// Where it is served.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Takes no more calls, and waits for those that run, for a few seconds at most.
    pub async fn stop(mut self) {
        self.stop.send_replace(Stop::Finish);
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
    let last: Option<u16> = control.setting(PORT_KEY).await.ok().flatten().and_then(|port| port.parse().ok());
    let listener = bind(asked, last).await.map_err(|source| ServeError::Listen { address: asked, source })?;
    let port = listener.local_addr().map(|address| address.port()).ok().filter(|port| Some(*port) != last);
    if let Some(port) = port.filter(|_| asked.port() == 0)
        && let Err(error) = control.set_setting(PORT_KEY, &port.to_string()).await
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
        .route(
            &format!("{account}/failover-groups/{{failover_group_id}}/approval"),
            get(approval::get).patch(approval::update),
        )
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/approval/approve"), post(approval::approve))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/approval/refuse"), post(approval::refuse))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/provisional/keep"), post(groups::keep))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/provisional/undo"), post(groups::undo))
        .route("/approvals/{failover_group_id}/{request_id}", get(approval::page))
        .route(&format!("{account}/failover-group-readiness"), post(readiness::check))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/errors"), get(groups::errors))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/readiness"), get(readiness::get))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/readiness/confirm"), post(readiness::confirm))
        .route(
            &format!("{account}/failover-groups/{{failover_group_id}}/delete-secondary-only-assets"),
            post(groups::delete_secondary_only),
        )
        .route(
            &format!("{account}/failover-groups/{{failover_group_id}}/drills"),
            get(drills::list).post(drills::start),
        )
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/drills/go-on"), post(drills::go_on))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/drills/report"), post(drills::report))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/drills/schedule"), patch(drills::schedule))
        .route(
            &format!("{account}/failover-groups/{{failover_group_id}}/drills/run-book"),
            get(drills::run_book).patch(drills::set_run_book),
        )
        .route(
            &format!("{account}/failover-groups/{{failover_group_id}}/targets"),
            get(targets::get).patch(targets::update),
        )
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/what-if"), post(what_if::ask))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/salvage"), get(salvage::list))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/salvage/commits"), post(salvage::commits))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/salvage/rows"), post(salvage::rows))
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/salvage/append"), post(salvage::append))
        .route(
            &format!("{account}/failover-groups/{{failover_group_id}}/salvage/make-table"),
            post(salvage::make_table),
        )
        .route(&format!("{account}/failover-groups/{{failover_group_id}}/salvage/release"), post(salvage::release))
        .route(&format!("{account}/notifications"), get(notifications::get).patch(notifications::update))
        .route(&format!("{account}/notifications/test"), post(notifications::test))
        .route(&format!("{account}/stable-urls"), get(stable_urls::list).post(stable_urls::create))
        .route(&format!("{account}/stable-urls/{{stable_url_id}}"), get(stable_urls::get).delete(stable_urls::delete))
        .route(
            &format!("{account}/stable-urls/{{stable_url_id}}/token-pairs"),
            get(token_pairs::list).post(token_pairs::add),
        )
        .route(&format!("{account}/stable-urls/{{stable_url_id}}/token-pairs/remove"), post(token_pairs::remove))
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
        .layer(from_fn_with_state(api.clone(), check_head))
        .with_state(api)
}

/// Refuses a call whose head can be read in two ways, or which is meant for someone else.
async fn check_head(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Result<Response, Rejection> {
    if let Some(sentence) = ambiguity(request.headers()) {
        return Err(bad(sentence));
    }
    let local = request.extensions().get::<LocalAddress>().copied();
    let origin = api.hosts.origin(request.version(), request.uri(), request.headers(), local)?;
    request.extensions_mut().insert(origin);
    Ok(next.run(request).await)
}

async fn openapi() -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

async fn unknown_path(uri: Uri) -> Rejection {
    Rejection::UnknownPath { path: uri.path().to_owned() }
}

async fn wrong_method() -> Rejection {
    Rejection::WrongMethod
}
