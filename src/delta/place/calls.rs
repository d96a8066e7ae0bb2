//! What can be done with a table's folder, wherever it lies.

use super::{LocalPlace, RandomAccess};
use crate::delta::{DeltaError, FileFingerprint};
use object_store::path::Path;
use std::io::Read;

/// A small file read whole.
pub(in crate::delta) struct Content {
    pub bytes: Vec<u8>,
    pub stamp: FileFingerprint,
}

/// A file that is read from its beginning.
pub(in crate::delta) struct Opened {
    pub reader: Box<dyn Read + Send>,
    pub stamp: FileFingerprint,
}

/// A file's name in a listing.
#[derive(Debug, Clone)]
pub(in crate::delta) struct Listed {
    pub name: String,
    /// Where the listing tells it for free.
    pub stamp: Option<FileFingerprint>,
}

/// Where an object lies, for a store that copies objects by itself.
pub(in crate::delta) struct StoredObject {
    /// The store: only objects with the same one can be copied.
    pub home: String,
    pub key: Path,
}

/// How a staged file comes into place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::delta) enum Mode {
    /// Only where nothing is.
    Create,
    /// Over whatever is there.
    Replace,
}

/// What came of a [`Mode::Create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::delta) enum Put {
    Done,
    /// Something is there already. It may be our own: a lost answer.
    Exists,
}

/// A file that is being written. It becomes visible when published, whole; dropped before, it leaves nothing behind.
pub(in crate::delta) trait Sink: Send {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DeltaError>;
    /// The time that the storage gave the file when it was written last, in milliseconds, where that can be asked.
    fn written_ms(&self) -> Option<i64> {
        None
    }
    /// Ends the writing. `modified_ns` becomes the file's modification time where the storage can keep one.
    fn finish(self: Box<Self>, modified_ns: i64) -> Result<Box<dyn Staged>, DeltaError>;
}

/// A file that is written and not visible yet.
pub(in crate::delta) trait Staged: Send {
    /// Where it lies on a local disk, to be synced before it is published.
    fn local_path(&self) -> Option<&std::path::Path>;
    fn publish(self: Box<Self>, mode: Mode) -> Result<Put, DeltaError>;
}

/// A table's folder. Paths are relative to it, separated by slashes, and decoded.
pub(in crate::delta) trait Place: Send + Sync {
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
    /// Where the object `rel` lies, where it is one in a store that can copy.
    fn stored(&self, _rel: &str) -> Option<StoredObject> {
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
