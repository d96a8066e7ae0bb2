//! What happened to the failover groups, found by comparing them with what was written last.

use super::table::before;
use super::table_writer::ChangeDetector;
use super::{
    AccountSnapshot, ErrorEntry, GroupSnapshot, ManagedAssets, OperationEnd, OperationSnapshot, StateKind, StateRow,
    SystemTableError, Table,
};
use crate::domain::{FailoverGroup, FailoverGroupSpec, GroupState, Region, Timestamp};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How far back the table's end tells which groups there were: each has a row at every interval.
const TAIL: TimeDelta = TimeDelta::hours(1);

/// Finds the rows of `system.replication.states`.
#[derive(Debug, Default)]
pub struct StateChanges {
    groups: BTreeMap<String, Known>,
    /// What happened before is in the table already; None for a table that tells of nothing yet.
    told_until: Option<Timestamp>,
}

/// What the table tells of a group.
#[derive(Debug, Default)]
struct Known {
    /// Its newest row.
    last: Option<Timestamp>,
    region: Region,
    /// None for a group that this process has not seen yet.
    seen: Option<Seen>,
    /// Failovers of which the beginning is told, and those of which the end is.
    started: BTreeSet<String>,
    ended: BTreeSet<String>,
    /// The newest beginning and end that an earlier process told of.
    newest_start: Option<Timestamp>,
    newest_end: Option<Timestamp>,
}

/// How a group was when its last row was found.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    spec: FailoverGroupSpec,
    state: GroupState,
    errors: Vec<(String, BTreeMap<String, i64>)>,
    assets: ManagedAssets,
}

impl ChangeDetector for StateChanges {
    type Row = StateRow;

    fn resume(table: &Table, now: Timestamp) -> Result<Self, SystemTableError> {
        let mut watch = Self::default();
        let Some(newest) = table.newest() else { return Ok(watch) };
        // Rows that a wrong clock timed in the future must not make old news of what happens now.
        let since = before(newest.min(now), TAIL);
        watch.told_until = Some(since);
        let mut deleted: BTreeMap<String, Timestamp> = BTreeMap::new();
        let columns = ["failover_group_name", "replication_state", "effective_primary_region"];
        table.rows_since(since, &columns, |row| {
            let (Some(name), Some(state)) = (row.text("failover_group_name"), row.text("replication_state")) else {
                return;
            };
            let known = watch.groups.entry(name.to_owned()).or_default();
            if known.last.is_none_or(|last| row.time >= last) {
                known.last = Some(row.time);
                known.region = Region::new(row.text("effective_primary_region").unwrap_or_default());
            }
            match state {
                "FAILOVER_STARTED" => known.newest_start = known.newest_start.max(Some(row.time)),
                "FAILOVER_FINISHED" | "FAILOVER_ABORTED" => known.newest_end = known.newest_end.max(Some(row.time)),
                "DELETED" => {
                    deleted.insert(name.to_owned(), row.time);
                }
                _ => {}
            }
        })?;
        // One of the same name may have been made afterwards.
        watch.groups.retain(|name, known| deleted.get(name).is_none_or(|at| known.last > Some(*at)));
        for known in watch.groups.values_mut() {
            for told in [&mut known.last, &mut known.newest_start, &mut known.newest_end] {
                *told = told.map(|told| told.min(now));
            }
        }
        Ok(watch)
    }

    fn observe(&mut self, snapshot: &AccountSnapshot<'_>, regular: bool) -> Vec<StateRow> {
        let mut rows = Vec::new();
        let present: BTreeSet<&str> = snapshot.groups.iter().map(|group| group.group.spec.id.as_str()).collect();
        let gone: Vec<String> = self.groups.keys().filter(|name| !present.contains(name.as_str())).cloned().collect();
        for name in gone {
            if let Some(known) = self.groups.remove(&name) {
                rows.push(known.deleted(name, snapshot));
            }
        }
        for group in &snapshot.groups {
            let name = group.group.spec.id.to_string();
            let told_until = self.told_until;
            let known = self.groups.entry(name);
            let known = known.or_default();
            known.observe(group, snapshot, regular, told_until, &mut rows);
        }
        rows
    }
}

