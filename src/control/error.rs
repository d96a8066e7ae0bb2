//! Why the control handle refuses or fails.

use crate::domain::{ErrorClass, InvalidTransition, InvalidWorkspaceId, Violation};
use crate::replicate::CycleError;
use crate::store::StoreError;

/// A refusal or failure of a call on the control handle.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The request breaks rules; nothing was changed.
    #[error("{}", sentences(violations))]
    Invalid {
        /// Every rule that it breaks, at least one.
        violations: Vec<Violation>,
    },
    /// One argument is wrong.
    #[error("{sentence}")]
    BadArgument {
        /// What is wrong and what to do.
        sentence: String,
    },
    /// No such group.
    #[error("There is no failover group named {id}.")]
    UnknownGroup {
        /// The name asked for.
        id: String,
    },
    /// No such workspace.
    #[error("The account has no workspace with the id {id}.")]
    UnknownWorkspace {
        /// The id asked for.
        id: String,
    },
    /// No such stable URL.
    #[error("There is no stable URL named {id}.")]
    UnknownStableUrl {
        /// The name asked for.
        id: String,
    },
    /// No such drill.
    #[error("The group has no drill with the id {id}. List its drills.")]
    UnknownDrill {
        /// The id asked for.
        id: String,
    },
    /// No such token.
    #[error("There is no token with the id {id}. Refresh the list.")]
    UnknownToken {
        /// The id asked for.
        id: String,
    },
    /// The name is taken.
    #[error("{sentence}")]
    Exists {
        /// What is taken and what to do.
        sentence: String,
    },
    /// A file that holds a secret cannot be read or written.
    #[error("Can't read or write the file {}: {source}. Check its folder's permissions and the disk space.", path.display())]
    SecretFile {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The system gave no random bits.
    #[error("The system returned no random bytes for a token. Try again.")]
    NoRandomBits,
    /// The group changed since the caller looked.
    #[error("Failover group {id} has changed since you read it. Read it again, then retry.")]
    Stale {
        /// The group.
        id: String,
    },
    /// The state does not allow it.
    #[error(transparent)]
    State(#[from] InvalidTransition),
    /// Something else than the state does not allow it.
    #[error("{sentence}")]
    Refused {
        /// What stands in the way and what to do.
        sentence: String,
    },
    /// It waits for a second person; nothing was begun.
    #[error("{sentence}")]
    AwaitsApproval {
        /// What waits, since when and how it goes on.
        sentence: String,
    },
    /// A region failed.
    #[error(transparent)]
    Region(#[from] crate::connect::ConnectError),
    /// Replication failed.
    #[error(transparent)]
    Cycle(Box<CycleError>),
    /// A table failed.
    #[error("{}", .0.message)]
    Table(crate::delta::TableFault),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn sentences(violations: &[Violation]) -> String {
    violations.iter().map(|v| v.sentence.as_str()).collect::<Vec<_>>().join(" ")
}

impl From<InvalidWorkspaceId> for ControlError {
    fn from(error: InvalidWorkspaceId) -> Self {
        Self::BadArgument { sentence: error.to_string() }
    }
}

impl From<CycleError> for ControlError {
    fn from(error: CycleError) -> Self {
        Self::Cycle(Box::new(error))
    }
}

impl From<crate::delta::TableFault> for ControlError {
    fn from(fault: crate::delta::TableFault) -> Self {
        Self::Table(fault)
    }
}

impl ControlError {
    /// The class under which what fails by this is flagged.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Region(error) => error.class(),
            Self::Cycle(error) => match error.as_ref() {
                CycleError::Region { source, .. } => source.class(),
                CycleError::Store(_) | CycleError::Stopped => ErrorClass::StorageFailure,
            },
            Self::Table(fault) => fault.class,
            _ => ErrorClass::StorageFailure,
        }
    }

    /// Whether a region cannot be reached.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Region(error) => error.is_unreachable(),
            Self::Cycle(error) => error.is_unreachable(),
            _ => false,
        }
    }

    /// Whether the console's own store couldn't be read or written.
    pub fn is_of_store(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Cycle(error) => matches!(error.as_ref(), CycleError::Store(_)),
            _ => false,
        }
    }

    /// Whether a region says that something isn't there.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Region(error) => error.is_not_found(),
            Self::Cycle(error) => matches!(error.as_ref(), CycleError::Region { source, .. } if source.is_not_found()),
            _ => false,
        }
    }
}
