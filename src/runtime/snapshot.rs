//! What the runtime publishes: one immutable picture of everything, replaced whole.

use crate::control::view::AccountView;
use crate::domain::{Instant, Region};
use std::sync::Arc;

/// Everything that a screen may draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was taken.
    pub taken_at: Instant,
    /// The longest time between two snapshots while the runtime is well, in milliseconds.
    pub interval_ms: u64,
    /// How the deployment is reached and where its state lies.
    pub deployment: DeploymentView,
    /// The account.
    pub account: Arc<AccountView>,
    /// The embedded sandbox, where it runs.
    pub sandbox: Option<Arc<SandboxView>>,
}

/// How the deployment is reached.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeploymentView {
    /// The data dir.
    pub data_dir: String,
    /// The account API's URL, where it is served.
    pub api_url: Option<String>,
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
}
