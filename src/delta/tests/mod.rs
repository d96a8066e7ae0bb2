//! Behaviour of the whole layer on tables that the tests write themselves.

mod bounds;
mod bulk;
mod checkpoint_rows;
mod checkpoints;
mod contradictions;
pub(super) mod dying;
mod no_files;
mod numbers;
mod odd_logs;
mod pair;
mod parquet_checkpoint;
mod path_again;
mod property;
mod ratified;
mod remote;
mod repair;
mod restore;
mod salvage;
mod schemas;
mod ship;
pub(super) mod table;
mod traps;
mod writer;
