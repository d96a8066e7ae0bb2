//! One commit: its bytes, their hash, and what its storage says of it.

use super::name::commit_path;
use super::{Action, CommitInfo, parse_commit};
use crate::delta::DeltaError;
use crate::delta::place::Place;
use crate::delta::position::Stamp;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A commit as it lies in the log.
pub(in crate::delta) struct Commit {
    pub version: i64,
    pub bytes: Vec<u8>,
    pub sha256: String,
    pub stamp: Stamp,
}

/// Reads a commit; None where there is none.
pub(in crate::delta) fn read_commit(place: &dyn Place, version: i64) -> Result<Option<Commit>, DeltaError> {
    Ok(place.read(&commit_path(version))?.map(|content| Commit {
        version,
        sha256: sha256_hex(&content.bytes),
        bytes: content.bytes,
        stamp: content.stamp,
    }))
}

impl Commit {
    /// Hands over its actions in order.
    pub fn actions(&self, table: &str, each: impl FnMut(Action) -> Result<(), DeltaError>) -> Result<(), DeltaError> {
        parse_commit(&self.bytes, each).unwrap_or_else(|detail| {
            Err(DeltaError::CorruptCommit { table: table.to_owned(), version: self.version, detail })
        })
    }

    /// When it was committed, in milliseconds since 1970.
    pub fn time_ms(&self, info: Option<&CommitInfo>) -> i64 {
        info.and_then(|info| info.in_commit_timestamp).unwrap_or_else(|| self.stamp.modified_ms())
    }
}

/// The sha256 of `bytes` in hex.
pub(in crate::delta) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hex.
pub(in crate::delta) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
