//! A table as its log tells: version, shape and live files.

use super::deletion_vector::DeletionVector;
use super::log::{self, FileIdentity};
use super::schema::Shape;
use super::{WriterError, data_file};
use roaring::RoaringTreemap;
use serde_json::{Map, Value, json};
use std::path::Path;

/// One live data file.
#[derive(Debug, Clone)]
pub(super) struct LiveFile {
    /// As the log spells it.
    pub path: String,
    pub size: i64,
    /// One value a partition column, in the table's order.
    pub partition: Vec<String>,
    pub rows: u64,
    pub smallest_key: i64,
    pub stats: Value,
    pub vector: Option<DeletionVector>,
}

impl LiveFile {
    /// Rows that are still there.
    pub fn alive(&self) -> u64 {
        self.rows - self.vector.as_ref().map_or(0, |v| v.deleted.len().min(self.rows))
    }

    pub fn deleted(&self) -> RoaringTreemap {
        self.vector.as_ref().map(|v| v.deleted.clone()).unwrap_or_default()
    }

    fn parse(table: &Path, shape: &Shape, add: &Value) -> Result<Self, WriterError> {
        let path = add["path"].as_str().unwrap_or_default().to_owned();
        let stats: Value = add["stats"]
            .as_str()
            .and_then(|s| serde_json::from_str(s).ok())
            .filter(Value::is_object)
            .unwrap_or(Value::Null);
        let vector = match &add["deletionVector"] {
            Value::Null => None,
            descriptor => Some(DeletionVector::read(table, descriptor)?),
        };
        let key = shape.columns.first().map(|c| c.physical.as_str()).unwrap_or_default();
        let known = stats["numRecords"].as_u64().zip(stats["minValues"][key].as_i64());
        let (rows, smallest_key) = match known {
            Some(known) => known,
            None => {
                let batch = data_file::read(&table.join(data_file::disk_path(&path)), shape)?;
                let smallest = data_file::keys(&batch).into_iter().min().unwrap_or_default();
                (batch.num_rows() as u64, smallest)
            }
        };
        Ok(Self {
            partition: partition_values(shape, &add["partitionValues"]),
            size: add["size"].as_i64().unwrap_or_default(),
            path,
            rows,
            smallest_key,
            stats,
            vector,
        })
    }

    fn is(&self, action: &Value) -> bool {
        self.path == action["path"].as_str().unwrap_or_default()
            && self.vector.as_ref().map(|v| &v.descriptor["pathOrInlineDv"])
                == action.get("deletionVector").filter(|v| !v.is_null()).map(|v| &v["pathOrInlineDv"])
    }
}

fn partition_values(shape: &Shape, values: &Value) -> Vec<String> {
    let columns = shape.partition_columns();
    columns.iter().map(|c| values[&c.physical].as_str().unwrap_or_default().to_owned()).collect()
}

/// What a writer knows of a table.
#[derive(Debug, Clone)]
pub(super) struct LogState {
    pub version: i64,
    /// The newest commit's file, to see that no one put another one in its place.
    pub identity: Option<FileIdentity>,
    pub shape: Shape,
    /// In an order that doesn't depend on random file names.
    pub files: Vec<LiveFile>,
    pub in_commit_timestamp: i64,
}

impl LogState {
    /// Reads the table in `folder`.
    pub fn load(folder: &Path) -> Result<Self, WriterError> {
        let nothing = || WriterError::log(&log::log_folder(folder), "there is no table");
        let (protocol, metadata) = log::latest_metadata(folder)?.ok_or_else(nothing)?;
        let shape = Shape::parse(folder, &protocol, &metadata)?;
        let listing = log::list(folder)?.ok_or_else(nothing)?;
        let mut adds: Vec<Value> = Vec::new();
        let (mut version, mut in_commit_timestamp) = (-1, 0);
        if let Some((checkpoint, parts)) = &listing.checkpoint {
            version = *checkpoint;
            for part in parts {
                adds.extend(
                    log::read_checkpoint(part, log::Wanted::Everything)?
                        .into_iter()
                        .filter_map(|mut action| action.remove("add")),
                );
            }
        }
        for commit in listing.commits.iter().copied().filter(|commit| *commit > version).collect::<Vec<_>>() {
            if commit != version + 1 {
                return Err(WriterError::log(&log::commit_path(folder, version + 1), "it is missing"));
            }
            version = commit;
            for action in log::read_commit(folder, commit)? {
                replay(&mut adds, &mut in_commit_timestamp, action);
            }
        }
        let files = adds.iter().map(|add| LiveFile::parse(folder, &shape, add)).collect::<Result<Vec<_>, _>>()?;
        let identity = log::identity(&log::commit_path(folder, version));
        let mut state = Self { version, identity, shape, files, in_commit_timestamp };
        state.sort();
        Ok(state)
    }

