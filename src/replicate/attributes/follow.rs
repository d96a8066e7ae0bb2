//! Owners, grants and tags as what follows every cycle and every comparison.

use super::compare;
use crate::replicate::engine::{Comparison, CycleRequest, Follower, Seen};
use crate::replicate::{CycleCache, CycleError, Inventory, ObjectRecord};
use futures::future::BoxFuture;

/// Lets owners, grants and tags follow the source.
pub struct FollowAttributes;

impl Follower for FollowAttributes {
    fn follow<'a>(
        &'a self,
        request: &'a CycleRequest<'a>,
        seen: Seen<'a>,
        cache: &'a mut CycleCache,
        objects: &'a mut Vec<ObjectRecord>,
    ) -> BoxFuture<'a, Result<(), CycleError>> {
        Box::pin(async move { cache.attributes.follow(request, &seen, objects).await })
    }

    fn compare<'a>(
        &'a self,
        comparison: &'a Comparison<'a>,
        source: &'a Inventory,
        destination: &'a Inventory,
        objects: &'a mut Vec<ObjectRecord>,
    ) -> BoxFuture<'a, Result<(), CycleError>> {
        Box::pin(compare::compare(comparison, source, destination, objects))
    }
}
