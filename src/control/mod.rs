//! Failover groups, stable URLs, tokens and the operations on them: the one handle that the window, the command line and the API go through.

mod backoff;
mod cell;
mod create;
mod credentials;
mod deletion;
mod deployment;
mod error;
mod failover;
mod handle;
mod journal;
mod keyring;
mod operation;
mod points;
mod reclaim;
mod regions;
mod repair;
mod resume;
mod shown;
mod stable_urls;
mod status;
mod tokens;
mod transfer_limit;
mod update;
mod verify;
pub mod view;
mod worker;

pub use credentials::CredentialFiles;
pub use deployment::{Deployment, Workspace};
pub use error::ControlError;
pub use handle::{Control, ControlSettings};
pub use keyring::Caller;
pub use points::{PointReport, PointTable};
pub use repair::Repair;
pub use status::{GroupStatus, OperationStatus};
pub use tokens::AccessToken;
pub use update::{GroupPatch, SetPatch};
