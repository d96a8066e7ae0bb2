//! One table's writer: prepares a change, puts the commit, now and then a checkpoint.

use super::change::Planner;
use super::data_file::{self, Durability};
use super::log_state::LogState;
use super::rows::{column_values, mix, text_hash};
use super::schema::{Feature, Shape, TableSpec};
use super::{WriterError, checkpoint, log};
use arrow::array::RecordBatch;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Tries before a writer leaves the table to the others.
const MOST_TRIES: usize = 5;
const ENGINE: &str = "Resilience-Sandbox/1";

/// Writes one table. Two writers of one table are safe: the slower one prepares its change again.
#[derive(Debug)]
pub struct TableWriter {
    folder: PathBuf,
    temporary: PathBuf,
    seed: u64,
    durability: Durability,
    state: Option<LogState>,
}

/// A commit that is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its version.
    pub version: i64,
    /// What it did, as its `commitInfo` says.
    pub operation: &'static str,
}

impl TableWriter {
    /// A writer of the table in `folder`, whose commits follow from `seed` and the table's full name.
    ///
    /// `temporary` is a folder on the same file system, outside every table.
    pub fn new(folder: PathBuf, temporary: PathBuf, seed: u64, full_name: &str) -> Self {
        Self { folder, temporary, seed: mix(seed, text_hash(full_name)), durability: Durability::Now, state: None }
    }

