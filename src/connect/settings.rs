//! What a client of a region is made of.

use super::health::RegionHealth;
use super::http::RetryPolicy;
use super::storage::StorageOptions;
use crate::domain::Region;
use crate::wire::Secret;
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
    pub region: Region,
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
            region: Region::new(region.into()),
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
        if self.region.is_empty() { self.url.clone() } else { self.region.to_string() }
    }
}
