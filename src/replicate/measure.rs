//! Asks the source how much of what did not arrive it holds.

use super::access::root_of;
use super::{Endpoint, ReplicaState};
use crate::connect::TablePlace;
use crate::delta;
use crate::domain::{AssetKind, Clock, Shortfall};
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Objects that are measured, so that a scope that fails as a whole is answered in time.
const MOST: usize = 200;
/// Objects asked for at a time.
const PARALLEL: usize = 8;
/// Commits that are read for rows and bytes; of more only the number is known.
const MOST_COMMITS: i64 = 500;

/// Completes what is known of `lost`: where it lies and how much it is. What can't be asked stays unknown.
pub async fn measure(
    source: &Endpoint,
    arrived: &BTreeMap<String, ReplicaState>,
    lost: Vec<Shortfall>,
    clock: &dyn Clock,
) -> Vec<Shortfall> {
    let mut lost = lost.into_iter();
    let first: Vec<Shortfall> = lost.by_ref().take(MOST).collect();
    let each: Vec<_> = first.into_iter().map(|lost| one(source, arrived, lost, clock)).collect();
    let mut measured: Vec<Shortfall> = stream::iter(each).buffered(PARALLEL).collect().await;
    measured.extend(lost);
    measured
}

async fn one(
    source: &Endpoint,
    arrived: &BTreeMap<String, ReplicaState>,
    mut lost: Shortfall,
    clock: &dyn Clock,
) -> Shortfall {
    if lost.kind != AssetKind::Table {
        return lost;
    }
    let Ok(Some(info)) = source.client.table(&lost.object).await else { return lost };
    lost.location.clone_from(&info.storage_location);
    let Some(place) = TablePlace::of(&info) else { return lost };
    // What arrived of another table that had the name before is nothing of this one.
    let known = arrived.get(&lost.object).filter(|known| {
        known.source_region == source.region && info.table_id.as_deref().is_none_or(|id| id == known.table_id)
    });
    let before = known.map(|known| known.position.version);
    lost.first_version = Some(before.map_or(0, |version| version + 1));
    let Ok(granted) = root_of(source, &place, false, clock).await else { return lost };
    let newest = delta::newest_versions(Arc::new(vec![granted.root.clone()])).await;
    let Some(newest) = newest.into_iter().next().flatten() else { return lost };
    lost.last_version = Some(newest);
    let before = before.unwrap_or(-1);
    lost.commits = Some(u64::try_from(newest - before).unwrap_or(0));
    if newest <= before {
        // Every commit arrived; what is wrong lies in files or in the replica.
        (lost.first_version, lost.last_version) = (None, None);
        return lost;
    }
    if newest - before <= MOST_COMMITS
        && let Ok(commits) = delta::commits_since(&granted.root, before).await
    {
        lost.commits = Some(commits.len() as u64);
        lost.bytes = Some(commits.iter().map(|commit| commit.bytes_added).fold(0, u64::saturating_add));
        lost.rows = commits.iter().try_fold(0_u64, |sum, commit| Some(sum.saturating_add(commit.rows_added?)));
    }
    lost
}
