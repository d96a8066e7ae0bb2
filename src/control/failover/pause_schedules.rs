//! Pause schedules: every schedule in the old primary's workspace is paused, and which ones ran is recorded first.

use super::{StepContext, StepEnd};
use crate::connect::UnpausedJob;
use crate::control::group::GroupHandle;
use crate::control::view::OperationOutcome;
use crate::control::{Control, ControlError};
use crate::domain::FailoverGroup;
use crate::replicate::Endpoint;

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let old = context.old_primary().await?;
    if let Some(other) = primary_elsewhere(context.control, &context.group(), &old) {
        return Ok(StepEnd::Skipped(format!(
            "The workspace is still primary for {other}, so its schedules keep running. Its catalogs in this group become read-only."
        )));
    }
    let running = old.client.unpaused_jobs().await?;
    // Remembered before anything is paused: after a crash in between, a paused job must not be forgotten.
    context.journal(|operation| note_jobs(&mut operation.paused.jobs, &running)).await?;
    fail::fail_point!("failover.between_remember_and_pause");
    let jobs = context.operation()?.paused.jobs;
    pause_all(&old, &jobs).await?;
    Ok(StepEnd::Done(match jobs.len() {
        0 => "No schedule was on.".to_owned(),
        1 => "1 schedule paused.".to_owned(),
        n => format!("{n} schedules paused."),
    }))
}

/// Adds what is not recorded yet.
pub fn note_jobs(known: &mut Vec<UnpausedJob>, found: &[UnpausedJob]) {
    for job in found {
        match known.iter_mut().find(|k| k.job_id == job.job_id) {
            // Known from afar only, as after a forced failover: now its places are known too.
            Some(known) if known.places.is_empty() => *known = job.clone(),
            Some(_) => {}
            None => known.push(job.clone()),
        }
    }
}

/// Pauses jobs; one that is paused already stays so.
pub async fn pause_all(endpoint: &Endpoint, jobs: &[UnpausedJob]) -> Result<(), ControlError> {
    for job in jobs {
        match endpoint.client.pause_job(job).await {
            Ok(()) => {}
            // Deleted meanwhile: nothing left to pause.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The other group for which the endpoint's workspace is primary, if there is one.
pub fn primary_elsewhere(control: &Control, group: &FailoverGroup, endpoint: &Endpoint) -> Option<String> {
    // A group that is failing over away from there itself no longer needs what runs there.
    let leaving = |handle: &GroupHandle| {
        handle.operation().is_some_and(|o| o.outcome == OperationOutcome::Running && o.from_region == endpoint.region)
    };
    control.handles().into_iter().filter(|handle| !leaving(handle)).map(|handle| handle.group()).find_map(|other| {
        let shared = other.spec.id != group.spec.id
            && other.effective_primary_region == endpoint.region
            && other.spec.workspace_sets.iter().any(|set| set.workspace_ids.contains(&endpoint.workspace_id));
        shared.then(|| other.spec.id.to_string())
    })
}
