//! What the outside sees of a group.

use super::{GroupHandle, Record};
use crate::control::operation::PausedWorkload;
use crate::control::view::{AssetsView, GroupView, ObjectView, OperationOutcome, WorkloadView};
use crate::domain::{AssetKind, FailoverGroup, GroupState, Region, Timestamp};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Statuses older than this are shown with their date.
const FRESH_SECONDS: i64 = 30;

impl GroupHandle {
    /// The group as the outside sees it, without what only screens show.
    pub fn shown(&self) -> FailoverGroup {
        let progress = self.progress();
        let record = self.record();
        let mut group = record.group.clone();
        if group.state == GroupState::InitialReplication {
            let assets = record.assets.view(&group);
            group.initial_replication_progress = Some(percent(progress.percent(), assets.as_ref()));
        }
        group.has_replication_point_blocking_errors =
            record.blocking_error.iter().chain(record.errors.iter()).any(|e| e.blocks_replication_point());
        group
    }

    /// What the outside sees at `now`; `is_away` tells of a region whether it does not answer.
    pub fn view(&self, now: Timestamp, is_away: impl Fn(&Region) -> bool) -> GroupView {
        let group = self.shown();
        let progress = self.progress();
        let record = self.record();
        let lag_ms = group.replication_point.map(|point| (now - point).num_milliseconds().max(0) as u64);
        let mut cycle = record.cycle.clone();
        cycle.bytes_copied = progress.bytes_copied.load(Ordering::Relaxed);
        cycle.bytes_total = progress.bytes_total.load(Ordering::Relaxed);
        GroupView {
            state_since: record.state_since,
            lag_ms,
            point_without_failing: record.point_without_failing,
            worst_object: worst(&record.objects),
            lag_history: Arc::new(record.lag.iter().copied().collect()),
            marks: record.marks.clone(),
            objects: record.objects.clone(),
            as_of: record.as_of(now, group.spec.regions.iter().any(&is_away)),
            errors: record.all_errors(),
            blocking_error: record.blocking_error.clone(),
            cycle,
            operation: record.operation.as_ref().map(|o| Arc::new(o.view())),
            history: record.history.clone(),
            salvage: record.salvage.clone(),
            left_behind: record.left.clone(),
            unsettled_region: record.unsettled_region(),
            provisional: record.operation.as_ref().filter(|o| o.is_provisional()).and_then(|o| o.provisional.clone()),
            approval: record.approval.policy,
            targets: record.targets,
            pending_approval: record.approval.pending.clone().filter(|pending| pending.is_open(now)),
            to_resume: to_resume(&record),
            readiness: record.readiness.clone(),
            assets: record.assets.view(&group),
            error_history: record.error_history.clone(),
            loss_estimate: record.loss.view(now, is_away(&group.effective_primary_region)),
            rehearsals: Default::default(),
            group,
        }
    }
}

impl Record {
    /// When the objects were last looked at, where that is worth saying: a region is away, or the look is old.
    fn as_of(&self, now: Timestamp, away: bool) -> Option<Timestamp> {
        let looked_at = self.looked_at?;
        let old = (now - looked_at).num_seconds() >= FRESH_SECONDS;
        (away || old || self.blocking_error.is_some()).then_some(looked_at)
    }
}

/// Percent of the scope that has arrived: catalogs and workspaces count the same, where both replicate.
fn percent(catalogs: u8, assets: Option<&AssetsView>) -> u8 {
    match assets {
        None => catalogs,
        Some(assets) if assets.arrived => 50 + catalogs / 2,
        Some(assets) => catalogs / 2 + (assets.done * 50).checked_div(assets.total).unwrap_or(0).min(49) as u8,
    }
}

fn worst(objects: &[ObjectView]) -> Option<(String, u64)> {
    objects
        .iter()
        .filter_map(|o| Some((&o.name, o.lag_ms?)))
        .max_by_key(|(_, lag)| *lag)
        .filter(|(_, lag)| *lag > 0)
        .map(|(name, lag)| (name.clone(), lag))
}

/// What ran before the last failover and was not started again yet.
fn to_resume(record: &Record) -> Vec<WorkloadView> {
    let Some(operation) = &record.operation else { return Vec::new() };
    if operation.outcome != OperationOutcome::Succeeded
        || operation.resumed
        || operation.to_region != record.group.effective_primary_region
    {
        return Vec::new();
    }
    let list = |kind, state: &str, of: &[PausedWorkload]| -> Vec<WorkloadView> {
        of.iter()
            .map(|w| WorkloadView {
                kind,
                id: w.id.clone(),
                name: w.name.clone(),
                running: false,
                state: state.to_owned(),
            })
            .collect()
    };
    let paused = &operation.to_resume();
    let mut all = list(AssetKind::SqlWarehouse, "STOPPED", &paused.warehouses);
    all.extend(list(AssetKind::Cluster, "TERMINATED", &paused.clusters));
    all.extend(paused.jobs.iter().map(|job| WorkloadView {
        kind: AssetKind::Job,
        id: job.job_id.to_string(),
        name: job.name.clone(),
        running: false,
        state: "PAUSED".to_owned(),
    }));
    all
}
