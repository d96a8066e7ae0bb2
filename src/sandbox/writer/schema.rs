//! Columns and features of a table, to and from the log's `protocol` and `metaData`.

use super::WriterError;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

/// What a seeded table uses beyond plain appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feature {
    /// Deletes and updates mark rows instead of rewriting files.
    DeletionVectors,
    /// Physical column names differ from the logical ones.
    ColumnMapping,
    /// Updates and deletes write change data files.
    ChangeData,
    /// Commits carry their own, monotonic time.
    InCommitTimestamps,
    /// A checkpoint every so many commits.
    Checkpoints(u32),
}

/// A table to be made. The first column is the key and must be a long.
#[derive(Debug, Clone, Copy)]
pub struct TableSpec {
    /// Column names with their Delta types.
    pub columns: &'static [(&'static str, &'static str)],
    /// Partition columns, outermost first.
    pub partition_by: &'static [&'static str],
    /// Features.
    pub features: &'static [Feature],
}

/// The types that the rows of a sandbox table can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Long,
    Integer,
    Double,
    Text,
    Boolean,
    Date,
    Timestamp,
    Decimal(u8, i8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub name: String,
    /// The name in data files, statistics and partition values.
    pub physical: String,
    pub field_id: Option<i64>,
    pub kind: Kind,
}

/// A table's schema and the features that decide how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub columns: Vec<Column>,
    /// Logical names.
    pub partition_by: Vec<String>,
    pub deletion_vectors: bool,
    pub change_data: bool,
    pub in_commit_timestamps: bool,
    pub checkpoint_interval: i64,
}

/// Without a property of its own a table gets a checkpoint this rarely: most sandbox tables are tiny.
const DEFAULT_CHECKPOINT_INTERVAL: i64 = 100;

/// Writer features that a commit of these jobs honours.
const KNOWN_WRITER_FEATURES: [&str; 7] = [
    "appendOnly",
    "invariants",
    "changeDataFeed",
    "columnMapping",
    "deletionVectors",
    "inCommitTimestamp",
    "domainMetadata",
];

impl Kind {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "long" => Self::Long,
            "integer" => Self::Integer,
            "double" => Self::Double,
            "string" => Self::Text,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            other => {
                let (precision, scale) = other.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
                Self::Decimal(precision.trim().parse().ok()?, scale.trim().parse().ok()?)
            }
        })
    }

    pub fn arrow(self) -> DataType {
        match self {
            Self::Long => DataType::Int64,
            Self::Integer => DataType::Int32,
            Self::Double => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
        }
    }
}

impl Column {
    /// The column in data files.
    pub fn field(&self) -> Field {
        let field = Field::new(&self.physical, self.kind.arrow(), true);
        match self.field_id {
            Some(id) => field.with_metadata(HashMap::from([("PARQUET:field_id".to_owned(), id.to_string())])),
            None => field,
        }
    }
}

impl Shape {
    /// Columns that data files hold: all but the partition columns.
    pub fn file_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|c| !self.partition_by.contains(&c.name))
    }

    pub fn partition_columns(&self) -> Vec<&Column> {
        self.partition_by.iter().filter_map(|name| self.columns.iter().find(|c| &c.name == name)).collect()
    }

    pub fn file_schema(&self) -> Arc<Schema> {
        Arc::new(Schema::new(self.file_columns().map(Column::field).collect::<Vec<_>>()))
    }

    /// Reads the newest `protocol` and `metaData` of the table in `folder`.
    pub fn parse(folder: &Path, protocol: &Value, metadata: &Value) -> Result<Self, WriterError> {
        let unsupported = |reason: String| WriterError::unsupported(folder, reason);
        if let Some(features) = protocol["writerFeatures"].as_array() {
            for feature in features.iter().filter_map(Value::as_str) {
                if !KNOWN_WRITER_FEATURES.contains(&feature) {
                    return Err(unsupported(format!("it uses the table feature {feature}")));
                }
            }
        }
        let schema: Value = metadata["schemaString"]
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok())
            .ok_or_else(|| unsupported("its schema is not readable".to_owned()))?;
        let mut columns = Vec::new();
        for field in schema["fields"].as_array().into_iter().flatten() {
            let name = field["name"].as_str().unwrap_or_default().to_owned();
            let kind = field["type"]
                .as_str()
                .and_then(Kind::parse)
                .ok_or_else(|| unsupported(format!("its column {name} has the type {}", field["type"])))?;
            let mapping = &field["metadata"];
            columns.push(Column {
                physical: mapping["delta.columnMapping.physicalName"].as_str().unwrap_or(&name).to_owned(),
                field_id: mapping["delta.columnMapping.id"].as_i64(),
                name,
                kind,
            });
        }
        if columns.first().is_none_or(|key| key.kind != Kind::Long) {
            return Err(unsupported("its first column is no long, which these jobs use as the key".to_owned()));
        }
        let configuration = &metadata["configuration"];
        let on = |name: &str| configuration[name].as_str() == Some("true");
        Ok(Self {
            columns,
            partition_by: metadata["partitionColumns"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            deletion_vectors: on("delta.enableDeletionVectors"),
            change_data: on("delta.enableChangeDataFeed"),
            in_commit_timestamps: on("delta.enableInCommitTimestamps"),
            checkpoint_interval: configuration["delta.checkpointInterval"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .filter(|interval| *interval > 0)
                .unwrap_or(DEFAULT_CHECKPOINT_INTERVAL),
        })
    }
}

