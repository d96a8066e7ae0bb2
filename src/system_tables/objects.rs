//! What became of each object, found by comparing it with what was written last.

use super::table_writer::ChangeDetector;
use super::{AccountSnapshot, GroupSnapshot, ObjectRow, ObjectSnapshot, SystemTableError, Table};
use crate::domain::{ErrorClass, Timestamp};
use chrono::{NaiveDate, NaiveTime};
use std::collections::{BTreeMap, HashMap};

/// The status of an object that left the scope or was dropped.
const REMOVED: &str = "removed";

/// Finds the rows of `system.replication.objects`: every change of a status, and every object once a UTC day.
#[derive(Debug, Default)]
pub struct ObjectChanges {
    groups: BTreeMap<String, Assets>,
    round: u64,
}

/// Asset type, then name.
type Assets = BTreeMap<String, HashMap<String, Known>>;

/// What the table tells of an object.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    status: String,
    error_class: Option<String>,
    day: NaiveDate,
    /// The last observation in which it was there.
    round: u64,
}

impl ChangeDetector for ObjectChanges {
    type Row = ObjectRow;

    fn resume(table: &Table, now: Timestamp) -> Result<Self, SystemTableError> {
        let mut watch = Self::default();
        let today = now.date_naive();
        // Yesterday's rows need not be known: the first snapshot of a day tells of everything anyway.
        let columns = ["failover_group_name", "asset_type", "asset_name", "status", "error_class"];
        let mut times: HashMap<(String, String, String), Timestamp> = HashMap::new();
        table.rows_since(today.and_time(NaiveTime::MIN).and_utc(), &columns, |row| {
            let text = |column| row.text(column).unwrap_or_default().to_owned();
            let (group, kind, name) = (text("failover_group_name"), text("asset_type"), text("asset_name"));
            let newest = times.entry((group.clone(), kind.clone(), name.clone())).or_insert(row.time);
            if row.time < *newest {
                return;
            }
            *newest = row.time;
            let assets = watch.groups.entry(group).or_default().entry(kind).or_default();
            if row.text("status") == Some(REMOVED) {
                assets.remove(&name);
                return;
            }
            let error_class = row.text("error_class").map(str::to_owned);
            assets.insert(name, Known { status: text("status"), error_class, day: today, round: 0 });
        })?;
        Ok(watch)
    }

    fn observe(&mut self, snapshot: &AccountSnapshot<'_>, _regular: bool) -> Vec<ObjectRow> {
        self.round += 1;
        let round = self.round;
        let mut rows = Vec::new();
        for group in &snapshot.groups {
            let assets = self.groups.entry(group.group.spec.id.to_string()).or_default();
            observe_group(assets, group, snapshot.now, round, &mut rows);
        }
        self.groups.retain(|name, assets| {
            let is_there = snapshot.groups.iter().any(|group| group.group.spec.id.as_str() == name);
            if !is_there {
                take_removed(assets, name, snapshot.now, |_| true, &mut rows);
            }
            is_there
        });
        rows
    }
}

fn observe_group(
    assets: &mut Assets,
    group: &GroupSnapshot<'_>,
    now: Timestamp,
    round: u64,
    rows: &mut Vec<ObjectRow>,
) {
    // Before the first cycle nothing is known of any object, which is no news about it.
    if group.objects.is_empty() {
        return;
    }
    let (name, today) = (group.group.spec.id.as_str(), now.date_naive());
    for object in &group.objects {
        let of_kind = match assets.get_mut(object.kind.as_str()) {
            Some(of_kind) => of_kind,
            None => assets.entry(object.kind.as_str().to_owned()).or_default(),
        };
        let class = object.error.map(|error| error.class.as_str());
        match of_kind.get_mut(object.name) {
            Some(known)
                if known.day == today
                    && known.status == object.status.as_str()
                    && known.error_class.as_deref() == class =>
            {
                known.round = round;
            }
            _ => {
                rows.push(row(name, object, now));
                let known = Known {
                    status: object.status.as_str().to_owned(),
                    error_class: class.map(str::to_owned),
                    day: today,
                    round,
                };
                of_kind.insert(object.name.to_owned(), known);
            }
        }
    }
    take_removed(assets, name, now, |known| known.round != round, rows);
}

/// Takes out the objects that are `gone`, each with a last row.
fn take_removed(
    assets: &mut Assets,
    group: &str,
    now: Timestamp,
    gone: impl Fn(&Known) -> bool,
    rows: &mut Vec<ObjectRow>,
) {
    for (kind, of_kind) in assets {
        let mut names: Vec<String> =
            of_kind.iter().filter(|(_, known)| gone(known)).map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        for name in names {
            of_kind.remove(&name);
            rows.push(ObjectRow {
                event_time: now,
                failover_group_name: group.to_owned(),
                asset_type: kind.clone(),
                asset_name: name,
                status: REMOVED.to_owned(),
                source_version: None,
                replica_version: None,
                lag_ms: None,
                bytes: None,
                error_class: None,
                message: Some("It was dropped at the source, or removed from the scope.".to_owned()),
            });
        }
    }
}

fn row(group: &str, object: &ObjectSnapshot<'_>, now: Timestamp) -> ObjectRow {
    let long = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    ObjectRow {
        event_time: now,
        failover_group_name: group.to_owned(),
        asset_type: object.kind.as_str().to_owned(),
        asset_name: object.name.to_owned(),
        status: object.status.as_str().to_owned(),
        source_version: object.source_version,
        replica_version: object.replica_version,
        lag_ms: long(object.lag_ms),
        bytes: long(object.bytes),
        error_class: object.error.map(|error| ErrorClass::as_str(error.class).to_owned()),
        message: object.error.map(|error| error.message.clone()),
    }
}
