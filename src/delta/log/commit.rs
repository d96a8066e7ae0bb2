//! One commit: its bytes, their hash, and what its storage says of it.

use super::lines::{Lines, read_actions};
use super::name::commit_path;
use super::{Action, CommitInfo, parse_commit};
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::place::Place;
use crate::delta::position::FileFingerprint;
use crate::domain::hex;
use sha2::{Digest, Sha256};

/// A commit as it lies in the log.
pub(in crate::delta) struct Commit {
    pub version: i64,
    pub size: u64,
    /// Its bytes; None where it is so large that it is read line by line.
    pub bytes: Option<Vec<u8>>,
    pub sha256: String,
    pub stamp: FileFingerprint,
}

/// Reads a commit; None if it doesn't exist.
pub(in crate::delta) fn read_commit(place: &dyn Place, version: i64) -> Result<Option<Commit>, DeltaError> {
    let content = match place.read(&commit_path(version), bounds::COMMIT_IN_MEMORY) {
        Err(DeltaError::TooLarge { .. }) => return read_large(place, version),
        content => content?,
    };
    Ok(content.map(|content| Commit {
        version,
        size: content.bytes.len() as u64,
        sha256: sha256_hex(&content.bytes),
        bytes: Some(content.bytes),
        stamp: content.stamp,
    }))
}

/// Goes through a commit for its hash alone, and sees that no line of it is beyond all measure.
fn read_large(place: &dyn Place, version: i64) -> Result<Option<Commit>, DeltaError> {
    let path = commit_path(version);
    let Some(mut lines) = Lines::open(place, &path)? else { return Ok(None) };
    let (mut hash, mut size) = (Sha256::new(), 0);
    let corrupt = |detail| DeltaError::CorruptCommit { table: place.display(""), version, detail };
    while let Some(line) = lines.next()?.map_err(corrupt)? {
        hash.update(line);
        size += line.len() as u64;
    }
    let (sha256, stamp) = (hex(&hash.finalize()), lines.stamp().clone());
    Ok(Some(Commit { version, size, bytes: None, sha256, stamp }))
}

impl Commit {
    /// Hands over its actions in order. `place` is where it was read.
    pub fn actions(
        &self,
        place: &dyn Place,
        each: impl FnMut(Action) -> Result<(), DeltaError>,
    ) -> Result<(), DeltaError> {
        let corrupt = |detail| DeltaError::CorruptCommit { table: place.display(""), version: self.version, detail };
        match &self.bytes {
            Some(bytes) => parse_commit(bytes, each).map_err(corrupt)?,
            None => {
                let gone = || corrupt("it vanished while it was read".to_owned());
                let read = read_actions(place, &commit_path(self.version), each)?.ok_or_else(gone)?;
                let sha256 = read.map_err(corrupt)?;
                if sha256 != self.sha256 {
                    return Err(corrupt("it changed while it was read".to_owned()));
                }
                Ok(())
            }
        }
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
