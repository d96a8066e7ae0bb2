//! Tables: Delta tables with their data and history, shipped in batches.

use super::access::Granted;
use super::engine::CycleRequest;
use super::ledger::{self, LedgerEntry};
pub use super::table_task::TableTask;
use super::{
    Asset, CycleCache, CycleError, Inventory, ObjectRecord, ReplicaState, flagged, idle, policies, same_place, strategy,
};
use crate::connect::{ConnectError, TablePlace};
use crate::delta::{self, Generation, Plan, PlanRequest, Position, Shipment, Shipped, TableFault, Transfer};
use crate::domain::{ErrorClass, ObjectStatus, Unmapped};
use crate::wire::unity_catalog as uc;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Tables planned at a time.
const PARALLEL_PLANS: usize = 8;
/// A batch ends after so many tables or bytes, so that memory and what a crash repeats stay bounded.
const BATCH_TABLES: usize = 256;
const BATCH_BYTES: u64 = 1 << 30;
/// The same where another program copies the data: a job has to be worth its start.
const BULK_BATCH_BYTES: u64 = 1 << 40;

/// What became of all tables.
pub struct ShippedTables {
    /// A record a table.
    pub objects: Vec<ObjectRecord>,
    /// Tables that had changed.
    pub changed: u64,
    /// False when it was stopped on the way.
    pub complete: bool,
    /// Tables that were refused, each with its location and id.
    refused: Vec<(ObjectRecord, String, Option<String>)>,
}

impl ShippedTables {
    /// Takes in the record of a table that was refused.
    fn refuse(&mut self, task: &TableTask<'_>, record: ObjectRecord) {
        if let Some(location) = &task.info.storage_location {
            self.refused.push((record.clone(), location.clone(), task.info.table_id.clone()));
        }
        self.objects.push(record);
    }
}

/// Both ends of a table.
struct Ends {
    source: Granted,
    destination: Granted,
    from: TablePlace,
    to: TablePlace,
    /// Whether the destination's catalog still doesn't have it.
    unregistered: bool,
}

/// A table with both its ends and what is missing.
struct Prepared {
    ends: Ends,
    plan: Plan,
}

/// What a batch expects of one table.
enum Planned {
    UpToDate(Position),
    Shipped { to: i64 },
}

fn nothing_shipped(position: Position) -> Shipped {
    let (commits, files, unreadable) = Default::default();
    Shipped { position, commits, files, generation: Generation::Same, unreadable, bytes_copied: 0 }
}

/// Why a table could not be prepared.
enum ShipError {
    /// The table's own fault, or its region's answer to it.
    Flag(ErrorClass, BTreeMap<String, String>, String),
    /// The source's region is away.
    SourceAway(ConnectError),
    /// The destination's region is away.
    DestinationAway(ConnectError),
}

impl From<same_place::Refused> for ShipError {
    fn from(refused: same_place::Refused) -> Self {
        Self::Flag(refused.0, refused.1, refused.2)
    }
}

impl From<TableFault> for ShipError {
    fn from(fault: TableFault) -> Self {
        Self::Flag(fault.class, fault.parameters, fault.message)
    }
}

/// Brings every table up to date.
pub async fn ship_all(
    request: &CycleRequest<'_>,
    tasks: Vec<TableTask<'_>>,
    at_destination: &mut Inventory,
    cache: &mut CycleCache,
    transfer: &Transfer,
) -> Result<ShippedTables, CycleError> {
    let objects = Vec::with_capacity(tasks.len());
    let mut out = ShippedTables { objects, changed: 0, complete: true, refused: Vec::new() };
    let tasks = flagged::pass_over(request, tasks, cache, &mut out.objects).await;
    let tasks = policies::pass_over(request, tasks, &mut cache.policies, &mut out.objects).await?;
    let changed = idle::leave_out(request, tasks, at_destination, cache, &mut out.objects).await;
    let mut rest = changed.into_iter().peekable();
    cache.folders.begin();
    while rest.peek().is_some() {
        if request.stop.load(Ordering::Relaxed) {
            out.complete = false;
            out.objects.extend(rest.map(|task| lagging(&task, cache)));
            break;
        }
        let chunk: Vec<TableTask<'_>> = rest.by_ref().take(BATCH_TABLES).collect();
        ship_chunk(request, chunk, at_destination, cache, transfer, &mut out).await?;
    }
    flagged::record(request, std::mem::take(&mut out.refused), cache).await;
    Ok(out)
}

