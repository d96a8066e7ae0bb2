//! The rows of both tables, and how they become columns.

use super::SystemTableError;
use crate::domain::{CatalogName, FailoverGroup, Region, Timestamp, WorkspaceId};
use arrow::array::{
    Array, ArrayRef, Int64Array, ListArray, MapArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// A row of a system table.
pub trait Row: Send + Sync + 'static {
    /// The table's name, which its files begin with.
    const NAME: &'static str;

    /// When what it tells of happened.
    fn time(&self) -> Timestamp;

    /// The table's columns.
    fn schema() -> SchemaRef;

    /// The columns of `rows`, in the schema's order.
    fn columns(rows: &[&Self]) -> Vec<ArrayRef>;
}

/// What a row of the states tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// How the group stands, before everything has arrived once.
    Initializing,
    /// How the group stands, afterwards.
    Replicating,
    /// The group was created.
    Created,
    /// Its definition was changed.
    Updated,
    /// It is gone.
    Deleted,
    /// A failover was confirmed.
    FailoverStarted,
    /// A failover ended well.
    FailoverFinished,
    /// A failover was undone.
    FailoverAborted,
}

impl StateKind {
    /// Every kind.
    const EVERY: [Self; 8] = [
        Self::Initializing,
        Self::Replicating,
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::FailoverStarted,
        Self::FailoverFinished,
        Self::FailoverAborted,
    ];

    /// The kind that the column spells so; None where a newer program wrote another.
    pub fn parse(spelled: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|kind| kind.as_str() == spelled)
    }

    /// The kind as the column spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "INITIALIZING",
            Self::Replicating => "REPLICATING",
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Deleted => "DELETED",
            Self::FailoverStarted => "FAILOVER_STARTED",
            Self::FailoverFinished => "FAILOVER_FINISHED",
            Self::FailoverAborted => "FAILOVER_ABORTED",
        }
    }
}

/// One row of `system.replication.states`.
#[derive(Debug, Clone, PartialEq)]
pub struct StateRow {
    /// A UUID.
    pub event_id: String,
    /// When.
    pub event_time: Timestamp,
    /// The account's id.
    pub account_id: String,
    /// The group's short id.
    pub failover_group_name: String,
    /// What it tells.
    pub replication_state: StateKind,
    /// One entry a class of error.
    pub errors: Vec<ErrorEntry>,
    /// Milliseconds; None while an asset has never been replicated.
    pub replication_lag_ms: Option<i64>,
    /// The primary region at that time.
    pub effective_primary_region: Region,
    /// What the group covers; None where that is not known any more.
    pub managed_assets: Option<ManagedAssets>,
}

/// Everything that fails for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorEntry {
    /// The class, in SCREAMING_SNAKE_CASE.
    pub error_class: String,
    /// What every error of the class names alike.
    pub parameters: BTreeMap<String, String>,
    /// A sentence.
    pub message: String,
    /// How many assets of each type fail for it.
    pub affected_assets_counts: BTreeMap<String, i64>,
}

/// What a group covers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManagedAssets {
    /// The metastores of its regions.
    pub metastore_ids: Vec<String>,
    /// Name and workspaces of each workspace set.
    pub workspace_sets: Vec<(String, Vec<String>)>,
    /// Catalogs in scope.
    pub catalogs: Vec<CatalogName>,
}

impl ManagedAssets {
    /// What `group` covers.
    pub fn of(group: &FailoverGroup, metastores: &BTreeMap<Region, String>) -> Self {
        let sets = group.spec.workspace_sets.iter();
        Self {
            metastore_ids: group.spec.regions.iter().filter_map(|region| metastores.get(region).cloned()).collect(),
            workspace_sets: sets
                .map(|set| (set.name.clone(), set.workspace_ids.iter().map(WorkspaceId::to_string).collect()))
                .collect(),
            catalogs: group.catalogs().to_vec(),
        }
    }
}

/// One row of `system.replication.objects`.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectRow {
    /// When.
    pub event_time: Timestamp,
    /// The group's short id.
    pub failover_group_name: String,
    /// What it is, in SCREAMING_SNAKE_CASE.
    pub asset_type: String,
    /// Its full name.
    pub asset_name: String,
    /// How its replica stands, or `removed`.
    pub status: String,
    /// A table's newest version at the source.
    pub source_version: Option<i64>,
    /// A table's newest version at the replica.
    pub replica_version: Option<i64>,
    /// Milliseconds that the replica is behind.
    pub lag_ms: Option<i64>,
    /// Bytes of live data.
    pub bytes: Option<i64>,
    /// Why it does not replicate.
    pub error_class: Option<String>,
    /// The same as a sentence.
    pub message: Option<String>,
}

