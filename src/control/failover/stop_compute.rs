//! Stop compute: running clusters and warehouses of the old primary are stopped. The step records them first.

use super::pause_schedules::primary_elsewhere;
use super::{StepContext, StepEnd};
use crate::control::ControlError;
use crate::control::operation::{PausedWork, PausedWorkload};
use crate::replicate::Endpoint;

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let old = context.old_primary().await?;
    if let Some(other) = primary_elsewhere(context.control, &context.group(), &old) {
        return Ok(StepEnd::Skipped(format!(
            "The workspace is still primary for {other}, so its compute keeps running."
        )));
    }
    let running = running(&old).await?;
    context.journal(|operation| note_compute(&mut operation.paused, running)).await?;
    let paused = context.operation()?.paused;
    stop_all(&old, &paused).await?;
    Ok(StepEnd::Done(format!("{} clusters and {} warehouses stopped.", paused.clusters.len(), paused.warehouses.len())))
}

/// What runs in a workspace now.
pub async fn running(endpoint: &Endpoint) -> Result<PausedWork, ControlError> {
    let clusters = endpoint.client.clusters().await?.into_iter().filter(|c| c.is_running());
    let warehouses = endpoint.client.warehouses().await?.into_iter().filter(|w| w.is_running());
    Ok(PausedWork {
        clusters: clusters.map(|c| PausedWorkload { id: c.cluster_id, name: c.cluster_name }).collect(),
        warehouses: warehouses.map(|w| PausedWorkload { id: w.id, name: w.name }).collect(),
        ..PausedWork::default()
    })
}

/// Adds what is not recorded yet.
pub fn note_compute(known: &mut PausedWork, found: PausedWork) {
    for (known, found) in [(&mut known.clusters, found.clusters), (&mut known.warehouses, found.warehouses)] {
        for workload in found {
            if !known.iter().any(|k| k.id == workload.id) {
                known.push(workload);
            }
        }
    }
}

/// Stops clusters and warehouses; one that has stopped already, or is gone, stays so.
pub async fn stop_all(endpoint: &Endpoint, paused: &PausedWork) -> Result<(), ControlError> {
    for cluster in &paused.clusters {
        forgiving(endpoint.client.terminate_cluster(&cluster.id).await)?;
    }
    for warehouse in &paused.warehouses {
        forgiving(endpoint.client.stop_warehouse(&warehouse.id).await)?;
    }
    Ok(())
}

fn forgiving(answer: Result<(), crate::connect::ConnectError>) -> Result<(), ControlError> {
    match answer {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}
