//! A file that a Parquet reader goes to and fro in.

use super::RemoteRanges;
use parquet::file::reader::{ChunkReader, Length};
use std::io::Read;

/// A file that can be read at any offset.
pub(in crate::delta) enum RandomAccess {
    /// On a local disk, with its size.
    File(std::fs::File, u64),
    /// A small object, read whole.
    Bytes(bytes::Bytes),
    /// A larger object, of which pieces are read.
    Ranges(RemoteRanges),
}

impl RandomAccess {
    pub fn size(&self) -> u64 {
        match self {
            Self::File(_, size) => *size,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Ranges(ranges) => ranges.size(),
        }
    }
}

impl Length for RandomAccess {
    fn len(&self) -> u64 {
        self.size()
    }
}

impl ChunkReader for RandomAccess {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(match self {
            Self::File(file, _) => Box::new(file.get_read(start)?),
            Self::Bytes(bytes) => Box::new(bytes.get_read(start)?),
            Self::Ranges(ranges) => Box::new(ranges.get_read(start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<bytes::Bytes> {
        match self {
            Self::File(file, _) => file.get_bytes(start, length),
            Self::Bytes(bytes) => bytes.get_bytes(start, length),
            Self::Ranges(ranges) => ranges.get_bytes(start, length),
        }
    }
}
