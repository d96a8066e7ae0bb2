//! Reverse: the old primary becomes the secondary, and compute is refused there.

use super::{StepContext, StepEnd};
use crate::connect::WorkspaceRole;
use crate::control::ControlError;
use crate::control::group::{GroupChange, role_note, set_role};
use crate::domain::FailoverKind;

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let operation = context.operation()?;
    if operation.kind == FailoverKind::Forced {
        return Ok(StepEnd::Done(format!(
            "Replication reverses when {} responds and its unreplicated commits are salvaged.",
            operation.from_region
        )));
    }
    let turned = async {
        let old = context.old_primary().await?;
        let answer = set_role(&old, &context.group(), WorkspaceRole::Secondary).await?;
        Ok::<_, ControlError>(role_note(answer, &old))
    };
    let role = match turned.await {
        Ok(note) => note,
        Err(error) if error.is_unreachable() => {
            // It died right after the cutover: it is made a secondary when it answers, as after a forced failover.
            owe_reclaim(context).await?;
            return Ok(StepEnd::Done(format!(
                "{} doesn't respond. Replication reverses when it does.",
                operation.from_region
            )));
        }
        Err(error) => return Err(error),
    };
    Ok(StepEnd::Done(format!("{} now replicates to {}.{role}", operation.to_region, operation.from_region)))
}

async fn owe_reclaim(context: &StepContext<'_>) -> Result<(), ControlError> {
    let mut change = GroupChange::of(context.handle).await;
    change.group.salvage_pending = true;
    change.commit(context.control).await.map(|_| ())
}
