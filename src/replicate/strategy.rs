//! As what a table is kept in the destination: as its source is, or as an EXTERNAL table where that can't be.
//!
//! The log and the files are the same bytes either way, so versions, history and time travel are kept. Only where the source's catalog
//! ratifies its commits, `protocol` and `metaData` are written without what says so: no reader finds such a table by its path.

use super::Endpoint;
use super::engine::CycleRequest;
use crate::wire::unity_catalog::{TABLE_EXTERNAL, TABLE_MANAGED, TableInfo, is_catalogs_own};
use std::collections::BTreeMap;

/// The type that a table gets in the destination.
pub fn replica_type(source: &TableInfo, destination: &Endpoint) -> &'static str {
    let managed =
        source.table_type == TABLE_MANAGED && destination.capabilities.staging_tables && !source.has_catalog_commits();
    if managed { TABLE_MANAGED } else { TABLE_EXTERNAL }
}

/// What is said of a table whose replica is of another type than its source; nothing where both are the same.
pub fn note(source: &TableInfo, request: &CycleRequest<'_>) -> Option<String> {
    let destination = request.destination;
    if source.has_catalog_commits() {
        return Some(format!(
            "The catalog of {} ratifies this table's commits, and the replica has each that it ratified. The replica in {} is EXTERNAL: its protocol and metaData leave out what hands commits to the catalog, versions and data files are the same. After a failover, replicating back needs a free name and a mapped path outside managed storage.",
            request.source.region, destination.region
        ));
    }
    (source.table_type == TABLE_MANAGED && replica_type(source, destination) == TABLE_EXTERNAL).then(|| {
        format!(
            "The replica in {} is EXTERNAL, because managed places there take no commits by path. It has every version, the history and the bytes. After a failover, replicating back needs a free name and a mapped path outside managed storage.",
            destination.region
        )
    })
}

/// The properties that a replica is registered with.
pub fn replica_properties(source: &TableInfo) -> BTreeMap<String, String> {
    let all = source.properties.iter().filter(|(key, _)| !source.has_catalog_commits() || !is_catalogs_own(key));
    all.map(|(key, value)| (key.clone(), value.clone())).collect()
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
