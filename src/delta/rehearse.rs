//! A copy of one version of a table, which a rehearsal reads and writes without touching what it was made of.

use super::copy::bring;
use super::log::{LOG, Log, Named, commit_path, raw_live, raw_state_at, read_checkpoint, read_log_state};
use super::place::{self, Mode, Place, Put};
use super::plan::lacking_folders;
use super::pool;
use super::recover::{carries_time, path_of, rows_in_file, rows_of};
use super::{DeltaError, TableFault, TableRoot};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Files that are brought or looked at at a time.
const PARALLEL: usize = 8;
/// What the commit that proves a copy writable calls itself.
const OPERATION: &str = "REHEARSAL";

/// What a copy is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RehearsalCopy {
    /// Data files of the version.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that the copy shares with the table on the same disk, and that take no room of their own.
    pub shared_bytes: u64,
}

/// What a look at every file of a copy found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RehearsalCheck {
    /// Data files that the version needs.
    pub files: u64,
    /// Rows that their Parquet footers count, deleted ones included.
    pub rows: u64,
    /// Rows that the log's statistics count in the same files; None where the log doesn't say it of every file.
    pub rows_in_log: Option<u64>,
    /// What doesn't hold, a sentence each, at most ten.
    pub problems: Vec<String>,
}

/// Copies `version` of the table at `source` to `target`, data before log. Running it again completes what is there.
///
/// The copy has the live files of that version and as much of the log as readers need for it. On a local disk it shares
/// the data files by hard links: Delta never changes a file in place. Its log is always its own.
pub async fn copy_version(source: &TableRoot, target: &TableRoot, version: i64) -> Result<RehearsalCopy, TableFault> {
    let (from, to) = (source.clone(), target.clone());
    place::blocking(source, move || {
        let (from, to) = (place::open(&from), place::open(&to));
        let log = Log::list(&*from, 0)?;
        let inventory = read_log_state(&*from, &log, version, |_, _| {})?.inventory;
        if let Some(local) = to.local() {
            let lacking = lacking_folders(&inventory, &*from, &*to);
            lacking.iter().try_for_each(|folder| local.make_folder(&local.root().join(folder)))?;
        }
        let live: Vec<(Arc<str>, Named)> = inventory.files.into_iter().filter(|(_, named)| named.live).collect();
        let copied = copy_files(&*from, &*to, &live, version)?;
        copy_log(&*from, &*to, &log, version)?;
        Ok(copied)
    })
    .await
}

