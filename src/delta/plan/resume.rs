//! Where the destination is, found from what is there.

use super::Planner;
use crate::delta::copy::hash_file;
use crate::delta::latest::common;
use crate::delta::log::{LOG, Log, commit_path, state_at};
use crate::delta::place::Place;
use crate::delta::{DeltaError, TableRoot};
use std::sync::Arc;

/// From where to ship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    /// Nothing is there.
    Empty,
    /// The destination holds this version of the source.
    At(i64),
    /// The same table, but the source's log no longer reaches down to it: everything is shipped again.
    Afresh,
    /// Another table: it is replaced.
    New,
}

impl Planner {
    /// Finds how far the log at `destination` goes along with the source's, whose newest version is `newest`.
    pub(super) fn resume(
        &self,
        destination: &Arc<dyn Place>,
        log: &Log,
        newest: i64,
        table_id: &str,
    ) -> Result<Resume, DeltaError> {
        let destination = &**destination;
        let replica_log = Log::list(destination, 0)?;
        let by_checkpoint = self.same_checkpoint(destination, log, &replica_log, newest)?;
        let Some(last) = replica_log.commits.keys().next_back().copied() else {
            return Ok(if by_checkpoint { Resume::At(newest) } else { Resume::Empty });
        };
        // A commit's bytes alone tell no two tables apart: writers there are that put nothing of their own into one.
        let same_table = || -> bool {
            let id_at = |place: &dyn Place, log: &Log, version: i64| {
                state_at(place, log, version).ok().and_then(|(_, metadata)| metadata).map(|metadata| metadata.id)
            };
            let ours = if log.commits.contains_key(&last) { id_at(&*self.source, log, last) } else { None };
            let ours = ours.unwrap_or_else(|| table_id.to_owned());
            id_at(destination, &replica_log, last).is_none_or(|theirs| theirs == ours)
        };
        let split = |version| DeltaError::SplitBrain { table: destination.display(""), version };
        let readable = replica_log.base(last, false, "").is_ok();
        // A bound below what is there already asks for nothing.
        let last = if self.request.up_to.is_some_and(|bound| bound < last) && replica_log.commits.contains_key(&newest)
        {
            newest
        } else {
            last
        };
        if log.commits.contains_key(&last) {
            if !same_table() {
                return Ok(Resume::New);
            }
            if self.same_commit(destination, last)? {
                return Ok(match readable {
                    // A reader begins with that checkpoint, whatever is left of the commits below it.
                    _ if by_checkpoint => Resume::At(newest),
                    true => Resume::At(last),
                    false => Resume::Afresh,
                });
            }
            let common = common(&*self.source, log, destination, &replica_log)?;
            return Err(split(common.map_or(last, |version| version.saturating_add(1))));
        }
        if last > newest {
            // The ledger saw the source further than it is now: it was put back or made again.
            let went_back = self.request.known.as_ref().is_some_and(|known| known.version > newest);
            return if went_back || !same_table() { Ok(Resume::New) } else { Err(split(newest + 1)) };
        }
        if !same_table() {
            return Ok(Resume::New);
        }
        let goes_on = readable && (last..newest).all(|version| log.commits.contains_key(&(version + 1)));
        Ok(if goes_on { Resume::At(last) } else { Resume::Afresh })
    }

    /// Whether the source has `version` as a checkpoint alone, its commit being gone, and the destination the same one.
    fn same_checkpoint(
        &self,
        destination: &dyn Place,
        log: &Log,
        replica_log: &Log,
        version: i64,
    ) -> Result<bool, DeltaError> {
        let (Some(ours), Some(theirs)) = (log.checkpoints.get(&version), replica_log.checkpoints.get(&version)) else {
            return Ok(false);
        };
        if log.commits.contains_key(&version) || ours != theirs {
            return Ok(false);
        }
        for name in ours.iter().flat_map(|checkpoint| &checkpoint.names) {
            let path = format!("{LOG}/{name}");
            if hash_file(&*self.source, &path)? != hash_file(destination, &path)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn same_commit(&self, destination: &dyn Place, version: i64) -> Result<bool, DeltaError> {
        let ours = hash_file(&*self.source, &commit_path(version))?;
        Ok(ours.is_some() && ours == hash_file(destination, &commit_path(version))?)
    }
}

/// The folder in which a new generation is built before it takes the place of the old one. An object store renames
/// nothing, so there is none.
pub(in crate::delta) fn beside(destination: &TableRoot) -> Result<Option<TableRoot>, DeltaError> {
    let refused = |detail: &str| DeltaError::BadUri { uri: destination.display(), detail: detail.to_owned() };
    match destination {
        TableRoot::Local(path) => {
            let name =
                path.file_name().and_then(|name| name.to_str()).ok_or_else(|| refused("it has no folder name"))?;
            Ok(Some(TableRoot::Local(path.with_file_name(format!(".{name}.resilience-incoming")))))
        }
        TableRoot::Remote { .. } | TableRoot::Ratified { .. } => Ok(None),
    }
}
