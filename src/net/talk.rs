//! One connection: what is spoken on it is found out, and its requests are answered until it ends.

use super::arriving::Arriving;
use super::connections::{Connection, Told};
use super::heads::{Heads, Looked};
use super::park::{Answering, Open, lend};
use super::peer::Peer;
use super::preface::Preface;
use super::stall::StallGuard;
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// Header fields of a request at most.
pub(super) const MOST_HEADERS: usize = 64;
/// Bytes of a request's head at most.
pub(super) const MOST_HEAD_BYTES: usize = 64 << 10;
/// Requests at a time on one connection of HTTP/2.
const MOST_STREAMS: u32 = 128;
/// How long the handshake of a TLS connection may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// What a listener allows.
#[derive(Debug, Clone, Copy)]
pub struct ServeLimits {
    /// Connections at a time. Above it, the one that has waited longest for its client makes way for a new one.
    pub connections: usize,
    /// How long a request's head may take to arrive, and how long a connection may be idle.
    pub head_time: Duration,
    /// How long a client may take no byte of its answer.
    pub stall_time: Duration,
    /// Whether HTTP/2 is spoken, too.
    pub http2: bool,
}

impl Default for ServeLimits {
    fn default() -> Self {
        let half_a_minute = Duration::from_secs(30);
        Self { connections: 1024, head_time: half_a_minute, stall_time: half_a_minute, http2: false }
    }
}

/// The address that a request's client connected to, among the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddress(pub SocketAddr);

/// An error of a service or a body, which ends its connection.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What answers the requests of one client.
pub trait Answers<B>:
    Service<Request<Arriving>, Response = Response<B>, Error: Into<Fault>, Future: Send + 'static> + Send + Sync + 'static
{
}

impl<B, S> Answers<B> for S where
    S: Service<Request<Arriving>, Response = Response<B>, Error: Into<Fault>, Future: Send + 'static>
        + Send
        + Sync
        + 'static
{
}

/// The body of an answer.
pub trait Answer: Body<Data: Send, Error: Into<Fault>> + Send + 'static {}

impl<B> Answer for B where B: Body<Data: Send, Error: Into<Fault>> + Send + 'static {}

/// What a connection calls for each request.
trait Calls<B, E>:
    Service<Request<Incoming>, Response = Response<Answering<B>>, Error = E, Future: Send + 'static> + Send + Sync + 'static
{
}

impl<B, E, S> Calls<B, E> for S where
    S: Service<Request<Incoming>, Response = Response<Answering<B>>, Error = E, Future: Send + 'static>
        + Send
        + Sync
        + 'static
{
}

/// What all connections of a listener have in common; `service` makes what answers one client.
pub struct Server<F> {
    pub(super) service: F,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: ServeLimits,
}

/// What is needed to serve one connection. It is kept while the connection is idle, so it is small.
struct Talk<F> {
    server: Arc<Server<F>>,
    peer: Peer,
    connection: Arc<Connection>,
}

impl<F> Server<F> {
    /// Serves one connection, until it ends or has to make way for another one.
    pub(super) async fn run<S, B>(self: Arc<Self>, stream: net::TcpStream, peer: Peer, connection: Arc<Connection>)
    where
        F: Fn(Peer) -> S + Send + Sync + 'static,
        S: Answers<B>,
        B: Answer,
    {
        // Small answers must not wait for the client's acknowledgements.
        let _ = stream.set_nodelay(true);
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => return tracing::debug!(%error, "a connection can't be served"),
        };
        let talk = Talk { server: self, peer, connection };
        match &talk.server.tls {
            None => talk.begin(stream, None).await,
            // Boxed, because it takes more room than a plain connection does.
            Some(tls) => Box::pin(talk.begin_tls(tls, stream)).await,
        }
    }
}

