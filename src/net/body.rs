//! Reading a request's body within limits of size and time, and all bodies of a listener within one of memory.

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a longer body that are still taken and thrown away: most clients read no answer before they have sent all.
const MOST_DRAINED: usize = 32 << 20;
/// Room is counted in pieces of this many bytes.
const PIECE: usize = 4096;

/// What one body may be.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bytes at most.
    pub bytes: usize,
    /// How long it may take to arrive.
    pub time: Duration,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// It is longer than it may be.
    TooLong,
    /// It did not arrive in time.
    TooSlow,
    /// The connection broke off, or its framing is wrong.
    Broken,
    /// So many bodies are arriving that memory for this one is spent.
    NoRoom,
}

/// The memory that all bodies of a listener that are being read may take together.
#[derive(Debug, Clone)]
pub struct BodyRoom(Arc<Semaphore>);

impl BodyRoom {
    /// Room for `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.div_ceil(PIECE))))
    }

    /// Reads a body whole. The room is free again when this returns.
    pub async fn read(&self, headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Vec<u8>, BodyFault> {
        let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let reading = async {
            if announced.is_some_and(|length| length > limits.bytes as u64) {
                drain(body.into_data_stream()).await;
                return Err(BodyFault::TooLong);
            }
            self.take(body.into_data_stream(), limits.bytes).await
        };
        tokio::time::timeout(limits.time, reading).await.unwrap_or(Err(match announced {
            Some(length) if length > limits.bytes as u64 => BodyFault::TooLong,
            _ => BodyFault::TooSlow,
        }))
    }

    async fn take(&self, mut stream: BodyDataStream, most: usize) -> Result<Vec<u8>, BodyFault> {
        let mut bytes = Vec::new();
        let mut room: Vec<OwnedSemaphorePermit> = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| BodyFault::Broken)?;
            if bytes.len() + chunk.len() > most {
                drop((bytes, room));
                drain(stream).await;
                return Err(BodyFault::TooLong);
            }
            let missing =
                (bytes.len() + chunk.len()).div_ceil(PIECE) - room.iter().map(|r| r.num_permits()).sum::<usize>();
            if missing > 0 {
                let missing = u32::try_from(missing).map_err(|_| BodyFault::NoRoom)?;
                let more = self.0.clone().try_acquire_many_owned(missing).map_err(|_| BodyFault::NoRoom)?;
                match room.first_mut() {
                    Some(first) => first.merge(more),
                    None => room.push(more),
                }
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

async fn drain(mut stream: BodyDataStream) {
    let mut taken = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        taken += chunk.len();
        if taken > MOST_DRAINED {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use futures::stream;

    const LIMITS: BodyLimits = BodyLimits { bytes: 10_000, time: Duration::from_secs(5) };

    fn of(chunks: &[usize]) -> Body {
        let chunks: Vec<_> = chunks.iter().map(|&n| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; n]))).collect();
        Body::from_stream(stream::iter(chunks))
    }

    fn never_ends() -> Body {
        Body::from_stream(
            stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"x")) }).chain(stream::pending()),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_read_within_its_limits() {
        let (room, none) = (BodyRoom::new(1 << 20), HeaderMap::new());
        let read = |body| room.read(&none, body, LIMITS);
        assert_eq!(read(of(&[4000, 0, 6000])).await.map(|b| b.len()), Ok(10_000));
        assert_eq!(read(of(&[4000, 6001])).await, Err(BodyFault::TooLong));
        assert_eq!(read(never_ends()).await, Err(BodyFault::TooSlow));
        let broken = stream::iter([Ok(Bytes::from_static(b"x")), Err(std::io::Error::other("reset"))]);
        assert_eq!(read(Body::from_stream(broken)).await, Err(BodyFault::Broken));
        let mut announced = HeaderMap::new();
        announced.insert(header::CONTENT_LENGTH, 10_001.into());
        assert_eq!(room.read(&announced, never_ends(), LIMITS).await, Err(BodyFault::TooLong));
    }

    #[tokio::test(start_paused = true)]
    async fn all_bodies_together_take_no_more_than_their_room() {
        let (room, none) = (BodyRoom::new(12_288), HeaderMap::new());
        let half_sent = |n: usize| {
            let first = stream::once(async move { Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; n])) });
            Body::from_stream(first.chain(stream::pending()))
        };
        let held = tokio::spawn({
            let (room, none) = (room.clone(), none.clone());
            async move { room.read(&none, half_sent(8000), LIMITS).await }
        });
        tokio::task::yield_now().await;
        assert_eq!(room.read(&none, of(&[8000]), LIMITS).await, Err(BodyFault::NoRoom));
        assert_eq!(room.read(&none, of(&[4000]), LIMITS).await.map(|b| b.len()), Ok(4000));
        assert_eq!(held.await.expect("it ends"), Err(BodyFault::TooSlow));
        assert!(room.read(&none, of(&[8000]), LIMITS).await.is_ok(), "the room is free again");
    }
}
