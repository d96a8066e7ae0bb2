//! Connections to the regions, kept open between requests.
//!
//! A connection is driven by the request that has it: one task less to wake on each of a request's ways. Only where a request has a
//! body, a task of its own drives it, because the body must go on while the client doesn't read its answer.

use super::error::GatewayError;
use super::sent::Sent;
use crate::net::Target;
use hyper::body::{Body, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls_platform_verifier::BuilderVerifierExt;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig};
use url::Url;

/// How long connecting may take, with TLS.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// An idle connection is closed after this, before a region closes it under a request.
const IDLE_TIME: Duration = Duration::from_secs(20);
/// Idle connections to one region.
const MOST_IDLE: usize = 512;
/// Bytes of an answer's head at most.
const MOST_HEAD_BYTES: usize = 256 << 10;

/// Why a region could not be connected to. Nothing was sent.
#[derive(Debug)]
pub enum ConnectFault {
    /// It does not answer.
    Away(io::Error),
    /// Its certificate cannot be trusted.
    Untrusted(String),
}

/// The connections to every region.
#[derive(Clone)]
pub struct Upstreams {
    inner: Arc<Inner>,
}

struct Inner {
    tls: TlsConnector,
    idle: Mutex<HashMap<String, Vec<Idle>>>,
    tasks: Mutex<JoinSet<()>>,
}

/// What reads and writes on a connection, while it is polled.
pub type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Idle {
    sender: SendRequest<Sent>,
    /// None where a task drives it, or it has ended.
    driver: Option<Driver>,
    since: Instant,
}

/// A connection that one request has for itself.
pub struct Lease {
    sender: SendRequest<Sent>,
    driver: Option<Driver>,
    target: Arc<Target>,
    /// Whether it carried a request before; then it may have been closed at this very moment.
    pub reused: bool,
    pool: Arc<Inner>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Upstreams {
    /// No connection yet; regions are trusted as the system trusts them.
    pub fn new() -> Result<Self, GatewayError> {
        let untrusting = |error: rustls::Error| GatewayError::Trust { problem: error.to_string() };
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(untrusting)?
            .with_platform_verifier()
            .map_err(untrusting)?
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self::with(TlsConnector::from(Arc::new(config))))
    }

    fn with(tls: TlsConnector) -> Self {
        Self { inner: Arc::new(Inner { tls, idle: Mutex::default(), tasks: Mutex::default() }) }
    }

    /// Connections of their own, as those of another thread must be: a connection belongs to the thread that opened it.
    pub fn apart(&self) -> Self {
        Self::with(self.inner.tls.clone())
    }

    /// A connection to the target's host: one that is open, or a new one.
    pub async fn lease(&self, target: &Arc<Target>) -> Result<Lease, ConnectFault> {
        let url = &target.url;
        while let Some(mut idle) = self.idle(target.url.as_str()) {
            // Closed ones fail here; one that just carried an answer is ready at once.
            if idle.since.elapsed() < IDLE_TIME && idle.is_ready().await {
                let Idle { sender, driver, .. } = idle;
                return Ok(Lease { sender, driver, target: target.clone(), reused: true, pool: self.inner.clone() });
            }
        }
        let late = || ConnectFault::Away(io::ErrorKind::TimedOut.into());
        let (sender, driver) = tokio::time::timeout(CONNECT_TIME, self.connect(url)).await.map_err(|_| late())??;
        Ok(Lease { sender, driver: Some(driver), target: target.clone(), reused: false, pool: self.inner.clone() })
    }

    fn idle(&self, key: &str) -> Option<Idle> {
        lock(&self.inner.idle).get_mut(key)?.pop()
    }

    async fn connect(&self, url: &Url) -> Result<(SendRequest<Sent>, Driver), ConnectFault> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(ConnectFault::Away)?;
        let _ = stream.set_nodelay(true);
        if url.scheme() != "https" {
            return self.handshake(TokioIo::new(stream)).await;
        }
        let name = ServerName::try_from(host).map_err(|error| ConnectFault::Untrusted(error.to_string()))?;
        match self.inner.tls.connect(name, stream).await {
            Ok(stream) => self.handshake(TokioIo::new(stream)).await,
            Err(error) => Err(match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::InvalidCertificate(problem)) => ConnectFault::Untrusted(problem.to_string()),
                _ => ConnectFault::Away(error),
            }),
        }
    }

    async fn handshake(
        &self,
        stream: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    ) -> Result<(SendRequest<Sent>, Driver), ConnectFault> {
        let broken = |error| ConnectFault::Away(io::Error::other(error));
        let (sender, connection) =
            http1::Builder::new().max_buf_size(MOST_HEAD_BYTES).handshake(stream).await.map_err(broken)?;
        // Each request hears of its own error.
        let driver = async move { drop(connection.with_upgrades().await) };
        Ok((sender, Box::pin(driver)))
    }

    /// Closes connections that have been idle for too long.
    pub fn tidy(&self) {
        lock(&self.inner.idle).retain(|_, idle| {
            idle.retain(|one| one.since.elapsed() < IDLE_TIME && !one.sender.is_closed());
            !idle.is_empty()
        });
    }

    /// Closes every connection, and returns when they are gone.
    pub async fn close(&self) {
        lock(&self.inner.idle).clear();
        let mut tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        tasks.shutdown().await;
    }
}

impl Idle {
    /// Whether it can take a request at once. One whose last request wasn't read to its end can't.
    async fn is_ready(&mut self) -> bool {
        if self.driver.is_none() {
            return !self.sender.is_closed() && self.sender.ready().await.is_ok();
        }
        poll_fn(|cx| {
            drive(&mut self.driver, cx);
            Poll::Ready(self.driver.is_some() && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(()))))
        })
        .await
    }
}

/// Lets a connection read and write what it can; None from its end on.
fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(cx).is_ready()) {
        *driver = None;
    }
}

impl Lease {
    /// Sends a request. An error that holds the request again means that no byte of it was sent.
    pub async fn send(&mut self, request: Request<Sent>) -> Result<Response<Incoming>, TrySendError<Request<Sent>>> {
        if !request.body().is_end_stream()
            && let Some(driver) = self.driver.take()
        {
            let mut tasks = lock(&self.pool.tasks);
            while tasks.try_join_next().is_some() {}
            tasks.spawn(driver);
        }
        let mut sending = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        poll_fn(|cx| {
            drive(driver, cx);
            sending.as_mut().poll(cx)
        })
        .await
    }

    /// Polls what comes of an answer's body through this connection.
    pub fn poll_with<T>(&mut self, cx: &mut Context<'_>, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        if let Poll::Ready(ready) = poll(cx) {
            return Poll::Ready(ready);
        }
        // It reads only what was asked for, so it comes after the question.
        drive(&mut self.driver, cx);
        poll(cx)
    }

    /// Takes what drives the connection, for a stream that isn't a request any more.
    pub fn into_driver(self) -> Option<Driver> {
        self.driver
    }

    /// Keeps the connection for the next request; only after its answer's end.
    pub fn give_back(self) {
        if self.sender.is_closed() {
            return;
        }
        let mut all = lock(&self.pool.idle);
        let key = self.target.url.as_str();
        if !all.contains_key(key) {
            all.insert(key.to_owned(), Vec::new());
        }
        let Some(idle) = all.get_mut(key) else { return };
        if idle.len() < MOST_IDLE {
            idle.push(Idle { sender: self.sender, driver: self.driver, since: Instant::now() });
        }
    }
}