pub(super) fn in_sync(request: &CycleRequest<'_>, task: &TableTask<'_>, version: i64, bytes: u64) -> ObjectRecord {
    ObjectRecord {
        source_version: Some(version),
        replica_version: Some(version),
        lag_ms: Some(0),
        bytes: Some(bytes),
        note: strategy::note(task.info, request),
        ..ObjectRecord::new(task.key, ObjectStatus::InSync)
    }
}

fn lagging(task: &TableTask<'_>, cache: &CycleCache) -> ObjectRecord {
    let version = cache.tables.get(&task.name).map(|t| t.position.version);
    let status = if version.is_some() { ObjectStatus::Lagging } else { ObjectStatus::Missing };
    ObjectRecord { replica_version: version, ..ObjectRecord::new(task.key, status) }
}

async fn ship_chunk(
    request: &CycleRequest<'_>,
    chunk: Vec<TableTask<'_>>,
    at_destination: &mut Inventory,
    cache: &mut CycleCache,
    transfer: &Transfer,
    out: &mut ShippedTables,
) -> Result<(), CycleError> {
    let prepared: Vec<Result<Prepared, ShipError>> = {
        let (at_destination, cache) = (&*at_destination, &*cache);
        let each: Vec<_> = chunk.iter().map(|task| prepare(request, task, at_destination, cache)).collect();
        stream::iter(each).buffered(PARALLEL_PLANS).collect().await
    };
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    for (task, prepared) in chunk.into_iter().zip(prepared) {
        let alone = async {
            let prepared = prepared?;
            let (ends, location) = (&prepared.ends, ReplicaState::replica_location);
            let to = (&request.destination.region, &ends.to);
            cache.folders.take(&task.name, to, &ends.destination.root, &cache.tables, location).await?;
            Ok(prepared)
        };
        let prepared = match alone.await {
            Ok(prepared) => prepared,
            Err(refusal) => {
                request.progress.tables_done.fetch_add(1, Ordering::Relaxed);
                out.refuse(&task, refuse(request, &task, refusal, cache)?);
                continue;
            }
        };
        let bytes = match &prepared.plan {
            Plan::UpToDate(_) => 0,
            Plan::Ship(shipment) => shipment.bytes_to_copy(),
        };
        request.progress.bytes_total.fetch_add(bytes, Ordering::Relaxed);
        batch_bytes = u64::saturating_add(batch_bytes, bytes);
        batch.push((task, prepared));
        let most = if transfer.bulk.is_some() { BULK_BATCH_BYTES } else { BATCH_BYTES };
        if batch_bytes >= most {
            ship_batch(request, std::mem::take(&mut batch), at_destination, cache, transfer, out).await?;
            batch_bytes = 0;
        }
    }
    ship_batch(request, batch, at_destination, cache, transfer, out).await
}

/// Finds both ends of a table and plans what is missing.
async fn prepare(
    request: &CycleRequest<'_>,
    task: &TableTask<'_>,
    at_destination: &Inventory,
    cache: &CycleCache,
) -> Result<Prepared, ShipError> {
    let info = task.info;
    let known = cache.tables.get(&task.name);
    let Some(source_location) = info.storage_location.clone() else {
        let message = format!("The catalog names no storage location for table {}. Check the table there.", task.name);
        return Err(ShipError::Flag(ErrorClass::CatalogRefused, BTreeMap::new(), message));
    };
    let replica = at_destination.get(task.key).and_then(Asset::info);
    if let Some(replica) = replica.filter(|replica| strategy::takes_no_log(replica, request.destination)) {
        let message = strategy::managed_in_the_way(replica, &source_location, request);
        return Err(ShipError::Flag(ErrorClass::CatalogRefused, BTreeMap::new(), message));
    }
    let to = match replica.and_then(TablePlace::of) {
        Some(place) => place,
        None => place(request, task, &source_location).await?,
    };
    let from = TablePlace::of(info).unwrap_or_else(|| TablePlace::path(source_location));
    let source = reach(request, &from, true, cache).await?;
    let destination = reach(request, &to, false, cache).await?;
    if same_place::overlap(&source.root, &destination.root).await {
        let ends = ((&request.source.region, &from), (&request.destination.region, &to));
        return Err(same_place::with_source(&task.name, ends.0, ends.1).into());
    }
    let position = known.map(|table| &table.position);
    let kept = Some(ledger::kept_files(request.store, request.group, &task.name));
    let plan = PlanRequest { kept, ..PlanRequest::new(&source.root, &destination.root, position) };
    let plan = delta::plan(plan).await?;
    let ends = Ends { source, destination, from, to, unregistered: replica.is_none() };
    Ok(Prepared { ends, plan })
}

