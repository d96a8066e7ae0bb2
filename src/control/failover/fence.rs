//! Fence: the old primary refuses writes for this epoch.
//!
//! Planned: its catalogs are read-only already; this looks once more that nothing slipped in after the comparison.
//! Forced: it is made read-only if it answers. If it does not, it is fenced as soon as it does, and whatever it accepts
//! until then is salvaged, never merged.

use super::{Failover, compare, leave, pause_schedules, stop_compute, wait_for_writes};
use crate::connect::Enforcement;
use crate::control::left_behind::known_loss;
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, acts};
use crate::domain::FailoverStep;
use std::time::Duration;

/// Rounds of catching up and comparing before something is writing past the catalog.
const MOST_ROUNDS: usize = 5;
/// How long a forced failover waits for the old primary to be fenced.
const PATIENCE: Duration = Duration::from_secs(4);

/// Of a planned failover. The catalogs are read-only since writes were waited for, and that step's undo gives them back.
pub const PLANNED: Step<Failover> =
    Step { name: FailoverStep::Fence, act: |failover| Box::pin(planned(failover)), undo: None };

/// Of a forced failover. Its undo puts back all that the journal lists: an earlier failover whose undo was still pending may
/// have stopped more than this one.
pub const FORCED: Step<Failover> = Step {
    name: FailoverStep::Fence,
    act: |failover| Box::pin(forced(failover)),
    undo: Some(|failover| Box::pin(undo_forced(failover))),
};

async fn planned(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let (group, old) = (failover.group(), failover.old_primary().await?);
    let fenced = acts::make_read_only(&old, &group).await?;
    for _ in 0..MOST_ROUNDS {
        let outcome = failover.cycle().await?;
        let known = failover.operation()?.left_behind;
        let left = leave::journal(failover, &outcome.objects).await?;
        let newly_flagged = left.iter().any(|lost| !leave::is_left(&known, &lost.object));
        if outcome.complete && outcome.changed == 0 && !newly_flagged {
            return Ok(match fenced {
                Enforcement::Enforced => {
                    StepEnd::Done(format!("{} refuses writes, and nothing changed after the comparison.", old.region))
                }
                Enforcement::NotOffered => {
                    StepEnd::Partly(format!("Nothing changed after the comparison. {}", acts::fence_note(&old.region)))
                }
            });
        }
        compare::run(failover).await?;
    }
    Err(ControlError::Refused {
        sentence: format!("A writer bypasses the catalog of {}. Stop it, then fail over again.", old.region),
    })
}

async fn forced(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let group = failover.group();
    let region = failover.operation()?.from_region;
    let attempt = async {
        let old = failover.old_primary().await?;
        let found = acts::modes(&old, &group).await?;
        // Remembered even when the time runs out: a write goes on to its end.
        failover.journal(|operation| acts::note_modes(operation, found)).await?;
        acts::make_read_only(&old, &group).await
    };
    let known = known_loss(&failover.handle.record().objects.clone());
    let ended = match tokio::time::timeout(PATIENCE, attempt).await {
        Ok(Ok(Enforcement::Enforced)) => {
            return Ok(StepEnd::Done(format!("{region} responds and refuses writes.{known}")));
        }
        Ok(Ok(Enforcement::NotOffered)) => format!("{region} responds. {}", acts::fence_note(&region)),
        Ok(Err(error)) => format!("Couldn't fence {region}. It is fenced when it responds. {error}"),
        Err(_) => {
            format!("{region} doesn't respond. It is fenced when it does. Commits it accepts until then are salvaged.")
        }
    };
    Ok(StepEnd::Partly(ended + &known))
}

async fn undo_forced(failover: &mut Failover) -> Result<(), ControlError> {
    let modes = wait_for_writes::undo(failover).await;
    if modes.as_ref().is_err_and(ControlError::is_unreachable) {
        return modes;
    }
    // One that fails doesn't keep the others.
    let compute = stop_compute::undo(failover).await;
    let schedules = pause_schedules::undo(failover).await;
    modes.and(compute).and(schedules)
}
