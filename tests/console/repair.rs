//! Repairing a replica and reading points in time back, from the list of objects.

use crate::desk::Desk;
use crate::fixture;
use chrono::{TimeZone, Utc};
use resilience::control::{PointReport, PointTable};
use resilience::domain::GroupId;
use resilience::runtime::{Intent, IntentError, NoticeDetail};

/// A point with a table that the replica holds and one that it doesn't.
pub fn a_point() -> PointReport {
    let point = Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).single();
    let table = PointTable {
        name: "main.sales.orders".to_owned(),
        version: Some(412),
        sha256: None,
        committed: point,
        location: "file:///w/orders".to_owned(),
        held: Some(true),
        by_timestamp: Some(true),
        message: None,
    };
    let gone = PointTable { name: "main.sales.refunds".to_owned(), held: Some(false), ..table.clone() };
    PointReport {
        group: "core".to_owned(),
        asked: point.unwrap_or_default(),
        point,
        first_point: point,
        tables: vec![table, gone],
        notes: vec!["Read each table by its version.".to_owned()],
    }
}

fn objects() -> Desk {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core", &["main", "clickstream"])]));
    desk.click("core, ACTIVE");
    desk.click("Objects 23");
    desk
}

#[test]
fn a_repair_says_what_it_will_do_and_carries_what_the_user_saw() {
    let mut desk = objects();
    desk.click("Repair…");
    assert!(desk.shows("Read every file of the replica again"));
    desk.click("Read every file of the replica again");
    desk.click("Compare and repair");
    let (id, intent) = desk.sent();
    let Intent::Repair { id: group, deep: false, etag } = intent else { panic!("{intent:?}") };
    assert_eq!(group.as_str(), "core");
    assert!(!etag.is_empty());
    let stale = IntentError { sentence: "The group has changed.".to_owned(), violations: vec![], stale: true };
    desk.answer(id, Err(stale));
    assert!(desk.shows("The group has changed."), "the dialog stays and says so");
    desk.click("Compare and repair");
    let (id, _) = desk.sent();
    desk.answer(id, Ok(NoticeDetail::Done("main.sales.orders: a.parquet copied again.".to_owned())));
    assert!(desk.shows("main.sales.orders: a.parquet copied again."));
    assert!(!desk.shows("Compare and repair"));
}

#[test]
fn a_point_in_time_lists_each_tables_version() {
    let mut desk = objects();
    desk.click("Points in time…");
    desk.click("Show versions");
    let (id, intent) = desk.sent();
    let Intent::ReadPoint { id: group, .. } = intent else { panic!("{intent:?}") };
    assert_eq!(group, GroupId::new("core").expect("an id"));
    desk.answer(id, Ok(NoticeDetail::Point(Box::new(a_point()))));
    for shown in ["412", "Held", "Not held", "Read each table by its version."] {
        assert!(desk.shows(shown), "{shown}");
    }
}
