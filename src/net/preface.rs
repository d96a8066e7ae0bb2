//! Telling HTTP/2 from HTTP/1.1 by the first bytes of a connection that says so in no other way.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// How every HTTP/2 connection begins; no request of HTTP/1.1 does.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// A stream whose first bytes were looked at and are read again.
pub struct Preface<S> {
    stream: S,
    seen: [u8; PREFACE.len()],
    length: usize,
    given: usize,
}

impl<S: AsyncRead + Unpin> Preface<S> {
    /// Reads as much as it takes to tell; true where the client speaks HTTP/2.
    pub async fn tell(&mut self) -> io::Result<bool> {
        while self.length < PREFACE.len() && PREFACE.starts_with(&self.seen[..self.length]) {
            match self.stream.read(&mut self.seen[self.length..]).await? {
                0 => break,
                more => self.length += more,
            }
        }
        Ok(self.seen == PREFACE)
    }
}

impl<S> Preface<S> {
    /// A stream of which nothing was read yet.
    pub fn new(stream: S) -> Self {
        Self { stream, seen: [0; PREFACE.len()], length: 0, given: 0 }
    }

    /// Whether the stream ended before its first byte.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The stream itself, once its first bytes were read again.
    pub fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Preface<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.given < self.length {
            let end = self.length.min(self.given + buffer.remaining());
            buffer.put_slice(&self.seen[self.given..end]);
            self.given = end;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

forward_writes!(Preface);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn the_protocol_is_told_by_the_first_bytes_and_they_are_read_again() {
        for (sent, http2) in [
            (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], true),
            (b"GET / HTTP/1.1\r\n", false),
            (b"PRI", false),
            (b"PUT / HTTP/1.1\r\n\r\n", false),
            (b"", false),
        ] {
            let (mut ours, theirs) = tokio::io::duplex(64);
            for byte in sent {
                ours.write_all(&[*byte]).await.expect("sent");
            }
            drop(ours);
            let mut stream = Preface::new(theirs);
            let is_http2 = stream.tell().await.expect("read");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).await.expect("read");
            assert_eq!((is_http2, all.as_slice()), (http2, sent));
        }
    }
}
