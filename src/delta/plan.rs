//! What one cycle has to bring over, found from both logs.

mod check;
mod extras;
mod resume;

pub(super) use resume::beside;

use super::log::{Commit, Inventory, Log, LogState, Named, read_commit, read_log_state};
use super::place::{self, Place};
use super::position::{FileFingerprint, Position};
use super::shipment::{Generation, Plan, PlanRequest, PlannedCommit, PlannedFile, Request, Shipment};
use super::{DeltaError, TableFault};
use check::Check;
use resume::Resume;
use std::sync::Arc;

/// Commits of a shipment are kept in memory up to this many bytes in all; larger ones are read again when they are due.
const COMMIT_BYTES_KEPT: u64 = 1 << 20;

/// Finds what `request.source` has and `request.destination` doesn't have. Writes nothing.
pub async fn plan(request: PlanRequest<'_>) -> Result<Plan, TableFault> {
    let request = Arc::new(Request::from(request));
    let table = request.source.clone();
    place::blocking(&table, move || plan_blocking(request)).await
}

pub(super) fn plan_blocking(request: Arc<Request>) -> Result<Plan, DeltaError> {
    let planner = Planner::new(request);
    if let Some(plan) = planner.go_on()? {
        return Ok(plan);
    }
    planner.recompute()
}

struct Planner {
    source: Arc<dyn Place>,
    destination: Arc<dyn Place>,
    table: String,
    request: Arc<Request>,
}

/// The commits of a shipment, as they are read.
#[derive(Default)]
struct Commits {
    planned: Vec<PlannedCommit>,
    bytes: u64,
}

impl Commits {
    fn push(&mut self, commit: Commit, time_ms: i64) {
        self.bytes = self.bytes.saturating_add(commit.size);
        let keep = self.bytes <= COMMIT_BYTES_KEPT;
        self.planned.push(PlannedCommit {
            version: commit.version,
            time_ms,
            sha256: commit.sha256,
            size: commit.size,
            bytes: commit.bytes.filter(|_| keep),
            stamp: commit.stamp,
        });
    }
}

impl Planner {
    fn new(request: Arc<Request>) -> Self {
        let source = place::open(&request.source);
        let table = source.display("");
        Self { destination: place::open(&request.destination), source, table, request }
    }

