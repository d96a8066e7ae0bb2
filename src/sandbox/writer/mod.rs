//! Writes Delta tables the way a job's engine does: commits, deletion vectors, change data, checkpoints.
//!
//! A writer knows a table by its folder alone. Schema and features are read from the log, so a table goes on being
//! written after a restart, and in the other region after a failover. What a commit does and which rows it
//! touches follow from a seed, the table's name and the version: the same seed gives the same order of commits.

mod bounds;
mod change;
mod checkpoint;
mod data_file;
mod deletion_vector;
mod error;
mod log;
mod log_state;
mod rows;
mod schema;
mod table;

pub use data_file::Durability;
pub use error::WriterError;
pub use log::latest_metadata;
pub use schema::{Feature, TableSpec};
pub use table::{Committed, TableWriter};

pub(super) use rows::{mix, text_hash};
pub(super) use table::{creation_lines, first_file, shallow_clone};
