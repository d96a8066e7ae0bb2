//! Salvaged commits in the account API; not part of the published one.

use serde::{Deserialize, Serialize};

/// What a call on salvaged commits names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalvageRequest {
    /// The table, as the list names it.
    #[serde(default)]
    pub table: String,
    /// The epoch of the failover that left the commits.
    #[serde(default)]
    pub epoch: u64,
    /// The commits; every one of the line where it is left out.
    #[serde(default)]
    pub versions: Option<Vec<i64>>,
    /// The full name of the table to make.
    #[serde(default)]
    pub new_table: Option<String>,
}

/// One salvaged commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalvagedCommitBody {
    /// Its version on the old primary.
    pub version: i64,
    /// When it was committed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit_time: Option<String>,
    /// What its writer called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Rows in the files that it added, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Bytes of these files.
    pub bytes: u64,
    /// How many files it added.
    pub files: u64,
    /// How many files it removed.
    pub removed_files: u64,
    /// Why it can't be appended to the live table; absent when it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_appendable: Option<String>,
}

/// Rows of salvaged commits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalvagedRows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows, a text a column; null where the value is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows.
    pub more: bool,
    /// What there is to know of them.
    pub notes: Vec<String>,
}
