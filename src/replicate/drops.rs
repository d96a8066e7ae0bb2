//! What replication made and its source no longer has: dropped at the destination too, its data left on disk.

use super::{CycleCache, CycleError, CycleRequest, Inventory};
use crate::connect::ConnectError;
use crate::domain::{AssetKey, AssetKind, folded};
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use std::collections::BTreeMap;

/// Drops what was dropped, renamed, re-created or replaced by another kind of object at the source; how many that were.
///
/// Only what replication remembers making is dropped: what somebody else made in the replica's catalogs is named, never
/// removed.
pub async fn follow(
    request: &CycleRequest<'_>,
    source: &Inventory,
    at_destination: &mut Inventory,
    cache: &mut CycleCache,
) -> Result<u64, CycleError> {
    let mut dropped = 0;
    for name in gone_tables(source, cache) {
        if !drop_leaf(request, &name).await? {
            continue;
        }
        remove(at_destination, &name);
        cache.tables.remove(&name);
        let (group, forgotten) = (request.group.clone(), name);
        request.store.run(move |tx| tx.remove_table(&group, &forgotten)).await?;
        dropped += 1;
    }
    for key in gone_views(source, cache) {
        let name = key.to_string();
        // A table that took a view's place at the destination is not this view.
        let is_view = at_destination.by_name(&name).is_some_and(|replica| replica.table_type == TABLE_VIEW);
        if is_view && !drop_leaf(request, &name).await? {
            continue;
        }
        if is_view {
            remove(at_destination, &name);
        }
        drop_record(request, cache, key).await?;
        dropped += 1;
    }
    for key in gone_schemas(source, cache) {
        let (name, catalog) = (key.to_string(), &key.name.catalog);
        let schema = key.name.schema.as_deref().unwrap_or_default();
        let empty = at_destination
            .catalog(catalog)
            .and_then(|c| c.schemas.get(folded(schema).as_ref()))
            .map(|(_, all)| all.is_empty());
        match empty {
            // Somebody keeps something in it.
            Some(false) => continue,
            Some(true) => match request.destination.client.delete_schema(&name, false).await {
                Ok(()) | Err(ConnectError::NotFound { .. }) => {}
                Err(error) if error.is_unreachable() => {
                    return Err(CycleError::at(&request.destination.region, error));
                }
                // It holds something that is not listed, such as a volume.
                Err(_) => continue,
            },
            None => {}
        }
        if let Some(catalog) = at_destination.catalog_mut(catalog) {
            catalog.schemas.remove(folded(schema).as_ref());
        }
        drop_record(request, cache, key).await?;
        dropped += 1;
    }
    Ok(dropped)
}

/// Whether the source shows the catalog of `name`: one that it hides from the product's principal keeps its replica.
fn shown(source: &Inventory, name: &str) -> bool {
    name.split_once('.').is_some_and(|(catalog, _)| source.catalog(catalog).is_some())
}

fn gone_tables(source: &Inventory, cache: &CycleCache) -> Vec<String> {
    let tables = source.tables().filter(|t| t.table_type != TABLE_VIEW);
    let ids: BTreeMap<String, Option<&str>> =
        tables.map(|t| (folded(&t.full_name()).into_owned(), t.table_id.as_deref())).collect();
    let remembered = cache.tables.iter().filter(|(name, _)| shown(source, name) && !cache.holds(name));
    let gone = remembered.filter(|(name, table)| match ids.get(folded(name).as_ref()) {
        None => true,
        Some(id) => id.is_some_and(|id| id != table.table_id),
    });
    gone.map(|(name, _)| name.clone()).collect()
}

fn gone_views(source: &Inventory, cache: &CycleCache) -> Vec<AssetKey> {
    let is_view = |table: &TableInfo| table.table_type == TABLE_VIEW;
    let views = owned(AssetKind::View, source, cache);
    views.filter(|key| !source.by_name(&key.to_string()).is_some_and(is_view)).cloned().collect()
}

fn gone_schemas(source: &Inventory, cache: &CycleCache) -> Vec<AssetKey> {
    let is_there = |key: &AssetKey| {
        let schema = folded(key.name.schema.as_deref().unwrap_or_default());
        source.catalog(&key.name.catalog).is_some_and(|catalog| catalog.schemas.contains_key(schema.as_ref()))
    };
    owned(AssetKind::Schema, source, cache).filter(|key| !is_there(key)).cloned().collect()
}

/// What replication made of one kind, in the catalogs that the source shows.
fn owned<'c>(
    kind: AssetKind,
    source: &'c Inventory,
    cache: &'c CycleCache,
) -> impl Iterator<Item = &'c AssetKey> + use<'c> {
    cache.owned.iter().filter(move |key| key.kind == kind && source.catalog(&key.name.catalog).is_some())
}

/// Drops a table or view from the destination's catalog; false where the catalog refuses, so that it is tried again.
async fn drop_leaf(request: &CycleRequest<'_>, name: &str) -> Result<bool, CycleError> {
    match request.destination.client.delete_table(name).await {
        Ok(()) | Err(ConnectError::NotFound { .. }) => Ok(true),
        Err(error) if error.is_unreachable() => Err(CycleError::at(&request.destination.region, error)),
        Err(_) => Ok(false),
    }
}

fn remove(at_destination: &mut Inventory, name: &str) {
    if let [catalog, schema, table] = name.splitn(3, '.').collect::<Vec<_>>().as_slice() {
        at_destination.remove(catalog, schema, table);
    }
}

async fn drop_record(request: &CycleRequest<'_>, cache: &mut CycleCache, key: AssetKey) -> Result<(), CycleError> {
    cache.owned.remove(&key);
    let group = request.group.clone();
    Ok(request.store.run(move |tx| tx.remove_owned(&group, &key)).await?)
}

/// Records schemas and views that replication made, or found as it would have made them.
pub async fn record_made(
    request: &CycleRequest<'_>,
    cache: &mut CycleCache,
    ensured: Vec<AssetKey>,
) -> Result<(), CycleError> {
    let new: Vec<AssetKey> = ensured.into_iter().filter(|key| !cache.owned.contains(key)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let (group, keys) = (request.group.clone(), new.clone());
    request.store.run(move |tx| tx.add_owned(&group, &keys)).await?;
    cache.owned.extend(new);
    Ok(())
}
