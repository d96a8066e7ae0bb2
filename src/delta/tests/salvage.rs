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

    let salvage_dir = TableRoot::Local(dir.path().join("salvage"));
    let salvaged = salvage(&old.root, &new, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.common_version, salvaged.first_version, salvaged.last_version), (Some(1), Some(2), Some(3)));
    assert_eq!((salvaged.commits, salvaged.rows, salvaged.files), (2, Some(20), 2));
    assert!(!old.path.join("day=2").exists(), "folders that held only orphans are gone");
    assert_eq!(
        std::fs::read(dir.path().join("salvage/day=2/lost-2.parquet")).ok(),
        Some(content("day=2/lost-2.parquet"))
    );
    let again = salvage(&old.root, &new, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!(again, salvaged);

    replicate(&new, &old.root, salvaged.position.as_ref()).await.expect("a shipment back");
    assert_eq!(compare_all(&new, &old.root).await.status, ObjectStatus::InSync);
    let after = salvage(&old.root, &new, &salvage_dir, about(1)).await.expect("a salvage");
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

    let salvage_dir = TableRoot::Local(dir.path().join("salvage"));
    let salvaged = salvage(&old.root, &new, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.first_version, salvaged.commits, salvaged.rows), (Some(late), 1, Some(10)));
    assert_eq!(std::fs::read(dir.path().join("salvage/late.parquet")).ok(), Some(content("late.parquet")));
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
    let salvage_dir = TableRoot::Local(dir.path().join("salvage"));
    let salvaged = salvage(&old.root, &new, &salvage_dir, about(4)).await.expect("a salvage");
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
/// whole files of them are in the salvage folder.
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
        let salvage_dir = all.iter().filter(|path| path.extension().is_some_and(|e| e == "resilience"));
        let whole = salvage_dir
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
    let salvage_dir = TableRoot::Local(dir.path().join("salvage"));
    let salvaged = salvage(&old.root, &new, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.commits, salvaged.folder), (0, None));
    assert!(!dir.path().join("salvage").exists());
}

#[tokio::test]
async fn a_table_that_never_arrived_is_set_aside_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("schema/only-here"));
    table.append("a.parquet");
    let salvage_dir = TableRoot::Local(dir.path().join("salvage/only-here"));
    let salvaged = salvage_whole(&table.root, &salvage_dir, about(2)).await.expect("a salvage");
    assert_eq!((salvaged.commits, salvaged.first_version, salvaged.last_version), (2, None, Some(1)));
    assert!(!table.path.exists());
    assert!(read_whole(&dir.path().join("salvage/only-here")).expect("readable aside").is_some());
    let again = salvage_whole(&table.root, &salvage_dir, about(2)).await.expect("a salvage");
    assert_eq!(again, salvaged);
}

/// What lies directly in a table's log.
fn log_of(path: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.join("_delta_log")).expect("a log");
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn checkpoints_and_hints_above_the_common_version_go_aside_and_older_ones_stay() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    old.append("a.parquet");
    let kept = old.checkpoint_json();
    old.hint(1);
    let new = TableRoot::Local(dir.path().join("new"));
    replicate(&old.root, &new, None).await.expect("a shipment");
    old.append("lost-1.parquet");
    old.append("lost-2.parquet");
    let cached = old.checkpoint_json();
    old.hint(3);
    let part = "00000000000000000003.checkpoint.0000000001.0000000002.parquet".to_owned();
    let compacted = "00000000000000000001.00000000000000000003.compacted.json".to_owned();
    let crc = "00000000000000000003.crc".to_owned();
    for name in [&part, &compacted, &crc] {
        old.file(&format!("_delta_log/{name}"), b"{}");
    }
    promote(&new, 1, "core", START_MS).await.expect("a promotion");
    let salvage_dir = TableRoot::Local(dir.path().join("salvage"));
    let salvaged = salvage(&old.root, &new, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.common_version, salvaged.commits), (Some(1), 2));
    let (left, gone) = (log_of(&old.path), log_of(&dir.path().join("salvage")));
    assert!(left.contains(&kept), "{left:?}");
    for name in [&cached, &part, &compacted, &crc] {
        assert!(!left.contains(name) && gone.contains(name), "{name} of {left:?} and {gone:?}");
    }
    let hint = std::fs::read_to_string(old.path.join("_delta_log/_last_checkpoint")).expect("a hint");
    assert!(hint.contains("\"version\":1"), "it names the checkpoint that stayed: {hint}");
    assert_eq!(read_whole(&old.path).expect("readable").map(|(version, _)| version), Some(1));
    replicate(&new, &old.root, salvaged.position.as_ref()).await.expect("a shipment back");
    assert_eq!(compare_all(&new, &old.root).await.status, ObjectStatus::InSync);
}

#[tokio::test]
async fn a_hint_without_an_older_checkpoint_goes_away() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    let new = TableRoot::Local(dir.path().join("new"));
    replicate(&old.root, &new, None).await.expect("a shipment");
    old.append("lost.parquet");
    old.checkpoint_json();
    old.hint(1);
    promote(&new, 1, "core", START_MS).await.expect("a promotion");
    let salvage_dir = TableRoot::Local(dir.path().join("salvage"));
    salvage(&old.root, &new, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!(log_of(&old.path), ["00000000000000000000.json"]);
}

