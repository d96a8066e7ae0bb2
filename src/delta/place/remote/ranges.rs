//! Pieces of a large object, for a reader that goes to and fro in it.

use super::fault::told;
use bytes::Bytes;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore};
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;

/// Objects up to this size are read whole: one call costs less than many.
pub(super) const WHOLE: u64 = 32 << 20;
/// Bytes of a piece.
const PIECE: u64 = 4 << 20;
/// Pieces that are kept: as many columns are read side by side.
const KEPT: usize = 16;

/// One object, of which pieces are read and the last ones kept.
#[derive(Clone)]
pub(in crate::delta) struct RemoteRanges {
    store: Arc<dyn ObjectStore>,
    /// What is read is never of two versions of it.
    meta: ObjectMeta,
    handle: Handle,
    kept: Arc<Mutex<VecDeque<(u64, Bytes)>>>,
}

impl RemoteRanges {
    pub fn new(store: Arc<dyn ObjectStore>, meta: ObjectMeta, handle: Handle) -> Self {
        Self { store, meta, handle, kept: Arc::default() }
    }

    pub fn size(&self) -> u64 {
        self.meta.size
    }

    fn get(&self, start: u64, end: u64) -> io::Result<Bytes> {
        let range = Some(GetRange::Bounded(start..end));
        let options = GetOptions { range, if_match: self.meta.e_tag.clone(), ..GetOptions::default() };
        let asked = async { self.store.get_opts(&self.meta.location, options).await?.bytes().await };
        let bytes = self.handle.block_on(asked).map_err(|error| io::Error::other(told(&error)))?;
        if bytes.len() as u64 == end - start {
            Ok(bytes)
        } else {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the store answered with another length"))
        }
    }

    /// The piece that holds the byte at `at`, from there on; nothing at the end.
    fn piece(&self, at: u64) -> io::Result<Bytes> {
        if at >= self.size() {
            return Ok(Bytes::new());
        }
        let begins = at / PIECE * PIECE;
        let skip = usize::try_from(at - begins).unwrap_or(0);
        let find =
            |kept: &VecDeque<(u64, Bytes)>| kept.iter().find(|(from, _)| *from == begins).map(|(_, b)| b.clone());
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = find(&kept()) {
            return Ok(bytes.slice(skip..));
        }
        let bytes = self.get(begins, (begins + PIECE).min(self.size()))?;
        let mut kept = kept();
        kept.push_back((begins, bytes.clone()));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Ok(bytes.slice(skip..))
    }
}

impl Length for RemoteRanges {
    fn len(&self) -> u64 {
        self.size()
    }
}

impl ChunkReader for RemoteRanges {
    type T = RangeReader;

    fn get_read(&self, start: u64) -> Result<RangeReader> {
        Ok(RangeReader { ranges: self.clone(), at: start, rest: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.size());
        let end = end.ok_or_else(|| ParquetError::EOF(format!("it ends before byte {start} + {length}")))?;
        let first = self.piece(start)?;
        if first.len() >= length {
            return Ok(first.slice(..length));
        }
        Ok(self.get(start, end)?)
    }
}

/// Reads on from one place.
pub(in crate::delta) struct RangeReader {
    ranges: RemoteRanges,
    at: u64,
    rest: Bytes,
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.ranges.piece(self.at)?;
        }
        let count = self.rest.len().min(buffer.len());
        let chunk = self.rest.split_to(count);
        buffer.iter_mut().zip(chunk.iter()).for_each(|(to, from)| *to = *from);
        self.at += count as u64;
        Ok(count)
    }
}
