//! One direction of replication: read the source's catalog, make the destination hold the same, ship every table.
//!
//! A cycle is one pass: plan, copy, commit, record. `engine` is what is the same for every kind of asset, `assets` has one
//! file for each kind; a new kind is a new file there and a line in its list.

mod access;
mod assets;
mod attributes;
mod bindings;
mod compare_table;
mod coverage;
mod cycle_cache;
mod dependencies;
mod endpoint;
mod engine;
mod error;
mod finding;
mod flagged;
mod followers;
mod idle;
mod inventory;
mod kinds;
mod ledger;
mod locations;
mod measure;
mod objects;
mod ownership;
mod policies;
mod renames;
mod rhythm;
mod same_place;
mod strategy;
mod table_task;
mod tables;
#[cfg(test)]
mod tests;
mod tidy;
mod unsupported;
pub mod workspace;

pub use access::{Access, Granted, hand_out, root_of, roots_of};
pub use attributes::{Attributes, AttributesRow};
pub use bindings::{restore_bindings, set_read_only, set_writable};
pub use compare_table::kept_of;
pub use coverage::{Coverage, covers, missing_sentence, reachable_places};
pub use cycle_cache::{CycleCache, Flagged, ReplicaState, SalvageHold};
pub use dependencies::view_reads;
pub use endpoint::Endpoint;
pub use engine::{CompareReport, Comparison, CycleOutcome, CycleRequest, Damage, Progress, unknown_objects};
pub use error::CycleError;
pub use finding::{explain, list_left_behind, shortfalls};
pub use inventory::{Asset, Inventory};
pub use kinds::{compare_all, compare_data, read_inventory, run_cycle};
pub use locations::{locations, roots};
pub use measure::measure;
pub use objects::ObjectRecord;
pub use renames::rename_bytes;
pub use tidy::TidyRound;
pub use unsupported::reason as unsupported_reason;
