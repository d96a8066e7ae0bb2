//! What the engine asks of each kind of asset: list, compare, apply, remove, and why one cannot be replicated.

use super::listing::Listing;
use super::request::CycleRequest;
use crate::connect::{ConnectError, TablePlace};
use crate::delta::Depth;
use crate::domain::{AssetKey, AssetKind, Clock, ErrorClass, GroupId, ObjectStatus, ScopeRules};
use crate::replicate::coverage::Failure;
use crate::replicate::{Asset, CycleCache, CycleError, Endpoint, Inventory, ObjectRecord};
use crate::store::Store;
use futures::future::BoxFuture;
use std::collections::BTreeMap;

/// One kind of asset that replicates.
///
/// A kind whose assets are only described, without data, implements [`super::MetadataType`] instead.
pub trait AssetType: Send + Sync {
    fn kind(&self) -> AssetKind;

    /// Kinds whose names this one shares: a table and a view can't have the same name.
    fn rivals(&self) -> &'static [AssetKind] {
        &[]
    }

    /// Everything of this kind in the scope. Kinds are listed in their order, so containers are there already.
    fn list<'a>(&'a self, listing: &'a Listing<'a>) -> BoxFuture<'a, Result<Vec<(AssetKey, Asset)>, ConnectError>>;

    /// Why an asset cannot be replicated, seen in its description; None when it can.
    fn why_not(&self, asset: &Asset) -> Option<WhyNot>;

    /// Makes the destination have what is `due`. Only a region that is away, or a ledger that fails, is an error.
    fn apply<'a>(
        &'a self,
        request: &'a CycleRequest<'a>,
        due: Vec<Due<'a>>,
        destination: &'a mut Destination,
        cache: &'a mut CycleCache,
    ) -> BoxFuture<'a, Result<Applied, CycleError>>;

    /// Removes an asset that replication made and the source no longer has; `replica` where the destination lists it. A
    /// table's data is left on disk.
    fn remove<'a>(
        &'a self,
        to: &'a Endpoint,
        key: &'a AssetKey,
        replica: Option<&'a Asset>,
    ) -> BoxFuture<'a, Result<Removal, ConnectError>>;

    /// Says how an asset's replica differs, changing nothing. A region that is away is an error.
    fn compare<'a>(
        &'a self,
        comparison: &'a Comparison<'a>,
        due: Due<'a>,
        replica: Option<&'a Asset>,
    ) -> BoxFuture<'a, Result<Compared, CycleError>>;
}

/// An asset of the source that nothing keeps from being replicated.
#[derive(Clone, Copy)]
pub struct Due<'a> {
    pub key: &'a AssetKey,
    pub asset: &'a Asset,
}

/// What the destination has, as a cycle goes on.
pub struct Destination {
    pub inventory: Inventory,
    /// Whether it was read in this cycle, so that what no listing shows is worth a look too.
    pub fresh: bool,
}

/// What became of the assets of one kind.
#[derive(Default)]
pub struct Applied {
    /// One record for each asset that was due.
    pub records: Vec<ObjectRecord>,
    /// Assets that are as they should be, and are replication's own.
    pub arrived: Vec<AssetKey>,
    /// Assets that were made, or changed at the destination.
    pub touched: Vec<AssetKey>,
    /// Assets that could not be made or changed, with why: what lies in them fails for the same reason.
    pub broken: Vec<(AssetKey, Failure)>,
    /// Assets with data that had changed.
    pub changed: u64,
    /// Whether it was stopped on the way.
    pub stopped: bool,
}

/// What a kind does about an asset that the source no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    Removed,
    /// Its replica stays; why, as the end of a sentence.
    Kept(&'static str),
}

/// Why an asset cannot be replicated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhyNot {
    pub class: ErrorClass,
    pub sentence: String,
    pub parameters: BTreeMap<String, String>,
}

/// Both sides of a comparison.
pub struct Comparison<'a> {
    pub group: &'a GroupId,
    pub rules: &'a ScopeRules,
    pub source: &'a Endpoint,
    pub destination: &'a Endpoint,
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    /// How closely files are looked at.
    pub depth: Depth,
}

/// What a comparison says of one asset.
pub struct Compared {
    pub record: ObjectRecord,
    pub damage: Option<Damage>,
}

/// What is wrong with one table's replica and can be mended from its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The table's full name.
    pub table: String,
    /// Where the source lies.
    pub source: TablePlace,
    /// Where the replica lies.
    pub replica: TablePlace,
    /// Files to copy again.
    pub files: Vec<String>,
    /// Whether the replica holds commits that its source never had.
    pub strayed: bool,
}

impl From<ObjectRecord> for Compared {
    fn from(record: ObjectRecord) -> Self {
        Self { record, damage: None }
    }
}

impl Comparison<'_> {
    /// An asset that the destination's catalog doesn't have.
    pub fn missing(&self, key: &AssetKey) -> ObjectRecord {
        let note = Some(format!("{key} is not in {}.", self.destination.region));
        ObjectRecord { note, ..ObjectRecord::new(key, ObjectStatus::Missing) }
    }

    pub fn failed(&self, key: &AssetKey, class: ErrorClass, message: String) -> ObjectRecord {
        ObjectRecord::failed(key, (class, BTreeMap::new(), message), self.clock)
    }

    /// An asset whose replica is another one, until the next cycle puts that right.
    pub fn drifted(&self, key: &AssetKey, message: String) -> ObjectRecord {
        ObjectRecord { status: ObjectStatus::Drifted, ..self.failed(key, ErrorClass::Drift, message) }
    }
}
