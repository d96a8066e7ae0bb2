//! Stop compute: running clusters and warehouses of the old primary are stopped, and remembered first.

use super::pause_schedules::primary_elsewhere;
use super::{StepContext, StepEnd};
use crate::control::ControlError;
use crate::control::operation::{Remembered, RememberedWorkload};
use crate::replicate::Endpoint;

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let old = context.old_primary().await?;
    if let Some(other) = primary_elsewhere(context.control, &context.group(), &old) {
        return Ok(StepEnd::Skipped(format!("The workspace is still primary for {other}, so its compute runs on.")));
    }
    let running = running(&old).await?;
    context.journal(|operation| remember(&mut operation.remembered, running)).await?;
    let remembered = context.operation()?.remembered;
    stop_all(&old, &remembered).await?;
    Ok(StepEnd::Done(format!(
        "{} clusters and {} warehouses stopped.",
        remembered.clusters.len(),
        remembered.warehouses.len()
    )))
}

/// What runs in a workspace now.
pub async fn running(endpoint: &Endpoint) -> Result<Remembered, ControlError> {
    let clusters = endpoint.client.clusters().await?.into_iter().filter(|c| c.is_running());
    let warehouses = endpoint.client.warehouses().await?.into_iter().filter(|w| w.is_running());
    Ok(Remembered {
        clusters: clusters.map(|c| RememberedWorkload { id: c.cluster_id, name: c.cluster_name }).collect(),
        warehouses: warehouses.map(|w| RememberedWorkload { id: w.id, name: w.name }).collect(),
        ..Remembered::default()
    })
}

/// Adds what is not remembered yet.
pub fn remember(known: &mut Remembered, found: Remembered) {
    for (known, found) in [(&mut known.clusters, found.clusters), (&mut known.warehouses, found.warehouses)] {
        for workload in found {
            if !known.iter().any(|k| k.id == workload.id) {
                known.push(workload);
            }
        }
    }
}

/// Stops clusters and warehouses; one that has stopped already, or is gone, stays so.
pub async fn stop_all(endpoint: &Endpoint, remembered: &Remembered) -> Result<(), ControlError> {
    for cluster in &remembered.clusters {
        forgiving(endpoint.client.terminate_cluster(&cluster.id).await)?;
    }
    for warehouse in &remembered.warehouses {
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
