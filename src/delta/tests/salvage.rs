//! Promotion, and what happens to the old primary afterwards.

use super::table::*;
use crate::delta::*;
use crate::domain::ObjectStatus;

fn about(epoch: u64) -> SalvageAbout {
    SalvageAbout { table: "main.sales.orders".into(), group: "core".into(), epoch, now_ms: START_MS + 1_000_000 }
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
