//! What one frame is drawn from: the snapshot, the time, and which answers are awaited.

use super::format;
use crate::control::view::{AccountView, GroupView, RegionView};
use crate::domain::{Clock, GroupId, Region, Right, Targets, Timestamp, WorkspaceId};
use crate::runtime::{Intent, IntentId, Snapshot};
use chrono::{FixedOffset, Offset, Utc};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Intents that have no answer yet.
pub type Awaited = BTreeMap<IntentId, Intent>;

/// One frame's input; screens read it and change nothing.
pub struct Scene<'a> {
    /// The newest snapshot.
    pub snapshot: &'a Snapshot,
    /// The time that ages count to. It stands still while the data is stale, so that no age claims to be fresh.
    pub now: Timestamp,
    /// How old the data is, in milliseconds, once it is too old to be believed.
    pub stale_ms: Option<i64>,
    /// Intents that have no answer yet.
    pub awaited: &'a Awaited,
    clock: Option<&'a dyn Clock>,
    ticks: Cell<bool>,
    moves: Cell<bool>,
}

/// What was read longer ago is shown with its date.
const FRESH_MS: i64 = 30_000;

/// Milliseconds after which data that was taken at `taken_at` is too old to be believed.
pub fn patience_ms(interval_ms: u64) -> i64 {
    i64::try_from(interval_ms.saturating_mul(2)).unwrap_or(i64::MAX)
}

impl<'a> Scene<'a> {
    /// A scene of `snapshot` at the wall clock's `wall`.
    pub fn new(snapshot: &'a Snapshot, wall: Timestamp, awaited: &'a Awaited) -> Self {
        let age = format::since(snapshot.taken_at, wall);
        let stale_ms = (age > patience_ms(snapshot.interval_ms)).then_some(age);
        let now = if stale_ms.is_some() { snapshot.taken_at } else { wall };
        let (ticks, moves) = (Cell::new(false), Cell::new(false));
        Self { snapshot, now, stale_ms, awaited, clock: None, ticks, moves }
    }

    /// The scene with the clock that knows where its readers are.
    pub fn told_by(self, clock: &'a dyn Clock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// How far the window's readers are from UTC at an instant.
    pub fn local_offset(&self, at: Timestamp) -> FixedOffset {
        self.clock.map_or_else(|| Utc.fix(), |clock| clock.local_offset(at))
    }

    /// What a group should reach.
    pub fn targets(&self, id: &GroupId) -> Targets {
        self.group(id).map_or_else(Targets::default, |view| view.targets)
    }

    /// Says that something was drawn that moves by itself: the window comes back for its next picture.
    pub fn moving(&self) {
        self.moves.set(true);
    }

    /// Whether something was drawn that moves by itself.
    pub fn moves(&self) -> bool {
        self.moves.get() && self.stale_ms.is_none()
    }

    /// The account.
    pub fn account(&self) -> &'a AccountView {
        &self.snapshot.account
    }

    /// Why the window may not do something, as a sentence; None where it may.
    pub fn refusal(&self, right: Right) -> Option<String> {
        self.snapshot.session.refusal(right)
    }

    /// One group.
    pub fn group(&self, id: &GroupId) -> Option<&'a Arc<GroupView>> {
        self.snapshot.account.groups.iter().find(|view| &view.group.spec.id == id)
    }

    /// One region.
    pub fn region(&self, name: &Region) -> Option<&'a RegionView> {
        self.snapshot.account.regions.iter().find(|region| region.name == *name)
    }

    /// Whether the window shows another account, whose API doesn't tell all that a runtime of its own knows.
    pub fn is_of_another_account(&self) -> bool {
        self.snapshot.deployment.account_url.is_some()
    }

    /// The display name of a workspace; its id where it is not known.
    pub fn workspace_name(&self, id: &WorkspaceId) -> String {
        let found = self.account().workspaces.iter().find(|workspace| workspace.id == *id);
        found.map_or_else(|| id.to_string(), |workspace| workspace.name.clone())
    }

    /// Milliseconds since `then`, which will be drawn: the window comes back when the next second is full.
    pub fn age_ms(&self, then: Timestamp) -> i64 {
        self.ticks.set(true);
        format::since(then, self.now)
    }

    /// The date of something that was read of a region at `at`, where it must not pass for now.
    pub fn as_of(&self, region: &Region, at: Timestamp) -> Option<String> {
        self.is_old(region, at).then(|| format!("as of {}", format::utc(at)))
    }

    /// Whether what was read of a region at `at` must not pass for now: it is too old, or the region doesn't respond.
    pub fn is_old(&self, region: &Region, at: Timestamp) -> bool {
        let is_away = self.account().regions.iter().any(|r| r.name == *region && r.unreachable_since.is_some());
        is_away || self.age_ms(at) > FRESH_MS
    }

    /// Whether an age was drawn that grows by itself.
    pub fn ticks(&self) -> bool {
        self.ticks.get() && self.stale_ms.is_none()
    }

    /// Whether an intent like this has no answer yet.
    pub fn awaits(&self, like: impl Fn(&Intent) -> bool) -> bool {
        self.awaited.values().any(like)
    }
}

/// Milliseconds from `now` until an age shows its next second.
pub fn until_next_second(now: Timestamp) -> u64 {
    1000 - u64::try_from(now.timestamp_millis().rem_euclid(1000)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn snapshot_at(taken_at: Timestamp) -> Snapshot {
        Snapshot {
            taken_at,
            interval_ms: 5_000,
            deployment: Default::default(),
            account: Default::default(),
            session: Default::default(),
            sandbox: None,
        }
    }

    #[test]
    fn data_is_stale_after_twice_the_interval_and_then_ages_stand_still() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let (snapshot, awaited) = (snapshot_at(start), Awaited::new());
        let fresh = Scene::new(&snapshot, start + TimeDelta::seconds(10), &awaited);
        assert_eq!(fresh.stale_ms, None);
        assert_eq!(fresh.age_ms(start), 10_000);
        assert!(fresh.ticks());
        let stale = Scene::new(&snapshot, start + TimeDelta::seconds(240), &awaited);
        assert_eq!(stale.stale_ms, Some(240_000));
        assert_eq!(stale.age_ms(start), 0);
        assert!(!stale.ticks());
    }
}
