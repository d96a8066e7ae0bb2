//! Reading what a region holds, kind by kind.

use super::asset_type::AssetType;
use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, same_name};
use crate::replicate::{Asset, CycleError, Endpoint, Inventory};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Calls to one region at a time.
const PARALLEL_CALLS: usize = 8;

/// A listing as it goes on: what is in scope, and what was found so far.
pub struct Listing<'a> {
    pub endpoint: &'a Endpoint,
    /// What the kinds before this one listed.
    pub found: &'a Inventory,
    catalogs: &'a [String],
    /// What a call brought of other kinds than the one that made it.
    others: &'a Mutex<BTreeMap<AssetKind, Vec<(AssetKey, Asset)>>>,
}

impl Listing<'_> {
    /// Whether a catalog is in scope.
    pub fn covers(&self, catalog: &str) -> bool {
        self.catalogs.iter().any(|name| same_name(name, catalog))
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

    /// [`Self::all`] of what not every region serves: a call that a region doesn't have lists nothing.
    pub async fn all_served<T>(
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
    catalogs: &[String],
) -> Result<Inventory, CycleError> {
    let mut found = Inventory::default();
    let others = Mutex::default();
    for kind in kinds {
        let listing = Listing { endpoint, found: &found, catalogs, others: &others };
        let listed = kind.list(&listing).await.map_err(|source| CycleError::at(&endpoint.region, source))?;
        for (key, asset) in listed {
            found.insert(key, asset);
        }
    }
    Ok(found)
}
