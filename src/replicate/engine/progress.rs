//! How far a cycle has come, for those who watch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far a cycle has come, for those who watch.
#[derive(Debug, Default)]
pub struct Progress {
    /// Tables looked at or shipped.
    pub tables_done: AtomicU64,
    /// Tables in scope.
    pub tables_total: AtomicU64,
    /// Bytes copied.
    pub bytes_copied: Arc<AtomicU64>,
    /// Bytes planned so far.
    pub bytes_total: AtomicU64,
}

impl Progress {
    /// Percent of the scope that has arrived, as far as is known; 99 at most, because only the cycle's end is 100.
    pub fn percent(&self) -> u8 {
        let total = self.tables_total.load(Ordering::Relaxed);
        if total == 0 {
            return 0;
        }
        let tables = self.tables_done.load(Ordering::Relaxed) as f64 / total as f64;
        let planned = self.bytes_total.load(Ordering::Relaxed);
        let bytes = if planned == 0 {
            tables
        } else {
            self.bytes_copied.load(Ordering::Relaxed).min(planned) as f64 / planned as f64
        };
        // Bytes weigh what tables alone hide: one table may be most of the scope.
        ((tables * 0.5 + bytes * 0.5) * 100.0).clamp(0.0, 99.0) as u8
    }
}
