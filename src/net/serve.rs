//! The loop that accepts connections and has them served, within limits.

use super::connections::{Connection, Connections};
use super::peer::Peer;
use super::talk::{Answer, Answers, ServeLimits, Server};
use axum::Router;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How long a call may go on once the server stops.
const STOP_TIME: Duration = Duration::from_secs(5);

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

/// A connection on its way to what serves it.
#[derive(Debug)]
pub struct Accepted {
    stream: TcpStream,
    peer: Peer,
    connection: Arc<Connection>,
}

/// Serves a router's paths to every client.
pub fn routed(router: Router) -> impl Fn(Peer) -> TowerToHyperService<Router> + Send + Sync + 'static {
    let service = TowerToHyperService::new(router);
    move |_| service.clone()
}

/// Serves until told to stop; `service` makes what answers one client. Dropped, it cuts every connection.
pub async fn serve<F, S, B>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: F,
    limits: ServeLimits,
    stop: watch::Receiver<Stop>,
) where
    F: Fn(Peer) -> S + Send + Sync + 'static,
    S: Answers<B>,
    B: Answer,
{
    let is_tls = tls.is_some();
    let (queue, accepted) = mpsc::unbounded_channel();
    let server = Server { service, tls, limits };
    tokio::join!(accept(listener, is_tls, vec![queue], limits, stop.clone()), work(server, accepted, stop));
}

/// Accepts connections and gives them to the queues by turns, until told to stop.
pub(super) async fn accept(
    listener: TcpListener,
    tls: bool,
    queues: Vec<UnboundedSender<Accepted>>,
    limits: ServeLimits,
    mut stop: watch::Receiver<Stop>,
) {
    let room = Connections::new(limits.connections);
    let mut turns = queues.iter().cycle();
    loop {
        let next = async {
            let (stream, address) = listener.accept().await?;
            // What serves it registers it again, maybe on another thread.
            let stream = stream.into_std()?;
            io::Result::Ok((stream, address, room.admit().await))
        };
        tokio::select! {
            accepted = next => match accepted {
                Ok((stream, address, connection)) => {
                    let peer = Peer { address, local: stream.local_addr().unwrap_or(address), tls };
                    let accepted = Accepted { stream, peer, connection };
                    if turns.next().is_none_or(|queue| queue.send(accepted).is_err()) {
                        tracing::debug!("nothing serves a connection that was accepted");
                    }
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
    }
    drop(listener);
    if *stop.borrow() == Stop::Finish {
        room.finish();
    }
}

/// Serves the connections of a queue until none is left in it and it has no sender any more.
pub(super) async fn work<F, S, B>(
    server: Server<F>,
    mut accepted: UnboundedReceiver<Accepted>,
    stop: watch::Receiver<Stop>,
) where
    F: Fn(Peer) -> S + Send + Sync + 'static,
    S: Answers<B>,
    B: Answer,
{
    let server = Arc::new(server);
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            next = accepted.recv() => match next {
                Some(Accepted { stream, peer, connection }) => {
                    drop(tasks.spawn(server.clone().run(stream, peer, connection)));
                }
                None => break,
            },
            Some(_) = tasks.join_next() => {}
        }
    }
    if *stop.borrow() == Stop::Finish {
        let _ = tokio::time::timeout(STOP_TIME, async { while tasks.join_next().await.is_some() {} }).await;
    }
    tasks.shutdown().await;
}

/// Returns when the server is told to stop, or its owner is gone.
async fn stops(stop: &mut watch::Receiver<Stop>) {
    let _ = stop.wait_for(|stop| *stop != Stop::No).await;
}

#[cfg(test)]
mod tests {
    use super::super::talk::{MOST_HEAD_BYTES, MOST_HEADERS};
    use super::*;
    use axum::routing::post;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
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
