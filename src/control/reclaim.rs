//! Reclaiming the old primary after a forced failover, once it answers: fence it, salvage what never arrived, rewind
//! its tables to the common version, so that it becomes the replica.

mod match_tables;
mod pending;
mod salvage_path;
mod table;

pub use salvage_path::salvage_path;

use super::acts;
use super::backoff::Backoff;
use super::group::{GroupChange, GroupHandle, PendingSalvage};
use super::view::OperationOutcome;
use super::worker_cache::WorkerCache;
use super::{Control, ControlError, audit};
use crate::connect::{Enforcement, WorkspaceRole};
use crate::domain::{AssetName, FailoverGroup, FailoverKind};
use crate::replicate::{self, Access, Endpoint, ReplicaState};
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use table::Salvaging;

/// Tables salvaged at a time.
const PARALLEL_TABLES: usize = 4;

/// Does all of it, or fails and is called again; every part may be done twice.
pub async fn reclaim(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) -> Result<(), ControlError> {
    let (new, old) = cache.ends(control, handle).await?;
    let group = handle.group();
    tracing::info!(group = %handle.id, region = %old.region, "the old primary responds and is reclaimed");
    let unkept = quiesce(control, handle, &group, &old).await?;
    fail::fail_point!("reclaim.after_fence");
    salvage_tables(control, handle, &group, &old, &new, false).await?;
    fail::fail_point!("reclaim.after_salvage");
    let lost = lost(handle, &group);
    control.edit_operation(handle, |operation| operation.commits_lost = Some(lost)).await?;
    let mut change = GroupChange::of(handle).await;
    change.group.salvage_pending = false;
    change.renew_etag();
    let (now, waiting) = (control.now(), change.pending_salvage.len());
    let mut message = match lost {
        0 if waiting > 0 => format!("{} responds again.", old.region),
        0 => format!("{} responds again. Nothing was left behind there.", old.region),
        1 => format!("{} responds again. 1 unreplicated commit was salvaged.", old.region),
        n => format!("{} responds again. {n} unreplicated commits were salvaged.", old.region),
    };
    match waiting {
        0 => {}
        1 => message.push_str(" Couldn't salvage 1 table yet. It is unchanged and is retried."),
        n => message.push_str(&format!(" Couldn't salvage {n} tables yet. They are unchanged and are retried.")),
    }
    message.push_str(&unkept);
    change.log(audit::line(now, "runtime", "failover_group.reclaim", handle.id.as_str(), message));
    change.commit(control).await?;
    // The old primary's tables are not what replication remembers; it finds out what they hold.
    cache.cycle_cache = None;
    control.touch();
    Ok(())
}

/// Makes the old primary read-only and stops what runs there, and leaves everything else as it is.
pub async fn fence_old(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) -> Result<(), ControlError> {
    let (_, old) = cache.ends(control, handle).await?;
    quiesce(control, handle, &handle.group(), &old).await.map(drop)
}

/// Tries the tables again that could not be salvaged, at growing intervals. Nothing else waits for them, so a failure is
/// only noted, and never the answer.
pub async fn try_again(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) -> Result<(), ControlError> {
    if handle.record().pending_salvage.is_empty() || !handle.record().salvaging.is_due(control.now()) {
        return Ok(());
    }
    if let Err(error) = salvage_pending(control, handle, cache).await {
        tracing::debug!(group = %handle.id, %error, "couldn't retry the pending salvage");
        handle.record().salvaging.failed(control.now(), control.inner.settings.retry_pause);
    }
    Ok(())
}

async fn salvage_pending(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) -> Result<(), ControlError> {
    let (new, old) = cache.ends(control, handle).await?;
    let group = handle.group();
    let before = handle.record().pending_salvage.len();
    salvage_tables(control, handle, &group, &old, &new, true).await?;
    if handle.record().pending_salvage.len() < before {
        let lost = lost(handle, &group);
        control
            .edit_operation(handle, |operation| {
                // One that was rolled back since lost nothing.
                if operation.outcome == OperationOutcome::Succeeded {
                    operation.commits_lost = Some(lost);
                }
            })
            .await?;
        cache.cycle_cache = None;
    }
    Ok(())
}

/// The commits that the group's last failover lost, as the list says.
fn lost(handle: &GroupHandle, group: &FailoverGroup) -> u64 {
    handle.record().salvage.iter().filter(|s| s.epoch == group.epoch && s.after.is_none()).map(|s| s.commits).sum()
}

