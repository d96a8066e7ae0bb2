//! Requests as bytes, well formed and not, against a reading of our own: what the gateway forwards is exactly what the strictest
//! reader takes, and nothing that a body holds ever becomes a request.

use super::{Region, Served};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a smuggler wants to be taken for a request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: shop.localhost\r\n\r\n";

/// One request, as it is written.
#[derive(Debug, Clone)]
struct Written {
    method: &'static str,
    number: u8,
    /// Lines that say how the body is framed, each with its end.
    framing: String,
    body: Vec<u8>,
}

impl Written {
    fn bytes(&self) -> Vec<u8> {
        let head = format!("{} /n/{} HTTP/1.1\r\nHost: shop.localhost\r\n", self.method, self.number);
        [head.as_bytes(), self.framing.as_bytes(), b"\r\n", &self.body].concat()
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), Just(SMUGGLED.to_owned()), "[ -~]{1,20}", Just(format!("0\r\n\r\n{SMUGGLED}"))]
}

fn of_length() -> impl Strategy<Value = (String, Vec<u8>)> {
    let shapes = [
        "Content-Length: {n}\r\n",
        "content-length:{n}\r\n",
        "Content-Length: \t{n} \r\n",
        "Content-Length: 0{n}\r\n",
        "Content-Length: +{n}\r\n",
        "Content-Length: -{n}\r\n",
        "Content-Length: 0x{n}\r\n",
        "Content-Length: {n},{n}\r\n",
        "Content-Length: {n}, 1\r\n",
        "Content-Length: {n}\r\nContent-Length: {n}\r\n",
        "Content-Length: {n}\r\nContent-Length: 1\r\n",
        "Content-Length : {n}\r\n",
        "Content-Length\r\n",
        "Content-Length: \r\n",
        "Content-Length:\r\n {n}\r\n",
        "X: a\r\n Content-Length: {n}\r\n",
        "Content_Length: {n}\r\n",
        "Content-Length: 99999999999999999999999\r\n",
        "\u{b}Content-Length: {n}\r\n",
        "Content-Length: {n}\u{b}\r\n",
    ];
    (prop_oneof![3 => Just(shapes[0]), 5 => prop::sample::select(shapes.to_vec())], text())
        .prop_map(|(shape, body)| (shape.replace("{n}", &body.len().to_string()), body.into_bytes()))
}

fn in_chunks() -> impl Strategy<Value = (String, Vec<u8>)> {
    let lines = [
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding: CHUNKED\r\n",
        "Transfer-Encoding:\tchunked \r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: chunked\u{b}\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer_Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 4\r\nX: y\r\ntransfer-encoding: identity\r\n",
    ];
    let sizes = [
        "{x}\r\n",
        "{X}\r\n",
        "00{x}\r\n",
        "{x};a=b\r\n",
        "{x} \r\n",
        " {x}\r\n",
        "0x{x}\r\n",
        "-{x}\r\n",
        "+{x}\r\n",
        "{x}\n",
        "{x}\r",
        "{x}\r\r\n",
        "{x};\n\r\n",
        "g{x}\r\n",
        "1000000000000000{x}\r\n",
        "\r\n",
    ];
    let ends = ["\r\n", "\r\n", "\r\n", "\n", "", "X\r\n", "\r\r\n"];
    let last =
        ["0\r\n\r\n", "0\r\n\r\n", "0\r\n\r\n", "00\r\n\r\n", "0;a\r\n\r\n", "0\r\nX-T: 1\r\n\r\n", "0\n\n", "0\r\n"];
    let line = prop_oneof![3 => Just(lines[0]), 3 => prop::sample::select(lines.to_vec())];
    let size = prop_oneof![3 => Just(sizes[0]), 3 => prop::sample::select(sizes.to_vec())];
    (line, size, prop::sample::select(ends.to_vec()), prop::sample::select(last.to_vec()), text()).prop_map(
        |(line, size, end, last, text)| {
            let chunk = match text.len() {
                0 => String::new(),
                n => {
                    let size = size.replace("{x}", &format!("{n:x}")).replace("{X}", &format!("{n:X}"));
                    format!("{size}{text}{end}")
                }
            };
            (line.to_owned(), format!("{chunk}{last}").into_bytes())
        },
    )
}

fn request() -> impl Strategy<Value = Written> {
    let framed = prop_oneof![1 => Just((String::new(), Vec::new())), 3 => of_length(), 3 => in_chunks()];
    (prop::sample::select(vec!["GET", "POST", "PUT", "DELETE"]), 0..9u8, framed)
        .prop_map(|(method, number, (framing, body))| Written { method, number, framing, body })
}

