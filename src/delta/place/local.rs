//! A table's folder on a local disk.

use super::regular::{open_at_once, open_regular, read_up_to};
use super::uncached::Uncached;
use super::{Content, Listed, Mode, Opened, Place, Put, RandomAccess, Sink, Staged};
use crate::delta::DeltaError;
use crate::delta::position::FileFingerprint;
use crate::domain::ErrorClass;
use rustix::fs::{CWD, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::collections::HashSet;
use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Names of files that are being written end in this and begin with a dot, so that no Delta reader and no VACUUM takes
/// them for anything. Between the two stands a UUID made of the file's own name, so that they fit where that name does, are
/// no other file's, and are the same for every attempt: what a killed process left is overwritten by the next one.
const STAGED_SUFFIX: &str = ".resilience";

/// More files than this are synced by one sync of their file system.
const SYNC_EACH: usize = 48;

/// A folder on a local disk.
pub(in crate::delta) struct LocalPlace {
    root: PathBuf,
    /// Folders that are known to be there, and those made here whose parents need a sync.
    folders: Arc<Mutex<HashSet<PathBuf>>>,
    made: Arc<Mutex<HashSet<PathBuf>>>,
}

pub(in crate::delta) fn storage_error(action: &'static str, path: &Path, error: &io::Error) -> DeltaError {
    storage_failure(action, path.display().to_string(), error)
}

/// [`storage_error`] of what a person would look for under `path`.
pub(in crate::delta) fn storage_failure(action: &'static str, path: String, error: &io::Error) -> DeltaError {
    let class = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ErrorClass::StorageFull,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => ErrorClass::PermissionDenied,
        _ => ErrorClass::StorageFailure,
    };
    DeltaError::Storage { action, path, detail: error.to_string(), class }
}

fn fingerprint_of(metadata: &fs::Metadata) -> FileFingerprint {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    FileFingerprint {
        size: metadata.len(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        etag: None,
    }
}

fn is_absent(error: &io::Error) -> bool {
    // A circle of links, and a name that the file system can't hold, lead to nothing; a socket can be looked at, but not
    // opened.
    let no_file = [Errno::LOOP, Errno::NAMETOOLONG, Errno::NXIO];
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
        || no_file.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Whether a reader may find a file there. Only a link is looked at; one to nothing, or to no file, is none.
fn is_file(entry: &DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    Ok(kind.is_file() || (kind.is_symlink() && !matches!(stat_file(&entry.path()), Ok(None))))
}

/// The stamp of a file; None if it doesn't exist.
pub(in crate::delta) fn stat_file(path: &Path) -> Result<Option<FileFingerprint>, DeltaError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file().then(|| fingerprint_of(&metadata))),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(storage_error("look at", path, &error)),
    }
}

impl LocalPlace {
    pub fn new(root: PathBuf) -> Self {
        Self { root, folders: Arc::default(), made: Arc::default() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, rel: &str) -> PathBuf {
        if rel.is_empty() { self.root.clone() } else { self.root.join(rel) }
    }

    fn file(&self, rel: &str) -> Result<Option<(File, fs::Metadata)>, DeltaError> {
        let path = self.at(rel);
        match open_regular(&path) {
            Ok(found) => Ok(found),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(storage_error("read", &path, &error)),
        }
    }

    /// Makes a folder and those above it, where they aren't there. They are synced with the next files.
    pub fn make_folder(&self, folder: &Path) -> Result<(), DeltaError> {
        let known = |folder: &Path| lock(&self.folders).contains(folder);
        if known(folder) {
            return Ok(());
        }
        let mut missing = Vec::new();
        let mut at = folder;
        while !known(at) && !at.is_dir() {
            missing.push(at);
            match at.parent() {
                Some(parent) => at = parent,
                None => break,
            }
        }
        for path in missing.iter().rev() {
            match fs::create_dir(path) {
                Ok(()) => {
                    lock(&self.made).insert(path.to_path_buf());
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(storage_error("make the folder", path, &error)),
            }
        }
        lock(&self.folders).insert(folder.to_path_buf());
        Ok(())
    }

    fn walk(&self, dir: &Path, found: &mut Vec<String>) -> Result<(), DeltaError> {
        let failed = |error: io::Error| storage_error("list", dir, &error);
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                self.walk(&entry.path(), found)?;
            } else if is_file(&entry).map_err(failed)?
                && let Ok(rel) = entry.path().strip_prefix(&self.root)
                && let Some(rel) = rel.to_str()
            {
                found.push(rel.to_owned());
            }
        }
        Ok(())
    }

