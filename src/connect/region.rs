//! The client of one region and its settings.

use super::error::ConnectError;
use super::grants::CredentialModes;
use super::health::RegionHealth;
use super::retry::RetryPolicy;
use super::storage::StorageOptions;
use super::transport::{Call, Transport};
use crate::wire::Secret;
use crate::wire::workspace::{ME_PATH, Me};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How a client logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// A personal or other bearer token.
    Token(Secret),
    /// A service principal's OAuth secret, exchanged for tokens at the host's `/oidc` endpoint.
    ClientCredentials {
        /// The service principal's application id.
        client_id: String,
        /// Its secret.
        client_secret: Secret,
        /// The account, when the host is an account's and not a workspace's.
        account_id: Option<String>,
    },
}

/// What a client is made of.
#[derive(Debug, Clone)]
pub struct ConnectSettings {
    /// The region as messages name it; the URL's host when empty.
    pub region: String,
    /// The workspace's URL.
    pub url: String,
    /// The login.
    pub auth: Auth,
    /// The `product/version` that the server logs.
    pub user_agent: String,
    /// How long one try of a call may take.
    pub timeout: Duration,
    /// How long its connection may take.
    pub connect_timeout: Duration,
    /// How long a refused call is tried again.
    pub retry: RetryPolicy,
    /// What the region's stores need beyond what their URIs and the vended credentials say, such as an endpoint.
    pub storage: StorageOptions,
    /// Where the client tells whether the workspace answers.
    pub health: RegionHealth,
}

impl ConnectSettings {
    /// Settings for a token, with the usual limits.
    pub fn new(region: impl Into<String>, url: impl Into<String>, token: Secret) -> Self {
        Self {
            region: region.into(),
            url: url.into(),
            auth: Auth::Token(token),
            user_agent: concat!("resilience-console/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            retry: RetryPolicy::STANDARD,
            storage: StorageOptions::default(),
            health: RegionHealth::default(),
        }
    }

    /// The same with limits by which a dead region is known within about a second and a half.
    pub fn fail_fast(self) -> Self {
        Self {
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_millis(1500),
            retry: RetryPolicy::BRISK,
            ..self
        }
    }

    pub(super) fn region_name(&self) -> String {
        if self.region.is_empty() { self.url.clone() } else { self.region.clone() }
    }
}

/// One workspace of a region: Unity Catalog and workspace calls. Clones share their connections.
#[derive(Clone)]
pub struct RegionClient {
    pub(super) transport: Arc<Transport>,
    storage: Arc<StorageOptions>,
    pub(super) modes: Arc<CredentialModes>,
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
        let transport = Arc::new(Transport::new(&settings)?);
        Ok(Self { transport, storage: Arc::new(settings.storage), modes: Arc::default() })
    }

    /// The region as messages name it.
    pub fn region(&self) -> &str {
        self.transport.region()
    }

    /// How far the region's clock is from this machine's, as far as its answers tell.
    pub fn clock_skew(&self) -> Option<crate::domain::ClockSkew> {
        self.transport.skew()
    }

    /// The workspace's URL, without a slash at the end.
    pub fn url(&self) -> &str {
        self.transport.url()
    }

    /// What the region's stores need beyond what their URIs and the vended credentials say.
    pub fn storage(&self) -> &StorageOptions {
        &self.storage
    }

    /// Whether the workspace answers, as every call of this client and its clones found it.
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

    /// Who the login belongs to; the cheapest call that proves it.
    pub async fn me(&self) -> Result<Me, ConnectError> {
        self.transport.send(Call::get(ME_PATH, &[])).await
    }
}
