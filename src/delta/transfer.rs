//! How to copy: how much at a time, how fast, and when to stop.

use super::bulk::BulkCopy;
use super::limits::TransferLimits;
use super::place::Place;
use super::{DeltaError, StorageClock};
use crate::domain::TransferLimit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How to copy.
#[derive(Clone)]
pub struct Transfer {
    /// Files copied at a time.
    pub parallel: usize,
    /// Set to stop at the next commit boundary.
    pub stop: Arc<AtomicBool>,
    /// Rises with every byte copied.
    pub copied_bytes: Arc<AtomicU64>,
    /// What all transfers of this process keep to together.
    pub limits: Arc<TransferLimits>,
    /// What is found out about the destination's clock.
    pub clock: Arc<StorageClock>,
    /// What copies the data of big shipments outside this process; None where this process copies everything.
    pub bulk: Option<Arc<dyn BulkCopy>>,
}

impl Transfer {
    /// Lets `bytes` pass: waits for its share of the bandwidth, counts them; an error once the caller asked to stop.
    pub(super) fn pass(&self, bytes: usize, target: &dyn Place) -> Result<(), DeltaError> {
        if !self.limits.pass(bytes as u64, &self.stop) {
            return Err(DeltaError::Stopped { table: target.display("") });
        }
        self.copied_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Default for Transfer {
    fn default() -> Self {
        Self {
            parallel: TransferLimit::default().parallel.get(),
            stop: Arc::default(),
            copied_bytes: Arc::default(),
            limits: Arc::default(),
            clock: Arc::default(),
            bulk: None,
        }
    }
}
