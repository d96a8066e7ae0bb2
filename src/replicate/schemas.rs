//! Schemas: made in the destination's catalog, with storage root, comment and properties.

use super::catalogs::{ContainerFault, counterpart};
use super::{Endpoint, Inventory};
use crate::connect::ConnectError;
use crate::domain::{MappingTable, folded};
use crate::wire::unity_catalog as uc;
use std::collections::BTreeMap;

/// Makes the destination hold `source`; notes it in `there`.
pub async fn ensure(
    source: &uc::SchemaInfo,
    from: &Endpoint,
    to: &Endpoint,
    mappings: &MappingTable,
    at_destination: &mut Inventory,
) -> Result<(), ContainerFault> {
    let Some(catalog) = at_destination.catalog_mut(&source.catalog_name) else {
        return Ok(());
    };
    if let Some((replica, _)) = catalog.schemas.get_mut(folded(&source.name).as_ref()) {
        if replica.comment != source.comment || replica.properties != source.properties {
            let change = uc::UpdateSchema {
                comment: Some(source.comment.clone().unwrap_or_default()),
                properties: Some(source.properties.clone()),
                ..uc::UpdateSchema::default()
            };
            to.client.update_schema(&format!("{}.{}", source.catalog_name, source.name), &change).await?;
            replica.comment.clone_from(&source.comment);
            replica.properties.clone_from(&source.properties);
        }
        return Ok(());
    }
    let root = counterpart(source.storage_root.as_deref(), from, to, mappings)?;
    let request = uc::CreateSchema {
        name: source.name.clone(),
        catalog_name: source.catalog_name.clone(),
        comment: source.comment.clone(),
        properties: source.properties.clone(),
        storage_root: root.clone(),
        schema_id: source.schema_id.clone().filter(|_| to.capabilities.keeps_ids),
    };
    match to.client.create_schema(&request).await {
        Ok(_) | Err(ConnectError::AlreadyExists { .. }) => {}
        Err(error) => return Err(ContainerFault::Region(error, root)),
    }
    let made = uc::SchemaInfo { storage_root: root, ..source.clone() };
    catalog.schemas.insert(folded(&source.name).into_owned(), (made, BTreeMap::new()));
    Ok(())
}
