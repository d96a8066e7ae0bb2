//! What a salvage is told and what it tells.

use crate::delta::Position;

/// What the manifest says besides what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvageAbout {
    /// The table's full name.
    pub table: String,
    /// The failover group.
    pub group: String,
    /// The epoch that the failover began.
    pub epoch: u64,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
    /// The version up to which everything is known to have arrived, so that a table that is salvaged whole counts only
    /// what is lost; None when nothing of it ever did.
    pub arrived: Option<i64>,
}

/// What was salvaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// The version that the old primary was rewound to; None when the whole table was salvaged.
    pub common_version: Option<i64>,
    /// Where the old primary's table is now, as a position to replicate on from; None when it is gone whole.
    pub position: Option<Position>,
    /// First version salvaged; None when none was, or when the whole table was.
    pub first_version: Option<i64>,
    /// Last version salvaged.
    pub last_version: Option<i64>,
    /// Commits salvaged.
    pub commits: u64,
    /// Rows in the files that they added, where every file's statistics tell.
    pub rows: Option<u64>,
    /// Bytes of the files that they added.
    pub bytes: u64,
    /// When the first and the last of the commits were made, in milliseconds since 1970; None when there are none.
    pub committed_ms: Option<(i64, i64)>,
    /// Files salvaged.
    pub files: u64,
    /// The folder that holds commits, files and `manifest.json`; None when nothing was orphaned.
    pub folder: Option<String>,
}
