//! The control handle: every change to a group enters here, whoever asks.

use super::deployment::Deployment;
use super::durable::{GroupChange, WriteLock};
use super::group_handle::{GroupHandle, Record};
use super::keyring::Keyring;
use super::operation::{Operation, PausedWork, PausedWorkload};
use super::routes::Routing;
use super::shown::ShownRegions;
use super::view::{ActivityEntry, OperationOutcome, RegionView, WorkloadView};
use super::{ControlError, findings, left_behind, reclaim, worker};
use crate::connect::UnpausedJob;
use crate::delta::TransferLimits;
use crate::domain::{
    AssetKind, Bandwidth, Clock, Event, FailoverGroup, FailoverKind, GroupId, GroupState, StableUrl, SteadyClock,
    Timestamp, WorkspaceId, group_state,
};
use crate::store::{ActivityRow, Store, Tx};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How eagerly the runtime works.
#[derive(Debug, Clone)]
pub struct ControlSettings {
    /// Pause between two cycles while tables change.
    pub busy_pause: Duration,
    /// Pause between two cycles while nothing changes.
    pub idle_pause: Duration,
    /// Pause before a failed cycle is tried again, doubled up to thirty times as long.
    pub retry_pause: Duration,
    /// Between two readings of what runs in the regions.
    pub region_pause: Duration,
    /// How long writes must have been quiet to count as stopped.
    pub quiet_period: Duration,
    /// How long to wait for writes to stop before a planned failover is rolled back.
    pub quiet_timeout: Duration,
    /// Files copied at a time, where it is told and not kept.
    pub max_parallel_transfers: Option<NonZeroUsize>,
    /// What all copies together may take, where it is told and not kept.
    pub max_bandwidth: Option<Bandwidth>,
    /// Where a failover is announced with a POST, where set.
    pub webhook: Option<String>,
    /// How long requests at the stable URLs may go on once a planned failover holds new ones.
    pub request_drain: Duration,
    /// Scheme and authority of the stable URLs that are made from now on.
    pub stable_url_origin: String,
    /// Starts no worker: nothing replicates, and what a crash interrupted stays as it is, for a command that only looks.
    pub read_only: bool,
}

impl Default for ControlSettings {
    fn default() -> Self {
        Self {
            busy_pause: Duration::from_millis(300),
            idle_pause: Duration::from_millis(700),
            retry_pause: Duration::from_millis(500),
            region_pause: Duration::from_secs(3),
            quiet_period: Duration::from_millis(400),
            quiet_timeout: Duration::from_secs(120),
            max_parallel_transfers: None,
            max_bandwidth: None,
            webhook: None,
            request_drain: Duration::from_secs(2),
            stable_url_origin: "https://localhost".to_owned(),
            read_only: false,
        }
    }
}

