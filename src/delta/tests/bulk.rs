//! Data that another program copies: only bytes go that way, and what it says of them is checked.

use super::pair::Pair;
use super::table::*;
use crate::delta::bulk::{BulkCopy, BulkJob, BulkOutcome};
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus, TransferLimit};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// How the other program behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Well,
    /// Writes other bytes of the same size, and says the source's hash.
    Lies,
    /// Says that it copied what it didn't.
    SaysMore,
    /// Ends after so many files.
    Dies(usize),
}

struct Other {
    way: Way,
    jobs: Mutex<Vec<usize>>,
    disbelieved: Mutex<Option<String>>,
}

fn folder(root: &TableRoot) -> PathBuf {
    match root {
        TableRoot::Local(path) => path.clone(),
        TableRoot::Remote { .. } | TableRoot::Ratified { .. } => unreachable!("both sides are local"),
    }
}

impl BulkCopy for Other {
    fn copy(&self, job: &BulkJob, said: &mut dyn FnMut(usize, BulkOutcome)) -> Result<(), String> {
        self.jobs.lock().expect("no test panics with it").push(job.files.len());
        for (number, file) in job.files.iter().enumerate() {
            if matches!(self.way, Way::Dies(after) if number >= after) {
                return Err("The Spark job ended with status 137".to_owned());
            }
            let (source, target) = &job.tables[file.table];
            let mut bytes = std::fs::read(folder(source).join(&file.path)).expect("a source file");
            let (size, sha256) = (bytes.len() as u64, crate::domain::hex(&Sha256::digest(&bytes)));
            let at = folder(target).join(&file.path);
            if file.check {
                let same = std::fs::read(&at).expect("a file") == bytes;
                said(number, if same { BulkOutcome::Same { size, sha256 } } else { BulkOutcome::Other });
                continue;
            }
            if self.way == Way::Lies {
                bytes.fill(0);
            }
            if self.way != Way::SaysMore {
                std::fs::create_dir_all(at.parent().expect("a folder")).expect("made");
                std::fs::write(&at, &bytes).expect("written");
            }
            said(number, BulkOutcome::Copied { size, sha256 });
        }
        Ok(())
    }

    fn disbelieve(&self, why: &str) {
        *self.disbelieved.lock().expect("no test panics with it") = Some(why.to_owned());
    }
}

fn other(way: Way) -> Arc<Other> {
    Arc::new(Other { way, jobs: Mutex::default(), disbelieved: Mutex::default() })
}

async fn ship_by(pair: &Pair, engine: &Arc<Other>, from: u64) -> Result<Shipped, TableFault> {
    let limits = Arc::new(TransferLimits::new(TransferLimit { bulk_from: from, ..TransferLimit::default() }));
    let transfer = Transfer { bulk: Some(engine.clone()), limits, ..Transfer::default() };
    ship(vec![pair.planned().await], &transfer).await.remove(0)
}

fn pair(files: u8) -> Pair {
    let mut pair = Pair::new();
    pair.table.append("day=1/b c%.parquet");
    pair.table.append_many(0..files);
    pair
}

fn jobs(engine: &Other) -> Vec<usize> {
    engine.jobs.lock().expect("no test panics with it").clone()
}

async fn is_in_sync(pair: &Pair) {
    let compared = compare_all(&pair.table.root, &pair.replica).await;
    assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}");
    assert_eq!(read_whole(&pair.replica_path), read_whole(&pair.table.path));
}

#[tokio::test]
async fn a_big_shipment_is_copied_by_the_other_program_and_a_small_one_here() {
    let big = pair(6);
    let engine = other(Way::Well);
    let shipped = ship_by(&big, &engine, 1).await.expect("a shipment");
    assert_eq!((jobs(&engine), shipped.files.len()), (vec![7], 7));
    assert!(shipped.files.iter().all(|file| file.stamp.is_some()), "the ledger knows the sources' fingerprints");
    is_in_sync(&big).await;

    let small = pair(6);
    let engine = other(Way::Well);
    ship_by(&small, &engine, 1 << 30).await.expect("a shipment");
    assert!(jobs(&engine).is_empty());
    is_in_sync(&small).await;
}

#[tokio::test]
async fn what_it_says_is_checked_before_a_commit_names_it() {
    for way in [Way::Lies, Way::SaysMore] {
        let pair = pair(6);
        let engine = other(way);
        ship_by(&pair, &engine, 1).await.expect("a shipment");
        is_in_sync(&pair).await;
        let why = engine.disbelieved.lock().expect("no test panics with it").clone();
        assert!(why.is_some_and(|why| why.contains("another one")), "{way:?}");
    }
}

#[tokio::test]
async fn a_job_that_dies_publishes_nothing_and_the_next_cycle_goes_on_with_the_rest() {
    let pair = pair(6);
    let fault = ship_by(&pair, &other(Way::Dies(3)), 1).await.expect_err("a dead job");
    assert_eq!(fault.class, ErrorClass::StorageFailure);
    assert!(fault.message.contains("status 137") && fault.class.is_transient(), "{fault}");
    assert!(!pair.has(&log_path(0, "json")), "no commit without its files");

    let engine = other(Way::Well);
    let shipped = ship_by(&pair, &engine, 1).await.expect("a shipment");
    // All seven go there again, and three are only compared.
    assert_eq!((jobs(&engine), shipped.files.len()), (vec![7], 7));
    is_in_sync(&pair).await;
}
