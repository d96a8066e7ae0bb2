//! Which rows of the objects are found.

use super::{after, error, group, noon, observe, standing};
use crate::domain::{AssetKind, ErrorClass, FailoverGroup, ObjectError, ObjectStatus};
use crate::system_tables::{ChangeDetector, GroupSnapshot, ObjectChanges, ObjectRow, ObjectSnapshot, Table};
use chrono::TimeDelta;

fn object<'a>(name: &'a str, status: ObjectStatus, error: Option<&'a ObjectError>) -> ObjectSnapshot<'a> {
    ObjectSnapshot {
        kind: AssetKind::Table,
        name,
        status,
        source_version: Some(7),
        replica_version: Some(6),
        lag_ms: Some(5),
        bytes: Some(4),
        error,
    }
}

fn with<'a>(group: &'a FailoverGroup, objects: Vec<ObjectSnapshot<'a>>) -> Vec<GroupSnapshot<'a>> {
    vec![GroupSnapshot { objects, ..standing(group, &[]) }]
}

fn told(rows: &[ObjectRow]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row.asset_name.as_str(), row.status.as_str())).collect()
}

#[test]
fn an_object_is_told_when_its_status_changes_and_once_a_day() {
    use ObjectStatus::{Failed, InSync, Lagging};
    let (mut watch, core) = (ObjectChanges::default(), group("core"));
    assert_eq!(observe(&mut watch, noon(), true, with(&core, vec![])), [], "before the first cycle nothing is known");
    let both = |a, b| vec![object("a", a, None), object("b", b, None)];
    let found = observe(&mut watch, noon(), false, with(&core, both(InSync, InSync)));
    assert_eq!(told(&found), [("a", "in_sync"), ("b", "in_sync")]);
    assert_eq!(found[0].source_version, Some(7));
    assert_eq!(found[0].asset_type, "TABLE");
    assert_eq!(observe(&mut watch, after(1), true, with(&core, both(InSync, InSync))), []);
    assert_eq!(told(&observe(&mut watch, after(2), false, with(&core, both(InSync, Lagging)))), [("b", "lagging")]);

    let (gap, drift) = (error(ErrorClass::LogGap, "b"), error(ErrorClass::Drift, "b"));
    let failing = |error| vec![object("a", InSync, None), object("b", Failed, Some(error))];
    let found = observe(&mut watch, after(3), false, with(&core, failing(&gap)));
    assert_eq!((told(&found), found[0].error_class.as_deref()), (vec![("b", "failed")], Some("LOG_GAP")));
    assert_eq!(observe(&mut watch, after(4), false, with(&core, failing(&drift))).len(), 1, "another class is news");

    let tomorrow = noon() + TimeDelta::days(1);
    assert_eq!(observe(&mut watch, tomorrow, false, with(&core, failing(&drift))).len(), 2, "a full snapshot");
    assert_eq!(observe(&mut watch, tomorrow, true, with(&core, failing(&drift))), []);
}

#[test]
fn an_object_that_is_gone_is_told_once() {
    let (mut watch, core) = (ObjectChanges::default(), group("core"));
    let all = || vec![object("a", ObjectStatus::InSync, None), object("b", ObjectStatus::InSync, None)];
    observe(&mut watch, noon(), false, with(&core, all()));
    let fewer = || vec![object("a", ObjectStatus::InSync, None)];
    assert_eq!(told(&observe(&mut watch, after(1), false, with(&core, fewer()))), [("b", "removed")]);
    assert_eq!(observe(&mut watch, after(2), false, with(&core, fewer())), []);
    assert_eq!(told(&observe(&mut watch, after(3), false, vec![])), [("a", "removed")], "with its group");
    assert_eq!(observe(&mut watch, after(4), false, vec![]), []);
}

#[test]
fn a_new_process_tells_only_what_changed_since() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let (mut watch, core) = (ObjectChanges::default(), group("core"));
    let all = |b| vec![object("a", ObjectStatus::InSync, None), object("b", b, None)];
    let mut table = Table::open::<ObjectRow>(dir.path(), noon()).expect("it opens");
    table.append(&observe(&mut watch, noon(), false, with(&core, all(ObjectStatus::InSync))), noon()).expect("written");
    table
        .append(&observe(&mut watch, after(1), false, with(&core, all(ObjectStatus::Failed))), after(1))
        .expect("written");

    let mut watch = ObjectChanges::resume(&table, after(2)).expect("read");
    assert_eq!(observe(&mut watch, after(2), false, with(&core, all(ObjectStatus::Failed))), []);
    let found = observe(&mut watch, after(3), false, with(&core, all(ObjectStatus::InSync)));
    assert_eq!(told(&found), [("b", "in_sync")]);
    let tomorrow = noon() + TimeDelta::days(1);
    let mut watch = ObjectChanges::resume(&table, tomorrow).expect("read");
    assert_eq!(observe(&mut watch, tomorrow, false, with(&core, all(ObjectStatus::Failed))).len(), 2);
}
