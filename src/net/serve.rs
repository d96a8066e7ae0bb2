//! The loop that accepts connections and serves HTTP on them, within limits.

use super::connections::{Connection, Connections};
use super::heads::{Heads, Looked};
use super::park::{Answering, Open, lend};
use super::peer::Peer;
use super::preface::Preface;
use super::stall::StallGuard;
use axum::Router;
use axum::body::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Header fields of a request at most.
const MOST_HEADERS: usize = 64;
/// Bytes of a request's head at most.
const MOST_HEAD_BYTES: usize = 64 << 10;
/// Requests at a time on one connection of HTTP/2.
const MOST_STREAMS: u32 = 128;
/// How long the handshake of a TLS connection may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a call may go on once the server stops.
const STOP_TIME: Duration = Duration::from_secs(5);

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

/// Whether a server goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It serves.
    No,
    /// It takes no more calls, and calls that run may end.
    Finish,
    /// Every connection is cut at once, as when a machine goes dark.
    Cut,
}

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

/// Serves a router's paths to every client.
pub fn routed(router: Router) -> impl Fn(Peer) -> TowerToHyperService<Router> + Send + 'static {
    let service = TowerToHyperService::new(router);
    move |_| service.clone()
}

/// Serves until told to stop; `service` makes what answers one client. Dropped, it cuts every connection.
pub async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: impl Fn(Peer) -> S + Send + 'static,
    limits: ServeLimits,
    mut stop: watch::Receiver<Stop>,
) where
    S: Answers<B>,
    B: Answer,
{
    let room = Connections::new(limits.connections);
    let mut tasks = JoinSet::new();
    let for_each = stop.clone();
    loop {
        let next = async {
            let (stream, address) = listener.accept().await?;
            std::io::Result::Ok((stream, address, room.admit().await))
        };
        tokio::select! {
            accepted = next => match accepted {
                Ok((stream, address, connection)) => {
                    let local = stream.local_addr().unwrap_or(address);
                    let peer = Peer { address, local, tls: tls.is_some() };
                    tasks.spawn(run(stream, peer, connection, tls.clone(), service(peer), limits, for_each.clone()));
                }
                Err(error) => {
                    // No file descriptor is free, or the client went away between; the next one may do.
                    tracing::debug!(%error, "a connection was not accepted");
                    room.shed();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            () = stops(&mut stop) => break,
        }
        while tasks.try_join_next().is_some() {}
    }
    drop(listener);
    if *stop.borrow() == Stop::Finish {
        let _ = tokio::time::timeout(STOP_TIME, async { while tasks.join_next().await.is_some() {} }).await;
    }
    tasks.shutdown().await;
}

/// Returns when the server is told to stop, or its owner is gone.
async fn stops(stop: &mut watch::Receiver<Stop>) {
    let _ = stop.wait_for(|stop| *stop != Stop::No).await;
}

/// One connection, until it ends or has to make way for another one.
async fn run<S, B>(
    stream: TcpStream,
    peer: Peer,
    connection: Arc<Connection>,
    tls: Option<TlsAcceptor>,
    service: S,
    limits: ServeLimits,
    stop: watch::Receiver<Stop>,
) where
    S: Answers<B>,
    B: Answer,
{
    // Small answers must not wait for the client's acknowledgements.
    let _ = stream.set_nodelay(true);
    let served = async {
        let talk = Talk { peer, connection: connection.clone(), service: Arc::new(service), limits, stop };
        let Some(tls) = tls else { return talk.begin(stream, None).await };
        let mut told = talk.stop.clone();
        // Until it is known what the client speaks there is no call that could go on.
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(HANDSHAKE_TIME, Box::pin(tls.accept(stream))) => shaken,
            () = stops(&mut told) => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                talk.begin(Box::new(stream), Some(is_http2)).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "a client did not get through the TLS handshake"),
            Err(_) => tracing::debug!("a client did not end the TLS handshake in time"),
        }
    };
    tokio::select! {
        () = served => {}
        () = connection.must_end() => tracing::debug!("a connection that waited for its client made way for another one"),
    }
}

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

/// What is needed to serve one connection.
struct Talk<S> {
    peer: Peer,
    connection: Arc<Connection>,
    service: Arc<S>,
    limits: ServeLimits,
    stop: watch::Receiver<Stop>,
}

