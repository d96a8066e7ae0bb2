//! HTTP clients of a region's workspace and Unity Catalog, and object stores by URI.
//!
//! [`RegionClient`] is one workspace URL with a login. A sandbox region and a real one are reached by the same
//! calls; [`RegionClient::capabilities`] says what the region offers beyond the public APIs.

mod azure;
mod body;
mod catalogs;
mod compute;
mod error;
mod grants;
mod health;
mod jobs;
mod login;
mod paging;
pub mod profile;
mod region;
mod retry;
mod sandbox;
mod skew;
mod storage;
mod tables;
#[cfg(test)]
mod testing;
mod transport;
mod vended;

pub use crate::wire::Secret;
pub use error::ConnectError;
pub use grants::{Grant, TablePlace};
pub use health::{Health, RegionHealth};
pub use jobs::{UnpausedJob, UnpausedPlaces};
pub use profile::{Profile, ProfileError};
pub use region::{Auth, ConnectSettings, RegionClient};
pub use retry::RetryPolicy;
pub use sandbox::RegionCapabilities;
pub use storage::{StorageHandle, StorageOptions, open_storage, open_vended};
pub use vended::{Renew, Vended};
