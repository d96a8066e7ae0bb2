//! What a catalog says of the commits of a table that it manages, in both generations of its API.

use serde::{Deserialize, Serialize};

/// A commit that the catalog has ratified and that may not be published yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogCommit {
    /// Its version.
    pub version: i64,
    /// Its file in `_staged_commits`.
    #[serde(alias = "file-name")]
    pub file_name: String,
}

/// `GET …/delta/v1/catalogs/{c}/schemas/{s}/tables/{t}`: whole, newest first. Also one page of `GET /delta/preview/commits`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogCommits {
    /// Commits that aren't known to be published.
    #[serde(default)]
    pub commits: Vec<CatalogCommit>,
    /// The newest ratified version; negative or absent where only version 0 was registered.
    #[serde(default, alias = "latest-table-version")]
    pub latest_table_version: Option<i64>,
}

/// The body of `GET /delta/preview/commits`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogCommitsRequest {
    /// The table's id.
    pub table_id: String,
    /// Where it lies.
    pub table_uri: String,
    /// The first version that is asked for.
    pub start_version: i64,
}
