//! A table and its replica, both on this disk.

use super::table::*;
use crate::delta::*;
use crate::domain::ObjectStatus;
use serde_json::{Value, json};
use std::path::PathBuf;

pub struct Pair {
    _dir: tempfile::TempDir,
    pub table: Table,
    pub replica: TableRoot,
    pub replica_path: PathBuf,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(json!({"minReaderVersion": 1, "minWriterVersion": 2}), json!({}))
    }

    pub fn with(protocol: Value, configuration: Value) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let table = Table::create_with(dir.path().join("source"), protocol, configuration);
        let replica_path = dir.path().join("replica");
        Self { table, replica: TableRoot::Local(replica_path.clone()), replica_path, _dir: dir }
    }

    pub async fn ship(&self, known: Option<&Position>) -> Result<Shipped, TableFault> {
        replicate(&self.table.root, &self.replica, known).await
    }

    pub async fn arrives(&self, known: Option<&Position>) -> Shipped {
        let shipped = self.ship(known).await.expect("a shipment");
        let compared = compare_all(&self.table.root, &self.replica).await;
        assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");
        assert_eq!(read_whole(&self.replica_path), read_whole(&self.table.path));
        shipped
    }

    pub async fn fault(&self) -> TableFault {
        let fault = self.ship(None).await.expect_err("a flagged table");
        assert!(!self.replica_path.join("_delta_log").join("00000000000000000000.json").exists());
        assert!(!fault.parameters.is_empty() && fault.message.ends_with('.'), "{fault:?}");
        fault
    }

    /// What a copy that is about to begin would bring.
    pub async fn planned(&self) -> Shipment {
        match plan(PlanRequest::new(&self.table.root, &self.replica, None)).await.expect("a plan") {
            Plan::Ship(shipment) => *shipment,
            Plan::UpToDate(_) => panic!("something to ship"),
        }
    }

    pub fn has(&self, rel: &str) -> bool {
        self.replica_path.join(rel).is_file()
    }
}
