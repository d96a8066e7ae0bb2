//! The section Resilience: two tabs, each with a search and a create button of its own.

use crate::desk::Desk;
use crate::fixture;
use resilience::console::action::{GroupTab, Route};
use resilience::control::view::GroupView;
use resilience::domain::{GroupId, Targets};

fn five() -> Desk {
    Desk::new(fixture::attached(
        fixture::with_tokens_and_urls(fixture::with_groups(vec![
            fixture::active("core", &["main"]),
            fixture::crowded("clicks"),
            fixture::filling("ml", 43),
            fixture::failing_over("payments"),
            fixture::unprotected("risk"),
        ])),
        "shop",
        "core",
    ))
}

/// The groups in their order on screen.
fn listed(desk: &Desk) -> Vec<String> {
    let rows = desk.names().into_iter().filter_map(|name| name.strip_prefix("Open ").map(str::to_owned));
    rows.filter_map(|row| row.split_once(',').map(|(id, _)| id.to_owned())).collect()
}

#[test]
fn what_needs_a_person_comes_first_and_a_column_sorts_when_it_is_pressed() {
    let mut desk = five();
    assert_eq!(listed(&desk), ["payments", "clicks", "risk", "core", "ml"]);
    desk.click("Sort by name");
    assert_eq!(listed(&desk), ["clicks", "core", "ml", "payments", "risk"]);
    desk.click("Sort by name, sorted");
    assert_eq!(listed(&desk), ["risk", "payments", "ml", "core", "clicks"]);
    desk.click("Sort by stable url");
    assert_eq!(listed(&desk)[0], "core", "the one that a stable URL follows");
}

#[test]
fn the_list_is_narrowed_by_words_and_by_what_needs_attention() {
    let mut desk = five();
    desk.type_into("Search failover groups", "initial");
    assert_eq!(listed(&desk), ["risk", "ml"]);
    desk.click("Need attention 1");
    assert_eq!(listed(&desk), ["risk"]);
    desk.type_into("Search failover groups", " shop");
    assert!(desk.shows("No failover group matches"));
    desk.clear("Search failover groups");
    desk.click("All 5");
    assert_eq!(listed(&desk).len(), 5);
    desk.type_into("Search failover groups", "shop");
    assert_eq!(listed(&desk), ["core"], "a group is found by the stable URL that follows it");
}

#[test]
fn both_tabs_create_search_and_keep_what_was_typed() {
    let mut desk = five();
    desk.type_into("Search failover groups", "core");
    desk.click("Stable URLs");
    assert_eq!(desk.window.state().route(), &Route::StableUrls);
    desk.type_into("Search stable URLs", "nothing like it");
    assert!(desk.shows("No stable URL matches"));
    desk.clear("Search stable URLs");
    desk.type_into("Search stable URLs", "core");
    assert!(desk.can_press("Detach shop…"));
    desk.click("Create stable URL…");
    assert!(desk.shows("Stable URL id"));
    desk.click("Close");
    desk.click("Failover groups");
    assert_eq!(listed(&desk), ["core"]);
    desk.click("Create failover group");
    assert_eq!(desk.window.state().route(), &Route::CreateGroup);
}

#[test]
fn rows_are_opened_with_the_keyboard() {
    let mut desk = five();
    desk.focus("Open core, ACTIVE, us-east-1 to us-west-2, < 1 s behind, never proven");
    desk.key(eframe::egui::Key::Enter);
    let id = GroupId::new("core").expect("valid");
    assert_eq!(desk.window.state().route(), &Route::Group(id, GroupTab::Overview));
}

#[test]
fn a_replica_that_is_over_its_target_says_so_and_needs_attention() {
    let late = GroupView { targets: Targets { rpo_s: Some(300), rto_s: None }, ..fixture::crowded("clicks") };
    let groups = vec![fixture::active("core", &["main"]), late];
    let desk = Desk::new(fixture::with_groups(groups));
    assert!(desk.shows("1 h 30 min behind, over its target of 5 min 00 s"));
    assert!(desk.can_press("Need attention 1"));
}
