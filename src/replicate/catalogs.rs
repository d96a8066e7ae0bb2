//! Catalogs: made in the destination, isolated, and bound read-only to its workspace.

use super::scope::CatalogItem;
use super::{Endpoint, Inventory};
use crate::connect::ConnectError;
use crate::domain::{MappingTable, Unmapped, folded};
use crate::wire::unity_catalog as uc;
use std::collections::{BTreeMap, BTreeSet};

/// Why a catalog or a schema could not be made.
#[derive(Debug)]
pub enum ContainerFault {
    /// Its storage root has no counterpart.
    Unmapped(Unmapped),
    /// A region refused it; with the place that it was to have.
    Region(ConnectError, Option<String>),
}

impl From<Unmapped> for ContainerFault {
    fn from(why: Unmapped) -> Self {
        Self::Unmapped(why)
    }
}

impl From<ConnectError> for ContainerFault {
    fn from(error: ConnectError) -> Self {
        Self::Region(error, None)
    }
}

/// The counterpart of a storage root; None for what has no root of its own and lies under its parent's.
pub fn counterpart(
    root: Option<&str>,
    from: &Endpoint,
    to: &Endpoint,
    mappings: &MappingTable,
) -> Result<Option<String>, Unmapped> {
    root.map(|root| mappings.map(root, &from.region, &to.region)).transpose()
}

/// Makes the destination hold `source`, read-only; notes it in `there`. `fresh` says that `there` was read just now, so
/// that its bindings are worth a look.
pub async fn ensure(
    source: &CatalogItem,
    from: &Endpoint,
    to: &Endpoint,
    mappings: &MappingTable,
    at_destination: &mut Inventory,
    fresh: bool,
) -> Result<(), ContainerFault> {
    let info = &source.info;
    let Some(replica) = at_destination.catalog_mut(&info.name) else {
        let root = counterpart(info.storage_root.as_deref(), from, to, mappings)?;
        let request = uc::CreateCatalog {
            name: info.name.clone(),
            comment: info.comment.clone(),
            properties: info.properties.clone(),
            options: info.options.clone(),
            storage_root: root.clone(),
            id: info.id.clone().filter(|_| to.capabilities.keeps_ids),
        };
        let created = match to.client.create_catalog(&request).await {
            Ok(created) => created,
            // A crash between the call and its note: it is there, and ours.
            Err(ConnectError::AlreadyExists { .. }) => match to.client.catalog(&info.name).await? {
                Some(catalog) => catalog,
                None => to.client.create_catalog(&request).await?,
            },
            Err(error) => return Err(ContainerFault::Region(error, root)),
        };
        set_read_only(to, &info.name).await?;
        at_destination
            .catalogs
            .insert(folded(&info.name).into_owned(), CatalogItem { info: created, schemas: BTreeMap::new() });
        return Ok(());
    };
    if fresh || replica.info.isolation_mode.as_deref() != Some(uc::ISOLATION_ISOLATED) {
        set_read_only(to, &info.name).await?;
        replica.info.isolation_mode = Some(uc::ISOLATION_ISOLATED.to_owned());
    }
    if replica.info.comment != info.comment || replica.info.properties != info.properties {
        let change = uc::UpdateCatalog {
            comment: Some(info.comment.clone().unwrap_or_default()),
            properties: Some(info.properties.clone()),
            ..uc::UpdateCatalog::default()
        };
        to.client.update_catalog(&info.name, &change).await?;
        replica.info.comment.clone_from(&info.comment);
        replica.info.properties.clone_from(&info.properties);
    }
    Ok(())
}

/// Isolates a catalog and lets every workspace that it is bound to, and the endpoint's own, only read it.
pub async fn set_read_only(endpoint: &Endpoint, catalog: &str) -> Result<(), ConnectError> {
    // Bind first: an isolated catalog without a binding would be gone for everybody for a moment.
    bind_read_only(endpoint, catalog).await?;
    isolate(endpoint, catalog, uc::ISOLATION_ISOLATED).await?;
    // Some catalogs drop bindings made while they were open, so say it again and look.
    bind_read_only(endpoint, catalog).await
}

/// Lets `writers` write to a catalog, and leaves every other workspace's binding as it is. `isolation_mode` is what the
/// catalog shall have then; it stays isolated where opening it would let a workspace write that is bound to read only.
pub async fn set_writable(
    endpoint: &Endpoint,
    catalog: &str,
    writers: &[i64],
    isolation_mode: &str,
) -> Result<(), ConnectError> {
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
    let own: Option<i64> = endpoint.workspace_id.parse().ok();
    let ids: BTreeSet<i64> = bound.iter().map(|b| b.workspace_id).chain(own).collect();
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
