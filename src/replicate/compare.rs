//! Comparing every object of a group with its replica.

use super::access::root_of;
use super::finding::{self, kind_of};
use super::ledger::file_record;
use super::{CycleError, Endpoint, Inventory, ObjectRecord, ReplicaState, read_inventory};
use crate::connect::{ConnectError, TablePlace};
use crate::delta::{self, CompareOptions, Depth, Kept, TableRoot};
use crate::domain::{AssetKey, AssetKind, AssetName, Clock, ErrorClass, GroupId, ObjectError, ObjectStatus};
use crate::store::{Store, StoreError};
use crate::wire::unity_catalog::TableInfo;
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Tables compared at a time.
const PARALLEL_COMPARES: usize = 4;

/// What a comparison found.
#[derive(Debug, Clone, Default)]
pub struct CompareReport {
    /// Every object of the source, by kind and name.
    pub objects: Vec<ObjectRecord>,
    /// What is in the replica's catalogs and not in the source's.
    pub unmanaged: Vec<ObjectRecord>,
    /// What a repair can mend.
    pub damages: Vec<Damage>,
}

/// What is wrong with one table's replica and can be mended from its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The table's full name.
    pub table: String,
    /// Where the source lies.
    pub source: TablePlace,
    /// Where the replica lies.
    pub replica: TablePlace,
    /// Files to copy again.
    pub files: Vec<String>,
    /// Whether the replica holds commits that its source never had.
    pub strayed: bool,
}

impl CompareReport {
    /// Tables that were compared: those in sync, and those whose bytes are equal but cannot be read here.
    pub fn verified(&self) -> usize {
        self.tables().filter(|o| matches!(o.status, ObjectStatus::InSync | ObjectStatus::Unverifiable)).count()
    }

    /// Tables that differ.
    pub fn differing(&self) -> Vec<&ObjectRecord> {
        self.tables().filter(|o| o.status.is_difference()).collect()
    }

    fn tables(&self) -> impl Iterator<Item = &ObjectRecord> {
        self.objects.iter().filter(|o| o.kind == AssetKind::Table)
    }
}

/// What the ledger keeps of a table.
pub async fn kept_of(store: &Store, group: &GroupId, table: &str) -> Result<Kept, StoreError> {
    let (group, table) = (group.clone(), table.to_owned());
    let (files, commits) = store.run(move |tx| Ok((tx.files(&group, &table)?, tx.commits(&group, &table)?))).await?;
    let files = files.into_iter().map(file_record);
    Ok(Kept {
        files: files.map(|file| (file.path.clone(), file)).collect(),
        commits: commits.into_iter().map(|c| (c.version, c.sha256)).collect(),
    })
}

/// Compares every table and view in `catalogs`: version, commits, file list, sizes, and the sha256 kept when copied.
///
/// `depth` says whether files are read and hashed again, and against what. A region that can't be reached ends the comparison, so
/// that nothing is claimed of what it holds.
pub async fn compare_tables(
    group: &GroupId,
    catalogs: &[String],
    source: &Endpoint,
    destination: &Endpoint,
    store: &Store,
    clock: &dyn Clock,
    depth: Depth,
) -> Result<CompareReport, CycleError> {
    // The replica first: what arrives there meanwhile must not look as if somebody had made it there.
    let at_destination = read_inventory(destination, catalogs).await?;
    let at_source = read_inventory(source, catalogs).await?;
    let (known, owned) = {
        let group = group.clone();
        store.run(move |tx| Ok((tx.tables::<ReplicaState>(&group)?, tx.owned(&group)?))).await?
    };
    let tables = known.iter().map(|row| AssetKey::new(AssetKind::Table, AssetName::parse(&row.name)));
    let ours: BTreeSet<AssetKey> = tables.chain(owned).collect();
    let bytes: HashMap<String, u64> = known.into_iter().map(|row| (row.name, row.body.bytes)).collect();
    let pair = Pair { group, source, destination, at_destination: &at_destination, ours: &ours, store, clock, depth };
    let each: Vec<_> = at_source.tables().map(|info| pair.compare(info)).collect();
    let compared: Vec<Result<Compared, CycleError>> = stream::iter(each).buffered(PARALLEL_COMPARES).collect().await;
    let mut report = CompareReport::default();
    for compared in compared {
        let Compared { mut record, damage } = compared?;
        record.bytes = bytes.get(&record.name).copied();
        report.objects.push(record);
        report.damages.extend(damage);
    }
    report.objects.extend(pair.containers(catalogs, &at_source));
    report.unmanaged = finding::unmanaged(&at_source, &at_destination, &ours, (source, destination), clock);
    report.objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(report)
}

