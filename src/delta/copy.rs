//! Copies one file and computes its sha256 on the way.

use super::place::{Mode, Opened, Place, Staged, storage_failure};
use super::{DeltaError, FileFingerprint, FileRecord, Transfer};
use crate::domain::hex;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::io::{self, ErrorKind, Read};

/// Bytes moved at a time: enough for a disk to be busy with one piece, few enough to stay in the processor's cache
/// between reading, hashing and writing.
const CHUNK: usize = 1 << 20;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// A file that was copied and is not visible yet.
pub(super) struct Copied {
    pub staged: Box<dyn Staged>,
    pub size: u64,
    pub sha256: String,
    /// The source's, from before it was read.
    pub stamp: FileFingerprint,
}

/// What came of an attempt to copy.
pub(super) enum Outcome {
    Copied(Copied),
    /// The source does not hold the file.
    Absent,
}

/// Copies `rel` to a file that is not visible yet.
pub(super) fn copy(
    source: &dyn Place,
    target: &dyn Place,
    rel: &str,
    transfer: &Transfer,
) -> Result<Outcome, DeltaError> {
    copy_as(source, target, (rel, rel), transfer)
}

/// Copies the file `from` to one that is to be named `to` and is not visible yet.
pub(super) fn copy_as(
    source: &dyn Place,
    target: &dyn Place,
    (from, to): (&str, &str),
    transfer: &Transfer,
) -> Result<Outcome, DeltaError> {
    let Some(Opened { reader: mut input, stamp }) = source.open(from)? else { return Ok(Outcome::Absent) };
    let mut sink = target.create(to, stamp.size)?;
    let mut hash = Sha256::new();
    let mut size = 0;
    each_chunk(&mut input, source, from, &mut |chunk| {
        transfer.pass(chunk.len(), target)?;
        hash.update(chunk);
        size += chunk.len() as u64;
        sink.write(chunk)
    })?;
    let (staged, sha256) = (sink.finish(stamp.modified_ns)?, hex(&hash.finalize()));
    Ok(Outcome::Copied(Copied { staged, size, sha256, stamp }))
}

/// Files from this size on are copied by the store itself, where both places are in one: for smaller ones the calls
/// that check such a copy cost more than it spares.
const COPIED_BY_STORE: u64 = 1 << 20;

/// Lets the store that holds both places copy a file of about `size` bytes; None where it can't.
///
/// The sha256 is of the source's bytes, which are read for it and not written: half of what a copy through here would
/// move. What the store made of them is known by its size, and that the source stood still by its stamp; a deep
/// comparison reads it.
pub(super) fn copy_by_store(
    source: &dyn Place,
    target: &dyn Place,
    rel: &str,
    size: u64,
    transfer: &Transfer,
) -> Result<Option<FileRecord>, DeltaError> {
    if size < COPIED_BY_STORE || !target.copy_within(source, rel)? {
        return Ok(None);
    }
    let Some(Opened { mut reader, stamp }) = source.open(rel)? else { return Ok(None) };
    let mut hash = Sha256::new();
    let mut read = 0;
    each_chunk(&mut reader, source, rel, &mut |chunk| {
        transfer.pass(chunk.len(), target)?;
        hash.update(chunk);
        read += chunk.len() as u64;
        Ok(())
    })?;
    let stood_still = source.stat(rel)?.is_some_and(|now| now.matches(&stamp));
    let whole = target.stat(rel)?.is_some_and(|there| there.size == read);
    let sha256 = hex(&hash.finalize());
    Ok((stood_still && whole).then(|| FileRecord { path: rel.to_owned(), size: read, sha256, stamp: Some(stamp) }))
}

/// Copies `rel` and puts it in place, unless the same bytes are there already; None where the source has none.
pub(super) fn bring(source: &dyn Place, target: &dyn Place, rel: &str) -> Result<Option<FileRecord>, DeltaError> {
    let Some(stamp) = source.stat(rel)? else { return Ok(None) };
    let record = |(size, sha256)| FileRecord { path: rel.to_owned(), size, sha256, stamp: None };
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

/// Hands everything that is left of `input` to `take`, piece by piece.
fn each_chunk(
    input: &mut dyn Read,
    place: &dyn Place,
    rel: &str,
    take: &mut dyn FnMut(&[u8]) -> Result<(), DeltaError>,
) -> Result<(), DeltaError> {
    BUFFER.with_borrow_mut(|buffer| {
        loop {
            let chunk = fill(input, buffer).map_err(|error| storage_failure("read", place.display(rel), &error))?;
            if chunk.is_empty() {
                return Ok(());
            }
            take(chunk)?;
        }
    })
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

/// The size and sha256 of a file; None if it doesn't exist.
pub(super) fn hash_file(place: &dyn Place, rel: &str) -> Result<Option<(u64, String)>, DeltaError> {
    Ok(hash_with_fingerprint(place, rel)?.map(|(size, sha256, _)| (size, sha256)))
}

/// [`hash_file`] with the stamp of what was read.
pub(super) fn hash_with_fingerprint(
    place: &dyn Place,
    rel: &str,
) -> Result<Option<(u64, String, FileFingerprint)>, DeltaError> {
    let Some(Opened { reader: mut input, stamp }) = place.open(rel)? else { return Ok(None) };
    let mut hash = Sha256::new();
    let mut size = 0;
    each_chunk(&mut input, place, rel, &mut |chunk| {
        hash.update(chunk);
        size += chunk.len() as u64;
        Ok(())
    })?;
    Ok(Some((size, hex(&hash.finalize()), stamp)))
}
