use super::writer::WriterError;
use std::path::{Path, PathBuf};

/// Why the sandbox could not start or do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The data dir refuses.
    #[error("{} couldn't be {action}. Check the disk and its permissions, or choose another --data-dir.", path.display())]
    Disk {
        /// What was tried, such as `created`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The disk of a region's database is full.
    #[error("The disk of the sandbox's database {} is full. Free some space. Nothing was lost.", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A region's database that cannot be used.
    #[error("Can't use the sandbox's database {}. It was left unchanged. Move it away, or choose another --data-dir.", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// A record that isn't what this program wrote.
    #[error("{} has content that this program didn't write: {reason}. It was left unchanged. Move it away, or choose another --data-dir.", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The data dir was moved: catalogs hold absolute locations.
    #[error("This sandbox was created in {}, and its catalogs contain that path. Move the data dir back, or choose a new one.", made_in.display())]
    Moved {
        /// Where it was made.
        made_in: PathBuf,
    },
    /// Another program has the port.
    #[error(
        "Port {port} of the sandbox's region {region} is taken by another program. Stop that program and start again."
    )]
    PortTaken {
        /// The region.
        region: String,
        /// Its port.
        port: u16,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A region that this sandbox hasn't.
    #[error("The sandbox has no region {region}. Its regions are us-east-1 and us-west-2.")]
    UnknownRegion {
        /// What was asked for.
        region: String,
    },
    /// A table that its region hasn't.
    #[error("{region} has no managed table {table}. Check the name: catalog.schema.table.")]
    UnknownTable {
        /// The region.
        region: String,
        /// What was asked for.
        table: String,
    },
    /// A table that could not be written.
    #[error(transparent)]
    Writer(#[from] WriterError),
    /// A task of the sandbox that ended early.
    #[error("A task of the sandbox ended early: {task}. Restart the program.")]
    TaskLost {
        /// What it did.
        task: &'static str,
    },
    /// A region refused a commit of its own job.
    #[error("{region} refused the commit: {message}")]
    Refused {
        /// The region.
        region: String,
        /// Its sentence.
        message: String,
    },
}

impl SandboxError {
    pub(super) fn disk<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Disk { action, path: path.to_owned(), source }
    }

    pub(super) fn database(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self + '_ {
        move |source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full { path: path.to_owned() },
            _ => Self::Database { path: path.to_owned(), source },
        }
    }

    pub(super) fn corrupt(path: &Path, reason: impl ToString) -> Self {
        Self::Corrupt { path: path.to_owned(), reason: reason.to_string() }
    }
}
