//! What the passes over a group's workspaces share with those who stop them.

use crate::replicate::workspace::AssetCache;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Notify};

/// How long a failover waits for a deletion's present call.
const HALT_PATIENCE: Duration = Duration::from_secs(5);

/// What the passes over a group's workspaces share with those who stop them.
#[derive(Debug, Default)]
pub struct AssetWork {
    /// What passes remember, by workspace set, and for which epoch. Held while one runs, or something is deleted.
    pub caches: Mutex<(u64, BTreeMap<String, AssetCache>)>,
    pub stop: Arc<AtomicBool>,
    /// Ends the running pass where it stands.
    pub cancel: Notify,
    /// Passes that have ended, wherever: each may have changed the id map.
    pub passes: AtomicU64,
    /// Starts a pass now.
    pub woken: Notify,
}

/// Counts a pass as ended when it is dropped, which a failover may do at any point of the pass.
pub struct PassEnd<'a>(&'a AssetWork);

impl Drop for PassEnd<'_> {
    fn drop(&mut self) {
        self.0.passes.fetch_add(1, Ordering::AcqRel);
    }
}

impl AssetWork {
    /// To be held while a pass runs.
    pub fn begin(&self) -> PassEnd<'_> {
        PassEnd(self)
    }

    /// Ends the running pass, as a crash would: what it has written is remembered.
    pub async fn halt(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.cancel.notify_waiters();
        // A pass ends at once; a deletion after its present call, which a forced failover can't wait for.
        let _ = tokio::time::timeout(HALT_PATIENCE, self.caches.lock()).await;
    }

    /// Asks for a pass soon.
    pub fn wake(&self) {
        self.woken.notify_one();
    }
}
