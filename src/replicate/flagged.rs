//! Tables that were refused for what their log holds: looked at again when the log changed, or after a growing pause.

use super::engine::CycleRequest;
use super::table_task::TableTask;
use super::{CycleCache, Flagged, ObjectRecord};
use crate::connect::TablePlace;
use crate::delta;
use crate::domain::ErrorClass;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The first pause before a refused table is planned again, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
/// The longest one: a data file that was put back changes no log.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether a table that was refused for this is refused again as long as nothing changes.
fn lasts(class: ErrorClass) -> bool {
    match class {
        ErrorClass::AbsolutePath
        | ErrorClass::ShallowClone
        | ErrorClass::CatalogManagedCommits
        | ErrorClass::LogGap
        | ErrorClass::CorruptLog
        | ErrorClass::MissingDataFile
        | ErrorClass::SplitBrain
        | ErrorClass::Drift => true,
        ErrorClass::UnsupportedObject
        | ErrorClass::LeftBehind
        | ErrorClass::UnmanagedObject
        | ErrorClass::UnmappedLocation
        | ErrorClass::MissingExternalLocation
        | ErrorClass::SamePlace
        | ErrorClass::RegionUnreachable
        | ErrorClass::PermissionDenied
        | ErrorClass::StorageFailure
        | ErrorClass::StorageFull
        | ErrorClass::AccessNotReplicated
        | ErrorClass::RowFilterOrMask
        | ErrorClass::MissingDependency
        | ErrorClass::RenameWaits
        | ErrorClass::SecondaryOnly
        | ErrorClass::ReferenceNotReplicated
        | ErrorClass::RequestLimitExceeded
        | ErrorClass::CatalogRefused => false,
    }
}

/// Answers for the tables that are still refused as before, and gives back the others.
pub async fn pass_over<'t>(
    request: &CycleRequest<'_>,
    tasks: Vec<TableTask<'t>>,
    cache: &mut CycleCache,
    objects: &mut Vec<ObjectRecord>,
) -> Vec<TableTask<'t>> {
    if cache.flagged.is_empty() {
        return tasks;
    }
    let now = request.clock.monotonic();
    let mut rest = Vec::with_capacity(tasks.len());
    for task in tasks {
        let Some(flagged) = cache.flagged.get(&task.name).cloned() else {
            rest.push(task);
            continue;
        };
        let same = task.info.storage_location.as_deref() == Some(flagged.location.as_str())
            && task.info.table_id == flagged.table_id
            && now < flagged.again;
        let place = TablePlace::new(&flagged.location, flagged.table_id.as_deref());
        if same && flagged.print.is_some() && print_of(request, &place, cache).await == flagged.print {
            request.progress.tables_done.fetch_add(1, Ordering::Relaxed);
            objects.push(flagged.record);
        } else {
            rest.push(task);
        }
    }
    rest
}

/// Remembers tables that this cycle refused; `refused` names each with its location and id.
pub async fn record(
    request: &CycleRequest<'_>,
    refused: Vec<(ObjectRecord, String, Option<String>)>,
    cache: &mut CycleCache,
) {
    for (record, location, table_id) in refused {
        if !record.error.as_ref().is_some_and(|error| lasts(error.class)) {
            continue;
        }
        let before = cache.flagged.get(&record.name).filter(|before| before.location == location);
        let pause = before.map_or(FIRST_PAUSE, |before| (before.pause * 2).min(LONGEST_PAUSE));
        let place = TablePlace::new(&location, table_id.as_deref());
        let print = print_of(request, &place, cache).await;
        let again = request.clock.monotonic() + pause;
        let name = record.name.clone();
        cache.flagged.insert(name, Flagged { record, location, table_id, print, pause, again });
    }
}

/// What the log of the table at `place` looks like now; None where it can't be asked.
async fn print_of(request: &CycleRequest<'_>, place: &TablePlace, cache: &mut CycleCache) -> Option<String> {
    let granted = cache.access.reach(request.source, place, false, request.clock).await.ok()?;
    let root = granted.root.clone();
    cache.access.keep(&place.uri, false, granted);
    delta::log_fingerprint(&root).await.ok()
}
