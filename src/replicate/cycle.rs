//! One cycle: plan, copy, commit, record.

use super::catalogs::ContainerFault;
use super::coverage::{Coverage, Failure};
use super::scope::{Inventory, read_inventory};
use super::tables::{self, TableTask};
use super::{CycleCache, CycleError, Endpoint, ObjectRecord, SalvageHold, catalogs, drops, finding, schemas, views};
use crate::connect::ConnectError;
use crate::delta::{Transfer, TransferLimits};
use crate::domain::{
    AssetKey, AssetKind, AssetName, Clock, ErrorClass, GroupId, MappingTable, ObjectError, ObjectStatus, Timestamp,
    folded,
};
use crate::store::Store;
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How far a commit's time may lie before the moment at which readers see it.
///
/// A commit is timed before it is put in place, so one from just before the cut may become visible after the listing;
/// the point stays this far behind the listing and never claims it.
const DELAY: Duration = Duration::from_millis(200);
const VISIBILITY_DELAY: TimeDelta = TimeDelta::milliseconds(DELAY.as_millis() as i64);

/// How long the destination's catalog is trusted to be as it was read: nobody else should change a replica's, but may.
const DESTINATION_TRUST: Duration = Duration::from_secs(30);

/// How far a cycle has come, for whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    /// Tables looked at or shipped.
    pub tables_done: AtomicU64,
    /// Tables in scope.
    pub tables_total: AtomicU64,
    /// Bytes copied.
    pub bytes_copied: Arc<AtomicU64>,
    /// Bytes planned so far.
    pub bytes_total: AtomicU64,
}

impl Progress {
    /// Percent of the scope that has arrived, as far as is known; 99 at most, because only the cycle's end is 100.
    pub fn percent(&self) -> u8 {
        let total = self.tables_total.load(Ordering::Relaxed);
        if total == 0 {
            return 0;
        }
        let tables = self.tables_done.load(Ordering::Relaxed) as f64 / total as f64;
        let planned = self.bytes_total.load(Ordering::Relaxed);
        let bytes = if planned == 0 {
            tables
        } else {
            self.bytes_copied.load(Ordering::Relaxed).min(planned) as f64 / planned as f64
        };
        // Bytes weigh what tables alone hide: one table may be most of the scope.
        ((tables * 0.5 + bytes * 0.5) * 100.0).clamp(0.0, 99.0) as u8
    }
}

/// What a cycle works on.
pub struct CycleRequest<'a> {
    /// The group, for the ledger.
    pub group: &'a GroupId,
    /// Catalogs in scope.
    pub catalogs: &'a [String],
    /// How locations map.
    pub mappings: &'a MappingTable,
    /// The primary.
    pub source: &'a Endpoint,
    /// The secondary.
    pub destination: &'a Endpoint,
    /// The ledger.
    pub store: &'a Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Stops the cycle at the next commit boundary.
    pub stop: Arc<AtomicBool>,
    /// What this cycle's transfers and those of all others keep to together.
    pub limits: Arc<TransferLimits>,
    /// Where to tell how far it is.
    pub progress: Arc<Progress>,
    /// What the secondary's catalog can reach; read when something is refused.
    pub coverage: Coverage,
}

/// What a cycle found and did.
#[derive(Debug, Clone)]
pub struct CycleOutcome {
    /// Everything committed at the source up to then has arrived, but for the objects that carry an error.
    pub cut: Timestamp,
    /// The same moment by the monotonic clock.
    pub cut_at: Duration,
    /// Whether every object was looked at; false when it was stopped.
    pub complete: bool,
    /// Every object in scope, by kind and name.
    pub objects: Vec<ObjectRecord>,
    /// Objects that had changed.
    pub changed: u64,
    /// Bytes copied.
    pub bytes_copied: u64,
}

impl CycleOutcome {
    /// Every object's error.
    pub fn errors(&self) -> impl Iterator<Item = &ObjectError> {
        self.objects.iter().filter_map(|o| o.error.as_ref())
    }
}

