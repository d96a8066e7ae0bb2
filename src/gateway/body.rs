//! The bodies of answers, on their way back to the client.

use super::sent::Fate;
use super::upstream::Lease;
use crate::net::Pass;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The side that it comes from broke off.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
    /// The URL leads to another region now.
    #[error("the stable URL now points to another region")]
    Switched,
}

/// An answer's body.
pub enum Reply {
    /// The gateway's own.
    Whole(Option<Bytes>),
    /// A region's, as it comes.
    Relayed(Box<Relayed>),
}

impl Reply {
    /// An answer of the gateway's own.
    pub fn whole(text: String) -> Self {
        Self::Whole(Some(text.into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }
}

/// Ready when a request has to end.
pub type Ended = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A region's answer on its way to the client. Its request counts as running until this is dropped.
pub struct Relayed {
    body: Incoming,
    pass: Pass,
    /// The connection, to be used again after the answer's end.
    lease: Option<Lease>,
    request: Arc<Fate>,
    cut: Ended,
    /// Whether it may end anywhere, as a stream of events may.
    may_end: bool,
    done: bool,
}

impl Relayed {
    /// Relays `body` while the request's gate allows it, and gives the connection back at its end.
    pub fn new(body: Incoming, pass: Pass, lease: Lease, request: Arc<Fate>, cut: Ended, may_end: bool) -> Self {
        let mut relayed = Self { body, pass, lease: Some(lease), request, cut, may_end, done: false };
        if relayed.body.is_end_stream() {
            relayed.finish();
        }
        relayed
    }

    fn finish(&mut self) {
        self.done = true;
        if let Some(lease) = self.lease.take().filter(|_| self.request.has_ended()) {
            lease.give_back();
        }
    }
}

impl Body for Relayed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        if self.cut.as_mut().poll(cx).is_ready() {
            self.done = true;
            self.lease = None;
            if self.may_end {
                return Poll::Ready(None);
            }
            self.pass.gate().traffic().failed();
            return Poll::Ready(Some(Err(BodyError::Switched)));
        }
        let this = &mut *self;
        let frame = match &mut this.lease {
            Some(lease) => lease.poll_with(cx, |cx| Pin::new(&mut this.body).poll_frame(cx)),
            None => Pin::new(&mut this.body).poll_frame(cx),
        };
        match &frame {
            Poll::Ready(None) => self.finish(),
            Poll::Ready(Some(Ok(_))) if self.body.is_end_stream() => self.finish(),
            Poll::Ready(Some(Err(_))) => {
                self.done = true;
                self.pass.gate().traffic().failed();
            }
            _ => {}
        }
        frame.map(|frame| frame.map(|frame| frame.map_err(BodyError::Broken)))
    }

    fn is_end_stream(&self) -> bool {
        self.done || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relayed(body) => Pin::new(body.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Relayed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Relayed(body) => body.size_hint(),
        }
    }
}
