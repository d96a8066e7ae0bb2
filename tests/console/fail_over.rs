//! Failing over, resuming and deleting by clicking.

use crate::desk::Desk;
use crate::fixture::{self, EAST, WEST};
use resilience::control::view::GroupView;
use resilience::domain::Region;
use resilience::domain::{FailoverKind, ObjectStatus};
use resilience::runtime::{Intent, IntentError, NoticeDetail};

fn at_group(view: GroupView) -> Desk {
    let name = format!("{}, {}", view.group.spec.id, view.group.state);
    let mut desk = Desk::new(fixture::with_groups(vec![view]));
    desk.click(&name);
    desk
}

fn core() -> GroupView {
    fixture::active("core", &["main", "clickstream"])
}

#[test]
fn a_planned_failover_is_confirmed_by_typing_the_name() {
    let mut desk = at_group(core());
    desk.click("Fail over…");
    assert!(!desk.can_press("Fail over to us-west-2"));
    desk.type_into("Type core to confirm", "core");
    desk.click("Fail over to us-west-2");
    let (id, intent) = desk.sent();
    let expected = Intent::FailOver {
        id: core().group.spec.id,
        target_primary_region: Region::new(WEST),
        kind: FailoverKind::Planned,
        etag: "etag-1".to_owned(),
        accept_left_behind: Vec::new(),
        as_of: None,
        provisional_minutes: None,
    };
    assert_eq!(intent, expected);
    assert!(!desk.can_press("Starting…"), "the button is dead after one press");
    desk.answer(id, Ok(NoticeDetail::Group(Box::new(fixture::failing_over("core").group))));
    assert!(!desk.shows("Type core to confirm"));
    assert!(desk.shows("core is failing over to us-west-2."));
}

#[test]
fn an_object_that_an_earlier_failover_left_behind_is_not_called_whole() {
    let mut view = core();
    for object in std::sync::Arc::make_mut(&mut view.objects) {
        (object.status, object.error) = (ObjectStatus::InSync, None);
    }
    let mut desk = at_group(view.clone());
    desk.click("Fail over…");
    assert!(desk.shows("Every replicated object has a whole replica."));
    let left = &mut std::sync::Arc::make_mut(&mut view.objects)[0];
    left.status = ObjectStatus::LeftBehind;
    let name = left.name.clone();
    let mut desk = at_group(view);
    desk.click("Fail over…");
    assert!(!desk.shows("has a whole replica"));
    assert!(desk.shows(&format!("1 object would not be whole in us-west-2: {name}.")), "{name}");
}

#[test]
fn a_forced_failover_says_what_would_be_lost_and_unknown_is_unknown() {
    let mut desk = at_group(core());
    desk.click("Fail over…");
    assert!(desk.shows("The failover cuts over only if source and replica are equal"));
    desk.click("Forced");
    for words in ["0.7 s", "184 kB", "unknown", "clickstream.raw.events"] {
        assert!(desk.shows(words), "{words}");
    }
    desk.type_into("Type core to confirm", "core");
    desk.click("Fail over to us-west-2");
    let (_, intent) = desk.sent();
    assert!(matches!(intent, Intent::FailOver { kind: FailoverKind::Forced, .. }));
}

#[test]
fn an_open_dialog_asks_what_would_be_lost_at_once_and_every_few_seconds() {
    let mut desk = at_group(core());
    desk.click("Fail over…");
    assert_eq!(desk.asked_for_loss(), 1);
    assert!(!desk.shows("Shown."), "its answer is no notice");
    desk.advance(2);
    assert_eq!(desk.asked_for_loss(), 0);
    desk.advance(4);
    assert_eq!(desk.asked_for_loss(), 1);
    desk.publish(fixture::with_region_down(fixture::with_groups(vec![core()]), EAST, 1));
    assert_eq!(desk.asked_for_loss(), 1, "a primary that goes away is asked about at once");
}