/// What the strictest reader takes, one request after the other, until something is not as it must be.
#[derive(Debug, Default, PartialEq)]
struct Reading {
    /// As a region notes them: method, target, body.
    requests: Vec<String>,
    /// Whether all of it was well formed.
    sound: bool,
}

fn read(mut bytes: &[u8]) -> Reading {
    let mut reading = Reading { sound: true, ..Reading::default() };
    while !bytes.is_empty() {
        match read_one(bytes) {
            Some((request, rest)) => {
                reading.requests.push(request);
                bytes = rest;
            }
            None => {
                reading.sound = false;
                break;
            }
        }
    }
    reading
}

/// A line without its end, and what follows it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(2).position(|two| two == b"\r\n")?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    text.bytes().all(|byte| byte == b'\t' || (0x20..0x7f).contains(&byte)).then_some((text, &bytes[end + 2..]))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn read_one(bytes: &[u8]) -> Option<(String, &[u8])> {
    // One empty line may come before a request.
    let (first, mut rest) = line(bytes.strip_prefix(b"\r\n").unwrap_or(bytes))?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    if words.next() != Some("HTTP/1.1") || words.next().is_some() || !is_token(method) {
        return None;
    }
    let (mut lengths, mut encodings, mut hosts) = (Vec::new(), Vec::new(), 0);
    loop {
        let (field, after) = line(rest)?;
        rest = after;
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':')?;
        let value = value.trim_matches([' ', '\t']);
        match name.to_ascii_lowercase().as_str() {
            "content-length" => lengths.push(value),
            "transfer-encoding" => encodings.push(value),
            "host" => hosts += 1,
            "content_length" | "transfer_encoding" => return None,
            other if is_token(other) => {}
            _ => return None,
        }
    }
    let body = match (lengths.as_slice(), encodings.as_slice()) {
        _ if hosts != 1 => return None,
        ([], []) => Vec::new(),
        ([length], []) if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) => {
            let (body, after) = rest.split_at_checked(length.parse().ok()?)?;
            rest = after;
            body.to_vec()
        }
        ([], [encoding]) if encoding.eq_ignore_ascii_case("chunked") => {
            let (body, after) = read_chunks(rest)?;
            rest = after;
            body
        }
        _ => return None,
    };
    Some((format!("{method} {target} {}", String::from_utf8(body).ok()?), rest))
}

fn read_chunks(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (size, after) = line(rest)?;
        let digits = size.split(';').next()?.trim_end_matches([' ', '\t']);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let size = usize::from_str_radix(digits, 16).ok()?;
        rest = after;
        if size == 0 {
            break;
        }
        let (chunk, after) = rest.split_at_checked(size)?;
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
    loop {
        let (trailer, after) = line(rest)?;
        rest = after;
        if trailer.is_empty() {
            return Some((body, rest));
        }
        trailer.split_once(':').filter(|(name, _)| is_token(name))?;
    }
}

/// Sends bytes, and reads until the gateway closes the connection, or says nothing more.
async fn exchange(served: &Served, bytes: &[u8], silence: Duration) -> String {
    let mut stream = TcpStream::connect(served.address()).await.expect("connects");
    // The gateway may have refused and closed before all of it is written.
    let _ = stream.write_all(bytes).await;
    let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(Ok(more @ 1..)) = tokio::time::timeout(silence, stream.read(&mut chunk)).await {
        text.extend_from_slice(&chunk[..more]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn what_is_forwarded_is_what_the_strictest_reader_takes() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let (region, served) = runtime.block_on(async {
        let region = Region::echo("east").await;
        let served = Served::to(&region).await;
        (region, served)
    });
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let last = "GET /last HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n";
    let checked = TestRunner::new(config).run(&prop::collection::vec(request(), 1..4), |requests| {
        let mut bytes: Vec<u8> = requests.iter().flat_map(Written::bytes).collect();
        bytes.extend_from_slice(last.as_bytes());
        let wanted = read(&bytes);
        region.asked.lock().expect("a lock").clear();
        // A body that never comes whole is waited for; nothing else keeps the gateway from closing.
        let silence = Duration::from_millis(if wanted.sound { 5000 } else { 60 });
        let answer = runtime.block_on(exchange(&served, &bytes, silence));
        let asked = region.asked();
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert_eq!(&asked, &wanted.requests, "{:?}\n{:?}", shown, answer);
        let good = answer.matches("HTTP/1.1 200").count();
        prop_assert!(good <= asked.len(), "{:?}\n{:?}", shown, answer);
        if wanted.sound {
            prop_assert_eq!(good, asked.len(), "{:?}\n{:?}", shown, answer);
        }
        Ok(())
    });
    match checked {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("aborted: {reason}"),
    }
    runtime.block_on(served.gateway.stop());
}
