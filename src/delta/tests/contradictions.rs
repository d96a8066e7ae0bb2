//! Checkpoints and compactions that say something else than the commits. Other readers open them first.

use super::pair::Pair;
use super::parquet_checkpoint::parquet_of;
use super::table::*;
use crate::delta::*;
use crate::domain::ErrorClass;
use serde_json::{Value, json};

/// How the checkpoint of a table's newest version is changed.
type Change = fn(&mut Vec<Value>);

/// Writes a checkpoint of the newest version with its actions changed, in one file or with a sidecar; returns its name.
fn checkpoint_with(table: &Table, change: Change, sidecar: bool) -> String {
    let mut lines = table.state_lines();
    change(&mut lines);
    if !sidecar {
        let name = format!("_delta_log/{:020}.checkpoint.parquet", table.version());
        table.file(&name, &parquet_of(&lines));
        return name;
    }
    let [top, sidecar] = table.checkpoint_with_sidecar(true);
    let (files, mut rest): (Vec<Value>, Vec<Value>) = lines.into_iter().partition(|line| line.get("add").is_some());
    table.file(&sidecar, &parquet_of(&files));
    rest.push(json!({"sidecar": {"path": sidecar.rsplit('/').next(), "sizeInBytes": 1, "modificationTime": 1}}));
    table.file(&top, rest.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes());
    top
}

const UNNAMED: Change = |lines| lines.push(add("only-in-checkpoint.parquet"));
const LACKING: Change = |lines| lines.retain(|line| line["add"]["path"] != "b.parquet");
const OUTSIDE: Change = |lines| {
    for line in lines.iter_mut().filter(|line| line.get("add").is_some()) {
        line["add"]["path"] = json!(format!("file:///lake/t/{}", line["add"]["path"].as_str().unwrap_or_default()));
    }
};
const MANAGED: Change = |lines| {
    let protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["catalogManaged"], "writerFeatures": ["catalogManaged"]});
    lines.retain(|line| line.get("protocol").is_none());
    lines.push(json!({"protocol": protocol}));
};

fn table() -> Pair {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.append("b.parquet");
    pair.table.commit(&[info("DELETE"), remove("a.parquet")]);
    pair.table.file("only-in-checkpoint.parquet", &content("only-in-checkpoint.parquet"));
    pair
}

