//! A group's worker: whatever the group's state asks for, one thing at a time.

use super::group_handle::{GroupHandle, lock_record};
use super::loss::LossEstimate;
use super::reclaim::PendingSalvage;
use super::{Control, ControlError, audit, failover, reclaim, repair};
use crate::domain::{
    AssetKind, ErrorClass, Event, GroupState, MappingTable, ObjectError, Timestamp, UnityCatalogAssets,
    replication_point,
};
use crate::net::Backoff;
use crate::replicate::{
    self, Access, Coverage, CycleCache, CycleError, CycleOutcome, CycleRequest, Endpoint, ReplicaState, SalvageHold,
    TidyRound, run_cycle,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Runs until the group is gone or the runtime stops.
pub async fn run(control: Control, handle: Arc<GroupHandle>) {
    let mut stopping = control.stopping();
    let mut cache = WorkerCache::default();
    loop {
        if *stopping.borrow() {
            repair::give_up(&handle);
            return;
        }
        handle.stop.store(false, Ordering::Relaxed);
        if let Err(error) = control.withdraw_false_point(&handle).await {
            record_error(&control, &handle, &error);
        }
        if !handle.group().state.replicates() {
            repair::give_up(&handle);
        }
        let pause = match handle.group().state {
            GroupState::Creating => create(&control, &handle).await,
            GroupState::InitialReplication | GroupState::Active => replicate(&control, &handle, &mut cache).await,
            // Dropping a failover in the middle is what a crash does to it, and its journal is made for that.
            GroupState::FailingOver => tokio::select! {
                pause = failover::run(&control, &handle, &mut cache) => pause,
                _ = stopping.wait_for(|stop| *stop) => return,
            },
            GroupState::Deleting => match super::deletion::dismantle(&control, &handle).await {
                Some(pause) => pause,
                None => return,
            },
            GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed => Duration::MAX,
        };
        if pause == Duration::ZERO {
            continue;
        }
        tokio::select! {
            () = handle.wake.notified() => {}
            () = tokio::time::sleep(pause.min(Duration::from_secs(86_400))) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// What a worker keeps at hand between cycles; everything in it can be found again.
///
/// It belongs to one epoch: what was found out for one direction must never be used for the other.
#[derive(Default)]
pub struct WorkerCache {
    epoch: u64,
    /// Both ends, while they answer.
    ends: Option<(Endpoint, Endpoint)>,
    /// What replication remembers; None until read from the store.
    pub cycle_cache: Option<CycleCache>,
    /// Failed cycles in a row.
    failures: u32,
    /// What the last of them said; the same is not logged twice.
    said: String,
    tidying: Tidying,
}

/// Tidying the store up beside the cycles; it ends with the cache.
#[derive(Default)]
struct Tidying {
    task: Option<tokio::task::JoinHandle<()>>,
    next: Option<Instant>,
}

impl Drop for Tidying {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Pause between two rounds of tidying up, which look at a few tables each.
const TIDY_PAUSE: Duration = Duration::from_secs(30);

impl WorkerCache {
    /// Forgets everything, so that the next cycle finds out anew.
    pub fn clear(&mut self) {
        // The epoch stays: a cache of another one is thrown away with the count of failures.
        *self = Self { epoch: self.epoch, ..Self::default() };
    }

    /// Drops from the store what no log holds any more, in the background, once in a while.
    fn tidy(&mut self, control: &Control, handle: &GroupHandle) {
        let busy = self.tidying.task.as_ref().is_some_and(|task| !task.is_finished());
        let Some((source, destination)) = self.ends.clone().filter(|_| !busy) else { return };
        let now = Instant::now();
        // Not at once: a process that just started has better things to do.
        let due = *self.tidying.next.get_or_insert(now + TIDY_PAUSE);
        if now < due {
            return;
        }
        self.tidying.next = Some(now + TIDY_PAUSE);
        let (inner, group) = (control.inner.clone(), handle.id.clone());
        self.tidying.task = Some(tokio::spawn(async move {
            let round = TidyRound {
                group: &group,
                source: &source,
                destination: &destination,
                store: &inner.store,
                clock: inner.clock.as_ref(),
            };
            if let Err(error) = round.run().await {
                tracing::debug!(group = %group, %error, "the ledger was not tidied up");
            }
        }));
    }

    /// Both ends of the group's replication: source, destination.
    pub async fn ends(
        &mut self,
        control: &Control,
        handle: &GroupHandle,
    ) -> Result<(Endpoint, Endpoint), ControlError> {
        let group = handle.group();
        if self.epoch != group.epoch {
            *self = Self { epoch: group.epoch, ..Self::default() };
        }
        if let Some(ends) = &self.ends {
            return Ok(ends.clone());
        }
        let deployment = &control.inner.deployment;
        let source = deployment.endpoint(&group, &group.effective_primary_region).await?;
        let destination = deployment.endpoint(&group, group.effective_secondary_region()).await?;
        self.ends = Some((source.clone(), destination.clone()));
        Ok((source, destination))
    }

    /// What replication remembers, read from the store where it is not at hand.
    async fn cycle_cache(&mut self, control: &Control, handle: &GroupHandle) -> Result<&mut CycleCache, ControlError> {
        match &mut self.cycle_cache {
            Some(cycle_cache) => Ok(cycle_cache),
            slot => Ok(slot.insert(read_cache(control, handle).await?)),
        }
    }

    /// The storage that may be reached, for a step that opens much of it.
    pub async fn access(&mut self, control: &Control, handle: &GroupHandle) -> Result<&mut Access, ControlError> {
        // Of this epoch, or the next look at the ends would throw it away.
        self.ends(control, handle).await?;
        Ok(&mut self.cycle_cache(control, handle).await?.access)
    }

    /// Runs one cycle over the whole scope, until `stop` says to end at a commit boundary.
    pub async fn cycle(
        &mut self,
        control: &Control,
        handle: &GroupHandle,
        stop: &Arc<AtomicBool>,
    ) -> Result<CycleOutcome, ControlError> {
        let group = handle.group();
        let (source, destination) = self.ends(control, handle).await?;
        let cycle_cache = self.cycle_cache(control, handle).await?;
        let left = handle.record().left.clone();
        cycle_cache.held = handle.record().pending_salvage.iter().map(PendingSalvage::held).collect();
        let in_place = left.iter().filter(|left| left.is_in_place() && left.region == destination.region);
        let waits: Vec<SalvageHold> =
            in_place.map(SalvageHold::left_behind).filter(|h| !cycle_cache.holds(&h.error.object)).collect();
        cycle_cache.held.extend(waits);
        let rows = group.spec.unity_catalog_assets.as_ref().map_or(&[][..], |assets| &assets.location_mappings);
        let mappings = MappingTable::new(rows, &group.spec.regions_in_order())
            // Accepted by an earlier version, or changed in the store: the cycle names it and makes nothing new.
            .unwrap_or_else(|errors| MappingTable::faulty(&errors))
            .with_metastore_roots(
                [&source, &destination].map(|endpoint| (&endpoint.region, endpoint.metastore_root.as_deref())),
            );
        let request = CycleRequest {
            group: &group.spec.id,
            catalogs: group.catalogs(),
            mappings: &mappings,
            source: &source,
            destination: &destination,
            store: &control.inner.store,
            clock: control.inner.clock.as_ref(),
            stop: stop.clone(),
            limits: control.inner.limits.clone(),
            progress: handle.new_progress(),
            coverage: Coverage::default(),
        };
        let mut outcome = run_cycle(&request, cycle_cache).await?;
        super::regions::compare_storage_clock(control, &destination.region, cycle_cache.storage_clock.skew());
        replicate::list_left_behind(&mut outcome.objects, &left);
        Ok(outcome)
    }
}

async fn read_cache(control: &Control, handle: &GroupHandle) -> Result<CycleCache, ControlError> {
    let id = handle.id.clone();
    let (rows, owned) =
        control.inner.store.run(move |tx| Ok((tx.tables::<ReplicaState>(&id)?, tx.owned(&id)?))).await?;
    // A row that a cycle wrote back while its catalog was taken out of the scope is nobody's any more.
    let group = handle.group();
    let in_scope = |name: &str| name.split_once('.').is_some_and(|(catalog, _)| group.has_catalog(catalog));
    let rows = rows.into_iter().filter(|row| in_scope(&row.name));
    let tables = rows.map(|row| (row.name, row.body)).collect();
    let owned = owned.into_iter().filter(|key| group.has_catalog(&key.name.catalog)).collect();
    Ok(CycleCache { tables, owned, ..CycleCache::default() })
}

async fn create(control: &Control, handle: &GroupHandle) -> Duration {
    match control.provision(&handle.group()).await {
        Ok(()) => {
            fail::fail_point!("control.after_provision");
            settle(control, handle, control.apply(handle, Event::Created, None, |_, _| {}).await.map(|_| ()))
        }
        // A store that cannot take the next record, as on a full disk, says nothing about the group: it is tried again.
        Err(error) if error.is_unreachable() || matches!(error, ControlError::Store(_)) => {
            record_error(control, handle, &error);
            control.inner.settings.retry_pause * 4
        }
        Err(error) => {
            let message = error.to_string();
            tracing::warn!(group = %handle.id, %error, "creation failed");
            let told = format!("Couldn't prepare the regions for failover group {}. {message}", handle.id);
            let line =
                audit::line(control.now(), "runtime", "failover_group.creation_failed", handle.id.as_str(), told);
            let applied = control
                .apply(handle, Event::CreationFailed, Some(line), |group, _| group.state_message = Some(message))
                .await;
            settle(control, handle, applied.map(|_| ()))
        }
    }
}

/// Goes on at once after something was stored, and waits a little where it could not be.
pub fn settle(control: &Control, handle: &GroupHandle, stored: Result<(), ControlError>) -> Duration {
    match stored {
        Ok(()) => Duration::ZERO,
        Err(error) => {
            record_error(control, handle, &error);
            control.inner.settings.retry_pause
        }
    }
}

async fn replicate(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) -> Duration {
    let settings = &control.inner.settings;
    if super::failover::owes_a_restore(handle) {
        failover::try_restore(control, handle).await;
    }
    if handle.forget.swap(false, Ordering::Relaxed) {
        cache.clear();
    }
    repair::carry_out(control, handle, cache).await;
    let scope = handle.group().spec.unity_catalog_assets;
    let watch = Instant::now();
    begin(control, handle);
    let outcome = match handle.group().salvage_pending {
        // Reclaiming may be dropped in the middle, as by a crash: every part of it may be done twice.
        true => match until_stopped(control, reclaim::reclaim(control, handle, cache)).await {
            Ok(()) => cache.cycle(control, handle, &handle.stop).await,
            Err(error) => Err(error),
        },
        false => match until_stopped(control, reclaim::try_again(control, handle, cache)).await {
            Ok(()) => cache.cycle(control, handle, &handle.stop).await,
            Err(error) => Err(error),
        },
    };
    let outcome = match outcome {
        Ok(mut outcome) => finish(control, handle, &mut outcome, &scope, watch.elapsed()).await.map(|()| outcome),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(outcome) => {
            if outcome.complete {
                cache.tidy(control, handle);
            }
            if cache.failures > 0 {
                tracing::info!(group = %handle.id, failures = cache.failures, "replication recovered");
                cache.failures = 0;
                cache.said.clear();
            }
            if outcome.complete && outcome.changed == 0 { settings.idle_pause } else { settings.busy_pause }
        }
        Err(ControlError::Cycle(error)) if matches!(*error, CycleError::Stopped) => Duration::ZERO,
        Err(error) => {
            let (failures, said) = (cache.failures + 1, error.to_string());
            if cache.said != said {
                tracing::warn!(group = %handle.id, %error, "replication is held up");
            }
            cache.clear();
            (cache.failures, cache.said) = (failures, said);
            record_error(control, handle, &error);
            Backoff::new(settings.retry_pause * 2, settings.retry_pause * 4).steady(failures)
        }
    }
}

/// Runs `work` unless the runtime stops first.
async fn until_stopped(
    control: &Control,
    work: impl Future<Output = Result<(), ControlError>>,
) -> Result<(), ControlError> {
    let mut stopping = control.stopping();
    tokio::select! {
        done = work => done,
        _ = stopping.wait_for(|stop| *stop) => Err(CycleError::Stopped.into()),
    }
}

fn begin(control: &Control, handle: &GroupHandle) {
    let mut record = handle.record();
    record.cycle.iteration += 1;
    record.cycle.running = true;
    record.cycle.started = Some(control.now());
    let bootstrap = record.group.state == GroupState::InitialReplication;
    drop(record);
    // An ordinary cycle is over before anybody could read that it runs.
    if bootstrap {
        control.touch();
    }
}

/// Records what a cycle found: the point last, because it alone says that everything before it has arrived.
async fn finish(
    control: &Control,
    handle: &GroupHandle,
    outcome: &mut CycleOutcome,
    scope: &Option<UnityCatalogAssets>,
    took: Duration,
) -> Result<(), ControlError> {
    let now = control.now();
    let blocked = outcome.objects.iter().any(|o| o.blocks());
    let settled = outcome.complete && outcome.objects.iter().all(|o| o.is_settled());
    let write_lock = handle.lock_for_writing().await;
    let (mut group, since, known) = {
        let record = handle.record();
        (record.group.clone(), record.state_since, record.errors.clone())
    };
    // A cycle over another scope says nothing of this one.
    if !group.state.replicates() || group.spec.unity_catalog_assets != *scope {
        return Ok(());
    }
    let mut objects = std::mem::take(&mut outcome.objects);
    keep_since(objects.iter_mut().filter_map(|o| o.error.as_mut()), &known);
    let mut errors: Vec<ObjectError> = objects.iter().filter_map(|o| o.error.clone()).collect();
    errors.sort_by_key(|e| !e.blocks_replication_point());
    let point = (settled && !blocked).then(|| replication_point::advance(group.replication_point, outcome.cut));
    fail::fail_point!("control.before_point");
    if let Some(point) = point {
        group.replication_point = Some(point);
    }
    group.has_replication_point_blocking_errors = blocked;
    let arrived = settled && group.state == GroupState::InitialReplication;
    let writes = point.is_some() || blocked != handle.record().group.has_replication_point_blocking_errors;
    let (stored, epoch, changed) = (group.clone(), group.epoch, outcome.changed);
    let news = (errors != *known).then(|| errors.clone());
    let work = move |tx: &crate::store::Tx<'_>| {
        if let Some(errors) = news {
            super::findings::keep(tx, &stored.spec.id, &errors)?;
        }
        if writes {
            tx.put_group(&stored, since)?;
        }
        match point {
            // An idle cycle moves the point without a new version to read back, so only the group keeps it.
            Some(point) if changed > 0 => tx.add_point(&stored.spec.id, epoch, point),
            _ => Ok(()),
        }
    };
    let (record, cut, cut_at, complete) = (handle.shared_record(), outcome.cut, outcome.cut_at, outcome.complete);
    let show = move |control: &Control, ()| {
        let mut record = lock_record(&record);
        // Before the point moves: the chart shows how far behind it got, not how close it came.
        record.sample_lag(now);
        record.group = group;
        record.objects = same_or_new(&record.objects, objects);
        record.errors = same_or_new(&record.errors, errors);
        record.blocking_error = None;
        if point.is_some() {
            record.whole_at = Some(cut_at);
        }
        record.point_without_failing = if settled { Some(cut) } else { record.point_without_failing };
        record.cycle.running = false;
        record.cycle.seconds = Some(took.as_secs_f64());
        record.cycle.changed = changed;
        record.looked_at = complete.then_some(cut).or(record.looked_at);
        if complete {
            record.loss.looked = LossEstimate::of_cycle(cut, &record.objects);
        }
        drop(record);
        control.touch();
    };
    let (write_lock, ()) = control.durably(write_lock, work, show).await?;
    if arrived {
        control
            .apply_locked(write_lock, handle, Event::EverythingArrived, None, |group, _| group.bootstrapped = true)
            .await?;
        fail::fail_point!("control.after_active");
    }
    Ok(())
}

/// Keeps the list that is shown when nothing in it changed, so that nobody has to look at it again.
fn same_or_new<T: PartialEq>(shown: &Arc<Vec<T>>, found: Vec<T>) -> Arc<Vec<T>> {
    if **shown == found { shown.clone() } else { Arc::new(found) }
}

/// Gives errors that were there before the instant at which they were first seen.
fn keep_since<'a>(found: impl Iterator<Item = &'a mut ObjectError>, known: &[ObjectError]) {
    let seen: BTreeMap<(&str, ErrorClass), Timestamp> =
        known.iter().map(|e| ((e.object.as_str(), e.class), e.since)).collect();
    for error in found {
        if let Some(since) = seen.get(&(error.object.as_str(), error.class)) {
            error.since = *since;
        }
    }
}

/// Shows why a cycle did not end.
pub fn record_error(control: &Control, handle: &GroupHandle, error: &ControlError) {
    let now = control.now();
    let mut record = handle.record();
    record.cycle.running = false;
    let (class, object) = match error {
        ControlError::Region(e) => (e.class(), e.region().unwrap_or(handle.id.as_str()).to_owned()),
        ControlError::Cycle(e) => match e.as_ref() {
            CycleError::Region { region, source } => (source.class(), region.clone()),
            CycleError::Store(_) | CycleError::Stopped => (ErrorClass::StorageFailure, handle.id.to_string()),
        },
        ControlError::Table(fault) => (fault.class, handle.id.to_string()),
        _ => (ErrorClass::StorageFailure, handle.id.to_string()),
    };
    let since =
        record.blocking_error.as_ref().filter(|t| t.class == class && t.object == object).map_or(now, |t| t.since);
    let parameters = BTreeMap::from([("region".to_owned(), object.clone())]);
    record.blocking_error =
        Some(ObjectError { class, parameters, message: error.to_string(), kind: AssetKind::Catalog, object, since });
    record.sample_lag(now);
    drop(record);
    control.touch();
}
