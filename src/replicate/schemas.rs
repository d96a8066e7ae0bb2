//! Schemas: made in the destination's catalog, with comment and properties.

use super::{Inventory, Link};
use crate::connect::ConnectError;
use crate::wire::unity_catalog as uc;
use std::collections::BTreeMap;

/// Makes the destination hold `source`; notes it in `there`.
pub async fn ensure(source: &uc::SchemaInfo, to: &Link, there: &mut Inventory) -> Result<(), ConnectError> {
    let Some(catalog) = there.catalogs.get_mut(&source.catalog_name) else {
        return Ok(());
    };
    if let Some((replica, _)) = catalog.schemas.get_mut(&source.name) {
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
    let request = uc::CreateSchema {
        name: source.name.clone(),
        catalog_name: source.catalog_name.clone(),
        comment: source.comment.clone(),
        properties: source.properties.clone(),
        storage_root: None,
        schema_id: source.schema_id.clone().filter(|_| to.capabilities.keeps_ids),
    };
    match to.client.create_schema(&request).await {
        Ok(_) | Err(ConnectError::AlreadyExists { .. }) => {}
        Err(error) => return Err(error),
    }
    catalog.schemas.insert(source.name.clone(), (source.clone(), BTreeMap::new()));
    Ok(())
}