#[tokio::test]
async fn a_checkpoint_that_contradicts_whole_commits_is_flagged() {
    let removed: Change = |lines| lines.push(add("a.parquet"));
    for (change, class) in [
        (UNNAMED, ErrorClass::CorruptLog),
        (LACKING, ErrorClass::CorruptLog),
        (removed, ErrorClass::CorruptLog),
        (OUTSIDE, ErrorClass::AbsolutePath),
    ] {
        for sidecar in [false, true] {
            let mut pair = table();
            checkpoint_with(&pair.table, change, sidecar);
            pair.table.append("c.parquet");
            let fault = pair.fault().await;
            assert_eq!(fault.class, class, "{fault:?}");
            let named = fault.message.contains("The checkpoint of version 3 of ");
            assert_eq!(named, class == ErrorClass::CorruptLog, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_checkpoint_that_hands_commits_to_the_catalog_against_them_is_flagged() {
    let mut pair = table();
    checkpoint_with(&pair.table, MANAGED, true);
    assert_eq!(pair.fault().await.class, ErrorClass::CatalogManagedCommits);
    pair.table.append("c.parquet");
    assert_eq!(pair.fault().await.class, ErrorClass::CatalogManagedCommits);
}

#[tokio::test]
async fn a_checkpoint_of_the_time_when_the_catalog_managed_the_commits_arrives() {
    let managed = json!({"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["catalogManaged"], "writerFeatures": ["catalogManaged"]});
    let mut pair = Pair::with(managed, json!({}));
    pair.table.append("a.parquet");
    let checkpoint = pair.table.checkpoint_json();
    let plain = json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [], "writerFeatures": []});
    pair.table.commit(&[info("DROP FEATURE"), json!({"protocol": plain})]);
    pair.arrives(None).await;
    assert!(pair.has(&format!("_delta_log/{checkpoint}")));
}

#[tokio::test]
async fn an_older_checkpoint_is_held_against_the_commits_too() {
    for (change, class) in [(UNNAMED, ErrorClass::CorruptLog), (OUTSIDE, ErrorClass::AbsolutePath)] {
        let mut pair = table();
        checkpoint_with(&pair.table, change, true);
        pair.table.append("c.parquet");
        pair.table.checkpoint();
        assert_eq!(pair.fault().await.class, class);
    }
}

#[tokio::test]
async fn a_checkpoint_that_comes_in_an_ordinary_cycle_is_held_against_what_arrived() {
    for (change, class) in [
        (UNNAMED, ErrorClass::CorruptLog),
        (OUTSIDE, ErrorClass::AbsolutePath),
        (MANAGED, ErrorClass::CatalogManagedCommits),
    ] {
        let mut pair = table();
        let first = pair.arrives(None).await;
        checkpoint_with(&pair.table, change, true);
        pair.table.append("c.parquet");
        assert_eq!(pair.ship(Some(&first.position)).await.expect_err("a flagged table").class, class);
    }
}

#[tokio::test]
async fn a_true_checkpoint_of_an_ordinary_cycle_arrives() {
    let mut pair = table();
    let first = pair.arrives(None).await;
    let (id, name) = vector(9);
    pair.table.file(&name, b"a vector");
    pair.table.commit(&[remove("b.parquet"), with_vector(add("b.parquet"), "u", &id, 1)]);
    let second = pair.arrives(Some(&first.position)).await;
    pair.table.append("c.parquet");
    let [top, sidecar] = pair.table.checkpoint_with_sidecar(true);
    pair.table.append("d.parquet");
    let Plan::Ship(shipment) =
        plan(PlanRequest::new(&pair.table.root, &pair.replica, Some(&second.position))).await.expect("a plan")
    else {
        panic!("something to ship")
    };
    assert_eq!(shipment.files.len(), 2, "an ordinary cycle brings nothing but what is new");
    let third = pair.arrives(Some(&second.position)).await;
    assert!(pair.has(&top) && pair.has(&sidecar));

    // A replica that lost a live file isn't a fault of the source: the file comes again.
    std::fs::remove_file(pair.replica_path.join("c.parquet")).expect("a loss");
    pair.table.append("e.parquet");
    pair.table.checkpoint();
    pair.arrives(Some(&third.position)).await;
    assert!(pair.has("c.parquet"));
}

#[tokio::test]
async fn a_tombstone_in_a_checkpoint_may_be_called_anything() {
    let mut pair = table();
    let tombstone: Change = |lines| lines.push(json!({"remove": {"path": "s3://lake/t/x.parquet"}}));
    checkpoint_with(&pair.table, tombstone, true);
    pair.table.append("c.parquet");
    pair.arrives(None).await;
}

#[tokio::test]
async fn a_compaction_that_contradicts_the_commits_stays_behind() {
    let name = "_delta_log/00000000000000000001.00000000000000000003.compacted.json";
    let protocol = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
        "readerFeatures": ["catalogManaged"], "writerFeatures": ["catalogManaged"]}});
    for content in [
        json!({"add": {"path": "file:///lake/t/b.parquet", "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}}),
        add("only-in-checkpoint.parquet"),
        json!({"add": {}}),
        protocol,
    ] {
        let mut pair = table();
        pair.table.file(name, format!("{content}\n").as_bytes());
        let first = pair.arrives(None).await;
        assert!(!pair.has(name), "{content}");
        pair.table.append("c.parquet");
        pair.ship(Some(&first.position)).await.expect("a shipment");
        assert!(!pair.has(name), "{content}");
    }
}
