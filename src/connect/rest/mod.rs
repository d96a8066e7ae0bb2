//! The public REST APIs of one workspace: what every region that is reached over HTTP has in common.

mod access;
mod catalogs;
mod commits;
mod compute;
mod dashboards;
mod in_schema;
mod jobs;
mod objects;
mod permissions;
mod tables;

pub(super) use catalogs::NO_SUCH_CATALOG;

use super::error::ConnectError;
use super::health::RegionHealth;
use super::http::{Call, Transport};
use super::settings::ConnectSettings;
use super::storage::StorageOptions;
use crate::domain::ClockSkew;
use crate::wire::workspace::ME_PATH;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// One workspace of a region: Unity Catalog and workspace calls.
pub(super) struct RegionClient {
    pub transport: Transport,
    storage: StorageOptions,
    /// Whether credentials are asked for under the catalog's own prefix, because the region doesn't serve the usual one.
    credentials_at_newer: AtomicBool,
}

impl fmt::Debug for RegionClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionClient")
            .field("region", &self.transport.region())
            .field("url", &self.transport.url())
            .finish_non_exhaustive()
    }
}

impl RegionClient {
    /// A client; nothing is sent yet.
    pub fn new(settings: ConnectSettings) -> Result<Self, ConnectError> {
        let transport = Transport::new(&settings)?;
        Ok(Self { transport, storage: settings.storage, credentials_at_newer: AtomicBool::new(false) })
    }

    /// The region as messages name it.
    pub fn region(&self) -> &str {
        self.transport.region()
    }

    /// How far the region's clock is from this machine's, as far as its answers tell.
    pub fn clock_skew(&self) -> Option<ClockSkew> {
        self.transport.skew()
    }

    /// What the region's stores need beyond what their URIs and the vended credentials say.
    pub fn storage(&self) -> &StorageOptions {
        &self.storage
    }

    /// Whether the workspace answers, as every call of this client found it.
    pub fn health(&self) -> &RegionHealth {
        self.transport.health()
    }

    /// Asks whether the workspace answers: once, and not for longer than `patience`. What it finds is in the health.
    pub async fn probe(&self, patience: Duration) {
        let answers = self.health().answers();
        if tokio::time::timeout(patience, self.transport.send_once(Call::get(ME_PATH, &[]))).await.is_err() {
            self.health().failed(answers, "no answer in time");
        }
    }
}

/// Writes a plain absolute path, as local catalogs tell one, as the URI that it stands for.
fn as_uri(location: &mut String) {
    if location.starts_with('/')
        && let Ok(url) = url::Url::from_file_path(&*location)
    {
        *location = url.to_string();
    }
}
