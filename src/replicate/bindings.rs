//! Who may write to a catalog: its isolation and the workspaces that it is bound to.

use super::Endpoint;
use crate::connect::{ConnectError, Enforcement};
use crate::wire::unity_catalog as uc;
use std::collections::BTreeSet;

/// Isolates a catalog and lets every workspace that it is bound to, and the endpoint's own, only read it. A region without
/// bindings is left as it is.
pub async fn set_read_only(endpoint: &Endpoint, catalog: &str) -> Result<Enforcement, ConnectError> {
    if !endpoint.capabilities.bindings {
        return Ok(Enforcement::NotOffered);
    }
    // Bind first: an isolated catalog without a binding would be gone for everybody for a moment.
    bind_read_only(endpoint, catalog).await?;
    isolate(endpoint, catalog, uc::ISOLATION_ISOLATED).await?;
    // Some catalogs drop bindings made while they were open, so say it again and look.
    bind_read_only(endpoint, catalog).await?;
    Ok(Enforcement::Enforced)
}

/// Lets `writers` write to a catalog, and leaves every other workspace's binding as it is. `isolation_mode` is what the
/// catalog is to have then; it stays isolated where opening it would let a workspace write that is bound to read only.
pub async fn set_writable(
    endpoint: &Endpoint,
    catalog: &str,
    writers: &[i64],
    isolation_mode: &str,
) -> Result<(), ConnectError> {
    if !endpoint.capabilities.bindings {
        return Ok(());
    }
    let bound = endpoint.client.bindings_of_catalog(catalog).await?;
    let wanted: Vec<_> = writers.iter().map(|id| uc::WorkspaceBinding::read_write(*id)).collect();
    rebind(endpoint, catalog, &bound, &wanted, false).await?;
    let watches = bound.iter().any(|b| b.is_read_only() && !writers.contains(&b.workspace_id));
    isolate(endpoint, catalog, if watches { uc::ISOLATION_ISOLATED } else { isolation_mode }).await
}

/// Puts back a catalog's isolation and every workspace's binding, as they were.
pub async fn restore_bindings(
    endpoint: &Endpoint,
    catalog: &str,
    isolation_mode: &str,
    bindings: &[uc::WorkspaceBinding],
) -> Result<(), ConnectError> {
    if !endpoint.capabilities.bindings {
        return Ok(());
    }
    let bound = endpoint.client.bindings_of_catalog(catalog).await?;
    if isolation_mode == uc::ISOLATION_ISOLATED {
        rebind(endpoint, catalog, &bound, bindings, true).await?;
        return isolate(endpoint, catalog, isolation_mode).await;
    }
    // Open first: without its binding the catalog would be gone for the workspace for a moment.
    isolate(endpoint, catalog, isolation_mode).await?;
    let bound = endpoint.client.bindings_of_catalog(catalog).await?;
    rebind(endpoint, catalog, &bound, bindings, true).await
}

async fn isolate(endpoint: &Endpoint, catalog: &str, mode: &str) -> Result<(), ConnectError> {
    let change = uc::UpdateCatalog { isolation_mode: Some(mode.to_owned()), ..uc::UpdateCatalog::default() };
    endpoint.client.update_catalog(catalog, &change).await.map(|_| ())
}

async fn bind_read_only(endpoint: &Endpoint, catalog: &str) -> Result<(), ConnectError> {
    let bound = endpoint.client.bindings_of_catalog(catalog).await?;
    let own = endpoint.workspace_number()?;
    let ids: BTreeSet<i64> = bound.iter().map(|b| b.workspace_id).chain([own]).collect();
    let wanted: Vec<_> = ids.into_iter().map(uc::WorkspaceBinding::read_only).collect();
    rebind(endpoint, catalog, &bound, &wanted, false).await
}

/// Makes the bindings that are `wanted` and not `bound`; with `only`, looses every other workspace.
async fn rebind(
    endpoint: &Endpoint,
    catalog: &str,
    bound: &[uc::WorkspaceBinding],
    wanted: &[uc::WorkspaceBinding],
    only: bool,
) -> Result<(), ConnectError> {
    let same = |a: &uc::WorkspaceBinding, b: &uc::WorkspaceBinding| {
        a.workspace_id == b.workspace_id && a.is_read_only() == b.is_read_only()
    };
    let add: Vec<_> = wanted.iter().filter(|w| !bound.iter().any(|b| same(b, w))).cloned().collect();
    let changes = |b: &uc::WorkspaceBinding| add.iter().any(|a| a.workspace_id == b.workspace_id);
    let unwanted = |b: &uc::WorkspaceBinding| only && !wanted.iter().any(|w| w.workspace_id == b.workspace_id);
    let remove: Vec<_> = bound.iter().filter(|b| changes(b) || unwanted(b)).cloned().collect();
    if add.is_empty() && remove.is_empty() {
        return Ok(());
    }
    endpoint.client.update_bindings(catalog, &uc::UpdateBindings { add, remove }).await.map(|_| ())
}
