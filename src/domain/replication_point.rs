//! The instant up to which everything in a group's scope has arrived.

use super::Timestamp;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One table's newest commit at a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableVersion {
    /// The commit's version.
    pub version: i64,
    /// The sha256 of the commit file, in hex.
    pub sha256: String,
}

/// A time cut and the version of every table in scope at that cut.
///
/// Invariant: no version here is absent from the secondary when the point is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicationPoint {
    /// The cut: everything committed up to then has arrived.
    pub time: Timestamp,
    /// The epoch in which the point was recorded; it rises with every cutover.
    pub epoch: u64,
    /// Table name to version.
    pub tables: BTreeMap<String, TableVersion>,
}

/// The later of a recorded point and a new cut, so that a point never moves back within an epoch.
pub fn advance(recorded: Option<Timestamp>, cut: Timestamp) -> Timestamp {
    recorded.map_or(cut, |point| point.max(cut))
}

/// How far a recorded point may lie beyond what was seen: what two readings of a clock may differ by.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(2);

/// Whether a recorded point claims more than was seen, because a wrong clock timed it.
///
/// `seen` is when everything had arrived last, by the clock as it is now. Where that isn't known, as after a start, a
/// point in the future gives itself away.
pub fn claims_too_much(recorded: Timestamp, seen: Option<Timestamp>, now: Timestamp) -> bool {
    recorded > seen.unwrap_or(now).min(now) + TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Clock, ManualClock, SteadyClock};
    use chrono::{TimeZone, Utc};
    use proptest::prelude::*;
    use std::sync::Arc;

    #[test]
    fn a_point_never_moves_back() {
        let t = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        assert_eq!(advance(Some(t), t - TimeDelta::seconds(5)), t);
        assert_eq!(advance(Some(t), t + TimeDelta::seconds(5)), t + TimeDelta::seconds(5));
        assert_eq!(advance(None, t), t);
    }

    proptest! {
        /// Whatever the wall clock does, and however long everything is blocked: once the point was looked at, it claims
        /// nothing beyond what was seen, and it moves back only where it had claimed that.
        #[test]
        fn a_point_never_claims_more_than_was_seen(
            steps in proptest::collection::vec(
                (1i64..100_000, prop_oneof![4 => Just(0i64), 2 => -10_000_000i64..10_000_000, 1 => -900i64..900], any::<bool>()),
                1..80,
            ),
        ) {
            let wall = Arc::new(ManualClock::new(Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time")));
            let clock = SteadyClock::new(wall.clone(), |_| {});
            let (mut point, mut whole): (Option<Timestamp>, Option<std::time::Duration>) = (None, None);
            for (wait, jump, settled) in steps {
                wall.advance(TimeDelta::milliseconds(wait));
                wall.jump(TimeDelta::milliseconds(jump));
                let (now, monotonic) = (clock.now(), clock.monotonic());
                let ago = |at: std::time::Duration| now - TimeDelta::from_std(monotonic - at).unwrap_or_default();
                let seen = whole.map(ago);
                if point.is_some_and(|point| claims_too_much(point, seen, now)) {
                    point = seen;
                }
                if settled {
                    let before = point;
                    (point, whole) = (Some(advance(point, now)), Some(monotonic));
                    prop_assert!(point >= before);
                }
                let seen = whole.map(ago);
                prop_assert!(point <= seen.map(|seen| seen + TOLERANCE));
                prop_assert!(point.is_none_or(|point| point <= now + TOLERANCE));
            }
        }
    }
}
