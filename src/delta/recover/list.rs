//! The commits of a salvage folder, and which of them fit the live table.

use super::contents::Salvage;
use super::fits;
use crate::delta::DeltaError;

/// One salvaged commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvagedCommit {
    /// Its version on the old primary.
    pub version: i64,
    /// When it was committed, in milliseconds since 1970.
    pub time_ms: i64,
    /// What its writer called it, such as `WRITE` or `MERGE`.
    pub operation: Option<String>,
    /// Rows in the files that it added, where every file's statistics tell.
    pub rows: Option<u64>,
    /// Bytes of the files that it added.
    pub bytes: u64,
    /// Files that it added.
    pub files: u64,
    /// Files that it removed.
    pub removed_files: u64,
    /// Why it can't be appended to the live table, as a sentence; None when it fits.
    pub unfit: Option<String>,
}

/// Every commit, and whether it fits the live table.
pub fn list(salvage: &Salvage) -> Result<Vec<SalvagedCommit>, DeltaError> {
    let live = salvage.live_state();
    let mut found = Vec::new();
    for commit in salvage.manifest.commits.iter().filter(|commit| !commit.own) {
        let contents = salvage.contents(commit.version);
        let unfit = match (&contents, &live) {
            (Err(error), _) => Some(error.to_string()),
            (_, Err(error)) => Some(error.to_string()),
            (Ok(contents), Ok((_, _, _, live))) => {
                fits::commit_unfit(contents).or_else(|| match salvage.state(commit.version) {
                    Ok(state) => fits::unfit(&state, live),
                    Err(error) => Some(error.to_string()),
                })
            }
        };
        let contents = contents.unwrap_or_default();
        let operation = contents.info.as_ref().and_then(|info| info.get("operation")?.as_str());
        found.push(SalvagedCommit {
            version: commit.version,
            time_ms: commit.time_ms,
            operation: operation.map(str::to_owned),
            rows: commit.rows,
            bytes: commit.bytes,
            files: contents.adds.len() as u64,
            removed_files: contents.removes.len() as u64,
            unfit,
        });
    }
    Ok(found)
}
