//! Clusters and SQL warehouses: stopped, and started again.

use crate::connect::ConnectError;
use crate::control::ControlError;
use crate::control::operation::{PausedWork, PausedWorkload};
use crate::replicate::Endpoint;

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

fn forgiving(answer: Result<(), ConnectError>) -> Result<(), ControlError> {
    match answer {
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Starts warehouses and clusters. One that is gone or refuses doesn't keep the others; the first error is told.
pub async fn start_all(endpoint: &Endpoint, paused: &PausedWork) -> Result<(), ControlError> {
    let mut first: Option<ControlError> = None;
    for warehouse in &paused.warehouses {
        first = first.or(forgiving(endpoint.client.start_warehouse(&warehouse.id).await).err());
    }
    for cluster in &paused.clusters {
        first = first.or(forgiving(endpoint.client.start_cluster(&cluster.id).await).err());
    }
    first.map_or(Ok(()), Err)
}
