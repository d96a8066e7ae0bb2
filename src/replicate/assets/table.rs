//! Tables: Delta tables with their data and history.

use crate::connect::ConnectError;
use crate::delta::Transfer;
use crate::domain::{AssetKey, AssetKind, AssetName};
use crate::replicate::engine::{
    Applied, AssetType, Compared, Comparison, CycleRequest, Destination, Due, Listing, Removal, WhyNot,
};
use crate::replicate::tables::{TableTask, ship_all};
use crate::replicate::{Asset, CycleCache, CycleError, Endpoint, compare_table, unsupported};
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

pub struct Tables;

/// The key of a table or view.
fn key_of(info: &TableInfo) -> AssetKey {
    let kind = if info.table_type == TABLE_VIEW { AssetKind::View } else { AssetKind::Table };
    AssetKey::new(kind, AssetName::leaf(&info.catalog_name, &info.schema_name, &info.name))
}

/// A table or view with its id.
pub(super) fn asset(info: TableInfo) -> Asset {
    Asset::new(info.table_id.clone().as_deref(), info)
}

/// Why a table or view cannot be replicated.
pub(super) fn why_not(info: &TableInfo) -> Option<WhyNot> {
    let sentence = unsupported::reason(info)?;
    let mut parameters = BTreeMap::from([("table_type".to_owned(), info.table_type.clone())]);
    if !unsupported::holds_data(info) {
        parameters.insert(unsupported::WITHOUT_DATA.to_owned(), "true".to_owned());
    }
    Some(WhyNot { class: unsupported::class(info), sentence, parameters })
}

async fn list(listing: &Listing<'_>) -> Result<Vec<(AssetKey, Asset)>, ConnectError> {
    let client = &listing.endpoint.client;
    let schemas = listing.found.schemas();
    let all = listing.all(schemas.map(|schema| client.tables(&schema.catalog_name, &schema.name))).await?;
    let all = all.into_iter().map(|info| (key_of(&info), asset(info)));
    let (tables, views) = all.partition(|(key, _)| key.kind == AssetKind::Table);
    listing.hand_on(AssetKind::View, views);
    Ok(tables)
}

fn task_of<'a>(due: Due<'a>) -> Option<TableTask<'a>> {
    Some(TableTask { name: due.key.to_string(), key: due.key, info: due.asset.info()?, beside: None })
}

async fn ship(
    request: &CycleRequest<'_>,
    due: Vec<Due<'_>>,
    destination: &mut Destination,
    cache: &mut CycleCache,
) -> Result<Applied, CycleError> {
    let tasks: Vec<TableTask<'_>> = due.into_iter().filter_map(task_of).collect();
    let progress = &request.progress;
    progress.tables_total.store(tasks.len() as u64, Ordering::Relaxed);
    progress.tables_done.store(0, Ordering::Relaxed);
    let transfer = Transfer {
        parallel: request.limits.parallel(),
        limits: request.limits.clone(),
        stop: request.stop.clone(),
        copied_bytes: progress.bytes_copied.clone(),
        clock: cache.storage_clock.clone(),
        bulk: request.bulk.clone(),
    };
    let shipped = ship_all(request, tasks, &mut destination.inventory, cache, &transfer).await?;
    Ok(Applied { records: shipped.objects, changed: shipped.changed, stopped: !shipped.complete, ..Applied::default() })
}

impl AssetType for Tables {
    fn kind(&self) -> AssetKind {
        AssetKind::Table
    }

    fn rivals(&self) -> &'static [AssetKind] {
        &[AssetKind::View]
    }

    fn list<'a>(&'a self, listing: &'a Listing<'a>) -> BoxFuture<'a, Result<Vec<(AssetKey, Asset)>, ConnectError>> {
        Box::pin(list(listing))
    }

    fn why_not(&self, asset: &Asset) -> Option<WhyNot> {
        why_not(asset.info()?)
    }

    fn apply<'a>(
        &'a self,
        request: &'a CycleRequest<'a>,
        due: Vec<Due<'a>>,
        destination: &'a mut Destination,
        cache: &'a mut CycleCache,
    ) -> BoxFuture<'a, Result<Applied, CycleError>> {
        Box::pin(ship(request, due, destination, cache))
    }

    fn remove<'a>(
        &'a self,
        to: &'a Endpoint,
        key: &'a AssetKey,
        _: Option<&'a Asset>,
    ) -> BoxFuture<'a, Result<Removal, ConnectError>> {
        Box::pin(async move { to.client.delete_table(&key.to_string()).await.map(|()| Removal::Removed) })
    }

    fn compare<'a>(
        &'a self,
        comparison: &'a Comparison<'a>,
        due: Due<'a>,
        replica: Option<&'a Asset>,
    ) -> BoxFuture<'a, Result<Compared, CycleError>> {
        Box::pin(compare_table::compare(comparison, due, replica))
    }
}
