//! Clients: each sends one request after the other over a connection that it keeps open.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// A connection that is kept open.
pub struct Client {
    stream: TcpStream,
    request: Arc<[u8]>,
    buffer: Vec<u8>,
}

/// What clients saw.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// Microseconds from a request to the end of its answer.
    pub micros: Vec<f64>,
    /// Requests without a 200, or whose connection broke.
    pub failed: u64,
}

impl Client {
    /// Connects to a port of this machine.
    pub async fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let request = format!("GET /api/2.0/x?w=1001 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: bench\r\n\r\n");
        Ok(Self { stream, request: request.into_bytes().into(), buffer: Vec::with_capacity(4096) })
    }

    /// Asks once; whether the answer is a 200.
    pub async fn ask(&mut self) -> Result<bool> {
        self.stream.write_all(&self.request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            let head = std::str::from_utf8(&self.buffer[..end]).map_err(Error::other)?.to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let length: usize = length.ok_or(ErrorKind::InvalidData)?;
            if self.buffer.len() >= end + 4 + length {
                return Ok(head.starts_with("http/1.1 200"));
            }
        }
    }
}

/// Keeps `connections` busy until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Seen>,
}

impl Load {
    /// Clients of a port.
    pub fn start(port: u16, connections: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            clients.spawn(one(port, stop.clone()));
        }
        Self { stop, clients }
    }

    /// What they saw.
    pub async fn end(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        while let Some(seen) = self.clients.join_next().await {
            let seen = seen.unwrap_or_default();
            all.micros.extend(seen.micros);
            all.failed += seen.failed;
        }
        all
    }
}

async fn one(port: u16, stop: Arc<AtomicBool>) -> Seen {
    let (mut seen, mut open) = (Seen::default(), None);
    while !stop.load(Ordering::Relaxed) {
        let client = match &mut open {
            Some(client) => client,
            None => match Client::connect(port).await {
                Ok(client) => open.insert(client),
                Err(_) => {
                    seen.failed += 1;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
        };
        let begun = Instant::now();
        match client.ask().await {
            Ok(true) => seen.micros.push(begun.elapsed().as_secs_f64() * 1e6),
            Ok(false) => {
                seen.failed += 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(_) => {
                seen.failed += 1;
                open = None;
            }
        }
    }
    seen
}
