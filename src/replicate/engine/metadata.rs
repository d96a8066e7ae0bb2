//! Kinds whose assets are only described: one call makes or changes one.

use super::asset_type::{Applied, AssetType, Compared, Comparison, Destination, Due, Removal, WhyNot};
use super::listing::Listing;
use super::request::CycleRequest;
use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, ErrorClass, ObjectStatus, Unmapped};
use crate::replicate::coverage::Failure;
use crate::replicate::{Asset, CycleCache, CycleError, Endpoint, ObjectRecord};
use futures::future::BoxFuture;
use std::any::Any;
use std::collections::BTreeMap;

/// A kind whose assets have no data that is copied.
pub trait MetadataType: Send + Sync {
    /// How a region describes one.
    type Info: Any + Send + Sync;

    fn kind(&self) -> AssetKind;

    fn rivals(&self) -> &'static [AssetKind] {
        &[]
    }

    fn list(&self, listing: &Listing<'_>) -> impl Future<Output = Result<Vec<(AssetKey, Asset)>, ConnectError>> + Send;

    fn why_not(&self, _info: &Self::Info) -> Option<WhyNot> {
        None
    }

    /// How a replica differs from what replication would make of its source.
    fn diff(&self, source: &Self::Info, replica: &Self::Info) -> Diff;

    /// Makes the destination have `source`, where it has nothing or a `replica` that differs; the replica as it is then.
    fn apply(
        &self,
        request: &CycleRequest<'_>,
        source: &Self::Info,
        replica: Option<&Self::Info>,
    ) -> impl Future<Output = Result<Asset, ApplyFault>> + Send;

    /// Puts right what no description shows, whenever the destination was read again. The replica as it is then, where
    /// that changed its description.
    fn enforce(
        &self,
        _to: &Endpoint,
        _replica: &Self::Info,
    ) -> impl Future<Output = Result<Option<Asset>, ApplyFault>> + Send {
        async { Ok(None) }
    }

    /// Removes an asset that the source no longer has; `replica` where the destination lists it.
    fn remove(
        &self,
        to: &Endpoint,
        key: &AssetKey,
        replica: Option<&Self::Info>,
    ) -> impl Future<Output = Result<Removal, ConnectError>> + Send;

    /// Whether a replica that does not [`differ`](Self::diff) is still not what a cycle would make.
    fn is_stale(&self, _request: &CycleRequest<'_>, _source: &Self::Info, _replica: &Self::Info) -> bool {
        false
    }

    /// What a person should know of an asset that is in sync.
    fn note(&self, _info: &Self::Info) -> Option<String> {
        None
    }

    /// What is to be said of every asset that has arrived; None where nothing is wrong.
    fn reservation(&self, _request: &CycleRequest<'_>) -> Option<Failure> {
        None
    }
}

/// How a replica differs from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diff {
    Same,
    /// In a comment or the like, which the next cycle changes. Who reads or computes with it meets no difference.
    Details,
    /// In the part named here, as in "has another *definition*".
    Content(&'static str),
}

impl Diff {
    /// Details where `same` does not hold.
    pub fn details(same: bool) -> Self {
        if same { Self::Same } else { Self::Details }
    }
}

/// Why an asset could not be made or changed.
#[derive(Debug)]
pub enum ApplyFault {
    /// Its storage root has no counterpart.
    Unmapped(Unmapped),
    /// Its kind leaves it out, for the reason in this sentence. It holds nothing back.
    NotReplicated(String),
    /// A region refused it; with the place that it was to have.
    Region(ConnectError, Option<String>),
}

impl From<Unmapped> for ApplyFault {
    fn from(why: Unmapped) -> Self {
        Self::Unmapped(why)
    }
}

impl From<ConnectError> for ApplyFault {
    fn from(error: ConnectError) -> Self {
        Self::Region(error, None)
    }
}

impl ApplyFault {
    /// What it means for the asset; a region that is away stops the cycle instead.
    async fn explain(self, key: &AssetKey, request: &CycleRequest<'_>) -> Result<Failure, CycleError> {
        let to = request.destination;
        match self {
            Self::NotReplicated(message) => Ok((ErrorClass::UnsupportedObject, BTreeMap::new(), message)),
            Self::Unmapped(why) => Ok((ErrorClass::UnmappedLocation, BTreeMap::new(), why.to_string())),
            Self::Region(error, _) if error.is_unreachable() => Err(CycleError::at(&to.region, error)),
            Self::Region(error, _) if error.is_not_served() => {
                let message =
                    format!("{} has no API to create a {}, so {key} can't be replicated there.", to.region, key.kind);
                Ok((ErrorClass::UnsupportedObject, BTreeMap::new(), message))
            }
            Self::Region(error, place) => Ok(request.coverage.explain(to, place.as_deref(), error).await),
        }
    }
}

