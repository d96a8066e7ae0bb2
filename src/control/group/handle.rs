//! One failover group in memory: its record and its worker's signals.

use super::{AssetsRecord, LossRecord, Stored};
use crate::control::ControlError;
use crate::control::asset_work::AssetWork;
use crate::control::backoff::Backoff;
use crate::control::lock::lock;
use crate::control::operation::Operation;
use crate::control::view::{CycleView, LagSample, Mark, ObjectView, OperationOutcome, OperationView};
use crate::domain::readiness::ReadinessReport;
use crate::domain::{FailoverGroup, FailoverStep, GroupId, ObjectError, Region, Timestamp, replication_point};
use crate::replicate::{Access, Damage, Progress};
use crate::store::ErrorRow;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// Samples kept for the chart: an hour at one a second.
pub const LAG_SAMPLES: usize = 3600;

/// Operations that the history shows.
const HISTORY: usize = 20;

/// A group's write lock, held by the change that it serialises.
pub type WriteLock = tokio::sync::OwnedMutexGuard<()>;

/// What a worker is asked to mend before its next cycle.
pub struct RepairOrder {
    /// The group's epoch when the damage was found: it tells which side the replica was.
    pub epoch: u64,
    pub damages: Vec<Damage>,
    pub answer: oneshot::Sender<Result<Vec<String>, ControlError>>,
}

/// One failover group in memory.
pub struct GroupHandle {
    /// Its id.
    pub id: GroupId,
    write_lock: Arc<tokio::sync::Mutex<()>>,
    /// Wakes its worker.
    pub wake: Arc<Notify>,
    /// Tells a cycle of ordinary replication to stop at the next commit boundary; a failover's own cycles go on.
    pub stop: Arc<AtomicBool>,
    /// Held by a caller that resumes schedules and compute; a failover waits for it before it pauses any.
    pub resuming: tokio::sync::Mutex<()>,
    /// Held by a caller that recovers salvaged commits; a planned failover waits for it before it stops writes.
    pub recovering: tokio::sync::Mutex<()>,
    /// Tells every cycle to stop there, because the runtime stops.
    pub quit: Arc<AtomicBool>,
    /// Tells the worker to forget what it remembers, because the scope changed or a person waits for a fresh look.
    pub forget: AtomicBool,
    /// What its worker must mend before the next cycle.
    pub repairs: Mutex<Vec<RepairOrder>>,
    /// Held while the source is asked what would be lost, with the storage that the last one was granted.
    pub asking: tokio::sync::Mutex<Access>,
    /// How far the running cycle is.
    pub progress: Mutex<Arc<Progress>>,
    /// Its passes over workspaces.
    pub assets: AssetWork,
    record: Arc<Mutex<Record>>,
}

/// What is known of a group now.
///
/// What the store keeps can only be read here: a [`super::GroupChange`] writes it there first, and puts it here then.
#[derive(Debug)]
pub struct Record {
    stored: Stored,
    /// Operations that ended, newest first.
    pub history: Arc<Vec<OperationView>>,
    /// Every object, as the last cycle found it; it stays while a region is away.
    pub objects: Arc<Vec<ObjectView>>,
    pub cycle: CycleView,
    /// Up to when everything that does not fail has arrived.
    pub point_without_failing: Option<Timestamp>,
    /// When everything in scope was last seen to have arrived, by the monotonic clock.
    pub whole_at: Option<Duration>,
    /// Lag, oldest first.
    pub lag: VecDeque<LagSample>,
    /// Marks on the chart.
    pub marks: Arc<Vec<Mark>>,
    /// Why the last cycle did not end, where it did not.
    pub blocking_error: Option<ObjectError>,
    /// Up to when the last cycle that ended looked at every object.
    pub looked_at: Option<Timestamp>,
    /// Errors over time, as last written.
    pub error_history: Arc<Vec<ErrorRow>>,
    /// Whether the history was written since the process started.
    pub history_is_written: bool,
    /// What the last readiness check found.
    pub readiness: Option<Arc<ReadinessReport>>,
    /// What a forced failover would lose, as last looked at.
    pub loss: LossRecord,
    /// When what a rolled-back failover owes is tried again.
    pub restoring: Backoff,
    /// When the tables are tried again that could not be salvaged.
    pub salvaging: Backoff,
    /// What the passes over its workspaces found.
    pub assets: AssetsRecord,
}

impl Deref for Record {
    type Target = Stored;

    fn deref(&self) -> &Stored {
        &self.stored
    }
}

impl Record {
    /// A group of which nothing but what the store keeps is known, with its operations, newest first.
    pub fn new(stored: Stored, operations: &[Operation]) -> Self {
        let ended = operations.iter().filter(|o| o.outcome != OperationOutcome::Running);
        Self {
            history: Arc::new(ended.map(Operation::view).collect()),
            stored,
            objects: Arc::default(),
            cycle: CycleView::default(),
            point_without_failing: None,
            whole_at: None,
            lag: VecDeque::new(),
            marks: Arc::default(),
            blocking_error: None,
            looked_at: None,
            error_history: Arc::default(),
            history_is_written: false,
            readiness: None,
            loss: LossRecord::default(),
            restoring: Backoff::default(),
            salvaging: Backoff::default(),
            assets: AssetsRecord::default(),
        }
    }

    /// Puts what was stored in the place of what was there, and an operation that ended into the history.
    pub(super) fn put(&mut self, stored: Stored) {
        if self.stored.group.state != stored.group.state {
            tracing::info!(group = %stored.group.spec.id, state = %stored.group.state, "state changed");
        }
        let ended = stored.operation.as_ref().filter(|o| o.outcome != OperationOutcome::Running);
        if let Some(view) = ended.map(Operation::view)
            && self.history.first() != Some(&view)
        {
            let history = Arc::make_mut(&mut self.history);
            history.retain(|o| o.id != view.id);
            history.insert(0, view);
            history.truncate(HISTORY);
        }
        self.stored = stored;
    }

    /// Shows what a running step does. Only a step's end is worth a write.
    pub fn note_step(&mut self, step: FailoverStep, note: String) {
        if let Some(operation) = &mut self.stored.operation {
            operation.note(step, note);
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
            recovering: tokio::sync::Mutex::new(()),
            quit: Arc::default(),
            forget: AtomicBool::new(false),
            repairs: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            progress: Mutex::default(),
            assets: AssetWork::default(),
            record: Arc::new(Mutex::new(record)),
        }
    }

    /// The record; held for a moment only, never across an await.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// The record, for a change that outlives its caller.
    pub(super) fn shared_record(&self) -> Arc<Mutex<Record>> {
        self.record.clone()
    }

    /// Waits for the group's write lock, which serialises everything that is written to the store for it.
    pub(super) async fn lock_for_writing(&self) -> WriteLock {
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
        lock(&self.progress).clone()
    }

    /// A fresh progress for a cycle that begins.
    pub fn new_progress(&self) -> Arc<Progress> {
        let fresh = Arc::new(Progress::default());
        *lock(&self.progress) = fresh.clone();
        fresh
    }
}

impl Record {
    /// The region that still has to be put in order, as [`GroupHandle::unsettled_region`] says.
    pub fn unsettled_region(&self) -> Option<Region> {
        if self.group.salvage_pending {
            return Some(self.group.effective_secondary_region().clone());
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
}
