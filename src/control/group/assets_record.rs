//! What is known of a group's workspace assets: the last pass over each workspace set.

use crate::control::view::{AssetsView, ObjectView};
use crate::domain::{AssetKind, FailoverGroup, ObjectError, Timestamp, WorkspaceSet};
use crate::replicate::workspace::{AssetProgress, PassOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// What the passes of one epoch found, by workspace set.
#[derive(Debug, Default)]
pub struct AssetsRecord {
    epoch: u64,
    sets: BTreeMap<String, SetRecord>,
}

#[derive(Debug, Default)]
struct SetRecord {
    objects: Vec<ObjectView>,
    secondary_only: BTreeSet<(AssetKind, String)>,
    looked_at: Option<Timestamp>,
    /// Whether every asset has arrived, or been flagged, once.
    arrived: bool,
    /// The pass that runs, and when it began.
    running: Option<(Arc<AssetProgress>, Timestamp)>,
    /// Why the last pass did not end, where it did not.
    error: Option<ObjectError>,
    seconds: f64,
}

/// The workspace sets of a group whose assets replicate.
pub fn sets_of(group: &FailoverGroup) -> impl Iterator<Item = &WorkspaceSet> {
    group.spec.workspace_sets.iter().filter(|set| set.replicate_workspace_assets)
}

impl AssetsRecord {
    fn set(&mut self, epoch: u64, set: &str) -> &mut SetRecord {
        if self.epoch != epoch {
            *self = Self { epoch, ..Self::default() };
        }
        self.sets.entry(set.to_owned()).or_default()
    }

    pub fn begin(&mut self, epoch: u64, set: &str, progress: Arc<AssetProgress>, now: Timestamp) {
        self.set(epoch, set).running = Some((progress, now));
    }

    /// Takes in what a pass found; one that was stopped says nothing of the assets that it did not come to.
    pub fn end(&mut self, epoch: u64, set: &str, outcome: PassOutcome, took: Duration) {
        let record = self.set(epoch, set);
        record.running = None;
        record.error = None;
        if outcome.complete {
            record.objects = outcome.objects;
            record.secondary_only = outcome.secondary_only;
            record.looked_at = outcome.at;
            record.arrived = true;
            record.seconds = took.as_secs_f64();
        }
    }

    /// A pass that failed. One that a region refuses for good holds nothing else up: it is flagged.
    pub fn fail(&mut self, epoch: u64, set: &str, error: ObjectError) {
        let record = self.set(epoch, set);
        record.running = None;
        record.arrived |= !error.class.is_transient();
        record.error = Some(error);
    }

    pub fn stopped(&mut self) {
        self.sets.values_mut().for_each(|set| set.running = None);
    }

    /// What a person must confirm to be deleted, by workspace set.
    pub fn secondary_only(&self, group: &FailoverGroup) -> BTreeMap<String, BTreeSet<(AssetKind, String)>> {
        self.of(group).map(|(name, set)| (name.to_owned(), set.secondary_only.clone())).collect()
    }

    fn of<'a>(&'a self, group: &'a FailoverGroup) -> impl Iterator<Item = (&'a str, &'a SetRecord)> {
        sets_of(group)
            .filter(|_| self.epoch == group.epoch)
            .filter_map(|set| Some((set.name.as_str(), self.sets.get(&set.name)?)))
    }

    /// Every asset as last found, with the errors of passes that did not end.
    pub fn objects(&self, group: &FailoverGroup) -> Vec<ObjectView> {
        self.of(group).flat_map(|(_, set)| set.objects.iter().cloned()).collect()
    }

    pub fn errors(&self, group: &FailoverGroup) -> Vec<ObjectError> {
        self.of(group).filter_map(|(_, set)| set.error.clone()).collect()
    }

    /// Whether every set that replicates its assets has had them arrive, or flagged, once.
    pub fn has_arrived(&self, group: &FailoverGroup) -> bool {
        let arrived = self.of(group).filter(|(_, set)| set.arrived).count();
        arrived == sets_of(group).count()
    }

    /// What screens show; None where no set of the group replicates its assets.
    pub fn view(&self, group: &FailoverGroup) -> Option<AssetsView> {
        sets_of(group).next()?;
        let mut view = AssetsView { arrived: self.has_arrived(group), ..AssetsView::default() };
        for (_, set) in self.of(group) {
            view.secondary_only += set.secondary_only.len();
            view.looked_at = view.looked_at.max(set.looked_at);
            view.seconds = view.seconds.max(set.seconds);
            if let Some((progress, started)) = &set.running {
                let (done, total) = progress.read().unwrap_or_default();
                (view.done, view.total) = (view.done + done, view.total + total);
                view.started = Some(view.started.map_or(*started, |known| known.min(*started)));
            }
        }
        Some(view)
    }
}
