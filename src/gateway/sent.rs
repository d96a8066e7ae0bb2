//! The bodies of requests, on their way to a region.

use crate::net::Arriving;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

/// What became of a client's body.
#[derive(Debug, Default)]
pub struct Fate {
    ended: AtomicBool,
    broken: AtomicBool,
}

impl Fate {
    /// Whether all of it was handed on.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whether the client broke off, or framed it wrongly.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }
}

/// A client's body on its way to a region. It is read no faster than the region takes it.
#[derive(Debug)]
pub struct Sent {
    /// None where the request has no body.
    body: Option<Arriving>,
    fate: Arc<Fate>,
}

impl Sent {
    /// A body, and where to see what became of it.
    pub fn new(body: Option<Arriving>) -> (Self, Arc<Fate>) {
        let fate = Arc::new(Fate::default());
        fate.ended.store(body.is_none(), Ordering::Release);
        (Self { body, fate: fate.clone() }, fate)
    }

    /// The body of a request that was never sent, to be sent elsewhere.
    pub fn take(self) -> Option<Arriving> {
        self.body
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let frame = Pin::new(&mut *body).poll_frame(cx);
        match &frame {
            Poll::Ready(Some(Err(_))) => this.fate.broken.store(true, Ordering::Release),
            Poll::Ready(None) => this.fate.ended.store(true, Ordering::Release),
            Poll::Ready(Some(Ok(_))) if body.is_end_stream() => this.fate.ended.store(true, Ordering::Release),
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Arriving::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Arriving::size_hint)
    }
}