fn required(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, false)
}

fn optional(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(optional("element", element)))
}

fn structure(fields: Vec<Field>) -> DataType {
    DataType::Struct(Fields::from(fields))
}

fn string_map() -> DataType {
    let entries = structure(vec![required("key", DataType::Utf8), optional("value", DataType::Utf8)]);
    DataType::Map(Arc::new(required("key_value", entries)), false)
}

// What every row has is required; below the top level nothing is, because readers differ most in nested nullability.
static STATES: LazyLock<SchemaRef> = LazyLock::new(|| {
    let error = structure(vec![
        optional("error_class", DataType::Utf8),
        optional("parameters", string_map()),
        optional("message", DataType::Utf8),
    ]);
    let count = structure(vec![optional("asset_type", DataType::Utf8), optional("failing_count", DataType::Int64)]);
    let entry = structure(vec![optional("error", error), optional("affected_assets_counts", list(count))]);
    let set = structure(vec![optional("name", DataType::Utf8), optional("workspace_ids", list(DataType::Utf8))]);
    let assets = structure(vec![
        optional("metastore_ids", list(DataType::Utf8)),
        optional("workspace_sets", list(set)),
        optional("catalogs", list(structure(vec![optional("name", DataType::Utf8)]))),
    ]);
    Arc::new(Schema::new(vec![
        required("event_id", DataType::Utf8),
        required("event_time", time()),
        required("account_id", DataType::Utf8),
        required("failover_group_name", DataType::Utf8),
        required("replication_state", DataType::Utf8),
        optional("errors", list(entry)),
        optional("replication_lag_ms", DataType::Int64),
        optional("effective_primary_region", DataType::Utf8),
        optional("managed_assets", assets),
    ]))
});

static OBJECTS: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        required("event_time", time()),
        required("failover_group_name", DataType::Utf8),
        required("asset_type", DataType::Utf8),
        required("asset_name", DataType::Utf8),
        required("status", DataType::Utf8),
        optional("source_version", DataType::Int64),
        optional("replica_version", DataType::Int64),
        optional("lag_ms", DataType::Int64),
        optional("bytes", DataType::Int64),
        optional("error_class", DataType::Utf8),
        optional("message", DataType::Utf8),
    ]))
});

impl Row for StateRow {
    const NAME: &'static str = "states";

    fn time(&self) -> Timestamp {
        self.event_time
    }

    fn schema() -> SchemaRef {
        STATES.clone()
    }

    fn columns(rows: &[&Self]) -> Vec<ArrayRef> {
        vec![
            strings(rows.iter().map(|r| r.event_id.as_str())),
            times(rows.iter().map(|r| r.event_time)),
            strings(rows.iter().map(|r| r.account_id.as_str())),
            strings(rows.iter().map(|r| r.failover_group_name.as_str())),
            strings(rows.iter().map(|r| r.replication_state.as_str())),
            errors(rows),
            Arc::new(rows.iter().map(|r| r.replication_lag_ms).collect::<Int64Array>()),
            strings(rows.iter().map(|r| r.effective_primary_region.as_str())),
            managed_assets(rows),
        ]
    }
}

impl Row for ObjectRow {
    const NAME: &'static str = "objects";

    fn time(&self) -> Timestamp {
        self.event_time
    }

    fn schema() -> SchemaRef {
        OBJECTS.clone()
    }

    fn columns(rows: &[&Self]) -> Vec<ArrayRef> {
        let longs = |of: fn(&Self) -> Option<i64>| -> ArrayRef {
            Arc::new(rows.iter().map(|row| of(row)).collect::<Int64Array>())
        };
        vec![
            times(rows.iter().map(|r| r.event_time)),
            strings(rows.iter().map(|r| r.failover_group_name.as_str())),
            strings(rows.iter().map(|r| r.asset_type.as_str())),
            strings(rows.iter().map(|r| r.asset_name.as_str())),
            strings(rows.iter().map(|r| r.status.as_str())),
            longs(|r| r.source_version),
            longs(|r| r.replica_version),
            longs(|r| r.lag_ms),
            longs(|r| r.bytes),
            Arc::new(rows.iter().map(|r| r.error_class.as_deref()).collect::<StringArray>()),
            Arc::new(rows.iter().map(|r| r.message.as_deref()).collect::<StringArray>()),
        ]
    }
}

