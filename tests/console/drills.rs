//! Drills by clicking, against the running engine.

use crate::live::{Live, prepared};
use crate::support::{catalogs, spec, until_active};

#[test]
fn drills_are_run_scheduled_and_reported_by_clicking() {
    let dir = tempfile::tempdir().expect("a folder");
    prepared(dir.path(), |engine| async move {
        let catalogs = catalogs(&engine).await;
        let names: Vec<&str> = catalogs.iter().map(String::as_str).collect();
        engine.control().create_group("tester", spec(&engine, "core", &names), false).await.expect("created");
        until_active(&engine, "core").await;
    });
    let mut live = Live::open(dir.path());
    live.click("core, ACTIVE");
    let tab = live.desk.names().into_iter().find(|name| name.starts_with("Drills")).expect("a tab");
    live.click(&tab);
    assert!(live.desk.shows("Never proven") && live.desk.shows("No drill of this group has run"));
    live.click("Run an isolated drill");
    live.until("the drill's end", |desk| desk.shows("Held") && desk.shows("Proven"));
    assert!(live.desk.shows("ago by an isolated drill"), "{:#?}", live.desk.names());
    live.click("Set schedule");
    live.until("the schedule", |desk| desk.can_press("Remove schedule"));
    assert!(
        live.desk.shows("Isolated drill every 30 days, next on"),
        "{:?}",
        live.runtime.snapshots.borrow().account.groups[0].rehearsals.schedule
    );

    let report = |desk: &crate::desk::Desk| {
        desk.names().into_iter().find(|name| name.starts_with("Save the report of the Isolated drill"))
    };
    let button = report(&live.desk).expect("a button");
    live.click(&button);
    live.click("Save");
    let folder = dir.path().join("data/exports");
    let file = || std::fs::read_dir(&folder).ok().and_then(|mut names| Some(names.next()?.ok()?.path()));
    live.until("the file", |_| file().is_some());
    let html = std::fs::read_to_string(file().expect("there")).expect("read");
    assert!(html.contains("Isolated drill of core") && html.contains("Remove the copy"));

    live.click("A full drill stays in us-west-2 until I let it go on");
    live.click("Run a full drill");
    live.until("the wait", |desk| desk.can_press("Go on: fail back to us-east-1"));
    live.click("Go on: fail back to us-east-1");
    live.until("the end", |desk| {
        desk.shows("Full drill of") && desk.shows("RTO back") && desk.can_press("Run a full drill")
    });
    assert!(!live.desk.shows("Did not hold"), "{:#?}", live.desk.names());
}
