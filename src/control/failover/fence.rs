//! Fence: the old primary refuses writes for this epoch.
//!
//! Planned: its catalogs are read-only already; this looks once more that nothing slipped in after the comparison.
//! Forced: it is made read-only if it answers. If it does not, it is fenced as soon as it does, and whatever it accepts
//! until then is set aside, never merged.

use super::wait_for_writes::{make_read_only, modes, note_modes};
use super::{StepContext, StepEnd, compare, leave};
use crate::control::ControlError;
use crate::control::left_behind::known_loss;
use crate::domain::FailoverKind;
use std::time::Duration;

/// Rounds of catching up and comparing before something is writing past the catalog.
const MOST_ROUNDS: usize = 5;
/// How long a forced failover waits for the old primary to be fenced.
const PATIENCE: Duration = Duration::from_secs(4);

pub async fn run(context: &mut StepContext<'_>) -> Result<StepEnd, ControlError> {
    match context.operation()?.kind {
        FailoverKind::Planned => planned(context).await,
        FailoverKind::Forced => forced(context).await,
    }
}

async fn planned(context: &mut StepContext<'_>) -> Result<StepEnd, ControlError> {
    let (group, old) = (context.group(), context.old_primary().await?);
    make_read_only(&old, &group).await?;
    for _ in 0..MOST_ROUNDS {
        let outcome = context.cycle().await?;
        let known = context.operation()?.left_behind;
        let left = leave::journal(context, &outcome.objects).await?;
        let newly_flagged = left.iter().any(|lost| !leave::is_left(&known, &lost.object));
        if outcome.complete && outcome.changed == 0 && !newly_flagged {
            return Ok(StepEnd::Done(format!(
                "{} refuses writes, and nothing changed after the comparison.",
                old.region
            )));
        }
        compare::run(context).await?;
    }
    Err(ControlError::Refused {
        sentence: format!("A writer bypasses the catalog of {}. Stop it, then fail over again.", old.region),
    })
}

async fn forced(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let group = context.group();
    let region = context.operation()?.from_region;
    let attempt = async {
        let old = context.old_primary().await?;
        let found = modes(&old, &group).await?;
        // Remembered even when the time runs out: a write goes on to its end.
        context.journal(|operation| note_modes(operation, found)).await?;
        make_read_only(&old, &group).await
    };
    let known = known_loss(&context.handle.record().objects.clone());
    let ended = match tokio::time::timeout(PATIENCE, attempt).await {
        Ok(Ok(())) => format!("{region} responds and refuses writes."),
        Ok(Err(error)) => format!("Couldn't fence {region}. It is fenced when it responds. {error}"),
        Err(_) => {
            format!("{region} doesn't respond. It is fenced when it does. Commits it accepts until then are salvaged.")
        }
    };
    Ok(StepEnd::Done(ended + &known))
}
