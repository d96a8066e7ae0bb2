//! Salvages what a table committed after a version that it is to go back to.

use super::SalvageAbout;
use super::manifest::{Manifest, OrphanCommit};
use super::{Salvaged, collect::above};
use crate::delta::DeltaError;
use crate::delta::copy::bring;
use crate::delta::log::{Inventory, Log, commit_path, read_commit, read_log_state};
use crate::delta::place::Place;

/// Copies the commits from `version` up to `newest` to the salvage folder, with the files that only they name, and lists
/// them there. The table stays as it is. Goes on where it was killed.
pub(super) fn salvage_later(
    table: &dyn Place,
    salvage_dir: &dyn Place,
    (version, newest): (i64, i64),
    about: &SalvageAbout,
) -> Result<Option<Salvaged>, DeltaError> {
    let folder = salvage_dir.display("");
    if let Some(manifest) = Manifest::read(salvage_dir)? {
        return Ok(Some(manifest.outcome(Some(version), None, folder)));
    }
    let log = Log::list(table, 0)?;
    let mut commits = Vec::new();
    let mut named = Inventory::lenient(table.display(""));
    for at in log.commits.range(above(version)).map(|(at, _)| *at).take_while(|at| *at <= newest) {
        let Some(commit) = read_commit(table, at)? else { continue };
        let _ = named.take_commit(table, &commit);
        commits.push(OrphanCommit::new(table, &commit));
    }
    if commits.is_empty() {
        return Ok(None);
    }
    let lineage = read_log_state(table, &log, version, |_, _| {})?.inventory;
    let mut manifest = Manifest::new(about, table.display(""), Some(version));
    let mut paths: Vec<String> = Vec::new();
    for (path, _) in named.files.iter().filter(|(_, named)| named.added) {
        if lineage.files.contains_key(path) {
            manifest.kept_in_table.push(path.to_string());
        } else {
            paths.push(path.to_string());
        }
    }
    paths.sort();
    manifest.kept_in_table.sort();
    for path in &paths {
        manifest.files.extend(bring(table, salvage_dir, path)?);
    }
    let logs: Vec<String> = commits.iter().map(|commit| commit_path(commit.version)).collect();
    for path in &logs {
        bring(table, salvage_dir, path)?;
    }
    paths.extend(logs);
    salvage_dir.sync(&paths)?;
    manifest.count(commits);
    // Nothing of the table is removed: its history is where it was.
    manifest.rewound = true;
    manifest.write(salvage_dir)?;
    Ok(Some(manifest.outcome(Some(version), None, folder)))
}
