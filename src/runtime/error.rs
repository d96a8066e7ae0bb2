//! Why the runtime cannot start, or a command cannot run.

use super::connections::ConnectionError;
use crate::control::ControlError;
use crate::sandbox::SandboxError;
use crate::store::StoreError;
use std::path::PathBuf;

/// Why the runtime cannot start, or a command cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The data dir is a file.
    #[error("The data dir {} is a file. Name a folder with --data-dir.", path.display())]
    DataDirIsFile {
        /// The path.
        path: PathBuf,
    },
    /// The data dir cannot be created or written to.
    #[error("Can't write to the data dir {}: {source}. Change its permissions, or name another folder with --data-dir.", path.display())]
    DataDirUnusable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another instance runs on it.
    #[error("Another instance is running on the data dir {}. Stop it, or name another folder with --data-dir.", path.display())]
    DataDirHeld {
        /// The path.
        path: PathBuf,
    },
    /// The account API cannot be served.
    #[error(transparent)]
    Api(#[from] crate::api::ServeError),
    /// The gateway cannot be served.
    #[error(transparent)]
    Gateway(#[from] crate::gateway::GatewayError),
    /// The copy engine's program isn't there.
    #[error("{problem}. Install pyspark and obstore, or leave out --copy-engine spark.")]
    CopyEngine {
        /// What is missing.
        problem: String,
    },
    /// The sandbox did not start.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The store did not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A call on the control handle failed.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A connection could not be set up.
    #[error(transparent)]
    Connect(#[from] crate::connect::ConnectError),
    /// The data dir's connections can't be used.
    #[error(transparent)]
    Connection(Box<ConnectionError>),
    /// The operating system refused a thread or a socket.
    #[error("The runtime couldn't start: {source}. Close other programs, then try again.")]
    System {
        /// Why.
        source: std::io::Error,
    },
    /// A wait did not come to its end.
    #[error("{sentence}")]
    GaveUp {
        /// What was waited for, and what to look at.
        sentence: String,
    },
}

impl From<ConnectionError> for RuntimeError {
    fn from(error: ConnectionError) -> Self {
        Self::Connection(Box::new(error))
    }
}
