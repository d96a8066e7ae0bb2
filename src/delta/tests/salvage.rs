//! Promotion, and what happens to the old primary afterwards.

use super::table::*;
use crate::delta::*;
use crate::domain::ObjectStatus;

fn about(epoch: u64) -> SalvageAbout {
    SalvageAbout {
        table: "main.sales.orders".into(),
        group: "core".into(),
        epoch,
        now_ms: START_MS + 1_000_000,
        arrived: None,
    }
}

#[tokio::test]
async fn what_never_arrived_is_set_aside_and_the_old_primary_becomes_the_replica() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    old.append("a.parquet");
    let new = TableRoot::Local(dir.path().join("new"));
    let shipped = replicate(&old.root, &new, None).await.expect("a shipment");
    old.append("lost-1.parquet");
    old.append("day=2/lost-2.parquet");

    let Promotion::Fenced { position } = promote(&new, 1, "core", START_MS + 500_000).await.expect("a promotion")
    else {
        panic!("the table can be fenced")
    };
    assert_eq!(position.version, 2);
    let again = promote(&new, 1, "core", START_MS + 600_000).await.expect("a promotion");
    assert_eq!(again, Promotion::Fenced { position });

    let fault = replicate(&old.root, &new, Some(&shipped.position)).await.expect_err("the late writer meets the fence");
    assert_eq!(fault.class, crate::domain::ErrorClass::SplitBrain);

    let aside = TableRoot::Local(dir.path().join("aside"));
    let salvaged = salvage(&old.root, &new, &aside, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.common_version, salvaged.first_version, salvaged.last_version), (Some(1), Some(2), Some(3)));
    assert_eq!((salvaged.commits, salvaged.rows, salvaged.files), (2, Some(20), 2));
    assert!(!old.path.join("day=2").exists(), "folders that held only orphans are gone");
    assert_eq!(
        std::fs::read(dir.path().join("aside/day=2/lost-2.parquet")).ok(),
        Some(content("day=2/lost-2.parquet"))
    );
    let again = salvage(&old.root, &new, &aside, about(1)).await.expect("a salvage");
    assert_eq!(again, salvaged);

    replicate(&new, &old.root, salvaged.position.as_ref()).await.expect("a shipment back");
    assert_eq!(compare_all(&new, &old.root).await.status, ObjectStatus::InSync);
    let after = salvage(&old.root, &new, &aside, about(1)).await.expect("a salvage");
    assert_eq!(after.commits, 2);
}

#[tokio::test]
async fn a_late_writer_meets_the_fence_and_is_never_merged() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    old.append("a.parquet");
    let new = TableRoot::Local(dir.path().join("new"));
    let shipped = replicate(&old.root, &new, None).await.expect("a shipment");
    // Planned from the old primary while it still was one, and on its way when the cutover comes.
    let late = old.append("late.parquet");
    let Plan::Ship(shipment) = plan(PlanRequest::new(&old.root, &new, Some(&shipped.position))).await.expect("a plan")
    else {
        panic!("there is something to ship")
    };
    let Promotion::Fenced { position } = promote(&new, 1, "core", START_MS).await.expect("a promotion") else {
        panic!("the table can be fenced")
    };
    assert_eq!(position.version, late, "the fence takes the slot that the late commit wants");
    let fault = ship(vec![*shipment], &Transfer::default()).await.remove(0).expect_err("stopped");
    assert_eq!(fault.class, crate::domain::ErrorClass::SplitBrain);
    assert_eq!(fault.parameters.get("version"), Some(&late.to_string()));
    let mut live = Table::open(dir.path().join("new"));
    live.append("after.parquet");
    let (version, files) = read_whole(&live.path).expect("readable").expect("a table");
    assert_eq!(version, 3);
    assert!(!files.contains_key("late.parquet"), "it is in no version of the new lineage");

    let aside = TableRoot::Local(dir.path().join("aside"));
    let salvaged = salvage(&old.root, &new, &aside, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.first_version, salvaged.commits, salvaged.rows), (Some(late), 1, Some(10)));
    assert_eq!(std::fs::read(dir.path().join("aside/late.parquet")).ok(), Some(content("late.parquet")));
    replicate(&new, &old.root, salvaged.position.as_ref()).await.expect("a shipment back");
    assert_eq!(compare_all(&new, &old.root).await.status, ObjectStatus::InSync);
}

#[tokio::test]
async fn a_commit_that_arrives_in_the_fences_slot_first_is_fenced_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    let new = TableRoot::Local(dir.path().join("new"));
    let shipped = replicate(&old.root, &new, None).await.expect("a shipment");
    // Its marker is there and its fence is not: killed in between. Then a shipment that was on its way lands.
    let marker = serde_json::json!({"epoch": 4, "group": "core", "version": 0, "at_ms": START_MS});
    let path = dir.path().join("new/_resilience/epoch/00000000000000000004.json");
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, marker.to_string()).expect("a marker");
    old.append("just-in-time.parquet");
    replicate(&old.root, &new, Some(&shipped.position)).await.expect("it arrives");
    let Promotion::Fenced { position } = promote(&new, 4, "core", START_MS).await.expect("a promotion") else {
        panic!("the table can be fenced")
    };
    assert_eq!(position.version, 2);
    let aside = TableRoot::Local(dir.path().join("aside"));
    let salvaged = salvage(&old.root, &new, &aside, about(4)).await.expect("a salvage");
    assert_eq!((salvaged.common_version, salvaged.commits), (Some(1), 0), "what arrived is lost for nobody");
}

