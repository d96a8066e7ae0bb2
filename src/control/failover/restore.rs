//! What a failover that was rolled back still owes its old primary.

use super::Failover;
use super::steps::saga_of;
use crate::control::backoff::Backoff;
use crate::control::group::GroupHandle;
use crate::control::worker_cache::WorkerCache;
use crate::control::{Control, saga};
use std::sync::Arc;

/// Whether the last operation was rolled back without reaching the old primary.
pub fn owes_a_restore(handle: &GroupHandle) -> bool {
    handle.record().operation.as_ref().is_some_and(|o| o.restore_pending)
}

/// Tries to put back what is still pending, at growing intervals: a later cycle tries again.
pub async fn try_restore(control: &Control, handle: &Arc<GroupHandle>) {
    let Some(operation) = handle.operation() else { return };
    if !handle.record().restoring.is_due(control.now()) {
        return;
    }
    let mut failover = Failover::new(control.clone(), handle.clone(), WorkerCache::default());
    match saga::undo(&mut failover, saga_of(operation.kind, operation.as_of.is_some())).await {
        Ok(()) => {
            handle.record().restoring = Backoff::default();
            // A write that fails only means that it is put back once more.
            let _ = control.edit_operation(handle, |operation| operation.restore_pending = false).await;
        }
        Err(error) => {
            tracing::debug!(group = %handle.id, %error, "what a failover stopped could not be started again");
            handle.record().restoring.failed(control.now(), control.inner.settings.retry_pause);
        }
    }
}
