//! Catalogs: made in the destination, isolated, and bound read-only to its workspace.

use super::scope::CatalogItem;
use super::{Inventory, Link};
use crate::connect::ConnectError;
use crate::domain::MappingTable;
use crate::wire::unity_catalog as uc;
use std::collections::BTreeMap;

/// Makes the destination hold `source`, read-only; notes it in `there`. `fresh` says that `there` was read just now, so
/// that its bindings are worth a look.
pub async fn ensure(
    source: &CatalogItem,
    from: &Link,
    to: &Link,
    mappings: &MappingTable,
    there: &mut Inventory,
    fresh: bool,
) -> Result<(), ConnectError> {
    let info = &source.info;
    let Some(replica) = there.catalogs.get_mut(&info.name) else {
        let root = info.storage_root.as_deref().and_then(|root| mappings.map(root, &from.region, &to.region));
        let request = uc::CreateCatalog {
            name: info.name.clone(),
            comment: info.comment.clone(),
            properties: info.properties.clone(),
            options: info.options.clone(),
            storage_root: root,
            id: info.id.clone().filter(|_| to.capabilities.keeps_ids),
        };
        let created = match to.client.create_catalog(&request).await {
            Ok(created) => created,
            // A crash between the call and its note: it is there, and ours.
            Err(ConnectError::AlreadyExists { .. }) => match to.client.catalog(&info.name).await? {
                Some(catalog) => catalog,
                None => to.client.create_catalog(&request).await?,
            },
            Err(error) => return Err(error),
        };
        set_read_only(to, &info.name).await?;
        there.catalogs.insert(info.name.clone(), CatalogItem { info: created, schemas: BTreeMap::new() });
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

/// Isolates a catalog and lets its region's workspace only read it.
pub async fn set_read_only(link: &Link, catalog: &str) -> Result<(), ConnectError> {
    // Bind first: an isolated catalog without a binding would be gone for everybody for a moment.
    bind(link, catalog, uc::BINDING_READ_ONLY).await?;
    isolate(link, catalog, uc::ISOLATION_ISOLATED).await?;
    // Some catalogs drop bindings made while they were open, so say it again and look.
    bind(link, catalog, uc::BINDING_READ_ONLY).await
}

/// Lets the region's workspace write to a catalog; `isolation_mode` is what the catalog shall have then.
pub async fn set_writable(link: &Link, catalog: &str, isolation_mode: &str) -> Result<(), ConnectError> {
    bind(link, catalog, uc::BINDING_READ_WRITE).await?;
    isolate(link, catalog, isolation_mode).await
}

async fn isolate(link: &Link, catalog: &str, mode: &str) -> Result<(), ConnectError> {
    let change = uc::UpdateCatalog { isolation_mode: Some(mode.to_owned()), ..uc::UpdateCatalog::default() };
    link.client.update_catalog(catalog, &change).await.map(|_| ())
}

/// Binds every workspace that the catalog is bound to, and the link's own, with `binding_type`.
async fn bind(link: &Link, catalog: &str, binding_type: &str) -> Result<(), ConnectError> {
    let bound = link.client.bindings_of_catalog(catalog).await?;
    let own: Option<i64> = link.workspace_id.parse().ok();
    let mut ids: Vec<i64> = bound.iter().map(|b| b.workspace_id).chain(own).collect();
    ids.sort_unstable();
    ids.dedup();
    let change = |id: &i64| uc::WorkspaceBinding { workspace_id: *id, binding_type: Some(binding_type.to_owned()) };
    let wrong: Vec<i64> = ids
        .into_iter()
        .filter(|id| !bound.iter().any(|b| b.workspace_id == *id && b.binding_type.as_deref() == Some(binding_type)))
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let remove = bound.iter().filter(|b| wrong.contains(&b.workspace_id)).cloned().collect();
    let update = uc::UpdateBindings { add: wrong.iter().map(change).collect(), remove };
    link.client.update_bindings(catalog, &update).await.map(|_| ())
}
