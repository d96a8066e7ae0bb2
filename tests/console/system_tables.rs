//! Where the system tables are shown, and the queries to begin with.

use crate::desk::Desk;
use crate::fixture;
use eframe::egui::OutputCommand;

/// What the window last asked to put on the clipboard.
fn copied(desk: &Desk) -> Option<String> {
    desk.window.output().platform_output.commands.iter().rev().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

/// Presses without drawing again afterwards, because what is copied is told with the very frame.
fn press(desk: &mut Desk, label: &str) -> Option<String> {
    use egui_kittest::kittest::Queryable;
    desk.window.get_by_label(label).scroll_to_me();
    desk.window.run();
    desk.window.get_by_label(label).click();
    desk.window.step();
    copied(desk)
}

#[test]
fn paths_and_queries_of_both_system_tables_can_be_copied() {
    let mut desk = Desk::new(fixture::empty());
    desk.click("Settings");
    let states = "/home/ada/.local/share/resilience-console/system_tables/replication/states";
    let objects = "/home/ada/.local/share/resilience-console/system_tables/replication/objects";
    assert_eq!(press(&mut desk, "Copy the path of the states").as_deref(), Some(states));
    assert_eq!(press(&mut desk, "Copy the path of the objects").as_deref(), Some(objects));

    let query = press(&mut desk, "Copy the DuckDB SQL query").expect("copied");
    assert!(query.contains(&format!("delta_scan('{states}')")), "{query}");
    assert!(desk.shows("State and lag of every failover group over the last day"));
    desk.click("Objects");
    desk.click("Python");
    assert!(desk.shows("Every object that is not in sync"));
    let query = press(&mut desk, "Copy the Python query").expect("copied");
    assert!(query.contains(&format!("DeltaTable(\"{objects}\")")), "{query}");
    desk.click("Spark SQL");
    let query = press(&mut desk, "Copy the Spark SQL query").expect("copied");
    assert!(query.contains(&format!("delta.`{objects}`")), "{query}");
}

#[test]
fn a_table_that_cannot_be_written_is_named() {
    let mut snapshot = fixture::empty();
    let sentence = "The log of the system table in /data/states cannot be read: it is torn. Move it aside.";
    snapshot.deployment.system_tables.write_error = Some(sentence.to_owned());
    let mut desk = Desk::new(snapshot);
    desk.click("Settings");
    assert!(desk.shows("A system table is not written now"));
    assert!(desk.shows(sentence));
}
