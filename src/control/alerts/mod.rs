//! Alerts: what people are told outside the console.
//!
//! One task looks at every group and decides what is to be told; another delivers it, one after another, and tries again.
//! What was told and what waits is written down, so that a restart neither forgets nor repeats it.

mod condition;
mod deliver;
mod queue;
mod settings;
mod sink;
mod watch;
mod webhook;

pub use deliver::{Told, keep_delivering};
pub use queue::keep_watching;
pub use settings::AlertsPatch;
pub use sink::AlertSink;

use std::time::Duration;

/// How eagerly groups are looked at, and how long something must last to be told.
#[derive(Debug, Clone)]
pub struct AlertTimes {
    /// Between two looks at the groups.
    pub look: Duration,
    /// How long a blocking error must last to be told. The RPO target says that of a lag.
    pub settle: Duration,
    /// How long something must be gone to count as ended.
    pub calm: Duration,
    /// Before a failed delivery is tried again, doubled each time up to five minutes.
    pub retry: Duration,
    /// Whether a webhook that is set in the console or over the API may be in this machine's own network.
    pub private_webhooks: bool,
}

impl Default for AlertTimes {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(1),
            settle: Duration::from_secs(30),
            calm: Duration::from_secs(60),
            retry: Duration::from_secs(5),
            private_webhooks: false,
        }
    }
}
