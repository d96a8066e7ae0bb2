//! Cut over: the one durable write that flips the primary.

use super::{StepContext, StepEnd};
use crate::control::ControlError;
use crate::control::deletion::EPOCH_FLOOR;
use crate::control::journal::renew_etag;
use crate::control::reclaim;
use crate::domain::{FailoverKind, FailoverStep, StepStatus};

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let _turn = context.cell.turn.lock().await;
    let (mut group, since, operation) = {
        let record = context.cell.record();
        (record.group.clone(), record.state_since, record.operation.clone())
    };
    let Some(mut operation) = operation else { return Ok(StepEnd::Stored) };
    let now = context.control.now();
    group.effective_primary_region.clone_from(&operation.to_region);
    // Above every marker that a table may bring from the group that it belonged to before.
    let floor = context.control.remembered(EPOCH_FLOOR).await?.and_then(|text| text.parse().ok()).unwrap_or(0);
    group.epoch = group.epoch.max(floor) + 1;
    // What stays behind, by force or because it is flagged, is set aside before the old primary becomes the replica.
    group.salvage_pending = operation.kind == FailoverKind::Forced || !operation.left_behind.is_empty();
    renew_etag(&mut group, now);
    let note = format!("{} is primary from epoch {} on.", group.effective_primary_region, group.epoch);
    operation.end(FailoverStep::CutOver, StepStatus::Done, Some(note), now);
    // The flip and the journal's line are one transaction: a crash finds both or neither.
    let id = group.spec.id.clone();
    // What waited to be set aside lies in the new primary now, as the table that goes on.
    context.control.write(&group, Some(&operation), since, None, move |tx| reclaim::forget(tx, &id)).await?;
    {
        let mut record = context.cell.record();
        record.unsalvaged = Default::default();
        record.group = group;
        record.operation = Some(operation);
    }
    fail::fail_point!("failover.after_cut_over");
    context.control.touch();
    Ok(StepEnd::Stored)
}
