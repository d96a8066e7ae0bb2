//! Volumes: what they are and where they lie. The files in them are not copied.

use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, AssetName, ErrorClass, Unmapped};
use crate::replicate::engine::{ApplyFault, CycleRequest, Diff, Listing, MetadataType, Removal, WhyNot};
use crate::replicate::locations::counterpart;
use crate::replicate::{Asset, Endpoint};
use crate::wire::unity_catalog::{self as uc, VOLUME_EXTERNAL, VOLUME_MANAGED, VolumeInfo};
use std::collections::BTreeMap;

pub struct Volumes;

fn asset(info: VolumeInfo) -> Asset {
    Asset::new(info.volume_id.clone().as_deref(), info)
}

fn keyed(info: VolumeInfo) -> (AssetKey, Asset) {
    let name = AssetName::leaf(&*info.catalog_name, &*info.schema_name, &*info.name);
    (AssetKey::new(AssetKind::Volume, name), asset(info))
}

/// The place of an external volume's replica; None for a managed one, whose place the destination chooses.
fn place(request: &CycleRequest<'_>, source: &VolumeInfo) -> Result<Option<String>, Unmapped> {
    let location = source.storage_location.as_deref().filter(|_| source.volume_type == VOLUME_EXTERNAL);
    counterpart(location, request)
}

impl MetadataType for Volumes {
    type Info = VolumeInfo;

    fn kind(&self) -> AssetKind {
        AssetKind::Volume
    }

    async fn list(&self, listing: &Listing<'_>) -> Result<Vec<(AssetKey, Asset)>, ConnectError> {
        let client = &listing.endpoint.client;
        listing.rarely(AssetKind::Volume, |schema| client.volumes(&schema.catalog_name, &schema.name), keyed).await
    }

    fn why_not(&self, info: &VolumeInfo) -> Option<WhyNot> {
        let is_known = [VOLUME_MANAGED, VOLUME_EXTERNAL].contains(&&*info.volume_type);
        let sentence =
            format!("Volume {} has the type {}, which isn't replicated.", info.full_name(), info.volume_type);
        let parameters = BTreeMap::from([("volume_type".to_owned(), info.volume_type.clone())]);
        (!is_known).then_some(WhyNot { class: ErrorClass::UnsupportedObject, sentence, parameters })
    }

    fn diff(&self, source: &VolumeInfo, replica: &VolumeInfo) -> Diff {
        if source.volume_type != replica.volume_type {
            return Diff::Content("type");
        }
        Diff::details(source.comment.as_deref().unwrap_or_default() == replica.comment.as_deref().unwrap_or_default())
    }

    /// An external volume that was made again elsewhere keeps its name.
    fn is_stale(&self, request: &CycleRequest<'_>, source: &VolumeInfo, replica: &VolumeInfo) -> bool {
        matches!(place(request, source), Ok(Some(place)) if replica.storage_location.as_ref() != Some(&place))
    }

    async fn apply(
        &self,
        request: &CycleRequest<'_>,
        source: &VolumeInfo,
        replica: Option<&VolumeInfo>,
    ) -> Result<Asset, ApplyFault> {
        let (to, name) = (request.destination, source.full_name());
        // The replication point is a claim about commits, and a volume has none: an unmapped one is only named.
        let unmapped = |why| ApplyFault::NotReplicated(format!("Volume {name} isn't replicated. {why}"));
        let storage_location = place(request, source).map_err(unmapped)?;
        if let Some(replica) = replica {
            if self.diff(source, replica) == Diff::Details && !self.is_stale(request, source, replica) {
                let change = uc::UpdateVolume { comment: Some(source.comment.clone().unwrap_or_default()) };
                to.client.update_volume(&name, &change).await?;
                return Ok(asset(VolumeInfo { comment: source.comment.clone(), ..replica.clone() }));
            }
            to.client.delete_volume(&name).await?;
        }
        let create = uc::CreateVolume {
            name: source.name.clone(),
            catalog_name: source.catalog_name.clone(),
            schema_name: source.schema_name.clone(),
            volume_type: source.volume_type.clone(),
            storage_location: storage_location.clone(),
            comment: source.comment.clone(),
            volume_id: source.volume_id.clone().filter(|_| to.capabilities.keeps_ids),
        };
        match to.client.create_volume(&create).await {
            Ok(created) => Ok(asset(created)),
            // Its answer was lost: it is there as it was asked for, and the next listing tells its place.
            Err(ConnectError::AlreadyExists { .. }) => Ok(asset(VolumeInfo { storage_location, ..source.clone() })),
            Err(error) => Err(ApplyFault::Region(error, storage_location)),
        }
    }

    /// A managed volume's files would go with it.
    async fn remove(
        &self,
        to: &Endpoint,
        key: &AssetKey,
        replica: Option<&VolumeInfo>,
    ) -> Result<Removal, ConnectError> {
        if replica.is_some_and(|replica| replica.volume_type != VOLUME_EXTERNAL) {
            return Ok(Removal::Kept(
                "dropping a managed volume deletes its files. Drop it there if you don't need them",
            ));
        }
        to.client.delete_volume(&key.to_string()).await.map(|()| Removal::Removed)
    }

    fn note(&self, info: &VolumeInfo) -> Option<String> {
        let name = info.full_name();
        (info.volume_type == VOLUME_MANAGED)
            .then(|| format!("The files in managed volume {name} aren't replicated. Copy those that you need."))
    }
}