#[test]
fn with_the_primary_dead_the_loss_is_dated_and_the_rest_is_marked_as_an_estimate() {
    let snapshot = fixture::with_region_down(fixture::with_groups(vec![core()]), EAST, 59);
    let mut desk = Desk::new(snapshot);
    desk.click("core, ACTIVE");
    assert!(desk.shows("us-east-1 hasn't responded for 59 s"));
    assert!(desk.shows("Objects are shown as of 09:13:32 UTC"));
    desk.click("Fail over…");
    desk.click("Forced");
    for words in
        ["Known: the last look at us-east-1, as of", "Estimate of the 1 min 00 s since", "≈ 30", "≈ 2400", "≈ 540 kB"]
    {
        assert!(desk.shows(words), "{words}");
    }
    assert!(desk.shows("Every replicated object is whole in us-west-2 as of"));
    assert!(!desk.shows("would not be whole"));
}

#[test]
fn a_planned_failover_asks_for_a_tick_for_each_object_that_it_would_leave_behind() {
    let mut desk = at_group(fixture::crowded("core"));
    desk.click("Fail over…");
    assert!(desk.shows("Commits of 243 objects haven't arrived. They stay in us-east-1"), "nothing is said to be lost");
    assert!(!desk.shows("The failover cuts over only if source and replica are equal"));
    desk.type_into("Type core to confirm", "core");
    desk.click("Leave main.finance.ledger behind");
    assert!(desk.shows("242 objects have commits that would be left behind"));
    assert!(!desk.can_press("Fail over to us-west-2"), "each object is ticked, or none goes");
    desk.click("Forced");
    assert!(desk.can_press("Fail over to us-west-2"));
    desk.click("Fail over to us-west-2");
    let (_, intent) = desk.sent();
    assert!(matches!(intent, Intent::FailOver { accept_left_behind, .. } if accept_left_behind.is_empty()));
}

#[test]
fn with_the_primary_dead_only_a_forced_failover_can_be_chosen() {
    let snapshot = fixture::with_region_down(fixture::with_groups(vec![core()]), EAST, 90);
    let mut desk = Desk::new(snapshot);
    desk.click("core, ACTIVE");
    desk.click("Fail over…");
    assert!(!desk.can_press("Planned"));
    desk.click("Forced");
    desk.type_into("Type core to confirm", "core");
    assert!(desk.can_press("Fail over to us-west-2"));
}

#[test]
fn when_the_group_moved_meanwhile_it_asks_again_with_the_new_etag() {
    let mut desk = at_group(core());
    desk.click("Fail over…");
    desk.type_into("Type core to confirm", "core");
    let mut moved = core();
    moved.group.etag = "etag-7".to_owned();
    desk.publish(fixture::with_groups(vec![moved]));
    assert!(desk.shows("The group changed while this dialog was open"));
    assert!(!desk.can_press("Fail over to us-west-2"));
    desk.click("Look again");
    assert!(!desk.can_press("Fail over to us-west-2"), "the name must be typed again");
    desk.type_into("Type core to confirm", "core");
    desk.click("Fail over to us-west-2");
    let (_, intent) = desk.sent();
    assert!(matches!(intent, Intent::FailOver { etag, .. } if etag == "etag-7"));
}

#[test]
fn a_refusal_stays_in_the_dialog_and_the_name_must_be_typed_again() {
    let mut desk = at_group(core());
    desk.click("Fail over…");
    desk.type_into("Type core to confirm", "core");
    desk.click("Fail over to us-west-2");
    let (id, _) = desk.sent();
    let sentence = "The group changed since you looked. Look at it again, then confirm.";
    desk.answer(id, Err(IntentError { sentence: sentence.to_owned(), violations: Vec::new(), stale: true }));
    assert!(desk.shows(sentence));
    assert!(!desk.can_press("Fail over to us-west-2"));
    desk.type_into("Type core to confirm", "core");
    desk.click("Fail over to us-west-2");
    assert!(matches!(desk.sent().1, Intent::FailOver { .. }));
}

