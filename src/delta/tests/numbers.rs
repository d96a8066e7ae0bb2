//! Numbers at the end of their range.

use super::pair::Pair;
use super::table::*;
use crate::delta::*;
use crate::domain::ErrorClass;
use serde_json::json;
use std::fs;

/// A table whose only version is the highest that there is: a checkpoint, and its commit where it is kept.
fn at_the_last_version(with_commit: bool) -> Pair {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    let checkpoint = pair.table.checkpoint();
    let rename = |from: String, kind: &str| {
        fs::rename(pair.table.path.join(from), pair.table.path.join(log_path(i64::MAX, kind))).expect("another name");
    };
    rename(checkpoint, "checkpoint.parquet");
    if with_commit {
        rename(log_path(1, "json"), "json");
    } else {
        pair.table.remove_log(1);
    }
    pair.table.remove_log(0);
    pair
}

#[tokio::test]
async fn a_table_at_the_last_version_that_there_is_arrives_and_settles() {
    for with_commit in [true, false] {
        let pair = at_the_last_version(with_commit);
        let shipped = pair.arrives(None).await;
        assert_eq!((shipped.position.version, shipped.commits.len()), (i64::MAX, usize::from(with_commit)));
        for known in [None, Some(&shipped.position)] {
            let again = plan(PlanRequest::new(&pair.table.root, &pair.replica, known)).await;
            assert!(matches!(&again, Ok(Plan::UpToDate(found)) if *found == shipped.position), "{again:?}");
        }
        if with_commit {
            assert_eq!(has_changed(&pair.table.root, &shipped.position).await.expect("a look"), Change::Same);
        }
        let above = commits_since(&pair.table.root, i64::MAX).await.expect("a log");
        assert!(above.is_empty(), "{above:?}");
    }
}

#[tokio::test]
async fn a_stray_commit_with_the_last_number_is_a_gap() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    fs::write(pair.table.path.join(log_path(i64::MAX, "json")), format!("{}\n", info("WRITE"))).expect("a commit");
    let fault = pair.fault().await;
    let missing = (i64::MAX - 1).to_string();
    assert_eq!((fault.class, fault.parameters["version"].as_str()), (ErrorClass::LogGap, missing.as_str()));
}

#[tokio::test]
async fn sizes_that_no_disk_holds_are_summed_up_without_harm() {
    let mut pair = Pair::new();
    let huge = |rel: &str| {
        let mut action = add(rel);
        action["add"]["size"] = json!(u64::MAX);
        action["add"]["stats"] = json!({"numRecords": u64::MAX}).to_string().into();
        action
    };
    for rel in ["a.parquet", "b.parquet"] {
        pair.table.file(rel, &content(rel));
    }
    pair.table.commit(&[huge("a.parquet"), huge("b.parquet")]);
    assert_eq!(pair.planned().await.bytes_to_copy(), u64::MAX);
    let shipped = pair.arrives(None).await;
    assert_eq!(shipped.files.len(), 2);
    let commits = commits_since(&pair.table.root, 0).await.expect("a log");
    assert_eq!(commits.iter().map(|commit| commit.bytes_added).collect::<Vec<_>>(), [u64::MAX]);
}
