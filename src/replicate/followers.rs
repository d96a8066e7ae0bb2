//! What follows every cycle over the kinds that replicate.

use super::attributes::{FollowAttributes, FollowPlaces};
use super::engine::{CycleRequest, Follower, Seen};
use super::{CycleCache, CycleError, ObjectRecord};
use futures::future::BoxFuture;

/// Names views whose catalogs the secondary doesn't have.
struct FollowDependencies;

/// In the order of the work.
pub const FOLLOWERS: [&dyn Follower; 3] = [&FollowAttributes, &FollowPlaces, &FollowDependencies];

impl Follower for FollowDependencies {
    fn follow<'a>(
        &'a self,
        request: &'a CycleRequest<'a>,
        seen: Seen<'a>,
        cache: &'a mut CycleCache,
        objects: &'a mut Vec<ObjectRecord>,
    ) -> BoxFuture<'a, Result<(), CycleError>> {
        Box::pin(async move { cache.dependencies.follow(request, seen.source, objects).await })
    }
}
