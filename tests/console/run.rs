//! The run view: a failover as it happens, and the same afterwards as a replay.

use crate::desk::Desk;
use crate::fixture::{self, EAST, WEST};
use eframe::egui::Key;
use resilience::console::action::Route;
use resilience::control::view::{GroupView, OperationOutcome};
use resilience::domain::Region;
use resilience::domain::{FailoverKind, GroupId, Targets};
use resilience::runtime::{Intent, NoticeDetail, Snapshot};
use std::sync::Arc;

fn id() -> GroupId {
    GroupId::new("core").expect("valid")
}

fn running() -> Snapshot {
    let snapshot = fixture::with_groups(vec![fixture::failing_over("core")]);
    fixture::attached(fixture::with_tokens_and_urls(snapshot), "shop", "core")
}

fn done() -> Snapshot {
    let mut view = fixture::active("core", &["main"]);
    view.group.effective_primary_region = Region::new(WEST);
    view.operation = Some(Arc::new(fixture::operation(FailoverKind::Planned, 20, fixture::ago(20))));
    view.to_resume = fixture::unprotected("core").to_resume;
    let snapshot = fixture::with_groups(vec![view]);
    fixture::attached(fixture::with_tokens_and_urls(snapshot), "shop", "core")
}

#[test]
fn a_confirmed_failover_is_shown_at_once() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core", &["main"])]));
    desk.click("core, ACTIVE");
    desk.click("Fail over…");
    desk.type_into("Type core to confirm", "core");
    desk.click("Fail over to us-west-2");
    let (intent, _) = desk.sent();
    let group = fixture::failing_over("core").group;
    desk.answer(intent, Ok(NoticeDetail::Group(Box::new(group))));
    assert_eq!(desk.window.state().route(), &Route::Run(id(), None));
    desk.publish(running());
    assert!(desk.shows("Waiting for the last commits to arrive in us-west-2."));
    assert!(desk.shows("14 of 17 tables, 3 commits left"));
}

#[test]
fn a_running_failover_tells_times_medians_and_its_clock_against_the_target() {
    let targeted = || {
        let targets = Targets { rpo_s: None, rto_s: Some(30) };
        let snapshot = fixture::with_groups(vec![GroupView { targets, ..fixture::failing_over("core") }]);
        fixture::attached(fixture::with_tokens_and_urls(snapshot), "shop", "core")
    };
    let mut desk = Desk::new(targeted());
    desk.click("core, FAILING_OVER");
    desk.click("Watch the failover");
    assert!(desk.shows("Catch up Running 2.2 s, median 3.3 s, 14 of 17 tables"), "{:#?}", desk.names());
    assert!(desk.shows("24.0 s left of the target of 30.0 s · median of earlier ones 8.2 s"));
    assert!(desk.shows("us-east-1 is the primary. Commits flow from us-east-1 to us-west-2."));
    assert!(desk.shows("Stable URL shop"));
    assert!(!desk.shows("What to do next"));
    desk.advance(40);
    let mut late = targeted();
    late.taken_at = fixture::now() + chrono::TimeDelta::seconds(40);
    desk.publish(late);
    assert!(desk.shows("16.0 s over the target of 30.0 s"));
}

#[test]
fn at_the_end_one_click_resumes_what_ran() {
    let mut desk = Desk::new(done());
    desk.go(Route::Run(id(), None));
    assert!(desk.shows("Done. us-west-2 is the primary and accepts writes."));
    assert!(desk.shows("us-west-2 is the primary. Commits flow from us-west-2 to us-east-1."));
    assert!(desk.shows("Warehouse Serverless starter") && desk.shows("Schedule Post payments"));
    desk.click("Resume schedules and compute");
    assert_eq!(desk.sent().1, Intent::ResumeWorkloads { id: id() });
    assert!(!desk.can_press("Resuming…"));
}

#[test]
fn a_replay_is_played_paused_and_moved_with_the_keyboard() {
    let mut desk = Desk::new(done());
    desk.go(Route::Run(id(), None));
    desk.focus("Moment of the replay");
    desk.key(Key::Home);
    assert!(desk.shows("0.0 s of 9.4 s"));
    assert!(desk.shows("Cut over Pending"));
    desk.key(Key::ArrowRight);
    assert!(desk.shows("0.3 s of 9.4 s"));
    desk.click("4×");
    desk.click("Play the replay");
    desk.clock.advance(chrono::TimeDelta::seconds(1));
    desk.window.step();
    assert!(desk.shows("4.3 s of 9.4 s"));
    assert!(desk.next_frame_ms() <= 50, "it moves");
    desk.click("Pause the replay");
    desk.advance(3);
    assert!(desk.shows("4.3 s of 9.4 s"));
    desk.focus("Moment of the replay");
    desk.key(Key::End);
    assert!(desk.shows("Done. us-west-2 is the primary and accepts writes."));
    assert!(desk.next_frame_ms() > 50, "nothing moves at the end");
}

#[test]
fn an_old_failover_is_found_in_the_history_and_replayed() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core", &["main"])]));
    desk.click("core, ACTIVE");
    desk.click("Operations 3");
    desk.click("Planned failover to us-west-2, Rolled back");
    desk.click("Replay the failover of 2026-11-20 09:27:52 UTC");
    assert!(desk.shows("Rolled back. us-east-1 is still the primary."));
    assert!(desk.shows("It never did: the failover was rolled back."));
    assert!(desk.shows("us-west-2 did not answer for 30 s"));
    desk.click("Back to core");
    assert!(desk.can_press("Operations 3"));
}

#[test]
fn a_stopped_failover_is_retried_from_there() {
    let mut view = fixture::failing_over("core");
    let mut stopped = fixture::operation(FailoverKind::Planned, 9, fixture::ago(60));
    stopped.outcome = OperationOutcome::Failed;
    stopped.steps[9].status = resilience::domain::StepStatus::Failed;
    view.group.state = resilience::domain::GroupState::FailoverFailed;
    view.operation = Some(Arc::new(stopped));
    let mut desk = Desk::new(fixture::with_region_down(fixture::with_groups(vec![view]), EAST, 50));
    desk.go(Route::Run(id(), None));
    assert!(desk.shows("It stopped after the cutover."));
    assert!(desk.shows("hasn't responded for 50 s"));
    desk.click("Retry");
    assert_eq!(desk.sent().1, Intent::RetryGroup { id: id() });
}
