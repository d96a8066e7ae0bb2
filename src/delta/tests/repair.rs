//! Damage to a replica is found, named and mended; damage to its source is named and stays there.

use super::table::*;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use serde_json::json;
use std::path::PathBuf;

struct Pair {
    _dir: tempfile::TempDir,
    table: Table,
    replica: TableRoot,
    replica_path: PathBuf,
    kept: Kept,
}

impl Pair {
    /// Two data files in three versions, at both sides, with what the ledger keeps of them.
    async fn new() -> Self {
        Self::after(|_| {}).await
    }

    /// The same once `more` was done to the source.
    async fn after(more: impl FnOnce(&mut Table)) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut table = Table::create(dir.path().join("source"));
        table.append("a.parquet");
        table.append("b.parquet");
        more(&mut table);
        let replica_path = dir.path().join("replica");
        let replica = TableRoot::Local(replica_path.clone());
        let shipped = replicate(&table.root, &replica, None).await.expect("a shipment");
        let kept = Kept {
            files: shipped.files.into_iter().map(|file| (file.path.clone(), file)).collect(),
            commits: shipped.commits.into_iter().map(|commit| (commit.version, commit.sha256)).collect(),
        };
        Self { table, replica, replica_path, kept, _dir: dir }
    }

    async fn compare(&self, deep: bool) -> Comparison {
        compare(&self.table.root, &self.replica, &self.kept, CompareOptions { up_to: None, depth: deep.into() }).await
    }

    async fn mend(&self, damaged: &[String]) -> Repaired {
        repair(&self.table.root, &self.replica, damaged, &self.kept).await.expect("both sides answer")
    }
}

fn flip(path: PathBuf) {
    let mut bytes = std::fs::read(&path).expect("the file");
    bytes[10] ^= 4;
    std::fs::write(&path, bytes).expect("damage");
}

#[tokio::test]
async fn a_flipped_bit_is_found_named_and_mended_when_asked() {
    let pair = Pair::new().await;
    flip(pair.replica_path.join("a.parquet"));
    let compared = pair.compare(true).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Drifted, Some(ErrorClass::Drift)));
    assert_eq!(compared.damaged, ["a.parquet"]);
    assert_eq!((compared.parameters["path"].as_str(), compared.parameters["version"].as_str()), ("a.parquet", "1"));
    let message = compared.message.expect("a sentence");
    assert!(message.contains("a.parquet") && message.contains("version 1"), "{message}");
    assert_eq!(pair.compare(false).await.status, ObjectStatus::InSync, "only a deep comparison reads the bytes");
    assert_eq!(pair.mend(&compared.damaged).await.mended, ["a.parquet"]);
    assert_eq!(pair.compare(true).await.status, ObjectStatus::InSync);
}

#[tokio::test]
async fn files_and_commits_that_lack_or_were_changed_are_mended() {
    let pair = Pair::new().await;
    std::fs::remove_file(pair.replica_path.join("b.parquet")).expect("a loss");
    let compared = pair.compare(false).await;
    assert_eq!(compared.damaged, ["b.parquet"]);
    pair.mend(&compared.damaged).await;
    for version in [0, 1, 2] {
        let path = pair.replica_path.join(log_path(version, "json"));
        std::fs::write(&path, b"{\"txn\":{}}\n").expect("damage");
        let compared = pair.compare(false).await;
        assert_eq!((compared.class, compared.strayed), (Some(ErrorClass::Drift), false), "{compared:?}");
        assert_eq!(compared.damaged, [log_path(version, "json")]);
        pair.mend(&compared.damaged).await;
        let times = |path: PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).expect("a time");
        assert_eq!(times(path), times(pair.table.path.join(log_path(version, "json"))), "time travel goes by it");
    }
    std::fs::remove_file(pair.replica_path.join(log_path(1, "json"))).expect("a loss");
    let compared = pair.compare(false).await;
    assert_eq!(compared.damaged, [log_path(1, "json")]);
    pair.mend(&compared.damaged).await;
    assert_eq!(pair.compare(true).await.status, ObjectStatus::InSync);
}

/// Loses a file of the replica, expects it to be named, and mends it.
async fn loses(pair: &Pair, path: &str, named: &[&str]) {
    std::fs::remove_file(pair.replica_path.join(path)).expect("a loss");
    let compared = pair.compare(false).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Drifted, Some(ErrorClass::Drift)), "{path}");
    assert_eq!(compared.damaged, named, "{path}");
    assert!(compared.message.expect("a sentence").contains(named[0]), "{path}");
    assert!(pair.mend(&compared.damaged).await.unmendable.is_empty(), "{path}");
    assert_eq!(pair.compare(true).await.status, ObjectStatus::InSync, "{path}");
}

#[tokio::test]
async fn what_a_reader_begins_with_is_named_and_mended() {
    let first = log_path(0, "json");
    loses(&Pair::new().await, &first, &[&first]).await;

    for json in [true, false] {
        let mut names = Vec::new();
        let pair = Pair::after(|table| names = table.checkpoint_with_sidecar(json).to_vec()).await;
        let [top, sidecar] = &names[..] else { panic!("{names:?}") };
        loses(&pair, sidecar, &[sidecar]).await;
        flip(pair.replica_path.join(sidecar));
        assert_eq!(pair.compare(true).await.damaged, [sidecar.as_str()]);
        assert_eq!(pair.mend(std::slice::from_ref(sidecar)).await.mended.len(), 1);
        // Without the first commits, the checkpoint is all that a reader has to begin with.
        for side in [&pair.table.path, &pair.replica_path] {
            (0..2).for_each(|version| std::fs::remove_file(side.join(log_path(version, "json"))).expect("cleaned"));
        }
        loses(&pair, top, &[top]).await;
    }
}

