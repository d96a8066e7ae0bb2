//! Reverse: the old primary becomes the secondary, and compute is refused there.

use super::Failover;
use crate::connect::WorkspaceRole;
use crate::control::group::GroupChange;
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, acts};
use crate::domain::{FailoverKind, FailoverStep};

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::Reverse, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let operation = failover.operation()?;
    if operation.kind == FailoverKind::Forced {
        return Ok(StepEnd::Partly(format!(
            "Replication reverses when {} responds and its unreplicated commits are salvaged.",
            operation.from_region
        )));
    }
    let turned = async {
        let old = failover.old_primary().await?;
        let answer = acts::set_role(&old, &failover.group(), WorkspaceRole::Secondary).await?;
        Ok::<_, ControlError>(acts::role_note(answer, &old))
    };
    let role = match turned.await {
        Ok(note) => note,
        Err(error) if error.is_unreachable() => {
            // It died right after the cutover: it is made a secondary when it answers, as after a forced failover.
            owe_reclaim(failover).await?;
            return Ok(StepEnd::Partly(format!(
                "{} doesn't respond. Replication reverses when it does.",
                operation.from_region
            )));
        }
        Err(error) => return Err(error),
    };
    let note = format!("{} now replicates to {}.{role}", operation.to_region, operation.from_region);
    Ok(if role.is_empty() { StepEnd::Done(note) } else { StepEnd::Partly(note) })
}

async fn owe_reclaim(failover: &Failover) -> Result<(), ControlError> {
    let mut change = GroupChange::of(&failover.handle).await;
    change.group.salvage_pending = true;
    change.commit(&failover.control).await.map(|_| ())
}
