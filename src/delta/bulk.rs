//! Files that another program copies: many at a time, on other machines than this one.
//!
//! Only bytes go this way. What the program says of a file is checked before it counts, and commits, checkpoints and positions never
//! leave this process.

use super::TableRoot;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A file to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkFile {
    /// Its table's number in the job.
    pub table: usize,
    /// Its path relative to the table's root, decoded.
    pub path: String,
    /// Bytes at the source.
    pub size: u64,
    /// Whether the target has a file of this name and size: then it's compared, and not written.
    pub check: bool,
}

/// Files to copy between pairs of tables.
pub struct BulkJob {
    /// Source and target of each table.
    pub tables: Vec<(TableRoot, TableRoot)>,
    /// The files.
    pub files: Vec<BulkFile>,
    /// Set to end the job early.
    pub stop: Arc<AtomicBool>,
    /// What the whole job may take.
    pub bytes_per_second: Option<u64>,
}

/// What became of a file, as the program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkOutcome {
    /// It's at the target, whole.
    Copied {
        /// Bytes read.
        size: u64,
        /// Their sha256 in hex.
        sha256: String,
    },
    /// The target has had the same bytes.
    Same {
        /// Bytes read.
        size: u64,
        /// Their sha256 in hex.
        sha256: String,
    },
    /// The target has other bytes, which were left alone.
    Other,
    /// The source doesn't have it.
    Absent,
    /// It wasn't copied, and why.
    Failed(String),
}

/// Copies files outside this process.
pub trait BulkCopy: Send + Sync {
    /// Runs one job to its end and hands on what becomes of each file, by its number, as soon as that's known. Blocks.
    ///
    /// The error is a sentence about the job as a whole; what was handed on before it still counts.
    fn copy(&self, job: &BulkJob, said: &mut dyn FnMut(usize, BulkOutcome)) -> Result<(), String>;

    /// Takes note that the last job said something of a file that isn't so.
    fn disbelieve(&self, why: &str);
}
