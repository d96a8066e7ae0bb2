//! The same behaviour where source or replica lies in an object store.

use super::table::*;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use std::sync::Arc;

fn bucket() -> Arc<dyn ObjectStore> {
    Arc::new(InMemory::new())
}

fn at(store: &Arc<dyn ObjectStore>, prefix: &str) -> TableRoot {
    TableRoot::Remote {
        store: store.clone(),
        prefix: prefix.into(),
        uri: format!("memory://bucket/{prefix}"),
        home: None,
        login: None,
    }
}

fn local(path: std::path::PathBuf) -> TableRoot {
    TableRoot::Local(path)
}

async fn arrives(from: &TableRoot, to: &TableRoot, known: Option<&Position>) -> Shipped {
    let shipped = replicate(from, to, known).await.expect("a shipment");
    let compared = compare_all(from, to).await;
    assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");
    shipped
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_only_a_disk_resolves_is_no_name_in_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    let add = |path: &str| serde_json::json!({"add": {"path": path, "size": 13, "partitionValues": {}, "modificationTime": 1, "dataChange": true}});
    for path in ["./a.parquet", "b/../a.parquet", "%2E/a.parquet", "b/%2e%2e/a.parquet"] {
        let mut table = Table::create(dir.path().join(uuid::Uuid::new_v4().to_string()));
        let (store, replica) = (at(&bucket(), "lake/t"), local(table.path.with_extension("replica")));
        let begun = arrives(&table.root, &store, None).await.position;
        table.file("a.parquet", b"bytes of a..");
        table.commit(&[add(path)]);
        for known in [None, Some(&begun)] {
            let fault = replicate(&table.root, &store, known).await.expect_err("a flagged table");
            assert_eq!((fault.class, fault.parameters["path"].as_str()), (ErrorClass::CorruptLog, path));
        }
        assert_eq!(compare_all(&table.root, &store).await.status, ObjectStatus::Failed);
        // On a disk it is resolved.
        arrives(&table.root, &replica, None).await;
        table.commit(&[serde_json::json!({"remove": {"path": path, "deletionTimestamp": 1, "dataChange": true}})]);
        arrives(&table.root, &store, Some(&begun)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_goes_from_disk_to_store_to_store_to_disk() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("source"));
    for rel in ["p=a b/1.parquet", "p=a%20b/2.parquet", "ü#?.parquet"] {
        table.append(rel);
    }
    table.checkpoint_with_sidecar(false);
    table.hint(3);
    table.file("big.parquet", &vec![7; 20 << 20]);
    table.commit(&[serde_json::json!({"add": {"path": "big.parquet", "size": 20 << 20, "partitionValues": {}, "modificationTime": 1, "dataChange": true}})]);
    let (one, two) = (bucket(), bucket());
    let (first, second) = (at(&one, "lake/t"), at(&two, "other/deep/t"));
    let back = local(dir.path().join("back"));
    let shipped = arrives(&table.root, &first, None).await;
    let onward = arrives(&first, &second, None).await;
    assert_eq!(onward.position.sha256, shipped.position.sha256);
    arrives(&second, &back, None).await;
    assert_eq!(read_whole(&dir.path().join("back")), read_whole(&table.path));
    let key = object_store::path::Path::parse("lake/t/p=a%20b/2.parquet").expect("a key");
    assert!(one.head(&key).await.is_ok(), "nothing in a key is encoded");

    assert_eq!(has_changed(&first, &onward.position).await.expect("a look"), Change::Same);
    table.append("more.parquet");
    arrives(&table.root, &first, Some(&shipped.position)).await;
    assert_eq!(has_changed(&first, &onward.position).await.expect("a look"), Change::Changed);
    let next = arrives(&first, &second, Some(&onward.position)).await;
    assert_eq!((next.position.version, next.files.len()), (5, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_in_a_store_is_promoted_and_the_old_primary_salvaged() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("source"));
    table.append("a.parquet");
    let store = bucket();
    let (old, new, salvage_dir) = (at(&store, "old"), at(&store, "new"), at(&store, "salvage"));
    arrives(&table.root, &old, None).await;
    let shipped = arrives(&old, &new, None).await;
    table.append("lost.parquet");
    let disk = latest(&table.root).await.expect("a version").expect("a table").position;
    arrives(&table.root, &old, None).await;
    assert_eq!(disk.version, 2);

    let Promotion::Fenced { position } = promote(&new, 3, "core", START_MS).await.expect("a promotion") else {
        panic!("the table can be fenced")
    };
    assert_eq!(promote(&new, 3, "core", START_MS).await.expect("a promotion"), Promotion::Fenced { position });
    let stale = promote(&new, 2, "core", START_MS).await.expect_err("an older epoch");
    assert_eq!(stale.parameters["epoch"], "3");
    let late = replicate(&old, &new, Some(&shipped.position)).await.expect_err("the late writer meets the fence");
    assert_eq!(late.class, ErrorClass::SplitBrain);

    let about = SalvageAbout { table: "t".into(), group: "core".into(), epoch: 3, now_ms: START_MS, arrived: None };
    let salvaged = salvage(&old, &new, &salvage_dir, about.clone()).await.expect("a salvage");
    assert_eq!((salvaged.common_version, salvaged.commits, salvaged.files), (Some(1), 1, 1));
    assert_eq!(salvage(&old, &new, &salvage_dir, about.clone()).await.expect("a salvage"), salvaged);
    arrives(&new, &old, salvaged.position.as_ref()).await;

    let whole = salvage_whole(&at(&store, "old"), &at(&store, "salvage-whole"), about).await.expect("a salvage");
    assert_eq!(whole.last_version, Some(2));
    assert!(latest(&at(&store, "old")).await.expect("a look").is_none());
    assert_eq!(latest(&at(&store, "salvage-whole")).await.expect("a look").map(|found| found.version), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_made_again_replaces_a_replica_in_a_store() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("source"));
    table.append_many(0..3);
    let store = bucket();
    let replica = at(&store, "replica");
    let first = arrives(&table.root, &replica, None).await;
    std::fs::remove_dir_all(&table.path).expect("a drop");
    let mut table = Table::create(table.path.clone());
    table.append("new.parquet");
    let second = arrives(&table.root, &replica, Some(&first.position)).await;
    assert_eq!((second.position.version, second.position.table_id.as_str()), (1, table.id()));
    let kept = latest(&at(&store, "replica/_resilience/replaced/1")).await.expect("a look").expect("the old log");
    assert_eq!(kept.position.table_id, first.position.table_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_without_a_byte_is_none_in_a_store_either() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("source"));
    table.append("a.parquet");
    let source = at(&bucket(), "source");
    let shipped = arrives(&table.root, &source, None).await;
    let empty = object_store::path::Path::parse("source/_delta_log/00000000000000000001.checkpoint.parquet");
    let TableRoot::Remote { store, .. } = &source else { panic!("a store") };
    store.put(&empty.expect("a key"), Vec::new().into()).await.expect("an object");
    let replica = at(&bucket(), "replica");
    let first = arrives(&source, &replica, None).await;
    table.append("b.parquet");
    arrives(&table.root, &source, Some(&shipped.position)).await;
    arrives(&source, &replica, Some(&first.position)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkpoint_that_comes_late_is_held_against_the_files_in_the_store() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("source"));
    table.append_many(0..20);
    let replica = at(&bucket(), "replica");
    let first = arrives(&table.root, &replica, None).await;
    table.append("true.parquet");
    table.checkpoint();
    let Plan::Ship(shipment) =
        plan(PlanRequest::new(&table.root, &replica, Some(&first.position))).await.expect("a plan")
    else {
        panic!("something to ship")
    };
    assert_eq!(shipment.files.len(), 1, "an ordinary cycle brings nothing but what is new");
    let second = arrives(&table.root, &replica, Some(&first.position)).await;

    table.append("wrong.parquet");
    let mut lines = table.state_lines();
    lines.push(add("only-in-checkpoint.parquet"));
    table.file(&log_path(22, "checkpoint.parquet"), &super::parquet_checkpoint::parquet_of(&lines));
    let fault = replicate(&table.root, &replica, Some(&second.position)).await.expect_err("a flagged table");
    assert_eq!(fault.class, ErrorClass::CorruptLog, "{fault:?}");
}
