//! A table's log on disk: commits that appear whole or not at all, and taking old ones away.

use super::SystemTableError;
use crate::domain::Timestamp;
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use uuid::Uuid;

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Done,
    /// Someone else has taken the version.
    Taken,
}

pub(super) fn log_folder(table: &Path) -> PathBuf {
    table.join("_delta_log")
}

pub(super) fn commit_path(table: &Path, version: i64) -> PathBuf {
    log_folder(table).join(format!("{version:020}.json"))
}

/// Puts a commit if its version is still free.
///
/// Synced first under another name; a hard link then fails where the name exists, and a reader never sees a part of it.
pub(super) fn put_commit(
    table: &Path,
    scratch: &Path,
    version: i64,
    actions: &[Value],
    now: Timestamp,
) -> Result<Put, SystemTableError> {
    let text: String = actions.iter().map(|action| format!("{action}\n")).collect();
    let source = scratch.join(format!("{}.json", Uuid::new_v4()));
    let target = commit_path(table, version);
    let written = (|| {
        let mut file = File::options().write(true).create_new(true).open(&source)?;
        file.write_all(text.as_bytes())?;
        // Log clean-up goes by this time.
        file.set_modified(SystemTime::from(now))?;
        file.sync_all()
    })();
    written.map_err(SystemTableError::disk("written", &source))?;
    let linked = std::fs::hard_link(&source, &target);
    // Only a second name: losing it costs nothing, and what stays is taken away at the next start.
    let _ = std::fs::remove_file(&source);
    match linked {
        Ok(()) => Ok(Put::Done),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Put::Taken),
        Err(error) => Err(SystemTableError::disk("written", &target)(error)),
    }
}

/// Looks at what lies in the log before the kernel reads it whole: a file may claim any size, and a pipe never ends.
pub(super) fn check_files(table: &Path) -> Result<(), SystemTableError> {
    /// Above all that the product writes: a checkpoint of a year's files has some megabytes.
    const MOST: u64 = 256 << 20;
    for (path, name) in list(&log_folder(table))? {
        let kind = path.metadata().map_err(SystemTableError::disk("looked at", &path))?;
        if kind.is_file() && kind.len() > MOST {
            let reason = format!("{name} has {} bytes, more than the {MOST} that are read of a log's file", kind.len());
            return Err(SystemTableError::torn(table, reason));
        }
        if !kind.is_file() && !kind.is_dir() {
            return Err(SystemTableError::torn(table, format!("{name} is not a file")));
        }
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<(), SystemTableError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(SystemTableError::disk("synced", folder))
}

/// Says that a file ceased to be needed at `now`; clean-up goes by this time.
pub(super) fn touch(path: &Path, now: Timestamp) -> Result<(), SystemTableError> {
    let touched = File::options().write(true).open(path).and_then(|file| file.set_modified(SystemTime::from(now)));
    match touched {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(SystemTableError::disk("written", path)),
    }
}

/// What an entry of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Commit(i64),
    Checkpoint(i64),
    /// What a killed process left half written.
    Leftover,
}

fn kind(name: &str) -> Option<Kind> {
    if name.contains('#') {
        return Some(Kind::Leftover);
    }
    let (digits, rest) = name.split_once('.')?;
    let version = digits.parse().ok().filter(|_| digits.len() == 20)?;
    match rest {
        "json" => Some(Kind::Commit(version)),
        rest if rest.starts_with("checkpoint.") => Some(Kind::Checkpoint(version)),
        _ => None,
    }
}

/// The newest checkpoint's version; None if there is none.
pub(super) fn newest_checkpoint(table: &Path) -> Result<Option<i64>, SystemTableError> {
    let entries = list(&log_folder(table))?;
    Ok(entries.iter().filter_map(|(_, name)| kind(name)).filter_map(checkpoint).max())
}

fn checkpoint(kind: Kind) -> Option<i64> {
    match kind {
        Kind::Checkpoint(version) => Some(version),
        Kind::Commit(_) | Kind::Leftover => None,
    }
}

/// Takes away what no version since `cutoff` is built from.
///
/// The newest checkpoint from before `cutoff` stays with everything after it, so each later version can still be read.
pub(super) fn clean(table: &Path, cutoff: Timestamp) -> Result<usize, SystemTableError> {
    let folder = log_folder(table);
    let cutoff = SystemTime::from(cutoff);
    let is_old = |path: &Path| path.metadata().and_then(|m| m.modified()).is_ok_and(|time| time < cutoff);
    let mut entries: Vec<(Kind, PathBuf)> =
        list(&folder)?.into_iter().filter_map(|(path, name)| Some((kind(&name)?, path))).collect();
    let old_checkpoints = entries.iter().filter(|(_, path)| is_old(path)).filter_map(|(kind, _)| checkpoint(*kind));
    let keep_from = old_checkpoints.max().unwrap_or(0);
    entries.retain(|(kind, path)| match kind {
        Kind::Commit(version) | Kind::Checkpoint(version) => *version < keep_from,
        Kind::Leftover => is_old(path),
    });
    // Oldest first: a log that is cut short at its beginning is whole from its checkpoint on.
    entries.sort_by(|(_, a), (_, b)| a.cmp(b));
    for (_, path) in &entries {
        std::fs::remove_file(path).map_err(SystemTableError::disk("removed", path))?;
    }
    Ok(entries.len())
}

/// Paths and names in a folder; none where it is not there.
pub(super) fn list(folder: &Path) -> Result<Vec<(PathBuf, String)>, SystemTableError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SystemTableError::disk("listed", folder)(error)),
    };
    let named = |entry: std::fs::DirEntry| (entry.path(), entry.file_name().to_string_lossy().into_owned());
    entries.map(|entry| entry.map(named).map_err(SystemTableError::disk("listed", folder))).collect()
}
