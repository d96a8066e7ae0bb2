//! One shipment under way.

use super::Shipped;
use super::identity::{Sameness, same_bytes, same_file};
use crate::delta::bounds;
use crate::delta::copy::{Copied, Outcome, copy, copy_by_store};
use crate::delta::log::commit_path;
use crate::delta::place::{self, Place, Staged};
use crate::delta::plan::plan_blocking;
use crate::delta::shipment::{Generation, LogFile, Plan, PlannedCommit, PlannedFile, Shipment};
use crate::delta::{CommitRecord, DeltaError, FileRecord, Position, Transfer};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

/// A piece of a shipment that one worker does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Job {
    Data(usize),
    LogFile(usize),
    Commits,
}

/// What has been done so far.
#[derive(Default)]
pub(super) struct State {
    pub fault: Option<DeltaError>,
    /// Data files that are in place.
    pub files: BTreeMap<String, Option<FileRecord>>,
    pub unreadable: Vec<String>,
    /// Live files that the source did not hold.
    missing: Vec<String>,
    /// Data files that take the place of others, by path, each with the version before which it does.
    pub staged_data: HashMap<String, (i64, Box<dyn Staged>, FileRecord)>,
    pub staged_commits: HashMap<i64, Box<dyn Staged>>,
    pub staged_log: HashMap<String, (Box<dyn Staged>, FileRecord)>,
    pub staged_hint: Option<Box<dyn Staged>>,
    /// Paths on a local disk that were written and are not synced yet.
    pub copied: Vec<PathBuf>,
    pub published: Vec<PathBuf>,
    pub commits: Vec<CommitRecord>,
    pub log_files: Vec<FileRecord>,
    /// Where the destination is, once commits are published.
    pub position: Option<Position>,
    bytes: u64,
}

/// What the target holds of a data file.
enum AtReplica {
    Nothing,
    /// The source's bytes; the record is one worth keeping.
    Same(Option<FileRecord>),
    /// Other bytes, which versions that are published may name.
    Other,
}

/// One shipment under way. A fault ends it and touches no other.
pub(super) struct Load {
    pub shipment: Shipment,
    pub source: Arc<dyn Place>,
    target: Arc<dyn Place>,
    state: Mutex<State>,
}

impl Load {
    pub fn new(shipment: Shipment) -> Self {
        let (source, target) = (place::open(&shipment.source), place::open(&shipment.target));
        Self { shipment, source, target, state: Mutex::default() }
    }

