//! Cut over: the one durable write that flips the primary.

use super::Failover;
use crate::control::group::{GroupChange, epoch_floor};
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, audit, left_behind};
use crate::domain::{FailoverKind, FailoverStep, StepStatus};
use std::sync::Arc;

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::CutOver, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let mut change = GroupChange::of(&failover.handle).await;
    let Some(mut operation) = change.operation.take() else { return Ok(StepEnd::Stored) };
    let now = failover.control.now();
    change.group.effective_primary_region.clone_from(&operation.to_region);
    // Above every marker that a table may bring from the group that it belonged to before.
    change.group.epoch = change.group.epoch.max(epoch_floor(&failover.control).await?) + 1;
    change.left = Arc::new(left_behind::after_cut_over(&change.left, &operation, &change.group, now));
    // What waited to be salvaged lies in the new primary now, as the table that goes on.
    change.pending_salvage = Arc::default();
    // What stays behind, by force or because it is flagged, is salvaged before the old primary becomes the replica.
    change.group.salvage_pending = operation.kind == FailoverKind::Forced || !operation.left_behind.is_empty();
    change.renew_etag();
    let (id, epoch) = (&failover.handle.id, change.group.epoch);
    let note = format!("{} is primary since epoch {epoch}.", operation.to_region);
    operation.end(FailoverStep::CutOver, StepStatus::Done, Some(note), now);
    let message = format!("{} became primary for {id} in epoch {epoch}.", operation.to_region);
    change.log(audit::line(now, &operation.requested_by, "failover_group.cut_over", id.as_str(), message));
    change.operation = Some(operation);
    // The flip, the journal and the line of the audit log are one transaction: a crash finds all or none of them.
    change.commit(&failover.control).await?;
    fail::fail_point!("failover.after_cut_over");
    Ok(StepEnd::Stored)
}