/// The storage of one end, which is read at the source and written at the destination.
async fn reach(
    request: &CycleRequest<'_>,
    place: &TablePlace,
    at_source: bool,
    cache: &CycleCache,
) -> Result<Granted, ShipError> {
    let endpoint = if at_source { request.source } else { request.destination };
    match cache.access.reach(endpoint, place, !at_source, request.clock).await {
        Ok(granted) => Ok(granted),
        Err(error) if !at_source => Err(destination_refusal(request, &place.uri, error).await),
        Err(error) if error.is_unreachable() => Err(ShipError::SourceAway(error)),
        Err(error) => Err(ShipError::Flag(error.class(), BTreeMap::new(), error.to_string())),
    }
}

/// What the destination's answer means for a table that lies, or was to lie, at `place`.
async fn destination_refusal(request: &CycleRequest<'_>, place: &str, error: ConnectError) -> ShipError {
    if error.is_unreachable() {
        return ShipError::DestinationAway(error);
    }
    let (class, parameters, message) = request.coverage.explain(request.destination, Some(place), error).await;
    ShipError::Flag(class, parameters, message)
}

/// Asks the destination's catalog where a table that it doesn't have goes.
async fn place(
    request: &CycleRequest<'_>,
    task: &TableTask<'_>,
    source_location: &str,
) -> Result<TablePlace, ShipError> {
    let (from, to) = (&request.source.region, request.destination);
    let unmapped = |why: Unmapped| {
        let parameters = [("location".to_owned(), source_location.to_owned())].into();
        let message = format!("Table {} has no mapped path in {}. {why}", task.name, to.region);
        ShipError::Flag(ErrorClass::UnmappedLocation, parameters, message)
    };
    let mapped = request.mappings.map(source_location, from, &to.region).map_err(unmapped)?;
    if strategy::replica_type(task.info, to) == uc::TABLE_EXTERNAL {
        return Ok(TablePlace::path(mapped));
    }
    let staging = uc::CreateStagingTable {
        catalog_name: task.info.catalog_name.clone(),
        schema_name: task.info.schema_name.clone(),
        name: task.info.name.clone(),
        storage_location: Some(mapped.clone()),
        table_id: task.info.table_id.clone().filter(|_| to.capabilities.keeps_ids),
    };
    let staged = match to.client.create_staging_table(&staging).await {
        Ok(staged) => staged,
        Err(error) => return Err(destination_refusal(request, &mapped, error).await),
    };
    Ok(TablePlace::new(staged.staging_location, Some(&staged.id)))
}

/// What a refusal means for its table; a region that is away stops the cycle instead.
fn refuse(
    request: &CycleRequest<'_>,
    task: &TableTask<'_>,
    refusal: ShipError,
    cache: &CycleCache,
) -> Result<ObjectRecord, CycleError> {
    let (class, parameters, message) = match refusal {
        ShipError::SourceAway(source) => {
            return Err(CycleError::at(&request.source.region, source));
        }
        ShipError::DestinationAway(source) => {
            return Err(CycleError::at(&request.destination.region, source));
        }
        ShipError::Flag(class, parameters, message) => (class, parameters, message),
    };
    let mut record = ObjectRecord::failed(task.key, (class, parameters, message), request.clock);
    record.replica_version = cache.tables.get(&task.name).map(|t| t.position.version);
    Ok(record)
}

