//! Approval by a second person, and the roles of whoever signs in, in the window.

use crate::desk::Desk;
use crate::fixture::{self, WEST};
use crate::live::{Live, prepared};
use crate::support;
use resilience::control::view::GroupView;
use resilience::domain::{
    ApprovalPolicy, Asker, FailoverKind, FailoverOrder, GroupId, GroupState, PendingApproval, Region, Role,
};
use resilience::runtime::{Intent, IntentError, NoticeDetail, SessionView, Snapshot};
use std::sync::{Arc, Mutex};

fn core() -> GroupId {
    GroupId::new("core-lakehouse").expect("an id")
}

/// A group whose planned failover waits for a second person.
pub fn waiting() -> Snapshot {
    let mut view: GroupView = fixture::active("core-lakehouse", &["main", "clickstream"]);
    view.approval = ApprovalPolicy { required: true, ..ApprovalPolicy::default() };
    view.pending_approval = Some(PendingApproval {
        id: "5d1c".to_owned(),
        order: FailoverOrder::new(&Region::new(WEST), FailoverKind::Planned),
        asked_by: Asker { id: "t3".to_owned(), name: "on-call".to_owned() },
        asked_at: fixture::ago(130),
        expires_at: fixture::now() + chrono::TimeDelta::minutes(58),
        etag: "etag-1".to_owned(),
    });
    fixture::with_groups(vec![view])
}

pub fn signed_in(mut snapshot: Snapshot, id: &str, name: &str, role: Role) -> Snapshot {
    let session = SessionView { name: name.to_owned(), id: id.to_owned(), role, ..SessionView::default() };
    snapshot.session = SessionView { signed_in: true, ..session };
    snapshot
}

#[test]
fn what_someone_else_asked_for_is_approved_and_ones_own_only_withdrawn() {
    let mut desk = Desk::new(waiting());
    desk.click("core-lakehouse, ACTIVE");
    assert!(desk.shows("A planned failover to us-west-2 waits for approval"));
    assert!(desk.shows("on-call asked for it 2 min 10 s ago. It expires in 58 min"));
    desk.click("Approve…");
    desk.click("Approve and fail over");
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::Approve { id: core(), request: "5d1c".to_owned() });
    desk.answer(id, Ok(NoticeDetail::Group(Box::new(fixture::failing_over("core-lakehouse").group))));
    assert!(desk.shows("core-lakehouse is failing over, as approved."));

    let mut desk = Desk::new(signed_in(waiting(), "t3", "on-call", Role::Failover));
    desk.click("core-lakehouse, ACTIVE");
    assert!(!desk.can_press("Approve…") && desk.shows("Someone with another token must approve it."));
    desk.click("Withdraw");
    assert_eq!(desk.sent().1, Intent::RefuseApproval { id: core(), request: "5d1c".to_owned() });
}

#[test]
fn a_group_is_set_to_wait_and_a_request_that_waits_is_said_so() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core-lakehouse", &["main"])]));
    desk.click("core-lakehouse, ACTIVE");
    desk.click("Change who must approve a failover");
    desk.click("Failovers wait for a second person");
    desk.clear("Minutes until a request expires");
    assert!(!desk.can_press("Set approval"));
    desk.type_into("Minutes until a request expires", "45");
    desk.click("Set approval");
    let (id, intent) = desk.sent();
    let policy = ApprovalPolicy { required: true, forced_exempt: false, expires_minutes: 45 };
    assert_eq!(intent, Intent::SetApproval { id: core(), policy });
    desk.answer(id, Ok(NoticeDetail::Done("Set.".to_owned())));
    desk.click("Fail over…");
    desk.type_into("Type core-lakehouse to confirm", "core-lakehouse");
    desk.click("Fail over to us-west-2");
    let (id, _) = desk.sent();
    desk.answer(id, Ok(NoticeDetail::Done("The planned failover waits for approval.".to_owned())));
    assert!(desk.shows("The planned failover waits for approval.") && !desk.shows("Type core-lakehouse to confirm"));
    assert!(desk.shows("Replication point"), "there is no run to show yet");
}

#[test]
fn a_viewer_is_told_why_nothing_can_be_pressed_and_how_to_go_on() {
    let mut desk = Desk::new(signed_in(waiting(), "t9", "ada", Role::Viewer));
    assert!(desk.shows("ada (viewer)") || desk.shows("Live"), "{:#?}", desk.names());
    desk.click("core-lakehouse, ACTIVE");
    assert!(!desk.can_press("Fail over…") && !desk.can_press("Edit"));
    desk.click("Delete…");
    assert!(desk.shows("ada has the role viewer, which may not create, change or delete."));
    assert!(desk.sent_nothing());
    desk.click("Settings");
    assert!(desk.shows("Acts as ada with the role viewer"));
    desk.click("Sign in again…");
    desk.type_into("Token", "rct-1-secret");
    desk.click("Sign in");
    let (id, intent) = desk.sent();
    assert!(matches!(intent, Intent::SignIn { token } if token.expose() == "rct-1-secret"));
    let sentence = "That isn't a token of this account, or it was revoked. Copy it again.";
    desk.answer(id, Err(IntentError { sentence: sentence.to_owned(), violations: Vec::new(), stale: false }));
    assert!(desk.shows(sentence) && desk.value("Token").is_empty(), "a wrong token isn't kept");
}

#[test]
fn on_a_running_engine_one_person_asks_and_another_one_signs_in_and_approves() {
    let dir = tempfile::tempdir().expect("a folder");
    let token = Arc::new(Mutex::new(String::new()));
    let made = token.clone();
    prepared(dir.path(), |engine| async move {
        let catalog = support::catalogs(&engine).await.swap_remove(0);
        let spec = support::spec(&engine, "core", &[&catalog]);
        engine.control().create_group("tester", spec, false).await.expect("created");
        support::until_active(&engine, "core").await;
        let (_, secret) = engine.control().create_token("tester", "bob", Role::Failover).await.expect("made");
        *made.lock().expect("free") = secret.expose().to_owned();
    });
    let mut live = Live::open(dir.path());
    live.click("core, ACTIVE");
    live.click("Change who must approve a failover");
    live.click("Failovers wait for a second person");
    live.click("Set approval");
    live.until("the setting", |desk| desk.shows("a second person approves every failover"));
    live.until("ACTIVE", |desk| desk.can_press("Fail over…"));
    live.click("Fail over…");
    live.desk.type_into("Type core to confirm", "core");
    live.click("Fail over to us-west-2");
    live.until("the request", |desk| desk.shows("waits for approval") && desk.can_press("Withdraw"));
    assert!(!live.desk.can_press("Approve…"), "nobody approves what they asked for");
    live.click("Settings");
    live.click("Sign in…");
    let secret = token.lock().expect("free").clone();
    live.desk.type_into("Token", &secret);
    live.click("Sign in");
    live.until("bob", |desk| desk.shows("Acts as bob with the role failover"));
    live.click("core, ACTIVE");
    assert!(!live.desk.can_press("Edit"), "the role failover changes nothing else");
    live.click("Approve…");
    live.click("Approve and fail over");
    let begun = std::time::Instant::now();
    loop {
        live.desk.window.step();
        let group = live.runtime.snapshots.borrow().account.groups[0].group.clone();
        if group.effective_primary_region == WEST && group.state == GroupState::Active {
            break;
        }
        assert!(begun.elapsed().as_secs() < 60, "it never failed over: {group:#?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let by = live.runtime.snapshots.borrow().account.groups[0].operation.as_ref().map(|o| o.requested_by.clone());
    assert_eq!(by.as_deref(), Some("console, approved by bob"));
}
