//! Renamed tables. A rename is a drop and a new table to a replica. Where the replica may lie in the same place under its
//! new name, its files are there already. Else all of them are shipped again: small ones at once, large ones when a person
//! agrees.

use super::engine::CycleRequest;
use super::strategy::replica_type;
use super::{Endpoint, Inventory, ObjectRecord, ReplicaState};
use crate::domain::{AssetKey, AssetKind, AssetName, Clock, ErrorClass, MappingTable, Region};
use crate::wire::unity_catalog::{TABLE_MANAGED, TableInfo};
use std::collections::{BTreeMap, HashMap};

/// Renames that wait for a person.
#[derive(Debug, Default)]
pub struct Renames {
    /// New key, old name, bytes.
    waiting: BTreeMap<AssetKey, (AssetName, u64)>,
    limit: u64,
}

impl Renames {
    /// Finds tables of the ledger that the source has under another name. If those without approval would ship more than the
    /// limit together, they wait.
    pub fn find(source: &Inventory, tables: &BTreeMap<String, ReplicaState>, request: &CycleRequest<'_>) -> Self {
        let rules = request.rules;
        let limit = rules.rename_limit();
        let gone = tables.iter().map(|(name, row)| (AssetName::parse(name), row));
        let mut gone =
            gone.filter(|(name, _)| !source.contains(&AssetKey::new(AssetKind::Table, name.clone()))).peekable();
        if gone.peek().is_none() {
            return Self::default();
        }
        let new = source.of_kind(AssetKind::Table).filter(|(key, _)| !tables.contains_key(&key.to_string()));
        let by_id: HashMap<&str, (&AssetKey, &TableInfo)> = new
            .filter_map(|(key, asset)| Some((asset.info::<TableInfo>()?.table_id.as_deref()?, (key, asset.info()?))))
            .filter(|(id, _)| !id.is_empty())
            .collect();
        let renamed = gone.filter_map(|(old, row)| {
            let (new, info) = by_id.get(row.table_id.as_str())?;
            let bytes = rename_bytes(info, row, request.mappings, &request.source.region, request.destination);
            Some((*new, (old, bytes)))
        });
        let waiting: BTreeMap<AssetKey, (AssetName, u64)> = renamed
            .filter(|(new, _)| !rules.approves(&new.name) && !rules.excludes(&new.name))
            .map(|(new, old)| (new.clone(), old))
            .collect();
        let bytes: u64 = waiting.values().map(|(_, bytes)| bytes).sum();
        if bytes > limit { Self { waiting, limit } } else { Self { limit, ..Self::default() } }
    }

    /// Whether a replica keeps its old name for now.
    pub fn keeps(&self, old: &AssetKey) -> bool {
        old.kind == AssetKind::Table && self.waiting.values().any(|(name, _)| *name == old.name)
    }

    /// Whether a container holds a replica that keeps its old name.
    pub fn keeps_within(&self, container: &AssetKey) -> bool {
        let within =
            |name: &AssetName| std::iter::successors(name.parent(), AssetName::parent).any(|n| n == container.name);
        self.waiting.values().any(|(name, _)| within(name))
    }

    /// What is said of a table that waits under its new name; None for any other.
    pub fn waits(&self, key: &AssetKey, clock: &dyn Clock) -> Option<ObjectRecord> {
        let (old, bytes) = self.waiting.get(key)?;
        let (tables, all) = (self.waiting.len(), self.waiting.values().map(|(_, bytes)| bytes).sum::<u64>());
        let plural = if tables == 1 { "table" } else { "tables" };
        let message = format!(
            "{old} was renamed to {key}. Replication ships a renamed table again: {} for this one, {} for {tables} {plural} that wait. That is more than the group's limit of {}. Its replica stays under the old name until you approve.",
            size(*bytes),
            size(all),
            size(self.limit)
        );
        let parameters = BTreeMap::from([
            ("renamed_from".to_owned(), old.to_string()),
            ("bytes".to_owned(), bytes.to_string()),
            ("tables".to_owned(), tables.to_string()),
            ("all_bytes".to_owned(), all.to_string()),
        ]);
        let failure = (ErrorClass::RenameWaits, parameters, message);
        Some(ObjectRecord { bytes: Some(*bytes), ..ObjectRecord::failed(key, failure, clock) })
    }
}

/// Bytes that a renamed table's replica takes to be made under its new name.
pub fn rename_bytes(
    info: &TableInfo,
    row: &ReplicaState,
    mappings: &MappingTable,
    from: &Region,
    destination: &Endpoint,
) -> u64 {
    let location = info.storage_location.as_deref().unwrap_or_default();
    let mapped = mappings.map(location, from, &destination.region);
    let stays = mapped.is_ok_and(|place| place.trim_end_matches('/') == row.destination_location.trim_end_matches('/'));
    // A region that keeps no ids chooses the place of a managed table itself, and each time another one.
    let chooses = replica_type(info, destination) == TABLE_MANAGED && !destination.capabilities.keeps_ids;
    if stays && !chooses { 0 } else { row.bytes }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}
