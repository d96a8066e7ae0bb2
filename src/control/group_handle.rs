//! One failover group in memory: its record, its worker's signals, and what it shows.

use super::backoff::Backoff;
use super::durable::WriteLock;
use super::loss::LossRecord;
use super::operation::Operation;
use super::reclaim::PendingSalvage;
use super::repair::RepairOrder;
use super::view::{
    CycleView, GroupView, LagSample, Mark, ObjectView, OperationOutcome, OperationView, SalvageView, WorkloadView,
};
use crate::domain::{
    AssetKind, FailoverGroup, GroupId, GroupState, LeftBehind, ObjectError, Region, Timestamp, replication_point,
};
use crate::replicate::{Access, Progress};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

/// Samples kept for the chart: an hour at one a second.
pub(super) const LAG_SAMPLES: usize = 3600;

/// Statuses older than this are shown with their date.
const FRESH_SECONDS: i64 = 30;

/// One failover group in memory.
pub struct GroupHandle {
    /// Its id.
    pub id: GroupId,
    write_lock: Arc<tokio::sync::Mutex<()>>,
    /// Wakes its worker.
    pub wake: Arc<Notify>,
    /// Tells a cycle of ordinary replication to stop at the next commit boundary; a failover's own cycles go on.
    pub stop: Arc<AtomicBool>,
    /// SalvageHold by whoever resumes schedules and compute; a failover waits for it before it pauses any.
    pub resuming: tokio::sync::Mutex<()>,
    /// Tells every cycle to stop there, because the runtime stops.
    pub quit: Arc<AtomicBool>,
    /// Tells the worker to forget what it remembers, because the scope changed or a person waits for a fresh look.
    pub forget: AtomicBool,
    /// What its worker shall mend before the next cycle.
    pub repairs: Mutex<Vec<RepairOrder>>,
    /// SalvageHold while the source is asked what would be lost, with the storage that the last one was granted.
    pub asking: tokio::sync::Mutex<Access>,
    /// How far the running cycle is.
    pub progress: Mutex<Arc<Progress>>,
    record: Arc<Mutex<Record>>,
}

/// The record, for a moment.
pub fn lock_record(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What is known of a group now. The store's part is written there first.
#[derive(Debug, Clone)]
pub struct Record {
    /// The group.
    pub group: FailoverGroup,
    /// When its state last changed.
    pub state_since: Timestamp,
    /// The operation that runs, or the last one.
    pub operation: Option<Operation>,
    /// Operations that ended, newest first.
    pub history: Arc<Vec<OperationView>>,
    /// Every object, as the last cycle found it; it stays while a region is away.
    pub objects: Arc<Vec<ObjectView>>,
    /// Every error, blocking ones first.
    pub errors: Arc<Vec<ObjectError>>,
    /// Cycles.
    pub cycle: CycleView,
    /// Up to when everything that does not fail has arrived.
    pub point_without_failing: Option<Timestamp>,
    /// When everything in scope was last seen to have arrived, by the monotonic clock.
    pub whole_at: Option<Duration>,
    /// What forced failovers left behind.
    pub salvage: Arc<Vec<SalvageView>>,
    /// Lag, oldest first.
    pub lag: VecDeque<LagSample>,
    /// Marks on the chart.
    pub marks: Arc<Vec<Mark>>,
    /// Why the last cycle did not end, where it did not.
    pub blocking_error: Option<ObjectError>,
    /// Up to when the last cycle that ended looked at every object.
    pub looked_at: Option<Timestamp>,
    /// What a forced failover would lose, as last looked at.
    pub loss: LossRecord,
    /// When what a rolled-back failover owes is tried again.
    pub restoring: Backoff,
    /// Tables of the old primary that could not be set aside yet.
    pub pending_salvage: Arc<Vec<PendingSalvage>>,
    /// When they are tried again.
    pub salvaging: Backoff,
    /// What failovers left behind, until a person releases it.
    pub left: Arc<Vec<LeftBehind>>,
}

impl Record {
    /// A group of which nothing but its own record is known.
    pub fn new(group: FailoverGroup, state_since: Timestamp) -> Self {
        Self {
            group,
            state_since,
            operation: None,
            history: Arc::default(),
            objects: Arc::default(),
            errors: Arc::default(),
            cycle: CycleView::default(),
            point_without_failing: None,
            whole_at: None,
            salvage: Arc::default(),
            lag: VecDeque::new(),
            marks: Arc::default(),
            blocking_error: None,
            looked_at: None,
            loss: LossRecord::default(),
            restoring: Backoff::default(),
            pending_salvage: Arc::default(),
            salvaging: Backoff::default(),
            left: Arc::default(),
        }
    }
}

impl GroupHandle {
    /// A handle around a record.
    pub fn new(record: Record) -> Self {
        Self {
            id: record.group.spec.id.clone(),
            write_lock: Arc::default(),
            wake: Arc::default(),
            stop: Arc::default(),
            resuming: tokio::sync::Mutex::new(()),
            quit: Arc::default(),
            forget: AtomicBool::new(false),
            repairs: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            progress: Mutex::default(),
            record: Arc::new(Mutex::new(record)),
        }
    }

    /// The record; held for a moment only, never across an await.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        lock_record(&self.record)
    }

    /// The record, for a change that outlives its caller.
    pub fn shared_record(&self) -> Arc<Mutex<Record>> {
        self.record.clone()
    }

    /// Waits for the group's write_lock, which serialises everything that is written to the store for it.
    pub async fn lock_for_writing(&self) -> WriteLock {
        self.write_lock.clone().lock_owned().await
    }

    /// The group as it stands.
    pub fn group(&self) -> FailoverGroup {
        self.record().group.clone()
    }

    /// The operation as it stands.
    pub fn operation(&self) -> Option<Operation> {
        self.record().operation.clone()
    }

    /// The region that still has to be put in order after the last failover: the old primary that holds what never
    /// arrived, or the one in which a rolled-back failover has not put everything back.
    pub fn unsettled_region(&self) -> Option<Region> {
        self.record().unsettled_region()
    }

    /// The running cycle's progress.
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// A fresh progress for a cycle that begins.
    pub fn new_progress(&self) -> Arc<Progress> {
        let fresh = Arc::new(Progress::default());
        *self.progress.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = fresh.clone();
        fresh
    }

    /// The group as the outside sees it, without what only screens show.
    pub fn shown(&self) -> FailoverGroup {
        let progress = self.progress();
        let record = self.record();
        let mut group = record.group.clone();
        if group.state == GroupState::InitialReplication {
            group.initial_replication_progress = Some(progress.percent());
        }
        group.has_replication_point_blocking_errors =
            record.blocking_error.iter().chain(record.errors.iter()).any(|e| e.blocks_replication_point());
        group
    }

    /// What the outside sees at `now`; `is_away` tells of a region whether it does not answer.
    pub fn view(&self, now: Timestamp, is_away: impl Fn(&str) -> bool) -> GroupView {
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
            as_of: record.as_of(now, group.spec.regions.iter().any(|region| is_away(region))),
            errors: record.all_errors(),
            blocking_error: record.blocking_error.clone(),
            cycle,
            operation: record.operation.as_ref().map(|o| Arc::new(o.view())),
            history: record.history.clone(),
            salvage: record.salvage.clone(),
            left_behind: record.left.clone(),
            unsettled_region: record.unsettled_region(),
            to_resume: to_resume(&record),
            loss_estimate: record.loss.view(now, is_away(&group.effective_primary_region)),
            group,
        }
    }
}

