//! The wall display: worst first, read-only, and right again by itself when news comes back.

use crate::desk::Desk;
use crate::fixture;
use chrono::TimeDelta;
use eframe::egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use resilience::control::view::GroupView;
use resilience::runtime::Snapshot;

fn named(count: usize) -> Vec<GroupView> {
    (0..count).map(|number| fixture::active(&format!("group-{number:03}"), &["main"])).collect()
}

fn mixed() -> Snapshot {
    fixture::with_groups(vec![
        fixture::active("core", &["main"]),
        fixture::crowded("clicks"),
        fixture::filling("ml", 43),
        fixture::failing_over("payments"),
        fixture::unprotected("risk"),
    ])
}

/// The tiles in their order on screen, by what a screen reader says.
fn tiles(desk: &Desk) -> Vec<String> {
    let mut found: Vec<_> = desk
        .window
        .query_all(egui_kittest::kittest::by().recursive(true))
        .filter_map(|node| Some((node, node.accesskit_node().label().or_else(|| node.accesskit_node().value())?)))
        .filter(|(_, label)| [", ACTIVE,", "_REPLICATION,", "_OVER,"].iter().any(|state| label.contains(state)))
        .map(|(node, label)| (node.rect(), label))
        .collect();
    found.sort_by(|a, b| a.0.top().total_cmp(&b.0.top()).then(a.0.left().total_cmp(&b.0.left())));
    found.into_iter().map(|(_, label)| label).collect()
}

#[test]
fn f11_shows_the_worst_first_and_escape_leads_back() {
    let mut desk = Desk::new(mixed());
    desk.key(Key::F11);
    let shown = tiles(&desk);
    let names: Vec<&str> = shown.iter().filter_map(|tile| tile.split(',').next()).collect();
    assert_eq!(names, ["clicks", "risk", "ml", "payments", "core"]);
    assert_eq!(shown[0], "clicks, ACTIVE, 1 h behind, 243 errors, Never proven");
    assert_eq!(shown[1], "risk, INITIAL_REPLICATION, 4 min behind, Unprotected · 0%, Never proven");
    assert!(desk.shows("2 of 5 groups need attention"));
    assert!(!desk.shows("Create failover group"), "nothing can be changed there");
    desk.key(Key::Escape);
    assert!(desk.can_press("Create failover group"));
    desk.key(Key::F11);
    desk.key(Key::F11);
    assert!(desk.can_press("Create failover group"));
    desk.key(Key::F11);
    desk.click("Leave the wall display");
    assert!(desk.can_press("Create failover group"));
}

#[test]
fn twelve_tiles_are_the_most_and_the_rest_is_counted() {
    let mut desk = Desk::new(fixture::with_groups(named(100)));
    desk.key(Key::F11);
    assert_eq!(tiles(&desk).len(), 12);
    assert!(desk.shows("100 groups, all well · 88 not shown, none worse"));
    let mut desk = Desk::new(fixture::empty());
    desk.key(Key::F11);
    assert!(desk.shows("Nothing is protected yet"));
}

#[test]
fn a_feed_that_stops_is_marked_and_one_that_returns_is_believed_again() {
    let mut desk = Desk::new(mixed());
    desk.key(Key::F11);
    desk.advance(240);
    assert!(desk.shows("DATA 4 min OLD"));
    let stopped = tiles(&desk);
    desk.advance(3600);
    assert_eq!(tiles(&desk), stopped, "ages stand still");
    let mut fresh = mixed();
    fresh.taken_at = fixture::now() + TimeDelta::seconds(3840);
    desk.publish(fresh);
    assert!(!desk.shows("DATA"));
    assert!(desk.shows("5 groups"));
}

#[test]
fn after_a_week_it_reads_as_on_the_first_day() {
    let mut desk = Desk::new(mixed());
    desk.key(Key::F11);
    let first = tiles(&desk);
    for day in 1..=7 {
        let later = TimeDelta::days(day);
        desk.clock.advance(TimeDelta::days(1));
        let mut fresh = mixed();
        fresh.taken_at += later;
        for view in std::sync::Arc::make_mut(&mut fresh.account).groups.iter_mut() {
            let view = std::sync::Arc::make_mut(view);
            view.group.replication_point = view.group.replication_point.map(|point| point + later);
            view.state_since += later;
            view.operation = view.operation.clone().map(|mut operation| {
                std::sync::Arc::make_mut(&mut operation).started += later;
                operation
            });
        }
        desk.publish(fresh);
        assert_eq!(tiles(&desk), first, "day {day}");
    }
    // Its own clock wakes it once a minute at the latest, also while nothing else ticks.
    assert!(desk.next_frame_ms() <= 60_000);
}