    /// The ordinary cycle: the source's log goes on from the remembered position, and the destination is there.
    /// None when either is in doubt.
    fn go_on(&self) -> Result<Option<Plan>, DeltaError> {
        let Some(known) = &self.request.known else { return Ok(None) };
        let log = Log::list(&*self.source, (known.version - extras::LATE).max(0))?;
        let Some(stamp) = self.still_at(known, &log)? else { return Ok(None) };
        let stat = |rel: String| self.destination.stat(&rel);
        let destination_is_there = stat(super::log::commit_path(known.version))?.is_some()
            && super::log::next_commit_path(known.version).map(stat).transpose()?.flatten().is_none();
        if !destination_is_there {
            return Ok(None);
        }
        let known = Position { stamp, ..known.clone() };
        let newest = log.newest(self.request.up_to).unwrap_or(known.version);
        if newest <= known.version {
            return self.late(known, &log);
        }
        let mut inventory = Inventory::new(self.table.clone());
        let mut commits = Commits::default();
        for version in known.version + 1..=newest {
            // A hole, or a commit that vanished since the listing: the whole state tells which.
            let Some(commit) = read_commit(&*self.source, version)? else { return Ok(None) };
            let info = match inventory.take_commit(&*self.source, &commit) {
                Ok(info) => info,
                // A checkpoint may stand in for it, which only the whole state tells.
                Err(DeltaError::CorruptCommit { .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            let time_ms = commit.time_ms(info.as_ref());
            commits.push(commit, time_ms);
        }
        if inventory.may_be_unreadable() {
            return Ok(None);
        }
        inventory.refuse_catalog_managed()?;
        inventory.refuse_dots(&*self.source, &*self.destination)?;
        inventory.finish();
        let Some(last) = commits.planned.last() else { return Ok(None) };
        let position = Position {
            version: newest,
            sha256: last.sha256.clone(),
            table_id: inventory.metadata.as_ref().map_or_else(|| known.table_id.clone(), |found| found.id.clone()),
            time_ms: last.time_ms,
            stamp: last.stamp.clone(),
        };
        let files = inventory.files.iter().filter(|(_, named)| named.added);
        let files = files.map(|(path, named)| planned_file(path, named)).collect();
        let folders = lacking_folders(&inventory, &*self.source, &*self.destination);
        let mut check = Check::of_cycle(&inventory, &*self.destination, &self.table);
        let extras = self.extras(&log, &*self.destination, Some(known.version), newest, None, &mut check)?;
        if !check.is_settled()? {
            return Ok(None);
        }
        Ok(Some(Plan::Ship(Box::new(Shipment {
            from: Some(known.version),
            files,
            folders,
            commits: commits.planned,
            log_files: extras.files,
            hint: extras.hint,
            ..self.nothing_to(position)
        }))))
    }

    /// Checkpoints and the like that came to the source after the commit that the destination holds, or were written again.
    /// None where only the whole state tells whether they are right.
    fn late(&self, known: Position, log: &Log) -> Result<Option<Plan>, DeltaError> {
        let (inventory, version) = (Inventory::new(self.table.clone()), known.version);
        let mut check = Check::of_cycle(&inventory, &*self.destination, &self.table);
        let mut extras = self.extras(log, &*self.destination, Some(version), version, None, &mut check)?;
        self.keep_missing(&mut extras, log, &*self.destination)?;
        if !check.is_settled()? {
            return Ok(None);
        }
        if !extras.is_mending() {
            return Ok(Some(Plan::UpToDate(known)));
        }
        let shipment = Shipment { log_files: extras.files, hint: extras.hint, ..self.nothing_to(known) };
        Ok(Some(Plan::Ship(Box::new(shipment))))
    }

    /// A shipment that brings nothing and leaves the destination at `position`.
    fn nothing_to(&self, position: Position) -> Shipment {
        Shipment {
            source: self.request.source.clone(),
            destination: self.request.destination.clone(),
            from: Some(position.version),
            to: position.version,
            generation: Generation::Same,
            files: Vec::new(),
            folders: Vec::new(),
            commits: Vec::new(),
            log_files: Vec::new(),
            hint: None,
            position,
            target: self.request.destination.clone(),
            clear_target: false,
            request: self.request.clone(),
        }
    }

    /// The stamp of the remembered commit, if the source still has it as remembered. Touched since, it may be another
    /// table's with the same bytes, which only the whole state tells.
    fn still_at(&self, known: &Position, log: &Log) -> Result<Option<FileFingerprint>, DeltaError> {
        let Some(listed) = log.commits.get(&known.version) else { return Ok(None) };
        let stamp = match listed {
            Some(stamp) => Some(stamp.clone()),
            None => self.source.stat(&super::log::commit_path(known.version))?,
        };
        Ok(stamp.filter(|stamp| stamp.matches(&known.stamp)))
    }

    /// The whole state: everything that the source retains, against what the destination really holds.
    fn recompute(&self) -> Result<Plan, DeltaError> {
        let log = Log::list(&*self.source, 0)?;
        let last = log.newest_of(&self.table)?;
        let Some(newest) = log.newest(self.request.up_to) else {
            let missing = self.request.up_to.unwrap_or(last);
            return Err(DeltaError::LogGap { table: self.table.clone(), missing, newest: last });
        };
        let mut commits = Commits::default();
        let LogState { inventory, position, base, past } =
            read_log_state(&*self.source, &log, newest, |commit, time_ms| commits.push(commit, time_ms))?;
        inventory.refuse_unreadable(newest)?;
        inventory.refuse_dots(&*self.source, &*self.destination)?;
        let resume = self.resume(&self.destination, &log, newest, &position.table_id)?;
        let mut clear_target = false;
        let (generation, target, resume) = match resume {
            Resume::New => match beside(&self.request.destination)? {
                None => (Generation::New, self.request.destination.clone(), Resume::Empty),
                Some(target) => {
                    let begun = self.resume(&place::open(&target), &log, newest, &position.table_id);
                    // What lies there is ours alone: an attempt at this generation goes on, anything else is cleared.
                    clear_target = !matches!(begun, Ok(Resume::At(_) | Resume::Empty));
                    (Generation::New, target, begun.unwrap_or(Resume::Afresh))
                }
            },
            resume => (Generation::Same, self.request.destination.clone(), resume),
        };
        let from = match resume {
            Resume::At(version) => Some(version),
            Resume::Empty | Resume::Afresh | Resume::New => None,
        };
        let target_place = place::open(&target);
        // What came after the remembered position is in no ledger yet, so it is looked at again.
        let counted = from.map(|from| self.request.known.as_ref().map_or(from, |known| known.version.min(from)));
        let mut files = Vec::new();
        for (path, named) in &inventory.files {
            let before = counted.is_some_and(|counted| named.last <= counted);
            let file = planned_file(path, named);
            if !before || self.lacks(&*target_place, &file)? {
                files.push(file);
            }
        }
        if let Some(from) = from {
            commits.planned.retain(|commit| commit.version > from);
        }
        let mut check = Check::of_picture(&inventory, &past, &self.table);
        let mut extras = self.extras(&log, &*target_place, from, newest, base, &mut check)?;
        if from == Some(newest) {
            self.keep_missing(&mut extras, &log, &*target_place)?;
        }
        let folders = lacking_folders(&inventory, &*self.source, &*target_place);
        let lacks_none = files.is_empty() && folders.is_empty() && !extras.is_mending();
        let idle = generation == Generation::Same && from == Some(newest) && lacks_none;
        if idle {
            return Ok(Plan::UpToDate(position));
        }
        Ok(Plan::Ship(Box::new(Shipment {
            from,
            generation,
            files,
            folders,
            commits: commits.planned,
            log_files: extras.files,
            hint: extras.hint,
            clear_target,
            target,
            ..self.nothing_to(position)
        })))
    }

    /// Whether a file that an earlier shipment brought is not there any more, or has another size.
    fn lacks(&self, target: &dyn Place, file: &PlannedFile) -> Result<bool, DeltaError> {
        let Some(replica) = target.stat(&file.path)? else {
            // What the source doesn't have either needs no repair, unless a reader needs it: then shipping it says so.
            return Ok(file.live || self.source.stat(&file.path)?.is_some());
        };
        if replica.size == file.size {
            return Ok(false);
        }
        Ok(self.source.stat(&file.path)?.is_some_and(|source| source.size != replica.size))
    }
}

/// Folders that the paths of files lead through and out of again, and that readers find at the source and not at the target.
/// An object store has no folders: there every path can be read without, and on a disk it can be read with them.
pub(super) fn lacking_folders(inventory: &Inventory, source: &dyn Place, target: &dyn Place) -> Vec<String> {
    let is_there = |place: &dyn Place, folder: &str| place.local().map(|place| place.root().join(folder).is_dir());
    let lacks = |folder: &&String| is_there(target, folder) == Some(false) && is_there(source, folder) != Some(false);
    inventory.folders.iter().filter(lacks).cloned().collect()
}

fn planned_file(path: &str, named: &Named) -> PlannedFile {
    PlannedFile { path: path.to_owned(), size: named.size, live: named.live, added: named.last }
}
