//! Wait for writes: the old primary's catalogs become read-only, then no commit may land for a while.

use super::Failover;
use crate::connect::{Enforcement, WorkspaceRole};
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, acts};
use crate::domain::FailoverStep;
use std::time::Instant;

pub const STEP: Step<Failover> = Step {
    name: FailoverStep::WaitForWrites,
    act: |failover| Box::pin(run(failover)),
    undo: Some(|failover| Box::pin(undo(failover))),
};

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let (group, old) = (failover.group(), failover.old_primary().await?);
    let found = acts::modes(&old, &group).await?;
    // Remembered before anything is changed, for a rollback and for the new primary.
    failover.journal(|operation| acts::note_modes(operation, found)).await?;
    let fenced = acts::make_read_only(&old, &group).await?;
    fail::fail_point!("failover.after_read_only");
    let watch = Instant::now();
    // Catching up and comparing need the same storage again.
    let accepted = failover.operation()?.accepted;
    let access = failover.cache.access(&failover.control, &failover.handle).await?;
    acts::until_quiet(&failover.control, &group, &old, access, &accepted).await?;
    let quiet = format!("The last write ended within {:.1} s.", watch.elapsed().as_secs_f64());
    Ok(match fenced {
        Enforcement::Enforced => StepEnd::Done(format!("{} catalogs are read-only. {quiet}", group.catalogs().len())),
        Enforcement::NotOffered => StepEnd::Partly(format!("{quiet} {}", acts::fence_note(&old.region))),
    })
}

/// Gives the catalogs back who might write to them, and the workspace its role.
pub async fn undo(failover: &mut Failover) -> Result<(), ControlError> {
    let (group, old) = (failover.group(), failover.old_primary().await?);
    let catalogs = failover.operation()?.paused.catalogs;
    acts::restore_modes(&old, &group, &failover.control.inner.deployment, &catalogs).await?;
    let _ = acts::set_role(&old, &group, WorkspaceRole::Primary).await?;
    Ok(())
}
