//! What holds for the whole window: places, palette, keys, staleness, idleness.

use crate::desk::Desk;
use crate::fixture::{self, EAST, WEST};
use chrono::TimeDelta;
use eframe::egui::{Key, Modifiers};
use resilience::console::action::{GroupTab, Route};
use resilience::console::theme::{Density, ThemeChoice};
use resilience::control::view::ObjectView;
use resilience::domain::Region;
use resilience::domain::{AssetKind, CatalogName, GroupId, ObjectStatus, TransferLimit, WorkspaceId};
use resilience::runtime::{Intent, IntentError, NoticeDetail};
use std::sync::Arc;

fn full() -> Desk {
    Desk::new(fixture::with_groups(vec![fixture::active("core", &["main", "clickstream"])]))
}

#[test]
fn the_palette_finds_a_command_by_its_letters_and_runs_it() {
    let mut desk = full();
    desk.keys(Modifiers::COMMAND, Key::K);
    desk.type_into("Type a command", "take east");
    desk.key(Key::Enter);
    assert_eq!(desk.sent().1, Intent::TakeRegionDown { region: Region::new(EAST) });
    assert!(!desk.shows("No command matches"));

    desk.keys(Modifiers::COMMAND, Key::K);
    desk.key(Key::ArrowDown);
    desk.key(Key::ArrowDown);
    desk.key(Key::Enter);
    assert_eq!(desk.window.state().route(), &Route::Workspaces);
}

#[test]
fn the_palette_finds_a_workspace_asset_by_its_id_in_either_region() {
    let mut view = fixture::active("core", &["main", "clickstream"]);
    let job = ObjectView {
        source_id: Some("447100815".to_owned()),
        replica_id: Some("993300217".to_owned()),
        ..ObjectView::named(AssetKind::Job, "nightly_load".to_owned(), ObjectStatus::InSync)
    };
    let objects = view.objects.iter().cloned().chain([job]).collect();
    view.objects = Arc::new(objects);
    let mut desk = Desk::new(fixture::with_groups(vec![view]));
    for id in ["993300217", "44710081"] {
        desk.keys(Modifiers::COMMAND, Key::K);
        desk.type_into("Type a command", id);
        desk.key(Key::Enter);
        let place = Route::Group(GroupId::new("core").expect("valid"), GroupTab::Objects);
        assert_eq!(desk.window.state().route(), &place, "{id}");
        assert!(desk.shows("nightly_load"), "{id}");
        desk.keys(Modifiers::COMMAND, Key::Num1);
    }
}

#[test]
fn keys_lead_to_every_place_and_are_listed() {
    let mut desk = full();
    desk.keys(Modifiers::COMMAND, Key::Num3);
    assert_eq!(desk.window.state().route(), &Route::Regions);
    desk.keys(Modifiers::COMMAND, Key::N);
    assert_eq!(desk.window.state().route(), &Route::CreateGroup);
    desk.keys(Modifiers::COMMAND, Key::Num1);
    desk.key(Key::Questionmark);
    assert!(desk.shows("Search commands: Ctrl+K"));
    desk.key(Key::Escape);
    assert!(!desk.shows("Search commands: Ctrl+K"));
}

#[test]
fn every_place_opens_and_every_widget_has_a_name() {
    // `run` after each click checks the names.
    let mut desk = full();
    for place in ["Workspaces", "Regions", "Activity", "Settings", "Resilience", "Stable URLs", "Failover groups"] {
        desk.click(place);
    }
    desk.click("core, ACTIVE");
    for tab in ["Objects 23", "Errors", "Operations 3", "Left behind", "Overview"] {
        desk.click(tab);
    }
    let id = GroupId::new("core").expect("valid");
    assert_eq!(desk.window.state().route(), &Route::Group(id, GroupTab::Overview));
}

#[test]
fn data_that_is_too_old_says_so_and_its_ages_stand_still() {
    let mut desk = full();
    desk.click("core, ACTIVE");
    assert!(desk.shows("Live"));
    assert!(!desk.shows("DATA"));
    desk.advance(240);
    assert!(desk.shows("DATA 4 min OLD"));
    assert!(desk.shows("< 1 s behind"), "the age stands still");
    desk.click("Fail over…");
    desk.type_into("Type core to confirm", "core");
    assert!(!desk.can_press("Fail over to us-west-2"), "nothing is confirmed on old data");
    let mut fresh = fixture::with_groups(vec![fixture::active("core", &["main", "clickstream"])]);
    fresh.taken_at = fixture::now() + TimeDelta::seconds(240);
    desk.publish(fresh);
    assert!(!desk.shows("DATA"));
    assert!(desk.can_press("Fail over to us-west-2"));
}

#[test]
fn an_idle_window_asks_for_no_frame_but_the_one_in_which_data_would_grow_old() {
    let mut desk = Desk::new(fixture::empty());
    desk.window.run();
    // The snapshot is 0.2 s old and believed for 10 s.
    assert_eq!(desk.next_frame_ms(), 9_801);
    desk.window.run_steps(3);
    assert_eq!(desk.next_frame_ms(), 9_801);
}

#[test]
fn a_ticking_age_asks_for_its_next_second_and_for_nothing_sooner() {
    let mut desk = full();
    desk.click("core, ACTIVE");
    // It is 0.4 s past the second.
    assert_eq!(desk.next_frame_ms(), 600);
    desk.click("Settings");
    assert_eq!(desk.next_frame_ms(), 9_801, "where no age is shown, none ticks");
}

