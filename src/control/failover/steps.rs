//! The steps of a planned and of a forced failover.

use super::{
    Failover, catch_up, check_versions, compare, cut_over, fence, hold_requests, notify, pause_schedules, rebind,
    restore_versions, reverse, stop_compute, wait_for_writes,
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

/// [`PLANNED`] to an earlier instant: the tables can go back before anything is irrevocable, and are back before anyone writes.
static PLANNED_AS_OF: Saga<Failover> = Saga {
    steps: &[
        notify::STEP,
        pause_schedules::STEP,
        stop_compute::STEP,
        wait_for_writes::STEP,
        catch_up::STEP,
        compare::STEP,
        hold_requests::STEP,
        fence::PLANNED,
        check_versions::STEP,
        cut_over::STEP,
        restore_versions::STEP,
        rebind::STEP,
        reverse::STEP,
    ],
    point_of_no_return: FailoverStep::CutOver,
};

/// [`FORCED`] to an earlier instant.
static FORCED_AS_OF: Saga<Failover> = Saga {
    steps: &[
        notify::STEP,
        hold_requests::STEP,
        fence::FORCED,
        check_versions::STEP,
        cut_over::STEP,
        restore_versions::STEP,
        rebind::STEP,
        reverse::STEP,
    ],
    point_of_no_return: FailoverStep::CutOver,
};

/// The steps of a failover of `kind`, to an earlier instant or not.
pub fn saga_of(kind: FailoverKind, as_of: bool) -> &'static Saga<Failover> {
    match (kind, as_of) {
        (FailoverKind::Planned, false) => &PLANNED,
        (FailoverKind::Planned, true) => &PLANNED_AS_OF,
        (FailoverKind::Forced, false) => &FORCED,
        (FailoverKind::Forced, true) => &FORCED_AS_OF,
    }
}

/// Runs a group's failover from wherever its journal stands; how long its worker rests then.
pub async fn run(control: &Control, handle: &Arc<GroupHandle>, cache: &mut WorkerCache) -> Duration {
    // What replication remembers was for the other direction, or for a moment that has passed.
    cache.clear();
    // No pass may write to a workspace that becomes primary.
    handle.assets.halt().await;
    let known = handle.operation();
    let (kind, as_of) = known.map_or((FailoverKind::Forced, false), |o| (o.kind, o.as_of.is_some()));
    if kind == FailoverKind::Planned {
        // A resume stops after its present call; only then is it true that what is paused stays so. A
        // forced failover waits for no one: what is resumed in its old primary is paused when that is reclaimed.
        drop(handle.resuming.lock().await);
        // Salvaged commits that are being recovered into the old primary are part of what this one ships.
        drop(handle.recovering.lock().await);
    }
    let mut failover = Failover::new(control.clone(), handle.clone(), std::mem::take(cache));
    let stored = saga::run(&mut failover, saga_of(kind, as_of)).await;
    *cache = failover.cache;
    // The new secondary's workspace isn't a replica before a pass says so: none waits for its turn now.
    handle.assets.wake();
    settle(control, handle, stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_what_the_journal_and_the_screens_go_by() {
        for kind in [FailoverKind::Planned, FailoverKind::Forced] {
            for (as_of, steps) in [(false, FailoverStep::of(kind).to_vec()), (true, FailoverStep::as_of(kind))] {
                let listed: Vec<FailoverStep> = saga_of(kind, as_of).steps.iter().map(|step| step.name).collect();
                assert_eq!(listed, steps, "{kind:?} as of: {as_of}");
            }
        }
    }
}
