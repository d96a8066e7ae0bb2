//! Ids of workspace assets that differ between a group's regions, as the routes of its stable URLs need them.

use super::lock::lock;
use super::{Control, group::sets_of};
use crate::domain::GroupId;
use crate::net::{IdPair, MovedIds};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// What was read of the id maps, by group and workspace set.
pub type KnownIds = BTreeMap<(GroupId, String), SetIds>;

/// The ids of one workspace set.
#[derive(Debug, Clone, Default)]
pub struct SetIds {
    /// Passes over the group's workspaces that had ended when it was read.
    passes: u64,
    /// For each of the group's regions, in their order, what requests to it need.
    pub to_side: [MovedIds; 2],
}

impl Control {
    /// Reads the id maps that passes have changed since, for groups whose stable URLs lead somewhere.
    pub(super) async fn read_moved_ids(&self) {
        for handle in self.handles() {
            let (group, passes) = (handle.group(), handle.assets.passes.load(Ordering::Acquire));
            let sets: Vec<String> =
                sets_of(&group).filter(|set| !set.stable_url_names.is_empty()).map(|set| set.name.clone()).collect();
            let id = &group.spec.id;
            let is_read = |ids: &KnownIds| {
                let mut known = ids.range((id.clone(), String::new())..).take_while(|((of, _), _)| of == id);
                let count = known.by_ref().filter(|(_, ids)| ids.passes == passes).count();
                count == sets.len() && sets.iter().all(|set| ids.contains_key(&(id.clone(), set.clone())))
            };
            if is_read(&lock(&self.inner.routing.moved_ids)) {
                continue;
            }
            let of = id.clone();
            let rows = match self.inner.store.run(move |tx| tx.asset_ids(&of)).await {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::debug!(group = %id, %error, "can't read the id map for the stable URLs");
                    continue;
                }
            };
            let read = sets.into_iter().map(|set| {
                let pairs: Vec<IdPair> =
                    rows.iter().filter(|row| row.set == set).map(|row| (row.kind, row.ids.clone())).collect();
                let to_side = [0, 1].map(|side| MovedIds::to_side(side, &pairs));
                ((id.clone(), set), SetIds { passes, to_side })
            });
            let mut known = lock(&self.inner.routing.moved_ids);
            known.retain(|(of, _), _| of != id);
            known.extend(read);
        }
        let handles = self.handles();
        lock(&self.inner.routing.moved_ids).retain(|(id, _), _| handles.iter().any(|handle| handle.id == *id));
    }

    /// What requests to the region on `side` need of a workspace set's ids.
    pub(super) fn moved_ids(&self, group: &GroupId, set: &str, side: usize) -> MovedIds {
        let known = lock(&self.inner.routing.moved_ids);
        known.get(&(group.clone(), set.to_owned())).and_then(|ids| ids.to_side.get(side).cloned()).unwrap_or_default()
    }
}