    pub fn target(&self) -> &dyn Place {
        &*self.target
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether nothing went wrong so far.
    pub fn is_well(&self) -> bool {
        self.state().fault.is_none()
    }

    /// Runs a piece of work unless something went wrong before; remembers what goes wrong.
    pub fn attempt(&self, work: impl FnOnce() -> Result<(), DeltaError>) {
        if self.is_well()
            && let Err(error) = work()
        {
            self.state().fault.get_or_insert(error);
        }
    }

    /// What is left to copy, with sizes as far as the log tells.
    pub fn jobs(&self) -> Vec<(u64, Job)> {
        let state = self.state();
        if state.fault.is_some() {
            return Vec::new();
        }
        let files = self.shipment.files.iter().enumerate();
        let is_done = |path| state.files.contains_key(path) || state.staged_data.contains_key(path);
        let files = files.filter(|(_, file)| !is_done(&file.path));
        let mut jobs: Vec<_> = files.map(|(index, file)| (file.size, Job::Data(index))).collect();
        let logs = self.shipment.log_files.iter().enumerate();
        let logs = logs.filter(|(_, file)| !state.staged_log.contains_key(&file.path));
        jobs.extend(logs.map(|(index, _)| (0, Job::LogFile(index))));
        jobs.push((0, Job::Commits));
        jobs
    }

    pub fn run(&self, job: Job, transfer: &Transfer) -> Result<(), DeltaError> {
        let _turn = transfer.limits.turn();
        match job {
            Job::Data(index) => self.shipment.files.get(index).map_or(Ok(()), |file| self.bring_data(file, transfer)),
            Job::LogFile(index) => {
                self.shipment.log_files.get(index).map_or(Ok(()), |file| self.stage_log_file(file, transfer))
            }
            Job::Commits => self.stage_commits(transfer),
        }
    }

    fn bring_data(&self, file: &PlannedFile, transfer: &Transfer) -> Result<(), DeltaError> {
        let found = self.at_replica(file)?;
        if let AtReplica::Same(record) = found {
            self.state().files.insert(file.path.clone(), record);
            return Ok(());
        }
        // A store's own copy would be seen at once.
        if let AtReplica::Nothing = found
            && let Some(record) = copy_by_store(&*self.source, &*self.target, &file.path, file.size, transfer)?
        {
            let mut state = self.state();
            state.bytes += record.size;
            state.files.insert(file.path.clone(), Some(record));
            return Ok(());
        }
        match copy(&*self.source, &*self.target, &file.path, transfer)? {
            Outcome::Copied(Copied { staged, size, sha256, stamp }) => {
                let record = FileRecord { path: file.path.clone(), size, sha256, stamp: Some(stamp) };
                if let AtReplica::Other = found {
                    let mut state = self.state();
                    state.bytes += record.size;
                    state.copied.extend(staged.local_path().map(PathBuf::from));
                    state.staged_data.insert(file.path.clone(), (file.added, staged, record));
                    return Ok(());
                }
                staged.publish(place::Mode::Replace)?;
                let mut state = self.state();
                state.bytes += record.size;
                state.copied.extend(self.target.local().map(|place| place.root().join(&file.path)));
                state.files.insert(file.path.clone(), Some(record));
            }
            Outcome::Absent if file.live => self.state().missing.push(file.path.clone()),
            Outcome::Absent => {
                let mut state = self.state();
                state.files.insert(file.path.clone(), None);
                // An earlier shipment may have brought it while the source still had it.
                if self.target.stat(&file.path)?.is_none() {
                    state.unreadable.push(file.path.clone());
                }
            }
        }
        Ok(())
    }

    /// What the ledger keeps of a file of the table that is at the target.
    pub fn kept(&self, path: &str) -> Option<FileRecord> {
        let is_same_table = self.shipment.generation == Generation::Same;
        self.shipment.request.kept.as_ref().filter(|_| is_same_table).and_then(|kept| kept(path))
    }

    /// Takes in a data file that is in place.
    pub fn take_in(&self, record: FileRecord, copied: u64) {
        let mut state = self.state();
        state.bytes += copied;
        state.copied.extend(self.target.local().map(|place| place.root().join(&record.path)));
        state.files.insert(record.path.clone(), Some(record));
    }

    fn at_replica(&self, file: &PlannedFile) -> Result<AtReplica, DeltaError> {
        let Some(at_replica) = self.target.stat(&file.path)? else { return Ok(AtReplica::Nothing) };
        let Some(source) = self.source.stat(&file.path)? else { return Ok(AtReplica::Other) };
        match same_file(self.kept(&file.path).as_ref(), &source, &at_replica) {
            Sameness::Same => return Ok(AtReplica::Same(None)),
            Sameness::Other => return Ok(AtReplica::Other),
            Sameness::Unknown => {}
        }
        let Some(record) = same_bytes(&*self.source, &*self.target, &file.path, source)? else {
            return Ok(AtReplica::Other);
        };
        // It may have been left by an attempt that did not come to its sync.
        self.state().copied.extend(self.target.local().map(|place| place.root().join(&file.path)));
        Ok(AtReplica::Same(Some(record)))
    }

    fn stage_log_file(&self, file: &LogFile, transfer: &Transfer) -> Result<(), DeltaError> {
        if let Some(at_replica) = self.target.stat(&file.path)? {
            // Log clean-up took it.
            let Some(source) = self.source.stat(&file.path)? else { return Ok(()) };
            match same_file(self.kept(&file.path).as_ref(), &source, &at_replica) {
                Sameness::Same => return Ok(()),
                Sameness::Other => {}
                Sameness::Unknown => {
                    if let Some(record) = same_bytes(&*self.source, &*self.target, &file.path, source)? {
                        self.state().log_files.push(record);
                        return Ok(());
                    }
                }
            }
        }
        let most = bounds::of_log_file(&file.path);
        if let Some(size) = self.source.stat(&file.path)?.map(|stamp| stamp.size).filter(|size| *size > most) {
            return Err(DeltaError::TooLarge { path: self.source.display(&file.path), size, most });
        }
        match copy(&*self.source, &*self.target, &file.path, transfer)? {
            Outcome::Copied(Copied { staged, size, sha256, stamp }) => {
                let record = FileRecord { path: file.path.clone(), size, sha256, stamp: Some(stamp) };
                let mut state = self.state();
                state.bytes += record.size;
                state.copied.extend(staged.local_path().map(PathBuf::from));
                state.staged_log.insert(file.path.clone(), (staged, record));
            }
            Outcome::Absent if file.needed => self.state().missing.push(file.path.clone()),
            // Log clean-up took it.
            Outcome::Absent => {}
        }
        Ok(())
    }

    fn stage_commits(&self, transfer: &Transfer) -> Result<(), DeltaError> {
        for commit in &self.shipment.commits {
            if self.state().staged_commits.contains_key(&commit.version) {
                continue;
            }
            let Some(staged) = self.stage_commit(commit, transfer)? else {
                self.state().missing.push(commit_path(commit.version));
                return Ok(());
            };
            let mut state = self.state();
            state.bytes += commit.size;
            state.copied.extend(staged.local_path().map(PathBuf::from));
            state.staged_commits.insert(commit.version, staged);
        }
        if let Some(hint) = &self.shipment.hint {
            let mut sink = self.target.create("_delta_log/_last_checkpoint", hint.len() as u64)?;
            sink.write(hint)?;
            let staged = sink.finish(self.shipment.position.stamp.modified_ns)?;
            let mut state = self.state();
            state.copied.extend(staged.local_path().map(PathBuf::from));
            state.staged_hint = Some(staged);
        }
        Ok(())
    }

    /// Stages a commit as planned; None when the source has another one by now.
    fn stage_commit(&self, commit: &PlannedCommit, transfer: &Transfer) -> Result<Option<Box<dyn Staged>>, DeltaError> {
        let path = commit_path(commit.version);
        let Some(bytes) = &commit.bytes else {
            if self.source.stat(&path)?.is_none_or(|stamp| stamp.size != commit.size) {
                return Ok(None);
            }
            return Ok(match copy(&*self.source, &*self.target, &path, transfer)? {
                Outcome::Copied(copied) if copied.sha256 == commit.sha256 => Some(copied.staged),
                Outcome::Copied(_) | Outcome::Absent => None,
            });
        };
        transfer.pass(bytes.len(), &*self.target)?;
        let mut sink = self.target.create(&path, commit.size)?;
        sink.write(bytes)?;
        transfer.clock.look_at_written(&*sink);
        sink.finish(commit.stamp.modified_ns).map(Some)
    }

    /// Whether the source moved under the copy, so that it was planned again and there is more to copy.
    ///
    /// Asked after the copy: what was copied while the newest commit stood unchanged belongs to it.
    pub fn check_source(&mut self, may_replan: bool) -> bool {
        let missing = std::mem::take(&mut self.state().missing);
        if !self.is_well() {
            return false;
        }
        let moved = match self.source_moved() {
            Ok(moved) => moved,
            Err(error) => {
                self.attempt(|| Err(error));
                return false;
            }
        };
        if missing.is_empty() && !moved {
            return false;
        }
        let gone = missing.first().cloned().unwrap_or_else(|| commit_path(self.shipment.to));
        let fault = self.missing_file(gone);
        if !may_replan {
            self.attempt(|| Err(fault));
            return false;
        }
        match plan_blocking(self.shipment.request.clone()) {
            Ok(Plan::Ship(next)) => {
                let same = self.is_replanned_as(&next, &missing);
                if same && !moved {
                    self.attempt(|| Err(fault));
                    return false;
                }
                self.replace(*next);
                true
            }
            Ok(Plan::UpToDate(position)) => {
                let mut state = self.state();
                state.position = Some(position);
                drop(state);
                self.shipment.commits.clear();
                self.shipment.log_files.clear();
                self.shipment.files.clear();
                false
            }
            Err(error) => {
                self.attempt(|| Err(error));
                false
            }
        }
    }

    fn missing_file(&self, path: String) -> DeltaError {
        DeltaError::MissingFile { table: self.source.display(""), path, version: self.shipment.to }
    }

    fn source_moved(&self) -> Result<bool, DeltaError> {
        let position = &self.shipment.position;
        if self.shipment.commits.last().is_none_or(|last| last.version != position.version) {
            return Ok(false);
        }
        Ok(self.source.stat(&commit_path(position.version))?.is_none_or(|stamp| !stamp.matches(&position.stamp)))
    }

    /// Whether a new plan asks for the same version and still needs what the source doesn't have.
    fn is_replanned_as(&self, next: &Shipment, missing: &[String]) -> bool {
        let live: HashSet<&str> = next.files.iter().filter(|file| file.live).map(|file| file.path.as_str()).collect();
        // Log clean-up takes commits away once a checkpoint stands in for them; then the new plan does without.
        let log: HashSet<String> = next.commits.iter().map(|commit| commit_path(commit.version)).collect();
        let named = |path: &String| next.log_files.iter().any(|file| file.needed && file.path == *path);
        let needed = |path: &String| live.contains(path.as_str()) || log.contains(path) || named(path);
        next.position.sha256 == self.shipment.position.sha256 && missing.iter().any(needed)
    }

    fn replace(&mut self, next: Shipment) {
        let mut done = std::mem::take(&mut *self.state());
        let same_table =
            next.position.table_id == self.shipment.position.table_id && next.generation == self.shipment.generation;
        let mut state = State::default();
        if same_table {
            state.bytes = done.bytes;
            state.copied = std::mem::take(&mut done.copied);
            // A path that was added again since may have other bytes.
            let added = |shipment: &Shipment| -> HashMap<String, i64> {
                shipment.files.iter().map(|file| (file.path.clone(), file.added)).collect()
            };
            let (before, now) = (added(&self.shipment), added(&next));
            done.files.retain(|path, record| record.is_some() && before.get(path) == now.get(path));
            state.files = done.files;
        }
        *self = Self::new(next);
        *self.state() = state;
        self.attempt(|| self.prepare());
    }

    /// Paths whose bytes must be synced before a commit names them.
    pub fn take_copied(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.state().copied)
    }

