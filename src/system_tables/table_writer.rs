//! One table and what is watched for it: opening, writing what was found, and trying again what failed.

use super::{AccountSnapshot, Row, SystemTableError, Table};
use crate::domain::Timestamp;
use std::path::{Path, PathBuf};

/// Most rows that wait for a disk that refuses them; then nothing more is looked for until it takes them.
const MOST_WAITING: usize = 100_000;

/// Finds the rows of one table by comparing the account with what was written last.
pub trait ChangeDetector: Sized + Send + 'static {
    /// What it finds.
    type Row: Row;

    /// A watch that knows what the table tells already.
    fn resume(table: &Table, now: Timestamp) -> Result<Self, SystemTableError>;

    /// What is new; `regular` asks for how things stand even where nothing is.
    fn observe(&mut self, snapshot: &AccountSnapshot<'_>, regular: bool) -> Vec<Self::Row>;
}

/// Keeps one table.
pub struct TableWriter<W: ChangeDetector> {
    folder: PathBuf,
    table: Option<Table>,
    watch: Option<W>,
    waiting: Vec<W::Row>,
}

impl<W: ChangeDetector> TableWriter<W> {
    /// A writer of the table in `folder`, which is opened when it is first needed.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, table: None, watch: None, waiting: Vec::new() }
    }

    /// The table's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens the table where it is not open.
    pub fn open(&mut self, now: Timestamp) -> Result<&Table, SystemTableError> {
        let table = match self.table.take() {
            Some(table) => table,
            None => Table::open::<W::Row>(&self.folder, now)?,
        };
        if self.watch.is_none() {
            self.watch = Some(W::resume(&table, now)?);
        }
        Ok(self.table.insert(table))
    }

    /// Looks what is new and writes it, in one commit with what waited.
    ///
    /// After an error what was found waits for the next call, which reads the table again.
    pub fn keep(&mut self, snapshot: &AccountSnapshot<'_>, regular: bool) -> Result<(), SystemTableError> {
        self.open(snapshot.now)?;
        if let Some(watch) = self.watch.as_mut().filter(|_| self.waiting.len() < MOST_WAITING) {
            self.waiting.extend(watch.observe(snapshot, regular));
        }
        let Some(mut table) = self.table.take() else { return Ok(()) };
        if !self.waiting.is_empty() {
            table.append(&self.waiting, snapshot.now)?;
            self.waiting.clear();
        }
        table.settle(snapshot.now)?;
        self.table = Some(table);
        Ok(())
    }
}