/// Neither log holds a version that the other does: the table is salvaged whole and replicated again.
async fn starts_afresh(old: &Table, new: &TableRoot, dir: &std::path::Path, arrived: i64) -> Salvaged {
    let fault = salvage(&old.root, new, &TableRoot::Local(dir.join("salvage")), about(1)).await.expect_err("apart");
    assert!(matches!(fault.error(), DeltaError::NoCommonVersion { .. }), "{fault}");
    assert!(!fault.class.is_transient(), "nothing would change by itself");
    assert!(read_whole(&old.path).expect("readable").is_some(), "a refused salvage changes nothing");
    let before = read_whole(&old.path).expect("readable");
    let about = SalvageAbout { arrived: Some(arrived), ..about(1) };
    let salvage_dir = TableRoot::Local(dir.join("salvage"));
    let salvaged = salvage_whole(&old.root, &salvage_dir, about).await.expect("set aside");
    assert!(!old.path.exists());
    assert_eq!(read_whole(&dir.join("salvage")).expect("readable"), before, "it is kept whole");
    replicate(new, &old.root, None).await.expect("a bootstrap");
    assert_eq!(compare_all(new, &old.root).await.status, ObjectStatus::InSync);
    salvaged
}

#[tokio::test]
async fn a_common_version_that_the_old_primary_cleaned_away_means_a_fresh_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    old.append_many(1..4);
    let new = TableRoot::Local(dir.path().join("new"));
    replicate(&old.root, &new, None).await.expect("a shipment");
    old.append_many(4..7);
    old.checkpoint_json();
    (0..=4).for_each(|version| old.remove_log(version));
    promote(&new, 1, "core", START_MS).await.expect("a promotion");
    let salvaged = starts_afresh(&old, &new, dir.path(), 3).await;
    assert_eq!((salvaged.first_version, salvaged.last_version, salvaged.commits), (None, Some(6), 2));
}

#[tokio::test]
async fn a_common_version_that_the_new_primary_cleaned_away_means_a_fresh_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    old.append_many(1..3);
    let new = TableRoot::Local(dir.path().join("new"));
    replicate(&old.root, &new, None).await.expect("a shipment");
    old.append("lost.parquet");
    promote(&new, 1, "core", START_MS).await.expect("a promotion");
    let mut live = Table::open(dir.path().join("new"));
    live.append_many(10..13);
    live.checkpoint_json();
    (0..=4).for_each(|version| live.remove_log(version));
    let salvaged = starts_afresh(&old, &new, dir.path(), 2).await;
    assert_eq!((salvaged.last_version, salvaged.commits), (Some(3), 1), "what had arrived is not lost");
}

#[tokio::test]
async fn of_a_table_that_the_new_primary_dropped_only_what_never_arrived_is_set_aside() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut old = Table::create(dir.path().join("old"));
    old.append("a.parquet");
    let new = TableRoot::Local(dir.path().join("new"));
    let known = replicate(&old.root, &new, None).await.expect("a shipment").position;
    let salvage_dir = TableRoot::Local(dir.path().join("salvage"));
    let nothing = salvage_dropped(&old.root, &known, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!((nothing.commits, nothing.folder), (0, None));
    old.append("lost.parquet");
    let salvaged = salvage_dropped(&old.root, &known, &salvage_dir, about(1)).await.expect("a salvage");
    assert_eq!((salvaged.common_version, salvaged.first_version, salvaged.commits), (Some(1), Some(2), 1));
    let at = START_MS + 2_000;
    assert_eq!(salvaged.committed_ms, Some((at, at)));
    assert_eq!(std::fs::read(dir.path().join("salvage/lost.parquet")).ok(), Some(content("lost.parquet")));
    assert_eq!(salvage_dropped(&old.root, &known, &salvage_dir, about(1)).await.expect("a salvage"), salvaged);
    let other = Position { sha256: "another".into(), ..known };
    let fault = salvage_dropped(&old.root, &other, &salvage_dir, about(1)).await.expect_err("not what arrived");
    assert!(matches!(fault.error(), DeltaError::NoCommonVersion { .. }), "{fault}");
}

#[tokio::test]
async fn many_tables_are_promoted_together_and_a_broken_one_touches_no_sibling() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut roots = Vec::new();
    for number in 0..60 {
        let path = dir.path().join(number.to_string());
        match number {
            30 => roots.push(TableRoot::Local(path)),
            _ => roots.push(Table::create(path).root),
        }
    }
    let results = promote_all(roots.clone(), 2, "core", START_MS).await;
    assert_eq!(results.len(), 60);
    for (number, result) in results.iter().enumerate() {
        match result {
            Ok(Promotion::Fenced { position }) => assert_eq!(position.version, 1),
            Err(fault) => assert!(number == 30 && matches!(fault.error(), DeltaError::NoLog { .. }), "{fault}"),
            other => panic!("{number}: {other:?}"),
        }
    }
    assert_eq!(newest_versions(std::sync::Arc::new(roots)).await.iter().filter(|v| **v == Some(1)).count(), 59);
}
