//! Serving on threads of its own: each has its share of the connections, and none waits for another one's work.

use super::peer::Peer;
use super::serve::{Accepted, Stop, accept, work};
use super::talk::{Answer, Answers, ServeLimits, Server};
use std::io;
use std::thread;
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;

/// Threads that wait for connections to serve. They end when this is dropped.
pub struct ServeThreads {
    queues: Vec<UnboundedSender<Accepted>>,
    ended: Vec<oneshot::Receiver<()>>,
    is_tls: bool,
    limits: ServeLimits,
    stop: watch::Receiver<Stop>,
}

impl ServeThreads {
    /// One thread for each of `services`, which make what answers a client.
    pub fn start<F, S, B>(
        name: &str,
        services: Vec<F>,
        tls: Option<TlsAcceptor>,
        limits: ServeLimits,
        stop: watch::Receiver<Stop>,
    ) -> io::Result<Self>
    where
        F: Fn(Peer) -> S + Send + Sync + 'static,
        S: Answers<B>,
        B: Answer,
    {
        let (mut queues, mut ended) = (Vec::new(), Vec::new());
        let is_tls = tls.is_some();
        for service in services {
            let (queue, accepted) = mpsc::unbounded_channel();
            let (tell, told) = oneshot::channel();
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            let (server, stop) = (Server { service, tls: tls.clone(), limits }, stop.clone());
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                runtime.block_on(work(server, accepted, stop));
                // No socket is left behind it.
                drop(runtime);
                let _ = tell.send(());
            })?;
            queues.push(queue);
            ended.push(told);
        }
        Ok(Self { queues, ended, is_tls, limits, stop })
    }

    /// Has a listener's connections served until told to stop, and returns when the threads have ended. Dropped, it cuts every
    /// connection.
    pub async fn serve(self, listener: TcpListener) {
        let Self { queues, ended, is_tls, limits, stop } = self;
        accept(listener, is_tls, queues, limits, stop).await;
        for thread in ended {
            let _ = thread.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::serve::routed;
    use super::*;
    use axum::Router;
    use std::net::SocketAddr;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// Three threads that answer with their numbers.
    async fn three() -> (SocketAddr, watch::Sender<Stop>, tokio::task::JoinHandle<()>) {
        let numbered = |number: usize| routed(Router::new().fallback(move || async move { number.to_string() }));
        let (stop, told) = watch::channel(Stop::No);
        let services = (0..3).map(numbered).collect();
        let threads = ServeThreads::start("test", services, None, ServeLimits::default(), told).expect("they start");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        (address, stop, tokio::spawn(threads.serve(listener)))
    }

    async fn ask(stream: &mut TcpStream) -> String {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).await.expect("answered");
        String::from_utf8_lossy(&bytes[..length]).lines().last().unwrap_or_default().to_owned()
    }

    async fn ends(stream: &mut TcpStream) -> bool {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 8])).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }

    #[tokio::test]
    async fn threads_take_connections_by_turns_and_each_keeps_its_own() {
        let (address, stop, served) = three().await;
        let mut open = Vec::new();
        for number in ["0", "1", "2", "0", "1", "2"] {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            assert_eq!(ask(&mut stream).await, number);
            open.push((stream, number));
        }
        for (stream, number) in &mut open {
            assert_eq!(ask(stream).await, *number);
        }
        stop.send_replace(Stop::Finish);
        served.await.expect("it ends");
        for (stream, _) in &mut open {
            assert!(ends(stream).await);
        }
        assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
    }

    #[tokio::test]
    async fn a_server_that_is_dropped_cuts_the_connections_of_every_thread() {
        let (address, _stop, served) = three().await;
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            ask(&mut stream).await;
            open.push(stream);
        }
        served.abort();
        for stream in &mut open {
            assert!(ends(stream).await);
        }
    }
}
