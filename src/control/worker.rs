//! A group's worker: whatever the group's state asks for, one thing at a time.

use super::group::{GroupChange, GroupHandle, dismantle, record_error, settle};
use super::view::LossEstimate;
use super::worker_cache::WorkerCache;
use super::{Control, ControlError, approval, assets, audit, failover, provisional, reclaim, repair};
use crate::domain::{
    ErrorClass, Event, FailoverGroupSpec, GroupState, ObjectError, ScopeRules, Timestamp, UnityCatalogAssets,
    replication_point,
};
use crate::net::Backoff;
use crate::replicate::{CycleError, CycleOutcome};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Errors over time that are shown.
const HISTORY: usize = 500;

/// Runs until the group is gone or the runtime stops; its workspaces' passes end with it.
pub async fn run(control: Control, handle: Arc<GroupHandle>) {
    tokio::select! {
        () = work(control.clone(), handle.clone()) => {}
        () = assets::run(&control, &handle) => {}
    }
}

async fn work(control: Control, handle: Arc<GroupHandle>) {
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
            GroupState::Deleting => match dismantle(&control, &handle).await {
                Some(pause) => pause,
                None => {
                    repair::give_up(&handle);
                    return;
                }
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

async fn create(control: &Control, handle: &GroupHandle) -> Duration {
    match control.provision(&handle.group()).await {
        Ok(()) => {
            fail::fail_point!("control.after_provision");
            settle(control, handle, created(control, handle).await)
        }
        // A store that cannot take the next record, as on a full disk, says nothing about the group: it is tried again.
        Err(error) if error.is_unreachable() || error.is_of_store() => {
            record_error(control, handle, &error);
            control.inner.settings.retry_pause * 4
        }
        Err(error) => {
            let message = error.to_string();
            tracing::warn!(group = %handle.id, %error, "creation failed");
            let told = format!("Couldn't prepare the regions for failover group {}. {message}", handle.id);
            let line =
                audit::line(control.now(), "runtime", "failover_group.creation_failed", handle.id.as_str(), told);
            let failed = async {
                let mut change = GroupChange::of(handle).await;
                change.apply(Event::CreationFailed, control.now())?;
                change.group.state_message = Some(message);
                change.log(line);
                change.commit(control).await.map(|_| ())
            };
            settle(control, handle, failed.await)
        }
    }
}

async fn created(control: &Control, handle: &GroupHandle) -> Result<(), ControlError> {
    let mut change = GroupChange::of(handle).await;
    change.apply(Event::Created, control.now())?;
    change.commit(control).await.map(|_| ())
}

async fn replicate(control: &Control, handle: &Arc<GroupHandle>, cache: &mut WorkerCache) -> Duration {
    let settings = &control.inner.settings;
    if let Err(error) = approval::expire(control, handle).await {
        tracing::debug!(group = %handle.id, %error, "an expired request couldn't be dropped yet");
    }
    if let Some(pause) = provisional::tend(control, handle, cache).await {
        repair::give_up(handle);
        return pause;
    }
    if failover::owes_a_restore(handle) {
        failover::try_restore(control, handle).await;
    }
    if handle.forget.swap(false, Ordering::Relaxed) {
        cache.clear();
    }
    repair::carry_out(control, handle, cache).await;
    let FailoverGroupSpec { unity_catalog_assets, rules, .. } = handle.group().spec;
    let scope = (unity_catalog_assets, rules);
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
                cache.watch_readiness(control, handle);
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
    scope: &(Option<UnityCatalogAssets>, ScopeRules),
    took: Duration,
) -> Result<(), ControlError> {
    let now = control.now();
    let blocked = outcome.objects.iter().any(|o| o.blocks());
    let settled = outcome.complete && outcome.objects.iter().all(|o| o.is_settled());
    let mut change = GroupChange::of(handle).await;
    // A cycle over another scope says nothing of this one.
    let spec = &change.group.spec;
    if !change.group.state.replicates() || spec.unity_catalog_assets != scope.0 || spec.rules != scope.1 {
        return Ok(());
    }
    let mut objects = std::mem::take(&mut outcome.objects);
    let assets_arrived = {
        let record = handle.record();
        objects.extend(record.assets.objects(&change.group));
        record.assets.has_arrived(&change.group)
    };
    keep_since(objects.iter_mut().filter_map(|o| o.error.as_mut()), &change.errors);
    let mut errors: Vec<ObjectError> = objects.iter().filter_map(|o| o.error.clone()).collect();
    let mut of_passes = handle.record().assets.errors(&change.group);
    keep_since(of_passes.iter_mut(), &change.errors);
    errors.extend(of_passes);
    errors.sort_by_key(|e| !e.blocks_replication_point());
    let before = change.errors.clone();
    change.errors = same_or_new(&change.errors, errors);
    let writes_history = !Arc::ptr_eq(&before, &change.errors) || !handle.record().history_is_written;
    if writes_history {
        let (id, errors) = (handle.id.clone(), change.errors.clone());
        change.also(move |tx| tx.note_errors(&id, &errors, now));
    }
    let point = (settled && !blocked).then(|| replication_point::advance(change.group.replication_point, outcome.cut));
    fail::fail_point!("control.before_point");
    let changed = outcome.changed;
    if let Some(point) = point {
        change.group.replication_point = Some(point);
        // An idle cycle moves the point without a new version to read back, so only the group keeps it.
        if changed > 0 {
            let (id, epoch) = (handle.id.clone(), change.group.epoch);
            change.also(move |tx| tx.add_point(&id, epoch, point));
        }
    }
    change.group.has_replication_point_blocking_errors = blocked;
    let arrived = settled && assets_arrived && change.group.state == GroupState::InitialReplication;
    if arrived {
        change.apply(Event::EverythingArrived, now)?;
        change.group.bootstrapped = true;
    }
    let (cut, cut_at, complete) = (outcome.cut, outcome.cut_at, outcome.complete);
    change.show(move |record| {
        // Before the point moves: the chart shows how far behind it got, not how close it came.
        record.sample_lag(now);
        record.objects = same_or_new(&record.objects, objects);
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
    });
    change.commit(control).await?;
    if writes_history {
        show_history(control, handle).await?;
    }
    if arrived {
        fail::fail_point!("control.after_active");
    }
    Ok(())
}

/// Shows the errors over time, as they were just written.
async fn show_history(control: &Control, handle: &GroupHandle) -> Result<(), ControlError> {
    let id = handle.id.clone();
    let rows = control.inner.store.run(move |tx| tx.errors(&id, HISTORY)).await?;
    let mut record = handle.record();
    (record.error_history, record.history_is_written) = (Arc::new(rows), true);
    Ok(())
}

/// Keeps the list that is shown when nothing in it changed, so that no one has to look at it again.
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