/// Runs one cycle. Whatever goes wrong, what has arrived stays and the next cycle reads the rest anew.
pub async fn run_cycle(request: &CycleRequest<'_>, cache: &mut CycleCache) -> Result<CycleOutcome, CycleError> {
    let (cut, cut_at) = (request.clock.now() - VISIBILITY_DELAY, request.clock.monotonic().saturating_sub(DELAY));
    cache.cut = Some(cut);
    let source = read_inventory(request.source, request.catalogs).await?;
    let now = request.clock.monotonic();
    let (mut at_destination, read_at, fresh) = match cache.destination.take() {
        Some((inventory, read_at)) if now.saturating_sub(read_at) < DESTINATION_TRUST => (inventory, read_at, false),
        _ => (read_inventory(request.destination, request.catalogs).await?, now, true),
    };
    let mut cycle = Cycle { request, fresh, objects: Vec::new(), changed: 0, broken: BTreeMap::new() };
    cycle.held(cache, &source);
    cycle.containers(&source, &mut at_destination, cache).await?;
    cycle.changed += drops::follow(request, &source, &mut at_destination, cache).await?;
    let before = request.progress.bytes_copied.load(Ordering::Relaxed);
    let complete = cycle.tables(&source, &mut at_destination, cache).await?;
    if complete {
        cycle.views(&source, &mut at_destination, cache).await?;
    }
    cycle.unmanaged(&source, &at_destination, cache);
    let Cycle { mut objects, changed, .. } = cycle;
    objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    // A table that is flagged for what it holds says nothing about the destination.
    let failing = objects
        .iter()
        // One that was refused as before said nothing new.
        .filter(|o| !cache.flagged.contains_key(&o.name))
        .filter_map(|o| o.error.as_ref())
        .any(|e| e.class.is_transient() || matches!(e.class, ErrorClass::PermissionDenied | ErrorClass::SplitBrain));
    if complete && !failing {
        cache.destination = Some((at_destination, read_at));
    } else {
        // Whatever failed may have left the destination other than remembered.
        cache.access.clear();
    }
    let bytes_copied = request.progress.bytes_copied.load(Ordering::Relaxed) - before;
    Ok(CycleOutcome { cut, cut_at, complete, objects, changed, bytes_copied })
}

struct Cycle<'a> {
    request: &'a CycleRequest<'a>,
    /// Whether the destination's catalog was read just now.
    fresh: bool,
    objects: Vec<ObjectRecord>,
    changed: u64,
    /// Catalogs and schemas that could not be made, with why; what lies below them fails for the same reason.
    broken: BTreeMap<String, Failure>,
}

