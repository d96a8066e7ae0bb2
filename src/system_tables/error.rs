//! Why a system table could not be written or read.

use std::path::{Path, PathBuf};

/// Why a system table could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum SystemTableError {
    /// The disk refused.
    #[error("{} could not be {action}: {source}. Check the disk and its permissions.", path.display())]
    Disk {
        /// What was tried, such as `written`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The folder holds a table with other columns, or one that uses features which this writer does not know.
    #[error(
        "The system table in {} isn't the console's: {reason}. Move the folder away, and the console starts a new table.",
        folder.display()
    )]
    Foreign {
        /// The table's folder.
        folder: PathBuf,
        /// What is different.
        reason: String,
    },
    /// The log cannot be read.
    #[error(
        "Can't read the log of the system table in {}: {reason}. Restore the folder, or move it away and the console starts a new table.",
        folder.display()
    )]
    Torn {
        /// The table's folder.
        folder: PathBuf,
        /// What the Delta library says.
        reason: String,
    },
    /// A data file cannot be read or written.
    #[error("Couldn't read or write the data file {}: {reason}. Restore it, or move the table's folder away.", path.display())]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What the Parquet or Arrow library says.
        reason: String,
    },
    /// A checkpoint could not be written; the commits stand without it.
    #[error("Couldn't write a checkpoint of the system table in {}: {reason}. The console retries.", folder.display())]
    Checkpoint {
        /// The table's folder.
        folder: PathBuf,
        /// What the Delta library says.
        reason: String,
    },
    /// Someone else commits to the table all the time.
    #[error("Another program keeps committing to the system table in {}. Stop it. Only the console may write this table.", folder.display())]
    Contended {
        /// The table's folder.
        folder: PathBuf,
    },
}

impl SystemTableError {
    pub(super) fn disk<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Disk { action, path: path.to_owned(), source }
    }

    pub(super) fn data_file<E: ToString>(path: &Path) -> impl Fn(E) -> Self + '_ {
        move |error| Self::DataFile { path: path.to_owned(), reason: error.to_string() }
    }

    pub(super) fn torn(folder: &Path, reason: impl ToString) -> Self {
        Self::Torn { folder: folder.to_owned(), reason: reason.to_string() }
    }

    pub(super) fn foreign(folder: &Path, reason: impl Into<String>) -> Self {
        Self::Foreign { folder: folder.to_owned(), reason: reason.into() }
    }
}
