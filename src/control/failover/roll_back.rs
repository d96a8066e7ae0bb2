//! Rolling back: what a failover changed in the old primary before its cutover is put back as it was.

use crate::connect::{ConnectError, WorkspaceRole};
use crate::control::backoff::Backoff;
use crate::control::group::set_role;
use crate::control::group::{GroupChange, GroupHandle, settle};
use crate::control::operation::Operation;
use crate::control::view::OperationOutcome;
use crate::control::{Control, ControlError, audit};
use crate::domain::Event;
use crate::replicate;
use std::time::Duration;

/// Puts back what can be put back, and ends the operation: a group must not hang while its primary is away, because that
/// is when somebody wants to force a failover.
pub async fn run(control: &Control, handle: &GroupHandle) -> Duration {
    let Some(operation) = handle.operation() else { return Duration::ZERO };
    let restored = restore(control, handle, &operation).await;
    fail::fail_point!("failover.during_roll_back");
    let pending = match &restored {
        Ok(()) => false,
        Err(error) => {
            tracing::warn!(group = %handle.id, %error, "what a failover stopped could not be started again yet");
            handle.record().restoring = Backoff::default();
            true
        }
    };
    let now = control.now();
    let line = audit::line(
        now,
        &operation.requested_by,
        "failover_group.rolled_back",
        handle.id.as_str(),
        format!(
            "The failover of {} was rolled back. {}{}",
            handle.id,
            operation.message.as_deref().unwrap_or_default(),
            if pending { " Couldn't restart everything that it stopped. This is retried." } else { "" }
        ),
    );
    let ended = async {
        let mut change = GroupChange::of(handle).await;
        change.apply(Event::FailoverRolledBack { was_active: operation.was_active }, now)?;
        if let Some(operation) = &mut change.operation {
            operation.outcome = OperationOutcome::RolledBack;
            operation.ended = Some(now);
            operation.restore_pending = pending;
        }
        change.log(line);
        change.commit(control).await.map(|_| ())
    };
    settle(control, handle, ended.await)
}

/// Whether the last operation was rolled back without reaching the old primary.
pub fn owes_a_restore(handle: &GroupHandle) -> bool {
    handle.record().operation.as_ref().is_some_and(|o| o.restore_pending)
}

/// Tries to put back what is still pending, at growing intervals: a later cycle tries again.
pub async fn try_restore(control: &Control, handle: &GroupHandle) {
    let Some(operation) = handle.operation() else { return };
    if !handle.record().restoring.is_due(control.now()) {
        return;
    }
    match restore(control, handle, &operation).await {
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

async fn restore(control: &Control, handle: &GroupHandle, operation: &Operation) -> Result<(), ControlError> {
    let group = handle.group();
    let old = control.inner.deployment.endpoint(&group, &operation.from_region).await?;
    for catalog in &operation.paused.catalogs {
        match &catalog.bindings {
            Some(bindings) => {
                replicate::restore_bindings(&old, &catalog.name, &catalog.isolation_mode, bindings).await?;
            }
            None => {
                let writers = control.inner.deployment.workspace_ids(&group, &old.region);
                replicate::set_writable(&old, &catalog.name, &writers, &catalog.isolation_mode).await?;
            }
        }
    }
    let _ = set_role(&old, &group, WorkspaceRole::Primary).await?;
    // One thing that is gone, or that refuses, must not keep the rest from being put back.
    let mut first: Option<ConnectError> = None;
    let mut note = |answer: Result<(), ConnectError>| match answer {
        Err(error) if !error.is_not_found() => drop(first.get_or_insert(error)),
        _ => {}
    };
    for warehouse in &operation.paused.warehouses {
        note(old.client.start_warehouse(&warehouse.id).await);
    }
    for cluster in &operation.paused.clusters {
        note(old.client.start_cluster(&cluster.id).await);
    }
    for job in &operation.paused.jobs {
        note(old.client.resume_job(job).await);
    }
    match first {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