#[test]
fn good_news_goes_by_itself_and_bad_news_stays_until_it_is_dismissed() {
    let mut desk = full();
    desk.click("Regions");
    desk.click("Refresh");
    let (id, _) = desk.sent();
    desk.answer(id, Ok(NoticeDetail::Done("Both regions were read.".to_owned())));
    assert!(desk.shows("Both regions were read."));
    desk.advance(7);
    assert!(!desk.shows("Both regions were read."));
    desk.click("Refresh");
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::RefreshRegions);
    let sentence = "us-east-1 doesn't respond. Bring it up and read again.";
    desk.answer(id, Err(IntentError { sentence: sentence.to_owned(), violations: Vec::new(), stale: false }));
    desk.advance(60);
    assert!(desk.shows(sentence));
    desk.click("Dismiss");
    assert!(!desk.shows(sentence));
}

#[test]
fn a_runtime_that_takes_nothing_is_named() {
    let mut desk = full();
    desk.intents.close();
    desk.click("Regions");
    desk.click("Take us-east-1 down");
    assert!(desk.shows("The runtime has stopped"));
}

#[test]
fn sandbox_regions_are_taken_down_and_brought_up() {
    let mut desk = Desk::new(fixture::with_region_down(fixture::empty(), EAST, 20));
    desk.click("Regions");
    assert!(desk.shows("Doesn't respond · 20 s"));
    assert!(desk.shows("Jobs and compute, as of "), "what a dead region ran is dated, however new it is");
    desk.click("Bring us-east-1 up");
    assert_eq!(desk.sent().1, Intent::BringRegionUp { region: Region::new(EAST) });
    desk.click("Take us-west-2 down");
    assert!(matches!(desk.sent().1, Intent::TakeRegionDown { .. }));
}

#[test]
fn a_replica_that_a_deleted_group_left_is_released_after_a_question() {
    let mut desk = Desk::new(fixture::with_left_replica(fixture::empty(), "main", "old-group"));
    desk.click("Regions");
    assert!(desk.shows("left by old-group"));
    desk.click("Release main…");
    assert!(desk.shows("A new failover group can't reuse it"));
    desk.click("Release");
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::ReleaseReplica { region: Region::new(WEST), catalog: CatalogName::new("main") });
    assert!(!desk.can_press("Releasing…"));
    desk.answer(id, Ok(NoticeDetail::Done("Catalog main can be written to now.".to_owned())));
    assert!(!desk.shows("Release main in"));
}

#[test]
fn mission_critical_is_a_switch_that_a_group_locks() {
    let mut desk = Desk::new(fixture::empty());
    desk.click("Workspaces");
    desk.click("Mission Critical for analytics-east");
    let (_, intent) = desk.sent();
    let expected = Intent::SetMissionCritical { workspace_id: WorkspaceId::new("1100440000000001"), on: false };
    assert_eq!(intent, expected);
    let mut desk = full();
    desk.click("Workspaces");
    assert!(!desk.can_press("Mission Critical for analytics-east"));
    assert!(desk.shows("You can't switch it off while the workspace belongs to failover group core."));
}

#[test]
fn a_choice_in_settings_is_handed_to_whoever_keeps_it() {
    let mut desk = full();
    desk.click("Settings");
    desk.click("Light");
    desk.click("Compact");
    desk.click("Dim at night");
    let kept = desk.preferences.borrow().clone();
    assert!(!kept.wall.dims);
    assert_eq!((kept.theme, kept.density), (ThemeChoice::Light, Density::Compact));
}

#[test]
fn objects_and_errors_can_be_narrowed() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::crowded("core")]));
    desk.click("core, ACTIVE");
    desk.click("Objects 563");
    assert!(desk.shows("main.finance.ledger, Failed"), "what fails comes first");
    desk.click("Drifted 1");
    assert!(!desk.shows("main.finance.ledger, Failed"));
    assert!(desk.shows("This group doesn't replicate workspace assets"));
    desk.click("Errors 243");
    assert!(desk.shows("Restore the missing commit files at the source"));
    desk.click("Unsupported object, 240 objects");
    assert!(desk.shows("legacy_external_table_with_a_very_long_name_000"));
}

#[test]
fn an_answer_that_will_never_come_is_not_awaited() {
    let mut desk = full();
    desk.click("Regions");
    desk.click("Refresh");
    assert!(!desk.can_press("Reading…"));
    desk.intents.close();
    desk.window.run();
    desk.window.run();
    assert!(desk.shows("The runtime stopped before it answered."));
    assert!(desk.can_press("Refresh"));
}

#[test]
fn a_group_that_is_gone_says_so() {
    let mut desk = full();
    desk.click("core, ACTIVE");
    desk.publish(fixture::empty());
    assert!(desk.shows("core no longer exists"));
    desk.click("Back to failover groups");
    assert!(desk.shows("Nothing is protected yet"));
}

#[test]
fn limits_of_transfers_are_checked_as_typed_and_applied() {
    let mut desk = Desk::new(fixture::empty());
    desk.click("Settings");
    desk.type_into("Bandwidth", "fast");
    assert!(desk.shows("\"fast\" isn't a bandwidth. Enter bytes per second with a unit, such as 50MiB/s or 200MB/s."));
    assert!(!desk.can_press("Apply limits"));
    desk.clear("Bandwidth");
    desk.type_into("Bandwidth", "50MiB/s");
    desk.click("Apply limits");
    let (id, intent) = desk.sent();
    let limit = TransferLimit { bandwidth: "50MiB/s".parse().ok(), ..TransferLimit::default() };
    assert_eq!(intent, Intent::SetTransferLimit { limit });
    desk.answer(id, Ok(NoticeDetail::Done("Copies take at most 50 MiB/s, 4 files at a time.".to_owned())));
    assert!(desk.can_press("Undo the changes to the limits"));
}
