//! Whether the destination holds a file of the source already.
//!
//! A name and a size tell nothing: a path may be removed and added again, or written over, with other bytes of the same
//! size. What the source's storage tells of a file does, as long as it is what it told when the file was copied.

use crate::delta::copy::hash_file;
use crate::delta::place::Place;
use crate::delta::{DeltaError, FileFingerprint, FileRecord};

/// What is known of a file that both sides hold, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::delta) enum Sameness {
    /// The source's file is the one that was copied.
    Same,
    /// The sizes differ.
    Other,
    /// Only the bytes can tell.
    Unknown,
}

/// Holds what the source and the destination tell of a file against what the ledger keeps of it.
pub(in crate::delta) fn same_file(
    kept: Option<&FileRecord>,
    source: &FileFingerprint,
    replica: &FileFingerprint,
) -> Sameness {
    if source.size != replica.size {
        return Sameness::Other;
    }
    let copied = kept.filter(|kept| kept.size == replica.size).and_then(|kept| kept.stamp.as_ref());
    if copied.is_some_and(|copied| copied.matches(source)) { Sameness::Same } else { Sameness::Unknown }
}

/// The record of a file whose bytes are the same on both sides; None where they differ or one side has none.
pub(in crate::delta) fn same_bytes(
    source: &dyn Place,
    target: &dyn Place,
    rel: &str,
    stamp: FileFingerprint,
) -> Result<Option<FileRecord>, DeltaError> {
    let Some((size, sha256)) = hash_file(source, rel)? else { return Ok(None) };
    let is_same = hash_file(target, rel)?.is_some_and(|(replica, other)| replica == size && other == sha256);
    Ok(is_same.then(|| FileRecord { path: rel.to_owned(), size, sha256, stamp: Some(stamp) }))
}
