//! Looking at the heads of requests as they were sent.
//!
//! A head with both `Content-Length` and `Transfer-Encoding` arrives in a service with one of them only, so refusing it
//! takes a look at the bytes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};

/// Bytes that are kept of what may be a head.
const MOST_BYTES: usize = 64 << 10;

/// What was read since the last request's end.
#[derive(Debug, Clone, Default)]
pub struct Heads(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// Set while a body is read.
    paused: bool,
    bytes: Vec<u8>,
}

/// Marks a request whose head gave its length in two ways, among its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoLengths;

impl Heads {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes the head that was just read; whether it gave two lengths. `has_body` says whether a body follows.
    pub fn take(&self, method: &str, has_body: bool) -> Option<TwoLengths> {
        let mut kept = self.kept();
        kept.paused = has_body;
        let found = gives_two_lengths(&kept.bytes, method);
        kept.bytes.clear();
        found.then_some(TwoLengths)
    }

    /// The body has ended: what is read next is a head.
    pub fn go_on(&self) {
        self.kept().paused = false;
    }
}

/// Requests that were sent without waiting for an answer may lie one behind the other; only a whole head is judged.
fn gives_two_lengths(bytes: &[u8], method: &str) -> bool {
    if !bytes.starts_with(method.as_bytes()) {
        return false;
    }
    let names = bytes.split(|byte| *byte == b'\n').skip(1).map(<[u8]>::trim_ascii).take_while(|line| !line.is_empty());
    let (mut length, mut encoding) = (false, false);
    for name in names.filter_map(|line| line.split(|byte| *byte == b':').next()) {
        length |= name.eq_ignore_ascii_case(b"content-length");
        encoding |= name.eq_ignore_ascii_case(b"transfer-encoding");
    }
    length && encoding
}

/// A stream that keeps what is read from it as far as it may be a head.
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
        let mut kept = self.heads.kept();
        if !kept.paused {
            let room = MOST_BYTES.saturating_sub(kept.bytes.len());
            kept.bytes.extend(buffer.filled().iter().skip(before).take(room));
        }
        drop(kept);
        read
    }
}

forward_writes!(Looked);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn only_a_head_counts_and_never_what_a_body_holds() {
        let both = "PUT /x HTTP/1.1\r\ncontent-LENGTH: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        let one = "PUT /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nTransfer-Encoding: chunked\r\n";
        for (sent, two) in [(both, true), (one, false)] {
            let heads = Heads::default();
            Looked::new(sent.as_bytes(), heads.clone()).read_to_end(&mut Vec::new()).await.expect("read");
            assert_eq!(heads.take("PUT", true).is_some(), two, "{sent}");
            // A body passes unseen, and the next head is looked at again.
            Looked::new(both.as_bytes(), heads.clone()).read_to_end(&mut Vec::new()).await.expect("read");
            assert_eq!(heads.take("PUT", true), None);
            heads.go_on();
            Looked::new(both.as_bytes(), heads.clone()).read_to_end(&mut Vec::new()).await.expect("read");
            assert_eq!(heads.take("PUT", false), Some(TwoLengths));
        }
    }
}