impl Cycle<'_> {
    /// A region that is away stops the cycle; any other answer concerns one object.
    fn object_fault(&self, error: ConnectError) -> Result<(ErrorClass, String), CycleError> {
        if error.is_unreachable() {
            return Err(CycleError::at(&self.request.destination.region, error));
        }
        Ok((error.class(), error.to_string()))
    }

    /// The same for a catalog or a schema.
    async fn container_fault(&self, fault: ContainerFault) -> Result<Failure, CycleError> {
        let to = self.request.destination;
        match fault {
            ContainerFault::Unmapped(why) => Ok((ErrorClass::UnmappedLocation, BTreeMap::new(), why.to_string())),
            ContainerFault::Region(error, _) if error.is_unreachable() => Err(CycleError::at(&to.region, error)),
            ContainerFault::Region(error, place) => {
                Ok(self.request.coverage.explain(to, place.as_deref(), error).await)
            }
        }
    }

    fn flag(&mut self, kind: AssetKind, name: &AssetName, class: ErrorClass, message: String) {
        self.flag_as(kind, name, (class, BTreeMap::new(), message));
    }

    fn flag_as(&mut self, kind: AssetKind, name: &AssetName, (class, parameters, message): Failure) {
        self.objects.push(ObjectRecord::failed(kind, name, class, parameters, message, self.request.clock));
    }

    /// Names the tables that are left alone, and why.
    fn held(&mut self, cache: &CycleCache, source: &Inventory) {
        for SalvageHold { error, .. } in &cache.held {
            let [catalog, schema, name] = *error.object.splitn(3, '.').collect::<Vec<_>>() else { continue };
            let asset = AssetName::leaf(catalog, schema, name);
            let mut record = ObjectRecord::new(error.kind, &asset, error.class.status());
            record.replica_version = cache.tables.get(&error.object).map(|table| table.position.version);
            // What was left behind holds nothing up, until the source has a table of its name that must not take its place.
            let is_conflict = error.class == ErrorClass::LeftBehind && source.by_name(&error.object).is_some();
            let why = || {
                format!(
                    "{} has another table of that name. It isn't replicated until you release this one.",
                    self.request.source.region
                )
            };
            record.error = Some(if is_conflict { error.clone().held(&why()) } else { error.clone() });
            self.objects.push(record);
        }
    }

    async fn containers(
        &mut self,
        source: &Inventory,
        at_destination: &mut Inventory,
        cache: &mut CycleCache,
    ) -> Result<(), CycleError> {
        let mut ensured = Vec::new();
        let (from, to) = (self.request.source, self.request.destination);
        for name in self.request.catalogs {
            let asset = AssetName::catalog(name.as_str());
            let Some(item) = source.catalog(name) else {
                self.objects.push(finding::catalog_not_shown(name, from, self.request.clock));
                continue;
            };
            match catalogs::ensure(item, from, to, self.request.mappings, at_destination, self.fresh).await {
                // Replicas that are there go on; the rows that were accepted once are named until they are changed.
                Ok(()) => match self.request.mappings.fault() {
                    Some(why) => {
                        self.flag(AssetKind::Catalog, &asset, ErrorClass::UnmappedLocation, why.to_string());
                    }
                    None => self.objects.push(ObjectRecord::new(AssetKind::Catalog, &asset, ObjectStatus::InSync)),
                },
                Err(fault) => {
                    let failure = self.container_fault(fault).await?;
                    self.broken.insert(folded(name).into_owned(), failure.clone());
                    self.flag_as(AssetKind::Catalog, &asset, failure);
                }
            }
            for (info, _) in item.schemas.values() {
                let schema = info.name.as_str();
                let asset = AssetName::schema(name.as_str(), schema);
                if let Some(failure) = self.broken.get(folded(name).as_ref()).cloned() {
                    self.flag_as(AssetKind::Schema, &asset, failure);
                    continue;
                }
                match schemas::ensure(info, from, to, self.request.mappings, at_destination).await {
                    Ok(()) => {
                        ensured.push(AssetKey::schema(name.as_str(), schema));
                        self.objects.push(ObjectRecord::new(AssetKind::Schema, &asset, ObjectStatus::InSync));
                    }
                    Err(fault) => {
                        let failure = self.container_fault(fault).await?;
                        self.broken.insert(folded(&format!("{name}.{schema}")).into_owned(), failure.clone());
                        self.flag_as(AssetKind::Schema, &asset, failure);
                    }
                }
            }
        }
        drops::record_made(self.request, cache, ensured).await
    }

    /// Ships every table; false when it was stopped on the way.
    async fn tables(
        &mut self,
        source: &Inventory,
        at_destination: &mut Inventory,
        cache: &mut CycleCache,
    ) -> Result<bool, CycleError> {
        let mut tasks = Vec::new();
        for info in source.tables().filter(|t| t.table_type != TABLE_VIEW && !cache.holds(&t.full_name())) {
            let asset = finding::asset_of(info);
            if let Some(record) = finding::unsupported(info, self.request.clock) {
                self.objects.push(record);
            } else if let Some(failure) = self.broken_parent(info) {
                self.flag_as(AssetKind::Table, &asset, failure);
            } else if self.is_taken(info, at_destination) {
                self.objects.push(finding::taken(info, self.request.destination, self.request.clock));
            } else {
                tasks.push(TableTask { name: info.full_name(), asset, info });
            }
        }
        let progress = &self.request.progress;
        progress.tables_total.store(tasks.len() as u64, Ordering::Relaxed);
        progress.tables_done.store(0, Ordering::Relaxed);
        let transfer = Transfer {
            parallel: self.request.limits.parallel(),
            limits: self.request.limits.clone(),
            stop: self.request.stop.clone(),
            copied_bytes: progress.bytes_copied.clone(),
            clock: cache.storage_clock.clone(),
        };
        let shipped = tables::ship_all(self.request, tasks, at_destination, cache, &transfer).await?;
        self.changed += shipped.changed;
        self.objects.extend(shipped.objects);
        Ok(shipped.complete)
    }

    fn broken_parent(&self, info: &TableInfo) -> Option<Failure> {
        if self.broken.is_empty() {
            return None;
        }
        let schema = format!("{}.{}", info.catalog_name, info.schema_name);
        let found = self.broken.get(folded(&info.catalog_name).as_ref());
        found.or_else(|| self.broken.get(folded(&schema).as_ref())).cloned()
    }

    async fn views(
        &mut self,
        source: &Inventory,
        at_destination: &mut Inventory,
        cache: &mut CycleCache,
    ) -> Result<(), CycleError> {
        let mut ensured = Vec::new();
        for info in source.tables().filter(|t| t.table_type == TABLE_VIEW && !cache.holds(&t.full_name())) {
            let asset = finding::asset_of(info);
            if let Some(record) = finding::unsupported(info, self.request.clock) {
                self.objects.push(record);
                continue;
            }
            if let Some(failure) = self.broken_parent(info) {
                self.flag_as(AssetKind::View, &asset, failure);
                continue;
            }
            if self.is_taken(info, at_destination) {
                self.objects.push(finding::taken(info, self.request.destination, self.request.clock));
                continue;
            }
            match views::ensure(info, self.request.destination, at_destination).await {
                Ok(()) => {
                    ensured.push(AssetKey::new(AssetKind::View, asset.clone()));
                    self.objects.push(ObjectRecord::new(AssetKind::View, &asset, ObjectStatus::InSync));
                }
                Err(error) => {
                    let (class, message) = self.object_fault(error)?;
                    self.flag(AssetKind::View, &asset, class, message);
                }
            }
        }
        drops::record_made(self.request, cache, ensured).await
    }

    /// Whether the destination holds a table where the source has a view, or a view where it has a table. What
    /// replication made itself is dropped before this is asked.
    fn is_taken(&self, info: &TableInfo, at_destination: &Inventory) -> bool {
        let replica = at_destination.table(&info.catalog_name, &info.schema_name, &info.name);
        replica.is_some_and(|replica| (replica.table_type == TABLE_VIEW) != (info.table_type == TABLE_VIEW))
    }

    /// Names what only the destination has.
    fn unmanaged(&mut self, source: &Inventory, at_destination: &Inventory, cache: &CycleCache) {
        let (none, ends) = (Default::default(), (self.request.source, self.request.destination));
        let found = finding::unmanaged(source, at_destination, &none, ends, self.request.clock);
        self.objects.extend(found.into_iter().filter(|object| !cache.holds(&object.name)));
    }
}
