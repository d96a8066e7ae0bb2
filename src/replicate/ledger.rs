//! What a batch of tables brought, into the ledger in one transaction.

use super::engine::CycleRequest;
use super::{CycleError, ReplicaState};
use crate::delta::{FileRecord, Generation, KeptFiles, Position, Shipped};
use crate::domain::{GroupId, Timestamp};
use crate::store::{CommitRow, FileRow, Store};
use std::sync::Arc;

/// What the ledger learns of one table.
#[derive(Clone)]
pub struct LedgerEntry {
    /// The table's full name.
    pub name: String,
    /// What is remembered of it from now on.
    pub table: ReplicaState,
    /// Whether what the ledger holds of the table is another table's, whose place this one has taken.
    void: bool,
    commits: Vec<CommitRow>,
    files: Vec<FileRow>,
}

impl LedgerEntry {
    /// What `shipped` brought of a table that was at `before`.
    pub fn new(name: String, table: ReplicaState, before: Option<&Position>, shipped: Shipped) -> Self {
        let (void, commits) = (is_another_generation(&shipped, before), commit_rows(&shipped));
        Self { name, table, void, commits, files: shipped.files.into_iter().map(file_row).collect() }
    }
}

fn file_row(file: FileRecord) -> FileRow {
    // A stamp is plain data; without one the file is only compared by its bytes.
    let stamp = file.stamp.and_then(|stamp| serde_json::to_string(&stamp).ok());
    FileRow { path: file.path, size: file.size, sha256: file.sha256, stamp }
}

/// What the ledger keeps of a file.
pub fn file_record(row: FileRow) -> FileRecord {
    let stamp = row.stamp.and_then(|stamp| serde_json::from_str(&stamp).ok());
    FileRecord { path: row.path, size: row.size, sha256: row.sha256, stamp }
}

/// Looks up what the ledger keeps of a table's files.
pub fn kept_files(store: &Store, group: &GroupId, table: &str) -> KeptFiles {
    let (store, group, table) = (store.clone(), group.clone(), table.to_owned());
    Arc::new(move |path| {
        // A ledger that can't be read makes the bytes be compared.
        let row = store.run_blocking(|tx| tx.file(&group, &table, path)).ok().flatten();
        row.map(file_record)
    })
}

/// Whether the replica's table is another one than the ledger knows. An exchange that was killed before the ledger
/// heard of it shows in the position.
fn is_another_generation(shipped: &Shipped, before: Option<&Position>) -> bool {
    let exchanged = |before: &Position| {
        before.version > shipped.position.version
            || (before.version == shipped.position.version && before.sha256 != shipped.position.sha256)
            || before.table_id != shipped.position.table_id
    };
    shipped.generation == Generation::New || (shipped.commits.is_empty() && before.is_some_and(exchanged))
}

/// The commits that arrived; a table that begins with a checkpoint has that version too.
fn commit_rows(shipped: &Shipped) -> Vec<CommitRow> {
    let row = |version, sha256: &str, time_ms| CommitRow { version, sha256: sha256.to_owned(), time_ms };
    let mut rows: Vec<CommitRow> = shipped.commits.iter().map(|c| row(c.version, &c.sha256, c.time_ms)).collect();
    let last = &shipped.position;
    if rows.last().is_none_or(|row| row.version < last.version) {
        rows.push(row(last.version, &last.sha256, last.time_ms));
    }
    rows
}

/// Writes everything that a batch brought; nothing of it counts before.
///
/// A commit whose writer's clock runs ahead counts as made by `seen`, the cycle's cut.
pub async fn write(request: &CycleRequest<'_>, entries: Vec<LedgerEntry>, seen: Timestamp) -> Result<(), CycleError> {
    let group = request.group.clone();
    let work = move |tx: &crate::store::Tx<'_>| {
        for entry in &entries {
            if entry.void {
                tx.remove_generation(&group, &entry.name)?;
            }
            tx.put_table(&group, &entry.name, &entry.table)?;
            tx.add_commits(&group, &entry.name, &entry.commits, seen)?;
            tx.add_files(&group, &entry.name, &entry.files)?;
        }
        Ok(())
    };
    Ok(request.store.run(work).await?)
}
