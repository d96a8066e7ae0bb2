//! What follows every pass over the kinds: it sees what has arrived, and says what it found with each object.

use super::asset_type::Comparison;
use super::request::CycleRequest;
use crate::domain::AssetKey;
use crate::replicate::{CycleCache, CycleError, Inventory, ObjectRecord};
use futures::future::BoxFuture;
use std::collections::BTreeSet;

/// Both catalogs as a pass leaves them.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub source: &'a Inventory,
    pub destination: &'a Inventory,
    /// What the pass made, changed or removed at the destination. A table that is new there isn't among them.
    pub touched: &'a BTreeSet<AssetKey>,
    /// Whether the destination was read in this cycle.
    pub fresh: bool,
}

/// Work that is the same for every kind and follows the pass over them.
pub trait Follower: Send + Sync {
    /// A region that is away and a store that fails are errors; everything else is said with the object.
    fn follow<'a>(
        &'a self,
        request: &'a CycleRequest<'a>,
        seen: Seen<'a>,
        cache: &'a mut CycleCache,
        objects: &'a mut Vec<ObjectRecord>,
    ) -> BoxFuture<'a, Result<(), CycleError>>;

    /// Says with each object of a comparison how its replica differs in what this follower looks after, changing nothing.
    fn compare<'a>(
        &'a self,
        _comparison: &'a Comparison<'a>,
        _source: &'a Inventory,
        _destination: &'a Inventory,
        _objects: &'a mut Vec<ObjectRecord>,
    ) -> BoxFuture<'a, Result<(), CycleError>> {
        Box::pin(async { Ok(()) })
    }
}
