//! How far a pass over a workspace has come, for those who watch.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a pass has come.
#[derive(Debug, Default)]
pub struct AssetProgress {
    /// Assets that this pass has looked at.
    pub done: AtomicU64,
    /// Assets of the primary's workspace; 0 until they are listed.
    pub total: AtomicU64,
}

impl AssetProgress {
    /// Done and total, once the workspace was listed.
    pub fn read(&self) -> Option<(u64, u64)> {
        let total = self.total.load(Ordering::Relaxed);
        (total > 0).then(|| (self.done.load(Ordering::Relaxed).min(total), total))
    }
}
