//! What one click decides about an object: out of the scope and back, a catalog to add, a rename to approve.

use crate::desk::Desk;
use crate::fixture;
use chrono::{TimeZone, Utc};
use resilience::control::view::GroupView;
use resilience::domain::readiness::{ReadinessReport, TO_CONFIRM, to_confirm, warning};
use resilience::domain::{CatalogName, ErrorClass, ObjectError};
use resilience::runtime::{Intent, NoticeDetail};
use std::sync::Arc;

fn desk(change: impl FnOnce(&mut GroupView)) -> Desk {
    let mut view = fixture::crowded("core");
    change(&mut view);
    let mut desk = Desk::new(fixture::with_groups(vec![view]));
    desk.click("core, ACTIVE");
    desk
}

fn with_error(class: ErrorClass, object: &str, parameters: &[(&str, &str)]) -> Desk {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let error = ObjectError { parameters, ..fixture::error(class, object, "It waits.", 60) };
    let mut desk = desk(|view| view.errors = Arc::new(vec![error]));
    desk.click("Errors 1");
    desk
}

/// The patch that the last click sent, with the etag that the user saw.
fn patch(desk: &mut Desk) -> resilience::control::GroupPatch {
    let (id, intent) = desk.sent();
    let Intent::UpdateGroup { id: group, patch, etag } = intent else { panic!("{intent:?}") };
    assert_eq!((group.as_str(), etag.is_empty()), ("core", false));
    desk.answer(id, Ok(NoticeDetail::Done("Saved.".to_owned())));
    patch
}

#[test]
fn an_object_that_holds_the_point_back_is_taken_out_of_the_scope_and_put_back() {
    let mut desk = with_error(ErrorClass::RowFilterOrMask, "main.hr.people", &[]);
    assert!(desk.shows("main.hr.people: It waits."));
    desk.click("Take out of scope");
    assert_eq!(patch(&mut desk).rules.excluded.as_deref(), Some(&["main.hr.people".to_owned()][..]));

    let mut desk = self::desk(|view| view.group.spec.rules.excluded = vec!["main.hr.people".to_owned()]);
    desk.click("Objects 563");
    assert!(desk.shows("main.hr.people"));
    desk.click("Put back");
    assert_eq!(patch(&mut desk).rules.excluded.as_deref(), Some(&[][..]));
}

#[test]
fn what_holds_nothing_back_is_not_offered_to_be_taken_out() {
    let desk = with_error(ErrorClass::UnsupportedObject, "main.raw.iceberg", &[]);
    assert!(!desk.shows("Take out of scope"));
}

#[test]
fn a_missing_catalog_is_added_and_waiting_renames_are_approved() {
    let mut desk = with_error(ErrorClass::MissingDependency, "main.sales.out", &[("catalog", "fin")]);
    desk.click("Add catalog");
    let catalogs = patch(&mut desk).catalogs.expect("catalogs");
    assert!(["fin", "main"].into_iter().all(|name| catalogs.contains(&CatalogName::new(name))), "{catalogs:?}");

    let mut desk = with_error(ErrorClass::RenameWaits, "main.sales.orders_2", &[]);
    desk.click("Approve renames");
    assert_eq!(patch(&mut desk).rules.approved_renames.as_deref(), Some(&["main.sales.orders_2".to_owned()][..]));
}

#[test]
fn readiness_is_checked_and_what_no_api_tells_is_confirmed_by_a_click() {
    let report = ReadinessReport {
        checked_at: Utc.with_ymd_and_hms(2026, 11, 22, 9, 0, 0).single().expect("a time"),
        lines: vec![
            to_confirm(TO_CONFIRM[4], None),
            warning("principals", Some(("W".to_owned(), "Add them.".to_owned())), ""),
        ],
    };
    let mut desk = desk(|view| view.readiness = Some(Arc::new(report)));
    assert!(desk.shows("0 of 2 lines pass.") && desk.shows("W Add them."));
    desk.click("Confirm");
    let (id, intent) = desk.sent();
    let Intent::ConfirmReadiness { line, .. } = intent else { panic!("{intent:?}") };
    assert_eq!(line, "sso");
    desk.answer(id, Ok(NoticeDetail::Done("Confirmed.".to_owned())));
    desk.click("Check readiness");
    assert!(matches!(desk.sent().1, Intent::CheckReadiness { .. }));
}
