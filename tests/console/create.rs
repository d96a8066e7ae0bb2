//! Creating a failover group by clicking.

use crate::desk::Desk;
use crate::fixture::{self, EAST, WEST};
use resilience::console::action::{GroupTab, Route};
use resilience::control::view::RegionView;
use resilience::domain::Region;
use resilience::domain::validation::Field;
use resilience::domain::{GroupId, Violation};
use resilience::runtime::{Intent, IntentError, NoticeDetail};

fn fill(desk: &mut Desk) {
    desk.click("Create failover group");
    desk.type_into("Failover group name", "core-lakehouse");
    desk.click("Primary workspace");
    desk.click("analytics-east · us-east-1");
    desk.click("catalog main");
    desk.click("catalog clickstream");
}

#[test]
fn a_group_is_created_by_clicking_and_its_screen_opens() {
    let mut desk = Desk::new(fixture::empty());
    fill(&mut desk);
    assert!(desk.shows("0 of 2 locations covered"));
    desk.click("Add the 2 missing mappings");
    assert!(desk.shows("2 of 2 locations covered"));
    desk.click("Create failover group");
    let (id, intent) = desk.sent();
    let Intent::CreateGroup { spec, validate_only: false } = intent else { panic!("{intent:?}") };
    assert_eq!(spec.id.as_str(), "core-lakehouse");
    assert_eq!(spec.regions, [EAST, WEST]);
    assert_eq!(spec.initial_primary_region, EAST);
    let assets = spec.unity_catalog_assets.clone().expect("catalogs are in scope");
    assert_eq!(assets.catalogs, ["clickstream", "main"]);
    let [mapping] = assets.location_mappings.as_slice() else { panic!("one mapping covers both catalogs") };
    assert!(mapping.uri_by_region[&Region::new(EAST)].ends_with("/us-east-1/lake/*"));
    assert!(mapping.uri_by_region[&Region::new(WEST)].ends_with("/us-west-2/lake/*"));

    assert!(!desk.can_press("Creating…"), "the button is dead after one press");
    desk.answer(id, Ok(NoticeDetail::Group(Box::new(fixture::active("core-lakehouse", &["main"]).group))));
    let expected = Route::Group(GroupId::new("core-lakehouse").expect("valid"), GroupTab::Overview);
    assert_eq!(desk.window.state().route(), &expected);
    assert!(desk.shows("core-lakehouse was created."));
}

#[test]
fn every_location_gets_a_mapping_where_one_catalog_lies_in_several() {
    let mut account = fixture::empty();
    let regions = &mut std::sync::Arc::make_mut(&mut account.account).regions;
    let edit = |region: &mut RegionView| {
        let lake = region.external_locations[0].clone();
        for part in ["landing", "archive"] {
            let other = lake.replace("/lake", &format!("/{part}"));
            for catalog in region.catalogs.iter_mut().filter(|catalog| catalog.name == "main") {
                catalog.locations.push(format!("{other}/events"));
            }
            region.external_locations.push(other);
        }
    };
    std::sync::Arc::make_mut(regions).iter_mut().for_each(edit);
    let mut desk = Desk::new(account);
    fill(&mut desk);
    desk.click("Add the 4 missing mappings");
    assert!(desk.shows("4 of 4 locations covered"));
}

#[test]
fn the_form_says_what_is_wrong_while_it_is_typed() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core-lakehouse", &["main"])]));
    desk.click("Create failover group");
    assert!(!desk.shows("needs a name"), "nothing is wrong before anything was typed");
    desk.type_into("Failover group name", "core lakehouse");
    assert!(desk.shows("can't contain ' ' there"));
    desk.clear("Failover group name");
    desk.type_into("Failover group name", "core-lakehouse");
    assert!(desk.shows("A failover group named core-lakehouse already exists."));
    desk.click("Create failover group");
    assert!(desk.sent_nothing());
    assert!(desk.shows("Choose the workspace that is primary first."));
}

#[test]
fn two_mappings_that_meet_are_refused_while_they_are_typed_and_both_are_named() {
    let mut desk = Desk::new(fixture::empty());
    fill(&mut desk);
    desk.click("Add the 2 missing mappings");
    desk.click("Add an empty row");
    desk.type_into("URI of mapping 2 in us-east-1", "file:///elsewhere/*");
    let target = desk.value("URI of mapping 1 in us-west-2");
    // The same folder in another spelling.
    desk.type_into("URI of mapping 2 in us-west-2", &target.replace("/lake/", "/l%61ke/"));
    assert!(desk.shows("The storage mappings \"mapping-2\" and \"lake\" have the same URI for us-west-2"));
    desk.click("Create failover group");
    assert!(desk.sent_nothing());
}

