//! Something that lasts: told once when it begins and once when it has ended for good.

use crate::domain::Timestamp;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// One that comes back within this time after its end has to stay away longer to count as ended.
const RECENT: TimeDelta = TimeDelta::hours(1);
/// How often that time doubles at most.
const MOST_DOUBLINGS: u32 = 5;

/// How long it must last to be told, and how long be gone.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    pub settle: TimeDelta,
    pub calm: TimeDelta,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Begun { since: Timestamp },
    Ended { since: Timestamp, until: Timestamp },
}

/// Something that lasts, and what of it was told. It survives a restart, so that nothing is told twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    since: Option<Timestamp>,
    told: bool,
    /// Since when it is gone, while it isn't gone for long.
    well: Option<Timestamp>,
    /// When it last ended, and how often it came back soon after.
    ended: Option<Timestamp>,
    comebacks: u32,
}

impl Condition {
    /// Whether its beginning was told and its end wasn't.
    pub fn is_open(&self) -> bool {
        self.told
    }

    /// Takes in how it is now; None where that isn't known. `tells` is false while no webhook is set: then its beginning is
    /// told later.
    pub fn step(&mut self, is_bad: Option<bool>, now: Timestamp, patience: Patience, tells: bool) -> Option<Edge> {
        if is_bad? {
            self.well = None;
            let since = *self.since.get_or_insert(now);
            if self.told || !tells || now - since < patience.settle {
                return None;
            }
            self.told = true;
            let is_back = self.ended.is_some_and(|ended| since - ended < RECENT);
            self.comebacks = if is_back { self.comebacks + 1 } else { 0 };
            return Some(Edge::Begun { since });
        }
        let since = self.since?;
        if !self.told {
            self.since = None;
            return None;
        }
        let until = *self.well.get_or_insert(now);
        // A lag that swings around its target every few minutes is one spell, not a message every minute.
        let calm = patience.calm * (1 << self.comebacks.min(MOST_DOUBLINGS));
        if now - until < calm {
            return None;
        }
        *self = Self { ended: Some(until), comebacks: self.comebacks, ..Self::default() };
        Some(Edge::Ended { since, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    fn patience() -> Patience {
        Patience { settle: TimeDelta::zero(), calm: TimeDelta::seconds(60) }
    }

    fn noon() -> Timestamp {
        Utc.with_ymd_and_hms(2026, 11, 30, 12, 0, 0).single().expect("a time")
    }

    #[test]
    fn a_saw_tooth_around_the_target_is_told_once() {
        let mut condition = Condition::default();
        let told: Vec<Edge> = (0..600)
            .filter_map(|second| {
                condition.step(Some(second % 4 >= 2), noon() + TimeDelta::seconds(second), patience(), true)
            })
            .collect();
        assert_eq!(told, [Edge::Begun { since: noon() + TimeDelta::seconds(2) }]);
    }

    #[test]
    fn its_end_is_told_once_it_is_gone_for_a_minute_and_dated_when_it_went() {
        let mut condition = Condition::default();
        let mut told = Vec::new();
        for second in 0..200 {
            let now = noon() + TimeDelta::seconds(second);
            told.extend(condition.step(Some(second < 10), now, patience(), true).map(|edge| (second, edge)));
        }
        let ended = Edge::Ended { since: noon(), until: noon() + TimeDelta::seconds(10) };
        assert_eq!(told, [(0, Edge::Begun { since: noon() }), (70, ended)]);
    }

    #[test]
    fn one_that_comes_back_again_and_again_is_told_more_and_more_rarely() {
        let mut condition = Condition::default();
        // Ninety seconds of well-being, ten of trouble, for a day.
        let told = (0..86_400).filter(|second| {
            let now = noon() + TimeDelta::seconds(*second);
            condition.step(Some(second % 100 < 10), now, patience(), true).is_some()
        });
        assert!(told.count() <= 3, "two tellings and then one long spell");
    }

    #[test]
    fn what_is_not_known_changes_nothing_and_what_began_unheard_is_told_when_someone_listens() {
        let mut condition = Condition::default();
        assert_eq!(condition.step(Some(true), noon(), patience(), false), None);
        assert_eq!(condition.step(None, noon() + TimeDelta::seconds(5), patience(), true), None);
        let later = noon() + TimeDelta::seconds(9);
        assert_eq!(condition.step(Some(true), later, patience(), true), Some(Edge::Begun { since: noon() }));
        assert_eq!(condition.step(Some(true), later, patience(), true), None);
    }

    #[test]
    fn one_that_must_settle_and_goes_before_is_never_told() {
        let mut condition = Condition::default();
        let slow = Patience { settle: TimeDelta::seconds(30), ..patience() };
        for second in 0..300 {
            let now = noon() + TimeDelta::seconds(second);
            assert_eq!(condition.step(Some(second % 30 < 20), now, slow, true), None, "{second}");
        }
    }
}
