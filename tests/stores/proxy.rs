//! A line to a store that breaks where a test wants it to.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is passed on, and so is its answer.
    None,
    /// The store's gateway asks for fewer requests.
    SlowDown,
    /// The line breaks after so many bytes of the request's body.
    CutRequest(usize),
    /// The line breaks after so many bytes of the answer.
    CutAnswer(usize),
    /// The store does what is asked for, and no one hears of it.
    LoseAnswer,
    /// Nothing more comes, and nothing breaks.
    Stall,
}

/// A request as it passes by.
#[derive(Debug)]
pub struct Request {
    /// Counted from 0 over all that the line carried.
    pub number: usize,
    pub method: String,
    pub target: String,
    /// Bytes of its body.
    pub length: usize,
    /// Whether it asks the store to copy.
    pub copies: bool,
    pub is_conditional: bool,
    /// The first byte that a read asks for.
    pub first_byte: u64,
}

type Script = dyn Fn(&Request) -> Fault + Send + Sync;

/// A running line; it ends when dropped.
pub struct Proxy {
    pub port: u16,
    ended: Arc<AtomicBool>,
    /// Bytes of request bodies that came.
    pub sent: Arc<AtomicU64>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Proxy {
    /// A line to the server at `upstream`; `script` says what becomes of each request.
    pub fn start(upstream: u16, script: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (ended, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let script: Arc<Script> = Arc::new(script);
        let numbers = Arc::new(AtomicUsize::new(0));
        let (over, counted) = (ended.clone(), sent.clone());
        std::thread::spawn(move || {
            for line in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(line) = line else { continue };
                let (script, numbers, over, counted) = (script.clone(), numbers.clone(), over.clone(), counted.clone());
                std::thread::spawn(move || {
                    // A line that breaks by itself is as good as one that is broken.
                    let _ = carry(line, upstream, &*script, &numbers, &over, &counted);
                });
            }
        });
        Self { port, ended, sent }
    }
}

/// Carries one request; every answer closes its line, so that each request is seen from its beginning.
fn carry(
    mut line: TcpStream,
    upstream: u16,
    script: &Script,
    numbers: &AtomicUsize,
    ended: &AtomicBool,
    sent: &AtomicU64,
) -> io::Result<()> {
    let Some((head, early)) = read_head(&mut line)? else { return Ok(()) };
    let text = String::from_utf8_lossy(&head).into_owned();
    let header = |name: &str| {
        let found =
            text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let mut words = text.split_whitespace();
    let request = Request {
        number: numbers.fetch_add(1, Ordering::SeqCst),
        method: words.next().unwrap_or_default().to_owned(),
        target: words.next().unwrap_or_default().to_owned(),
        length: header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0),
        copies: header("x-amz-copy-source").or_else(|| header("x-ms-copy-source")).is_some(),
        is_conditional: header("if-none-match").is_some(),
        first_byte: header("range")
            .and_then(|range| range.strip_prefix("bytes=")?.split('-').next()?.parse().ok())
            .unwrap_or(0),
    };
    let fault = script(&request);
    match fault {
        Fault::SlowDown => {
            io::copy(&mut (&line).take((request.length - early.len()) as u64), &mut io::sink())?;
            let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
            write!(
                line,
                "HTTP/1.1 503 Slow Down\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )?;
            return Ok(());
        }
        Fault::Stall => {
            line.set_read_timeout(Some(Duration::from_millis(50)))?;
            let mut buffer = [0; 64 << 10];
            while !ended.load(Ordering::SeqCst) {
                match line.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(());
        }
        _ => {}
    }
    let mut store = TcpStream::connect(("127.0.0.1", upstream))?;
    let first_line = text.find("\r\n").unwrap_or(0) + 2;
    store.write_all(&text.as_bytes()[..first_line])?;
    store.write_all(b"Connection: close\r\n")?;
    store.write_all(&text.as_bytes()[first_line..])?;
    let mut left = request.length.saturating_sub(early.len());
    let mut passed = early.len();
    store.write_all(&early)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        if let Fault::CutRequest(after) = fault
            && passed >= after.min(request.length)
        {
            let _ = store.shutdown(Shutdown::Both);
            return Ok(());
        }
        if left == 0 {
            break;
        }
        let most = buffer.len().min(left);
        let count = line.read(&mut buffer[..most])?;
        if count == 0 {
            return Ok(());
        }
        store.write_all(&buffer[..count])?;
        left -= count;
        passed += count;
    }
    sent.fetch_add(request.length as u64, Ordering::SeqCst);
    let Some((answer, early)) = read_head(&mut store)? else { return Ok(()) };
    if fault == Fault::LoseAnswer {
        io::copy(&mut store, &mut io::sink())?;
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let kept: Vec<&str> =
        answer.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:")).collect();
    line.write_all(kept.join("\r\n").replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    match fault {
        Fault::CutAnswer(after) => {
            let most = early.len().min(after);
            line.write_all(&early[..most])?;
            io::copy(&mut (&store).take((after - most) as u64), &mut line).map(|_| ())
        }
        _ => {
            line.write_all(&early)?;
            io::copy(&mut store, &mut line).map(|_| ())
        }
    }
}

/// Reads up to the empty line; returns the head with it, and what came after it. None where the line is closed.
fn read_head(line: &mut TcpStream) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok(Some((bytes, rest)));
        }
        let count = line.read(&mut buffer)?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&buffer[..count]);
    }
}
