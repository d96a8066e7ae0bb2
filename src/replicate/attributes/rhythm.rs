//! Whose turn it is to be looked at.

use crate::domain::AssetKey;
use std::collections::BTreeMap;
use std::time::Duration;

/// In this time every object of a small scope has its turn.
const ROUND: Duration = Duration::from_secs(60);
/// Requests a second to one region at most, so that a large scope takes longer instead of being throttled.
const MOST_PER_SECOND: f64 = 20.0;

/// What is looked at in one turn.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Owner, grants and tags.
    Object(AssetKey),
    /// The tags of a table's columns.
    Columns(AssetKey),
}

/// Turns by the monotonic clock.
#[derive(Debug, Default)]
pub struct Rhythm {
    looked: BTreeMap<Unit, Duration>,
    /// When turns were last given.
    last: Option<Duration>,
    /// Requests that may be spent; below zero where a unit cost more than there was.
    credit: f64,
    all: bool,
}

impl Rhythm {
    pub fn look_at_all(&mut self) {
        self.all = true;
    }

    /// The units whose turn it is, of all that there are, each with what it costs in requests to one region.
    pub fn turns(&mut self, units: &[(Unit, usize)], now: Duration) -> Vec<Unit> {
        let elapsed = now.saturating_sub(self.last.replace(now).unwrap_or(now)).as_secs_f64();
        let total: usize = units.iter().map(|(_, cost)| cost).sum();
        let per_second = (total as f64 / ROUND.as_secs_f64()).min(MOST_PER_SECOND);
        self.credit = (self.credit + per_second * elapsed).min(total as f64);
        if std::mem::take(&mut self.all) {
            return units.iter().map(|(unit, _)| unit.clone()).collect();
        }
        if self.credit < 1.0 {
            return Vec::new();
        }
        // The one that waited longest first; what was never looked at before all others.
        let mut waiting: Vec<(Option<Duration>, &(Unit, usize))> =
            units.iter().map(|unit| (self.looked.get(&unit.0).copied(), unit)).collect();
        waiting.sort();
        let mut turns = Vec::new();
        for (_, (unit, cost)) in waiting {
            if self.credit < 1.0 {
                break;
            }
            self.credit -= *cost as f64;
            turns.push(unit.clone());
        }
        turns
    }

    pub fn looked_at(&mut self, unit: Unit, now: Duration) {
        self.looked.insert(unit, now);
    }

    /// Forgets what is no longer there.
    pub fn retain(&mut self, is_there: impl Fn(&AssetKey) -> bool) {
        self.looked.retain(|unit, _| match unit {
            Unit::Object(key) | Unit::Columns(key) => is_there(key),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(count: usize, cost: usize) -> Vec<(Unit, usize)> {
        (0..count).map(|at| (Unit::Object(AssetKey::schema("c", format!("s{at:05}"))), cost)).collect()
    }

    fn turns(rhythm: &mut Rhythm, units: &[(Unit, usize)], second: u64) -> usize {
        let now = Duration::from_secs(second);
        let turns = rhythm.turns(units, now);
        turns.iter().for_each(|unit| rhythm.looked_at(unit.clone(), now));
        turns.len()
    }

    #[test]
    fn a_small_scope_is_looked_at_once_a_minute_and_nothing_is_asked_without_time() {
        let (mut rhythm, units) = (Rhythm::default(), units(30, 2));
        assert_eq!(turns(&mut rhythm, &units, 0), 0);
        let of_each: Vec<usize> = (1..=60).map(|second| turns(&mut rhythm, &units, second)).collect();
        assert!((29..=31).contains(&of_each.iter().sum::<usize>()), "{of_each:?}");
        assert!(of_each.iter().all(|turns| *turns <= 1), "evenly: {of_each:?}");
        assert_eq!(rhythm.looked.len(), 30, "each once");
        assert_eq!(turns(&mut rhythm, &units, 60), 0);
    }

    #[test]
    fn a_large_scope_is_never_asked_faster_than_a_region_likes() {
        let (mut rhythm, units) = (Rhythm::default(), units(30_000, 2));
        turns(&mut rhythm, &units, 0);
        assert_eq!(turns(&mut rhythm, &units, 1), 10);
        assert_eq!(turns(&mut rhythm, &units, 11), 100);
        rhythm.look_at_all();
        assert_eq!(turns(&mut rhythm, &units, 11), 30_000);
    }
}