#[tokio::test]
async fn a_log_without_its_beginning_is_mended_with_the_checkpoint_that_stands_for_it_now() {
    let pair = Pair::new().await;
    let checkpoint = pair.table.checkpoint();
    (0..2).for_each(|version| pair.table.remove_log(version));
    loses(&pair, &log_path(0, "json"), &[&checkpoint]).await;
}

#[tokio::test]
async fn damage_of_the_source_is_named_and_never_copied() {
    let pair = Pair::new().await;
    let good = std::fs::read(pair.replica_path.join("a.parquet")).expect("the replica's");
    flip(pair.table.path.join("a.parquet"));
    assert_eq!(pair.mend(&["a.parquet".to_owned()]).await.unmendable, ["a.parquet"]);
    assert_eq!(std::fs::read(pair.replica_path.join("a.parquet")).ok(), Some(good));

    std::fs::write(pair.table.path.join("a.parquet"), b"cut").expect("damage");
    let compared = pair.compare(false).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Failed, Some(ErrorClass::MissingDataFile)));
    assert!(compared.damaged.is_empty() && compared.message.expect("a sentence").contains("source"));
}

#[tokio::test]
async fn a_changed_commit_of_the_source_is_no_drift_of_the_replica() {
    let pair = Pair::new().await;
    let path = log_path(2, "json");
    let mut lines = std::fs::read(pair.table.path.join(&path)).expect("the commit");
    lines.extend_from_slice(b"{\"txn\":{\"appId\":\"a\",\"version\":1}}\n");
    std::fs::write(pair.table.path.join(&path), lines).expect("damage");
    let compared = pair.compare(false).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Failed, Some(ErrorClass::CorruptLog)));
    assert!(compared.damaged.is_empty() && !compared.strayed, "{compared:?}");
    assert_eq!(pair.mend(std::slice::from_ref(&path)).await.unmendable, [path]);
}

#[tokio::test]
async fn what_somebody_committed_to_the_replica_is_drift() {
    let mut pair = Pair::new().await;
    let mut replica = Table::open(pair.replica_path.clone());
    replica.append("stray.parquet");
    let compared = pair.compare(false).await;
    assert_eq!(
        (compared.status, compared.class, compared.strayed),
        (ObjectStatus::Drifted, Some(ErrorClass::Drift), true)
    );
    assert_eq!(compared.parameters["version"], "3");
    pair.table.commit(&[json!({"txn": {"appId": "a", "version": 1}})]);
    let compared = pair.compare(false).await;
    assert_eq!((compared.status, compared.strayed), (ObjectStatus::Drifted, true), "{compared:?}");
}

#[tokio::test]
async fn a_table_made_again_is_behind_until_the_next_cycle() {
    let mut pair = Pair::new().await;
    std::fs::remove_dir_all(&pair.table.path).expect("a drop");
    pair.table = Table::create(pair.table.path.clone());
    pair.table.append_many(0..4);
    let compared = pair.compare(false).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Lagging, None), "{compared:?}");
}

#[tokio::test]
async fn a_table_that_never_arrived_says_why_where_there_is_a_reason() {
    let mut pair = Pair::new().await;
    let nowhere = TableRoot::Local(pair.replica_path.join("nowhere"));
    let compared = compare(&pair.table.root, &nowhere, &Kept::default(), CompareOptions::default()).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Missing, None));
    pair.table.commit(&[json!({"add": {"path": "s3://lake/t/a.parquet", "size": 1, "partitionValues": {}, "modificationTime": 1, "dataChange": true}})]);
    let compared = compare(&pair.table.root, &nowhere, &Kept::default(), CompareOptions::default()).await;
    assert_eq!((compared.status, compared.class), (ObjectStatus::Failed, Some(ErrorClass::AbsolutePath)));
}

#[tokio::test]
async fn a_version_is_held_as_long_as_log_and_files_are_there() {
    let mut pair = Pair::new().await;
    let hash = pair.kept.commits[&1].clone();
    let found = check_point(&pair.replica, 1, &hash).await.expect("read");
    assert_eq!(found, PointCheck { problem: None, by_timestamp: true });
    assert!(check_point(&pair.replica, 1, "another").await.expect("read").problem.is_some());
    pair.table.commit(&[remove("a.parquet")]);
    replicate(&pair.table.root, &pair.replica, None).await.expect("a shipment");
    std::fs::remove_file(pair.replica_path.join("a.parquet")).expect("a VACUUM");
    let problem = check_point(&pair.replica, 1, &hash).await.expect("read").problem.expect("gone");
    assert!(problem.contains("a.parquet"), "{problem}");
    let problem = check_point(&pair.replica, 9, &hash).await.expect("read").problem.expect("never there");
    assert!(problem.contains("version 9"), "{problem}");
    assert_eq!(oldest_version(&pair.replica).await.expect("read"), Some(0));
    assert!(named_files(&pair.replica).await.expect("read").contains("a.parquet"), "version 1 names it");
}