impl Known {
    fn observe(
        &mut self,
        group: &GroupSnapshot<'_>,
        snapshot: &AccountSnapshot<'_>,
        regular: bool,
        told_until: Option<Timestamp>,
        rows: &mut Vec<StateRow>,
    ) {
        let errors = entries(group);
        let seen = Seen {
            spec: group.group.spec.clone(),
            state: group.group.state,
            errors: errors.iter().map(|e| (e.error_class.clone(), e.affected_assets_counts.clone())).collect(),
            assets: ManagedAssets::of(group.group, snapshot.metastores),
        };
        let row = |kind: StateKind, at: Timestamp, region: &Region| StateRow {
            event_id: Uuid::new_v4().to_string(),
            event_time: at,
            account_id: snapshot.account_id.to_owned(),
            failover_group_name: group.group.spec.id.to_string(),
            replication_state: kind,
            errors: errors.clone(),
            replication_lag_ms: group.lag_ms(snapshot.now),
            effective_primary_region: region.clone(),
            managed_assets: Some(seen.assets.clone()),
        };
        let region = &group.group.effective_primary_region;
        let mut found = Vec::new();
        if self.last.is_none() {
            let at_first = |kind| StateRow {
                errors: Vec::new(),
                replication_lag_ms: None,
                ..row(kind, group.group.create_time, &group.group.spec.initial_primary_region)
            };
            found.push(at_first(StateKind::Created));
            // A small group may be through before anybody looks.
            if group.group.bootstrapped {
                found.push(at_first(StateKind::Initializing));
            }
        }
        if self.seen.as_ref().is_some_and(|before| before.spec != seen.spec) {
            found.push(row(StateKind::Updated, snapshot.now, region));
        }
        for (kind, at, region, why) in self.failovers(&group.operations, told_until) {
            let mut told = row(kind, at, region);
            told.errors.extend(why.map(aborted));
            found.push(told);
        }
        let changed =
            self.seen.as_ref().is_none_or(|before| before.state != seen.state || before.errors != seen.errors);
        if changed || regular {
            found.push(row(standing(group.group), snapshot.now, region));
        }
        for mut row in found {
            // A reader that follows one group by time must not miss what is told late.
            // What lies in the future was timed by a wrong clock and holds nothing back.
            row.event_time = self.last.map_or(row.event_time, |last| last.min(snapshot.now).max(row.event_time));
            self.last = Some(row.event_time);
            rows.push(row);
        }
        self.region = region.clone();
        self.seen = Some(seen);
    }

    /// Beginnings and ends that are not told yet, in the order in which they happened.
    fn failovers<'a>(
        &mut self,
        operations: &[OperationSnapshot<'a>],
        told_until: Option<Timestamp>,
    ) -> Vec<(StateKind, Timestamp, &'a Region, Option<&'a str>)> {
        let mut found = Vec::new();
        for operation in operations {
            let id = operation.id.to_owned();
            if self.started.insert(id.clone()) && is_news(operation.started, self.newest_start, told_until) {
                found.push((StateKind::FailoverStarted, operation.started, operation.from_region, None));
            }
            let Some((end, at)) = operation.ended else { continue };
            if self.ended.insert(id) && is_news(at, self.newest_end, told_until) {
                found.push(match end {
                    OperationEnd::Finished => (StateKind::FailoverFinished, at, operation.to_region, None),
                    OperationEnd::Aborted => (StateKind::FailoverAborted, at, operation.from_region, operation.message),
                });
            }
        }
        self.started.retain(|id| operations.iter().any(|operation| operation.id == id));
        self.ended.retain(|id| operations.iter().any(|operation| operation.id == id));
        found.sort_by_key(|(_, at, ..)| *at);
        found
    }

    fn deleted(self, name: String, snapshot: &AccountSnapshot<'_>) -> StateRow {
        StateRow {
            event_id: Uuid::new_v4().to_string(),
            event_time: snapshot.now,
            account_id: snapshot.account_id.to_owned(),
            failover_group_name: name,
            replication_state: StateKind::Deleted,
            errors: Vec::new(),
            replication_lag_ms: None,
            effective_primary_region: self.region,
            managed_assets: self.seen.map(|seen| seen.assets),
        }
    }
}

/// Whether an earlier process has not told of what happened at `at`.
fn is_news(at: Timestamp, newest_told: Option<Timestamp>, told_until: Option<Timestamp>) -> bool {
    newest_told.is_none_or(|told| at > told) && told_until.is_none_or(|until| at > until)
}

/// How a group stands, as a row at an interval tells it.
fn standing(group: &FailoverGroup) -> StateKind {
    if group.bootstrapped { StateKind::Replicating } else { StateKind::Initializing }
}

/// Why a failover was undone, as an entry of its row.
fn aborted(why: &str) -> ErrorEntry {
    ErrorEntry {
        error_class: StateKind::FailoverAborted.as_str().to_owned(),
        parameters: BTreeMap::new(),
        message: why.to_owned(),
        affected_assets_counts: BTreeMap::new(),
    }
}

/// One entry a class of error, by class.
fn entries(group: &GroupSnapshot<'_>) -> Vec<ErrorEntry> {
    let mut entries: BTreeMap<&str, ErrorEntry> = BTreeMap::new();
    for error in group.errors {
        let entry = entries.entry(error.class.as_str()).or_insert_with(|| ErrorEntry {
            error_class: error.class.as_str().to_owned(),
            parameters: error.parameters.clone(),
            message: error.message.clone(),
            affected_assets_counts: BTreeMap::new(),
        });
        entry.parameters.retain(|key, value| error.parameters.get(key) == Some(value));
        *entry.affected_assets_counts.entry(error.kind.as_str().to_owned()).or_default() += 1;
    }
    let failed = matches!(
        group.group.state,
        GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed
    );
    if failed {
        let class = group.group.state.as_str();
        entries.entry(class).or_insert_with(|| ErrorEntry {
            error_class: class.to_owned(),
            parameters: BTreeMap::new(),
            message: group.group.state_message.clone().unwrap_or_default(),
            affected_assets_counts: BTreeMap::new(),
        });
    }
    entries.into_values().collect()
}
