//! Recovering salvaged commits, from the list of what was left behind.

use crate::desk::Desk;
use crate::fixture::{self, EAST, WEST};
use eframe::egui::Key;
use resilience::control::{SalvageRef, SalvageReport};
use resilience::delta::{RowsPreview, SalvagedCommit};
use resilience::domain::Region;
use resilience::domain::{GroupId, Recovery, RecoveryOutcome, RecoveryRequest};
use resilience::runtime::{Intent, IntentError, NoticeDetail, Snapshot};
use std::sync::Arc;

pub const TABLE: &str = "clickstream.raw.events";

pub fn left() -> Snapshot {
    let mut view = fixture::active("core-lakehouse", &["main", "clickstream"]);
    view.salvage = Arc::new(fixture::salvage());
    fixture::with_groups(vec![view])
}

fn of() -> SalvageRef {
    SalvageRef { group: GroupId::new("core-lakehouse").expect("an id"), table: TABLE.to_owned(), epoch: 2 }
}

/// Two commits that fit the live table and one that doesn't.
pub fn report() -> SalvageReport {
    let commit = |version: i64, operation: &str, rows: u64, unfit: Option<&str>| SalvagedCommit {
        version,
        time_ms: (fixture::ago(1_104) + chrono::TimeDelta::seconds(version - 2_118)).timestamp_millis(),
        operation: Some(operation.to_owned()),
        rows: Some(rows),
        bytes: rows * 420,
        files: 1,
        removed_files: u64::from(unfit.is_some()),
        unfit: unfit.map(str::to_owned),
    };
    SalvageReport {
        of: of(),
        region: Region::new(EAST),
        live: Some((Region::new(WEST), TABLE.to_owned())),
        commits: vec![
            commit(2_118, "WRITE", 1_800, None),
            commit(2_119, "WRITE", 1_320, None),
            commit(2_120, "DELETE", 40, Some("Version 2120 removes 1 file, so it can't be appended.")),
            commit(2_121, "WRITE", 960, None),
        ],
    }
}

pub fn rows() -> RowsPreview {
    let row = |number: usize| {
        vec![
            Some(format!("{}", 4_400_000 + number)),
            Some(format!("2026-11-22T08:56:{:02}.412", number % 60)),
            (number % 7 != 3).then(|| "https://shop.example/checkout?step=payment".to_owned()),
            Some(["click", "view", "purchase"][number % 3].to_owned()),
            Some(format!("{}.{:02}", number * 3, number % 100)),
        ]
    };
    RowsPreview {
        columns: ["event_id", "at", "url", "kind", "amount"].map(str::to_owned).to_vec(),
        rows: (0..100).map(row).collect(),
        more: true,
        notes: vec!["The commits also remove 1 file. Only rows of added files are shown.".to_owned()],
    }
}

/// The dialog with commits and rows, as the runtime tells them.
pub fn open(desk: &mut Desk) {
    desk.click("core-lakehouse, ACTIVE");
    desk.click("Left behind 4");
    desk.click(&format!("Recover {TABLE}…"));
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::ReadSalvage { of: of() });
    desk.answer(id, Ok(NoticeDetail::Salvage(Box::new(report()))));
    let (id, intent) = desk.sent();
    assert!(matches!(&intent, Intent::PreviewSalvage { versions, .. } if versions.len() == 4), "{intent:?}");
    desk.answer(id, Ok(NoticeDetail::Rows(Box::new(rows()))));
}

#[test]
fn rows_are_looked_at_and_one_commit_is_appended() {
    let mut desk = Desk::new(left());
    open(&mut desk);
    assert!(desk.shows("First 100 rows") && desk.shows("event_id 4400000"), "{:#?}", desk.names());
    assert!(!desk.can_press("Append to the live table"), "one of the four commits doesn't fit");
    desk.click("Version 2119");
    let (id, intent) = desk.sent();
    assert_eq!(intent, Intent::PreviewSalvage { of: of(), versions: vec![2_119] });
    desk.answer(id, Ok(NoticeDetail::Rows(Box::new(rows()))));
    desk.click("Append to the live table");
    desk.click("Append 1 commit");
    let (id, intent) = desk.sent();
    let request = RecoveryRequest::Append;
    assert_eq!(intent, Intent::RecoverSalvage { of: of(), versions: vec![2_119], request });
    assert!(!desk.can_press("Recovering…"), "the button is dead after one press");
    let sentence = "us-west-2 refused the credentials. Grant them, then try again.";
    desk.answer(id, Err(IntentError { sentence: sentence.to_owned(), violations: Vec::new(), stale: false }));
    assert!(desk.shows(sentence), "a refusal stays in the dialog");
    desk.click("Append 1 commit");
    let (id, _) = desk.sent();
    let done = format!("{TABLE} has version 2119 again, as version 2204.");
    desk.answer(id, Ok(NoticeDetail::Done(done.clone())));
    assert!(desk.shows(&done) && !desk.shows("First 100 rows"));
}

#[test]
fn commits_become_a_table_or_files_and_the_line_says_what_was_done() {
    let mut desk = Desk::new(left());
    open(&mut desk);
    assert!(desk.can_press("Make table"), "what can't be appended is proposed as a table");
    desk.clear("Full name of the new table");
    assert!(!desk.can_press("Make table"));
    desk.type_into("Full name of the new table", "main.sales.recovered");
    desk.click("Make table");
    let (_, intent) = desk.sent();
    let request = RecoveryRequest::MakeTable { table: "main.sales.recovered".to_owned() };
    assert_eq!(intent, Intent::RecoverSalvage { of: of(), versions: vec![2_118, 2_119, 2_120, 2_121], request });

    let mut desk = Desk::new(left());
    open(&mut desk);
    desk.click("Export");
    desk.clear("New folder on this machine");
    desk.type_into("New folder on this machine", "/tmp/recovered");
    let buttons = desk.names().into_iter().filter(|name| name == "Export").count();
    assert_eq!(buttons, 2, "the way and the button");
    desk.key(Key::Escape);

    let mut snapshot = left();
    let mut account = (*snapshot.account).clone();
    let view = Arc::make_mut(&mut account.groups[0]);
    let line = &mut Arc::make_mut(&mut view.salvage)[0];
    let how = RecoveryOutcome::Appended { became: vec![2_204] };
    line.recovered.push(Recovery { versions: vec![2_119], how, by: "ada".to_owned(), at: fixture::ago(30) });
    snapshot.account = Arc::new(account);
    let mut desk = Desk::new(snapshot);
    desk.click("core-lakehouse, ACTIVE");
    desk.click("Left behind 4");
    assert!(desk.shows("committed 2026-11-22 08:56:08–08:56:11, Appended"), "{:#?}", desk.names());
    desk.click(&format!("Release {TABLE}…"));
    assert!(desk.shows("ada appended version 2119 as version 2204."));
    desk.click("Release");
    assert_eq!(desk.sent().1, Intent::ReleaseSalvage { of: of() });
}
