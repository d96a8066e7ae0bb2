//! What a Delta table may hold that a careless copy gets wrong.

use super::pair::Pair;
use super::table::*;
use crate::delta::place::staged_name;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use serde_json::json;
use std::path::PathBuf;

#[tokio::test]
async fn encoded_paths_are_decoded_once() {
    let mut pair = Pair::new();
    for rel in ["p=a b/1.parquet", "p=a%20b/2.parquet", "p=10:00/3.parquet", "ü#?.parquet", "p=a%2Fb/4.parquet"] {
        pair.table.append(rel);
    }
    let shipped = pair.arrives(None).await;
    assert_eq!(shipped.files.len(), 5);
    assert!(pair.has("p=a%20b/2.parquet"));
}

#[tokio::test]
async fn paths_that_point_back_at_the_source_are_flagged() {
    let outside = ["s3://lake/t/a.parquet", "/lake/t/a.parquet", "file:///lake/t/a.parquet", "../other/a.parquet"];
    for path in outside {
        for action in [
            json!({"add": {"path": path, "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}}),
            json!({"cdc": {"path": path, "size": 1, "partitionValues": {}, "dataChange": false}}),
        ] {
            let mut pair = Pair::new();
            pair.table.commit(&[info("WRITE"), action]);
            let fault = pair.fault().await;
            assert_eq!(fault.class, ErrorClass::AbsolutePath, "{path}");
            // An absolute path may lead into the very table.
            assert!(fault.message.contains("is absolute or leads out of the table's folder"), "{}", fault.message);
            assert_eq!(fault.parameters["path"], path);
        }
    }
    let mut pair = Pair::new();
    pair.table.commit(&[with_vector(add("a.parquet"), "p", "s3://lake/t/vector.bin", 1)]);
    assert_eq!(pair.fault().await.class, ErrorClass::AbsolutePath);
}

#[tokio::test]
async fn a_path_that_leaves_a_folder_and_stays_in_the_table_is_one_of_its_files() {
    let mut pair = Pair::new();
    let spelled = |path: &str| json!({"add": {"path": path, "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}});
    for (path, rel) in [("a/../b.parquet", "b.parquet"), ("p=1/%2E%2E/q=2/c.parquet", "q=2/c.parquet")] {
        pair.table.file(rel, &content(rel));
        pair.table.commit(&[info("WRITE"), spelled(path)]);
    }
    let shipped = pair.arrives(None).await;
    let files: Vec<_> = shipped.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(files, ["b.parquet", "q=2/c.parquet"]);
    let again = pair.arrives(None).await;
    assert_eq!((again.files.len(), again.position), (0, shipped.position));
}

#[tokio::test]
async fn folders_that_a_path_leads_through_are_there_too() {
    let mut pair = Pair::new();
    pair.table.append("first.parquet");
    let begun = pair.arrives(None).await;
    let spelled = |path: &str| json!({"add": {"path": path, "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}});
    for (path, rel) in [("a/../b.parquet", "b.parquet"), ("p/q/%2E%2E/c.parquet", "p/c.parquet")] {
        pair.table.file(rel, &content(rel));
        pair.table.commit(&[info("WRITE"), spelled(path)]);
    }
    for folder in ["a", "p/q"] {
        std::fs::create_dir_all(pair.table.path.join(folder)).expect("a folder");
    }
    // As a disk goes, which is how DuckDB does.
    let opens = |path: &str| std::fs::read(pair.replica_path.join(path)).is_ok();
    let both = |opens: &dyn Fn(&str) -> bool| opens("a/../b.parquet") && opens("p/q/../c.parquet");
    let shipped = pair.arrives(Some(&begun.position)).await;
    assert!(both(&opens));

    for folder in ["a", "p/q"] {
        std::fs::remove_dir(pair.replica_path.join(folder)).expect("an empty folder");
    }
    let compared = compare_all(&pair.table.root, &pair.replica).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Drifted, Some(ErrorClass::Drift)));
    assert!(compared.message.expect("a sentence").contains("is missing the folder a/, without which"));
    let mended = repair(&pair.table.root, &pair.replica, &compared.damaged, &Kept::default()).await.expect("a repair");
    assert_eq!(mended.mended, ["a/", "p/q/"]);
    assert!(both(&opens));

    std::fs::remove_dir(pair.replica_path.join("a")).expect("an empty folder");
    assert_eq!(pair.arrives(None).await.position, shipped.position);
    assert!(both(&opens));

    let copy = pair.replica_path.with_file_name("copy");
    let target = TableRoot::Local(copy.clone());
    copy_version(&pair.replica, &target, shipped.position.version).await.expect("a copy");
    assert!(both(&|path| std::fs::read(copy.join(path)).is_ok()));
}

#[tokio::test]
async fn a_folder_that_the_source_lacks_too_is_not_made() {
    let mut pair = Pair::new();
    pair.table.file("b.parquet", &content("b.parquet"));
    pair.table.commit(&[info("WRITE"), json!({"add": {"path": "a/../b.parquet", "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}})]);
    pair.arrives(None).await;
    assert!(!pair.replica_path.join("a").exists());
}

#[tokio::test]
async fn an_absolute_path_in_a_checkpoint_is_flagged() {
    let mut pair = Pair::new();
    pair.table.commit(&[json!({"add": {"path": "s3://lake/t/a.parquet", "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}})]);
    pair.table.checkpoint();
    (0..=1).for_each(|version| pair.table.remove_log(version));
    pair.table.append("b.parquet");
    assert_eq!(pair.ship(None).await.expect_err("a flagged table").class, ErrorClass::AbsolutePath);
}

#[tokio::test]
async fn a_shallow_clone_is_named_as_one() {
    let mut pair = Pair::new();
    let clone = json!({"commitInfo": {"operation": "CLONE", "operationParameters": {"isShallow": true}}});
    let action = json!({"add": {"path": "s3://lake/t/a.parquet", "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}});
    pair.table.commit(&[action, clone]);
    assert_eq!(pair.fault().await.class, ErrorClass::ShallowClone);
}

#[tokio::test]
async fn one_file_of_deletion_vectors_serves_many_adds() {
    let mut pair = Pair::new();
    let (id, name) = vector(9);
    pair.table.file(&name, b"two vectors");
    for rel in ["a.parquet", "b.parquet", "c.parquet"] {
        pair.table.append(rel);
    }
    pair.table.commit(&[
        // In any order: an add may stand before the remove that it follows.
        with_vector(add("a.parquet"), "u", &id, 1),
        remove("a.parquet"),
        remove("b.parquet"),
        with_vector(add("b.parquet"), "u", &id, 40),
        remove("c.parquet"),
        with_vector(add("c.parquet"), "i", "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", 0),
    ]);
    let shipped = pair.arrives(None).await;
    assert_eq!(shipped.files.iter().filter(|file| file.path == name).count(), 1);
    assert_eq!(shipped.files.len(), 4);
}

#[tokio::test]
async fn a_path_that_is_added_again_is_not_copied_again() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let first = pair.arrives(None).await;
    let (id, name) = vector(3);
    pair.table.file(&name, b"vector");
    pair.table.commit(&[remove("a.parquet"), with_vector(add("a.parquet"), "u", &id, 1)]);
    let second = pair.arrives(Some(&first.position)).await;
    let commit = std::fs::metadata(pair.table.path.join(log_path(2, "json"))).expect("a commit").len();
    assert_eq!(second.bytes_copied, commit + b"vector".len() as u64);
}

#[tokio::test]
async fn a_restored_file_comes_again_when_the_replica_lost_it() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.commit(&[info("DELETE"), remove("a.parquet")]);
    let first = pair.arrives(None).await;
    std::fs::remove_file(pair.replica_path.join("a.parquet")).expect("a VACUUM on the replica");
    pair.table.commit(&[info("RESTORE"), add("a.parquet")]);
    let second = pair.arrives(Some(&first.position)).await;
    assert_eq!(second.files.len(), 1);
}

#[tokio::test]
async fn in_commit_timestamps_are_the_commit_times() {
    let mut pair = Pair::new();
    pair.table.commit(&[json!({"commitInfo": {"inCommitTimestamp": 42, "operation": "WRITE"}})]);
    assert_eq!(pair.arrives(None).await.position.time_ms, 42);
}

#[tokio::test]
async fn a_vacuumed_file_of_history_is_no_fault() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.commit(&[info("DELETE"), remove("a.parquet")]);
    std::fs::remove_file(pair.table.path.join("a.parquet")).expect("a VACUUM");
    let shipped = pair.arrives(None).await;
    assert_eq!(shipped.unreadable, ["a.parquet"]);
}

#[tokio::test]
async fn a_live_file_that_is_missing_is_named() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    std::fs::remove_file(pair.table.path.join("a.parquet")).expect("a loss");
    let fault = pair.fault().await;
    assert_eq!(fault.class, ErrorClass::MissingDataFile);
    assert_eq!(fault.parameters["path"], "a.parquet");
}

#[tokio::test]
async fn a_file_vacuumed_under_the_copy_is_planned_again() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.append("b.parquet");
    let shipment = pair.planned().await;
    pair.table.commit(&[info("DELETE"), remove("a.parquet")]);
    std::fs::remove_file(pair.table.path.join("a.parquet")).expect("a VACUUM");
    let shipped = ship(vec![shipment], &Transfer::default()).await.remove(0).expect("a shipment");
    assert_eq!((shipped.position.version, shipped.unreadable.as_slice()), (3, ["a.parquet".to_owned()].as_slice()));
    pair.arrives(Some(&shipped.position)).await;
}

#[tokio::test]
async fn a_log_cleaned_under_the_copy_does_no_harm() {
    // Large commits are read again when they are due, and then are not there any more.
    for padding in [0, 2 << 20] {
        let mut pair = Pair::new();
        pair.table.append_many(0..2);
        pair.table.commit(&[json!({"txn": {"appId": "x".repeat(padding), "version": 1}})]);
        pair.table.append("last.parquet");
        let shipment = pair.planned().await;
        pair.table.checkpoint();
        (0..4).for_each(|version| pair.table.remove_log(version));
        let shipped = ship(vec![shipment], &Transfer::default()).await.remove(0).expect("a shipment");
        assert_eq!(shipped.position.version, 4);
        pair.arrives(Some(&shipped.position)).await;
    }
}

#[tokio::test]
async fn a_table_made_again_under_the_copy_arrives_as_the_new_one() {
    let mut pair = Pair::new();
    pair.table.append_many(0..4);
    let shipment = pair.planned().await;
    recreate(&mut pair);
    pair.table.append("new.parquet");
    let shipped = ship(vec![shipment], &Transfer::default()).await.remove(0);
    let shipped = pair.arrives(shipped.ok().map(|shipped| shipped.position).as_ref()).await;
    assert_eq!(shipped.position.table_id, pair.table.id());
}

#[tokio::test]
async fn a_table_renamed_under_the_copy_leaves_nothing_that_reads_as_one() {
    let mut pair = Pair::new();
    pair.table.append_many(0..4);
    let shipment = pair.planned().await;
    let renamed = pair.table.path.with_file_name("renamed");
    std::fs::rename(&pair.table.path, &renamed).expect("renamed");
    let fault = ship(vec![shipment], &Transfer::default()).await.remove(0).expect_err("it is not there");
    assert!(fault.class.is_transient(), "{fault:?}");
    assert!(!pair.has(&log_path(0, "json")));
    pair.table = Table::open(renamed);
    pair.arrives(None).await;
}

#[tokio::test]
async fn a_gap_in_the_log_is_flagged() {
    let mut pair = Pair::new();
    pair.table.append_many(0..4);
    pair.table.remove_log(2);
    let fault = pair.fault().await;
    assert_eq!((fault.class, fault.parameters["version"].as_str()), (ErrorClass::LogGap, "2"));
}

#[tokio::test]
async fn a_log_cleaned_beyond_the_replica_is_shipped_afresh() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let first = pair.arrives(None).await;
    pair.table.append_many(0..4);
    pair.table.checkpoint();
    (0..5).for_each(|version| pair.table.remove_log(version));
    pair.table.append("last.parquet");
    let second = pair.arrives(Some(&first.position)).await;
    assert_eq!(second.position.version, 6);
    assert_eq!(read_version(&pair.replica_path, 1).map(|files| files.len()), Ok(1), "its own history stays");
}

#[tokio::test]
async fn unknown_actions_and_fields_survive_byte_for_byte() {
    let mut pair = Pair::new();
    let bytes = b"{\"commitInfo\":{\"z\":1,\"a\":1.0e5}}\n\n  {\"future\":{\"x\":null}}\r\n{\"txn\":{\"appId\":\"a\",\"version\":1}}\n\
        {\"domainMetadata\":{\"domain\":\"d\",\"configuration\":\"{}\",\"removed\":false}}";
    let version = pair.table.commit_bytes(bytes);
    pair.arrives(None).await;
    assert_eq!(std::fs::read(pair.replica_path.join(log_path(version, "json"))).ok().as_deref(), Some(&bytes[..]));
}

#[tokio::test]
async fn a_corrupt_commit_or_checkpoint_is_flagged() {
    for bytes in [&b"{\"add\":{\"path\""[..], b"[1]\n", b"{\"add\":{\"size\":1}}\n"] {
        let mut pair = Pair::new();
        pair.table.commit_bytes(bytes);
        let fault = pair.fault().await;
        assert_eq!((fault.class, fault.parameters["version"].as_str()), (ErrorClass::CorruptLog, "1"));
    }
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let name = pair.table.checkpoint();
    pair.table.file(&name, b"PAR1 and nothing else");
    let fault = pair.fault().await;
    assert_eq!((fault.class, fault.parameters["path"].as_str()), (ErrorClass::CorruptLog, name.as_str()));
}

#[tokio::test]
async fn commits_that_the_catalog_manages_are_flagged() {
    for feature in ["catalogManaged", "catalogOwned-preview"] {
        let features = json!([feature, "inCommitTimestamp"]);
        let protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": [feature], "writerFeatures": features});
        let fault = Pair::with(protocol, json!({})).fault().await;
        assert_eq!((fault.class, fault.parameters["feature"].as_str()), (ErrorClass::CatalogManagedCommits, feature));
    }
    let protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [], "writerFeatures": []});
    let configuration = json!({"delta.coordinatedCommits.commitCoordinator-preview": "dynamodb"});
    assert_eq!(Pair::with(protocol, configuration).fault().await.class, ErrorClass::CatalogManagedCommits);
}

#[tokio::test]
async fn an_unknown_reader_feature_is_shipped_and_named() {
    let protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors", "teleport"], "writerFeatures": ["deletionVectors", "teleport"]});
    let mut pair = Pair::with(protocol, json!({}));
    pair.table.append("a.parquet");
    pair.ship(None).await.expect("a shipment");
    let compared = compare_all(&pair.table.root, &pair.replica).await;
    assert_eq!((compared.status, compared.parameters["feature"].as_str()), (ObjectStatus::Unverifiable, "teleport"));
}

fn recreate(pair: &mut Pair) {
    std::fs::remove_dir_all(&pair.table.path).expect("a drop");
    pair.table = Table::create(pair.table.path.clone());
}

fn replaced(pair: &Pair, number: u32) -> PathBuf {
    pair.replica_path.join(format!("_resilience/replaced/{number}"))
}

#[tokio::test]
async fn a_table_made_again_under_its_path_replaces_the_replica_whole() {
    for remember in [true, false] {
        let mut pair = Pair::new();
        pair.table.append_many(0..3);
        let first = pair.arrives(None).await;
        let before = read_whole(&pair.replica_path);
        recreate(&mut pair);
        pair.table.append("new.parquet");
        let known = remember.then_some(&first.position);
        let Plan::Ship(shipment) =
            plan(PlanRequest::new(&pair.table.root, &pair.replica, known)).await.expect("a plan")
        else {
            panic!("something to ship")
        };
        assert_eq!(shipment.generation, Generation::New);
        assert_eq!(read_whole(&pair.replica_path), before);
        let shipped = pair.arrives(known).await;
        assert_eq!((shipped.position.version, shipped.position.table_id.as_str()), (1, pair.table.id()));
        assert_eq!(read_whole(&replaced(&pair, 1)), before, "the old replica is kept aside");
        pair.table.append("more.parquet");
        pair.arrives(Some(&shipped.position)).await;

        recreate(&mut pair);
        pair.arrives(Some(&shipped.position)).await;
        assert!(replaced(&pair, 1).exists());
    }
}

#[tokio::test]
async fn a_table_made_again_and_already_longer_is_no_split_brain() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let first = pair.arrives(None).await;
    recreate(&mut pair);
    pair.table.append_many(0..5);
    let shipped = pair.arrives(Some(&first.position)).await;
    assert_eq!(shipped.position.version, 5);
}

#[tokio::test]
async fn a_source_that_is_put_back_to_an_older_version_is_a_new_generation() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.append("b.parquet");
    let first = pair.arrives(None).await;
    pair.table.remove_log(2);
    assert_eq!(pair.ship(None).await.expect_err("unknown who is right").class, ErrorClass::SplitBrain);
    let second = pair.arrives(Some(&first.position)).await;
    assert_eq!(second.position.version, 1);
}

#[tokio::test]
async fn files_left_by_a_killed_attempt_are_not_trusted() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let mut wrong = content("a.parquet");
    wrong[3] ^= 1;
    std::fs::create_dir_all(&pair.replica_path).expect("a folder");
    std::fs::write(pair.replica_path.join("a.parquet"), wrong).expect("a leftover");
    let staged = pair.replica_path.join(staged_name("a.parquet"));
    std::fs::write(&staged, b"half").expect("a leftover");
    pair.arrives(None).await;
    assert!(!staged.exists());
}

#[tokio::test]
async fn names_that_look_like_the_products_own_are_a_tables_files() {
    let names = ["a.parquet", ".a.parquet.resilience", "..a.parquet.resilience.resilience", ".resilience-building"];
    let mut pair = Pair::new();
    for again in [false, true] {
        if again {
            recreate(&mut pair);
        }
        for rel in names {
            pair.table.append(rel);
        }
        let shipped = pair.arrives(None).await;
        assert_eq!(shipped.generation, if again { Generation::New } else { Generation::Same });
        assert_eq!(shipped.files.len(), names.len());
    }
    // A name that another file could have while it is being written.
    let staged = staged_name("a.parquet");
    pair.table.append(&staged);
    let fault = pair.ship(None).await.expect_err("a flagged table");
    assert_eq!((fault.class, fault.parameters["path"].as_str()), (ErrorClass::CorruptLog, staged.as_str()));
}
