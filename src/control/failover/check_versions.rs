//! Check versions: which version each table goes back to, and that it can, before anything is irrevocable.

use super::Failover;
use crate::control::ControlError;
use crate::control::saga::{Step, StepEnd};
use crate::domain::FailoverStep;

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::CheckVersions, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let operation = failover.operation()?;
    let Some(at) = operation.as_of else { return Ok(StepEnd::Skipped("No instant was chosen.".to_owned())) };
    let report = failover.control.versions_as_of(&failover.group(), &operation.to_region, at).await?;
    report.refuse()?;
    let mut note = format!("{} tables go back, {} are as they were.", report.tables.len(), report.unchanged);
    if !report.newer.is_empty() {
        note.push_str(&format!(" {} didn't exist then and stay as they are.", report.newer.len()));
    }
    let tables = report.tables;
    failover.journal(|operation| operation.as_of_tables = tables).await?;
    Ok(StepEnd::Done(note))
}
