//! Whether a checkpoint or a compaction says what the commits say that it stands for. Other readers open it first, so a
//! replica whose commits are whole is not enough.

use crate::delta::log::{
    Action, Checkpoint, CheckpointFiles, Inventory, Past, catalog_feature, live_print, read_actions, read_checkpoint,
};
use crate::delta::place::Place;
use crate::delta::{DeltaError, pool};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// So many files of a checkpoint are looked for at the destination in an ordinary cycle, where each costs a request. A
/// larger table's are held against the log whenever it is planned from the whole state.
const LOOKED_FOR: usize = 128;
/// Requests at a time.
const PARALLEL_LOOKS: usize = 16;

/// What is known of the log, to hold its checkpoints and compactions against.
pub(super) struct Check<'a> {
    table: &'a str,
    inventory: &'a Inventory,
    known: Known<'a>,
    /// Live files of a checkpoint that the destination in an object store should hold by now.
    earlier: HashSet<String>,
    /// Whether only the whole state can tell.
    in_doubt: bool,
}

#[derive(Clone, Copy)]
enum Known<'a> {
    /// All that the log retains.
    Whole(&'a Past),
    /// The new commits alone. Live files that none of them names came to this destination earlier, or something is wrong.
    New(&'a dyn Place),
}

impl<'a> Check<'a> {
    pub fn of_cycle(inventory: &'a Inventory, destination: &'a dyn Place, table: &'a str) -> Self {
        Self { table, inventory, known: Known::New(destination), earlier: HashSet::new(), in_doubt: false }
    }

    pub fn of_picture(inventory: &'a Inventory, past: &'a Past, table: &'a str) -> Self {
        Self { table, inventory, known: Known::Whole(past), earlier: HashSet::new(), in_doubt: false }
    }

    fn past(&self) -> Option<&'a Past> {
        match self.known {
            Known::Whole(past) => Some(past),
            Known::New(_) => None,
        }
    }

    /// Goes through a checkpoint and returns its files; an error where it contradicts the commits.
    pub fn checkpoint(&mut self, place: &dyn Place, checkpoint: &Checkpoint) -> Result<CheckpointFiles, DeltaError> {
        let version = checkpoint.version;
        let what = format!("checkpoint of version {version}");
        let live =
            self.past().and_then(|past| past.live.as_ref()).filter(|(at, _)| *at == version).map(|(_, live)| live);
        let mut found = HashSet::new();
        let (mut protocol, mut metadata) = (None, None);
        let files = read_checkpoint(place, checkpoint, true, &mut |action, file| {
            match action {
                Action::Add(add) => {
                    let (path, vector) = self.inventory.paths(&add, file)?;
                    let print = live_print(&path, add.deletion_vector.as_ref());
                    if live.is_some_and(|live| !live.contains(&print)) {
                        return Err(self.contradiction(&what, file, format!("{path} is a live file in it alone")));
                    }
                    if live.is_some() {
                        found.insert(print);
                    }
                    self.must_be_named(path, vector, &what, file)?;
                }
                Action::Protocol(found) => protocol = Some(found),
                Action::Metadata(found) => metadata = Some(found),
                // A tombstone: no version that can still be read needs the file.
                Action::Remove(_) | Action::Cdc(_) | Action::CommitInfo(_) | Action::Sidecar(_) => {}
            }
            Ok(())
        })?;
        let lacks = live.map_or(0, |live| live.len() - found.len());
        if lacks > 0 {
            let file = files.top.first().map_or("", String::as_str);
            return Err(self.contradiction(&what, file, format!("it is missing {lacks} of the live files")));
        }
        self.must_not_be_managed(version, catalog_feature(protocol.as_ref(), metadata.as_ref()))?;
        Ok(files)
    }

    /// Goes through the compaction of versions `first` to `last`; false where it can't be read or contradicts the commits.
    pub fn compaction(&mut self, place: &dyn Place, file: &str, first: i64, last: i64) -> Result<bool, DeltaError> {
        match self.try_compaction(place, file, first, last) {
            Ok(()) => Ok(true),
            Err(error @ (DeltaError::Storage { .. } | DeltaError::TooLarge { .. })) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn try_compaction(&mut self, place: &dyn Place, file: &str, first: i64, last: i64) -> Result<(), DeltaError> {
        let what = format!("compaction of versions {first} to {last}");
        // Of versions that cannot be built any more, no one knows what the commits said.
        let is_known = self.past().is_none_or(|past| first.max(last) >= past.lowest);
        let (mut protocol, mut metadata) = (None, None);
        let read = read_actions(place, file, |action| {
            match action {
                Action::Add(add) => {
                    let (path, vector) = self.inventory.paths(&add, file)?;
                    if is_known {
                        self.must_be_named(path, vector, &what, file)?;
                    }
                }
                Action::Cdc(action) => _ = self.inventory.paths(&action, file)?,
                Action::Protocol(found) => protocol = Some(found),
                Action::Metadata(found) => metadata = Some(found),
                Action::Remove(_) | Action::CommitInfo(_) | Action::Sidecar(_) => {}
            }
            Ok(())
        });
        match read? {
            // Another process may clean it away at any time; then nothing of it is shipped either.
            None => return Ok(()),
            Some(read) => _ = read.map_err(|detail| self.contradiction(&what, file, detail))?,
        }
        self.must_not_be_managed(last, catalog_feature(protocol.as_ref(), metadata.as_ref()))
    }

    /// Whether the destination holds, or is now brought, every file that was named. Where it doesn't, an ordinary cycle
    /// can't tell a wrong checkpoint from a replica that lost a file.
    pub fn is_settled(&self) -> Result<bool, DeltaError> {
        let Known::New(destination) = self.known else { return Ok(true) };
        if self.in_doubt || self.earlier.len() > LOOKED_FOR {
            return Ok(!self.in_doubt);
        }
        let earlier: Vec<&String> = self.earlier.iter().collect();
        let lacks = AtomicBool::new(false);
        let failed = Mutex::new(None);
        pool::each(&earlier, PARALLEL_LOOKS, |path| match destination.stat(path) {
            Ok(Some(_)) => {}
            Ok(None) => lacks.store(true, Ordering::Relaxed),
            Err(error) => *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error),
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(!lacks.into_inner()),
        }
    }

    /// A file that nothing but a checkpoint names would be missing at the destination.
    fn must_be_named(
        &mut self,
        path: String,
        vector: Option<String>,
        what: &str,
        file: &str,
    ) -> Result<(), DeltaError> {
        for path in std::iter::once(path).chain(vector) {
            let named = self.inventory.files.get(path.as_str());
            match self.known {
                Known::Whole(_) if named.is_some() => {}
                Known::Whole(_) => {
                    let detail = format!("it names the live file {path}, which no commit names");
                    return Err(self.contradiction(what, file, detail));
                }
                Known::New(_) if self.in_doubt || named.is_some_and(|named| named.added) => {}
                // A look costs next to nothing on a disk.
                Known::New(place) if place.local().is_some() => self.in_doubt = place.stat(&path)?.is_none(),
                Known::New(_) if self.earlier.len() <= LOOKED_FOR => _ = self.earlier.insert(path),
                Known::New(_) => {}
            }
        }
        Ok(())
    }

    /// A table may have been the catalog's once, and its checkpoints of that time say so: only one that says it against
    /// the commits is refused.
    fn must_not_be_managed(&mut self, version: i64, feature: Option<String>) -> Result<(), DeltaError> {
        let Some(feature) = feature else { return Ok(()) };
        match self.known {
            Known::Whole(past) if version < past.lowest || past.managed.contains(&version) => {}
            Known::Whole(_) => return Err(DeltaError::CatalogManaged { table: self.table.to_owned(), feature }),
            Known::New(_) => self.in_doubt = true,
        }
        Ok(())
    }

    fn contradiction(&self, what: &str, file: &str, detail: String) -> DeltaError {
        DeltaError::Contradiction { table: self.table.to_owned(), file: file.to_owned(), what: what.to_owned(), detail }
    }
}
