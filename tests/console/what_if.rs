//! What if, asked in the window of the engine behind it.

use crate::live::{Live, prepared};
use crate::support;

#[test]
fn the_loss_of_a_region_and_the_drop_of_a_table_are_asked_by_clicking() {
    let dir = tempfile::tempdir().expect("a folder");
    prepared(dir.path(), |engine| async move {
        let spec = support::spec(&engine, "core", &["finance"]);
        engine.control().create_group("tester", spec, false).await.expect("created");
        support::until_active(&engine, "core").await;
    });
    let mut live = Live::open(dir.path());
    live.click("core, ACTIVE");
    live.click("What if…");
    assert!(live.desk.shows("Nothing is changed."));
    live.click("us-west-2, the secondary");
    live.click("Ask");
    live.until("the answer", |desk| desk.shows("If us-west-2 is lost now"));
    assert!(live.desk.shows("us-east-1 stays the primary") && live.desk.shows("core is unprotected"));
    live.click("A table is dropped");
    assert!(!live.desk.shows("If us-west-2 is lost now"), "another question has another answer");
    assert!(!live.desk.can_press("Ask"), "it names no table");
    live.desk.type_into("Table", "finance.ledger.nothing");
    live.click("Ask");
    live.until("the refusal", |desk| desk.shows("isn't a table in the scope of core"));
    live.desk.clear("Table");
    live.desk.type_into("Table", "finance.ledger.entries");
    live.click("Ask");
    live.until("the answer", |desk| desk.shows("The next cycle drops finance.ledger.entries in us-west-2 too"));
    assert!(live.desk.shows("No data is shipped again."));
    assert!(live.desk.can_press("Copy the answer"));
    live.click("Done");
    live.until("the group", |desk| !desk.shows("Nothing is changed."));
    drop(live.desk);
    live.runtime.stop();
}