/// The rows as one batch.
pub(super) fn batch<R: Row>(rows: &[&R], folder: &Path) -> Result<RecordBatch, SystemTableError> {
    RecordBatch::try_new(R::schema(), R::columns(rows)).map_err(SystemTableError::data_file(folder))
}

fn strings<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn times(values: impl Iterator<Item = Timestamp>) -> ArrayRef {
    let micros = values.map(|time| time.timestamp_micros());
    Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
}

/// The element field of a list, as the schema names it.
fn element(of: &dyn Array) -> FieldRef {
    Arc::new(optional("element", of.data_type().clone()))
}

fn lists(lengths: impl Iterator<Item = usize>, values: ArrayRef) -> ArrayRef {
    Arc::new(ListArray::new(element(&values), OffsetBuffer::from_lengths(lengths), values, None))
}

fn structs(fields: Vec<(&str, ArrayRef)>) -> ArrayRef {
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) =
        fields.into_iter().map(|(name, column)| (optional(name, column.data_type().clone()), column)).unzip();
    Arc::new(StructArray::new(Fields::from(fields), columns, None))
}

fn errors(rows: &[&StateRow]) -> ArrayRef {
    let entries: Vec<&ErrorEntry> = rows.iter().flat_map(|row| &row.errors).collect();
    let pairs: Vec<(&String, &String)> = entries.iter().flat_map(|entry| &entry.parameters).collect();
    let fields = Fields::from(vec![required("key", DataType::Utf8), optional("value", DataType::Utf8)]);
    let columns = vec![
        strings(pairs.iter().map(|(key, _)| key.as_str())),
        strings(pairs.iter().map(|(_, value)| value.as_str())),
    ];
    let parameters: ArrayRef = Arc::new(MapArray::new(
        Arc::new(required("key_value", DataType::Struct(fields.clone()))),
        OffsetBuffer::from_lengths(entries.iter().map(|entry| entry.parameters.len())),
        StructArray::new(fields, columns, None),
        None,
        false,
    ));
    let error = structs(vec![
        ("error_class", strings(entries.iter().map(|entry| entry.error_class.as_str()))),
        ("parameters", parameters),
        ("message", strings(entries.iter().map(|entry| entry.message.as_str()))),
    ]);
    let counts: Vec<(&String, &i64)> = entries.iter().flat_map(|entry| &entry.affected_assets_counts).collect();
    let count = structs(vec![
        ("asset_type", strings(counts.iter().map(|(kind, _)| kind.as_str()))),
        ("failing_count", Arc::new(Int64Array::from_iter_values(counts.iter().map(|(_, count)| **count)))),
    ]);
    let affected = lists(entries.iter().map(|entry| entry.affected_assets_counts.len()), count);
    let entry = structs(vec![("error", error), ("affected_assets_counts", affected)]);
    lists(rows.iter().map(|row| row.errors.len()), entry)
}

fn managed_assets(rows: &[&StateRow]) -> ArrayRef {
    let empty = ManagedAssets::default();
    let assets: Vec<&ManagedAssets> = rows.iter().map(|row| row.managed_assets.as_ref().unwrap_or(&empty)).collect();
    let metastores = strings(assets.iter().flat_map(|a| &a.metastore_ids).map(String::as_str));
    let sets: Vec<&(String, Vec<String>)> = assets.iter().flat_map(|a| &a.workspace_sets).collect();
    let workspaces = strings(sets.iter().flat_map(|(_, ids)| ids).map(String::as_str));
    let set = structs(vec![
        ("name", strings(sets.iter().map(|(name, _)| name.as_str()))),
        ("workspace_ids", lists(sets.iter().map(|(_, ids)| ids.len()), workspaces)),
    ]);
    let catalog = structs(vec![("name", strings(assets.iter().flat_map(|a| &a.catalogs).map(CatalogName::as_str)))]);
    let columns = vec![
        ("metastore_ids", lists(assets.iter().map(|a| a.metastore_ids.len()), metastores)),
        ("workspace_sets", lists(assets.iter().map(|a| a.workspace_sets.len()), set)),
        ("catalogs", lists(assets.iter().map(|a| a.catalogs.len()), catalog)),
    ];
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) =
        columns.into_iter().map(|(name, column)| (optional(name, column.data_type().clone()), column)).unzip();
    let known = rows.iter().map(|row| row.managed_assets.is_some()).collect::<Vec<bool>>();
    Arc::new(StructArray::new(Fields::from(fields), columns, Some(known.into())))
}
