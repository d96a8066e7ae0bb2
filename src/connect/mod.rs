//! Regions, the HTTP that they are reached by, and object stores by URI.
//!
//! [`RegionApi`] says what a region offers; the layers above know nothing else. `region` has a file for each kind of region,
//! `rest` the public REST APIs, `http` a single call, `storage` what lies behind a storage URI.

mod account;
mod error;
mod health;
mod http;
mod profile;
mod region;
mod rest;
mod settings;
mod sheet;
mod storage;
#[cfg(test)]
mod testing;

pub use crate::wire::Secret;
pub use account::AccountClient;
pub use error::ConnectError;
pub use health::{Health, RegionHealth};
pub use http::RetryPolicy;
pub use profile::{FILE_VARIABLE, Profile, ProfileError, profile_names};
#[cfg(test)]
pub use region::InMemoryRegion;
pub use region::{
    AccessApi, Answer, CatalogTable, CredentialModes, Enforcement, Grant, PublicRegion, RegionApi, RegionCapabilities,
    SandboxRegion, TablePlace, UnpausedJob, UnpausedPlaces, WorkspaceApi, WorkspaceRole,
};
pub use settings::{Auth, ConnectSettings};
pub use sheet::{CapabilitySheet, RegionIdentity, SheetLine, SheetMark};
pub use storage::{Renew, StorageHandle, StorageOptions, StoreKeys, Vended, open_storage, open_vended};
