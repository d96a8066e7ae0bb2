use std::path::{Path, PathBuf};

/// Why a table could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The disk refused.
    #[error("{} could not be {action}. Check the disk and its permissions.", path.display())]
    Disk {
        /// What was tried, such as `written`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The log holds something that isn't Delta.
    #[error("The log entry {} cannot be read: {reason}. Restore it from the replica.", path.display())]
    Log {
        /// The commit or checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A table that uses something these jobs can't write.
    #[error("{} cannot be written by a sandbox job: {reason}. Write it with a client of your own.", path.display())]
    Unsupported {
        /// The table's folder.
        path: PathBuf,
        /// What it uses.
        reason: String,
    },
    /// A data file that isn't Parquet, or not this table's.
    #[error("The data file {} could not be read or written.", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the Parquet library says.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Columns that don't fit together.
    #[error("The rows of {} could not be computed.", path.display())]
    Arrow {
        /// The table or file.
        path: PathBuf,
        /// What the Arrow library says.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// A checkpoint that could not be written.
    #[error("No checkpoint of {} at version {version} could be written.", path.display())]
    Checkpoint {
        /// The table's folder.
        path: PathBuf,
        /// The version.
        version: i64,
        /// What the Delta library says.
        #[source]
        source: Box<delta_kernel::KernelError>,
    },
    /// Other writers were faster again and again.
    #[error("Other writers commit to {} faster than the job can. The job retries.", path.display())]
    Contended {
        /// The table's folder.
        path: PathBuf,
    },
}

impl WriterError {
    pub(super) fn disk<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Disk { action, path: path.to_owned(), source }
    }

    pub(super) fn log(path: &Path, reason: impl ToString) -> Self {
        Self::Log { path: path.to_owned(), reason: reason.to_string() }
    }

    pub(super) fn unsupported(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_owned(), reason: reason.into() }
    }

    pub(super) fn arrow(path: &Path) -> impl FnOnce(arrow::error::ArrowError) -> Self + '_ {
        move |source| Self::Arrow { path: path.to_owned(), source }
    }

    pub(super) fn parquet(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> Self + '_ {
        move |source| Self::Parquet { path: path.to_owned(), source }
    }
}
