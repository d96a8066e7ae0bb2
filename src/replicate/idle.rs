//! Known tables in which nothing happened: a cycle only looks at them from outside.

use super::engine::CycleRequest;
use super::table_task::TableTask;
use super::tables::in_sync;
use super::{CycleCache, Inventory, ObjectRecord};
use crate::delta::{self, Change, Look, TableRoot};
use futures::{StreamExt, stream};
use std::sync::atomic::Ordering;

/// Known tables looked at in one go on a blocking thread.
const LOOK_CHUNK: usize = 512;
/// Tables in an object store looked at at a time.
const PARALLEL_LOOKS: usize = 32;

/// Looks at every table that has arrived before, and keeps those that changed.
pub async fn leave_out<'t>(
    request: &CycleRequest<'_>,
    tasks: Vec<TableTask<'t>>,
    at_destination: &Inventory,
    cache: &CycleCache,
    objects: &mut Vec<ObjectRecord>,
) -> Vec<TableTask<'t>> {
    let now = request.clock.now();
    let mut changed = Vec::new();
    let mut known = Vec::new();
    for task in tasks {
        let root = cache.tables.get(&task.name).and_then(|table| {
            let same = task.info.table_id.as_deref().is_none_or(|id| id == table.table_id)
                && table.source_region == request.source.region
                && task.info.storage_location.as_deref() == Some(table.source_location.as_str())
                && at_destination.contains(task.key);
            let id = task.info.table_id.as_deref();
            let granted = same.then(|| cache.access.granted(&table.source_location, id, false, now)).flatten();
            granted.map(|granted| (granted.root.clone(), table))
        });
        match root {
            Some((root, table)) => known.push((task, root, table.position.clone(), table.beside, table.bytes)),
            None => changed.push(task),
        }
    }
    let mut looks: Vec<Option<Look>> = Vec::with_capacity(known.len());
    for chunk in known.chunks(LOOK_CHUNK) {
        let local: Option<Vec<_>> = chunk
            .iter()
            .map(|(_, root, position, _, _)| match root {
                TableRoot::Local(path) => Some((path.clone(), position.clone())),
                TableRoot::Remote { .. } | TableRoot::Ratified { .. } => None,
            })
            .collect();
        match local {
            Some(paths) => {
                let looked = tokio::task::spawn_blocking(move || {
                    paths.iter().map(|(path, at)| delta::look_local(path, at).ok()).collect::<Vec<_>>()
                });
                looks.extend(looked.await.unwrap_or_else(|_| vec![None; chunk.len()]));
            }
            None => {
                let each: Vec<_> = chunk.iter().map(|(_, root, at, _, _)| delta::look(root, at)).collect();
                let looked: Vec<_> = stream::iter(each).buffered(PARALLEL_LOOKS).collect().await;
                looks.extend(looked.into_iter().map(Result::ok));
            }
        }
    }
    for ((mut task, _, position, beside, bytes), look) in known.into_iter().zip(looks) {
        task.beside = look.map(|look| look.beside);
        // Without a commit, a checkpoint may have come or been written again.
        if look.is_some_and(|look| look.change == Change::Same) && beside == task.beside {
            request.progress.tables_done.fetch_add(1, Ordering::Relaxed);
            objects.push(in_sync(request, &task, position.version, bytes));
        } else {
            changed.push(task);
        }
    }
    changed
}
