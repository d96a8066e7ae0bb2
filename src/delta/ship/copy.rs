//! Copies one file and computes its sha256 on the way.

use super::{FileRecord, Transfer};
use crate::delta::DeltaError;
use crate::delta::log::hex;
use crate::delta::place::{Mode, Opened, Place, Staged};
use crate::domain::ErrorClass;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::io::{self, ErrorKind, Read};
use std::sync::atomic::Ordering;

/// Bytes moved at a time: few enough to stay in the processor's cache between reading, hashing and writing.
const CHUNK: usize = 256 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// A file that was copied and is not visible yet.
pub(in crate::delta) struct Copied {
    pub staged: Box<dyn Staged>,
    pub size: u64,
    pub sha256: String,
}

/// What came of an attempt to copy.
pub(in crate::delta) enum Outcome {
    Copied(Copied),
    /// The source does not hold the file.
    Absent,
}

fn read_failed(place: &dyn Place, rel: &str, error: &io::Error) -> DeltaError {
    let class = if error.kind() == ErrorKind::PermissionDenied {
        ErrorClass::PermissionDenied
    } else {
        ErrorClass::StorageFailure
    };
    DeltaError::Storage { action: "read", path: place.display(rel), detail: error.to_string(), class }
}

/// Copies `rel` to a file that is not visible yet.
pub(in crate::delta) fn copy(
    source: &dyn Place,
    target: &dyn Place,
    rel: &str,
    transfer: &Transfer,
) -> Result<Outcome, DeltaError> {
    let Some(Opened { reader: mut input, stamp }) = source.open(rel)? else { return Ok(Outcome::Absent) };
    let mut sink = target.create(rel, stamp.size)?;
    let mut hash = Sha256::new();
    let mut size = 0;
    BUFFER.with_borrow_mut(|buffer| -> Result<(), DeltaError> {
        loop {
            if transfer.stop.load(Ordering::Relaxed) {
                return Err(DeltaError::Stopped { table: target.display("") });
            }
            let chunk = fill(&mut input, buffer).map_err(|error| read_failed(source, rel, &error))?;
            if chunk.is_empty() {
                return Ok(());
            }
            hash.update(chunk);
            sink.write(chunk)?;
            size += chunk.len() as u64;
            transfer.copied_bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
    })?;
    Ok(Outcome::Copied(Copied { staged: sink.finish(stamp.modified_ns)?, size, sha256: hex(&hash.finalize()) }))
}

/// Copies `rel` and puts it in place, unless the same bytes are there already; None where the source has none.
pub(in crate::delta) fn bring(
    source: &dyn Place,
    target: &dyn Place,
    rel: &str,
) -> Result<Option<FileRecord>, DeltaError> {
    let Some(stamp) = source.stat(rel)? else { return Ok(None) };
    let record = |(size, sha256)| FileRecord { path: rel.to_owned(), size, sha256 };
    if target.stat(rel)?.is_some_and(|there| there.size == stamp.size) {
        let ours = hash_file(source, rel)?;
        if ours.is_some() && ours == hash_file(target, rel)? {
            return Ok(ours.map(record));
        }
    }
    match copy(source, target, rel, &Transfer::default())? {
        Outcome::Absent => Ok(None),
        Outcome::Copied(copied) => {
            copied.staged.publish(Mode::Replace)?;
            Ok(Some(record((copied.size, copied.sha256))))
        }
    }
}

/// Reads until the buffer is full or the file ends; returns what was read, nothing at the end.
fn fill<'a>(input: &mut dyn Read, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}

/// The size and sha256 of a file; None where there is none.
pub(in crate::delta) fn hash_file(place: &dyn Place, rel: &str) -> Result<Option<(u64, String)>, DeltaError> {
    let Some(Opened { reader: mut input, .. }) = place.open(rel)? else { return Ok(None) };
    let mut hash = Sha256::new();
    let mut size = 0;
    BUFFER.with_borrow_mut(|buffer| -> Result<(), DeltaError> {
        loop {
            let chunk = fill(&mut input, buffer).map_err(|error| read_failed(place, rel, &error))?;
            if chunk.is_empty() {
                return Ok(());
            }
            hash.update(chunk);
            size += chunk.len() as u64;
        }
    })?;
    Ok(Some((size, hex(&hash.finalize()))))
}
