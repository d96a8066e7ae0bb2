//! What the ledger keeps of a commit and of a file.

use super::FileFingerprint;
use serde::{Deserialize, Serialize};

/// A commit that is on the destination and synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitRecord {
    /// Its version.
    pub version: i64,
    /// When it was committed at the source, in milliseconds since 1970.
    pub time_ms: i64,
    /// The sha256 of its bytes in hex.
    pub sha256: String,
}

/// A file that is on the destination and synced, as it was when copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its path relative to the table's root, decoded.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// The sha256 of its bytes in hex.
    pub sha256: String,
    /// What the source's storage told of it then. As long as it tells the same, it holds the same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<FileFingerprint>,
}