impl<F> Talk<F> {
    async fn begin_tls<S, B>(&self, tls: &TlsAcceptor, stream: TcpStream)
    where
        F: Fn(Peer) -> S + Send + Sync + 'static,
        S: Answers<B>,
        B: Answer,
    {
        // Until it is known what the client speaks there is no call that could go on.
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE_TIME, Box::pin(tls.accept(stream))) => shaken,
            _ = self.connection.told() => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                self.begin(Box::new(stream), Some(is_http2)).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "a client did not get through the TLS handshake"),
            Err(_) => tracing::debug!("a client did not end the TLS handshake in time"),
        }
    }

    /// Serves a stream to its end. `is_http2` is None where only the first bytes tell.
    ///
    /// While the client says nothing, only the stream is kept: connections are many, and most of them are idle.
    async fn begin<S, B, I>(&self, stream: I, is_http2: Option<bool>)
    where
        F: Fn(Peer) -> S + Send + Sync + 'static,
        S: Answers<B>,
        B: Answer,
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut stream = Preface::new(stream);
        loop {
            let told = tokio::select! {
                told = tokio::time::timeout(self.server.limits.head_time, stream.tell()) => told,
                _ = self.connection.told() => return,
            };
            let Ok(Ok(says_http2)) = told else { return };
            if stream.is_empty() {
                return;
            }
            if self.server.limits.http2 && is_http2.unwrap_or(says_http2) {
                return Box::pin(self.http2(stream)).await;
            }
            match Box::pin(self.http1(stream)).await {
                Some(quiet) => stream = Preface::new(quiet.into_inner()),
                None => return,
            }
        }
    }

    /// Serves HTTP/1.1 until the connection ends, or gives the stream back once the client has been silent for a while.
    async fn http1<S, B, I>(&self, stream: Preface<I>) -> Option<Preface<I>>
    where
        F: Fn(Peer) -> S + Send + Sync + 'static,
        S: Answers<B>,
        B: Answer,
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = &self.server.limits;
        let (heads, open) = (Heads::default(), Open::default());
        let (lent, owner) = lend(stream, heads.clone(), open.clone());
        let stream = StallGuard::new(Looked::new(lent, heads.clone()), limits.stall_time);
        let mut served = Box::pin(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.head_time)
                .max_headers(MOST_HEADERS)
                .max_buf_size(MOST_HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), self.watched(open, Some(heads)))
                .with_upgrades(),
        );
        tokio::select! {
            _ = served.as_mut() => return None,
            told = self.connection.told() => match told {
                Told::MakeWay => return None,
                Told::Finish => served.as_mut().graceful_shutdown(),
            },
            () = owner.is_quiet() => {
                drop(served);
                return owner.take();
            }
        }
        self.finish(served).await;
        None
    }

    async fn http2<S, B>(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static)
    where
        F: Fn(Peer) -> S + Send + Sync + 'static,
        S: Answers<B>,
        B: Answer,
    {
        let limits = &self.server.limits;
        let served = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MOST_STREAMS)
            .max_header_list_size(MOST_HEAD_BYTES as u32)
            .keep_alive_interval(limits.head_time / 2)
            .keep_alive_timeout(limits.head_time)
            .serve_connection(
                TokioIo::new(StallGuard::new(stream, limits.stall_time)),
                self.watched(Open::default(), None),
            );
        tokio::pin!(served);
        tokio::select! {
            _ = served.as_mut() => return,
            told = self.connection.told() => match told {
                Told::MakeWay => return,
                Told::Finish => served.as_mut().graceful_shutdown(),
            },
        }
        self.finish(served).await;
    }

    /// Lets a connection that takes no more requests end, unless it has to make way for another one.
    async fn finish(&self, served: impl Future) {
        tokio::select! {
            _ = served => {}
            _ = self.connection.told() => {}
        }
    }

    /// A service that tells its connection's room whether the server works for it or waits for the client.
    fn watched<S, B>(&self, open: Open, heads: Option<Heads>) -> impl Calls<B, S::Error> + use<F, S, B>
    where
        F: Fn(Peer) -> S,
        S: Answers<B>,
        B: Answer,
    {
        let (service, connection, local) = ((self.server.service)(self.peer), self.connection.clone(), self.peer.local);
        let running = Arc::new(AtomicUsize::new(0));
        service_fn(move |request: Request<Incoming>| {
            let (connection, running, open) = (connection.clone(), running.clone(), open.begin());
            let two = heads.as_ref().and_then(Heads::take);
            running.fetch_add(1, Ordering::AcqRel);
            connection.works();
            let mut request = request.map(|body| Arriving::new(body, connection.clone()));
            if let Some(two) = two {
                request.extensions_mut().insert(two);
            }
            request.extensions_mut().insert(LocalAddress(local));
            let answer = service.call(request);
            async move {
                let answer = answer.await;
                if running.fetch_sub(1, Ordering::AcqRel) == 1 {
                    connection.waits();
                }
                answer.map(|answer| answer.map(|body| Answering::new(body, open)))
            }
        })
    }
}
