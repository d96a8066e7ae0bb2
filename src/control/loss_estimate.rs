//! What a forced failover would lose, as it is shown.

use crate::domain::{AssetKind, ErrorClass, ObjectStatus, Timestamp};
use crate::replicate::ObjectRecord;

/// What a forced failover would lose. None is unknown, never zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossEstimate {
    /// When the source was looked at; None where it was not since the process started.
    pub as_of: Option<Timestamp>,
    /// Seconds from the first commit that has not arrived to then.
    pub seconds: Option<f64>,
    /// Commits at the source and not at the replica.
    pub commits: Option<u64>,
    /// Rows in the files that they add, where statistics tell.
    pub rows: Option<u64>,
    /// Bytes in the files that they add.
    pub bytes: Option<u64>,
    /// Tables that they belong to.
    pub tables: Vec<String>,
    /// What isn't in these numbers, and why, as sentences; with any of them the numbers are the least that is lost.
    pub unknown: Vec<String>,
    /// What was probably committed since, where the source can't be asked.
    pub likely: Option<LikelyLoss>,
    /// Tables asked so far and tables to ask, while the source is being asked.
    pub asking: Option<(u64, u64)>,
}

/// How fast commits came in the hour before the source was last looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct LikelyLoss {
    /// When the source was last looked at, or the replication point where it was not since the start.
    pub since: Timestamp,
    /// Seconds before that from which the rates are: an hour, or less where the group is younger.
    pub span: f64,
    /// Commits a second.
    pub commits: f64,
    /// Rows a second, where statistics tell.
    pub rows: Option<f64>,
    /// Bytes a second, where the replica's log could be read.
    pub bytes: Option<f64>,
}

impl LikelyLoss {
    /// Seconds, commits, rows and bytes that this makes likely up to `now`.
    pub fn at(&self, now: Timestamp) -> (f64, u64, Option<u64>, Option<u64>) {
        let seconds = ((now - self.since).num_milliseconds().max(0)) as f64 / 1000.0;
        let grown = |rate: f64| (rate * seconds).round() as u64;
        (seconds, grown(self.commits), self.rows.map(grown), self.bytes.map(grown))
    }
}

impl LossEstimate {
    /// What a cycle that ended knows: everything up to its cut has arrived, but for the objects that are flagged. Only what
    /// has commits of its own, or holds such objects, can make the counts unsure.
    pub fn of_cycle(cut: Timestamp, objects: &[ObjectRecord]) -> Self {
        let whole = |o: &&ObjectRecord| {
            matches!(
                o.status,
                ObjectStatus::InSync | ObjectStatus::Unverifiable | ObjectStatus::Unsupported | ObjectStatus::Excluded
            )
        };
        let counts = |o: &&ObjectRecord| {
            matches!(o.kind, AssetKind::Catalog | AssetKind::Schema | AssetKind::Table)
                && !o.is_only_in_secondary()
                && o.error.as_ref().is_none_or(|error| error.class != ErrorClass::AccessNotReplicated)
        };
        let behind = objects.iter().filter(counts).filter(|o| !whole(o));
        let unknown = behind.map(|o| match o.message() {
            Some(message) => message.to_owned(),
            None => format!("{} had not arrived yet.", o.name),
        });
        Self {
            as_of: Some(cut),
            seconds: Some(0.0),
            commits: Some(0),
            rows: Some(0),
            bytes: Some(0),
            unknown: unknown.collect(),
            ..Self::default()
        }
    }
}
