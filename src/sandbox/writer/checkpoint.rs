//! Checkpoints, written by the Delta kernel.

use super::WriterError;
use delta_kernel::Snapshot;
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder};
use object_store::local::LocalFileSystem;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

type Engine = DefaultEngine<TokioMultiThreadExecutor>;

/// One at a time: the kernel's Parquet writer blocks a thread of its executor while another one reads for it.
static ENGINE: Mutex<Option<Engine>> = Mutex::new(None);
const THREADS: usize = 2;

/// Writes the checkpoint of one version.
pub(super) fn write(folder: &Path, version: i64) -> Result<(), WriterError> {
    let url =
        Url::from_directory_path(folder).map_err(|()| WriterError::unsupported(folder, "its path is relative"))?;
    let failed = |source| WriterError::Checkpoint { path: folder.to_owned(), version, source: Box::new(source) };
    let mut engine = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    if engine.is_none() {
        let executor = TokioMultiThreadExecutor::new_owned_runtime(Some(THREADS), None).map_err(failed)?;
        let store = Arc::new(LocalFileSystem::new().with_fsync(true));
        *engine = Some(DefaultEngineBuilder::new(store).with_task_executor(Arc::new(executor)).build());
    }
    let Some(engine) = engine.as_ref() else {
        return Ok(());
    };
    let at = u64::try_from(version).unwrap_or_default();
    let snapshot = Snapshot::builder_for(url.as_str()).at_version(at).build(engine).map_err(failed)?;
    snapshot.checkpoint(engine, None).map_err(failed)?;
    Ok(())
}
