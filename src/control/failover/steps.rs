//! The steps of a planned and of a forced failover.

use super::{
    Failover, catch_up, compare, cut_over, fence, hold_requests, notify, pause_schedules, rebind, reverse,
    stop_compute, wait_for_writes,
};
use crate::control::Control;
use crate::control::group::{GroupHandle, settle};
use crate::control::saga::{self, Saga};
use crate::control::worker_cache::WorkerCache;
use crate::domain::{FailoverKind, FailoverStep};
use std::sync::Arc;
use std::time::Duration;

/// Both regions answer: nothing is lost, and nothing is irrevocable before source and replica compare equal.
static PLANNED: Saga<Failover> = Saga {
    steps: &[
        notify::STEP,
        pause_schedules::STEP,
        stop_compute::STEP,
        wait_for_writes::STEP,
        catch_up::STEP,
        compare::STEP,
        hold_requests::STEP,
        fence::PLANNED,
        cut_over::STEP,
        rebind::STEP,
        reverse::STEP,
    ],
    point_of_no_return: FailoverStep::CutOver,
};

/// Asks nothing of the old primary that it must answer.
static FORCED: Saga<Failover> = Saga {
    steps: &[notify::STEP, hold_requests::STEP, fence::FORCED, cut_over::STEP, rebind::STEP, reverse::STEP],
    point_of_no_return: FailoverStep::CutOver,
};

/// The steps of a failover of `kind`.
pub fn saga_of(kind: FailoverKind) -> &'static Saga<Failover> {
    match kind {
        FailoverKind::Planned => &PLANNED,
        FailoverKind::Forced => &FORCED,
    }
}

/// Runs a group's failover from wherever its journal stands; how long its worker rests then.
pub async fn run(control: &Control, handle: &Arc<GroupHandle>, cache: &mut WorkerCache) -> Duration {
    // What replication remembers was for the other direction, or for a moment that has passed.
    cache.clear();
    // No pass may write to a workspace that becomes primary.
    handle.assets.halt().await;
    let kind = handle.operation().map_or(FailoverKind::Forced, |operation| operation.kind);
    if kind == FailoverKind::Planned {
        // A resume stops after its present call; only then is it true that what is paused stays so. A
        // forced failover waits for no one: what is resumed in its old primary is paused when that is reclaimed.
        drop(handle.resuming.lock().await);
        // Salvaged commits that are being recovered into the old primary are part of what this one ships.
        drop(handle.recovering.lock().await);
    }
    let mut failover = Failover::new(control.clone(), handle.clone(), std::mem::take(cache));
    let stored = saga::run(&mut failover, saga_of(kind)).await;
    *cache = failover.cache;
    settle(control, handle, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_what_the_journal_and_the_screens_go_by() {
        for kind in [FailoverKind::Planned, FailoverKind::Forced] {
            let listed: Vec<FailoverStep> = saga_of(kind).steps.iter().map(|step| step.name).collect();
            assert_eq!(listed, FailoverStep::of(kind), "{kind:?}");
        }
    }
}
