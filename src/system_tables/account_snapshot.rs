//! The account as it is at one moment, as far as the system tables tell of it.

use crate::domain::{AssetKind, FailoverGroup, ObjectError, ObjectStatus, Region, Timestamp};
use std::collections::BTreeMap;

/// The account at one moment.
#[derive(Debug, Clone)]
pub struct AccountSnapshot<'a> {
    /// When.
    pub now: Timestamp,
    /// The account's id.
    pub account_id: &'a str,
    /// The metastore of each region.
    pub metastores: &'a BTreeMap<Region, String>,
    /// Every failover group.
    pub groups: Vec<GroupSnapshot<'a>>,
}

/// One failover group at that moment.
#[derive(Debug, Clone)]
pub struct GroupSnapshot<'a> {
    /// The group.
    pub group: &'a FailoverGroup,
    /// Every error, also what holds up the group as a whole.
    pub errors: &'a [ObjectError],
    /// The newest failovers, in any order.
    pub operations: Vec<OperationSnapshot<'a>>,
    /// Every object in scope; empty before the first cycle of this process.
    pub objects: Vec<ObjectSnapshot<'a>>,
}

/// One failover.
#[derive(Debug, Clone)]
pub struct OperationSnapshot<'a> {
    /// Its id.
    pub id: &'a str,
    /// The region that was primary before it.
    pub from_region: &'a Region,
    /// The region that it makes primary.
    pub to_region: &'a Region,
    /// When it was confirmed.
    pub started: Timestamp,
    /// How and when it ended; None while it runs or waits for a retry.
    pub ended: Option<(OperationEnd, Timestamp)>,
    /// Why it was undone, where it was.
    pub message: Option<&'a str>,
}

/// How a failover ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationEnd {
    /// The new primary accepts writes.
    Finished,
    /// It was undone before its point of no return.
    Aborted,
}

/// One object in scope.
#[derive(Debug, Clone)]
pub struct ObjectSnapshot<'a> {
    /// What it is.
    pub kind: AssetKind,
    /// Its full name.
    pub name: &'a str,
    /// How its replica stands.
    pub status: ObjectStatus,
    /// A table's newest version at the source.
    pub source_version: Option<i64>,
    /// A table's newest version at the replica.
    pub replica_version: Option<i64>,
    /// Milliseconds that the replica is behind.
    pub lag_ms: Option<u64>,
    /// Bytes of live data.
    pub bytes: Option<u64>,
    /// Why it does not replicate, or what is missing.
    pub error: Option<&'a ObjectError>,
}

impl GroupSnapshot<'_> {
    /// Milliseconds since everything in scope was last at the secondary; None while something has never been there.
    pub fn lag_ms(&self, now: Timestamp) -> Option<i64> {
        let never_arrived = self.objects.iter().any(|object| {
            object.replica_version.is_none()
                && matches!(object.status, ObjectStatus::Failed | ObjectStatus::Missing | ObjectStatus::Drifted)
                && object.error.is_some_and(|error| error.blocks_replication_point())
        });
        let point = self.group.replication_point.filter(|_| !never_arrived)?;
        Some((now - point).num_milliseconds().max(0))
    }
}
