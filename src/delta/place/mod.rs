//! A table's folder as blocking calls, the same for a local disk and an object store.
//!
//! Everything that reads or writes a table runs on blocking threads: on a local disk because that is the fastest way,
//! on an object store because a thread a transfer is cheap beside the transfer.

mod calls;
mod local;
mod random_access;
mod ratified;
mod regular;
mod remote;
mod uncached;

pub(super) use calls::{Content, Listed, Mode, Opened, Place, Put, Sink, Staged, StoredObject};
#[cfg(test)]
pub(super) use local::staged_name;
pub(super) use local::{LocalPlace, is_staged_name, stat_file, storage_error, storage_failure, sync_batch};
pub(super) use random_access::RandomAccess;
pub use regular::{open_regular, read_regular};
pub(super) use remote::RemoteRanges;

use super::{DeltaError, TableFault, TableRoot};
use std::sync::Arc;

/// Opens a table's root. Must be called where a tokio runtime is.
pub(super) fn open(root: &TableRoot) -> Arc<dyn Place> {
    match root {
        #[cfg(test)]
        TableRoot::Local(path) => super::tests::dying::open(path.clone()),
        #[cfg(not(test))]
        TableRoot::Local(path) => Arc::new(LocalPlace::new(path.clone())),
        TableRoot::Remote { store, prefix, uri, home, .. } => Arc::new(remote::RemotePlace::new(
            store.clone(),
            prefix.clone(),
            uri.clone(),
            home.clone(),
            tokio::runtime::Handle::current(),
        )),
        TableRoot::Ratified { root, ask } => {
            Arc::new(ratified::RatifiedPlace::new(open(root), ask.clone(), tokio::runtime::Handle::current()))
        }
    }
}

/// Runs blocking work on a table off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    table: &TableRoot,
    work: impl FnOnce() -> Result<T, DeltaError> + Send + 'static,
) -> Result<T, TableFault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(TableFault::from),
        Err(error) => Err(DeltaError::Interrupted { table: table.display(), detail: error.to_string() }.into()),
    }
}
