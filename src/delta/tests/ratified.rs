//! A table whose commits its catalog ratifies: what the catalog says is what arrives.

use super::table::*;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a reader must know, and what a writer must know beside it.
const READER: [&str; 4] = ["catalogManaged", "deletionVectors", "v2Checkpoint", "vacuumProtocolCheck"];
const WRITER: [&str; 1] = ["inCommitTimestamp"];

struct Managed {
    _dir: tempfile::TempDir,
    path: PathBuf,
    replica: PathBuf,
    ratified: RatifiedCommits,
}

fn info_at(version: i64) -> Value {
    json!({"commitInfo": {"inCommitTimestamp": 1_790_000_000_000_i64 + version, "timestamp": 0, "operation": "WRITE", "txnId": version.to_string()}})
}

impl Managed {
    fn new(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let (path, replica) = (dir.path().join("source"), dir.path().join("replica"));
        std::fs::create_dir_all(path.join("_delta_log/_staged_commits")).expect("a folder");
        let table = Self { path, replica, ratified: RatifiedCommits::default(), _dir: dir };
        let writer: Vec<&str> = READER.iter().chain(&WRITER).chain(more).copied().collect();
        let schema =
            json!({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": true, "metadata": {}}]});
        let lines = [
            info_at(0),
            json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": READER, "writerFeatures": writer}}),
            json!({"metaData": {"id": "22222222-2222-4222-8222-222222222222", "format": {"provider": "parquet", "options": {}},
                "schemaString": schema.to_string(), "partitionColumns": [], "createdTime": 0, "configuration": {
                "io.unitycatalog.tableId": "t1", "delta.enableInCommitTimestamps": "true"}}}),
        ];
        table.write("_delta_log/00000000000000000000.json", &lines);
        table
    }

    fn write(&self, rel: &str, lines: &[Value]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(self.path.join(rel), text).expect("written");
    }

    /// Stages a commit; nobody has ratified it.
    fn stage(&self, version: i64) -> String {
        let file = format!("part-{version}.parquet");
        std::fs::write(self.path.join(&file), format!("rows {version}")).expect("written");
        let add =
            json!({"add": {"path": file, "partitionValues": {}, "size": 6, "modificationTime": 0, "dataChange": true}});
        let name = format!("{version:020}.{}.json", uuid::Uuid::new_v4());
        self.write(&format!("_delta_log/_staged_commits/{name}"), &[info_at(version), add]);
        name
    }

    fn ratify(&mut self, version: i64) {
        let name = self.stage(version);
        self.ratified.staged.insert(version, name);
        self.ratified.latest = version;
    }

    fn publish(&mut self, version: i64) {
        let name = self.ratified.staged.remove(&version).expect("it is staged");
        let staged = self.path.join("_delta_log/_staged_commits").join(name);
        std::fs::rename(staged, self.path.join(log_path(version, "json"))).expect("published");
    }

    fn root(&self) -> TableRoot {
        let ratified = self.ratified.clone();
        let ask: AskCommits = Arc::new(move || {
            let ratified = ratified.clone();
            Box::pin(async move { Ok(ratified) })
        });
        TableRoot::Ratified { root: Box::new(TableRoot::Local(self.path.clone())), ask }
    }

    async fn ship(&self, known: Option<&Position>) -> Result<Shipped, TableFault> {
        replicate(&self.root(), &TableRoot::Local(self.replica.clone()), known).await
    }
}

fn line(path: &Path, version: i64, key: &str) -> Value {
    let text = std::fs::read_to_string(path.join(log_path(version, "json"))).expect("a commit");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.find_map(|line| line.get(key).cloned()).expect("the action")
}

#[tokio::test]
async fn ratified_commits_arrive_in_order_published_or_not_and_nothing_beyond_them() {
    let mut table = Managed::new(&[]);
    table.ratify(1);
    table.ratify(2);
    // Staged by a writer that lost, and put into the log by one that asked nobody.
    table.stage(3);
    table.write("_delta_log/00000000000000000003.json", &[info_at(3)]);
    let shipped = table.ship(None).await.expect("a shipment");
    assert_eq!((shipped.position.version, shipped.commits.len(), shipped.files.len()), (2, 3, 2));
    assert_eq!(read_whole(&table.replica).expect("readable").expect("a version").0, 2);
    let protocol = line(&table.replica, 0, "protocol");
    assert_eq!(protocol["readerFeatures"], json!(READER[1..]), "no reader of the replica needs a catalog");
    assert_eq!(line(&table.replica, 0, "metaData")["configuration"], json!({"delta.enableInCommitTimestamps": "true"}));
    let compared = compare_all(&table.root(), &TableRoot::Local(table.replica.clone())).await;
    assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");

    // Publishing changes nothing; the next commit is shipped alone.
    table.publish(1);
    table.publish(2);
    std::fs::remove_file(table.path.join(log_path(3, "json"))).expect("removed");
    let known = shipped.position;
    let plan = plan(PlanRequest::new(&table.root(), &TableRoot::Local(table.replica.clone()), Some(&known))).await;
    assert!(matches!(plan.expect("a plan"), Plan::UpToDate(_)));
    table.ratify(3);
    let shipped = table.ship(Some(&known)).await.expect("a shipment");
    assert_eq!((shipped.position.version, shipped.commits.len()), (3, 1));
    let compared = compare_all(&table.root(), &TableRoot::Local(table.replica.clone())).await;
    assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");
}

#[tokio::test]
async fn a_feature_that_the_replica_could_not_keep_is_named() {
    let table = Managed::new(&["icebergCompatV3"]);
    let fault = table.ship(None).await.expect_err("a flagged table");
    assert_eq!(
        (fault.class, fault.parameters["feature"].as_str()),
        (ErrorClass::CatalogManagedCommits, "icebergCompatV3")
    );
    assert!(!table.replica.join(log_path(0, "json")).exists());
}

#[tokio::test]
async fn a_log_that_was_cleaned_below_a_checkpoint_is_flagged() {
    let mut table = Managed::new(&[]);
    table.ratify(1);
    std::fs::remove_file(table.path.join(log_path(0, "json"))).expect("cleaned");
    let fault = table.ship(None).await.expect_err("a flagged table");
    assert_eq!(fault.class, ErrorClass::LogGap, "{fault}");
}
