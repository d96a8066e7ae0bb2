//! Looking at the heads of requests as they were sent.
//!
//! A head with both `Content-Length` and `Transfer-Encoding`, or with one of them twice, arrives in a service with one only, so
//! refusing it takes a look at the bytes.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes of a line that matter: no name or length that counts is longer.
const MOST_LINE: usize = 64;
/// Heads that may have been read before the first of them is taken.
const MOST_AHEAD: usize = 256;

/// The heads that were read on a connection and are not served yet.
///
/// Clients may send requests one behind the other without waiting for an answer, so bodies are followed as far as it takes to
/// know where the next head begins.
#[derive(Debug, Clone, Default)]
pub struct Heads(Arc<Mutex<Follower>>);

/// Marks a request whose head gave its length more than once, among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoLengths;

#[derive(Debug, Default)]
struct Follower {
    at: At,
    /// How the line that is being read begins.
    line: Vec<u8>,
    head: Head,
    /// Whether each head that was read whole can be read in one way only.
    read: VecDeque<bool>,
    /// It can't be told any more where heads begin.
    lost: bool,
}

/// Where in a message the next byte is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// In a line of a head.
    #[default]
    Head,
    /// In a body or a chunk of so many more bytes; `true` for a chunk.
    Bytes(u64, bool),
    /// In the line with a chunk's size.
    Size,
    /// In the line end behind a chunk.
    End,
    /// In a line behind the last chunk.
    Trailer,
}

/// What a head said so far.
#[derive(Debug, Default)]
struct Head {
    has_begun: bool,
    /// Fields that are about the body's length.
    lengths: u32,
    length: Option<u64>,
    is_chunked: bool,
}

impl Heads {
    fn follower(&self) -> MutexGuard<'_, Follower> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes the head of the request that is served now; whether its length can be read in two ways.
    pub fn take(&self) -> Option<TwoLengths> {
        // One that was not seen whole is not trusted.
        let is_plain = self.follower().read.pop_front().unwrap_or(false);
        (!is_plain).then_some(TwoLengths)
    }

    /// Whether every request that was begun has been read to its end and taken.
    pub fn is_between(&self) -> bool {
        let follower = self.follower();
        let is_at_start = follower.at == At::Head && follower.line.is_empty() && !follower.head.has_begun;
        is_at_start && follower.read.is_empty() && !follower.lost
    }
}

impl Follower {
    fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.lost {
            if let At::Bytes(left, is_chunk) = self.at {
                let some = left.min(bytes.len() as u64);
                bytes = &bytes[some as usize..];
                self.at = match (left - some, is_chunk) {
                    (0, true) => At::End,
                    (0, false) => At::Head,
                    (left, _) => At::Bytes(left, is_chunk),
                };
                continue;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (text, rest) = end.map_or((bytes, &bytes[bytes.len()..]), |end| (&bytes[..end], &bytes[end + 1..]));
            let room = MOST_LINE - self.line.len().min(MOST_LINE);
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            bytes = rest;
            if end.is_some() {
                let line = std::mem::take(&mut self.line);
                self.line_ended(line.trim_ascii());
            }
        }
    }

    fn line_ended(&mut self, line: &[u8]) {
        match self.at {
            At::Head if line.is_empty() && self.head.has_begun => self.head_ended(),
            At::Head if self.head.has_begun => self.head.field(line),
            // Empty lines may come before a request.
            At::Head => self.head.has_begun = !line.is_empty(),
            At::Size => {
                let digits = line.split(|byte| matches!(byte, b';' | b' ' | b'\t')).next().unwrap_or_default();
                match number(digits, 16) {
                    Some(0) => self.at = At::Trailer,
                    Some(size) => self.at = At::Bytes(size, true),
                    None => self.lost = true,
                }
            }
            At::End if line.is_empty() => self.at = At::Size,
            At::Trailer if line.is_empty() => self.at = At::Head,
            At::Trailer => {}
            At::End | At::Bytes(..) => self.lost = true,
        }
    }

    fn head_ended(&mut self) {
        let head = std::mem::take(&mut self.head);
        let is_plain = head.lengths <= 1 && (head.lengths == 0 || head.is_chunked || head.length.is_some());
        self.read.push_back(is_plain);
        self.lost |= !is_plain || self.read.len() > MOST_AHEAD;
        self.at = match head.length {
            _ if head.is_chunked => At::Size,
            Some(length @ 1..) => At::Bytes(length, false),
            _ => At::Head,
        };
    }
}

/// A number of nothing but digits.
fn number(digits: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.chars().all(|digit| digit.is_digit(radix)))?;
    u64::from_str_radix(text, radix).ok()
}

impl Head {
    fn field(&mut self, line: &[u8]) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default().trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths += 1;
            self.length = number(value, 10);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.lengths += 1;
            self.is_chunked |= value.to_ascii_lowercase().ends_with(b"chunked");
        }
    }
}

/// A stream whose heads are looked at while they are read.
pub struct Looked<S> {
    stream: S,
    heads: Heads,
}

impl<S> Looked<S> {
    /// Keeps the heads that come through `stream` in `heads`.
    pub fn new(stream: S, heads: Heads) -> Self {
        Self { stream, heads }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Looked<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.heads.follower().read(&buffer.filled()[before..]);
        read
    }
}

forward_writes!(Looked);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    /// Which of the heads in `sent` can be read in two ways, however the bytes are cut.
    async fn judged(sent: &str, many: usize) -> Vec<bool> {
        let mut all = Vec::new();
        for size in [1, 7, sent.len()] {
            let heads = Heads::default();
            let mut stream = Looked::new(sent.as_bytes(), heads.clone());
            let mut bytes = vec![0; size];
            while stream.read(&mut bytes).await.expect("read") > 0 {}
            all.push((0..many).map(|_| heads.take().is_some()).collect::<Vec<_>>());
        }
        assert!(all.iter().all(|one| *one == all[0]), "{sent:?}: {all:?}");
        all.remove(0)
    }

    #[tokio::test]
    async fn only_a_head_counts_and_never_what_a_body_holds() {
        let both = "PUT /x HTTP/1.1\r\ncontent-LENGTH: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(judged(both, 1).await, [true]);
        let inside = format!("PUT /x HTTP/1.1\r\nContent-Length: {}\r\n\r\n{both}", both.len());
        assert_eq!(judged(&inside, 1).await, [false]);
        let chunked = format!(
            "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x};a=b\r\n{both}\r\n0\r\nX-Sum: 1\r\n\r\n",
            both.len()
        );
        assert_eq!(judged(&chunked, 1).await, [false]);
        // Another request waits behind each of them.
        assert_eq!(
            judged(&format!("{inside}\r\n{chunked}GET / HTTP/1.1\nHost: a\n\n{both}"), 4).await,
            [false, false, false, true]
        );
    }

    #[tokio::test]
    async fn a_length_comes_once_and_what_cannot_be_followed_is_not_trusted() {
        assert_eq!(judged("PUT /x HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 1).await, [true]);
        assert_eq!(judged("PUT /x HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", 1).await, [true]);
        let no_size = "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
        assert_eq!(judged(&format!("{no_size}GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 2).await, [false, true]);
        assert_eq!(judged("", 1).await, [true], "no head was read");
    }
}