#[test]
fn a_mapping_to_a_place_without_an_external_location_is_named_before_creation() {
    let mut desk = Desk::new(fixture::empty());
    fill(&mut desk);
    desk.click("Add the 2 missing mappings");
    desk.clear("URI of mapping 1 in us-west-2");
    desk.type_into("URI of mapping 1 in us-west-2", "file:///nobody/covers/this/*");
    assert!(desk.shows("No external location of us-west-2 covers file:///nobody/covers/this"));
    assert!(desk.shows("MISSING_EXTERNAL_LOCATION"));
    desk.click("Create failover group");
    assert!(desk.sent_nothing());
}

#[test]
fn a_catalog_that_belongs_to_a_group_cannot_be_chosen() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core-lakehouse", &["main"])]));
    desk.click("Create failover group");
    desk.click("Primary workspace");
    desk.click("analytics-east · us-east-1");
    desk.click("catalog main");
    assert!(desk.shows("0 of 4 catalogs"));
}

#[test]
fn a_replica_that_a_deleted_group_left_is_taken_up_again() {
    let mut desk = Desk::new(fixture::with_left_replica(fixture::empty(), "main", "old-group"));
    fill(&mut desk);
    desk.click("Add the 2 missing mappings");
    desk.click("Create failover group");
    assert!(matches!(desk.sent().1, Intent::CreateGroup { .. }));
}

#[test]
fn a_catalog_is_opened_by_its_arrow_and_by_the_keyboard() {
    let mut desk = Desk::new(fixture::empty());
    fill(&mut desk);
    desk.click("Open main");
    assert!(desk.can_press("schema main.sales"));
    desk.focus("catalog clickstream");
    desk.key(eframe::egui::Key::ArrowRight);
    assert!(desk.can_press("schema clickstream.raw"));
    desk.key(eframe::egui::Key::ArrowDown);
    desk.key(eframe::egui::Key::ArrowRight);
    assert!(desk.can_press("schema clickstream.curated") || desk.can_press("Close clickstream.curated"));
}

#[test]
fn validate_asks_the_runtime_and_creates_nothing() {
    let mut desk = Desk::new(fixture::empty());
    fill(&mut desk);
    desk.click("Add the 2 missing mappings");
    desk.click("Validate");
    let (id, intent) = desk.sent();
    assert!(matches!(intent, Intent::CreateGroup { validate_only: true, .. }));
    desk.answer(id, Ok(NoticeDetail::Done("It holds.".to_owned())));
    assert!(desk.shows("Both regions passed every check."));
    assert_eq!(desk.window.state().route(), &Route::CreateGroup);
    desk.type_into("Failover group name", "-2");
    assert!(!desk.shows("Both regions passed every check"), "the answer was about another form");
}

#[test]
fn what_the_runtime_refuses_stands_beside_the_field_until_it_is_changed() {
    let mut desk = Desk::new(fixture::empty());
    fill(&mut desk);
    desk.click("Add the 2 missing mappings");
    desk.click("Create failover group");
    let (id, _) = desk.sent();
    let sentence = "us-west-2 refused to list the location. Give its principal READ FILES on it.";
    let violation = Violation {
        field: Field::Name,
        topic: resilience::domain::Topic::Name,
        already_exists: false,
        sentence: sentence.to_owned(),
    };
    desk.answer(id, Err(IntentError { sentence: "Refused.".to_owned(), violations: vec![violation], stale: false }));
    assert!(desk.shows(sentence));
    assert_eq!(desk.window.state().route(), &Route::CreateGroup);
    desk.type_into("Failover group name", "-2");
    assert!(!desk.shows(sentence));
}

#[test]
fn leaving_a_half_filled_form_asks_first() {
    let mut desk = Desk::new(fixture::empty());
    fill(&mut desk);
    desk.click("Workspaces");
    assert!(desk.shows("Discard this failover group?"));
    desk.click("Keep editing");
    assert_eq!(desk.window.state().route(), &Route::CreateGroup);
    desk.click("Workspaces");
    desk.click("Discard");
    assert_eq!(desk.window.state().route(), &Route::Workspaces);
    desk.click("Resilience");
    desk.click("Create failover group");
    assert!(!desk.shows("2 of 4 catalogs"), "the form starts empty again");
}

#[test]
fn a_half_filled_form_is_there_again_at_the_next_start() {
    let mut desk = Desk::new(fixture::empty());
    desk.click("Create failover group");
    desk.type_into("Failover group name", "core-lake");
    let kept = desk.preferences.borrow().clone();
    let text = serde_json::to_string(&kept).expect("it is written to a file");
    let mut again = Desk::preferring(fixture::empty(), serde_json::from_str(&text).expect("and read"));
    again.click("Create failover group");
    assert_eq!(again.value("Failover group name"), "core-lake");
    again.click("Cancel");
    again.click("Discard");
    assert_eq!(again.preferences.borrow().draft, None, "what was thrown away doesn't come back");
}
