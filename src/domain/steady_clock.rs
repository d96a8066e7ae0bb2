//! A clock that does not follow a wall clock that jumps.
//!
//! The wall clock is held against the monotonic one. While both go at the same pace, the wall clock is right by
//! definition. When it jumps, time goes on from where it was, at the pace of the monotonic clock, until the wall clock is
//! back or has been steady for a while: [`FORWARD_PATIENCE`] where it went ahead, because a time in the future makes
//! claims that nothing supports, and [`BACKWARD_PATIENCE`] where it went back.

use super::{Clock, Timestamp};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A difference between the two clocks that isn't a jump: slow corrections, and readings that are not taken at once.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(1);
/// How long a wall clock that went ahead must be steady before it is believed.
pub const FORWARD_PATIENCE: Duration = Duration::from_secs(60);
/// How long a wall clock that went back must be steady before it is believed.
pub const BACKWARD_PATIENCE: Duration = Duration::from_secs(5);
/// A slow correction forward is followed at this part of the time that passes.
const SLEW: i64 = 100;
/// Lines that are remembered, to know an old one again.
const MOST_LINES: usize = 8;
/// Moves of the clock that are remembered.
const MOST_MOVES: usize = 20;

/// A jump of the wall clock, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockMove {
    /// When it was noticed, by the clock that did not follow it.
    pub at: Timestamp,
    /// How far the wall clock went from the time as it goes on here; forward is positive.
    pub by_ms: i64,
    /// What came of it; None while it is not known.
    pub end: Option<MoveEnd>,
}

/// What came of a jump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveEnd {
    /// When, by the clock that counts.
    pub at: Timestamp,
    /// Whether the wall clock is believed now; false where it went elsewhere or back.
    pub followed: bool,
}

impl std::fmt::Display for ClockMove {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let far = in_words(self.by_ms);
        let way = if self.by_ms < 0 { "back" } else { "forward" };
        let (at, time) = (self.at.format("%H:%M:%S UTC"), |at: Timestamp| at.format("%H:%M:%S UTC"));
        write!(f, "This machine's clock jumped {far} {way} at {at}")?;
        match &self.end {
            None => f.write_str(". The console keeps its own time until the clock is steady."),
            Some(end) if end.followed => write!(
                f,
                " and has been steady since. The console uses it again from {}. A replication point that claimed too much is withdrawn.",
                time(end.at)
            ),
            Some(end) => {
                write!(f, " and was set again at {}. Replication points kept to the time from before.", time(end.at))
            }
        }
    }
}

/// A span as a person says it: its two largest units.
pub(super) fn in_words(ms: i64) -> String {
    let ms = ms.unsigned_abs();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    // Readings differ by some milliseconds, and clocks aren't set by so few.
    let mut rest = (ms + 500) / 1000 * 1000;
    let mut words = Vec::new();
    for (size, unit) in units {
        if rest >= size && words.len() < 2 {
            words.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
    }
    words.join(" ")
}

/// What one reading of both clocks tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The time.
    pub now: Timestamp,
    /// The jump that began or ended with this reading.
    pub moved: Option<ClockMove>,
}

/// A line is the difference between wall clock and monotonic clock, in milliseconds: constant until a clock is set.
#[derive(Debug, Clone, Copy)]
struct Line {
    offset: i64,
    /// How long it was followed.
    followed_ms: i64,
}

/// A wall clock that is somewhere else.
#[derive(Debug)]
struct Strayed {
    offset: i64,
    since: i64,
    moved: ClockMove,
}

/// Decides what time it is from readings of both clocks; pure.
#[derive(Debug)]
pub struct Anchor {
    line: Line,
    read: i64,
    strayed: Option<Strayed>,
    earlier: VecDeque<Line>,
}

impl Anchor {
    /// Begins with a wall clock that is believed, for want of anything else.
    pub fn new(wall: Timestamp, monotonic: Duration) -> Self {
        let read = millis(monotonic);
        let line = Line { offset: wall.timestamp_millis() - read, followed_ms: 0 };
        Self { line, read, strayed: None, earlier: VecDeque::new() }
    }

    /// Takes a reading of both clocks.
    pub fn read(&mut self, wall: Timestamp, monotonic: Duration) -> Reading {
        let read = millis(monotonic).max(self.read);
        let passed = read - std::mem::replace(&mut self.read, read);
        let offset = wall.timestamp_millis() - read;
        self.line.followed_ms += passed;
        let moved = if is_same(offset, self.line.offset) {
            // Back at once, forward slowly: many small steps ahead are a jump too.
            self.line.offset = offset.min(self.line.offset + passed / SLEW);
            self.end(false)
        } else {
            self.stray(offset, read)
        };
        Reading { now: self.time(read), moved }
    }

