//! Brings shipments over: files first, one sync, then commits in order.

mod bulk;
mod identity;
mod load;
mod publish;
mod swap;

use super::record::{CommitRecord, FileRecord};
use super::{DeltaError, Generation, Position, Shipment, TableFault, Transfer, place, pool};
pub(super) use identity::{Sameness, same_file};
use load::{Job, Load};
use std::path::PathBuf;

/// What a shipment brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// Where the destination is now. Lower than planned when it was stopped.
    pub position: Position,
    /// Commits that arrived, in order.
    pub commits: Vec<CommitRecord>,
    /// Files that arrived: data, change data, deletion vectors, checkpoints and sidecars.
    pub files: Vec<FileRecord>,
    /// Whether the destination's table was replaced by another, so that what is known of the old one's files is void.
    pub generation: Generation,
    /// Files that retained history names and that the source cannot read any more either.
    pub unreadable: Vec<String>,
    /// Bytes copied.
    pub bytes_copied: u64,
}

/// Copies all shipments with one worker pool and one sync for all their files, then publishes each table's commits in
/// order. A fault in one shipment does not touch its siblings. The results are in the order of `batch`.
pub async fn ship(batch: Vec<Shipment>, transfer: &Transfer) -> Vec<Result<Shipped, TableFault>> {
    let transfer = transfer.clone();
    let tables: Vec<String> = batch.iter().map(|shipment| shipment.destination.display()).collect();
    match tokio::task::spawn_blocking(move || ship_blocking(batch, &transfer)).await {
        Ok(results) => results.into_iter().map(|result| result.map_err(TableFault::from)).collect(),
        Err(error) => {
            let detail = error.to_string();
            let faults = tables.into_iter().map(|table| DeltaError::Interrupted { table, detail: detail.clone() });
            faults.map(|fault| Err(fault.into())).collect()
        }
    }
}

/// How often a shipment is planned again because its source moved under the copy.
const REPLANS: usize = 3;

fn ship_blocking(batch: Vec<Shipment>, transfer: &Transfer) -> Vec<Result<Shipped, DeltaError>> {
    let mut loads: Vec<Load> = batch.into_iter().map(Load::new).collect();
    pool::each(&loads, transfer.parallel, |load| load.attempt(|| load.prepare()));
    for round in 0..=REPLANS {
        bulk::copy_outside(&loads, transfer);
        copy_all(&loads, transfer);
        let mut again = false;
        for load in &mut loads {
            again |= load.check_source(round < REPLANS);
        }
        if !again {
            break;
        }
    }
    fail::fail_point!("delta.before_data_sync");
    sync(&loads, Load::take_copied);
    fail::fail_point!("delta.after_data_copy");
    pool::each(&loads, transfer.parallel, |load| load.attempt(|| load.publish_commits(transfer)));
    fail::fail_point!("delta.after_commits");
    sync(&loads, Load::take_published);
    pool::each(&loads, transfer.parallel, |load| load.attempt(|| load.publish_rest()));
    loads.into_iter().map(Load::into_result).collect()
}

/// Copies everything that the loads still need, over one pool, the biggest first so that none is left for the end.
fn copy_all(loads: &[Load], transfer: &Transfer) {
    let mut jobs: Vec<(u64, &Load, Job)> =
        loads.iter().flat_map(|load| load.jobs().into_iter().map(move |(size, job)| (size, load, job))).collect();
    jobs.sort_by_key(|(size, ..)| std::cmp::Reverse(*size));
    pool::each(&jobs, transfer.parallel, |(_, load, job)| load.attempt(|| load.run(*job, transfer)));
}

/// Syncs what `paths` takes from every load that is still well, once for all of them.
fn sync(loads: &[Load], paths: impl Fn(&Load) -> Vec<PathBuf>) {
    let mut files = Vec::new();
    let mut places = Vec::new();
    for load in loads.iter().filter(|load| load.is_well()) {
        if let Some(place) = load.target().local() {
            files.extend(paths(load));
            places.push(place);
        }
    }
    if let Err(error) = place::sync_batch(&files, &places) {
        for load in loads.iter().filter(|load| load.target().local().is_some()) {
            load.attempt(|| Err(error.clone()));
        }
    }
}
