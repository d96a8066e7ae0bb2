//! A table's folder as blocking calls, the same for a local disk and an object store.
//!
//! Everything that reads or writes a table runs on blocking threads: on a local disk because that is the fastest way,
//! on an object store because a thread a transfer is cheap beside the transfer.

mod local;
mod regular;
mod remote;
mod uncached;

pub(super) use local::{LocalPlace, is_staged_name, stat_file, storage_error, storage_failure, sync_batch};

pub use regular::{open_regular, read_regular};

#[cfg(test)]
pub(super) use local::staged_name;

use self::remote::RemotePlace;
pub(super) use self::remote::RemoteRanges;
use super::position::FileFingerprint;
use super::{DeltaError, TableFault, TableRoot};
use parquet::file::reader::{ChunkReader, Length};
use std::io::Read;
use std::sync::Arc;

/// A small file read whole.
pub(super) struct Content {
    pub bytes: Vec<u8>,
    pub stamp: FileFingerprint,
}

/// A file that is read from its beginning.
pub(super) struct Opened {
    pub reader: Box<dyn Read + Send>,
    pub stamp: FileFingerprint,
}

/// A file's name in a listing.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub name: String,
    /// Where the listing tells it for free.
    pub stamp: Option<FileFingerprint>,
}

/// A file that can be read at any offset.
pub(super) enum RandomAccess {
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

/// How a staged file comes into place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Only where nothing is.
    Create,
    /// Over whatever is there.
    Replace,
}

/// What came of a [`Mode::Create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Done,
    /// Something is there already. It may be our own: a lost answer.
    Exists,
}

/// A file that is being written. It becomes visible when published, whole; dropped before, it leaves nothing behind.
pub(super) trait Sink: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DeltaError>;
    /// The time that the storage gave the file when it was written last, in milliseconds, where that can be asked.
    fn written_ms(&self) -> Option<i64> {
        None
    }
    /// Ends the writing. `modified_ns` becomes the file's modification time where the storage can keep one.
    fn finish(self: Box<Self>, modified_ns: i64) -> Result<Box<dyn Staged>, DeltaError>;
}

/// A file that is written and not visible yet.
pub(super) trait Staged: Send {
    /// Where it lies on a local disk, to be synced before it is published.
    fn local_path(&self) -> Option<&std::path::Path>;
    fn publish(self: Box<Self>, mode: Mode) -> Result<Put, DeltaError>;
}

/// A table's folder. Paths are relative to it, separated by slashes, and decoded.
pub(super) trait Place: Send + Sync {
    /// The file or folder as a person would look for it.
    fn display(&self, rel: &str) -> String;
    /// Files directly in the folder `dir`, in no order; none where there is no folder. Names below `from` may be left
    /// out, where that spares calls.
    fn list(&self, dir: &str, from: Option<&str>) -> Result<Vec<Listed>, DeltaError>;
    /// Paths of all files below the folder `dir`.
    fn list_all(&self, dir: &str) -> Result<Vec<String>, DeltaError>;
    fn stat(&self, rel: &str) -> Result<Option<FileFingerprint>, DeltaError>;
    /// Reads a file whole; an error where it has more than `most` bytes, before they are read.
    fn read(&self, rel: &str, most: u64) -> Result<Option<Content>, DeltaError>;
    fn open(&self, rel: &str) -> Result<Option<Opened>, DeltaError>;
    fn open_random(&self, rel: &str) -> Result<Option<RandomAccess>, DeltaError>;
    /// Begins to write a file of about `size` bytes.
    fn create(&self, rel: &str, size: u64) -> Result<Box<dyn Sink>, DeltaError>;
    /// Removes a file; one that is not there is no error.
    fn remove(&self, rel: &str) -> Result<(), DeltaError>;
    /// The local folder, where it is one.
    fn local(&self) -> Option<&LocalPlace>;
    /// The place in an object store, where it is one.
    fn remote(&self) -> Option<&RemotePlace> {
        None
    }
    /// Lets the store copy `rel` from `source` over whatever is here, so that its bytes need not pass through this
    /// machine; false where it can't, and then nothing may be claimed of what is here.
    fn copy_within(&self, _source: &dyn Place, _rel: &str) -> Result<bool, DeltaError> {
        Ok(false)
    }
    /// Makes what was published under these paths survive a loss of power.
    fn sync(&self, paths: &[String]) -> Result<(), DeltaError>;

    /// Writes a small file whole.
    fn put(&self, rel: &str, bytes: &[u8], modified_ns: i64, mode: Mode) -> Result<Put, DeltaError> {
        let mut sink = self.create(rel, bytes.len() as u64)?;
        sink.write(bytes)?;
        sink.finish(modified_ns)?.publish(mode)
    }
}

/// Opens a table's root. Must be called where a tokio runtime is.
pub(super) fn open(root: &TableRoot) -> Arc<dyn Place> {
    match root {
        #[cfg(test)]
        TableRoot::Local(path) => super::tests::dying::open(path.clone()),
        #[cfg(not(test))]
        TableRoot::Local(path) => Arc::new(LocalPlace::new(path.clone())),
        TableRoot::Remote { store, prefix, uri, home } => Arc::new(remote::RemotePlace::new(
            store.clone(),
            prefix.clone(),
            uri.clone(),
            home.clone(),
            tokio::runtime::Handle::current(),
        )),
    }
}

/// Runs blocking work on a table off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    table: &TableRoot,
    work: impl FnOnce() -> Result<T, DeltaError> + Send + 'static,
) -> Result<T, TableFault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(TableFault::from),
        Err(error) => Err(DeltaError::Interrupted { table: table.display(), detail: error.to_string() }.into()),
    }
}
