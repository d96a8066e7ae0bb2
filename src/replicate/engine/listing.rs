//! Reading what a region holds, kind by kind.

use super::asset_type::AssetType;
use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, CatalogName};
use crate::replicate::rhythm::Rhythm;
use crate::replicate::{Asset, CycleError, Endpoint, Inventory};
use crate::wire::unity_catalog::SchemaInfo;
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Calls to one region at a time.
const PARALLEL_CALLS: usize = 8;

/// A listing as it goes on: what is in scope, and what was found so far.
pub struct Listing<'a> {
    pub endpoint: &'a Endpoint,
    /// What the kinds before this one listed.
    pub found: &'a Inventory,
    catalogs: &'a [CatalogName],
    /// What the region held when it was read last; None where nothing of that may be relied on.
    before: Option<&'a Inventory>,
    /// Schemas in which what changes rarely is listed again.
    due: &'a BTreeSet<AssetKey>,
    /// What a call brought of other kinds than the one that made it.
    others: &'a Mutex<BTreeMap<AssetKind, Vec<(AssetKey, Asset)>>>,
}

impl<'a> Listing<'a> {
    /// Whether a catalog is in scope.
    pub fn covers(&self, catalog: &str) -> bool {
        self.catalogs.iter().any(|name| *name == catalog)
    }

    /// Runs calls, several at a time, and gives all that they list in their order.
    pub async fn all<T>(
        &self,
        calls: impl IntoIterator<Item = impl Future<Output = Result<Vec<T>, ConnectError>>>,
    ) -> Result<Vec<T>, ConnectError> {
        let calls: Vec<_> = calls.into_iter().collect();
        let lists: Vec<Vec<T>> = stream::iter(calls).buffered(PARALLEL_CALLS).try_collect().await?;
        Ok(lists.into_iter().flatten().collect())
    }

    /// Lists a kind that lies in schemas and changes rarely: in schemas that are new, changed or due. Of the others it gives
    /// what was listed last. A call that a region doesn't have lists nothing.
    pub async fn rarely<T, F>(
        &self,
        kind: AssetKind,
        call: impl Fn(&'a SchemaInfo) -> F,
        keyed: impl Fn(T) -> (AssetKey, Asset),
    ) -> Result<Vec<(AssetKey, Asset)>, ConnectError>
    where
        F: Future<Output = Result<Vec<T>, ConnectError>>,
    {
        let (mut calls, mut known) = (Vec::new(), Vec::new());
        for (key, asset) in self.found.of_kind(AssetKind::Schema) {
            let Some(schema) = asset.info::<SchemaInfo>() else { continue };
            let is_same = |before: &&Inventory| before.get(key).and_then(Asset::info::<SchemaInfo>) == Some(schema);
            match self.before.filter(is_same) {
                Some(before) if !self.due.contains(key) => {
                    known.extend(before.within(kind, &key.name).map(|(key, asset)| (key.clone(), asset.clone())));
                }
                _ => calls.push(call(schema)),
            }
        }
        known.extend(self.all_served(calls).await?.into_iter().map(keyed));
        Ok(known)
    }

    /// [`Self::all`] of what not every region serves: a call that a region doesn't have lists nothing.
    async fn all_served<T>(
        &self,
        calls: Vec<impl Future<Output = Result<Vec<T>, ConnectError>>>,
    ) -> Result<Vec<T>, ConnectError> {
        let mut served = Vec::with_capacity(calls.len());
        for call in calls {
            served.push(served_or_nothing(call));
        }
        self.all(served).await
    }

    /// Keeps what a call brought of another kind, until that kind is listed.
    pub fn hand_on(&self, kind: AssetKind, assets: Vec<(AssetKey, Asset)>) {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default().extend(assets);
    }

    /// What kinds before this one handed on.
    pub fn handed_on(&self, kind: AssetKind) -> Vec<(AssetKey, Asset)> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner).remove(&kind).unwrap_or_default()
    }
}

async fn served_or_nothing<T>(
    call: impl Future<Output = Result<Vec<T>, ConnectError>>,
) -> Result<Vec<T>, ConnectError> {
    match call.await {
        Err(error) if error.is_not_served() => Ok(Vec::new()),
        answer => answer,
    }
}

/// Reads everything of `kinds` in the catalogs named by `catalogs`; those that the region doesn't show are left out.
pub async fn read_inventory(
    kinds: &[&dyn AssetType],
    endpoint: &Endpoint,
    catalogs: &[CatalogName],
) -> Result<Inventory, CycleError> {
    read(kinds, endpoint, catalogs, None, &BTreeSet::new()).await
}

/// [`read_inventory`] of a region that was read `before`: what changes rarely is listed again in a few schemas only.
pub async fn read_again(
    kinds: &[&dyn AssetType],
    endpoint: &Endpoint,
    catalogs: &[CatalogName],
    before: Option<&Inventory>,
    (turns, now): (&mut Rhythm<AssetKey>, Duration),
) -> Result<Inventory, CycleError> {
    let schemas = before.into_iter().flat_map(|before| before.of_kind(AssetKind::Schema));
    // A call for volumes and one for functions.
    let units: Vec<(AssetKey, usize)> = schemas.map(|(key, _)| (key.clone(), 2)).collect();
    let due: BTreeSet<AssetKey> = turns.turns(&units, now).into_iter().collect();
    let read = read(kinds, endpoint, catalogs, before, &due).await?;
    for key in due {
        turns.looked_at(key, now);
    }
    turns.retain(|key| read.contains(key));
    Ok(read)
}

async fn read(
    kinds: &[&dyn AssetType],
    endpoint: &Endpoint,
    catalogs: &[CatalogName],
    before: Option<&Inventory>,
    due: &BTreeSet<AssetKey>,
) -> Result<Inventory, CycleError> {
    let mut found = Inventory::default();
    let others = Mutex::default();
    for kind in kinds {
        let listing = Listing { endpoint, found: &found, catalogs, before, due, others: &others };
        let listed = kind.list(&listing).await.map_err(|source| CycleError::at(&endpoint.region, source))?;
        for (key, asset) in listed {
            found.insert(key, asset);
        }
    }
    Ok(found)
}