impl Record {
    fn unsettled_region(&self) -> Option<Region> {
        if self.group.salvage_pending {
            return Some(self.group.effective_secondary_region().to_owned());
        }
        self.operation.as_ref().filter(|o| o.restore_pending).map(|o| o.from_region.clone())
    }

    /// Every error, what holds up the group as a whole first.
    pub fn all_errors(&self) -> Arc<Vec<ObjectError>> {
        match &self.blocking_error {
            None => self.errors.clone(),
            Some(blocking_error) => {
                Arc::new(std::iter::once(blocking_error.clone()).chain(self.errors.iter().cloned()).collect())
            }
        }
    }

    /// Adds a lag sample, at most one a second.
    pub fn sample_lag(&mut self, now: Timestamp) {
        // What a wrong clock timed in the future would keep every later sample out.
        while self.lag.back().is_some_and(|last| last.at > now + replication_point::TOLERANCE) {
            self.lag.pop_back();
        }
        if self.lag.back().is_some_and(|last| (now - last.at).num_milliseconds() < 1000) {
            return;
        }
        let lag_ms = self.group.replication_point.map(|point| (now - point).num_milliseconds().max(0) as u64);
        if self.lag.len() == LAG_SAMPLES {
            self.lag.pop_front();
        }
        self.lag.push_back(LagSample { at: now, lag_ms });
    }

    /// Marks a moment on the chart.
    pub fn mark(&mut self, at: Timestamp, label: impl Into<String>) {
        let marks = Arc::make_mut(&mut self.marks);
        marks.push(Mark { at, label: label.into() });
        if marks.len() > 200 {
            marks.remove(0);
        }
    }

    /// When the objects were last looked at, where that is worth saying: a region is away, or the look is old.
    fn as_of(&self, now: Timestamp, away: bool) -> Option<Timestamp> {
        let looked_at = self.looked_at?;
        let old = (now - looked_at).num_seconds() >= FRESH_SECONDS;
        (away || old || self.blocking_error.is_some()).then_some(looked_at)
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
    let list = |kind, state: &str, of: &[super::operation::PausedWorkload]| -> Vec<WorkloadView> {
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
    let paused = &operation.paused;
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
