//! Connections between two requests: a client that says nothing for a while costs its socket, and none of HTTP's buffers.
//!
//! A connection of HTTP borrows its stream. Once no request is open on it, no byte of one was read and all answers are written, its
//! owner may drop it, take the stream back, and begin another one when the client says something.

use super::heads::Heads;
use hyper::body::{Body, Frame, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long nothing may happen before the stream is taken back: little at first, because most clients that connect ask once and wait, and
/// longer on a connection that is used.
const QUIET: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

/// A stream that is lent to a connection of HTTP.
pub struct Lent<S>(Arc<Mutex<State<S>>>);

struct State<S> {
    stream: Option<S>,
    /// Reads and writes so far.
    steps: u64,
    /// Whether something was written and not flushed since.
    unflushed: bool,
}

/// The owner's end of a stream that is lent.
pub struct Owner<S> {
    lent: Arc<Mutex<State<S>>>,
    heads: Heads,
    open: Open,
}

/// Requests of a connection that are not answered to their end.
#[derive(Debug, Clone, Default)]
pub struct Open(Arc<AtomicUsize>);

/// A request that is open until this is dropped.
#[derive(Debug)]
pub struct OpenRequest(Open);

fn lock<S>(state: &Mutex<State<S>>) -> MutexGuard<'_, State<S>> {
    state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Lends a stream whose heads are followed by `heads` and whose requests count as `open`.
pub fn lend<S>(stream: S, heads: Heads, open: Open) -> (Lent<S>, Owner<S>) {
    let state = Arc::new(Mutex::new(State { stream: Some(stream), steps: 0, unflushed: false }));
    (Lent(state.clone()), Owner { lent: state, heads, open })
}

impl Open {
    /// Counts a request as open.
    pub fn begin(&self) -> OpenRequest {
        self.0.fetch_add(1, Ordering::AcqRel);
        OpenRequest(self.clone())
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<S> Owner<S> {
    /// Returns when the connection has been between two requests for a while. Then it may be dropped, as long as it was not
    /// polled since.
    pub async fn is_quiet(&self) {
        let [mut pause, longest] = QUIET;
        let mut before = None;
        loop {
            let (steps, unflushed) = {
                let state = lock(&self.lent);
                (state.steps, state.unflushed)
            };
            let is_between = !unflushed && self.open.0.load(Ordering::Acquire) == 0 && self.heads.is_between();
            if is_between && before == Some(steps) {
                return;
            }
            before = Some(steps);
            tokio::time::sleep(pause).await;
            pause = longest.min(2 * pause);
        }
    }

    /// Takes the stream back.
    pub fn take(self) -> Option<S> {
        lock(&self.lent).stream.take()
    }
}

fn gone() -> Poll<io::Result<usize>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        let Some(stream) = &mut state.stream else { return gone().map_ok(drop) };
        let read = Pin::new(stream).poll_read(cx, buffer);
        state.steps += u64::from(read.is_ready());
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0);
        state.unflushed = true;
        state.steps += 1;
        let Some(stream) = &mut state.stream else { return gone() };
        Pin::new(stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0);
        state.unflushed = true;
        state.steps += 1;
        let Some(stream) = &mut state.stream else { return gone() };
        Pin::new(stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        lock(&self.0).stream.as_ref().is_some_and(S::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        let Some(stream) = &mut state.stream else { return gone().map_ok(drop) };
        let flushed = Pin::new(stream).poll_flush(cx);
        state.unflushed &= !matches!(flushed, Poll::Ready(Ok(())));
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut lock(&self.0).stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => gone().map_ok(drop),
        }
    }
}

/// An answer's body; its request is open until this is dropped.
pub struct Answering<B> {
    body: Pin<Box<B>>,
    _open: OpenRequest,
}

impl<B> Answering<B> {
    /// The body of the answer to a request.
    pub fn new(body: B, open: OpenRequest) -> Self {
        Self { body: Box::pin(body), _open: open }
    }
}

impl<B: Body> Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.body.as_mut().poll_frame(cx)
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn quiet<S>(owner: &Owner<S>) -> bool {
        tokio::time::timeout(10 * QUIET[1], owner.is_quiet()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_taken_back_only_between_two_requests() {
        let (mut client, server) = tokio::io::duplex(64);
        let (heads, open) = (Heads::default(), Open::default());
        let (lent, owner) = lend(server, heads.clone(), open.clone());
        let mut lent = super::super::heads::Looked::new(lent, heads.clone());
        assert!(quiet(&owner).await, "nothing was sent yet");

        client.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("sent");
        lent.read_exact(&mut [0; 18]).await.expect("read");
        assert!(!quiet(&owner).await, "half of a head was read");
        client.write_all(b"st: a\r\n\r\n").await.expect("sent");
        lent.read_exact(&mut [0; 9]).await.expect("read");
        assert!(!quiet(&owner).await, "a request was read and is not served");
        let request = open.begin();
        assert!(heads.take().is_none());
        assert!(!quiet(&owner).await, "it is not answered");
        lent.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("sent");
        drop(request);
        assert!(!quiet(&owner).await, "its answer may not be written whole");
        lent.flush().await.expect("flushed");
        assert!(quiet(&owner).await);

        drop(lent);
        let mut back = owner.take().expect("it is there");
        client.write_all(b"next").await.expect("sent");
        let mut bytes = [0; 4];
        back.read_exact(&mut bytes).await.expect("read");
        assert_eq!(&bytes, b"next");
    }
}