    /// The same writer with another durability.
    pub fn with(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// Makes the table: version 0, without rows.
    pub fn create(&self, spec: &TableSpec, now_ms: i64) -> Result<(), WriterError> {
        let log_folder = log::log_folder(&self.folder);
        std::fs::create_dir_all(&log_folder).map_err(WriterError::disk("created", &log_folder))?;
        log::put_commit(&self.folder, &self.temporary, 0, &creation_lines(spec, now_ms), self.durability)?;
        Ok(())
    }

    /// Writes the next version.
    pub fn commit(&mut self, now_ms: i64) -> Result<Committed, WriterError> {
        for _ in 0..MOST_TRIES {
            // Taken out, so that whatever fails below starts from the disk next time.
            let mut state = match self.state.take() {
                Some(state) => state.refresh(&self.folder)?,
                None => LogState::load(&self.folder)?,
            };
            let time = now_ms.max(state.in_commit_timestamp + 1);
            let change =
                Planner { folder: &self.folder, state: &state, seed: self.seed, now_ms, durability: self.durability }
                    .next()?;
            let mut info = commit_info(change.operation, change.parameters, change.blind_append, time);
            if state.shape.in_commit_timestamps {
                info["commitInfo"]["inCommitTimestamp"] = time.into();
            }
            let mut lines = vec![info];
            lines.extend(change.actions);
            let version = state.version + 1;
            if log::put_commit(&self.folder, &self.temporary, version, &lines, self.durability)? {
                state.advance(&self.folder, &lines, change.added, time);
                if version % state.shape.checkpoint_interval == 0 {
                    self.checkpoint(version);
                }
                self.state = Some(state);
                return Ok(Committed { version, operation: change.operation });
            }
            for file in change.written {
                // What no commit names is only rubbish.
                let _ = std::fs::remove_file(file);
            }
        }
        Err(WriterError::Contended { path: self.folder.clone() })
    }

    fn checkpoint(&self, version: i64) {
        // The commit stands without its checkpoint, and readers don't need it.
        if let Err(error) = checkpoint::write(&self.folder, version) {
            tracing::warn!(table = %self.folder.display(), version, %error, "no checkpoint was written");
        }
    }
}

fn commit_info(operation: &str, parameters: Value, blind_append: bool, time: i64) -> Value {
    json!({"commitInfo": {
        "timestamp": time,
        "operation": operation,
        "operationParameters": parameters,
        "isBlindAppend": blind_append,
        "engineInfo": ENGINE,
        "txnId": Uuid::new_v4().to_string(),
    }})
}

/// The actions of a new table's version 0.
pub fn creation_lines(spec: &TableSpec, now_ms: i64) -> Vec<Value> {
    let mut info = commit_info("CREATE TABLE", json!({"isManaged": "true"}), true, now_ms);
    if spec.features.contains(&Feature::InCommitTimestamps) {
        info["commitInfo"]["inCommitTimestamp"] = now_ms.into();
    }
    vec![info, spec.protocol(), spec.metadata(now_ms)]
}

/// Parquet bytes and `add` action of a file that any table of this spec can start with.
///
/// Only for specs without partitions and column mapping.
pub fn first_file(spec: &TableSpec, seed: u64, now_ms: i64) -> Result<(String, Vec<u8>, Value), WriterError> {
    let folder = Path::new("new tables");
    let shape = Shape::parse(folder, &spec.protocol()["protocol"], &spec.metadata(now_ms)["metaData"])?;
    let ids: Vec<i64> = (0..10).collect();
    let columns =
        shape.file_columns().enumerate().map(|(i, column)| column_values(column, i == 0, &ids, seed)).collect();
    let rows = RecordBatch::try_new(shape.file_schema(), columns).map_err(WriterError::arrow(folder))?;
    let bytes = data_file::encode(&rows, folder)?;
    let key = shape.columns.first().map(|c| c.physical.clone()).unwrap_or_default();
    let path = "part-00000-first.c000.snappy.parquet".to_owned();
    let stats = json!({"numRecords": ids.len(), "minValues": {&key: 0}, "maxValues": {&key: ids.len() - 1},
        "nullCount": {&key: 0}});
    let add = json!({"add": {"path": path, "partitionValues": {}, "size": bytes.len(), "modificationTime": now_ms,
        "dataChange": true, "stats": stats.to_string()}});
    Ok((path, bytes, add))
}

/// Makes a shallow clone of the table in `source`: a log that names the files of the other table.
pub fn shallow_clone(source: &Path, source_uri: &str, clone: &Path, now_ms: i64) -> Result<(), WriterError> {
    let state = LogState::load(source)?;
    let Some((protocol, metadata)) = log::latest_metadata(source)? else {
        return Err(WriterError::unsupported(source, "it has no log"));
    };
    let mut lines = vec![
        commit_info("CLONE", json!({"source": source_uri, "isShallow": "true"}), false, now_ms),
        json!({"protocol": protocol}),
        json!({"metaData": metadata}),
    ];
    for file in &state.files {
        let mut add = state.add_action(file, now_ms, true);
        add["add"]["path"] = format!("{source_uri}/{}", file.path).into();
        lines.push(add);
    }
    let log_folder = log::log_folder(clone);
    std::fs::create_dir_all(&log_folder).map_err(WriterError::disk("created", &log_folder))?;
    log::put_commit(clone, clone, 0, &lines, Durability::Later)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::writer::schema::Feature::*;

    const COLUMNS: &[(&str, &str)] = &[
        ("id", "long"),
        ("region", "string"),
        ("day", "date"),
        ("amount", "decimal(12,2)"),
        ("rate", "double"),
        ("count", "integer"),
        ("open", "boolean"),
        ("seen_at", "timestamp"),
    ];
    const SPECS: &[(&str, TableSpec)] = &[
        ("plain", TableSpec { columns: COLUMNS, partition_by: &[], features: &[Checkpoints(10)] }),
        ("partitioned", TableSpec { columns: COLUMNS, partition_by: &["region", "day"], features: &[] }),
        (
            "vectors",
            TableSpec { columns: COLUMNS, partition_by: &["region"], features: &[DeletionVectors, Checkpoints(8)] },
        ),
        ("mapped", TableSpec { columns: COLUMNS, partition_by: &["day"], features: &[ColumnMapping, Checkpoints(9)] }),
        ("changes", TableSpec { columns: COLUMNS, partition_by: &["region"], features: &[ChangeData] }),
        ("timed", TableSpec { columns: COLUMNS, partition_by: &[], features: &[InCommitTimestamps] }),
        (
            "all",
            TableSpec {
                columns: COLUMNS,
                partition_by: &["region"],
                features: &[DeletionVectors, ColumnMapping, ChangeData, InCommitTimestamps, Checkpoints(7)],
            },
        ),
    ];

    struct Place {
        root: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("a folder");
            std::fs::create_dir(root.path().join("tmp")).expect("a folder");
            Self { root }
        }

        fn writer(&self, name: &str) -> TableWriter {
            TableWriter::new(self.root.path().join(name), self.root.path().join("tmp"), 42, name)
        }
    }

