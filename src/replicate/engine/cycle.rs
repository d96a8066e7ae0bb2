//! One cycle: plan, copy, commit, record.

use super::asset_type::{Applied, AssetType, Destination, Due, Removal};
use super::follower::{Follower, Seen};
use super::listing::read_again;
use super::request::{CycleOutcome, CycleRequest};
use super::verdict::{Sides, Verdict};
use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetName, ErrorClass};
use crate::replicate::coverage::Failure;
use crate::replicate::renames::Renames;
use crate::replicate::{CycleCache, CycleError, Inventory, ObjectRecord, SalvageHold, ownership};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How far a commit's time may lie before the moment at which readers see it.
///
/// A commit is timed before it is put in place, so one from just before the cut may become visible after the listing;
/// the point stays this far behind the listing and never claims it.
const DELAY: Duration = Duration::from_millis(200);
const VISIBILITY_DELAY: TimeDelta = TimeDelta::milliseconds(DELAY.as_millis() as i64);

/// How long the destination's catalog is trusted to be as it was read: no one else should change a replica's, but may.
const DESTINATION_TRUST: Duration = Duration::from_secs(30);

/// Runs one cycle over `kinds`, in their order, then `followers` over what has arrived. Whatever goes wrong, what has arrived stays, and the next cycle reads the
/// rest again.
pub async fn run_cycle(
    kinds: &[&dyn AssetType],
    followers: &[&dyn Follower],
    request: &CycleRequest<'_>,
    cache: &mut CycleCache,
) -> Result<CycleOutcome, CycleError> {
    let (cut, cut_at) = (request.clock.now() - VISIBILITY_DELAY, request.clock.monotonic().saturating_sub(DELAY));
    cache.cut = Some(cut);
    let now = request.clock.monotonic();
    let before = cache.source.take();
    let turns = (&mut cache.slow_source, now);
    let source = read_again(kinds, request.source, request.catalogs, before.as_ref(), turns).await?;
    drop(before);
    let (inventory, read_at, fresh) = match cache.destination.take() {
        Some((inventory, read_at)) if now.saturating_sub(read_at) < DESTINATION_TRUST => (inventory, read_at, false),
        before => {
            let before = before.map(|(inventory, _)| inventory);
            let turns = (&mut cache.slow_destination, now);
            let read = read_again(kinds, request.destination, request.catalogs, before.as_ref(), turns).await?;
            (read, now, true)
        }
    };
    let copied_before = request.progress.bytes_copied.load(Ordering::Relaxed);
    let sides =
        Sides { source: request.source, destination: request.destination, clock: request.clock, rules: request.rules };
    let renames = Renames::find(&source, &cache.tables, request);
    let destination = Destination { inventory, fresh };
    let mut cycle = Cycle {
        kinds,
        request,
        sides,
        destination,
        objects: Vec::new(),
        changed: 0,
        broken: BTreeMap::new(),
        kept: BTreeMap::new(),
        touched: BTreeSet::new(),
        renames,
        nothing_owned: BTreeSet::new(),
    };
    cycle.name_held(&source, cache);
    cycle.objects.extend(cycle.sides.not_shown(request.catalogs, &source));
    cycle.follow_drops(&source, cache).await?;
    let complete = cycle.bring(&source, cache).await?;
    let mut unmanaged =
        cycle.sides.unmanaged(kinds, &source, &cycle.destination.inventory, &cycle.nothing_owned, &cycle.kept);
    unmanaged.retain(|object| !cache.holds(&AssetName::parse(&object.name)));
    cycle.objects.extend(unmanaged);
    let Cycle { mut objects, changed, destination, touched, .. } = cycle;
    if complete {
        for follower in followers {
            let seen = Seen { source: &source, destination: &destination.inventory, touched: &touched, fresh };
            follower.follow(request, seen, cache, &mut objects).await?;
        }
    }
    objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    if complete && !says_something_of_the_destination(&objects, cache) {
        cache.destination = Some((destination.inventory, read_at));
    } else {
        // Whatever failed may have left the destination other than it was read.
        cache.access.clear();
    }
    cache.source = Some(source);
    let bytes_copied = request.progress.bytes_copied.load(Ordering::Relaxed) - copied_before;
    Ok(CycleOutcome { cut, cut_at, complete, objects, changed, bytes_copied })
}

/// Whether something failed that may have to do with the destination. A table that is flagged for what it holds has not,
/// and one that was refused as before says nothing new.
fn says_something_of_the_destination(objects: &[ObjectRecord], cache: &CycleCache) -> bool {
    let new = objects.iter().filter(|object| !cache.flagged.contains_key(&object.name));
    new.filter_map(|object| object.error.as_ref())
        .any(|e| e.class.is_transient() || matches!(e.class, ErrorClass::PermissionDenied | ErrorClass::SplitBrain))
}

