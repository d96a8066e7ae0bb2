//! Shipping an ordinary table, from nothing and onwards.

use super::table::*;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use serde_json::json;
use std::os::unix::fs::MetadataExt;

fn dirs() -> (tempfile::TempDir, std::path::PathBuf, TableRoot) {
    let dir = tempfile::tempdir().expect("a folder");
    let (source, replica) = (dir.path().join("source"), TableRoot::Local(dir.path().join("replica")));
    (dir, source, replica)
}

fn replica_path(root: &TableRoot) -> std::path::PathBuf {
    match root {
        TableRoot::Local(path) => path.clone(),
        TableRoot::Remote { .. } | TableRoot::Ratified { .. } => unreachable!("the replica is local"),
    }
}

#[tokio::test]
async fn a_table_arrives_whole_and_goes_on() {
    let (_dir, path, replica) = dirs();
    let mut table = Table::create(path);
    table.append("a.parquet");
    table.append("day=1/b c%.parquet");
    let shipped = replicate(&table.root, &replica, None).await.expect("a shipment");
    assert_eq!(shipped.position.version, 2);
    assert_eq!(shipped.position.table_id, table.id());
    assert_eq!(shipped.commits.len(), 3);
    assert_eq!(shipped.files.len(), 2);
    let compared = compare_all(&table.root, &replica).await;
    assert_eq!((compared.status, compared.files), (ObjectStatus::InSync, 2), "{compared:?}");
    assert_eq!(has_changed(&table.root, &shipped.position).await.expect("a look"), Change::Same);

    table.append("c.parquet");
    assert_eq!(has_changed(&table.root, &shipped.position).await.expect("a look"), Change::Changed);
    let compared = compare_all(&table.root, &replica).await;
    assert_eq!(compared.status, ObjectStatus::Lagging);
    let next = replicate(&table.root, &replica, Some(&shipped.position)).await.expect("a shipment");
    assert_eq!((next.position.version, next.commits.len(), next.files.len()), (3, 1, 1));
    assert_eq!(compare_all(&table.root, &replica).await.status, ObjectStatus::InSync);
    assert_eq!(read_whole(&replica_path(&replica)), read_whole(&table.path));
}

#[tokio::test]
async fn commit_times_are_kept_on_a_local_disk() {
    let (_dir, path, replica) = dirs();
    let mut table = Table::create(path);
    table.append("a.parquet");
    replicate(&table.root, &replica, None).await.expect("a shipment");
    for version in 0..=1 {
        let of = |root: &std::path::Path| {
            let metadata = std::fs::metadata(root.join(log_path(version, "json"))).expect("a commit");
            (metadata.mtime(), metadata.mtime_nsec())
        };
        assert_eq!(of(&table.path), of(&replica_path(&replica)));
    }
}

#[tokio::test]
async fn a_commit_of_somebody_else_in_the_slot_stops_the_table() {
    let (_dir, path, replica) = dirs();
    let mut table = Table::create(path);
    let shipped = replicate(&table.root, &replica, None).await.expect("a shipment");
    Table::open(replica_path(&replica)).commit(&[info("WRITE")]);
    table.append("a.parquet");
    let fault = replicate(&table.root, &replica, Some(&shipped.position)).await.expect_err("a split brain");
    assert_eq!(fault.class, ErrorClass::SplitBrain);
    assert_eq!(fault.parameters["version"], "1");
    assert_eq!(compare_all(&table.root, &replica).await.class, Some(ErrorClass::SplitBrain));
}

#[tokio::test]
async fn deletion_vectors_and_change_data_arrive() {
    let (_dir, path, replica) = dirs();
    let mut table = Table::create(path);
    table.append("a.parquet");
    let (id, name) = vector(7);
    table.file(&format!("ab/{name}"), b"vector");
    table.file("_change_data/cdc.parquet", &content("_change_data/cdc.parquet"));
    let cdc =
        json!({"cdc": {"path": "_change_data/cdc.parquet", "size": 1, "partitionValues": {}, "dataChange": false}});
    table.commit(&[
        info("DELETE"),
        remove("a.parquet"),
        with_vector(add("a.parquet"), "u", &format!("ab{id}"), 1),
        cdc,
    ]);
    let shipped = replicate(&table.root, &replica, None).await.expect("a shipment");
    let mut paths: Vec<_> = shipped.files.iter().map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["_change_data/cdc.parquet", "a.parquet", &format!("ab/{name}")]);
    assert_eq!(compare_all(&table.root, &replica).await.status, ObjectStatus::InSync);
}
