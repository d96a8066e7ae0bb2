//! The data dir: where everything lies, held by one instance at a time.

use super::RuntimeError;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a hold is waited for before it counts as that of another instance.
const GRACE: Duration = Duration::from_secs(1);

/// A data dir that this process holds. The hold ends with the process, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the folder where needed and takes hold of it, within a second.
    pub fn hold(path: &Path) -> Result<Self, RuntimeError> {
        let unusable = |source| RuntimeError::DataDirUnusable { path: path.to_owned(), source };
        if path.is_file() {
            return Err(RuntimeError::DataDirIsFile { path: path.to_owned() });
        }
        // Tokens lie in it, so it is the owner's alone.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                RuntimeError::DataDirIsFile { path: path.to_owned() }
            }
            _ => unusable(source),
        })?;
        let path = path.canonicalize().map_err(unusable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(unusable)?;
        let asked = Instant::now();
        loop {
            match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { path, _lock: lock }),
                // A process that was just killed holds on until the system has taken it apart.
                Err(rustix::io::Errno::WOULDBLOCK) if asked.elapsed() < GRACE => std::thread::sleep(GRACE / 40),
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(RuntimeError::DataDirHeld { path }),
                Err(error) => return Err(unusable(error.into())),
            }
        }
    }

    /// Whether another process holds `path`.
    pub fn is_held(path: &Path) -> bool {
        let Ok(lock) = OpenOptions::new().write(true).open(path.join("lock")) else { return false };
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            == Err(rustix::io::Errno::WOULDBLOCK)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self.path.join("state.db")
    }

    /// The sandbox's folder.
    pub fn sandbox(&self) -> PathBuf {
        self.path.join("sandbox")
    }

    /// Where jobs that copy files get folders of their own.
    pub fn copy_jobs(&self) -> PathBuf {
        self.path.join("copy-jobs")
    }

    /// The folder of the system tables.
    pub fn system_tables(&self) -> PathBuf {
        Self::system_tables_of(&self.path)
    }

    /// The folder of a data dir's system tables.
    pub fn system_tables_of(path: &Path) -> PathBuf {
        path.join("system_tables")
    }

    /// The private socket on which another command reaches this instance.
    pub fn socket(path: &Path) -> PathBuf {
        path.join("control.sock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_instance_at_a_time() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("data");
        let held = DataDir::hold(&path).expect("held");
        assert!(DataDir::is_held(&path));
        assert!(matches!(DataDir::hold(&path), Err(RuntimeError::DataDirHeld { .. })));
        drop(held);
        assert!(!DataDir::is_held(&path));
        DataDir::hold(&path).expect("free again");
    }

    #[test]
    fn a_file_is_no_data_dir() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("data");
        std::fs::write(&path, "x").expect("written");
        assert!(matches!(DataDir::hold(&path), Err(RuntimeError::DataDirIsFile { .. })));
        assert!(matches!(DataDir::hold(&path.join("below")), Err(RuntimeError::DataDirIsFile { .. })));
        assert_eq!(std::fs::read_to_string(&path).expect("kept"), "x");
    }
}