/// Makes the old primary a secondary: read-only, schedules paused, compute stopped, no commit on its way. What the region
/// offers no way to enforce comes back as sentences, each after a space.
async fn quiesce(
    control: &Control,
    handle: &GroupHandle,
    group: &FailoverGroup,
    old: &Endpoint,
) -> Result<String, ControlError> {
    // Remembered before anything is changed, for the day on which it is primary again.
    let found = acts::modes(old, group).await?;
    control.edit_operation(handle, |operation| acts::note_modes(operation, found)).await?;
    let mut unkept = match acts::make_read_only(old, group).await? {
        Enforcement::Enforced => String::new(),
        Enforcement::NotOffered => format!(" {}", acts::fence_note(&old.region)),
    };
    // Someone may have been resuming there when the failover was confirmed, and stops after the present call.
    drop(handle.resuming.lock().await);
    let shared = acts::primary_elsewhere(control, group, old).is_some();
    if !shared {
        let jobs = old.client.unpaused_jobs().await?;
        let running = acts::running(old).await?;
        control
            .edit_operation(handle, |operation| {
                acts::note_jobs(&mut operation.paused.jobs, &jobs);
                acts::note_compute(&mut operation.paused, running);
            })
            .await?;
        let paused = handle.operation().map(|o| o.paused).unwrap_or_default();
        acts::pause_all(old, &paused.jobs).await?;
        acts::stop_all(old, &paused).await?;
    }
    let role = acts::set_role(old, group, WorkspaceRole::Secondary).await?;
    unkept.push_str(&acts::role_note(role, old));
    let accepted = handle.operation().map(|o| o.accepted).unwrap_or_default();
    acts::until_quiet(control, group, old, &mut Access::default(), &accepted).await?;
    Ok(unkept)
}

/// Salvages every commit that never arrived, of all tables or only of those that are pending. A table that fails is flagged
/// and the others go on.
async fn salvage_tables(
    control: &Control,
    handle: &GroupHandle,
    group: &FailoverGroup,
    old: &Endpoint,
    new: &Endpoint,
    only_pending: bool,
) -> Result<(), ControlError> {
    let mut old_inventory = replicate::read_inventory(old, group.catalogs()).await?;
    // What was taken out of the scope by name is nothing of replication's.
    old_inventory.retain(|key| !group.spec.rules.excludes(&key.name));
    let new_inventory = replicate::read_inventory(new, group.catalogs()).await?;
    let id = handle.id.clone();
    let rows = control.inner.store.run(move |tx| tx.tables::<ReplicaState>(&id)).await?;
    let ledger: BTreeMap<String, ReplicaState> = rows.into_iter().map(|row| (row.name, row.body)).collect();
    let salvaging = Salvaging {
        control,
        handle,
        group,
        old,
        new,
        external_locations: old.external_places().await?,
        planned: handle.operation().is_some_and(|o| o.kind == FailoverKind::Planned),
    };
    let known = handle.record().pending_salvage.clone();
    let is_due = |pair: &match_tables::TablePair| !only_pending || known.iter().any(|u| u.location == pair.location);
    let due: Vec<match_tables::TablePair> =
        match_tables::match_tables(&old_inventory, &new_inventory, &ledger).into_iter().filter(is_due).collect();
    let each: Vec<_> = due.iter().map(|pair| salvaging.reclaim(pair)).collect();
    let ends: Vec<_> = stream::iter(each).buffered(PARALLEL_TABLES).collect().await;
    // One in a catalog that does not show now is not gone.
    let hidden = |u: &&PendingSalvage| {
        let catalog = AssetName::parse(&u.error.object).catalog;
        group.has_catalog(&catalog) && old_inventory.catalog(&catalog).is_none()
    };
    let mut pending: Vec<PendingSalvage> = known.iter().filter(hidden).cloned().collect();
    pending.retain(|u| !due.iter().any(|pair| pair.location == u.location));
    for (pair, end) in due.iter().zip(ends) {
        if let Err(salvage_error) = end {
            let error = pending::flag(salvage_error, pair, &old.region, control.now())?;
            tracing::warn!(table = %pair.name, error = %error.message, "a table waits to be set aside");
            pending.push(pending::of(pair, error, &known));
        }
    }
    let failed = !pending.is_empty();
    pending::keep(control, handle, pending).await?;
    let mut record = handle.record();
    if failed {
        record.salvaging.failed(control.now(), control.inner.settings.retry_pause);
    } else {
        record.salvaging = Backoff::default();
    }
    Ok(())
}
