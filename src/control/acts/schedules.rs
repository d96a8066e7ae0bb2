//! Schedules: paused, and resumed as they were.

use crate::connect::{ConnectError, UnpausedJob};
use crate::control::ControlError;
use crate::replicate::Endpoint;

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
            // Deleted in the meantime: nothing left to pause.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Resumes jobs where they were paused. One that is gone or refuses doesn't keep the others; the first error is told.
pub async fn resume_all(endpoint: &Endpoint, jobs: &[UnpausedJob]) -> Result<(), ControlError> {
    let mut first: Option<ConnectError> = None;
    for job in jobs {
        match endpoint.client.resume_job(job).await {
            Err(error) if !error.is_not_found() => drop(first.get_or_insert(error)),
            _ => {}
        }
    }
    first.map_or(Ok(()), |error| Err(error.into()))
}
