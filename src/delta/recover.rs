//! What a person can do with salvaged commits: look at their rows, append them to the live table, make a table of them,
//! export them. Nothing here happens by itself, and nothing in the salvage folder is changed.

mod append;
mod contents;
mod export;
mod features;
mod fits;
mod list;
mod rows;
mod table;

pub(super) use contents::{path_of, rows_of};
pub(super) use features::carries_time;
pub use list::SalvagedCommit;
pub use rows::RowsPreview;
pub(super) use rows::rows_in_file;

use super::place::{self, Place};
use super::{TableFault, TableRoot};
use contents::Salvage;
use rows::MOST_SHOWN;
use std::path::PathBuf;

/// Where salvaged commits lie and what they belong to.
#[derive(Debug, Clone)]
pub struct Recovering {
    /// The salvage folder.
    pub salvage: TableRoot,
    /// The table that the commits never reached; None where there is none any more.
    pub live: Option<TableRoot>,
    /// Now, in milliseconds since 1970.
    pub now_ms: i64,
}

/// The commits that lie in a salvage folder, oldest first.
pub async fn salvaged_commits(of: &Recovering) -> Result<Vec<SalvagedCommit>, TableFault> {
    with_salvage(of, list::list).await
}

/// The first hundred rows that some commits added.
pub async fn preview_salvaged(of: &Recovering, versions: Vec<i64>) -> Result<RowsPreview, TableFault> {
    with_salvage(of, move |salvage| rows::preview(salvage, &versions, MOST_SHOWN)).await
}

/// Appends commits to the live table, each as an ordinary commit with create-if-absent; the versions that they became.
///
/// One that is there already isn't appended again, so the call may be repeated. All are checked before one is appended.
pub async fn append_salvaged(of: &Recovering, versions: Vec<i64>) -> Result<Vec<i64>, TableFault> {
    let now_ms = of.now_ms;
    with_salvage(of, move |salvage| append::append(salvage, &versions, now_ms)).await
}

/// Makes a table of the rows of some commits at `target`, where none may be; how many rows it has, where that is known.
pub async fn table_of_salvaged(
    of: &Recovering,
    versions: Vec<i64>,
    target: &TableRoot,
) -> Result<Option<u64>, TableFault> {
    let (target, now_ms) = (target.clone(), of.now_ms);
    with_salvage(of, move |salvage| table::make(salvage, &versions, &*place::open(&target), now_ms)).await
}

/// Writes the Parquet files of some commits into a new folder on this machine, and a CSV file beside each that is simple
/// enough; the names of the files.
pub async fn export_salvaged(of: &Recovering, versions: Vec<i64>, folder: PathBuf) -> Result<Vec<String>, TableFault> {
    with_salvage(of, move |salvage| export::export(salvage, &versions, &folder)).await
}

async fn with_salvage<T: Send + 'static>(
    of: &Recovering,
    work: impl FnOnce(&Salvage) -> Result<T, super::DeltaError> + Send + 'static,
) -> Result<T, TableFault> {
    let (salvage, live) = (of.salvage.clone(), of.live.clone());
    place::blocking(&of.salvage, move || {
        let live: Option<std::sync::Arc<dyn Place>> = live.as_ref().map(place::open);
        work(&Salvage::open(place::open(&salvage), live)?)
    })
    .await
}