async fn ship_batch(
    request: &CycleRequest<'_>,
    batch: Vec<(TableTask<'_>, Prepared)>,
    at_destination: &mut Inventory,
    cache: &mut CycleCache,
    transfer: &Transfer,
    out: &mut ShippedTables,
) -> Result<(), CycleError> {
    let mut shipments: Vec<Shipment> = Vec::new();
    let mut rest = Vec::with_capacity(batch.len());
    for (task, prepared) in batch {
        let Prepared { ends, plan } = prepared;
        let planned = match plan {
            Plan::UpToDate(position) => Planned::UpToDate(position),
            Plan::Ship(shipment) => {
                let to = shipment.to;
                shipments.push(*shipment);
                Planned::Shipped { to }
            }
        };
        rest.push((task, ends, planned));
    }
    let mut results = delta::ship(shipments, transfer).await.into_iter();
    let mut ledger: Vec<LedgerEntry> = Vec::new();
    for (task, mut ends, planned) in rest {
        request.progress.tables_done.fetch_add(1, Ordering::Relaxed);
        let (shipped, to) = match planned {
            Planned::UpToDate(position) => (Ok(nothing_shipped(position)), None),
            Planned::Shipped { to } => match results.next() {
                Some(result) => (result, Some(to)),
                None => continue,
            },
        };
        let shipped = match shipped {
            Ok(shipped) => shipped,
            Err(fault) if fault.is_stopped() => {
                out.complete = false;
                out.objects.push(lagging(&task, cache));
                continue;
            }
            Err(fault) => {
                out.refuse(&task, refuse(request, &task, ShipError::from(fault), cache)?);
                continue;
            }
        };
        if ends.unregistered {
            match register(request, &task, &ends.to, at_destination).await {
                Ok(registered) => ends.to = registered,
                Err(error) => {
                    let refusal = destination_refusal(request, &ends.to.uri, error).await;
                    out.objects.push(refuse(request, &task, refusal, cache)?);
                    continue;
                }
            }
        }
        let whole = to.is_none_or(|to| shipped.position.version >= to);
        out.complete &= whole;
        out.changed += u64::from(!shipped.commits.is_empty());
        let bytes =
            shipped.files.iter().map(|f| f.size).sum::<u64>() + cache.tables.get(&task.name).map_or(0, |t| t.bytes);
        let table = ReplicaState {
            table_id: task.info.table_id.clone().unwrap_or_default(),
            source_region: request.source.region.clone(),
            source_location: ends.from.uri.clone(),
            destination_location: ends.to.uri.clone(),
            destination_id: ends.to.table_id,
            position: shipped.position.clone(),
            beside: task.beside,
            bytes,
        };
        cache.access.keep(&ends.from.uri, false, ends.source);
        cache.access.keep(&ends.to.uri, true, ends.destination);
        let mut record = in_sync(request, &task, shipped.position.version, bytes);
        if !whole {
            record.status = ObjectStatus::Lagging;
            record.lag_ms = None;
            record.source_version = to;
        }
        out.objects.push(record);
        let before = cache.tables.get(&task.name).map(|before| &before.position);
        ledger.push(LedgerEntry::new(task.name.clone(), table, before, shipped));
    }
    ledger::write(request, ledger.clone(), cache.cut.unwrap_or_else(|| request.clock.now())).await?;
    fail::fail_point!("replicate.after_ledger");
    // Only what the ledger holds is remembered: after a failed write the next cycle looks again.
    for entry in ledger {
        cache.flagged.remove(&entry.name);
        cache.tables.insert(entry.name, entry.table);
    }
    Ok(())
}

/// Makes the destination's catalog show a table whose replica is whole; the place with the id that it has there now.
async fn register(
    request: &CycleRequest<'_>,
    task: &TableTask<'_>,
    to: &TablePlace,
    at_destination: &mut Inventory,
) -> Result<TablePlace, ConnectError> {
    fail::fail_point!("replicate.before_register");
    let info = task.info;
    let table_type = strategy::replica_type(info, request.destination);
    let create = uc::CreateTable {
        name: info.name.clone(),
        catalog_name: info.catalog_name.clone(),
        schema_name: info.schema_name.clone(),
        table_type: table_type.to_owned(),
        data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
        columns: info.columns.clone(),
        storage_location: Some(to.uri.clone()),
        comment: info.comment.clone(),
        properties: strategy::replica_properties(info),
        table_id: info.table_id.clone().filter(|_| request.destination.capabilities.keeps_ids),
        view_definition: None,
    };
    let table_id = match request.destination.client.create_table(&create).await {
        Ok(created) => created.table_id.or_else(|| to.table_id.clone()),
        Err(ConnectError::AlreadyExists { .. }) => to.table_id.clone(),
        Err(error) => return Err(error),
    };
    let place = TablePlace::new(&to.uri, table_id.as_deref());
    let id = table_id.clone();
    let replica = uc::TableInfo {
        storage_location: Some(to.uri.clone()),
        table_id,
        table_type: table_type.to_owned(),
        ..info.clone()
    };
    at_destination.insert(task.key.clone(), Asset::new(id.as_deref(), replica));
    Ok(place)
}
