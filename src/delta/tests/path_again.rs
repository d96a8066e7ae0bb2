//! A path that is written again with other bytes of the same size: a name and a size tell no two files apart.

use super::dying::dies_after;
use super::pair::Pair;
use super::table::*;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Mutex};

const PATH: &str = "day=1/part-0.parquet";
const OLD: &[u8] = b"the rows of before";
const NEW: &[u8] = b"the rows of today!";

fn add_again(path: &str, size: usize, modified: i64) -> Value {
    json!({"add": {"path": path, "partitionValues": {}, "size": size, "modificationTime": modified, "dataChange": true}})
}

/// A pair that holds the old bytes, and where it is.
async fn pair() -> (Pair, Position) {
    let mut pair = Pair::new();
    pair.table.file(PATH, OLD);
    pair.table.commit(&[add_again(PATH, OLD.len(), START_MS)]);
    let position = pair.arrives(None).await.position;
    (pair, position)
}

fn write_over(pair: &Pair, rel: &str, bytes: &[u8]) {
    let before = std::fs::metadata(pair.table.path.join(rel)).expect("a file").len();
    assert_eq!(before, bytes.len() as u64, "the test needs files of one size");
    pair.table.file(rel, bytes);
}

fn at_replica(pair: &Pair, rel: &str) -> Vec<u8> {
    std::fs::read(pair.replica_path.join(rel)).expect("a file at the replica")
}

#[tokio::test]
async fn a_path_removed_and_added_again_is_copied_again() {
    for shipments in [1, 2, 3] {
        for remembered in [true, false] {
            let (mut pair, mut position) = pair().await;
            write_over(&pair, PATH, NEW);
            let go_on = async |pair: &Pair, position: &Position| {
                pair.ship(remembered.then_some(position)).await.expect("a shipment").position
            };
            pair.table.commit(&[remove(PATH)]);
            if shipments > 1 {
                position = go_on(&pair, &position).await;
            }
            if shipments > 2 {
                pair.table.append("between.parquet");
                position = go_on(&pair, &position).await;
            }
            pair.table.commit(&[add_again(PATH, NEW.len(), START_MS + 1)]);
            go_on(&pair, &position).await;
            assert_eq!(at_replica(&pair, PATH), NEW, "{shipments} shipments, remembered: {remembered}");
            pair.arrives(None).await;
        }
    }
}

#[tokio::test]
async fn a_path_added_again_without_a_remove_or_in_one_commit_with_it_is_copied_again() {
    for actions in [
        vec![add_again(PATH, NEW.len(), START_MS + 1)],
        vec![add_again(PATH, NEW.len(), START_MS + 1), remove(PATH)],
        vec![add_again("day=1/./part-0.parquet", NEW.len(), START_MS), remove(PATH)],
    ] {
        let (mut pair, position) = pair().await;
        write_over(&pair, PATH, NEW);
        pair.table.commit(&actions);
        pair.arrives(Some(&position)).await;
        assert_eq!(at_replica(&pair, PATH), NEW, "{actions:?}");
    }
}

#[tokio::test]
async fn files_of_deletion_vectors_and_change_data_are_copied_again() {
    let (id, name) = vector(7);
    let change = "_change_data/cdc-0.parquet";
    let cdc = json!({"cdc": {"path": change, "partitionValues": {}, "size": OLD.len(), "dataChange": false}});
    let (mut pair, _) = pair().await;
    pair.table.file(&name, OLD);
    pair.table.file(change, OLD);
    let deleted = with_vector(add_again(PATH, OLD.len(), START_MS), "u", &id, 1);
    pair.table.commit(&[remove(PATH), deleted.clone(), cdc.clone()]);
    let position = pair.arrives(None).await.position;
    write_over(&pair, &name, NEW);
    write_over(&pair, change, NEW);
    pair.table.commit(&[with_vector(remove(PATH), "u", &id, 1)]);
    pair.table.commit(&[deleted, cdc]);
    pair.arrives(Some(&position)).await;
    assert_eq!((at_replica(&pair, &name), at_replica(&pair, change)), (NEW.to_vec(), NEW.to_vec()));
}

#[tokio::test]
async fn a_checkpoint_or_checksum_that_is_written_again_is_copied_again() {
    let (mut pair, _) = pair().await;
    pair.table.append("a.parquet");
    let checkpoint = format!("_delta_log/{}", pair.table.checkpoint_json());
    let crc = log_path(pair.table.version(), "crc");
    pair.table.file(&crc, b"{\"numFiles\":2}");
    let position = pair.arrives(None).await.position;
    // The same actions in another order.
    let text = std::fs::read_to_string(pair.table.path.join(&checkpoint)).expect("a checkpoint");
    let reversed: String = text.lines().rev().map(|line| format!("{line}\n")).collect();
    write_over(&pair, &checkpoint, reversed.as_bytes());
    write_over(&pair, &crc, b"{\"numFiles\":3}");
    pair.table.append("b.parquet");
    pair.arrives(Some(&position)).await;
    assert_eq!(at_replica(&pair, &checkpoint), reversed.as_bytes());
    assert_eq!(at_replica(&pair, &crc), b"{\"numFiles\":3}");
}

