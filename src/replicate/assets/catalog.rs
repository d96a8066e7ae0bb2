//! Catalogs: made in the destination, isolated, and bound read-only to its workspace.

use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, ErrorClass};
use crate::replicate::bindings::set_read_only;
use crate::replicate::coverage::Failure;
use crate::replicate::engine::{ApplyFault, CycleRequest, Diff, Listing, MetadataType, Removal};
use crate::replicate::locations::counterpart;
use crate::replicate::{Asset, Endpoint};
use crate::wire::unity_catalog::{self as uc, CatalogInfo, ISOLATION_ISOLATED};
use std::collections::BTreeMap;

pub struct Catalogs;

fn listed(info: CatalogInfo) -> (AssetKey, Asset) {
    (AssetKey::catalog(info.name.as_str()), asset(info))
}

fn asset(info: CatalogInfo) -> Asset {
    Asset::new(info.id.clone().as_deref(), info)
}

fn isolated(info: &CatalogInfo) -> CatalogInfo {
    CatalogInfo { isolation_mode: Some(ISOLATION_ISOLATED.to_owned()), ..info.clone() }
}

fn is_isolated(info: &CatalogInfo) -> bool {
    info.isolation_mode.as_deref() == Some(ISOLATION_ISOLATED)
}

async fn create(request: &CycleRequest<'_>, source: &CatalogInfo) -> Result<Asset, ApplyFault> {
    let to = request.destination;
    let root = counterpart(source.storage_root.as_deref(), request)?;
    let create = uc::CreateCatalog {
        name: source.name.clone(),
        comment: source.comment.clone(),
        properties: source.properties.clone(),
        options: source.options.clone(),
        storage_root: root.clone(),
        id: source.id.clone().filter(|_| to.capabilities.keeps_ids),
    };
    let created = match to.client.create_catalog(&create).await {
        Ok(created) => created,
        // A crash between the call and its note: it is there, and ours.
        Err(ConnectError::AlreadyExists { .. }) => match to.client.catalog(&source.name).await? {
            Some(catalog) => catalog,
            None => to.client.create_catalog(&create).await?,
        },
        Err(error) => return Err(ApplyFault::Region(error, root)),
    };
    let _ = set_read_only(to, &source.name).await?;
    Ok(asset(isolated(&created)))
}

impl MetadataType for Catalogs {
    type Info = CatalogInfo;

    fn kind(&self) -> AssetKind {
        AssetKind::Catalog
    }

    async fn list(&self, listing: &Listing<'_>) -> Result<Vec<(AssetKey, Asset)>, ConnectError> {
        let all = listing.endpoint.client.catalogs().await?;
        let all = all.into_iter().filter(|catalog| listing.covers(&catalog.name));
        if listing.endpoint.capabilities.bindings {
            return Ok(all.map(listed).collect());
        }
        // A region that can't isolate a catalog never shows one that is, and nothing is to be done about that.
        Ok(all.map(|catalog| listed(isolated(&catalog))).collect())
    }

    fn diff(&self, source: &CatalogInfo, replica: &CatalogInfo) -> Diff {
        Diff::details(
            is_isolated(replica) && source.comment == replica.comment && source.properties == replica.properties,
        )
    }

    async fn apply(
        &self,
        request: &CycleRequest<'_>,
        source: &CatalogInfo,
        replica: Option<&CatalogInfo>,
    ) -> Result<Asset, ApplyFault> {
        let Some(replica) = replica else { return create(request, source).await };
        let to = request.destination;
        if !is_isolated(replica) {
            let _ = set_read_only(to, &source.name).await?;
        }
        if replica.comment != source.comment || replica.properties != source.properties {
            let change = uc::UpdateCatalog {
                comment: Some(source.comment.clone().unwrap_or_default()),
                properties: Some(source.properties.clone()),
                ..uc::UpdateCatalog::default()
            };
            to.client.update_catalog(&source.name, &change).await?;
        }
        let (comment, properties) = (source.comment.clone(), source.properties.clone());
        Ok(asset(CatalogInfo { comment, properties, ..isolated(replica) }))
    }

    /// No description shows a catalog's bindings.
    async fn enforce(&self, to: &Endpoint, replica: &CatalogInfo) -> Result<Option<Asset>, ApplyFault> {
        let _ = set_read_only(to, &replica.name).await?;
        Ok(Some(asset(isolated(replica))))
    }

    /// A catalog that the source no longer shows may only be hidden from the product's principal.
    async fn remove(&self, _: &Endpoint, _: &AssetKey, _: Option<&CatalogInfo>) -> Result<Removal, ConnectError> {
        Ok(Removal::Kept("replication never drops a catalog"))
    }

    /// Replicas that are there go on; the rows that were accepted once are named until they are changed.
    fn reservation(&self, request: &CycleRequest<'_>) -> Option<Failure> {
        let why = request.mappings.fault()?;
        Some((ErrorClass::UnmappedLocation, BTreeMap::new(), why.to_string()))
    }
}
