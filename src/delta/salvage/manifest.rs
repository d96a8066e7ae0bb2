//! The list of what was salvaged, beside it.

use super::{SalvageAbout, Salvaged};
use crate::delta::bounds;
use crate::delta::latest::summarize;
use crate::delta::log::{Action, Commit};
use crate::delta::place::{Mode, Place};
use crate::delta::{DeltaError, FileRecord, Position};
use serde::{Deserialize, Serialize};

pub(super) const MANIFEST: &str = "manifest.json";

/// The list of what was salvaged. Its presence says that all of it is safe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::delta) struct Manifest {
    pub table: String,
    pub group: String,
    pub epoch: u64,
    /// Where the table lay.
    pub location: String,
    /// The version up to which everything is known to have arrived, for a table that was salvaged whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrived: Option<i64>,
    /// When it was salvaged, in milliseconds since 1970.
    pub at_ms: i64,
    /// The version that the table was rewound to; absent when it was salvaged whole.
    pub common_version: Option<i64>,
    pub first_version: Option<i64>,
    pub last_version: Option<i64>,
    /// Rows in the files that the commits added, where every file's statistics tell.
    pub rows: Option<u64>,
    /// Bytes of the files that the commits added.
    pub bytes: u64,
    pub commits: Vec<OrphanCommit>,
    /// Data, change-data and deletion-vector files that only these commits name.
    pub files: Vec<FileRecord>,
    /// Files that these commits name and that the table itself still holds, because earlier versions name them too.
    pub kept_in_table: Vec<String>,
    /// Checkpoints, sidecars, checksums and compacted commits.
    pub log_files: Vec<String>,
    /// Whether the table has been rewound.
    pub rewound: bool,
}

/// A commit that never arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::delta) struct OrphanCommit {
    pub version: i64,
    pub time_ms: i64,
    pub sha256: String,
    pub rows: Option<u64>,
    pub bytes: u64,
    /// Whether it is the product's own fence or restore, which holds no one's rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

impl OrphanCommit {
    /// The commit in numbers; unknown ones where it cannot be read.
    pub fn new(place: &dyn Place, commit: &Commit) -> Self {
        let (version, sha256) = (commit.version, commit.sha256.clone());
        let mut own = false;
        // A commit that can't be read isn't the product's own.
        let _ = commit.actions(place, |action| {
            if let Action::CommitInfo(info) = action {
                let ours = matches!(info.operation.as_deref(), Some("FAILOVER FENCE" | "RESTORE"));
                own = ours && info.parameter("epoch").is_some() && info.parameter("group").is_some();
            }
            Ok(())
        });
        match summarize(place, commit) {
            Ok(found) => {
                Self { version, time_ms: found.time_ms, sha256, rows: found.rows_added, bytes: found.bytes_added, own }
            }
            Err(_) => Self { version, time_ms: commit.stamp.modified_ms(), sha256, rows: None, bytes: 0, own },
        }
    }
}

impl Manifest {
    pub fn new(about: &SalvageAbout, location: String, common_version: Option<i64>) -> Self {
        Self {
            table: about.table.clone(),
            group: about.group.clone(),
            epoch: about.epoch,
            location,
            arrived: about.arrived,
            at_ms: about.now_ms,
            common_version,
            first_version: None,
            last_version: None,
            rows: Some(0),
            bytes: 0,
            commits: Vec::new(),
            files: Vec::new(),
            kept_in_table: Vec::new(),
            log_files: Vec::new(),
            rewound: false,
        }
    }

    /// The manifest in a folder; None if it doesn't exist, or one that a loss of power cut short.
    pub fn read(salvage_dir: &dyn Place) -> Result<Option<Self>, DeltaError> {
        Ok(salvage_dir
            .read(MANIFEST, bounds::MANIFEST)?
            .and_then(|content| serde_json::from_slice(&content.bytes).ok()))
    }

    /// Writes it and syncs it.
    pub fn write(&self, salvage_dir: &dyn Place) -> Result<(), DeltaError> {
        let bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        salvage_dir.put(MANIFEST, &bytes, self.at_ms.saturating_mul(1_000_000), Mode::Replace)?;
        salvage_dir.sync(&[MANIFEST.to_owned()])
    }

    /// Takes in commits and counts again.
    pub fn count(&mut self, commits: Vec<OrphanCommit>) {
        let arrived = self.arrived.filter(|_| self.common_version.is_none());
        self.commits.extend(commits.into_iter().filter(|commit| arrived.is_none_or(|last| commit.version > last)));
        self.commits.sort_by_key(|commit| commit.version);
        self.commits.dedup_by_key(|commit| commit.version);
        self.first_version = self.common_version.and(self.commits.first().map(|commit| commit.version));
        self.last_version = self.commits.last().map(|commit| commit.version);
        self.rows = self.commits.iter().try_fold(0_u64, |sum, commit| Some(sum.saturating_add(commit.rows?)));
        self.bytes = self.commits.iter().map(|commit| commit.bytes).fold(0, u64::saturating_add);
    }

    /// When the first and the last of the commits were made.
    fn committed_ms(&self) -> Option<(i64, i64)> {
        let times = || self.commits.iter().map(|commit| commit.time_ms);
        times().min().zip(times().max())
    }

    pub fn outcome(&self, common_version: Option<i64>, position: Option<Position>, folder: String) -> Salvaged {
        // The product's own commits are kept aside like all others, and no person misses them.
        let theirs = self.commits.iter().filter(|commit| !commit.own).count() as u64;
        let only_own = theirs == 0 && !self.commits.is_empty();
        Salvaged {
            common_version,
            position,
            first_version: self.first_version,
            last_version: self.last_version,
            commits: theirs,
            rows: self.rows,
            bytes: self.bytes,
            committed_ms: self.committed_ms(),
            files: self.files.len() as u64,
            folder: (!only_own).then_some(folder),
        }
    }
}
