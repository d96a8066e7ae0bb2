//! Salvages a whole table.

use super::manifest::{MANIFEST, Manifest, OrphanCommit};
use super::{SalvageAbout, Salvaged};
use crate::delta::copy::bring;
use crate::delta::log::{LOG, Log, read_commit};
use crate::delta::place::{LocalPlace, Place, storage_error};
use crate::delta::{DeltaError, FileRecord};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::ErrorKind;

/// Moves the table's folder where that is one step, else copies it, syncs it and removes it.
pub(super) fn salvage_all(
    table: &dyn Place,
    salvage_dir: &dyn Place,
    about: &SalvageAbout,
) -> Result<Salvaged, DeltaError> {
    let folder = salvage_dir.display("");
    let log = Log::list(table, 0)?;
    let before = Manifest::read(salvage_dir)?;
    if log.newest(None).is_none() {
        // Nothing is there any more: it was moved before, or it never was a table.
        return match before {
            Some(manifest) => Ok(manifest.outcome(None, None, folder)),
            None => Err(DeltaError::NoLog { table: table.display("") }),
        };
    }
    let mut manifest = Manifest::new(about, table.display(""), None);
    manifest.count(orphans(table, &log)?);
    // A table that was cleaned down to its checkpoint has no commit to tell.
    manifest.last_version = log.newest(None);
    let mut paths = table.list_all("")?;
    paths.retain(|path| path != MANIFEST);
    paths.sort();
    for path in &paths {
        let Some(stamp) = table.stat(path)? else { continue };
        manifest.files.push(FileRecord { path: path.clone(), size: stamp.size, sha256: String::new(), stamp: None });
    }
    manifest.rewound = true;
    if let (Some(from), Some(to)) = (table.local(), salvage_dir.local())
        && before.is_none()
        && move_folder(from, to, &manifest)?
    {
        return Ok(manifest.outcome(None, None, folder));
    }
    let mut files = Vec::new();
    for path in &paths {
        files.extend(bring(table, salvage_dir, path)?);
    }
    fail::fail_point!("delta.salvage.before_aside_sync");
    salvage_dir.sync(&paths)?;
    manifest.files = files;
    // What an earlier attempt listed is there too, and may be gone from the table.
    if let Some(before) = before {
        manifest.count(before.commits);
        let listed: HashSet<String> = manifest.files.iter().map(|file| file.path.clone()).collect();
        manifest.files.extend(before.files.into_iter().filter(|file| !listed.contains(&file.path)));
    }
    manifest.write(salvage_dir)?;
    remove(table, paths)?;
    Ok(manifest.outcome(None, None, folder))
}

fn orphans(table: &dyn Place, log: &Log) -> Result<Vec<OrphanCommit>, DeltaError> {
    let mut found = Vec::new();
    for version in log.commits.keys() {
        let Some(commit) = read_commit(table, *version)? else { continue };
        found.push(OrphanCommit::new(table, &commit));
    }
    Ok(found)
}

/// Moves the folder in one step; false where the two lie on different file systems, or something is at the goal.
fn move_folder(from: &LocalPlace, to: &LocalPlace, manifest: &Manifest) -> Result<bool, DeltaError> {
    let Some(parent) = to.root().parent() else { return Ok(false) };
    fs::create_dir_all(parent).map_err(|error| storage_error("make the folder", parent, &error))?;
    // The manifest goes along, so that at no instant the table is aside without it.
    manifest.write(from)?;
    match fs::rename(from.root(), to.root()) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::CrossesDevices | ErrorKind::DirectoryNotEmpty) => {
            return Ok(false);
        }
        Err(error) => return Err(storage_error("move aside", from.root(), &error)),
    }
    for folder in [Some(parent), from.root().parent()].into_iter().flatten() {
        File::open(folder)
            .and_then(|handle| handle.sync_all())
            .map_err(|error| storage_error("sync", folder, &error))?;
    }
    Ok(true)
}

/// Removes the table: what hints at commits first, then the commits, newest first, then the files.
fn remove(table: &dyn Place, mut paths: Vec<String>) -> Result<(), DeltaError> {
    let rank = |path: &str| match (path.starts_with(LOG), path.ends_with(".json")) {
        (true, false) => 0,
        (true, true) => 1,
        _ => 2,
    };
    paths.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| b.cmp(a)));
    for path in &paths {
        table.remove(path)?;
    }
    table.sync(&paths)?;
    if let Some(place) = table.local() {
        paths.iter().filter_map(|path| path.rsplit_once('/')).for_each(|(folder, _)| place.prune(folder));
    }
    Ok(())
}
