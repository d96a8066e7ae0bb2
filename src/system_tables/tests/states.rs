//! Which rows of the states are found.

use super::{after, error, group, noon, observe, operation, row, standing};
use crate::domain::{AssetKind, ErrorClass, GroupState, ObjectStatus, Region};
use crate::system_tables::{
    AccountSnapshot, ChangeDetector, GroupSnapshot, ObjectSnapshot, OperationEnd, OperationSnapshot, StateChanges,
    StateKind, StateRow, Table, TableWriter,
};
use std::collections::BTreeMap;

fn kinds(rows: &[StateRow]) -> Vec<StateKind> {
    rows.iter().map(|row| row.replication_state).collect()
}

#[test]
fn a_group_is_told_from_creation_to_deletion() {
    let (mut watch, mut core) = (StateChanges::default(), group("core"));
    (core.state, core.bootstrapped, core.replication_point) = (GroupState::Creating, false, None);
    let found = observe(&mut watch, noon(), false, vec![standing(&core, &[])]);
    assert_eq!(kinds(&found), [StateKind::Created, StateKind::Initializing]);
    assert_eq!(found[0].event_time, core.create_time);
    assert_eq!(found[1].replication_lag_ms, None, "nothing has arrived yet");
    let assets = found[1].managed_assets.as_ref().expect("assets");
    assert_eq!(assets.metastore_ids, ["m-east", "m-west"]);

    assert_eq!(observe(&mut watch, after(1), false, vec![standing(&core, &[])]), [], "nothing is new");
    assert_eq!(kinds(&observe(&mut watch, after(2), true, vec![standing(&core, &[])])), [StateKind::Initializing]);

    (core.state, core.bootstrapped, core.replication_point) = (GroupState::Active, true, Some(after(2)));
    let found = observe(&mut watch, after(3), false, vec![standing(&core, &[])]);
    assert_eq!((kinds(&found), found[0].replication_lag_ms), (vec![StateKind::Replicating], Some(1_000)));

    core.spec.workspace_sets[0].name = "other".to_owned();
    assert_eq!(kinds(&observe(&mut watch, after(4), false, vec![standing(&core, &[])])), [StateKind::Updated]);

    let found = observe(&mut watch, after(5), false, vec![]);
    assert_eq!((kinds(&found), found[0].event_time), (vec![StateKind::Deleted], after(5)));
    assert!(found[0].managed_assets.is_some());
    assert_eq!(observe(&mut watch, after(6), true, vec![]), []);
}

#[test]
fn a_group_that_was_through_before_anybody_looked_is_told_to_have_begun() {
    let core = group("core");
    let found = observe(&mut StateChanges::default(), noon(), false, vec![standing(&core, &[])]);
    assert_eq!(kinds(&found), [StateKind::Created, StateKind::Initializing, StateKind::Replicating]);
    assert_eq!((found[1].event_time, found[1].replication_lag_ms), (core.create_time, None));
    assert_eq!((found[2].event_time, found[2].replication_lag_ms), (noon(), Some(1_000)));
}

#[test]
fn a_failover_is_told_once_even_when_it_was_over_before_anybody_looked() {
    let (mut watch, mut core) = (StateChanges::default(), group("core"));
    observe(&mut watch, noon(), false, vec![standing(&core, &[])]);
    core.effective_primary_region = Region::new("west");
    let ended = OperationSnapshot { ended: Some((OperationEnd::Finished, after(4))), ..operation("1", after(3)) };
    let undone = OperationSnapshot { ended: Some((OperationEnd::Aborted, after(2))), ..operation("0", after(1)) };
    let snapshot = || GroupSnapshot { operations: vec![ended.clone(), undone.clone()], ..standing(&core, &[]) };
    let found = observe(&mut watch, after(5), false, vec![snapshot()]);
    let told: Vec<_> =
        found.iter().map(|r| (r.replication_state, r.event_time, r.effective_primary_region.as_str())).collect();
    assert_eq!(
        told,
        [
            (StateKind::FailoverStarted, after(1), "east"),
            (StateKind::FailoverAborted, after(2), "east"),
            (StateKind::FailoverStarted, after(3), "east"),
            (StateKind::FailoverFinished, after(4), "west"),
        ]
    );
    assert_eq!(observe(&mut watch, after(6), false, vec![snapshot()]), []);
}

#[test]
fn errors_are_one_entry_a_class_and_told_when_they_change() {
    let (mut watch, mut core) = (StateChanges::default(), group("core"));
    observe(&mut watch, noon(), false, vec![standing(&core, &[])]);
    let errors = [error(ErrorClass::LogGap, "a"), error(ErrorClass::LogGap, "b"), error(ErrorClass::Drift, "c")];
    let found = observe(&mut watch, after(1), false, vec![standing(&core, &errors)]);
    assert_eq!(kinds(&found), [StateKind::Replicating]);
    let entries = &found[0].errors;
    assert_eq!(entries.iter().map(|e| e.error_class.as_str()).collect::<Vec<_>>(), ["DRIFT", "LOG_GAP"]);
    assert_eq!(entries[1].affected_assets_counts, BTreeMap::from([("TABLE".to_owned(), 2)]));
    let shared = BTreeMap::from([("region".to_owned(), "east".to_owned())]);
    assert_eq!(entries[1].parameters, shared, "only what every error of the class names alike");
    assert_eq!(observe(&mut watch, after(2), false, vec![standing(&core, &errors)]), []);
    assert_eq!(observe(&mut watch, after(3), false, vec![standing(&core, &errors[1..])]).len(), 1);

    core.state = GroupState::FailoverFailed;
    core.state_message = Some("The catalog refused.".to_owned());
    let found = observe(&mut watch, after(4), false, vec![standing(&core, &[])]);
    assert_eq!(found[0].errors[0].error_class, "FAILOVER_FAILED");
    assert_eq!(found[0].errors[0].message, "The catalog refused.");
}

