//! What is remembered of a table between two cycles.

use serde::{Deserialize, Serialize};

/// What a storage tells of a file without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct FileFingerprint {
    /// Bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: i64,
    /// When a local disk last changed anything about the file, in nanoseconds since 1970; 0 elsewhere. Unlike the
    /// modification time no one can set it, so a table that was put back with its old times is seen.
    #[serde(default)]
    pub changed_ns: i64,
    /// The file's number on a local disk; 0 elsewhere.
    #[serde(default)]
    pub inode: u64,
    /// The object store's tag for the content, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl FileFingerprint {
    /// Modification time in milliseconds since 1970.
    pub fn modified_ms(&self) -> i64 {
        self.modified_ns.div_euclid(1_000_000)
    }

    /// Whether both are of the same content, as far as a storage can tell. A store's listing and its answers give the
    /// time in different precision, so beside a tag only the seconds count.
    pub fn matches(&self, other: &Self) -> bool {
        const SECOND: i64 = 1_000_000_000;
        self.size == other.size
            && match (&self.etag, &other.etag) {
                (Some(ours), Some(theirs)) => {
                    ours == theirs && self.modified_ns.div_euclid(SECOND) == other.modified_ns.div_euclid(SECOND)
                }
                _ => {
                    let is_other_file = self.inode != other.inode && self.inode != 0 && other.inode != 0;
                    !is_other_file && (self.modified_ns, self.changed_ns) == (other.modified_ns, other.changed_ns)
                }
            }
    }
}

/// One version of a table, known by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The version.
    pub version: i64,
    /// The sha256 of the commit file in hex; of the checkpoint where the commit file is gone.
    pub sha256: String,
    /// The `metaData.id` in force at this version.
    pub table_id: String,
    /// When the version was committed, in milliseconds since 1970: the in-commit timestamp, else the commit file's
    /// modification time.
    pub time_ms: i64,
    /// The commit file's stamp at the source, so that a look needs no read.
    pub stamp: FileFingerprint,
}
