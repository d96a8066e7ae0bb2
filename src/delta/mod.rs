//! A Delta table's log as bytes: reading it, shipping it to another place, comparing, fencing, salvaging.
//!
//! The log is never rewritten. A commit arrives byte for byte, after every file that it names, under the number that it
//! has at the source, with create-if-absent. So shipping needs no support for any table feature, and a replica is always
//! some whole version of its source.
//!
//! Everything here works on two [`TableRoot`]s and keeps no state of its own: what is remembered of a table between
//! cycles is its [`Position`], which the caller stores. When a remembered position is in doubt, leave it out: the next
//! [`plan`] then finds out from what is really there.

mod bounds;
mod bulk;
mod compare;
mod copy;
mod error;
mod has_changed;
mod history;
mod latest;
mod limits;
mod log;
mod place;
mod plan;
mod pool;
mod position;
mod promote;
mod record;
mod recover;
mod rehearse;
mod repair;
mod restore;
mod root;
mod salvage;
mod ship;
mod shipment;
mod spark;
mod storage_clock;
#[cfg(test)]
mod tests;
mod transfer;

pub use bulk::{BulkCopy, BulkFile, BulkJob, BulkOutcome};
pub use compare::{CompareOptions, Comparison, Depth, Kept, compare};
pub use error::{DeltaError, TableFault};
pub use has_changed::{Change, Look, has_changed, log_fingerprint, look, look_local};
pub use history::{PointCheck, check_point, named_files, newest_whole_version, oldest_version};
pub use latest::{CommitSummary, Latest, commits_since, common_version, latest, newest_versions};
pub use limits::TransferLimits;
pub use log::{check_footer, check_pages};
pub use place::{open_regular, read_regular};
pub use plan::plan;
pub use position::{FileFingerprint, Position};
pub use promote::{Promotion, promote, promote_all};
pub use record::{CommitRecord, FileRecord};
pub use recover::{
    Recovering, RowsPreview, SalvagedCommit, append_salvaged, export_salvaged, preview_salvaged, salvaged_commits,
    table_of_salvaged,
};
pub use rehearse::{RehearsalCheck, RehearsalCopy, check_version, copy_version, prove_writable, remove_copy};
pub use repair::{Repaired, repair};
pub use restore::{RestoreAbout, Restored, restore, restore_problem};
pub use root::{AskCommits, HandOut, RatifiedCommits, TableRoot};
pub use salvage::{SalvageAbout, Salvaged, salvage, salvage_dropped, salvage_later, salvage_whole};
pub use ship::{Shipped, ship};
pub use shipment::{Generation, KeptFiles, Plan, PlanRequest, PlannedCommit, PlannedFile, Shipment};
pub use spark::{CopyEngine, Spark, SparkJobEnd, SparkOptions, SparkRunning, SparkView};
pub use storage_clock::StorageClock;
pub use transfer::Transfer;