/// What is said of a table.
struct Compared {
    record: ObjectRecord,
    damage: Option<Damage>,
}

impl From<ObjectRecord> for Compared {
    fn from(record: ObjectRecord) -> Self {
        Self { record, damage: None }
    }
}

/// Both sides of a comparison.
struct Pair<'a> {
    group: &'a GroupId,
    source: &'a Endpoint,
    destination: &'a Endpoint,
    at_destination: &'a Inventory,
    /// What replication made.
    ours: &'a BTreeSet<AssetKey>,
    store: &'a Store,
    clock: &'a dyn Clock,
    depth: Depth,
}

impl Pair<'_> {
    async fn compare(&self, info: &TableInfo) -> Result<Compared, CycleError> {
        let asset = finding::asset_of(info);
        let kind = kind_of(info);
        if let Some(record) = finding::unsupported(info, self.clock) {
            return Ok(record.into());
        }
        let Some(replica) = self.at_destination.table(&info.catalog_name, &info.schema_name, &info.name) else {
            return self.absent(kind, &asset, info).await;
        };
        let replica_kind = kind_of(replica);
        if replica_kind != kind && !self.ours.contains(&AssetKey::new(replica_kind, asset.clone())) {
            return Ok(finding::taken(info, self.destination, self.clock).into());
        }
        if replica_kind != kind {
            let message = format!(
                "{asset} is a {} in {} and a {} in {}, until the next cycle.",
                kind.label(),
                self.source.region,
                replica_kind.label(),
                self.destination.region
            );
            return Ok(self.drifted(kind, &asset, message));
        }
        if kind == AssetKind::View {
            if replica.view_definition == info.view_definition {
                return Ok(ObjectRecord::new(kind, &asset, ObjectStatus::InSync).into());
            }
            let message = format!(
                "View {asset} has another definition in {} than in {}, until the next cycle.",
                self.destination.region, self.source.region
            );
            return Ok(self.drifted(kind, &asset, message));
        }
        let (Some(from), Some(to)) = (TablePlace::of(info), TablePlace::of(replica)) else {
            let message = format!("A catalog names no storage location for table {asset}. Check the table there.");
            return Ok(self.failed(kind, &asset, ErrorClass::CatalogRefused, message));
        };
        let ours = match self.root(self.source, &from).await? {
            Ok(root) => root,
            Err((class, message)) => return Ok(self.failed(kind, &asset, class, message)),
        };
        let theirs = match self.root(self.destination, &to).await? {
            Ok(root) => root,
            Err((class, message)) => return Ok(self.failed(kind, &asset, class, message)),
        };
        let name = asset.to_string();
        let kept = kept_of(self.store, self.group, &name).await?;
        let found = delta::compare(&ours, &theirs, &kept, CompareOptions { up_to: None, depth: self.depth }).await;
        let mut record = ObjectRecord::new(kind, &asset, found.status);
        record.source_version = found.source_version;
        record.replica_version = found.replica_version;
        match (found.class, found.message) {
            (Some(class), Some(message)) => {
                let (parameters, since) = (found.parameters, self.clock.now());
                record.error = Some(ObjectError { class, parameters, message, kind, object: name.clone(), since });
            }
            (_, message) => record.note = message,
        }
        let damaged = found.strayed || !found.damaged.is_empty();
        let damage = Damage { table: name, source: from, replica: to, files: found.damaged, strayed: found.strayed };
        Ok(Compared { record, damage: damaged.then_some(damage) })
    }

    /// An object that the destination's catalog lacks: not there yet, or there is a reason.
    async fn absent(&self, kind: AssetKind, asset: &AssetName, info: &TableInfo) -> Result<Compared, CycleError> {
        let mut record = ObjectRecord::new(kind, asset, ObjectStatus::Missing);
        record.note = Some(format!("{asset} is not in {}.", self.destination.region));
        let Some(place) = TablePlace::of(info).filter(|_| kind == AssetKind::Table) else {
            return Ok(record.into());
        };
        let root = match self.root(self.source, &place).await? {
            Ok(root) => root,
            Err((class, message)) => return Ok(self.failed(kind, asset, class, message)),
        };
        match delta::newest_whole_version(&root).await {
            Ok(version) => record.source_version = Some(version),
            Err(fault) => {
                let status = if fault.class.is_transient() { ObjectStatus::Unknown } else { ObjectStatus::Failed };
                record = ObjectRecord::failed(kind, asset, fault.class, fault.parameters, fault.message, self.clock);
                record.status = status;
            }
        }
        Ok(record.into())
    }

    /// The storage of a table; a refusal concerns one table, a region that is away all of them.
    async fn root(
        &self,
        endpoint: &Endpoint,
        place: &TablePlace,
    ) -> Result<Result<TableRoot, (ErrorClass, String)>, CycleError> {
        match root_of(endpoint, place, false, self.clock).await {
            Ok(granted) => Ok(Ok(granted.root)),
            Err(error) if error.is_unreachable() => Err(CycleError::at(&endpoint.region, error)),
            Err(error) => Ok(Err((error.class(), error.to_string()))),
        }
    }

    fn failed(&self, kind: AssetKind, asset: &AssetName, class: ErrorClass, message: String) -> Compared {
        ObjectRecord::failed(kind, asset, class, BTreeMap::new(), message, self.clock).into()
    }

    fn drifted(&self, kind: AssetKind, asset: &AssetName, message: String) -> Compared {
        let mut compared = self.failed(kind, asset, ErrorClass::Drift, message);
        compared.record.status = ObjectStatus::Drifted;
        compared
    }

    /// Catalogs and schemas: there, or not.
    fn containers(&self, catalogs: &[String], at_source: &Inventory) -> Vec<ObjectRecord> {
        let mut records = Vec::new();
        let mut add = |kind, asset: AssetName, present: bool| {
            let status = if present { ObjectStatus::InSync } else { ObjectStatus::Missing };
            let note = (!present).then(|| format!("{asset} is not in {}.", self.destination.region));
            records.push(ObjectRecord { note, ..ObjectRecord::new(kind, &asset, status) });
        };
        let mut gone = Vec::new();
        for name in catalogs {
            let asset = AssetName::catalog(name.as_str());
            let Some(item) = at_source.catalog(name) else {
                gone.push(finding::catalog_not_shown(name, self.source, self.clock));
                continue;
            };
            let replica = self.at_destination.catalog(name);
            add(AssetKind::Catalog, asset, replica.is_some());
            for schema in item.schemas.keys() {
                let present = replica.is_some_and(|replica| replica.schemas.contains_key(schema));
                add(AssetKind::Schema, AssetName::schema(name.as_str(), schema.as_str()), present);
            }
        }
        records.extend(gone);
        records
    }
}

/// Says of every object in `known` that nothing is claimed, because `region` did not answer.
pub fn unknown_objects(
    known: impl IntoIterator<Item = (AssetKind, String)>,
    region: &str,
    error: &ConnectError,
    clock: &dyn Clock,
) -> Vec<ObjectRecord> {
    let since = clock.now();
    let mut all: Vec<(AssetKind, String)> = known.into_iter().collect();
    all.sort();
    all.dedup();
    let record = |(kind, name): (AssetKind, String)| {
        let message = format!("The status of {name} is unknown, because {region} didn't respond. {error}");
        let parameters = BTreeMap::from([("region".to_owned(), region.to_owned())]);
        let error = ObjectError { class: error.class(), parameters, message, kind, object: name.clone(), since };
        ObjectRecord { error: Some(error), ..ObjectRecord::named(kind, name, ObjectStatus::Unknown) }
    };
    all.into_iter().map(record).collect()
}
