//! `system.replication.states` and `system.replication.objects`: Delta tables that any Delta reader opens while they are written.
//!
//! What happened is found out by comparing the account as it is with what was written of it last, so nothing waits for a
//! table: a writer that falls behind sees less often how things stand, and still every change. One commit holds all rows
//! that came together. Rows lie in files that never cross a UTC day. Small files of a day are merged as they pile up,
//! and all of a day once it is over, so whole files leave when a year has passed.

mod account_snapshot;
mod compact;
mod data_file;
mod error;
mod history;
mod kernel;
mod log;
mod objects;
mod queries;
mod retain;
mod rows;
mod states;
mod table;
mod table_writer;
#[cfg(test)]
mod tests;

pub use account_snapshot::{AccountSnapshot, GroupSnapshot, ObjectSnapshot, OperationEnd, OperationSnapshot};
pub use error::SystemTableError;
pub use history::{LagPoint, StatePoint, lag_since, states_since};
pub use objects::ObjectChanges;
pub use queries::{Reader, SystemTable};
pub use rows::{ErrorEntry, ManagedAssets, ObjectRow, Row, StateKind, StateRow};
pub use states::StateChanges;
pub use table::Table;
pub use table_writer::{ChangeDetector, TableWriter};

/// Where the states lie, below the folder of the system tables.
pub const STATES: &str = "replication/states";
/// Where the objects lie, below the folder of the system tables.
pub const OBJECTS: &str = "replication/objects";
