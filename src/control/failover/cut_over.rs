//! Cut over: the one durable write that flips the primary.

use super::{StepContext, StepEnd};
use crate::control::ControlError;
use crate::control::deletion::EPOCH_FLOOR;
use crate::control::durable::GroupChange;
use crate::control::group_handle::lock_record;
use crate::control::{audit, left_behind, reclaim};
use crate::domain::{FailoverKind, FailoverStep, StepStatus};

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let write_lock = context.handle.lock_for_writing().await;
    let (mut group, since, operation) = {
        let record = context.handle.record();
        (record.group.clone(), record.state_since, record.operation.clone())
    };
    let Some(mut operation) = operation else { return Ok(StepEnd::Stored) };
    let now = context.control.now();
    group.effective_primary_region.clone_from(&operation.to_region);
    // Above every marker that a table may bring from the group that it belonged to before.
    let floor = context.control.setting(EPOCH_FLOOR).await?.and_then(|text| text.parse().ok()).unwrap_or(0);
    group.epoch = group.epoch.max(floor) + 1;
    let before = context.handle.record().left.clone();
    let left = left_behind::after_cut_over(&before, &operation, &group, now);
    // What stays behind, by force or because it is flagged, is set aside before the old primary becomes the replica.
    group.salvage_pending = operation.kind == FailoverKind::Forced || !operation.left_behind.is_empty();
    audit::renew_etag(&mut group, now);
    let note = format!("{} is primary since epoch {}.", group.effective_primary_region, group.epoch);
    operation.end(FailoverStep::CutOver, StepStatus::Done, Some(note), now);
    // The flip, the journal and the line of the audit log are one transaction: a crash finds all or none of them.
    let (id, record) = (group.spec.id.clone(), context.handle.shared_record());
    let mut line = audit::line(
        now,
        &operation.requested_by,
        "failover_group.cut_over",
        id.as_str(),
        format!("{} became primary for {id} in epoch {}.", group.effective_primary_region, group.epoch),
    );
    audit::show_change(&mut line, Some(&context.group()), Some(&group));
    let change = GroupChange { group, operation: Some(operation), since, line: Some(line) };
    // What waited to be set aside lies in the new primary now, as the table that goes on.
    let list = left.clone();
    let also = move |tx: &crate::store::Tx<'_>| {
        left_behind::keep(tx, &id, &list)?;
        reclaim::remove(tx, &id)
    };
    let then = move |_: &crate::control::Control| {
        let mut record = lock_record(&record);
        record.pending_salvage = Default::default();
        record.left = std::sync::Arc::new(left);
    };
    context.control.write(write_lock, context.handle, change, also, then).await?;
    fail::fail_point!("failover.after_cut_over");
    Ok(StepEnd::Stored)
}
