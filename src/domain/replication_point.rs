//! The instant up to which everything in a group's scope has arrived.

use super::Instant;
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
    pub time: Instant,
    /// The epoch in which the point was recorded; it rises with every cutover.
    pub epoch: u64,
    /// Table name to version.
    pub tables: BTreeMap<String, TableVersion>,
}

/// The later of a recorded point and a new cut, so that a point never moves back within an epoch.
pub fn advance(recorded: Option<Instant>, cut: Instant) -> Instant {
    recorded.map_or(cut, |point| point.max(cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    #[test]
    fn a_point_never_moves_back() {
        let t = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        assert_eq!(advance(Some(t), t - TimeDelta::seconds(5)), t);
        assert_eq!(advance(Some(t), t + TimeDelta::seconds(5)), t + TimeDelta::seconds(5));
        assert_eq!(advance(None, t), t);
    }
}