    /// A wall clock that is somewhere else: since when, and whether it is believed there.
    fn stray(&mut self, offset: i64, read: i64) -> Option<ClockMove> {
        let begun = match &self.strayed {
            Some(strayed) if is_same(offset, strayed.offset) => None,
            _ => {
                let moved = ClockMove { at: self.time(read), by_ms: offset - self.line.offset, end: None };
                self.strayed = Some(Strayed { offset, since: read, moved: moved.clone() });
                Some(moved)
            }
        };
        let since = self.strayed.as_ref().map_or(read, |strayed| strayed.since);
        let patience = if offset > self.line.offset { FORWARD_PATIENCE } else { BACKWARD_PATIENCE };
        let returns =
            self.earlier.iter().any(|line| is_same(offset, line.offset) && line.followed_ms > self.line.followed_ms);
        if !returns && read - since < millis(patience) {
            return begun;
        }
        self.earlier.retain(|line| !is_same(line.offset, offset) || line.followed_ms > self.line.followed_ms);
        let followed_ms = self.earlier.iter().find(|line| is_same(line.offset, offset)).map_or(0, |l| l.followed_ms);
        self.earlier.retain(|line| !is_same(line.offset, offset));
        if self.earlier.len() == MOST_LINES {
            self.earlier.pop_front();
        }
        self.earlier.push_back(std::mem::replace(&mut self.line, Line { offset, followed_ms }));
        self.end(true)
    }

    fn end(&mut self, followed: bool) -> Option<ClockMove> {
        let strayed = self.strayed.take()?;
        Some(ClockMove { end: Some(MoveEnd { at: self.time(self.read), followed }), ..strayed.moved })
    }

    fn time(&self, read: i64) -> Timestamp {
        DateTime::<Utc>::from_timestamp_millis(self.line.offset.saturating_add(read)).unwrap_or_default()
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn is_same(one: i64, other: i64) -> bool {
    one.abs_diff(other) <= TOLERANCE.num_milliseconds().unsigned_abs()
}

/// A clock that goes by an [`Anchor`], and remembers the jumps of the one below it.
pub struct SteadyClock {
    below: Arc<dyn Clock>,
    state: Mutex<(Anchor, VecDeque<ClockMove>)>,
    told: Box<dyn Fn(&ClockMove) + Send + Sync>,
}

impl SteadyClock {
    /// A steady clock over `below`; `told` hears of every jump when it begins and when it ends.
    pub fn new(below: Arc<dyn Clock>, told: impl Fn(&ClockMove) + Send + Sync + 'static) -> Self {
        let anchor = Anchor::new(below.now(), below.monotonic());
        Self { below, state: Mutex::new((anchor, VecDeque::new())), told: Box::new(told) }
    }

    /// The newest jump, where the clock jumped since the start.
    pub fn last_move(&self) -> Option<ClockMove> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).1.back().cloned()
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let reading = {
            let mut state = self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            // Both are read in here, so that readings come in their order.
            let reading = state.0.read(self.below.now(), self.below.monotonic());
            if let Some(moved) = &reading.moved {
                let moves = &mut state.1;
                moves.retain(|known| (known.at, known.by_ms) != (moved.at, moved.by_ms));
                moves.push_back(moved.clone());
                moves.truncate(MOST_MOVES);
            }
            reading
        };
        if let Some(moved) = &reading.moved {
            (self.told)(moved);
        }
        reading.now
    }

    fn monotonic(&self) -> Duration {
        self.below.monotonic()
    }

