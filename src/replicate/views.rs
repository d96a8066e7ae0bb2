//! Views: the definition is what replicates; the names in it are the same in both regions.

use super::{Endpoint, Inventory};
use crate::connect::ConnectError;
use crate::wire::unity_catalog as uc;

/// Makes the destination hold the view `source`; notes it in `there`.
pub async fn ensure(source: &uc::TableInfo, to: &Endpoint, at_destination: &mut Inventory) -> Result<(), ConnectError> {
    if let Some(replica) = at_destination.table(&source.catalog_name, &source.schema_name, &source.name) {
        if replica.view_definition == source.view_definition && replica.comment == source.comment {
            return Ok(());
        }
        // No public call changes a view's definition.
        to.client.delete_table(&source.full_name()).await?;
    }
    let request = uc::CreateTable {
        name: source.name.clone(),
        catalog_name: source.catalog_name.clone(),
        schema_name: source.schema_name.clone(),
        table_type: uc::TABLE_VIEW.to_owned(),
        columns: source.columns.clone(),
        view_definition: source.view_definition.clone(),
        comment: source.comment.clone(),
        properties: source.properties.clone(),
        table_id: source.table_id.clone().filter(|_| to.capabilities.keeps_ids),
        ..uc::CreateTable::default()
    };
    match to.client.create_table(&request).await {
        Ok(_) => {}
        Err(ConnectError::AlreadyExists { .. }) => {
            to.client.delete_table(&source.full_name()).await?;
            to.client.create_table(&request).await?;
        }
        Err(error) => return Err(error),
    }
    at_destination.insert(source.clone());
    Ok(())
}