#[test]
fn the_lag_is_null_while_an_asset_has_never_been_replicated() {
    let (mut watch, core) = (StateChanges::default(), group("core"));
    let (blocking, known) = (error(ErrorClass::LogGap, "main.a.b"), error(ErrorClass::UnsupportedObject, "main.a.c"));
    let failing = |error, replica_version| ObjectSnapshot {
        kind: AssetKind::Table,
        name: "main.a.b",
        status: ObjectStatus::Failed,
        source_version: None,
        replica_version,
        lag_ms: None,
        bytes: None,
        error: Some(error),
    };
    let mut lag = |object| {
        let snapshot = GroupSnapshot { objects: vec![object], ..standing(&core, &[]) };
        observe(&mut watch, noon(), true, vec![snapshot]).pop().expect("a row").replication_lag_ms
    };
    assert_eq!(lag(failing(&blocking, None)), None);
    assert_eq!(lag(failing(&blocking, Some(3))), Some(1_000), "it arrived once, and now it fails");
    assert_eq!(lag(failing(&known, None)), Some(1_000), "what is never replicated does not count");
}

#[test]
fn a_new_process_goes_on_where_the_table_ends() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (core, started) = (group("core"), after(10));
    let mut table = Table::open::<StateRow>(dir.path(), noon()).expect("it opens");
    let told = StateRow { replication_state: StateKind::FailoverStarted, ..row("core", started) };
    table
        .append(&[row("gone", noon()), row("core", noon()), told, row("core", after(20))], after(20))
        .expect("written");
    drop(table);

    let table = Table::open::<StateRow>(dir.path(), after(60)).expect("it opens");
    let mut watch = StateChanges::resume(&table, after(60)).expect("read");
    let ended = OperationSnapshot { ended: Some((OperationEnd::Finished, after(30))), ..operation("1", started) };
    let found =
        observe(&mut watch, after(60), false, vec![GroupSnapshot { operations: vec![ended], ..standing(&core, &[]) }]);
    let told: Vec<_> = found.iter().map(|r| (r.failover_group_name.as_str(), r.replication_state)).collect();
    assert_eq!(
        told,
        [("gone", StateKind::Deleted), ("core", StateKind::FailoverFinished), ("core", StateKind::Replicating),],
        "what happened while nobody looked is told, and nothing twice"
    );
    assert_eq!(found[1].event_time, after(30));
}

#[test]
fn what_a_disk_refuses_waits_and_is_written_once() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let folder = dir.path().join("states");
    std::fs::write(&folder, b"in the way").expect("written");
    let (core, metastores) = (group("core"), BTreeMap::new());
    let mut writer: TableWriter<StateChanges> = TableWriter::new(folder.clone());
    let snapshot =
        |now| AccountSnapshot { now, account_id: "acc", metastores: &metastores, groups: vec![standing(&core, &[])] };
    writer.keep(&snapshot(noon()), true).expect_err("a file is in the way");
    std::fs::remove_file(&folder).expect("removed");
    writer.keep(&snapshot(after(1)), true).expect("it is free");
    // Someone takes the log away under the open table: the rows wait again.
    std::fs::rename(folder.join("_delta_log"), folder.join("away")).expect("moved");
    writer.keep(&snapshot(after(2)), true).expect_err("the log is gone");
    std::fs::rename(folder.join("away"), folder.join("_delta_log")).expect("moved back");
    writer.keep(&snapshot(after(3)), true).expect("it is back");
    let table = Table::open::<StateRow>(&folder, after(3)).expect("it opens");
    let lag = crate::system_tables::lag_since(&table, noon()).expect("read");
    let times: Vec<_> = lag["core"].iter().map(|point| point.at).collect();
    assert_eq!(times, [after(1), after(2), after(3)]);
}

#[test]
fn rows_that_a_wrong_clock_timed_in_the_future_hold_no_later_event_back() {
    let (mut watch, core) = (StateChanges::default(), group("core"));
    observe(&mut watch, noon(), false, vec![standing(&core, &[])]);
    observe(&mut watch, after(7_200), true, vec![standing(&core, &[])]);
    let ended = OperationSnapshot { ended: Some((OperationEnd::Finished, after(4))), ..operation("1", after(3)) };
    let snapshot = GroupSnapshot { operations: vec![ended], ..standing(&core, &[]) };
    let found = observe(&mut watch, after(5), false, vec![snapshot]);
    assert!(found.iter().all(|row| row.event_time <= after(5)), "{found:?}");
    assert_eq!(kinds(&found)[..2], [StateKind::FailoverStarted, StateKind::FailoverFinished]);

    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::open::<StateRow>(dir.path(), noon()).expect("opened");
    let told = StateRow { replication_state: StateKind::FailoverFinished, ..row("core", after(7_200)) };
    table.append(&[row("core", after(7_100)), told], after(7_200)).expect("written");
    drop(table);
    let table = Table::open::<StateRow>(dir.path(), after(60)).expect("opened");
    let mut watch = StateChanges::resume(&table, after(60)).expect("read");
    let ended = OperationSnapshot { ended: Some((OperationEnd::Finished, after(64))), ..operation("1", after(63)) };
    let snapshot = GroupSnapshot { operations: vec![ended], ..standing(&core, &[]) };
    let found = observe(&mut watch, after(65), false, vec![snapshot]);
    assert_eq!(kinds(&found)[..2], [StateKind::FailoverStarted, StateKind::FailoverFinished], "{found:?}");
    assert!(found.iter().all(|row| row.event_time <= after(65)), "{found:?}");
}