impl TableSpec {
    fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// The `protocol` action: as low as the features allow, as engines do.
    pub(super) fn protocol(&self) -> Value {
        let vectors = self.has(Feature::DeletionVectors);
        let mapping = self.has(Feature::ColumnMapping);
        let times = self.has(Feature::InCommitTimestamps);
        if !vectors && !times {
            let (reader, writer) = match (mapping, self.has(Feature::ChangeData)) {
                (true, _) => (2, 5),
                (false, true) => (1, 4),
                (false, false) => (1, 2),
            };
            return json!({"protocol": {"minReaderVersion": reader, "minWriterVersion": writer}});
        }
        let mut readers = Vec::new();
        let mut writers = vec!["appendOnly", "invariants"];
        if mapping {
            readers.push("columnMapping");
            writers.push("columnMapping");
        }
        if vectors {
            readers.push("deletionVectors");
            writers.push("deletionVectors");
        }
        if self.has(Feature::ChangeData) {
            writers.push("changeDataFeed");
        }
        if times {
            writers.push("inCommitTimestamp");
        }
        if readers.is_empty() {
            return json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": writers}});
        }
        json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": readers, "writerFeatures": writers}})
    }

    /// The `metaData` action of a new table.
    pub(super) fn metadata(&self, now_ms: i64) -> Value {
        let mapping = self.has(Feature::ColumnMapping);
        let fields: Vec<Value> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, (name, kind))| {
                let metadata = if mapping {
                    json!({"delta.columnMapping.id": index + 1,
                        "delta.columnMapping.physicalName": format!("col-{}", Uuid::new_v4())})
                } else {
                    json!({})
                };
                json!({"name": name, "type": kind, "nullable": true, "metadata": metadata})
            })
            .collect();
        let mut configuration = Map::new();
        for feature in self.features {
            match feature {
                Feature::DeletionVectors => set(&mut configuration, "delta.enableDeletionVectors", "true"),
                Feature::ChangeData => set(&mut configuration, "delta.enableChangeDataFeed", "true"),
                Feature::InCommitTimestamps => set(&mut configuration, "delta.enableInCommitTimestamps", "true"),
                Feature::Checkpoints(every) => {
                    set(&mut configuration, "delta.checkpointInterval", &every.to_string());
                }
                Feature::ColumnMapping => {
                    set(&mut configuration, "delta.columnMapping.mode", "name");
                    set(&mut configuration, "delta.columnMapping.maxColumnId", &self.columns.len().to_string());
                }
            }
        }
        json!({"metaData": {
            "id": Uuid::new_v4().to_string(),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json!({"type": "struct", "fields": fields}).to_string(),
            "partitionColumns": self.partition_by,
            "configuration": configuration,
            "createdTime": now_ms,
        }})
    }
}

fn set(configuration: &mut Map<String, Value>, key: &str, value: &str) {
    configuration.insert(key.to_owned(), Value::String(value.to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_survives_the_log() {
        let spec = TableSpec {
            columns: &[("id", "long"), ("region", "string"), ("amount", "decimal(12,2)")],
            partition_by: &["region"],
            features: &[Feature::ColumnMapping, Feature::DeletionVectors, Feature::Checkpoints(7)],
        };
        let metadata = spec.metadata(0);
        let protocol = spec.protocol();
        let shape = Shape::parse(Path::new("t"), &protocol["protocol"], &metadata["metaData"]).expect("it parses");
        assert!(shape.deletion_vectors && !shape.change_data && !shape.in_commit_timestamps);
        assert_eq!(shape.checkpoint_interval, 7);
        assert_eq!(shape.file_columns().count(), 2);
        assert!(shape.columns.iter().all(|c| c.physical.starts_with("col-")));
        assert_eq!(shape.columns[2].kind, Kind::Decimal(12, 2));
    }

    #[test]
    fn a_feature_that_these_jobs_do_not_know_is_refused() {
        let spec = TableSpec { columns: &[("id", "long")], partition_by: &[], features: &[] };
        let protocol = json!({"minReaderVersion": 3, "minWriterVersion": 7, "writerFeatures": ["rowTracking"]});
        let refused = Shape::parse(Path::new("t"), &protocol, &spec.metadata(0)["metaData"]);
        assert!(refused.is_err_and(|e| e.to_string().contains("rowTracking")));
    }
}