    /// Removes empty folders from `rel` upwards, never the root.
    pub fn prune(&self, rel: &str) {
        let mut at = self.at(rel);
        while at != self.root && at.starts_with(&self.root) && fs::remove_dir(&at).is_ok() {
            lock(&self.folders).remove(&at);
            if !at.pop() {
                break;
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Place for LocalPlace {
    fn display(&self, rel: &str) -> String {
        self.at(rel).display().to_string()
    }

    fn list(&self, dir: &str, _from: Option<&str>) -> Result<Vec<Listed>, DeltaError> {
        let path = self.at(dir);
        let failed = |error: io::Error| storage_error("list", &path, &error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            // A name that is not UTF-8 is nothing that a Delta log can name.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if is_file(&entry).map_err(failed)? {
                found.push(Listed { name, stamp: None });
            }
        }
        Ok(found)
    }

    fn list_all(&self, dir: &str) -> Result<Vec<String>, DeltaError> {
        let mut found = Vec::new();
        self.walk(&self.at(dir), &mut found)?;
        Ok(found)
    }

    fn stat(&self, rel: &str) -> Result<Option<FileFingerprint>, DeltaError> {
        stat_file(&self.at(rel))
    }

    fn read(&self, rel: &str, most: u64) -> Result<Option<Content>, DeltaError> {
        let Some((file, metadata)) = self.file(rel)? else { return Ok(None) };
        let read = read_up_to(file, metadata.len(), most);
        match read.map_err(|error| storage_error("read", &self.at(rel), &error))? {
            Ok(bytes) => Ok(Some(Content { bytes, stamp: fingerprint_of(&metadata) })),
            Err(size) => Err(DeltaError::TooLarge { path: self.display(rel), size, most }),
        }
    }

    fn open(&self, rel: &str) -> Result<Option<Opened>, DeltaError> {
        let opened = |(file, metadata): (File, fs::Metadata)| Opened {
            reader: Box::new(Uncached::new(file, metadata.len())),
            stamp: fingerprint_of(&metadata),
        };
        Ok(self.file(rel)?.map(opened))
    }

    fn open_random(&self, rel: &str) -> Result<Option<RandomAccess>, DeltaError> {
        Ok(self.file(rel)?.map(|(file, metadata)| RandomAccess::File(file, metadata.len())))
    }

    fn create(&self, rel: &str, size: u64) -> Result<Box<dyn Sink>, DeltaError> {
        let path = self.at(rel);
        let folder = path.parent().unwrap_or(&self.root);
        self.make_folder(folder)?;
        let staged = folder.join(staged_name(rel));
        let file = create_new(&staged).map_err(|error| {
            // The folder may have been removed since it was made: look again at the next attempt.
            lock(&self.folders).remove(folder);
            storage_error("write", &path, &error)
        })?;
        Ok(Box::new(LocalSink { file: Uncached::new(file, size), staged: StagedPath(staged), path }))
    }

    fn remove(&self, rel: &str) -> Result<(), DeltaError> {
        let path = self.at(rel);
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(storage_error("remove", &path, &error)),
        }
    }

    fn local(&self) -> Option<&LocalPlace> {
        Some(self)
    }

    fn sync(&self, paths: &[String]) -> Result<(), DeltaError> {
        let made: Vec<PathBuf> = lock(&self.made).drain().collect();
        let paths: Vec<PathBuf> = paths.iter().map(|rel| self.at(rel)).collect();
        sync_paths(&paths, &made)
    }
}

/// Syncs files of several places at once, with the folders that were made for them.
pub(in crate::delta) fn sync_batch(files: &[PathBuf], places: &[&LocalPlace]) -> Result<(), DeltaError> {
    let made: Vec<PathBuf> = places.iter().flat_map(|place| lock(&place.made).drain().collect::<Vec<_>>()).collect();
    sync_paths(files, &made)
}

/// Opens a new file to write. What lies there already, be it a piece that a killed process left, a pipe or a link to a
/// place elsewhere, is taken away before.
fn create_new(path: &Path) -> io::Result<File> {
    let create = || File::options().write(true).create_new(true).open(path);
    match create() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            create()
        }
        result => result,
    }
}

