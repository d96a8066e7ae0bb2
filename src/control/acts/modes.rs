//! Who may write to the group's catalogs: read, taken away, and given back.

use crate::connect::Enforcement;
use crate::control::operation::{CatalogMode, Operation};
use crate::control::{ControlError, Deployment};
use crate::domain::FailoverGroup;
use crate::domain::Region;
use crate::replicate::{self, Endpoint};
use crate::wire::unity_catalog::ISOLATION_OPEN;

/// How the group's catalogs are isolated and bound now.
pub async fn modes(endpoint: &Endpoint, group: &FailoverGroup) -> Result<Vec<CatalogMode>, ControlError> {
    let mut found = Vec::new();
    for catalog in endpoint.client.catalogs().await?.into_iter().filter(|c| group.has_catalog(&c.name)) {
        let offered = endpoint.capabilities.bindings;
        found.push(CatalogMode {
            bindings: Some(if offered {
                endpoint.client.bindings_of_catalog(&catalog.name).await?
            } else {
                Vec::new()
            }),
            isolation_mode: catalog.isolation_mode.unwrap_or_else(|| ISOLATION_OPEN.to_owned()),
            name: catalog.name,
        });
    }
    Ok(found)
}

/// Adds what is not recorded yet.
pub fn note_modes(operation: &mut Operation, found: Vec<CatalogMode>) {
    for catalog in found {
        if !operation.paused.catalogs.iter().any(|c| c.name == catalog.name) {
            operation.paused.catalogs.push(catalog);
        }
    }
}

/// Makes every catalog of the group that the region has read-only, where the region can do that.
pub async fn make_read_only(endpoint: &Endpoint, group: &FailoverGroup) -> Result<Enforcement, ControlError> {
    if !endpoint.capabilities.bindings {
        return Ok(Enforcement::NotOffered);
    }
    for catalog in endpoint.client.catalogs().await? {
        if group.has_catalog(&catalog.name) {
            let _ = replicate::set_read_only(endpoint, &catalog.name).await?;
        }
    }
    Ok(Enforcement::Enforced)
}

/// What a step says of a region that nothing keeps from being written to.
pub fn fence_note(region: &Region) -> String {
    format!(
        "{region} has no workspace bindings, so nothing keeps writers out. Stop them yourself. A later commit there never enters the new primary's history; it is kept and listed."
    )
}

/// Gives every catalog the isolation and the bindings back that it had.
pub async fn restore_modes(
    endpoint: &Endpoint,
    group: &FailoverGroup,
    deployment: &Deployment,
    known: &[CatalogMode],
) -> Result<(), ControlError> {
    for catalog in known {
        match &catalog.bindings {
            Some(bindings) => {
                replicate::restore_bindings(endpoint, &catalog.name, &catalog.isolation_mode, bindings).await?;
            }
            None => {
                let writers = deployment.workspace_ids(group, &endpoint.region)?;
                replicate::set_writable(endpoint, &catalog.name, &writers, &catalog.isolation_mode).await?;
            }
        }
    }
    Ok(())
}