#[test]
fn the_first_bootstrap_cannot_fail_over() {
    let desk = at_group(fixture::filling("core", 43));
    assert!(!desk.can_press("Fail over…"));
    assert!(desk.shows("First replication") && desk.shows("43%"));
}

#[test]
fn after_a_failover_what_ran_before_is_one_click_away() {
    let snapshot = fixture::with_region_down(fixture::with_groups(vec![fixture::unprotected("core")]), EAST, 260);
    let mut desk = Desk::new(snapshot);
    desk.click("core, INITIAL_REPLICATION");
    assert!(desk.shows("Unprotected until us-east-1 is complete again"));
    assert!(desk.shows("us-east-1 hasn't responded for 4 min 20 s"));
    assert!(desk.shows("2 schedules and 2 compute resources wait to be resumed in us-west-2"));
    desk.click("Resume schedules and compute");
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::ResumeWorkloads { id: core().group.spec.id });
    assert!(!desk.can_press("Resuming…"));
    desk.answer(id, Ok(NoticeDetail::Done("Resumed 2 schedules and 2 compute resources.".to_owned())));
    assert!(desk.shows("Resumed 2 schedules"));
}

#[test]
fn a_failed_phase_can_be_tried_again() {
    let mut view = core();
    view.group.state = resilience::domain::GroupState::FailoverFailed;
    view.group.state_message = Some("us-west-2 refused the binding. Grant it, then retry.".to_owned());
    let mut desk = at_group(view);
    assert!(desk.shows("us-west-2 refused the binding."));
    desk.click("Retry");
    assert_eq!(desk.sent().1, Intent::RetryGroup { id: core().group.spec.id });
}

#[test]
fn a_group_is_deleted_with_the_etag_that_was_seen() {
    let mut desk = at_group(core());
    desk.click("Delete…");
    assert!(desk.shows("The replica in us-west-2 stays whole"));
    assert!(!desk.can_press("Delete failover group"));
    desk.type_into("Type core to confirm", "core");
    desk.click("Delete failover group");
    let (id, intent) = desk.sent();
    assert_eq!(
        intent,
        Intent::DeleteGroup { id: core().group.spec.id, etag: "etag-1".to_owned(), given_up_region: None }
    );
    desk.answer(id, Ok(NoticeDetail::Group(Box::new(core().group))));
    assert_eq!(desk.window.state().route(), &resilience::console::action::Route::Groups);
}

#[test]
fn a_group_that_waits_for_a_lost_region_is_deleted_only_with_an_acknowledgement() {
    let snapshot = fixture::with_region_down(fixture::with_groups(vec![fixture::unprotected("core")]), EAST, 260);
    let mut desk = Desk::new(snapshot);
    desk.click("core, INITIAL_REPLICATION");
    desk.click("Delete…");
    assert!(desk.shows("us-east-1 has no whole replica"));
    desk.type_into("Type core to confirm", "core");
    assert!(!desk.can_press("Delete failover group"), "giving a region up is said, not implied");
    desk.click("us-east-1 is lost for good: give up its unreplicated commits");
    desk.click("Delete failover group");
    let group = fixture::unprotected("core").group;
    let given_up_region = Some(Region::new(EAST));
    assert_eq!(desk.sent().1, Intent::DeleteGroup { id: group.spec.id, etag: group.etag, given_up_region });
}

#[test]
fn a_running_failover_shows_its_steps_with_their_times() {
    let desk = at_group(fixture::failing_over("core"));
    assert!(desk.shows("Planned failover to us-west-2"));
    assert!(desk.shows("Pause schedules Done 0.3 s"));
    assert!(desk.shows("Catch up Running"));
    assert!(!desk.can_press("Fail over…"));
}