/// The control handle; cheap to clone.
#[derive(Clone)]
pub struct Control {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub deployment: Deployment,
    pub store: Store,
    pub clock: Arc<SteadyClock>,
    pub settings: ControlSettings,
    pub limits: Arc<TransferLimits>,
    /// Serialises what the account's rules are checked for, so that two groups cannot take one catalog or stable URL.
    pub creating: Arc<tokio::sync::Mutex<()>>,
    pub stable_urls: Mutex<BTreeMap<String, StableUrl>>,
    /// The gates of the stable URLs.
    pub routing: Routing,
    pub keyring: Keyring,
    pub regions: Mutex<Arc<Vec<RegionView>>>,
    pub shown_regions: Mutex<ShownRegions>,
    /// Whether the add-on is on in each workspace, and when that was read.
    pub mission_critical: Mutex<BTreeMap<WorkspaceId, (bool, Timestamp)>>,
    /// What runs in each workspace, as last heard of.
    pub workloads: Mutex<BTreeMap<WorkspaceId, Vec<WorkloadView>>>,
    /// Makes the readers of the regions read everything again.
    pub refresh: watch::Sender<u64>,
    pub activity: Mutex<Arc<Vec<ActivityEntry>>>,
    handles: Mutex<BTreeMap<GroupId, Arc<GroupHandle>>>,
    changed: watch::Sender<u64>,
    stopping: watch::Sender<bool>,
    workers: Mutex<JoinSet<()>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Control {
    /// Loads every group from the store and goes on with whatever a crash interrupted.
    pub async fn start(
        deployment: Deployment,
        store: Store,
        clock: Arc<dyn Clock>,
        settings: ControlSettings,
    ) -> Result<Self, ControlError> {
        let (groups, activity) = store.run(|tx| Ok((tx.groups()?, tx.activity(200)?))).await?;
        let (urls, tokens) = store.run(|tx| Ok((tx.stable_urls()?, tx.tokens()?))).await?;
        let control = Self {
            inner: Arc::new(Inner {
                regions: Mutex::new(Arc::new(super::regions::unread(&deployment))),
                shown_regions: Mutex::default(),
                stable_urls: Mutex::new(urls.into_iter().map(|url| (url.id.clone(), url)).collect()),
                routing: Routing::default(),
                keyring: Keyring::new(tokens),
                deployment,
                store,
                clock: super::clock::steady(clock),
                settings,
                limits: Arc::default(),
                creating: Arc::default(),
                mission_critical: Mutex::default(),
                workloads: Mutex::default(),
                refresh: watch::Sender::new(0),
                activity: Mutex::new(Arc::new(activity.into_iter().map(entry).collect())),
                handles: Mutex::default(),
                changed: watch::Sender::new(0),
                stopping: watch::Sender::new(false),
                workers: Mutex::default(),
            }),
        };
        super::regions::recall_workloads(&control).await?;
        control.recall_transfer_limit().await?;
        for (group, state_since) in groups {
            let id = group.spec.id.clone();
            let read_only = control.inner.settings.read_only;
            let read = move |tx: &Tx<'_>| {
                let kept = (left_behind::recall(tx, &id)?, findings::recall_for(tx, &id, read_only)?);
                Ok((tx.operations::<Operation>(&id, 20)?, tx.salvage(&id)?, reclaim::recall(tx, &id)?, kept))
            };
            let (operations, salvage, pending_salvage, (left, flagged)) = control.inner.store.run(read).await?;
            let mut record = Record::new(group, state_since);
            record.pending_salvage = Arc::new(pending_salvage);
            record.salvage = Arc::new(salvage);
            record.left = Arc::new(left);
            record.errors = Arc::new(flagged);
            record.history = Arc::new(
                operations.iter().map(|o| o.body.view()).filter(|o| o.outcome != OperationOutcome::Running).collect(),
            );
            record.operation = operations.into_iter().next().map(|o| o.body);
            control.adopt(GroupHandle::new(record));
        }
        if control.inner.settings.read_only {
            return Ok(control);
        }
        control.lead_gates();
        lock(&control.inner.workers).spawn(super::routes::keep_leading(control.clone()));
        for workspace in &control.inner.deployment.workspaces {
            let mut workers = lock(&control.inner.workers);
            workers.spawn(super::health::keep_telling(control.clone(), workspace.clone()));
            workers.spawn(super::health::keep_probing(control.clone(), workspace.clone()));
            workers.spawn(super::regions::keep_reading(control.clone(), workspace.clone()));
        }
        Ok(control)
    }

    /// Takes a handle in and starts its worker.
    pub(super) fn adopt(&self, handle: GroupHandle) {
        let handle = Arc::new(handle);
        lock(&self.inner.handles).insert(handle.id.clone(), handle.clone());
        if self.inner.settings.read_only {
            return;
        }
        let control = self.clone();
        lock(&self.inner.workers).spawn(async move { worker::run(control, handle).await });
        self.touch();
    }

    /// Lets a group that is gone go.
    pub(super) fn release(&self, id: &GroupId) {
        lock(&self.inner.handles).remove(id);
        self.touch();
    }

    /// Stops every worker at a commit boundary and waits for them.
    pub async fn stop(&self) {
        self.inner.stopping.send_replace(true);
        for handle in self.handles() {
            handle.stop.store(true, Ordering::Relaxed);
            handle.quit.store(true, Ordering::Relaxed);
        }
        let mut workers = std::mem::take(&mut *lock(&self.inner.workers));
        while workers.join_next().await.is_some() {}
    }

