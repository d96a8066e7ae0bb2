//! What replication made at the destination: only that may be dropped there. Tables are known by the ledger, all else by a
//! list of its own.

use super::{CycleCache, CycleError, Inventory, ReplicaState};
use crate::domain::{AssetKey, AssetKind, AssetName, GroupId};
use crate::store::{Store, StoreError, TableRow};
use std::collections::BTreeSet;

fn table_key(name: &str) -> AssetKey {
    AssetKey::new(AssetKind::Table, AssetName::parse(name))
}

/// What a group's replication made of all kinds, as the store has it; with the ledger's tables themselves.
pub async fn read_owned(
    store: &Store,
    group: &GroupId,
) -> Result<(BTreeSet<AssetKey>, Vec<TableRow<ReplicaState>>), StoreError> {
    let group = group.clone();
    let (tables, owned) = store.run(move |tx| Ok((tx.tables(&group)?, tx.owned(&group)?))).await?;
    let keys = tables.iter().map(|row: &TableRow<ReplicaState>| table_key(&row.name)).chain(owned).collect();
    Ok((keys, tables))
}

/// What replication made of one kind and the source no longer has, or has under another id.
pub fn gone(kind: AssetKind, source: &Inventory, cache: &CycleCache) -> Vec<AssetKey> {
    let of_kind = |key: &&AssetKey| key.kind == kind;
    let listed = cache.owned.iter().filter(of_kind).map(|key| (key.clone(), None));
    let in_ledger = cache.tables.iter().map(|(name, table)| (table_key(name), Some(table.table_id.as_str())));
    let owned = listed.chain(in_ledger.filter(|(key, _)| key.kind == kind));
    // A catalog that the source hides from the product's principal keeps its replica.
    let is_shown = |key: &AssetKey| source.contains(&AssetKey::catalog(key.name.catalog.as_str()));
    let is_gone = |(key, known_id): &(AssetKey, Option<&str>)| match source.get(key) {
        None => true,
        Some(asset) => matches!((&asset.id, known_id), (Some(id), Some(known)) if id != known),
    };
    let is_held = |key: &AssetKey| kind == AssetKind::Table && cache.holds(&key.name);
    let gone = owned.filter(|(key, _)| is_shown(key) && !is_held(key)).filter(is_gone);
    gone.map(|(key, _)| key).collect()
}

/// Records assets that replication made, or found as it would have made them.
pub async fn own(
    store: &Store,
    group: &GroupId,
    cache: &mut CycleCache,
    keys: Vec<AssetKey>,
) -> Result<(), CycleError> {
    let new: Vec<AssetKey> = keys.into_iter().filter(|key| !cache.owned.contains(key)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let (group, keys) = (group.clone(), new.clone());
    store.run(move |tx| tx.add_owned(&group, &keys)).await?;
    cache.owned.extend(new);
    Ok(())
}

/// Drops the record of an asset that is gone from the destination.
pub async fn disown(store: &Store, group: &GroupId, cache: &mut CycleCache, key: &AssetKey) -> Result<(), CycleError> {
    let (group, key) = (group.clone(), key.clone());
    if key.kind == AssetKind::Table {
        let names: Vec<String> = cache.tables.keys().filter(|name| table_key(name) == key).cloned().collect();
        for name in &names {
            cache.tables.remove(name);
        }
        let remove = move |tx: &crate::store::Tx<'_>| names.iter().try_for_each(|name| tx.remove_table(&group, name));
        return Ok(store.run(remove).await?);
    }
    cache.owned.remove(&key);
    Ok(store.run(move |tx| tx.remove_owned(&group, &key)).await?)
}