    /// Paths whose names must be synced before they are counted.
    pub fn take_published(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.state().published)
    }

    /// The source's last commit is the one that is published, so nothing was cut short.
    pub fn is_complete(&self) -> bool {
        self.state().position.as_ref().is_some_and(|position| position.version == self.shipment.to)
    }

    pub fn into_result(self) -> Result<Shipped, DeltaError> {
        let table = self.shipment.destination.display();
        let state = self.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(fault) = state.fault {
            return Err(fault);
        }
        let Some(position) = state.position else { return Err(DeltaError::Stopped { table }) };
        let mut files: Vec<FileRecord> = state.files.into_values().flatten().collect();
        // A checksum stands beside every commit, and is compared by its bytes.
        files.extend(state.log_files.into_iter().filter(|file| !file.path.ends_with(".crc")));
        let generation = self.shipment.generation;
        let (commits, unreadable) = (state.commits, state.unreadable);
        Ok(Shipped { position, commits, files, generation, unreadable, bytes_copied: state.bytes })
    }

    /// Makes the target ready: clears what an abandoned attempt left there.
    pub fn prepare(&self) -> Result<(), DeltaError> {
        super::swap::prepare(&self.shipment, self.shipment.generation == Generation::New)?;
        let Some(target) = self.target.local() else { return Ok(()) };
        self.shipment.folders.iter().try_for_each(|folder| target.make_folder(&target.root().join(folder)))
    }
}