fn sync_paths(files: &[PathBuf], made: &[PathBuf]) -> Result<(), DeltaError> {
    let mut folders: HashSet<&Path> = files.iter().filter_map(|path| path.parent()).collect();
    folders.extend(made.iter().map(PathBuf::as_path));
    folders.extend(made.iter().filter_map(|path| path.parent()));
    if files.len() + folders.len() > SYNC_EACH {
        let mut devices = HashSet::new();
        for folder in folders {
            let failed = |error: io::Error| storage_error("sync", folder, &error);
            let handle = File::open(folder).map_err(failed)?;
            if devices.insert(handle.metadata().map_err(failed)?.dev()) {
                rustix::fs::syncfs(&handle).map_err(|error| failed(error.into()))?;
            }
        }
        return Ok(());
    }
    for path in files.iter().map(PathBuf::as_path).chain(folders) {
        let failed = |error: io::Error| storage_error("sync", path, &error);
        match open_at_once(path) {
            Ok(file) => file.sync_all().map_err(failed)?,
            // Published under another name in the meantime; its folder is synced.
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}

pub(in crate::delta) fn staged_name(rel: &str) -> String {
    let name = rel.rsplit('/').next().unwrap_or(rel);
    format!(".{}{STAGED_SUFFIX}", uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()))
}

/// Whether a file of this name could lie where another is being written.
pub(in crate::delta) fn is_staged_name(name: &str) -> bool {
    let id = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(STAGED_SUFFIX));
    id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
}

/// Removes the staged file unless it was published.
struct StagedPath(PathBuf);

impl Drop for StagedPath {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

struct LocalSink {
    file: Uncached,
    staged: StagedPath,
    path: PathBuf,
}

impl Sink for LocalSink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), DeltaError> {
        self.file.write_all(bytes).map_err(|error| storage_error("write", &self.path, &error))
    }

    fn written_ms(&self) -> Option<i64> {
        let metadata = self.file.file().metadata().ok()?;
        Some(fingerprint_of(&metadata).modified_ms())
    }

    fn finish(self: Box<Self>, modified_ns: i64) -> Result<Box<dyn Staged>, DeltaError> {
        let at =
            Timespec { tv_sec: modified_ns.div_euclid(1_000_000_000), tv_nsec: modified_ns.rem_euclid(1_000_000_000) };
        rustix::fs::futimens(self.file.file(), &Timestamps { last_access: at, last_modification: at })
            .map_err(|error| storage_error("set the time of", &self.path, &error.into()))?;
        Ok(Box::new(LocalStaged { staged: self.staged, path: self.path }))
    }
}

struct LocalStaged {
    staged: StagedPath,
    path: PathBuf,
}

impl Staged for LocalStaged {
    fn local_path(&self) -> Option<&Path> {
        Some(&self.staged.0)
    }

    fn publish(mut self: Box<Self>, mode: Mode) -> Result<Put, DeltaError> {
        let failed = |error: io::Error| storage_error("write", &self.path, &error);
        match mode {
            Mode::Replace => fs::rename(&self.staged.0, &self.path).map_err(failed)?,
            Mode::Create => match rename_new(&self.staged.0, &self.path) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Put::Exists),
                Err(error) => return Err(failed(error)),
            },
        }
        self.staged.0 = PathBuf::new();
        Ok(Put::Done)
    }
}

/// Renames only where nothing is, in one step.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems know no such rename: a hard link refuses to replace just as well.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            fs::hard_link(from, to)?;
            fs::remove_file(from)
        }
        result => result.map_err(io::Error::from),
    }
}
