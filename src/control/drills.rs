//! The drills that are known.

use crate::domain::{Drill, GroupId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of drills: the newest of a group last.
#[derive(Debug, Default)]
pub struct Drills {
    pub of: BTreeMap<GroupId, Vec<Arc<Drill>>>,
}

impl Drills {
    /// Takes in what the store holds, oldest first.
    pub fn new(stored: Vec<Drill>) -> Self {
        let mut drills = Self::default();
        stored.into_iter().for_each(|drill| drills.put(drill));
        drills
    }

    pub fn put(&mut self, drill: Drill) {
        let all = self.of.entry(drill.group.clone()).or_default();
        match all.iter_mut().find(|known| known.id == drill.id) {
            Some(known) => *known = Arc::new(drill),
            None => all.push(Arc::new(drill)),
        }
    }

    pub fn get(&self, id: &str) -> Option<Arc<Drill>> {
        self.of.values().flatten().find(|drill| drill.id == id).cloned()
    }
}