    fn local_offset(&self, at: Timestamp) -> FixedOffset {
        self.below.local_offset(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;
    use chrono::TimeZone;
    use proptest::prelude::*;

    fn start() -> Timestamp {
        Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time")
    }

    fn steady() -> (Arc<ManualClock>, SteadyClock) {
        let below = Arc::new(ManualClock::new(start()));
        let steady = SteadyClock::new(below.clone(), |_| {});
        (below, steady)
    }

    #[test]
    fn a_jump_that_is_taken_back_moves_nothing() {
        for by in [TimeDelta::hours(2), TimeDelta::hours(-2)] {
            let (below, steady) = steady();
            below.jump(by);
            below.advance(TimeDelta::seconds(3));
            assert_eq!(steady.now(), start() + TimeDelta::seconds(3));
            let begun = steady.last_move().expect("noticed");
            assert_eq!((begun.by_ms, begun.end), (by.num_milliseconds(), None));
            below.jump(-by);
            below.advance(TimeDelta::seconds(1));
            assert_eq!(steady.now(), start() + TimeDelta::seconds(4));
            let ended = steady.last_move().and_then(|moved| moved.end).expect("over");
            assert!(!ended.followed);
        }
    }

    #[test]
    fn a_clock_that_stays_where_it_went_is_believed_and_an_old_line_is_known_again_at_once() {
        let (below, steady) = steady();
        below.advance(TimeDelta::hours(3));
        steady.now();
        below.jump(TimeDelta::hours(2));
        steady.now();
        below.advance(TimeDelta::seconds(59));
        assert_eq!(steady.now(), start() + TimeDelta::hours(3) + TimeDelta::seconds(59));
        below.advance(TimeDelta::seconds(1));
        assert_eq!(steady.now(), start() + TimeDelta::hours(5) + TimeDelta::seconds(60));
        assert!(steady.last_move().and_then(|moved| moved.end).is_some_and(|end| end.followed));
        below.advance(TimeDelta::minutes(5));
        steady.now();
        below.jump(TimeDelta::hours(-2));
        assert_eq!(steady.now(), below.now(), "it was right for longer before");
        below.jump(TimeDelta::hours(2));
        assert_eq!(steady.now(), below.now() - TimeDelta::hours(2), "what was wrong once is not believed at once");
    }

    #[test]
    fn a_clock_that_is_set_back_for_good_is_believed_after_a_few_seconds() {
        let (below, steady) = steady();
        below.jump(TimeDelta::hours(-2));
        steady.now();
        below.advance(TimeDelta::seconds(5));
        assert_eq!(steady.now(), below.now());
    }

    #[test]
    fn a_jump_is_told_as_a_sentence() {
        let at = Utc.with_ymd_and_hms(2026, 11, 25, 12, 4, 0).single().expect("a time");
        let begun = ClockMove { at, by_ms: 7_200_003, end: None };
        let sentence = "This machine's clock jumped 2 h forward at 12:04:00 UTC. The console keeps its own time until the clock is steady.";
        assert_eq!(begun.to_string(), sentence);
        let end = |followed| Some(MoveEnd { at: at + TimeDelta::seconds(3), followed });
        let back = ClockMove { by_ms: -5_401_000, end: end(false), ..begun.clone() };
        assert!(back.to_string().starts_with(
            "This machine's clock jumped 1 h 30 min back at 12:04:00 UTC and was set again at 12:04:03 UTC."
        ));
        let followed = ClockMove { by_ms: 1_600, end: end(true), ..begun };
        assert!(followed.to_string().contains("jumped 2 s forward at 12:04:00 UTC and has been steady since."));
    }

    #[test]
    fn a_slow_correction_is_no_jump() {
        let (below, steady) = steady();
        for _ in 0..600 {
            below.advance(TimeDelta::seconds(1));
            below.jump(TimeDelta::milliseconds(2));
            let _ = steady.now();
        }
        assert_eq!((steady.last_move(), below.now() - steady.now()), (None, TimeDelta::zero()));
    }

    proptest! {
        /// However the wall clock is set, unless it stays there: time never goes back, and never runs ahead of what passed.
        #[test]
        fn time_goes_on_at_its_pace_whatever_the_wall_clock_does(
            steps in proptest::collection::vec((0i64..3_000, prop_oneof![Just(0i64), -10_000_000i64..10_000_000, -900i64..900]), 1..60),
        ) {
            let (below, steady) = steady();
            let (mut passed, mut jumped) = (0, 0);
            for (wait, jump) in steps {
                below.advance(TimeDelta::milliseconds(wait));
                passed += wait;
                // The clock is set, read, and set back: no wrong time lasts.
                below.jump(TimeDelta::milliseconds(jump));
                jumped += jump.abs();
                let ahead = (steady.now() - start()).num_milliseconds() - passed;
                prop_assert!(ahead <= passed / SLEW, "{ahead} ms ahead after {passed} ms and {jumped} ms of jumps");
                below.jump(TimeDelta::milliseconds(-jump));
                let _ = steady.now();
            }
        }

        /// Many small steps ahead don't get around the tolerance.
        #[test]
        fn small_steps_ahead_do_not_add_up(steps in 1usize..200) {
            let (below, steady) = steady();
            for _ in 0..steps {
                below.jump(TimeDelta::milliseconds(900));
                below.advance(TimeDelta::milliseconds(100));
                let ahead = (steady.now() - start()).num_milliseconds() - 100 * steps as i64;
                prop_assert!(ahead <= TOLERANCE.num_milliseconds());
            }
        }
    }
}