#[tokio::test]
async fn the_newest_version_of_a_replica_never_shows_bytes_of_another_time() {
    let mut lived = false;
    for life in 0.. {
        let (mut pair, position) = pair().await;
        write_over(&pair, PATH, NEW);
        pair.table.commit(&[remove(PATH)]);
        pair.table.commit(&[add_again(PATH, NEW.len(), START_MS + 1)]);
        dies_after(&pair.replica_path, Some(life));
        lived = pair.ship(Some(&position)).await.is_ok();
        dies_after(&pair.replica_path, None);
        let (version, files) = read_whole(&pair.replica_path).expect("a whole version").expect("a table");
        let wanted = match version {
            1 => Some(OLD),
            2 => None,
            _ => Some(NEW),
        };
        assert_eq!(files.get(PATH).map(Vec::as_slice), wanted, "version {version}, killed after {life} changes");
        pair.arrives(Some(&position)).await;
        if lived {
            break;
        }
    }
    assert!(lived);
}

/// A ledger, and how often it was asked.
type Ledger = Arc<Mutex<HashMap<String, FileRecord>>>;

async fn ship_with(pair: &Pair, ledger: &Ledger, known: Option<&Position>) -> Shipped {
    let kept = ledger.clone();
    let kept: KeptFiles = Arc::new(move |path| kept.lock().expect("a ledger").get(path).cloned());
    let request = PlanRequest { kept: Some(kept), ..PlanRequest::new(&pair.table.root, &pair.replica, known) };
    let Plan::Ship(shipment) = plan(request).await.expect("a plan") else { panic!("something to ship") };
    let shipped = ship(vec![*shipment], &Transfer::default()).await.remove(0).expect("a shipment");
    ledger.lock().expect("a ledger").extend(shipped.files.iter().map(|file| (file.path.clone(), file.clone())));
    shipped
}

#[tokio::test]
async fn a_path_added_again_with_the_file_that_was_copied_is_not_read_again() {
    let mut pair = Pair::new();
    pair.table.file(PATH, OLD);
    pair.table.commit(&[add_again(PATH, OLD.len(), START_MS)]);
    let ledger = Ledger::default();
    let position = ship_with(&pair, &ledger, None).await.position;
    // The ledger says that this very file was copied; that the replica lost its bytes is for a deep comparison to find.
    std::fs::write(pair.replica_path.join(PATH), NEW).expect("damage");
    pair.table.commit(&[remove(PATH), with_vector(add_again(PATH, OLD.len(), START_MS), "i", "abcde", 0)]);
    let position = ship_with(&pair, &ledger, Some(&position)).await.position;
    assert_eq!(at_replica(&pair, PATH), NEW);
    // Written over with its old time, it is another file anyway.
    let time = File::open(pair.table.path.join(PATH)).and_then(|file| file.metadata()?.modified()).expect("a time");
    pair.table.file(PATH, b"the rows of later!");
    let set = File::options().append(true).open(pair.table.path.join(PATH)).and_then(|file| file.set_modified(time));
    set.expect("a time");
    pair.table.commit(&[add_again(PATH, NEW.len(), START_MS)]);
    ship_with(&pair, &ledger, Some(&position)).await;
    assert_eq!(at_replica(&pair, PATH), b"the rows of later!");
}

#[tokio::test]
async fn what_was_written_over_without_a_commit_is_found_against_the_source() {
    let (pair, _) = pair().await;
    let kept = Kept { files: [PATH].map(|path| (path.to_owned(), record(&pair, path))).into(), ..Kept::default() };
    let compared = async |kept: &Kept, depth| {
        compare(&pair.table.root, &pair.replica, kept, CompareOptions { up_to: None, depth }).await
    };
    assert_eq!(compared(&kept, Depth::Source).await.status, ObjectStatus::InSync);
    write_over(&pair, PATH, NEW);
    assert_eq!(compared(&kept, Depth::Ledger).await.status, ObjectStatus::InSync, "it is as it was copied");
    let found = compared(&kept, Depth::Source).await;
    assert_eq!((found.status, found.class), (ObjectStatus::Drifted, Some(ErrorClass::Drift)));
    assert_eq!(found.parameters.get("path").map(String::as_str), Some(PATH));
    let message = found.message.unwrap_or_default();
    assert!(message.contains(PATH) && message.contains("overwritten at the source"), "{message}");
    assert!(found.damaged.is_empty(), "the replica is as it was copied");
    // Without a ledger, it is unknown which of the two was changed.
    let found = compared(&Kept::default(), Depth::Source).await;
    assert_eq!((found.status, found.class), (ObjectStatus::Drifted, Some(ErrorClass::Drift)));
    // What the replica lost is told as its own.
    std::fs::write(pair.replica_path.join(PATH), b"something different").expect("damage");
    std::fs::write(pair.replica_path.join(PATH), b"something of else.").expect("damage");
    let found = compared(&kept, Depth::Source).await;
    assert_eq!(found.damaged, [PATH]);
}

fn record(pair: &Pair, path: &str) -> FileRecord {
    let bytes = at_replica(pair, path);
    FileRecord { path: path.to_owned(), size: bytes.len() as u64, sha256: log::sha256_hex(&bytes), stamp: None }
}
