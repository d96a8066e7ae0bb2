//! Pause schedules: every schedule in the old primary's workspace is paused, and which ones ran is recorded first.

use super::Failover;
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, acts};
use crate::domain::FailoverStep;

pub const STEP: Step<Failover> = Step {
    name: FailoverStep::PauseSchedules,
    act: |failover| Box::pin(run(failover)),
    undo: Some(|failover| Box::pin(undo(failover))),
};

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let old = failover.old_primary().await?;
    if let Some(other) = acts::primary_elsewhere(&failover.control, &failover.group(), &old) {
        return Ok(StepEnd::Skipped(format!(
            "The workspace is still primary for {other}, so its schedules keep running. Its catalogs in this group become read-only."
        )));
    }
    let running = old.client.unpaused_jobs().await?;
    // Remembered before anything is paused: after a crash in between, a paused job must not be forgotten.
    failover.journal(|operation| acts::note_jobs(&mut operation.paused.jobs, &running)).await?;
    fail::fail_point!("failover.between_remember_and_pause");
    let jobs = failover.operation()?.paused.jobs;
    acts::pause_all(&old, &jobs).await?;
    Ok(StepEnd::Done(match jobs.len() {
        0 => "No schedule was on.".to_owned(),
        1 => "1 schedule paused.".to_owned(),
        n => format!("{n} schedules paused."),
    }))
}

pub async fn undo(failover: &mut Failover) -> Result<(), ControlError> {
    let jobs = failover.operation()?.paused.jobs;
    acts::resume_all(&failover.old_primary().await?, &jobs).await
}
