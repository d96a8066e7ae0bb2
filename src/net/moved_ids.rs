//! Ids of workspace assets that a region didn't keep, so that an address with the other region's id leads to the same asset.

use crate::domain::AssetKind;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// For one region: the other region's ids of assets, with this region's ids of the same assets. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct MovedIds(Option<Arc<HashMap<(AssetKind, String), String>>>);

/// One asset: its kind and its id in each region, in the order of the group's regions.
pub type IdPair = (AssetKind, [Option<String>; 2]);

impl MovedIds {
    /// What requests to the region on `side` need.
    ///
    /// An id that this region knows itself is never another one's: whoever uses it means the asset that is there.
    pub fn to_side(side: usize, pairs: &[IdPair]) -> Self {
        let own: HashSet<(AssetKind, &str)> =
            pairs.iter().filter_map(|(kind, ids)| Some((space(*kind), ids.get(side)?.as_deref()?))).collect();
        let mut moved = HashMap::new();
        for (kind, ids) in pairs {
            let (Some(Some(here)), Some(Some(other))) = (ids.get(side), ids.get(1 - side.min(1))) else { continue };
            if here != other && is_plain(here) && !own.contains(&(space(*kind), other.as_str())) {
                moved.insert((space(*kind), other.clone()), here.clone());
            }
        }
        Self(Some(moved).filter(|moved| !moved.is_empty()).map(Arc::new))
    }

    /// This region's id of the asset that has `id` in the other one; None where it is the same, or isn't known.
    pub fn get(&self, kind: AssetKind, id: &str) -> Option<&str> {
        self.0.as_ref()?.get(&(space(kind), id.to_owned())).map(String::as_str)
    }

    /// Whether every id is the same in both regions.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many assets have other ids.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |moved| moved.len())
    }
}

/// The same map, and not one that says the same: a new one is made only when the id map changes.
impl PartialEq for MovedIds {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for MovedIds {}

/// Objects of the workspace's tree share their ids.
fn space(kind: AssetKind) -> AssetKind {
    match kind {
        AssetKind::Notebook | AssetKind::File => AssetKind::Folder,
        other => other,
    }
}

/// Whether an id can stand in a path or a query as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(kind: AssetKind, first: &str, second: &str) -> IdPair {
        (kind, [first, second].map(|id| Some(id.to_owned()).filter(|id| !id.is_empty())))
    }

    #[test]
    fn each_region_gets_its_own_ids_and_an_id_that_it_knows_stays() {
        let pairs = [
            pair(AssetKind::Job, "1", "7"),
            pair(AssetKind::Job, "2", "1"),
            pair(AssetKind::Job, "3", "3"),
            pair(AssetKind::Job, "4", ""),
            pair(AssetKind::Notebook, "5", "50"),
            pair(AssetKind::Cluster, "6", "a/../b"),
        ];
        let [first, second] = [0, 1].map(|side| MovedIds::to_side(side, &pairs));
        assert_eq!(second.get(AssetKind::Job, "1"), None, "the second region has a job 1 of its own");
        assert_eq!(second.get(AssetKind::Job, "2"), Some("1"));
        assert_eq!(first.get(AssetKind::Job, "7"), Some("1"));
        assert_eq!(first.get(AssetKind::Job, "1"), None);
        assert_eq!((second.get(AssetKind::Job, "3"), second.get(AssetKind::Job, "4")), (None, None));
        assert_eq!(second.get(AssetKind::File, "5"), Some("50"), "a file and a notebook never have one id");
        assert_eq!(second.get(AssetKind::Cluster, "2"), None, "a kind has its own ids");
        assert_eq!(second.get(AssetKind::Cluster, "6"), None, "an id that isn't plain never gets into a path");
        assert!(MovedIds::to_side(0, &pairs[2..3]).is_empty());
    }
}
