//! As what a table is kept in the destination: as its source is, or as an EXTERNAL table where that can't be.
//!
//! The log and the files are the same bytes either way, so versions, history and time travel are kept.

use super::Endpoint;
use super::engine::CycleRequest;
use crate::wire::unity_catalog::{TABLE_EXTERNAL, TABLE_MANAGED, TableInfo};

/// The type that a table gets in the destination.
pub fn replica_type(source: &TableInfo, destination: &Endpoint) -> &'static str {
    let managed = source.table_type == TABLE_MANAGED && destination.capabilities.staging_tables;
    if managed { TABLE_MANAGED } else { TABLE_EXTERNAL }
}

/// What is said of a table whose replica is of another type than its source; nothing where both are the same.
pub fn note(source: &TableInfo, destination: &Endpoint) -> Option<String> {
    (source.table_type == TABLE_MANAGED && replica_type(source, destination) == TABLE_EXTERNAL).then(|| {
        format!(
            "The replica in {} is EXTERNAL, because managed places there take no commits by path. It has every version, the history and the bytes. After a failover, replicating back needs a free name and a mapped path outside managed storage.",
            destination.region
        )
    })
}

/// Whether no log can be copied into a table of the destination: it is managed, and its region takes commits there from its
/// catalog alone.
pub fn takes_no_log(replica: &TableInfo, destination: &Endpoint) -> bool {
    replica.table_type == TABLE_MANAGED && !destination.capabilities.staging_tables
}

/// What to do about a managed table that has the name of a table which is to be replicated.
pub fn managed_in_the_way(replica: &TableInfo, source_location: &str, request: &CycleRequest<'_>) -> String {
    let (name, to) = (replica.full_name(), &request.destination.region);
    let mapped = match request.mappings.map(source_location, &request.source.region, to) {
        Ok(mapped) => mapped,
        Err(_) => "its mapped path".to_owned(),
    };
    format!(
        "Table {name} is MANAGED in {to}, and {to} takes no commits by path into managed tables. Rename or drop it there. Replication then makes an EXTERNAL table at {mapped}; that path must be outside managed storage."
    )
}
