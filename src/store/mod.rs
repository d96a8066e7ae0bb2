//! What must survive a crash, in one SQLite file: groups, operations and their steps, stable URLs,
//! tokens, ledger, points, audit.
//!
//! Every change is one transaction, synced before it returns, so what a caller was told is stored survives power loss.

mod activity;
mod assets;
mod attributes;
mod drills;
mod error;
mod error_history;
mod groups;
mod ledger;
mod ownership;
mod points;
mod schema;
mod stable_urls;
mod tokens;

pub use activity::ActivityRow;
pub use assets::{AssetIds, AssetRow};
pub use error::StoreError;
pub use error_history::ErrorRow;
pub use groups::StoredOperation;
pub use ledger::{CommitRow, FileRow, TableRow};
pub use tokens::{TokenKind, TokenRow};

use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A handle on the store; cheap to clone.
#[derive(Clone)]
pub struct Store {
    path: Arc<PathBuf>,
    connection: Arc<Mutex<Connection>>,
}

/// One transaction; dropped without being committed, it leaves nothing behind.
pub struct Tx<'a> {
    tx: rusqlite::Transaction<'a>,
}

impl Store {
    /// Opens the store at `path`, creating it when absent.
    ///
    /// A file that isn't a sound store is left as it is and named in the error.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let fault = |source| StoreError::from_sqlite(path, source);
        let mut connection = Connection::open(path).map_err(fault)?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(fault)?;
        schema::check(&connection, path)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(fault)?;
        // FULL syncs the log at every commit: a group that a user was told exists must survive power loss.
        connection.pragma_update(None, "synchronous", "FULL").map_err(fault)?;
        schema::migrate(&mut connection, path)?;
        sync_folder(path)?;
        Ok(Self { path: Arc::new(path.to_owned()), connection: Arc::new(Mutex::new(connection)) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` in one transaction on this thread, and commits it.
    pub fn run_blocking<T>(&self, work: impl FnOnce(&Tx<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let mut connection = self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let fault = |source| StoreError::from_sqlite(&self.path, source);
        let tx = Tx { tx: connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)? };
        let answer = work(&tx).map_err(fault)?;
        tx.tx.commit().map_err(fault)?;
        Ok(answer)
    }

    /// Runs `work` in one transaction on a blocking thread, and commits it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        match tokio::task::spawn_blocking(move || store.run_blocking(work)).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Interrupted { path: self.path.as_ref().clone() }),
        }
    }
}

impl Tx<'_> {
    /// A remembered value.
    pub fn value(&self, key: &str) -> rusqlite::Result<Option<String>> {
        use rusqlite::OptionalExtension;
        self.tx.prepare_cached("SELECT value FROM memory WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
    }

    /// Remembers a value.
    pub fn set_value(&self, key: &str, value: &str) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO memory (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            )?
            .execute([key, value])?;
        Ok(())
    }
}

/// Makes the file's own name durable: a synced file in an unsynced folder can vanish.
fn sync_folder(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StoreError::Unusable { path: path.to_owned(), source: Box::new(source) })
}

/// Reads a JSON column; a body that does not parse is a corrupt store, and says so.
fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(e)))
}

/// Writes a JSON column.
fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_store_is_named_and_kept() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("state.db");
        std::fs::write(&path, vec![7u8; 8192]).expect("written");
        let error = Store::open(&path).err().expect("refused");
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("state.db"), "{error}");
        assert_eq!(std::fs::read(&path).expect("still there"), vec![7u8; 8192]);
    }

    #[test]
    fn a_store_of_a_newer_version_is_refused() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("state.db");
        drop(Store::open(&path).expect("created"));
        Connection::open(&path).expect("opens").pragma_update(None, "user_version", 99).expect("set");
        assert!(matches!(Store::open(&path).err(), Some(StoreError::Newer { .. })));
    }

    #[test]
    fn a_failed_transaction_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let failed: Result<(), _> = store.run_blocking(|tx| {
            tx.set_value("a", "1")?;
            Err(rusqlite::Error::InvalidQuery)
        });
        assert!(failed.is_err());
        assert_eq!(store.run_blocking(|tx| tx.value("a")).expect("reads"), None);
    }
}
