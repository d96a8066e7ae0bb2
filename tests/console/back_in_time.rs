//! Failing over to an earlier instant and provisionally, in the window.

use crate::desk::Desk;
use crate::fixture::{self, EAST, WEST};
use crate::live::{Live, prepared};
use crate::support;
use resilience::control::AsOfReport;
use resilience::domain::{AsOfTable, FailoverKind, GroupId, GroupState, Provisional, Region, Timestamp};
use resilience::runtime::{Intent, NoticeDetail, Snapshot};

fn core() -> GroupId {
    GroupId::new("core-lakehouse").expect("an id")
}

fn report(at: Timestamp, problems: Vec<String>) -> AsOfReport {
    let table = |name: &str, version, newest| AsOfTable { name: name.to_owned(), version, newest };
    AsOfReport {
        group: core(),
        at,
        tables: vec![table("clickstream.raw.events", 2_110, 2_121), table("main.sales.orders", 899, 901)],
        unchanged: 14,
        newer: vec!["main.sales.refunds_2026".to_owned()],
        problems,
    }
}

/// The dialog with an instant chosen and what it would do.
pub fn open(desk: &mut Desk) {
    desk.click("core-lakehouse, ACTIVE");
    desk.click("Fail over…");
    desk.click("Take the tables back to an earlier instant");
    let (id, intent) = desk.sent();
    let Intent::ReadAsOf { at, .. } = intent else { panic!("{intent:?}") };
    desk.answer(id, Ok(NoticeDetail::AsOf(Box::new(report(at, Vec::new())))));
    desk.click("Provisional: undo it unless someone keeps it");
}

/// A group whose failover is provisional for nine more minutes.
pub fn provisional() -> Snapshot {
    let mut view = fixture::active("core-lakehouse", &["main", "clickstream"]);
    view.group.effective_primary_region = Region::new(WEST);
    view.group.state = GroupState::InitialReplication;
    view.provisional = Some(Provisional {
        primary: Region::new(WEST),
        back_to: Region::new(EAST),
        minutes: 30,
        until: Some(fixture::now() + chrono::TimeDelta::seconds(560)),
        ended: false,
    });
    fixture::with_groups(vec![view])
}

#[test]
fn an_instant_is_typed_checked_and_asked_for_and_what_cannot_go_back_stands_in_the_way() {
    let mut desk = Desk::new(fixture::with_groups(vec![fixture::active("core-lakehouse", &["main", "clickstream"])]));
    open(&mut desk);
    assert!(desk.shows("2 tables go back by 13 commits in all: clickstream.raw.events, main.sales.orders."));
    assert!(desk.shows("1 table didn't exist then and stays as it is now: main.sales.refunds_2026."));
    desk.clear("Instant in UTC");
    assert!(desk.shows("Enter a time such as 2026-11-22 09:00:00."));
    desk.type_into("Instant in UTC", "2026-11-22 08:30:15");
    let mut last = None;
    while let Ok((id, intent)) = desk.intents.try_recv() {
        match intent {
            Intent::ReadAsOf { at, .. } => {
                let vacuumed = "main.sales.orders: its file part-7.parquet was vacuumed.".to_owned();
                desk.answer(id, Ok(NoticeDetail::AsOf(Box::new(report(at, vec![vacuumed])))));
                last = Some(at);
            }
            Intent::EstimateLoss { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(last.map(|at| at.to_rfc3339()), Some("2026-11-22T08:30:15+00:00".to_owned()));
    assert!(desk.shows("its file part-7.parquet was vacuumed."));
    desk.type_into("Type core-lakehouse to confirm", "core-lakehouse");
    assert!(!desk.can_press("Fail over to us-west-2"), "nothing is confirmed that can't be done");
    desk.click("Take the tables back to an earlier instant");
    desk.clear("Minutes until it is undone by itself");
    assert!(!desk.can_press("Fail over to us-west-2"));
    desk.type_into("Minutes until it is undone by itself", "20");
    desk.click("Fail over to us-west-2");
    let (_, intent) = desk.sent();
    assert!(
        matches!(
            intent,
            Intent::FailOver { as_of: None, provisional_minutes: Some(20), kind: FailoverKind::Planned, .. }
        ),
        "{intent:?}"
    );
}

#[test]
fn a_provisional_failover_says_when_it_is_undone_and_is_kept_or_undone_by_one_click() {
    let mut desk = Desk::new(provisional());
    desk.click("core-lakehouse, INITIAL_REPLICATION");
    assert!(desk.shows("us-west-2 is primary provisionally"));
    assert!(desk.shows("It is undone in 9 min 20 s. Nothing replicates until then, and us-east-1 keeps its state"));
    assert!(!desk.can_press("Fail over…") && !desk.can_press("Edit"));
    desk.click("Keep it");
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::KeepFailover { id: core() });
    desk.answer(id, Ok(NoticeDetail::Done("Kept.".to_owned())));
    desk.click("Undo…");
    assert!(desk.shows("us-east-1 becomes primary again, as it was before the failover."));
    desk.click("Undo the failover");
    assert_eq!(desk.sent().1, Intent::UndoFailover { id: core() });
}

#[test]
fn on_a_running_engine_a_failover_is_provisional_and_undone() {
    let dir = tempfile::tempdir().expect("a folder");
    prepared(dir.path(), |engine| async move {
        let catalog = support::catalogs(&engine).await.swap_remove(0);
        engine
            .control()
            .create_group("tester", support::spec(&engine, "core", &[&catalog]), false)
            .await
            .expect("made");
        support::until_active(&engine, "core").await;
    });
    let mut live = Live::open(dir.path());
    live.click("core, ACTIVE");
    live.click("Fail over…");
    live.click("Take the tables back to an earlier instant");
    live.until("the versions", |desk| desk.shows("Every table is as it was then. None goes back."));
    live.click("Provisional: undo it unless someone keeps it");
    live.desk.type_into("Type core to confirm", "core");
    live.click("Fail over to us-west-2");
    live.click("core, INITIAL_REPLICATION");
    live.until("the band", |desk| desk.shows("us-west-2 is primary provisionally"));
    live.click("Undo…");
    live.click("Undo the failover");
    live.click("core, ACTIVE");
    let group = live.runtime.snapshots.borrow().account.groups[0].clone();
    assert_eq!(group.group.effective_primary_region.as_str(), EAST);
    assert!(
        group.salvage.is_empty(),
        "nothing was written, and the product's own commits are no one's: {:#?}",
        group.salvage
    );
}
