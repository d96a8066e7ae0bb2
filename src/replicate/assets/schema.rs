//! Schemas: made in the destination's catalog, with storage root, comment and properties.

use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, same_name};
use crate::replicate::engine::{ApplyFault, CycleRequest, Diff, Listing, MetadataType, Removal};
use crate::replicate::locations::counterpart;
use crate::replicate::{Asset, Endpoint};
use crate::wire::unity_catalog::{self as uc, SchemaInfo};

pub struct Schemas;

fn asset(info: SchemaInfo) -> Asset {
    Asset::new(info.schema_id.clone().as_deref(), info)
}

impl MetadataType for Schemas {
    type Info = SchemaInfo;

    fn kind(&self) -> AssetKind {
        AssetKind::Schema
    }

    async fn list(&self, listing: &Listing<'_>) -> Result<Vec<(AssetKey, Asset)>, ConnectError> {
        let client = &listing.endpoint.client;
        let all = listing.all(listing.found.catalogs().map(|catalog| client.schemas(&catalog.name))).await?;
        // Every catalog has an information schema of its own; it is made by the catalog, not replicated.
        let own = all.into_iter().filter(|schema| !same_name(&schema.name, "information_schema"));
        Ok(own.map(|info| (AssetKey::schema(&*info.catalog_name, &*info.name), asset(info))).collect())
    }

    fn diff(&self, source: &SchemaInfo, replica: &SchemaInfo) -> Diff {
        Diff::details(source.comment == replica.comment && source.properties == replica.properties)
    }

    async fn apply(
        &self,
        request: &CycleRequest<'_>,
        source: &SchemaInfo,
        replica: Option<&SchemaInfo>,
    ) -> Result<Asset, ApplyFault> {
        let to = request.destination;
        if let Some(replica) = replica {
            let change = uc::UpdateSchema {
                comment: Some(source.comment.clone().unwrap_or_default()),
                properties: Some(source.properties.clone()),
                ..uc::UpdateSchema::default()
            };
            to.client.update_schema(&format!("{}.{}", source.catalog_name, source.name), &change).await?;
            let (comment, properties) = (source.comment.clone(), source.properties.clone());
            return Ok(asset(SchemaInfo { comment, properties, ..replica.clone() }));
        }
        let root = counterpart(source.storage_root.as_deref(), request)?;
        let create = uc::CreateSchema {
            name: source.name.clone(),
            catalog_name: source.catalog_name.clone(),
            comment: source.comment.clone(),
            properties: source.properties.clone(),
            storage_root: root.clone(),
            schema_id: source.schema_id.clone().filter(|_| to.capabilities.keeps_ids),
        };
        match to.client.create_schema(&create).await {
            Ok(_) | Err(ConnectError::AlreadyExists { .. }) => {}
            Err(error) => return Err(ApplyFault::Region(error, root)),
        }
        Ok(asset(SchemaInfo { storage_root: root, ..source.clone() }))
    }

    async fn remove(&self, to: &Endpoint, key: &AssetKey, _: Option<&SchemaInfo>) -> Result<Removal, ConnectError> {
        to.client.delete_schema(&key.to_string(), false).await.map(|()| Removal::Removed)
    }
}
