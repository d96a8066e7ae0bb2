//! What the next commit of a table does: append, update, delete, prune or compact, as the version's number decides.

use super::WriterError;
use super::data_file::{self, Durability, write_new};
use super::deletion_vector::DeletionVector;
use super::log_state::{LiveFile, LogState};
use super::rows::{column_values, mix, partition_value};
use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, filter_record_batch, kernels::zip::zip};
use arrow::datatypes::{DataType, Field, Schema};
use roaring::RoaringTreemap;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Live rows above which the oldest are deleted, so that a table stays small however long its job runs.
const MOST_ROWS: u64 = 400;
/// Live files above which a partition is compacted.
const MOST_FILES: usize = 12;
/// Keys of one version start here times the version.
const KEYS_A_VERSION: i64 = 1000;

/// A commit's content, with its files written already.
#[derive(Debug)]
pub(super) struct Change {
    pub operation: &'static str,
    pub parameters: Value,
    pub blind_append: bool,
    /// `remove`, `add` and `cdc` actions.
    pub actions: Vec<Value>,
    pub added: Vec<LiveFile>,
    /// Every file that was written for it, for taking back.
    pub written: Vec<PathBuf>,
}

impl Change {
    fn new(operation: &'static str, parameters: Value) -> Self {
        Self { operation, parameters, blind_append: false, actions: Vec::new(), added: Vec::new(), written: Vec::new() }
    }
}

/// Makes the next change of one table.
pub(super) struct Planner<'a> {
    pub folder: &'a Path,
    pub state: &'a LogState,
    /// The sandbox's seed and the table's name in one.
    pub seed: u64,
    pub now_ms: i64,
    pub durability: Durability,
}

