//! What lasts: large bodies, streams of events and upgraded connections, at the region's and at the client's end.

use crate::shared::Fault;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use futures::StreamExt;
use hyper_util::rt::TokioIo;
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CHUNK: usize = 64 << 10;
/// Between two events.
const PAUSE: Duration = Duration::from_millis(50);

/// The paths of a region that last.
pub fn routes() -> Router {
    let blob = |size: u64| {
        let chunk = Bytes::from(vec![7; CHUNK]);
        let chunks = futures::stream::iter((0..size / CHUNK as u64).map(move |_| Ok::<_, Error>(chunk.clone())));
        ([(header::CONTENT_LENGTH, size.to_string())], Body::from_stream(chunks))
    };
    Router::new()
        .route("/blob", get(move |request: Request| async move { blob(said(&request)) }))
        .route("/sink", post(sink))
        .route("/events", get(events))
        .route("/echo", any(echo))
}

/// The bytes that a request's query asks for.
fn said(request: &Request) -> u64 {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').find_map(|pair| pair.strip_prefix("bytes=")?.parse().ok()).unwrap_or_default()
}

async fn sink(request: Request) -> Response {
    let (mut body, mut bytes) = (request.into_body().into_data_stream(), 0);
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => bytes += chunk.len(),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    }
    bytes.to_string().into_response()
}

async fn events() -> Response {
    let events = futures::stream::unfold(0_u64, |number| async move {
        tokio::time::sleep(PAUSE).await;
        Some((Ok::<_, Error>(format!("data: {number}\n\n")), number + 1))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

async fn echo(mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(stream) = upgrade.await else { return };
        let (mut from, mut to) = tokio::io::split(TokioIo::new(stream));
        let _ = tokio::io::copy(&mut from, &mut to).await;
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

async fn open(port: u16, head: &str) -> Result<(TcpStream, String, Vec<u8>)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(head.replace("PORT", &port.to_string()).as_bytes()).await?;
    let (head, rest) = read_head(&mut stream).await?;
    Ok((stream, head, rest))
}

/// An answer's head, and what came behind it.
async fn read_head(stream: &mut TcpStream) -> Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
    }
}

/// Reads so many bytes through a proxy; fails where fewer come.
pub async fn download(port: u16, bytes: u64) -> Result<()> {
    let head = format!("GET /blob?w=1001&bytes={bytes} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\n\r\n");
    let (mut stream, head, rest) = open(port, &head).await?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(Error::other(head));
    }
    let (mut left, mut buffer) = (bytes - rest.len() as u64, vec![0; 4 * CHUNK]);
    while left > 0 {
        match stream.read(&mut buffer).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            some => left = left.saturating_sub(some as u64),
        }
    }
    Ok(())
}

/// Sends so many bytes through a proxy; fails where the region didn't count them all.
pub async fn upload(port: u16, bytes: u64) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let head = format!("POST /sink?w=1001 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {bytes}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let chunk = vec![7; CHUNK];
    for _ in 0..bytes / CHUNK as u64 {
        stream.write_all(&chunk).await?;
    }
    let (head, mut body) = read_head(&mut stream).await?;
    while body.len() < bytes.to_string().len() && stream.read_buf(&mut body).await? > 0 {}
    match head.starts_with("HTTP/1.1 200") && body == bytes.to_string().as_bytes() {
        true => Ok(()),
        false => Err(Error::other(head)),
    }
}

/// Streams of events and upgraded connections that are opened again whenever they end.
pub struct Lasting {
    stop: Arc<AtomicBool>,
    clients: JoinSet<()>,
    counts: Arc<Counts>,
}

/// What clients of streams saw.
#[derive(Debug, Default)]
pub struct Counts {
    /// Events that came.
    pub events: AtomicU64,
    /// Streams of events that ended as a whole answer does.
    pub ended: AtomicU64,
    /// Streams of events that broke off, or didn't begin.
    pub broken: AtomicU64,
    /// Messages that came back over an upgraded connection.
    pub echoes: AtomicU64,
    /// Upgraded connections that were closed.
    pub closed: AtomicU64,
    /// Answers over an upgraded connection that were wrong, and upgrades that were refused.
    pub wrong: AtomicU64,
}

impl Lasting {
    /// So many of each.
    pub fn start(port: u16, many: usize) -> Self {
        let (stop, counts) = (Arc::new(AtomicBool::new(false)), Arc::new(Counts::default()));
        let mut clients = JoinSet::new();
        for _ in 0..many {
            let (stop, counts) = (stop.clone(), counts.clone());
            clients.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let whole = listen(port, &counts, &stop).await.unwrap_or(false);
                    let counter = if whole { &counts.ended } else { &counts.broken };
                    counter.fetch_add(u64::from(!stop.load(Ordering::Relaxed)), Ordering::Relaxed);
                }
            });
        }
        for _ in 0..many {
            let (stop, counts) = (stop.clone(), counts.clone());
            clients.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let counter = match talk(port, &counts, &stop).await {
                        Ok(()) => &counts.closed,
                        Err(_) => &counts.wrong,
                    };
                    counter.fetch_add(u64::from(!stop.load(Ordering::Relaxed)), Ordering::Relaxed);
                }
            });
        }
        Self { stop, clients, counts }
    }

    /// Ends them; what they saw.
    pub async fn end(mut self) -> std::result::Result<Arc<Counts>, Fault> {
        self.stop.store(true, Ordering::Relaxed);
        while self.clients.join_next().await.is_some() {}
        Ok(self.counts)
    }
}

/// Reads events until their stream ends; whether it ended as a whole answer does.
async fn listen(port: u16, counts: &Counts, stop: &AtomicBool) -> Result<bool> {
    let head = "GET /events?w=1001 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nAccept: text/event-stream\r\n\r\n";
    let (mut stream, head, mut tail) = open(port, head).await?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(Error::other(head));
    }
    while !stop.load(Ordering::Relaxed) {
        if tail.ends_with(b"\r\n0\r\n\r\n") {
            return Ok(true);
        }
        let before = tail.len();
        if stream.read_buf(&mut tail).await? == 0 {
            return Ok(false);
        }
        let events = tail[before.saturating_sub(4)..].windows(5).filter(|five| *five == b"data:").count();
        counts.events.fetch_add(events as u64, Ordering::Relaxed);
        let cut = tail.len().saturating_sub(16);
        tail.drain(..cut);
    }
    Ok(true)
}

/// Talks over an upgraded connection until it is closed.
async fn talk(port: u16, counts: &Counts, stop: &AtomicBool) -> Result<()> {
    let head = "GET /echo?w=1001 HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let (mut stream, head, rest) = open(port, head).await?;
    if !head.starts_with("HTTP/1.1 101") || !rest.is_empty() {
        return Err(Error::other(head));
    }
    let mut number = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let mut back = [0; 8];
        let sent = async {
            stream.write_all(&number.to_be_bytes()).await?;
            stream.read_exact(&mut back).await
        };
        // A closed connection is what a switch is.
        if sent.await.is_err() {
            return Ok(());
        }
        if back != number.to_be_bytes() {
            return Err(Error::other("another message came back"));
        }
        counts.echoes.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