fn copy_files(
    from: &dyn Place,
    to: &dyn Place,
    live: &[(Arc<str>, Named)],
    version: i64,
) -> Result<RehearsalCopy, DeltaError> {
    let (bytes, shared) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed: Mutex<Option<DeltaError>> = Mutex::new(None);
    pool::each(live, PARALLEL, |(path, _)| {
        let mut slot = failed.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_some() {
            return;
        }
        drop(slot);
        let gone = || DeltaError::MissingFile { table: from.display(""), path: path.to_string(), version };
        let done = match share(from, to, path) {
            Some(size) => {
                shared.fetch_add(size, Ordering::Relaxed);
                Ok(size)
            }
            None => bring(from, to, path).and_then(|record| Ok(record.ok_or_else(gone)?.size)),
        };
        match done {
            Ok(size) => _ = bytes.fetch_add(size, Ordering::Relaxed),
            Err(error) => {
                slot = failed.lock().unwrap_or_else(PoisonError::into_inner);
                slot.get_or_insert(error);
            }
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let paths: Vec<String> = live.iter().map(|(path, _)| path.to_string()).collect();
    to.sync(&paths)?;
    Ok(RehearsalCopy { files: live.len() as u64, bytes: bytes.into_inner(), shared_bytes: shared.into_inner() })
}

/// Links a plain file of a local disk into the copy; its bytes, or None where it has to be copied.
fn share(from: &dyn Place, to: &dyn Place, path: &str) -> Option<u64> {
    let (source, target) = (from.local()?.root().join(path), to.local()?.root().join(path));
    let found = std::fs::symlink_metadata(&source).ok().filter(|found| found.is_file())?;
    if std::fs::symlink_metadata(&target).is_ok_and(|there| same_file(&there, &found)) {
        return Some(found.len());
    }
    std::fs::create_dir_all(target.parent()?).ok()?;
    std::fs::hard_link(&source, &target).ok().map(|()| found.len())
}

#[cfg(unix)]
fn same_file(a: &std::fs::Metadata, b: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(_a: &std::fs::Metadata, _b: &std::fs::Metadata) -> bool {
    false
}

/// Copies the newest checkpoint up to `version` and the commits from there on.
fn copy_log(from: &dyn Place, to: &dyn Place, log: &Log, version: i64) -> Result<(), DeltaError> {
    let base = log.base(version, false, &from.display(""))?;
    let mut paths = Vec::new();
    let mut first = *base.commits.start();
    if let Some(checkpoint) = base.checkpoint {
        paths.extend(read_checkpoint(from, checkpoint, false, &mut |_, _| Ok(()))?.sidecars);
        paths.extend(checkpoint.paths());
        first = checkpoint.version;
    }
    let commits = (first..=version).map(commit_path);
    // The commit of a checkpoint's own version may have been cleaned up.
    paths
        .extend(commits.filter(|path| base.checkpoint.is_none() || from.stat(path).is_ok_and(|found| found.is_some())));
    for path in &paths {
        let missing = || DeltaError::LogGap { table: from.display(""), missing: version, newest: version };
        bring(from, to, path)?.ok_or_else(missing)?;
    }
    to.sync(&paths)
}

/// Looks at every data file of `version`: that it is there, has the size that the log says, and is Parquet with as many rows.
pub async fn check_version(root: &TableRoot, version: i64) -> Result<RehearsalCheck, TableFault> {
    let table = root.clone();
    place::blocking(root, move || {
        let place = place::open(&table);
        let log = Log::list(&*place, 0)?;
        let adds: Vec<Value> = raw_live(&*place, &log, version)?.into_values().collect();
        let rows = AtomicU64::new(0);
        let problems: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        pool::each(&adds, PARALLEL, |add| match check_file(&*place, add) {
            Ok(found) => _ = rows.fetch_add(found, Ordering::Relaxed),
            Err(problem) => _ = problems.lock().unwrap_or_else(PoisonError::into_inner).insert(problem),
        });
        let problems = problems.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(RehearsalCheck {
            files: adds.len() as u64,
            rows: rows.into_inner(),
            rows_in_log: adds.iter().map(rows_of).try_fold(0_u64, |sum, rows| Some(sum.saturating_add(rows?))),
            problems: problems.into_iter().take(10).collect(),
        })
    })
    .await
}

/// A data file's rows, or what is wrong with it.
fn check_file(place: &dyn Place, add: &Value) -> Result<u64, String> {
    let path = path_of(add, &place.display("")).map_err(|error| error.to_string())?;
    let file = place.display(&path);
    let stamp = place.stat(&path).map_err(|error| error.to_string())?.ok_or_else(|| format!("{file} is missing."))?;
    if let Some(size) = add.get("size").and_then(Value::as_u64).filter(|size| *size != stamp.size) {
        return Err(format!("{file} has {} bytes, but the log says {size}.", stamp.size));
    }
    let rows = rows_in_file(place, &path).map_err(|error| error.to_string())?;
    match rows_of(add).filter(|said| *said != rows) {
        Some(said) => Err(format!("{file} has {rows} rows, but the log says {said}.")),
        None => Ok(rows),
    }
}

/// Commits to the copy as a writer would, after `version`; the version that it became. The commit changes no row.
pub async fn prove_writable(root: &TableRoot, version: i64, now_ms: i64) -> Result<i64, TableFault> {
    let table = root.clone();
    place::blocking(root, move || {
        let place = place::open(&table);
        let log = Log::list(&*place, 0)?;
        let mut info = json!({
            "timestamp": now_ms,
            "operation": OPERATION,
            "operationParameters": {},
            "isBlindAppend": true,
            "engineInfo": concat!("Resilience-Console/", env!("CARGO_PKG_VERSION")),
        });
        if carries_time(&raw_state_at(&*place, &log, version)?) {
            info["inCommitTimestamp"] = now_ms.into();
        }
        let next = version.saturating_add(1);
        let path = commit_path(next);
        let bytes = format!("{}\n", json!({ "commitInfo": info })).into_bytes();
        if place.put(&path, &bytes, now_ms.saturating_mul(1_000_000), Mode::Create)? == Put::Exists {
            let ours = place.read(&path, 1 << 20)?.is_some_and(|there| {
                serde_json::from_slice::<Value>(&there.bytes)
                    .is_ok_and(|line| line["commitInfo"]["operation"] == OPERATION)
            });
            if !ours {
                return Err(DeltaError::Unfit {
                    table: place.display(""),
                    sentence: format!("Someone else wrote version {next} of the copy at {}.", place.display("")),
                });
            }
        }
        place.sync(std::slice::from_ref(&path))?;
        Ok(next)
    })
    .await
}

/// Removes every file of a copy. The caller knows that it is one.
pub async fn remove_copy(root: &TableRoot) -> Result<u64, TableFault> {
    let table = root.clone();
    place::blocking(root, move || {
        let place = place::open(&table);
        let mut paths = place.list_all("")?;
        // The log goes last: until then it is clear what lies there.
        paths.sort_by_key(|path| path.starts_with(LOG));
        for path in &paths {
            place.remove(path)?;
        }
        if let Some(local) = place.local() {
            remove_empty(local.root());
        }
        Ok(paths.len() as u64)
    })
    .await
}

/// Removes folders that hold nothing. One that can't be removed is no harm.
fn remove_empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    let _ = std::fs::remove_dir(folder);
}