impl<S> Talk<S> {
    /// Serves a stream to its end. `is_http2` is None where only the first bytes tell.
    ///
    /// While the client says nothing, only the stream is kept: connections are many, and most of them are idle.
    async fn begin<B, I>(self, mut stream: I, is_http2: Option<bool>)
    where
        S: Answers<B>,
        B: Answer,
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        loop {
            let mut told = self.stop.clone();
            let read = tokio::select! {
                read = tokio::time::timeout(self.limits.head_time, Preface::read(stream)) => read,
                () = stops(&mut told) => return,
            };
            let Ok(Ok((begun, says_http2))) = read else { return };
            if begun.is_empty() {
                return;
            }
            if self.limits.http2 && is_http2.unwrap_or(says_http2) {
                return Box::pin(self.http2(begun)).await;
            }
            match Box::pin(self.http1(begun)).await {
                Some(quiet) => stream = quiet.into_inner(),
                None => return,
            }
        }
    }

    /// Serves HTTP/1.1 until the connection ends, or gives the stream back once the client has been silent for a while.
    async fn http1<B, I>(&self, stream: Preface<I>) -> Option<Preface<I>>
    where
        S: Answers<B>,
        B: Answer,
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (heads, open) = (Heads::default(), Open::default());
        let (lent, owner) = lend(stream, heads.clone(), open.clone());
        let stream = StallGuard::new(Looked::new(lent, heads.clone()), self.limits.stall_time);
        let mut served = Box::pin(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.limits.head_time)
                .max_headers(MOST_HEADERS)
                .max_buf_size(MOST_HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), self.watched(open, Some(heads)))
                .with_upgrades(),
        );
        let mut told = self.stop.clone();
        tokio::select! {
            _ = served.as_mut() => return None,
            () = stops(&mut told) => served.as_mut().graceful_shutdown(),
            () = owner.is_quiet() => {
                drop(served);
                return owner.take();
            }
        }
        let _ = served.await;
        None
    }

    async fn http2<B>(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static)
    where
        S: Answers<B>,
        B: Answer,
    {
        let served = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MOST_STREAMS)
            .max_header_list_size(MOST_HEAD_BYTES as u32)
            .keep_alive_interval(self.limits.head_time / 2)
            .keep_alive_timeout(self.limits.head_time)
            .serve_connection(
                TokioIo::new(StallGuard::new(stream, self.limits.stall_time)),
                self.watched(Open::default(), None),
            );
        tokio::pin!(served);
        let mut told = self.stop.clone();
        tokio::select! {
            _ = served.as_mut() => return,
            () = stops(&mut told) => served.as_mut().graceful_shutdown(),
        }
        let _ = served.await;
    }

    /// A service that tells its connection's room whether the server works for it or waits for the client.
    fn watched<B>(&self, open: Open, heads: Option<Heads>) -> impl Calls<B, S::Error>
    where
        S: Answers<B>,
        B: Answer,
    {
        let (service, connection, local) = (self.service.clone(), self.connection.clone(), self.peer.local);
        let running = Arc::new(AtomicUsize::new(0));
        service_fn(move |request: Request<Incoming>| {
            let (connection, running, open) = (connection.clone(), running.clone(), open.begin());
            let two = heads.as_ref().and_then(Heads::take);
            running.fetch_add(1, Ordering::AcqRel);
            connection.works();
            let mut request = request.map(|body| Arriving { body, connection: connection.clone() });
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

/// A request's body: while the rest of it is missing, its connection waits for the client.
#[derive(Debug)]
pub struct Arriving {
    body: Incoming,
    connection: Arc<Connection>,
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match frame {
            Poll::Pending => self.connection.waits(),
            // A byte now and then isn't progress; only the whole of it is.
            Poll::Ready(Some(Ok(_))) if !self.body.is_end_stream() => {}
            Poll::Ready(_) => self.connection.works(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    const LIMITS: ServeLimits = ServeLimits {
        connections: 20,
        head_time: Duration::from_secs(60),
        stall_time: Duration::from_secs(30),
        http2: false,
    };

    /// What `/slow` rings when a call has come, and what it then waits for.
    #[derive(Clone, Default)]
    struct Gate {
        entered: Arc<Notify>,
        opened: Arc<Notify>,
    }

    /// A server that gives back what it was sent, and that waits for the gate at `/slow`.
    async fn echo(limits: ServeLimits, gate: &Gate) -> (SocketAddr, watch::Sender<Stop>, tokio::task::JoinHandle<()>) {
        let gate = gate.clone();
        let slow = move || async move {
            gate.entered.notify_one();
            gate.opened.notified().await;
            "done"
        };
        let router = Router::new().route("/", post(|body: String| async { body })).route("/slow", post(slow));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (sender, stop) = watch::channel(Stop::No);
        (address, sender, tokio::spawn(serve(listener, None, routed(router), limits, stop)))
    }

    async fn open(address: SocketAddr, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(bytes).await.expect("sent");
        stream
    }

    async fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await;
        assert!(ended.is_ok(), "the connection stays open behind {text:?}");
        text
    }

    const WHOLE: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";

    #[tokio::test]
    async fn connections_that_send_nothing_or_half_of_a_request_lock_nobody_out() {
        let (address, _stop, _task) = echo(LIMITS, &Gate::default()).await;
        for half in [
            &b""[..],
            b"POST / HTTP/1.1\r\nHost: a\r\nX-",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhi",
        ] {
            let mut held = Vec::new();
            for _ in 0..3 * LIMITS.connections {
                held.push(open(address, half).await);
            }
            let answer = answer(open(address, WHOLE).await).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hi"), "{answer:?} behind {half:?}");
            // The oldest were ended, so that no more are open than there is room for.
            for first in held.iter_mut().take(2 * LIMITS.connections) {
                let ended =
                    tokio::time::timeout(Duration::from_secs(10), first.read(&mut [0; 8])).await.expect("ended");
                assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_call_that_is_worked_on_is_not_ended_for_others() {
        let gate = Gate::default();
        let (address, _stop, _task) = echo(LIMITS, &gate).await;
        let slow =
            open(address, b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        gate.entered.notified().await;
        let mut held = Vec::new();
        for _ in 0..3 * LIMITS.connections {
            held.push(open(address, b"").await);
        }
        assert!(answer(open(address, WHOLE).await).await.ends_with("hi"));
        gate.opened.notify_one();
        assert!(answer(slow).await.ends_with("done"));
    }

    #[tokio::test]
    async fn an_idle_connection_ends_after_its_time() {
        let (address, _stop, _task) =
            echo(ServeLimits { head_time: Duration::from_millis(50), ..LIMITS }, &Gate::default()).await;
        assert_eq!(answer(open(address, b"").await).await, "");
        assert_eq!(answer(open(address, b"POST / HTTP/1.1\r\nHost").await).await, "");
    }

    #[tokio::test]
    async fn a_head_with_two_lengths_or_none_that_counts_leaves_no_connection_to_smuggle_on() {
        let (address, _stop, _task) = echo(LIMITS, &Gate::default()).await;
        let both = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nPOST /";
        let answered = answer(open(address, both).await).await;
        assert!(answered.contains("\r\nconnection: close\r\n") && answered.ends_with("hi"), "{answered}");
        for bad in [
            &b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nhello"[..],
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
            &[b"POST / HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 2 * MOST_HEAD_BYTES], b"\r\n\r\n"].concat(),
            &[b"POST / HTTP/1.1\r\n".as_slice(), b"X: a\r\n".repeat(MOST_HEADERS + 1).as_slice(), b"\r\n"].concat(),
        ] {
            let answered = answer(open(address, bad).await).await;
            assert!(answered.starts_with("HTTP/1.1 4"), "{answered}");
        }
    }

    #[tokio::test]
    async fn a_server_that_stops_lets_calls_end_and_one_that_is_cut_does_not() {
        for (how, last) in [(Stop::Finish, "done"), (Stop::Cut, "")] {
            let gate = Gate::default();
            let (address, stop, task) = echo(LIMITS, &gate).await;
            let slow = open(address, b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").await;
            gate.entered.notified().await;
            stop.send_replace(how);
            if how == Stop::Finish {
                gate.opened.notify_one();
            }
            let answered = answer(slow).await;
            assert!(answered.ends_with(last) && answered.is_empty() == last.is_empty(), "{answered:?}");
            task.await.expect("it ended");
        }
    }
}
