//! Stop compute: running clusters and warehouses of the old primary are stopped. The step records them first.

use super::Failover;
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, acts};
use crate::domain::FailoverStep;

pub const STEP: Step<Failover> = Step {
    name: FailoverStep::StopCompute,
    act: |failover| Box::pin(run(failover)),
    undo: Some(|failover| Box::pin(undo(failover))),
};

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let old = failover.old_primary().await?;
    if let Some(other) = acts::primary_elsewhere(&failover.control, &failover.group(), &old) {
        return Ok(StepEnd::Skipped(format!(
            "The workspace is still primary for {other}, so its compute keeps running."
        )));
    }
    let running = acts::running(&old).await?;
    failover.journal(|operation| acts::note_compute(&mut operation.paused, running)).await?;
    let paused = failover.operation()?.paused;
    acts::stop_all(&old, &paused).await?;
    Ok(StepEnd::Done(format!("{} clusters and {} warehouses stopped.", paused.clusters.len(), paused.warehouses.len())))
}

pub async fn undo(failover: &mut Failover) -> Result<(), ControlError> {
    let paused = failover.operation()?.paused;
    acts::start_all(&failover.old_primary().await?, &paused).await
}