#[tokio::test]
async fn another_groups_fence_or_marker_does_not_stand_for_ones_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let table = Table::create(dir.path().join("table"));
    promote(&table.root, 3, "before", START_MS).await.expect("a promotion");
    let fault = promote(&table.root, 3, "core", START_MS).await.expect_err("the epoch is another group's");
    assert_eq!(fault.class, crate::domain::ErrorClass::SplitBrain);
    assert!(fault.message.contains("failover group before"), "{fault}");
    // A later epoch of this group gets a fence of its own, whatever the older one's says.
    let Promotion::Fenced { position } = promote(&table.root, 4, "core", START_MS).await.expect("a promotion") else {
        panic!("the table can be fenced")
    };
    assert_eq!(position.version, 2);
    std::fs::remove_file(table.path.join("_resilience/epoch/00000000000000000004.json")).expect("a marker");
    let foreign = r#"{"epoch":4,"group":"other","version":0,"at_ms":0}"#;
    std::fs::write(table.path.join("_resilience/epoch/00000000000000000004.json"), foreign).expect("a marker");
    promote(&table.root, 4, "core", START_MS).await.expect_err("not this group's");
    let stale = promote(&table.root, 2, "core", START_MS).await.expect_err("a later epoch is there");
    assert!(matches!(stale.error(), DeltaError::StaleEpoch { found: 4, asked: 2, .. }), "{stale}");
    assert_eq!(Table::open(table.path.clone()).version(), 2, "a refused promotion writes nothing");
}

/// What a look at the table between writing and publishing finds: whether marker and fence are in place, and whether
/// whole files of them lie aside.
#[cfg(feature = "failpoints")]
#[tokio::test]
async fn marker_and_fence_are_whole_and_synced_aside_before_they_have_their_names() {
    use std::sync::{Arc, Mutex};
    let dir = tempfile::tempdir().expect("a folder");
    let table = Table::create(dir.path().join("table"));
    let seen: Arc<Mutex<Vec<(bool, bool)>>> = Arc::default();
    let (path, found) = (table.path.clone(), seen.clone());
    fail::cfg_callback("delta.promote.before_publish", move || {
        let folders = [path.join("_resilience/epoch"), path.join("_delta_log")];
        let all = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        let all: Vec<_> = all.map(|entry| entry.path()).collect();
        let visible = |name: &str| all.iter().any(|path| path.file_name().is_some_and(|n| n == name));
        let in_place = visible("00000000000000000007.json") || visible("00000000000000000001.json");
        let aside = all.iter().filter(|path| path.extension().is_some_and(|e| e == "resilience"));
        let whole = aside
            .filter(|path| std::fs::read(path).is_ok_and(|b| serde_json::from_slice::<serde_json::Value>(&b).is_ok()));
        found.lock().expect("no panic").push((in_place, whole.count() == 2));
    })
    .expect("a callback");
    promote(&table.root, 7, "core", START_MS).await.expect("a promotion");
    fail::remove("delta.promote.before_publish");
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(seen.first(), Some(&(false, true)), "{seen:?}");
    assert!(table.path.join("_resilience/epoch/00000000000000000007.json").is_file());
}

#[tokio::test]
async fn nothing_orphaned_leaves_no_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    old.append("a.parquet");
    let new = TableRoot::Local(dir.path().join("new"));
    replicate(&old.root, &new, None).await.expect("a shipment");
    promote(&new, 1, "core", START_MS).await.expect("a promotion");
    let aside = TableRoot::Local(dir.path().join("aside"));
    let salvaged = salvage(&old.root, &new, &aside, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.commits, salvaged.folder), (0, None));
    assert!(!dir.path().join("aside").exists());
}

#[tokio::test]
async fn a_table_that_never_arrived_is_set_aside_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("schema/only-here"));
    table.append("a.parquet");
    let aside = TableRoot::Local(dir.path().join("aside/only-here"));
    let salvaged = set_aside_whole(&table.root, &aside, about(2)).await.expect("a salvage");
    assert_eq!((salvaged.commits, salvaged.first_version, salvaged.last_version), (2, None, Some(1)));
    assert!(!table.path.exists());
    assert!(read_whole(&dir.path().join("aside/only-here")).expect("readable aside").is_some());
    let again = set_aside_whole(&table.root, &aside, about(2)).await.expect("a salvage");
    assert_eq!(again, salvaged);
}