fn in_sync<T: MetadataType>(kind: &T, key: &AssetKey, source: &T::Info) -> ObjectRecord {
    ObjectRecord { note: kind.note(source), ..ObjectRecord::new(key, ObjectStatus::InSync) }
}

/// Makes or changes one asset where that is necessary; whether it was.
async fn ensure<T: MetadataType>(
    kind: &T,
    request: &CycleRequest<'_>,
    key: &AssetKey,
    source: &T::Info,
    destination: &mut Destination,
) -> Result<bool, ApplyFault> {
    let replica = destination.inventory.get(key).and_then(Asset::info);
    if let Some(replica) = replica.filter(|_| destination.fresh)
        && let Some(asset) = kind.enforce(request.destination, replica).await?
    {
        destination.inventory.insert(key.clone(), asset);
    }
    let replica = destination.inventory.get(key).and_then(Asset::info);
    let is_done = |replica| kind.diff(source, replica) == Diff::Same && !kind.is_stale(request, source, replica);
    if replica.is_some_and(is_done) {
        return Ok(false);
    }
    let asset = kind.apply(request, source, replica).await?;
    destination.inventory.insert(key.clone(), asset);
    Ok(true)
}

impl<T: MetadataType> AssetType for T {
    fn kind(&self) -> AssetKind {
        MetadataType::kind(self)
    }

    fn rivals(&self) -> &'static [AssetKind] {
        MetadataType::rivals(self)
    }

    fn list<'a>(&'a self, listing: &'a Listing<'a>) -> BoxFuture<'a, Result<Vec<(AssetKey, Asset)>, ConnectError>> {
        Box::pin(MetadataType::list(self, listing))
    }

    fn why_not(&self, asset: &Asset) -> Option<WhyNot> {
        MetadataType::why_not(self, asset.info()?)
    }

    fn apply<'a>(
        &'a self,
        request: &'a CycleRequest<'a>,
        due: Vec<Due<'a>>,
        destination: &'a mut Destination,
        _cache: &'a mut CycleCache,
    ) -> BoxFuture<'a, Result<Applied, CycleError>> {
        Box::pin(async move {
            let mut applied = Applied::default();
            for Due { key, asset } in due {
                let Some(source) = asset.info() else { continue };
                match ensure(self, request, key, source, destination).await {
                    Ok(touched) => {
                        applied.arrived.push(key.clone());
                        applied.touched.extend(touched.then(|| key.clone()));
                        applied.records.push(match self.reservation(request) {
                            Some(failure) => ObjectRecord::failed(key, failure, request.clock),
                            None => in_sync(self, key, source),
                        });
                    }
                    Err(fault) => {
                        let failure = fault.explain(key, request).await?;
                        applied.records.push(ObjectRecord::failed(key, failure.clone(), request.clock));
                        applied.broken.push((key.clone(), failure));
                    }
                }
            }
            Ok(applied)
        })
    }

    fn remove<'a>(
        &'a self,
        to: &'a Endpoint,
        key: &'a AssetKey,
        replica: Option<&'a Asset>,
    ) -> BoxFuture<'a, Result<Removal, ConnectError>> {
        Box::pin(MetadataType::remove(self, to, key, replica.and_then(Asset::info)))
    }

    fn compare<'a>(
        &'a self,
        comparison: &'a Comparison<'a>,
        Due { key, asset }: Due<'a>,
        replica: Option<&'a Asset>,
    ) -> BoxFuture<'a, Result<Compared, CycleError>> {
        let record = match (asset.info(), replica.and_then(Asset::info)) {
            (Some(source), Some(replica)) => match self.diff(source, replica) {
                Diff::Same | Diff::Details => in_sync(self, key, source),
                Diff::Content(part) => {
                    let (to, from) = (&comparison.destination.region, &comparison.source.region);
                    let mut label = key.kind.label().to_owned();
                    label[..1].make_ascii_uppercase();
                    let message =
                        format!("{label} {key} has another {part} in {to} than in {from}, until the next cycle.");
                    comparison.drifted(key, message)
                }
            },
            _ => comparison.missing(key),
        };
        Box::pin(async move { Ok(record.into()) })
    }
}
