//! What isn't a file, where a log or a reader expects one: pipes, links that lead nowhere, names that no disk takes.

use super::pair::Pair;
use super::table::*;
use crate::delta::*;
use crate::domain::ErrorClass;
use rustix::fs::{CWD, FileType, Mode};
use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn pipe(folder: &Path, rel: &str) -> PathBuf {
    let path = folder.join(rel);
    let _ = std::fs::remove_file(&path);
    rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
    path
}

/// Fails where the work waits for the pipe, which is served then, because the test would wait for its threads.
async fn in_time<T>(pipe: &Path, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(20), work).await;
    let _served = done.is_err().then(|| File::options().read(true).write(true).open(pipe));
    done.expect("nothing waits for a pipe")
}

#[tokio::test]
async fn a_pipe_for_a_live_file_is_a_missing_file() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let pipe = pipe(&pair.table.path, "a.parquet");
    let fault = in_time(&pipe, pair.fault()).await;
    assert_eq!((fault.class, fault.parameters["path"].as_str()), (ErrorClass::MissingDataFile, "a.parquet"));
}

#[tokio::test]
async fn a_pipe_for_a_file_of_history_is_a_vacuumed_file() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.commit(&[info("DELETE"), remove("a.parquet")]);
    let pipe = pipe(&pair.table.path, "a.parquet");
    assert_eq!(in_time(&pipe, pair.arrives(None)).await.unreadable, ["a.parquet"]);
}

#[tokio::test]
async fn a_pipe_in_the_log_is_not_there() {
    for name in [log_path(3, "json"), log_path(2, "crc"), log_path(1, "checkpoint.parquet")] {
        let mut pair = Pair::new();
        pair.table.append_many(0..2);
        let pipe = pipe(&pair.table.path, &name);
        let shipped = in_time(&pipe, pair.arrives(None)).await;
        assert_eq!(shipped.position.version, 2, "{name}");
        assert_eq!(has_changed(&pair.table.root, &shipped.position).await.expect("a look"), Change::Same);
        assert_up_to_date(&pair, &shipped.position).await;
    }
    let mut pair = Pair::new();
    pair.table.append_many(0..2);
    let pipe = pipe(&pair.table.path, &log_path(1, "json"));
    assert_eq!(in_time(&pipe, pair.fault()).await.class, ErrorClass::LogGap);
}

#[tokio::test]
async fn a_pipe_at_the_replica_is_replaced() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    std::fs::create_dir_all(&pair.replica_path).expect("a folder");
    let pipe = pipe(&pair.replica_path, "a.parquet");
    in_time(&pipe, pair.arrives(None)).await;
}

#[tokio::test]
async fn a_link_to_nowhere_in_the_log_is_not_there() {
    let compacted = "_delta_log/00000000000000000000.00000000000000000002.compacted.json".to_owned();
    for name in [log_path(3, "json"), log_path(2, "crc"), log_path(1, "checkpoint.parquet"), compacted] {
        let mut pair = Pair::new();
        pair.table.append_many(0..2);
        symlink("/nowhere/x", pair.table.path.join(&name)).expect("a link");
        let shipped = pair.arrives(None).await;
        assert_eq!(shipped.position.version, 2, "{name}");
        assert_up_to_date(&pair, &shipped.position).await;
    }
}

#[tokio::test]
async fn a_link_to_a_file_is_that_file() {
    let mut pair = Pair::new();
    pair.table.append_many(0..2);
    for rel in [log_path(1, "json"), log_path(2, "json")] {
        let (path, real) = (pair.table.path.join(&rel), pair.table.path.join(format!("{rel}.real")));
        std::fs::rename(&path, &real).expect("another name");
        symlink(&real, &path).expect("a link");
    }
    let shipped = pair.arrives(None).await;
    assert_eq!(shipped.position.version, 2);
    assert_up_to_date(&pair, &shipped.position).await;
}