    /// Whether the runtime is stopping; waits for it when asked to.
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.inner.stopping.subscribe()
    }

    /// Says that a view changed.
    pub(super) fn touch(&self) {
        self.inner.changed.send_modify(|n| *n += 1);
    }

    /// Ticks whenever a view changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// The time; a wall clock that jumps does not move it.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The account's id.
    pub fn account_id(&self) -> &str {
        &self.inner.deployment.account_id
    }

    pub(super) fn handles(&self) -> Vec<Arc<GroupHandle>> {
        lock(&self.inner.handles).values().cloned().collect()
    }

    pub(super) fn handle(&self, id: &GroupId) -> Result<Arc<GroupHandle>, ControlError> {
        lock(&self.inner.handles).get(id).cloned().ok_or_else(|| ControlError::UnknownGroup { id: id.to_string() })
    }

    /// One group.
    pub fn group(&self, id: &GroupId) -> Result<FailoverGroup, ControlError> {
        Ok(self.handle(id)?.shown())
    }

    /// Every group, by id.
    pub fn groups(&self) -> Vec<FailoverGroup> {
        self.handles().iter().map(|handle| handle.shown()).collect()
    }

    /// Writes an event of a group to the store, then lets it take effect.
    ///
    /// `change` edits group and operation in the same transaction; an error leaves everything as it was.
    pub(super) async fn apply(
        &self,
        handle: &GroupHandle,
        event: Event,
        activity: Option<ActivityRow>,
        change: impl FnOnce(&mut FailoverGroup, &mut Option<Operation>),
    ) -> Result<FailoverGroup, ControlError> {
        let write_lock = handle.lock_for_writing().await;
        self.apply_locked(write_lock, handle, event, activity, change).await
    }

    /// As [`Self::apply`], for a caller that holds the group's write_lock.
    pub(super) async fn apply_locked(
        &self,
        write_lock: WriteLock,
        handle: &GroupHandle,
        event: Event,
        activity: Option<ActivityRow>,
        change: impl FnOnce(&mut FailoverGroup, &mut Option<Operation>),
    ) -> Result<FailoverGroup, ControlError> {
        let (mut group, mut operation, mut since) = {
            let record = handle.record();
            (record.group.clone(), record.operation.clone(), record.state_since)
        };
        let (state, effects) = group_state::apply(group.state, event)?;
        let now = self.now();
        if state != group.state {
            since = now;
        }
        group.state = state;
        group.state_message = None;
        change(&mut group, &mut operation);
        let stops = effects.contains(&group_state::Effect::StopReplicating);
        let stop = handle.stop.clone();
        let then = move |_: &Self| stop.store(stops || stop.load(Ordering::Relaxed), Ordering::Relaxed);
        let change = GroupChange { group, operation, since, line: activity };
        self.commit(write_lock, handle, change, |_| Ok(()), then).await
    }

    /// Writes a changed group with a new etag, then shows it; `also` runs in the same transaction, `then` after it.
    pub(super) async fn commit(
        &self,
        write_lock: WriteLock,
        handle: &GroupHandle,
        mut change: GroupChange,
        also: impl FnOnce(&Tx<'_>) -> rusqlite::Result<()> + Send + 'static,
        then: impl FnOnce(&Self) + Send + 'static,
    ) -> Result<FailoverGroup, ControlError> {
        super::audit::renew_etag(&mut change.group, self.now());
        if let Some(line) = &mut change.line {
            super::audit::show_change(line, Some(&handle.group()), Some(&change.group));
        }
        let (group, wake) = (change.group.clone(), handle.wake.clone());
        let then = move |control: &Self| {
            then(control);
            wake.notify_one();
        };
        self.write(write_lock, handle, change, also, then).await?;
        Ok(group)
    }

    /// Shows a line of the audit log that is stored already.
    pub(super) fn show_activity(&self, line: ActivityRow) {
        let mut shown = lock(&self.inner.activity);
        let shown = Arc::make_mut(&mut shown);
        shown.insert(0, entry(line));
        shown.truncate(200);
    }

    /// Confirms a failover: durable when this returns, and the answer already shows FAILING_OVER.
    ///
    /// Asking for the region that is primary already changes nothing, nor does asking again for what runs, so a repeated
    /// call is harmless. Asking for the other kind while one runs is refused: the caller would believe its promises.
    /// A planned one leaves nothing behind but what `accepted` names.
    pub async fn fail_over_accepting(
        &self,
        actor: &str,
        id: &GroupId,
        target: &str,
        kind: FailoverKind,
        etag: Option<&str>,
        accepted: &[String],
    ) -> Result<FailoverGroup, ControlError> {
        let handle = self.handle(id)?;
        let write_lock = handle.lock_for_writing().await;
        let group = handle.group();
        if !group.spec.regions.iter().any(|r| r == target) {
            return Err(ControlError::BadArgument {
                sentence: format!(
                    "{target:?} isn't a region of failover group {id}. Name one of {}.",
                    group.spec.regions.join(", ")
                ),
            });
        }
        if etag.is_some_and(|etag| etag != group.etag) {
            return Err(ControlError::Stale { id: id.to_string() });
        }
        let running = handle.operation().filter(|o| {
            group.state == GroupState::FailingOver && o.outcome == OperationOutcome::Running && o.to_region == target
        });
        if let Some(running) = running {
            if running.kind != kind {
                return Err(other_kind_runs(id, running.kind, target));
            }
            return left_behind::same_acceptance(&running, accepted).map(|()| group);
        }
        if group.effective_primary_region == target {
            return match group.state {
                GroupState::FailingOver => Err(ControlError::Refused {
                    sentence: format!(
                        "Failover group {id} is failing over away from {target} now. Wait until that ends."
                    ),
                }),
                _ => Ok(group),
            };
        }
        if group.salvage_pending {
            let why = if self.away_since(target).is_some() { "doesn't respond, and" } else { "is being reclaimed:" };
            return Err(ControlError::Refused {
                sentence: format!(
                    "{target} isn't a replica yet. It {why} its unreplicated commits of the last failover must be salvaged first. Wait until the group is ACTIVE."
                ),
            });
        }
        if kind == FailoverKind::Planned {
            self.refuse_loss(&handle, accepted).await?;
        }
        let now = self.now();
        let mut operation =
            Operation::new(uuid::Uuid::new_v4().to_string(), kind, &group.effective_primary_region, target, actor, now);
        operation.was_active = group.state == GroupState::Active;
        if kind == FailoverKind::Forced {
            let left = self.inner.deployment.workspace_of(&group, &group.effective_primary_region)?;
            operation.paused = self.last_known_workloads(&left.id);
        }
        // A point that a wrong clock timed ahead is withdrawn by the worker, which may not have come to it.
        operation.point = group.replication_point.map(|point| point.min(now));
        operation.accepted = accepted.to_vec();
        let word = match kind {
            FailoverKind::Planned => "planned",
            FailoverKind::Forced => "forced",
        };
        let line = super::audit::line(
            now,
            actor,
            "failover_group.fail_over",
            id.as_str(),
            format!(
                "{actor} confirmed a {word} failover of {id} from {} to {target}.{}",
                group.effective_primary_region,
                match kind {
                    FailoverKind::Planned => String::new(),
                    FailoverKind::Forced => left_behind::known_loss(&handle.record().objects),
                }
            ),
        );
        // What an earlier failover stopped and could not start again is still pending, now to the new primary.
        if let Some(earlier) = handle.operation().filter(|o| o.restore_pending) {
            operation.paused.take_over(earlier.paused);
        }
        let event = Event::FailoverRequested { bootstrapped: group.bootstrapped };
        let group =
            self.apply_locked(write_lock, &handle, event, Some(line), |_, slot| *slot = Some(operation)).await?;
        handle.record().mark(now, format!("{word} failover"));
        fail::fail_point!("control.after_failover_confirmed");
        Ok(group)
    }

    /// What ran in a workspace when it was last heard of.
    pub(super) fn last_known_workloads(&self, workspace: &WorkspaceId) -> PausedWork {
        let known = lock(&self.inner.workloads);
        let running = || known.get(workspace).into_iter().flatten().filter(|w| w.running);
        let of = |kind| {
            let all = running().filter(move |w| w.kind == kind);
            all.map(|w| PausedWorkload { id: w.id.clone(), name: w.name.clone() }).collect()
        };
        PausedWork {
            jobs: running()
                .filter(|w| w.kind == AssetKind::Job)
                .map(|w| UnpausedJob {
                    job_id: w.id.parse().unwrap_or_default(),
                    name: w.name.clone(),
                    places: Default::default(),
                })
                .collect(),
            clusters: of(AssetKind::Cluster),
            warehouses: of(AssetKind::SqlWarehouse),
            catalogs: Vec::new(),
        }
    }

    /// Tries the failed phase of a group again.
    pub async fn retry(&self, actor: &str, id: &GroupId) -> Result<FailoverGroup, ControlError> {
        let handle = self.handle(id)?;
        let line = super::audit::line(
            self.now(),
            actor,
            "failover_group.retry",
            id.as_str(),
            format!("{actor} asked to retry the failed step of {id}."),
        );
        self.apply(&handle, Event::RetryRequested, Some(line), |group, operation| {
            // A failed creation or deletion is tried again without a look at a failover that is over.
            let failed = |operation: &&mut Operation| operation.outcome == OperationOutcome::Failed;
            if let Some(operation) =
                operation.as_mut().filter(failed).filter(|_| group.state == GroupState::FailingOver)
            {
                operation.outcome = OperationOutcome::Running;
                operation.ended = None;
            }
        })
        .await
    }
}

fn other_kind_runs(id: &GroupId, running: FailoverKind, target: &str) -> ControlError {
    let sentence = match running {
        FailoverKind::Forced => format!(
            "A FORCED failover of {id} to {target} is running, so a PLANNED one can't start. Wait until the forced one ends."
        ),
        FailoverKind::Planned => format!(
            "A PLANNED failover of {id} to {target} is running, so a FORCED one can't start. Wait until the planned one ends. If it rolls back, ask for FORCED again."
        ),
    };
    ControlError::Refused { sentence }
}

fn entry(line: ActivityRow) -> ActivityEntry {
    ActivityEntry {
        at: line.at,
        actor: line.actor,
        action: line.action,
        target: line.target,
        message: line.message,
        before: line.before,
        after: line.after,
    }
}
