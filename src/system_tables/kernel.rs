//! What the Delta kernel does for the system tables: reading a log, and writing checkpoints.

use super::SystemTableError;
use super::data_file::range_of_stats;
use super::table::LiveFile;
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, Schema};
use delta_kernel::engine::arrow_conversion::TryFromArrow;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::schema::StructType;
use delta_kernel::{KernelError, KernelResult, Snapshot};
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder};
use object_store::local::LocalFileSystem;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// The kernel blocks a thread of its executor while another one reads for it.
const THREADS: usize = 2;

type Engine = DefaultEngine<TokioMultiThreadExecutor>;

/// One at a time, and for the whole process: its threads must not end on a thread that serves others.
static ENGINE: Mutex<Option<Engine>> = Mutex::new(None);

/// A table as its log tells it.
pub(super) struct Loaded {
    pub version: i64,
    pub files: Vec<LiveFile>,
}

/// A schema as `metaData.schemaString` spells it.
pub(super) fn schema_string(schema: &Schema, folder: &Path) -> Result<String, SystemTableError> {
    let schema = StructType::try_from_arrow(schema).map_err(SystemTableError::data_file(folder))?;
    serde_json::to_string(&schema).map_err(SystemTableError::data_file(folder))
}

fn url(folder: &Path) -> Result<Url, SystemTableError> {
    Url::from_directory_path(folder).map_err(|()| SystemTableError::foreign(folder, "its path is relative"))
}

/// Runs `work` on the kernel, which is started when it is first needed.
fn with_engine<T>(
    folder: &Path,
    work: impl FnOnce(&Engine) -> Result<T, SystemTableError>,
) -> Result<T, SystemTableError> {
    let mut slot = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    if slot.is_none() {
        let executor = TokioMultiThreadExecutor::new_owned_runtime(Some(THREADS), None)
            .map_err(|error| SystemTableError::torn(folder, error))?;
        let store = Arc::new(LocalFileSystem::new().with_fsync(true));
        *slot = Some(DefaultEngineBuilder::new(store).with_task_executor(Arc::new(executor)).build());
    }
    match slot.as_ref() {
        Some(engine) => work(engine),
        None => Err(SystemTableError::torn(folder, "the reader did not start")),
    }
}

/// Reads the newest version, which must have the columns of `schema`.
pub(super) fn load(folder: &Path, schema: &Schema) -> Result<Loaded, SystemTableError> {
    super::log::check_files(folder)?;
    with_engine(folder, |engine| {
        let torn = |error: KernelError| SystemTableError::torn(folder, error);
        let snapshot = Snapshot::builder_for(url(folder)?.as_str()).build(engine).map_err(torn)?;
        let ours = StructType::try_from_arrow(schema).map_err(|e| SystemTableError::torn(folder, e))?;
        if snapshot.schema().as_ref() != &ours {
            return Err(SystemTableError::foreign(folder, "its columns are others"));
        }
        let version = i64::try_from(snapshot.version()).map_err(|e| SystemTableError::torn(folder, e))?;
        let files = live_files(engine, snapshot).map_err(torn)?;
        if files.iter().any(|file| file.has_deleted_rows) {
            return Err(SystemTableError::foreign(folder, "somebody deleted single rows of it"));
        }
        Ok(Loaded { version, files: files.into_iter().map(|file| file.file).collect() })
    })
}

fn live_files(engine: &Engine, snapshot: Arc<Snapshot>) -> KernelResult<Vec<Found>> {
    let scan = snapshot.scan_builder().without_row_transforms().build()?;
    let mut found = Vec::new();
    for part in scan.scan_metadata(engine)? {
        let (data, selected) = part?.scan_files.into_parts();
        let data = ArrowEngineData::try_from_engine_data(data)?;
        let batch = data.record_batch();
        let column = |name: &'static str| {
            batch.column_by_name(name).ok_or_else(|| KernelError::generic(format!("a scan without {name}")))
        };
        let (paths, stats) = (column("path")?, column("stats")?);
        let (paths, stats) = (paths.as_string_opt::<i32>(), stats.as_string_opt::<i32>());
        let sizes = column("size")?.as_primitive_opt::<Int64Type>();
        let vectors = column("deletionVector")?;
        let (Some(paths), Some(stats), Some(sizes)) = (paths, stats, sizes) else {
            return Err(KernelError::generic("a scan of other types"));
        };
        for row in (0..batch.num_rows()).filter(|row| selected.get(*row).copied().unwrap_or(true)) {
            let (rows, range) = range_of_stats(stats.is_valid(row).then(|| stats.value(row)));
            let file = LiveFile {
                path: paths.value(row).to_owned(),
                bytes: u64::try_from(sizes.value(row)).unwrap_or_default(),
                rows,
                range,
            };
            found.push(Found { file, has_deleted_rows: vectors.is_valid(row) });
        }
    }
    Ok(found)
}

/// Writes the checkpoint of one version.
pub(super) fn checkpoint(folder: &Path, version: i64) -> Result<(), SystemTableError> {
    with_engine(folder, |engine| {
        let failed =
            |error: KernelError| SystemTableError::Checkpoint { folder: folder.to_owned(), reason: error.to_string() };
        let at = u64::try_from(version).unwrap_or_default();
        let snapshot = Snapshot::builder_for(url(folder)?.as_str()).at_version(at).build(engine).map_err(failed)?;
        snapshot.checkpoint(engine, None).map_err(failed)?;
        Ok(())
    })
}

struct Found {
    file: LiveFile,
    has_deleted_rows: bool,
}
