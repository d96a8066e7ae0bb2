//! What can go wrong with the store.

use std::path::{Path, PathBuf};

/// A failure of the store. Nothing of the failed transaction is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is damaged, or isn't a store at all. It is left as it is.
    #[error(
        "The store {path} is damaged: {detail}. The console left it unchanged. Move it away to start again, or restore a backup."
    )]
    Corrupt {
        /// The file.
        path: String,
        /// What SQLite found.
        detail: String,
    },
    /// A newer version of the product wrote the file.
    #[error(
        "The store {path} was written by a newer version of this program (format {found}, this one knows {known}). Start the newer version."
    )]
    Newer {
        /// The file.
        path: String,
        /// Its format.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// The disk is full.
    #[error("The disk of the store {path} is full. Free some space. Nothing was lost.")]
    Full {
        /// The file.
        path: String,
    },
    /// The file cannot be opened, read or written.
    #[error("Can't use the store {}. Check that its folder exists and is writable.", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The process is stopping.
    #[error("The store {} was closed during a write. The change was not made.", path.display())]
    Interrupted {
        /// The file.
        path: PathBuf,
    },
}

impl StoreError {
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path: path.display().to_string(), detail: source.to_string() }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path: path.display().to_string() },
            _ if matches!(source, rusqlite::Error::FromSqlConversionFailure(..)) => {
                Self::Corrupt { path: path.display().to_string(), detail: source.to_string() }
            }
            _ => Self::Unusable { path: path.to_owned(), source: Box::new(source) },
        }
    }
}
