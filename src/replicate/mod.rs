//! One direction of replication: read the source's catalog, make the destination hold the same, ship every table.
//!
//! A cycle is one pass: plan, copy, commit, record. One file per asset kind; a new kind is a new file here.

mod access;
mod catalogs;
mod compare;
mod coverage;
mod cycle;
mod cycle_cache;
mod drops;
mod endpoint;
mod error;
mod finding;
mod flagged;
mod ledger;
mod locations;
mod measure;
mod objects;
mod same_place;
mod schemas;
mod scope;
mod tables;
mod tidy;
mod unsupported;
mod views;

pub use access::{Access, Granted, root_of, roots_of};
pub use catalogs::{restore_bindings, set_read_only, set_writable};
pub use compare::{CompareReport, Damage, compare_tables, kept_of, unknown_objects};
pub use coverage::{Coverage, covers, missing_sentence, reachable_places};
pub use cycle::{CycleOutcome, CycleRequest, Progress, run_cycle};
pub use cycle_cache::{CycleCache, ReplicaState, SalvageHold};
pub use endpoint::Endpoint;
pub use error::CycleError;
pub use finding::{explain, list_left_behind, shortfalls};
pub use flagged::Flagged;
pub use locations::{locations, roots};
pub use measure::measure;
pub use objects::ObjectRecord;
pub use scope::{CatalogItem, Inventory, read_inventory};
pub use tidy::TidyRound;
pub use unsupported::reason as unsupported_reason;