struct Cycle<'a> {
    kinds: &'a [&'a dyn AssetType],
    request: &'a CycleRequest<'a>,
    sides: Sides<'a>,
    destination: Destination,
    objects: Vec<ObjectRecord>,
    changed: u64,
    /// Containers that could not be made, with why; what lies in them fails for the same reason.
    broken: BTreeMap<AssetKey, Failure>,
    /// What replication made and the source no longer has, but stays; with why.
    kept: BTreeMap<AssetKey, &'static str>,
    /// What was made or changed at the destination.
    touched: BTreeSet<AssetKey>,
    renames: Renames,
    /// A cycle has followed every drop that it could, so nothing is left that the next one would drop.
    nothing_owned: BTreeSet<AssetKey>,
}

impl Cycle<'_> {
    /// Names the tables that are left alone, and why.
    fn name_held(&mut self, source: &Inventory, cache: &CycleCache) {
        for SalvageHold { error, .. } in &cache.held {
            let key = AssetKey::new(error.kind, AssetName::parse(&error.object));
            if key.name.name.is_none() {
                continue;
            }
            let mut record = ObjectRecord::new(&key, error.class.status());
            record.replica_version = cache.tables.get(&error.object).map(|table| table.position.version);
            // What was left behind holds nothing up, until the source has a table of its name that must not take its place.
            let is_conflict = error.class == ErrorClass::LeftBehind && source.relation(&key.name).is_some();
            let why = || {
                format!(
                    "{} has another table of that name. It isn't replicated until you release this one.",
                    self.request.source.region
                )
            };
            record.error = Some(if is_conflict { error.clone().held(&why()) } else { error.clone() });
            self.objects.push(record);
        }
    }

    /// Removes what was dropped, renamed, made again or replaced by another kind of object at the source; contents before
    /// their containers.
    async fn follow_drops(&mut self, source: &Inventory, cache: &mut CycleCache) -> Result<(), CycleError> {
        let (request, kinds) = (self.request, self.kinds);
        for kind in kinds.iter().rev() {
            for key in ownership::gone(kind.kind(), source, cache) {
                if self.renames.keeps(&key) || self.renames.keeps_within(&key) {
                    self.kept.insert(key, "it was renamed, and the new name waits for your approval");
                    continue;
                }
                let inventory = &mut self.destination.inventory;
                let is_rival = |rival| inventory.contains(&AssetKey::new(rival, key.name.clone()));
                if inventory.has_children(&key) {
                    self.kept.insert(key, "somebody keeps something in it");
                    continue;
                }
                // What has taken its place at the destination is not it.
                if !kind.rivals().iter().copied().any(is_rival) {
                    match self.remove(*kind, &key).await? {
                        Removal::Removed => {}
                        Removal::Kept(why) => {
                            self.kept.insert(key, why);
                            continue;
                        }
                    }
                }
                self.destination.inventory.remove(&key);
                ownership::disown(request.store, request.group, cache, &key).await?;
                self.touched.insert(key);
                self.changed += 1;
            }
        }
        Ok(())
    }

    /// Removes an asset at the destination. Where that refuses, it is tried again by the next cycle.
    async fn remove(&self, kind: &dyn AssetType, key: &AssetKey) -> Result<Removal, CycleError> {
        let to = self.request.destination;
        match kind.remove(to, key, self.destination.inventory.get(key)).await {
            Ok(removal) => Ok(removal),
            Err(ConnectError::NotFound { .. }) => Ok(Removal::Removed),
            Err(error) if error.is_unreachable() => Err(CycleError::at(&to.region, error)),
            Err(_) => Ok(Removal::Kept("the region refused to drop it. The next cycle tries again")),
        }
    }

    /// Brings every kind up to date; false when it was stopped on the way.
    async fn bring(&mut self, source: &Inventory, cache: &mut CycleCache) -> Result<bool, CycleError> {
        let request = self.request;
        for kind in self.kinds {
            let mut due = Vec::new();
            for (key, asset) in source.of_kind(kind.kind()).filter(|(key, _)| !cache.holds(&key.name)) {
                let at_destination = &self.destination.inventory;
                if let Some(record) = self.renames.waits(key, request.clock) {
                    self.objects.push(record);
                    continue;
                }
                match self.sides.judge(*kind, (key, asset), at_destination, &self.broken, &self.nothing_owned) {
                    Verdict::Flagged(record) => self.objects.push(record),
                    Verdict::Due | Verdict::Replaces(_) => due.push(Due { key, asset }),
                }
            }
            let applied = kind.apply(request, due, &mut self.destination, cache).await?;
            let Applied { records, arrived, touched, broken, changed, stopped } = applied;
            self.objects.extend(records);
            self.broken.extend(broken);
            self.touched.extend(touched);
            self.changed += changed;
            ownership::own(request.store, request.group, cache, arrived).await?;
            if stopped {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
