//! Views: the definition is what replicates; the names in it are the same in both regions.

use super::table::{asset, why_not};
use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind};
use crate::replicate::engine::{ApplyFault, CycleRequest, Diff, Listing, MetadataType, Removal, WhyNot};
use crate::replicate::{Asset, Endpoint};
use crate::wire::unity_catalog::{self as uc, TableInfo};

pub struct Views;

impl MetadataType for Views {
    type Info = TableInfo;

    fn kind(&self) -> AssetKind {
        AssetKind::View
    }

    fn rivals(&self) -> &'static [AssetKind] {
        &[AssetKind::Table]
    }

    /// One call lists tables and views.
    async fn list(&self, listing: &Listing<'_>) -> Result<Vec<(AssetKey, Asset)>, ConnectError> {
        Ok(listing.handed_on(AssetKind::View))
    }

    fn why_not(&self, info: &TableInfo) -> Option<WhyNot> {
        why_not(info)
    }

    fn diff(&self, source: &TableInfo, replica: &TableInfo) -> Diff {
        if source.view_definition != replica.view_definition {
            return Diff::Content("definition");
        }
        Diff::details(source.comment == replica.comment)
    }

    async fn apply(
        &self,
        request: &CycleRequest<'_>,
        source: &TableInfo,
        replica: Option<&TableInfo>,
    ) -> Result<Asset, ApplyFault> {
        let to = request.destination;
        if replica.is_some() {
            // No public call changes a view's definition.
            to.client.delete_table(&source.full_name()).await?;
        }
        let create = uc::CreateTable {
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
        match to.client.create_table(&create).await {
            Ok(_) => {}
            Err(ConnectError::AlreadyExists { .. }) => {
                to.client.delete_table(&source.full_name()).await?;
                to.client.create_table(&create).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(asset(source.clone()))
    }

    async fn remove(&self, to: &Endpoint, key: &AssetKey, _: Option<&TableInfo>) -> Result<Removal, ConnectError> {
        to.client.delete_table(&key.to_string()).await.map(|()| Removal::Removed)
    }
}
