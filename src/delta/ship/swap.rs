//! Puts a new generation of a table in the place of the old one, in one step, and keeps the old one.

use crate::delta::bounds;
use crate::delta::copy::{Outcome, copy_as};
use crate::delta::log::{LOG, LogName};
use crate::delta::place::{Mode, Place, open_regular, read_regular, storage_error};
use crate::delta::plan::beside;
use crate::delta::shipment::Shipment;
use crate::delta::{DeltaError, TableRoot, Transfer};
use rustix::fs::{CWD, RenameFlags};
use std::fs::{self, File};
use std::path::Path;

/// Lies in a folder as long as it is being built, and nowhere else. No file of a table can have this path.
const BUILDING: &str = "_resilience/building";
/// Where replaced generations are kept, in the table's folder. Delta readers and VACUUM pass by what begins with `_`.
const REPLACED: &str = "_resilience/replaced";

/// Makes the target ready, and ends a replacement that was cut short.
pub(super) fn prepare(shipment: &Shipment, new: bool) -> Result<(), DeltaError> {
    let (TableRoot::Local(destination), TableRoot::Local(target)) = (&shipment.destination, &shipment.target) else {
        return Ok(());
    };
    if !new {
        let Some(TableRoot::Local(left)) = beside(&shipment.destination)? else { return Ok(()) };
        if !left.is_dir() {
            return Ok(());
        }
        // Still being built: no one ever saw it. Else it is the old generation, killed while it was moved away.
        return if left.join(BUILDING).exists() { remove(&left) } else { keep_aside(&left, destination) };
    }
    if shipment.clear_target && target.is_dir() {
        remove(target)?;
    }
    let mark = target.join(BUILDING);
    let own = mark.parent().unwrap_or(target);
    fs::create_dir_all(own).map_err(|error| storage_error("make the folder", own, &error))?;
    fs::write(&mark, b"").map_err(|error| storage_error("write", &mark, &error))
}

fn remove(folder: &Path) -> Result<(), DeltaError> {
    fs::remove_dir_all(folder).map_err(|error| storage_error("remove", folder, &error))
}

/// Exchanges the finished table with the old one.
pub(super) fn put_in_place(shipment: &Shipment) -> Result<(), DeltaError> {
    let (TableRoot::Local(destination), TableRoot::Local(target)) = (&shipment.destination, &shipment.target) else {
        return Ok(());
    };
    copy_epochs(destination, target)?;
    let handle = File::open(target).map_err(|error| storage_error("sync", target, &error))?;
    rustix::fs::syncfs(&handle).map_err(|error| storage_error("sync", target, &error.into()))?;
    // The old table never held the mark, so after the exchange the folder beside is known to be the old one.
    rustix::fs::renameat_with(CWD, target, CWD, destination, RenameFlags::EXCHANGE)
        .map_err(|error| storage_error("put the new table in the place of", destination, &error.into()))?;
    keep_aside(target, destination)
}

/// Copies the old log aside and removes it, newest first, where nothing can be exchanged. The data files stay where they
/// are: a new generation's have names of their own. Until its first commit is there, the table is not.
pub(super) fn clear_log(target: &dyn Place) -> Result<(), DeltaError> {
    let mut paths = target.list_all(LOG)?;
    // What only hints at commits goes before them, and they go newest first.
    let is_commit = |path: &str| {
        path.strip_prefix(LOG)
            .is_some_and(|name| matches!(LogName::parse(name.trim_start_matches('/')), LogName::Commit(_)))
    };
    paths.sort_by(|a, b| is_commit(a).cmp(&is_commit(b)).then_with(|| b.cmp(a)));
    let taken = target.list_all(REPLACED)?;
    let number = |path: &String| path.strip_prefix(REPLACED)?.split('/').nth(1)?.parse::<u32>().ok();
    let number = taken.iter().filter_map(number).max().unwrap_or(0) + 1;
    for path in &paths {
        let salvage_dir = format!("{REPLACED}/{number}/{path}");
        if let Outcome::Copied(copied) = copy_as(target, target, (path, &salvage_dir), &Transfer::default())? {
            copied.staged.publish(Mode::Replace)?;
        }
    }
    paths.iter().try_for_each(|path| target.remove(path))
}

/// Epoch markers belong to the place, not to the generation.
fn copy_epochs(destination: &Path, target: &Path) -> Result<(), DeltaError> {
    let from = destination.join("_resilience/epoch");
    let to = target.join("_resilience/epoch");
    let Ok(markers) = fs::read_dir(&from) else { return Ok(()) };
    fs::create_dir_all(&to).map_err(|error| storage_error("make the folder", &to, &error))?;
    for marker in markers.flatten() {
        let path = marker.path();
        let failed = |error: std::io::Error| storage_error("copy", &path, &error);
        // Only a regular file is a marker.
        if open_regular(&path).map_err(failed)?.is_some() {
            let bytes = read_regular(&path, bounds::MARKER).map_err(failed)?;
            fs::write(to.join(marker.file_name()), bytes).map_err(failed)?;
        }
    }
    Ok(())
}

fn keep_aside(old: &Path, destination: &Path) -> Result<(), DeltaError> {
    let mark = destination.join(BUILDING);
    if mark.exists() {
        fs::remove_file(&mark).map_err(|error| storage_error("remove", &mark, &error))?;
    }
    let replaced = destination.join(REPLACED);
    fs::create_dir_all(&replaced).map_err(|error| storage_error("make the folder", &replaced, &error))?;
    let number = (1_u32..).find(|number| !replaced.join(number.to_string()).exists()).unwrap_or_default();
    let to = replaced.join(number.to_string());
    fs::rename(old, &to).map_err(|error| storage_error("move aside", old, &error))?;
    for folder in [Some(replaced.as_path()), destination.parent()].into_iter().flatten() {
        File::open(folder)
            .and_then(|handle| handle.sync_all())
            .map_err(|error| storage_error("sync", folder, &error))?;
    }
    Ok(())
}