    /// Brings the state up to date with what others wrote in the meantime.
    pub fn refresh(self, folder: &Path) -> Result<Self, WriterError> {
        let mut state = self;
        if log::identity(&log::commit_path(folder, state.version)) != state.identity {
            return Self::load(folder);
        }
        loop {
            let next = log::commit_path(folder, state.version + 1);
            let Some(identity) = log::identity(&next) else {
                return Ok(state);
            };
            for action in log::read_commit(folder, state.version + 1)? {
                // A fence only says something; everything else is worth a new look at the whole log.
                let Some(info) = action.get("commitInfo") else {
                    return Self::load(folder);
                };
                state.in_commit_timestamp = info["inCommitTimestamp"].as_i64().unwrap_or(state.in_commit_timestamp);
            }
            state.version += 1;
            state.identity = Some(identity);
        }
    }

    /// Takes over what this writer itself committed.
    pub fn advance(&mut self, folder: &Path, lines: &[Value], added: Vec<LiveFile>, timestamp: i64) {
        self.files.retain(|file| !lines.iter().any(|line| line.get("remove").is_some_and(|remove| file.is(remove))));
        self.files.extend(added);
        self.version += 1;
        self.identity = log::identity(&log::commit_path(folder, self.version));
        if self.shape.in_commit_timestamps {
            self.in_commit_timestamp = timestamp;
        }
        self.sort();
    }

    fn sort(&mut self) {
        // Of two files with one smallest key the one with fewer rows was split off later.
        self.files.sort_by(|a, b| (a.smallest_key, b.rows, &a.path).cmp(&(b.smallest_key, a.rows, &b.path)));
    }

    /// The `add` action of a file.
    pub fn add_action(&self, file: &LiveFile, now_ms: i64, data_change: bool) -> Value {
        let mut add = json!({
            "path": file.path,
            "partitionValues": self.partition_map(&file.partition),
            "size": file.size,
            "modificationTime": now_ms,
            "dataChange": data_change,
            "stats": file.stats.to_string(),
        });
        if let Some(vector) = &file.vector {
            add["deletionVector"] = vector.descriptor.clone();
        }
        json!({"add": add})
    }

    /// The `remove` action of a file.
    pub fn remove_action(&self, file: &LiveFile, now_ms: i64, data_change: bool) -> Value {
        let mut remove = json!({
            "path": file.path,
            "deletionTimestamp": now_ms,
            "dataChange": data_change,
            "extendedFileMetadata": true,
            "partitionValues": self.partition_map(&file.partition),
            "size": file.size,
        });
        if let Some(vector) = &file.vector {
            remove["deletionVector"] = vector.descriptor.clone();
        }
        json!({"remove": remove})
    }

    pub fn partition_map(&self, values: &[String]) -> Map<String, Value> {
        let columns = self.shape.partition_columns();
        columns.iter().zip(values).map(|(c, value)| (c.physical.clone(), Value::String(value.clone()))).collect()
    }
}

fn replay(adds: &mut Vec<Value>, in_commit_timestamp: &mut i64, mut action: Map<String, Value>) {
    if let Some(info) = action.get("commitInfo") {
        *in_commit_timestamp = info["inCommitTimestamp"].as_i64().unwrap_or(*in_commit_timestamp);
    }
    let same = |a: &Value, b: &Value| {
        a["path"] == b["path"] && a["deletionVector"]["pathOrInlineDv"] == b["deletionVector"]["pathOrInlineDv"]
    };
    if let Some(remove) = action.get("remove") {
        adds.retain(|add| !same(add, remove));
    }
    if let Some(add) = action.remove("add") {
        adds.retain(|old| !same(old, &add));
        adds.push(add);
    }
}