    fn rows(folder: &Path) -> u64 {
        let state = LogState::load(folder).expect("the log reads");
        state.files.iter().map(|file| file.alive()).sum()
    }

    #[test]
    fn every_shape_goes_on_and_stays_small() {
        for (name, spec) in SPECS {
            let place = Place::new();
            let mut writer = place.writer(name);
            writer.create(spec, 1_000).expect("it is created");
            let folder = place.root.path().join(name);
            for version in 1..=60 {
                let done = writer.commit(1_000 + version).unwrap_or_else(|e| panic!("{name} {version}: {e:?}"));
                assert_eq!(done.version, version);
            }
            assert!((1..=450).contains(&rows(&folder)), "{name} has {} rows", rows(&folder));
            let kept = writer.state.as_ref().expect("a state").files.iter().map(|f| f.path.clone()).collect::<Vec<_>>();
            let read =
                LogState::load(&folder).expect("the log reads").files.into_iter().map(|f| f.path).collect::<Vec<_>>();
            assert_eq!(kept, read, "{name}: what the writer remembers is what the log says");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_commits_also_after_a_restart() {
        let (one, two) = (Place::new(), Place::new());
        let spec = &SPECS[6].1;
        let mut steady = one.writer("t");
        steady.create(spec, 0).expect("it is created");
        two.writer("t").create(spec, 0).expect("it is created");
        for version in 1..40 {
            let expected = steady.commit(version).expect("a commit");
            assert_eq!(two.writer("t").commit(version * 2).expect("a commit"), expected);
        }
        let sizes = |place: &Place| {
            let state = LogState::load(&place.root.path().join("t")).expect("the log reads");
            state.files.iter().map(|f| (f.smallest_key, f.rows, f.alive(), f.partition.clone())).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&one), sizes(&two));
    }

    #[test]
    fn a_commit_of_somebody_else_is_taken_into_account() {
        let place = Place::new();
        let mut writer = place.writer("t");
        writer.create(&SPECS[5].1, 1_000).expect("it is created");
        writer.commit(1_001).expect("a commit");
        let folder = place.root.path().join("t");
        let fence = json!({"commitInfo": {"timestamp": 5_000, "inCommitTimestamp": 5_000, "operation": "FENCE"}});
        assert!(
            log::put_commit(&folder, &place.root.path().join("tmp"), 2, &[fence], Durability::Now).expect("it is put")
        );
        assert_eq!(writer.commit(1_002).expect("a commit").version, 3);
        let info = &log::read_commit(&folder, 3).expect("it reads")[0]["commitInfo"];
        assert_eq!(info["inCommitTimestamp"], 5_001, "in-commit timestamps only rise");
    }

    #[test]
    fn a_table_that_was_rewound_is_read_anew() {
        let place = Place::new();
        let mut writer = place.writer("t");
        writer.create(&SPECS[0].1, 0).expect("it is created");
        for version in 1..=5 {
            writer.commit(version).expect("a commit");
        }
        for version in [4, 5] {
            std::fs::remove_file(log::commit_path(&place.root.path().join("t"), version)).expect("it was there");
        }
        assert_eq!(writer.commit(9).expect("a commit").version, 4);
    }

    /// Leaves the tables where `SANDBOX_TABLES_OUT` says, for a reader of another make.
    #[test]
    fn tables_for_other_readers() {
        let Ok(out) = std::env::var("SANDBOX_TABLES_OUT") else {
            return;
        };
        let out = PathBuf::from(out);
        std::fs::create_dir_all(out.join("tmp")).expect("a folder");
        for (name, spec) in SPECS {
            let mut writer = TableWriter::new(out.join(name), out.join("tmp"), 42, name);
            writer.create(spec, 1_700_000_000_000).expect("it is created");
            for version in 1..=60 {
                writer.commit(1_700_000_000_000 + version).expect("a commit");
            }
            std::fs::write(out.join(format!("{name}.rows")), rows(&out.join(name)).to_string()).expect("written");
        }
    }
}