#[tokio::test]
async fn a_live_file_that_is_a_circle_of_links_or_has_too_long_a_name_is_missing() {
    let mut pair = Pair::new();
    pair.table.commit(&[info("WRITE"), add("a.parquet")]);
    symlink("a.parquet", pair.table.path.join("a.parquet")).expect("a link");
    let fault = pair.fault().await;
    assert_eq!((fault.class, fault.parameters["path"].as_str()), (ErrorClass::MissingDataFile, "a.parquet"));

    let mut pair = Pair::new();
    pair.table.commit(&[info("WRITE"), add(&too_long())]);
    assert_eq!(pair.fault().await.class, ErrorClass::MissingDataFile);
}

#[tokio::test]
async fn too_long_a_name_in_history_holds_nothing_up() {
    let mut pair = Pair::new();
    pair.table.commit(&[info("WRITE"), add(&too_long())]);
    pair.table.commit(&[info("DELETE"), remove(&too_long())]);
    let shipped = pair.arrives(None).await;
    assert_eq!(shipped.unreadable, [too_long()]);
    assert_up_to_date(&pair, &shipped.position).await;
}

#[tokio::test]
async fn a_path_that_is_too_long_only_at_the_replica_is_an_error() {
    let mut pair = Pair::new();
    // Single names fit; the whole of a path ends at 4,096 bytes, and the replica lies some folders deeper.
    let rel = vec!["x".repeat(200); 19].join("/");
    pair.table.append(&rel);
    let deep = pair.replica_path.join(vec!["y".repeat(100); 4].join("/"));
    let fault = replicate(&pair.table.root, &TableRoot::Local(deep.clone()), None).await.expect_err("no such path");
    assert_eq!(fault.class, ErrorClass::StorageFailure);
    assert!(fault.message.contains(&rel) && fault.message.ends_with('.'), "{fault:?}");
    assert!(!deep.join(log_path(0, "json")).exists());
}

fn too_long() -> String {
    format!("{}.parquet", "x".repeat(300))
}

/// Nothing is left to ship: a plan that remembers nothing says so too.
async fn assert_up_to_date(pair: &Pair, position: &Position) {
    for known in [None, Some(position)] {
        match plan(PlanRequest::new(&pair.table.root, &pair.replica, known)).await.expect("a plan") {
            Plan::UpToDate(found) => assert_eq!(found, *position),
            Plan::Ship(shipment) => panic!("{shipment:?} finds more to ship"),
        }
    }
}

#[tokio::test]
async fn what_lies_where_a_file_is_written_is_taken_away() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.append("b.parquet");
    let elsewhere = pair.table.path.with_file_name("elsewhere");
    std::fs::write(&elsewhere, b"keep").expect("a file");
    std::fs::create_dir_all(pair.replica_path.join("_delta_log")).expect("a folder");
    let staged = |name: &str| crate::delta::place::staged_name(name);
    let pipe = pipe(&pair.replica_path, &staged("a.parquet"));
    symlink(&elsewhere, pair.replica_path.join(staged("b.parquet"))).expect("a link");
    let commit = log_path(0, "json");
    std::fs::hard_link(&elsewhere, pair.replica_path.join("_delta_log").join(staged(&commit))).expect("a name");
    in_time(&pipe, pair.arrives(None)).await;
    assert_eq!(std::fs::read(&elsewhere).expect("the file"), b"keep");
}

#[tokio::test]
async fn a_link_to_a_device_is_not_there() {
    for name in ["a.parquet", "_delta_log/00000000000000000001.json", "_delta_log/_last_checkpoint"] {
        let mut pair = Pair::new();
        pair.table.append("a.parquet");
        let path = pair.table.path.join(name);
        let _ = std::fs::remove_file(&path);
        symlink("/dev/zero", &path).expect("a link");
        match pair.ship(None).await {
            Ok(shipped) => assert!(name != "a.parquet" && shipped.bytes_copied < 10_000, "{name}"),
            Err(fault) => assert_eq!(fault.class, ErrorClass::MissingDataFile, "{name}"),
        }
    }
}
