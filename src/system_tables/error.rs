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
        "The system table in {} is not the product's: {reason}. Move the folder aside, and a new table is begun.",
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
        "The log of the system table in {} cannot be read: {reason}. Restore the folder or move it aside, and a new table is begun.",
        folder.display()
    )]
    Torn {
        /// The table's folder.
        folder: PathBuf,
        /// What the Delta library says.
        reason: String,
    },
    /// A data file cannot be read or written.
    #[error("The data file {} could not be read or written: {reason}. Restore it, or move the table's folder aside.", path.display())]
    DataFile {
        /// The file.
        path: PathBuf,
        /// What the Parquet or Arrow library says.
        reason: String,
    },
    /// A checkpoint could not be written; the commits stand without it.
    #[error("No checkpoint of the system table in {} could be written: {reason}. It is tried again.", folder.display())]
    Checkpoint {
        /// The table's folder.
        folder: PathBuf,
        /// What the Delta library says.
        reason: String,
    },
    /// Somebody else commits to the table all the time.
    #[error("Another program commits to the system table in {} all the time. Stop it; the table is written by the product alone.", folder.display())]
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
