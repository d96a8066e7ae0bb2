//! What the runtime publishes: one immutable picture of everything, replaced whole.

use super::SessionView;
use crate::control::view::AccountView;
use crate::domain::{Region, Timestamp};
use crate::sandbox::WorkspaceClient;
use crate::system_tables::{OBJECTS, STATES};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that a screen may draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was taken.
    pub taken_at: Timestamp,
    /// The longest time between two snapshots while the runtime is well, in milliseconds.
    pub interval_ms: u64,
    /// How the deployment is reached and where its state lies.
    pub deployment: DeploymentView,
    /// The account.
    pub account: Arc<AccountView>,
    /// Who the window acts as.
    pub session: SessionView,
    /// The embedded sandbox, where it runs.
    pub sandbox: Option<Arc<SandboxView>>,
}

/// How the deployment is reached.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeploymentView {
    /// The data dir.
    pub data_dir: String,
    /// The connections, where the regions are the user's own.
    pub connections: Vec<ConnectionView>,
    /// Another account's API, where the window is only a client of that.
    pub account_url: Option<String>,
    /// Why nothing could be read of that account yet.
    pub unread: Option<String>,
    /// The account API's URL, where it is served.
    pub api_url: Option<String>,
    /// The gateway of the stable URLs, where it is served.
    pub gateway: Option<GatewayView>,
    /// The system tables.
    pub system_tables: SystemTablesView,
}

/// A connection, as a screen shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    /// Its name.
    pub name: String,
    /// The workspace's URL.
    pub url: String,
    /// The region.
    pub region: Region,
    /// How it logs in, without any secret.
    pub login: String,
}

impl ConnectionView {
    pub(super) fn of(connection: &super::Connection) -> Self {
        let (name, url) = (connection.name.clone(), connection.url.clone());
        Self { name, url, region: connection.region.clone(), login: connection.login() }
    }
}

/// How the gateway is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayView {
    /// Its URL.
    pub url: String,
    /// The domain below which each stable URL has a host name.
    pub domain: String,
    /// The sha256 of its certificate; None where it serves plain HTTP.
    pub fingerprint: Option<String>,
}

/// Where the system tables are, as plain paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemTablesView {
    /// The folder that holds them.
    pub folder: String,
    /// `system.replication.states`.
    pub states: String,
    /// `system.replication.objects`.
    pub objects: String,
    /// What keeps one of them from being written, as sentences.
    pub write_error: Option<String>,
}

/// The embedded sandbox.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SandboxView {
    /// Its regions.
    pub regions: Vec<SandboxRegionView>,
}

/// One sandbox region.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxRegionView {
    /// Its name.
    pub region: Region,
    /// Whether it answers.
    pub up: bool,
    /// Its REST API's URL.
    pub workspace_url: String,
    /// Its storage, as a `file://` URI.
    pub storage_root: String,
    /// Commits that its jobs have made since the process started.
    pub commits: u64,
    /// Who called its workspace since the process started, the latest one first.
    pub clients: Vec<WorkspaceClient>,
}

impl SystemTablesView {
    /// The tables below `folder`, as far as is known before they are opened.
    pub fn below(folder: &Path) -> Self {
        let text = |path: PathBuf| path.display().to_string();
        Self {
            folder: text(folder.to_owned()),
            states: text(folder.join(STATES)),
            objects: text(folder.join(OBJECTS)),
            write_error: None,
        }
    }
}
