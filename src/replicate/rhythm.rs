//! Whose turn it is to be looked at.

use std::collections::BTreeMap;
use std::time::Duration;

/// In this time everything of a scope that isn't large has its turn.
const ROUND: Duration = Duration::from_secs(60);
/// Requests a second to one region at most, so that a large scope takes longer and isn't throttled.
const MOST_PER_SECOND: f64 = 20.0;
/// And at least, so that a small scope is looked at more often.
const LEAST_PER_SECOND: f64 = 4.0;

/// Where no more requests than this are due at once, everything may be looked at in one cycle.
const MOST_AT_ONCE: usize = 5_000;

/// Turns of units `T` by the monotonic clock.
#[derive(Debug)]
pub struct Rhythm<T> {
    looked: BTreeMap<T, Duration>,
    /// When turns were last given.
    last: Option<Duration>,
    /// Requests that may be spent; below zero where a unit cost more than there was.
    credit: f64,
    all: bool,
}

impl<T> Default for Rhythm<T> {
    fn default() -> Self {
        Self { looked: BTreeMap::new(), last: None, credit: 0.0, all: false }
    }
}

impl<T: Ord + Clone> Rhythm<T> {
    /// Gives everything its turn at once the next time, unless that is too much.
    pub fn look_at_all(&mut self) {
        self.all = true;
    }

    /// The units whose turn it is, of all that there are, each with what it costs in requests to one region.
    pub fn turns(&mut self, units: &[(T, usize)], now: Duration) -> Vec<T> {
        let elapsed = now.saturating_sub(self.last.replace(now).unwrap_or(now)).as_secs_f64();
        let total: usize = units.iter().map(|(_, cost)| cost).sum();
        let per_second = (total as f64 / ROUND.as_secs_f64()).clamp(LEAST_PER_SECOND, MOST_PER_SECOND);
        self.credit = (self.credit + per_second * elapsed).min(total as f64);
        if std::mem::take(&mut self.all) && total <= MOST_AT_ONCE {
            return units.iter().map(|(unit, _)| unit.clone()).collect();
        }
        if self.credit < 1.0 {
            return Vec::new();
        }
        // The one that waited longest first; what was never looked at before all others.
        let mut waiting: Vec<(Option<Duration>, &(T, usize))> =
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

    pub fn looked_at(&mut self, unit: T, now: Duration) {
        self.looked.insert(unit, now);
    }

    /// Removes units that don't exist any more.
    pub fn retain(&mut self, is_there: impl Fn(&T) -> bool) {
        self.looked.retain(|unit, _| is_there(unit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(count: usize, cost: usize) -> Vec<(usize, usize)> {
        (0..count).map(|at| (at, cost)).collect()
    }

    fn turns(rhythm: &mut Rhythm<usize>, units: &[(usize, usize)], second: u64) -> usize {
        let now = Duration::from_secs(second);
        let turns = rhythm.turns(units, now);
        turns.iter().for_each(|unit| rhythm.looked_at(*unit, now));
        turns.len()
    }

    #[test]
    fn everything_has_its_turn_in_a_minute_and_nothing_is_asked_without_time() {
        let (mut rhythm, units) = (Rhythm::default(), units(300, 2));
        assert_eq!(turns(&mut rhythm, &units, 0), 0);
        let of_each: Vec<usize> = (1..=60).map(|second| turns(&mut rhythm, &units, second)).collect();
        assert!((299..=301).contains(&of_each.iter().sum::<usize>()), "{of_each:?}");
        assert!(of_each.iter().all(|turns| *turns <= 6), "evenly: {of_each:?}");
        assert_eq!(rhythm.looked.len(), 300, "each once");
        assert_eq!(turns(&mut rhythm, &units, 60), 0);
    }

    #[test]
    fn a_small_scope_is_looked_at_more_often() {
        let (mut rhythm, units) = (Rhythm::default(), units(20, 2));
        turns(&mut rhythm, &units, 0);
        assert_eq!(turns(&mut rhythm, &units, 10), 20, "four requests a second");
        assert_eq!(turns(&mut rhythm, &units, 3_600), 20, "never one twice in a turn");
    }

    #[test]
    fn a_large_scope_is_never_asked_faster_than_a_region_likes() {
        let (mut rhythm, units) = (Rhythm::default(), units(30_000, 2));
        turns(&mut rhythm, &units, 0);
        assert_eq!(turns(&mut rhythm, &units, 1), 10);
        assert_eq!(turns(&mut rhythm, &units, 11), 100);
        rhythm.look_at_all();
        assert_eq!(turns(&mut rhythm, &units, 11), 0, "too much at once");
        rhythm.look_at_all();
        assert_eq!(turns(&mut rhythm, &units[..2_000], 11), 2_000);
    }
}