impl Planner<'_> {
    /// Chooses and prepares the change for the version after the state's.
    pub fn next(&self) -> Result<Change, WriterError> {
        let hash = mix(self.seed, self.version() as u64);
        let files = &self.state.files;
        if files.iter().map(LiveFile::alive).sum::<u64>() > MOST_ROWS {
            return Ok(self.prune());
        }
        if files.len() > MOST_FILES
            && let Some(group) = self.fragmented()
        {
            return self.compact(&group);
        }
        let chosen = files.get((hash >> 16) as usize % files.len().max(1));
        match (hash % 10, chosen) {
            (6 | 7, Some(file)) => self.update(file, hash),
            (8 | 9, Some(file)) => self.delete(file, hash),
            _ => self.append(hash),
        }
    }

    fn version(&self) -> i64 {
        self.state.version + 1
    }

    fn append(&self, hash: u64) -> Result<Change, WriterError> {
        let mut change = Change::new("WRITE", json!({"mode": "Append", "partitionBy": "[]"}));
        change.blind_append = true;
        let shape = &self.state.shape;
        let count = 6 + (hash >> 24) as i64 % 12;
        let first = self.version() * KEYS_A_VERSION;
        let ids: Vec<i64> = (first..first + count).collect();
        let columns = shape.partition_columns();
        // Rows of one partition stand together; later halves may fall into the same one, which is merged.
        let mut groups: BTreeMap<Vec<String>, Vec<i64>> = BTreeMap::new();
        for half in ids.chunks(ids.len().div_ceil(2)) {
            let salt = mix(hash, half.first().copied().unwrap_or_default() as u64);
            let values = columns.iter().map(|c| partition_value(c, mix(salt, super::text_hash(&c.name)))).collect();
            groups.entry(values).or_default().extend_from_slice(half);
        }
        for (partition, ids) in groups {
            let rows = self.rows_of(&ids)?;
            self.add(&mut change, &rows, &partition, true)?;
        }
        Ok(change)
    }

    fn delete(&self, file: &LiveFile, hash: u64) -> Result<Change, WriterError> {
        let rows = self.read(file)?;
        let chosen = choose(file, rows.num_rows(), hash, 3);
        let mut change = Change::new("DELETE", json!({"predicate": "[\"expired\"]"}));
        change.actions.push(self.state.remove_action(file, self.now_ms, true));
        let gone = file.deleted() | &chosen;
        if gone.len() < rows.num_rows() as u64 {
            if self.state.shape.deletion_vectors {
                self.mark(&mut change, file, gone)?;
            } else {
                self.add(&mut change, &keep(&rows, |row| !gone.contains(row))?, &file.partition, true)?;
            }
        }
        if self.state.shape.change_data {
            let deleted = keep(&rows, |row| chosen.contains(row))?;
            self.add_change_data(&mut change, &[(&deleted, "delete")], &file.partition)?;
        }
        Ok(change)
    }

    fn update(&self, file: &LiveFile, hash: u64) -> Result<Change, WriterError> {
        let rows = self.read(file)?;
        let chosen = choose(file, rows.num_rows(), hash, 4);
        let fresh = self.rows_of(&data_file::keys(&rows))?;
        let after = keep(&fresh, |row| chosen.contains(row))?;
        let mut change = Change::new("UPDATE", json!({"predicate": "[\"corrected\"]"}));
        change.actions.push(self.state.remove_action(file, self.now_ms, true));
        if self.state.shape.deletion_vectors {
            let gone = file.deleted() | &chosen;
            if gone.len() < rows.num_rows() as u64 {
                self.mark(&mut change, file, gone)?;
            }
            self.add(&mut change, &after, &file.partition, true)?;
        } else {
            let mask = BooleanArray::from_iter((0..rows.num_rows() as u64).map(|row| Some(chosen.contains(row))));
            let columns = rows
                .columns()
                .iter()
                .zip(fresh.columns())
                .map(|(old, new)| zip(&mask, new, old).map_err(WriterError::arrow(self.folder)))
                .collect::<Result<Vec<_>, _>>()?;
            let whole = RecordBatch::try_new(rows.schema(), columns).map_err(WriterError::arrow(self.folder))?;
            self.add(&mut change, &whole, &file.partition, true)?;
        }
        if self.state.shape.change_data {
            let before = keep(&rows, |row| chosen.contains(row))?;
            let images = [(&before, "update_preimage"), (&after, "update_postimage")];
            self.add_change_data(&mut change, &images, &file.partition)?;
        }
        Ok(change)
    }

    /// Deletes the oldest files whole.
    fn prune(&self) -> Change {
        let mut change = Change::new("DELETE", json!({"predicate": "[\"older than the retention\"]"}));
        let mut left = self.state.files.iter().map(LiveFile::alive).sum::<u64>();
        for file in &self.state.files {
            if left <= MOST_ROWS / 2 {
                break;
            }
            left -= file.alive();
            change.actions.push(self.state.remove_action(file, self.now_ms, true));
        }
        change
    }

    /// The files of the partition that has most of them, where that is more than one.
    fn fragmented(&self) -> Option<Vec<&LiveFile>> {
        let mut partitions: BTreeMap<&[String], Vec<&LiveFile>> = BTreeMap::new();
        for file in &self.state.files {
            partitions.entry(&file.partition).or_default().push(file);
        }
        partitions.into_values().max_by_key(Vec::len).filter(|files| files.len() > 1)
    }

    fn compact(&self, files: &[&LiveFile]) -> Result<Change, WriterError> {
        let mut change = Change::new("OPTIMIZE", json!({"predicate": "[]", "zOrderBy": "[]", "auto": true}));
        let mut alive = Vec::new();
        for file in files {
            let gone = file.deleted();
            alive.push(keep(&self.read(file)?, |row| !gone.contains(row))?);
            change.actions.push(self.state.remove_action(file, self.now_ms, false));
        }
        let rows = concat_batches(&self.state.shape.file_schema(), &alive).map_err(WriterError::arrow(self.folder))?;
        let partition = files.first().map(|file| file.partition.clone()).unwrap_or_default();
        self.add(&mut change, &rows, &partition, false)?;
        Ok(change)
    }

    fn read(&self, file: &LiveFile) -> Result<RecordBatch, WriterError> {
        data_file::read(&self.folder.join(data_file::disk_path(&file.path)), &self.state.shape)
    }

    /// The rows with these keys as this version writes them.
    fn rows_of(&self, ids: &[i64]) -> Result<RecordBatch, WriterError> {
        let salt = mix(self.seed, self.version() as u64);
        let columns: Vec<ArrayRef> = self
            .state
            .shape
            .file_columns()
            .enumerate()
            .map(|(index, column)| column_values(column, index == 0, ids, salt))
            .collect();
        RecordBatch::try_new(self.state.shape.file_schema(), columns).map_err(WriterError::arrow(self.folder))
    }

    fn add(
        &self,
        change: &mut Change,
        rows: &RecordBatch,
        partition: &[String],
        data_change: bool,
    ) -> Result<(), WriterError> {
        let file = self.write(change, rows, partition)?;
        change.actions.push(self.state.add_action(&file, self.now_ms, data_change));
        change.added.push(file);
        Ok(())
    }

    /// Adds a file again with more of its rows marked as deleted.
    fn mark(&self, change: &mut Change, file: &LiveFile, gone: RoaringTreemap) -> Result<(), WriterError> {
        let vector = DeletionVector::write(self.folder, gone, self.durability)?;
        let mut marked = file.clone();
        marked.stats["tightBounds"] = Value::Bool(false);
        marked.vector = Some(vector);
        change.actions.push(self.state.add_action(&marked, self.now_ms, true));
        change.added.push(marked);
        Ok(())
    }

    fn write(&self, change: &mut Change, rows: &RecordBatch, partition: &[String]) -> Result<LiveFile, WriterError> {
        let folder = data_file::partition_folder(&self.state.shape.partition_columns(), partition);
        let path = format!("{folder}part-00000-{}.c000.snappy.parquet", Uuid::new_v4());
        let on_disk = self.folder.join(&path);
        let bytes = data_file::encode(rows, &on_disk)?;
        write_new(&on_disk, &bytes, self.durability)?;
        change.written.push(on_disk);
        let keys = data_file::keys(rows);
        Ok(LiveFile {
            path: data_file::log_path(&path),
            size: bytes.len() as i64,
            partition: partition.to_vec(),
            rows: keys.len() as u64,
            smallest_key: keys.iter().min().copied().unwrap_or_default(),
            stats: self.stats(&keys),
            vector: None,
        })
    }

    fn stats(&self, keys: &[i64]) -> Value {
        let key = self.state.shape.columns.first().map(|c| c.physical.as_str()).unwrap_or_default();
        let mut stats = json!({
            "numRecords": keys.len(),
            "minValues": {key: keys.iter().min()},
            "maxValues": {key: keys.iter().max()},
            "nullCount": {key: 0},
        });
        if self.state.shape.deletion_vectors {
            stats["tightBounds"] = Value::Bool(true);
        }
        stats
    }

    fn add_change_data(
        &self,
        change: &mut Change,
        parts: &[(&RecordBatch, &str)],
        partition: &[String],
    ) -> Result<(), WriterError> {
        let mut fields: Vec<Field> = self.state.shape.file_columns().map(|c| c.field()).collect();
        fields.push(Field::new("_change_type", DataType::Utf8, true));
        let schema = Arc::new(Schema::new(fields));
        let mut batches = Vec::new();
        for (rows, kind) in parts {
            let mut columns = rows.columns().to_vec();
            columns.push(Arc::new(StringArray::from_iter_values(vec![*kind; rows.num_rows()])));
            batches.push(RecordBatch::try_new(schema.clone(), columns).map_err(WriterError::arrow(self.folder))?);
        }
        let rows = concat_batches(&schema, &batches).map_err(WriterError::arrow(self.folder))?;
        let folder = data_file::partition_folder(&self.state.shape.partition_columns(), partition);
        let path = format!("_change_data/{folder}cdc-00000-{}.c000.snappy.parquet", Uuid::new_v4());
        let on_disk = self.folder.join(&path);
        let bytes = data_file::encode(&rows, &on_disk)?;
        write_new(&on_disk, &bytes, self.durability)?;
        change.written.push(on_disk);
        change.actions.push(json!({"cdc": {
            "path": data_file::log_path(&path),
            "partitionValues": self.state.partition_map(partition),
            "size": bytes.len(),
            "dataChange": false,
        }}));
        Ok(())
    }
}

/// About one in `share` of the rows that are still there, and at least one.
fn choose(file: &LiveFile, rows: usize, hash: u64, share: u64) -> RoaringTreemap {
    let gone = file.deleted();
    let alive: Vec<u64> = (0..rows as u64).filter(|row| !gone.contains(*row)).collect();
    let mut chosen: RoaringTreemap =
        alive.iter().copied().filter(|row| mix(hash, *row).is_multiple_of(share)).collect();
    if let (true, Some(first)) = (chosen.is_empty(), alive.first()) {
        chosen.insert(*first);
    }
    chosen
}

fn keep(rows: &RecordBatch, wanted: impl Fn(u64) -> bool) -> Result<RecordBatch, WriterError> {
    let mask = BooleanArray::from_iter((0..rows.num_rows() as u64).map(|row| Some(wanted(row))));
    filter_record_batch(rows, &mask).map_err(WriterError::arrow(Path::new("a table's rows")))
}
