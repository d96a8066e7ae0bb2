//! What one cycle has to bring over for one table.

use super::{FileFingerprint, FileRecord, Position, TableRoot};
use std::fmt;
use std::sync::Arc;

/// Looks up what the ledger keeps of a file of the destination, by its decoded path relative to the table's root.
pub type KeptFiles = Arc<dyn Fn(&str) -> Option<FileRecord> + Send + Sync>;

/// What to plan.
pub struct PlanRequest<'a> {
    /// Where to copy from.
    pub source: &'a TableRoot,
    /// Where to copy to.
    pub destination: &'a TableRoot,
    /// How far the destination is known to be. None recomputes it from what is there, and adds what is missing.
    pub known: Option<&'a Position>,
    /// Ships no version above this one.
    pub up_to: Option<i64>,
    /// What the ledger keeps, so that a file that is there already need not be read to be trusted.
    pub kept: Option<KeptFiles>,
}

impl<'a> PlanRequest<'a> {
    /// A request for everything that `source` has and `destination` doesn't have.
    pub fn new(source: &'a TableRoot, destination: &'a TableRoot, known: Option<&'a Position>) -> Self {
        Self { source, destination, known, up_to: None, kept: None }
    }
}

/// What a plan found.
#[derive(Debug)]
pub enum Plan {
    /// Nothing to do: the destination is at the source's version, or at the bound.
    UpToDate(Position),
    /// Something to ship.
    Ship(Box<Shipment>),
}

/// Whether the source is still the table that the destination holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The log goes on, or the destination is empty.
    Same,
    /// The table was dropped and made again under the same path. The old replica is kept, under
    /// `_resilience/replaced` in the new one, once the new one is complete.
    New,
}

/// A data, change-data or deletion-vector file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Its path relative to the table's root, decoded.
    pub path: String,
    /// Its size as the log has it; 0 where the log does not tell.
    pub size: u64,
    /// Whether the version shipped to needs it. Others serve history, and may be gone at the source.
    pub live: bool,
    /// The highest version that names it. The destination's bytes are exchanged just before that version is published.
    pub added: i64,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCommit {
    /// Its version.
    pub version: i64,
    /// When it was committed, in milliseconds since 1970.
    pub time_ms: i64,
    /// The sha256 of its bytes in hex.
    pub sha256: String,
    /// How many bytes it has.
    pub size: u64,
    /// Its bytes, where they are few; else they are read again and checked against the sha256.
    pub bytes: Option<Vec<u8>>,
    /// Its stamp at the source.
    pub stamp: FileFingerprint,
}

/// A file of the log that isn't a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Its path relative to the table's root.
    pub path: String,
    /// Whether it must be there before the first commit is: the checkpoint that a cleaned log begins with.
    pub first: bool,
    /// Whether the shipment fails without it. Others may vanish at the source in the meantime.
    pub needed: bool,
    /// Sidecars that a checkpoint names. Where one has vanished, no reader could open the checkpoint, so it stays away too.
    pub sidecars: Vec<String>,
}

/// What was asked for, kept to plan again when the source moves under the copy.
pub(super) struct Request {
    pub source: TableRoot,
    pub destination: TableRoot,
    pub known: Option<Position>,
    pub up_to: Option<i64>,
    pub kept: Option<KeptFiles>,
}

impl From<PlanRequest<'_>> for Request {
    fn from(request: PlanRequest<'_>) -> Self {
        Self {
            source: request.source.clone(),
            destination: request.destination.clone(),
            known: request.known.cloned(),
            up_to: request.up_to,
            kept: request.kept,
        }
    }
}

/// Everything that brings one table from one version to another.
pub struct Shipment {
    /// Where to copy from.
    pub source: TableRoot,
    /// Where to copy to.
    pub destination: TableRoot,
    /// The version that the destination has; None for a bootstrap.
    pub from: Option<i64>,
    /// The version that it will have.
    pub to: i64,
    /// Whether the destination's table is replaced.
    pub generation: Generation,
    /// Files that the commits and checkpoints name.
    pub files: Vec<PlannedFile>,
    /// Folders without which a disk doesn't open some of the files: their paths lead through them and out again.
    pub folders: Vec<String>,
    /// Commits, in order.
    pub commits: Vec<PlannedCommit>,
    /// Checkpoints, sidecars, checksums and compacted commits.
    pub log_files: Vec<LogFile>,
    /// The content of `_last_checkpoint`, written last.
    pub hint: Option<Vec<u8>>,
    /// Where the destination will be.
    pub position: Position,
    /// Where the files go: the destination, or for a new generation a folder beside it.
    pub(super) target: TableRoot,
    /// Whether what lies at the target belongs to neither generation and is removed first.
    pub(super) clear_target: bool,
    pub(super) request: Arc<Request>,
}

impl fmt::Debug for Shipment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shipment")
            .field("destination", &self.destination)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("generation", &self.generation)
            .field("files", &self.files.len())
            .field("commits", &self.commits.len())
            .finish_non_exhaustive()
    }
}

impl Shipment {
    /// Bytes of data and log to copy, as far as the log tells.
    pub fn bytes_to_copy(&self) -> u64 {
        // A log may claim any size.
        let sizes = self.files.iter().map(|file| file.size).chain(self.commits.iter().map(|commit| commit.size));
        sizes.fold(0, u64::saturating_add)
    }
}
