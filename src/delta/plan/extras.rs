//! The files of a log that aren't commits: checkpoints, sidecars, checksums, compacted commits, the hint.

use super::Planner;
use super::check::Check;
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::log::{Checkpoint, CheckpointFiles, LOG, Log, crc_path, hint_version, read_checkpoint};
use crate::delta::place::Place;
use crate::delta::ship::{Sameness, same_file};
use crate::delta::shipment::LogFile;
use std::collections::HashSet;

/// A checkpoint or a compaction comes after its commit, and by then more commits may have arrived: so many versions back it
/// is looked for what the destination doesn't have.
pub(super) const LATE: i64 = 64;

/// What goes with the commits.
pub(super) struct Extras {
    pub files: Vec<LogFile>,
    pub hint: Option<Vec<u8>>,
    mending: bool,
}

impl Planner {
    /// Everything for versions from `from` up to `to`, and what came late for those before and `target` doesn't have.
    pub(super) fn extras(
        &self,
        log: &Log,
        target: &dyn Place,
        from: Option<i64>,
        to: i64,
        mut base: Option<(&Checkpoint, CheckpointFiles)>,
        check: &mut Check<'_>,
    ) -> Result<Extras, DeltaError> {
        let low = from.map_or(0, |from| (from - LATE).max(0));
        let is_there = |version: i64, name: &str| -> Result<bool, DeltaError> {
            Ok(from.is_some_and(|from| version <= from) && self.has_come(log, target, name)?)
        };
        let before = |version: i64| from.is_some_and(|from| version < from);
        let mut files: Vec<LogFile> = Vec::new();
        let mut add = |path: String, first: bool, needed: bool, sidecars: Vec<String>| {
            files.push(LogFile { path, first, needed, sidecars });
        };
        let newest = log.checkpoints.range(low..=to).next_back().map(|(version, _)| *version);
        for (version, all) in log.checkpoints.range(low..=to) {
            for checkpoint in all {
                let mut has_come = true;
                for name in &checkpoint.names {
                    has_come = has_come && is_there(*version, name)?;
                }
                if has_come && before(*version) {
                    continue;
                }
                let base_files = base.take_if(|(base, _)| *base == checkpoint).map(|(_, files)| files);
                // Without it, no version from there on can be read.
                let first = base_files.is_some() && from.is_none_or(|from| from < *version);
                let found = match base_files {
                    Some(found) => found,
                    // It was gone through when it came; only its sidecars are wanted.
                    None if has_come => read_checkpoint(&*self.source, checkpoint, false, &mut |_, _| Ok(()))?,
                    None => match check.checkpoint(&*self.source, checkpoint) {
                        // Readers begin with a newer one.
                        Err(DeltaError::CorruptCheckpoint { .. }) if newest.is_some_and(|newest| newest > *version) => {
                            continue;
                        }
                        found => found?,
                    },
                };
                found.sidecars.iter().for_each(|path| add(path.clone(), first, first, Vec::new()));
                found.top.into_iter().for_each(|path| add(path, first, first, found.sidecars.clone()));
            }
        }
        log.crcs.range(from.unwrap_or(0)..=to).for_each(|version| add(crc_path(*version), false, false, Vec::new()));
        for (first, last) in &log.compacted {
            let name = format!("{first:020}.{last:020}.compacted.json");
            if !(low..=to).contains(last) {
                continue;
            }
            let has_come = is_there(*last, &name)?;
            // One that says something else than the commits stays behind: the replica's readers go by the commits.
            if !has_come && !check.compaction(&*self.source, &format!("{LOG}/{name}"), *first, *last)? {
                continue;
            }
            if !(has_come && before(*last)) {
                add(format!("{LOG}/{name}"), false, false, Vec::new());
            }
        }
        // Two checkpoints may share a sidecar.
        let mut seen = HashSet::new();
        files.retain(|file| seen.insert(file.path.clone()));
        let hint = if log.has_hint && newest.is_some() { self.hint(log, to)? } else { None };
        Ok(Extras { files, hint, mending: false })
    }

    /// Whether the target holds a file of the log as it is at the source now: one may be written again under its name.
    fn has_come(&self, log: &Log, target: &dyn Place, name: &str) -> Result<bool, DeltaError> {
        let path = format!("{LOG}/{name}");
        let Some(replica) = target.stat(&path)? else { return Ok(false) };
        let source = match log.stamps.get(name) {
            Some(stamp) => Some(stamp.clone()),
            None => self.source.stat(&path)?,
        };
        // What is cleaned away at the source can't be brought again.
        let Some(source) = source else { return Ok(true) };
        let kept = self.request.kept.as_ref().map(|kept| kept(&path));
        Ok(match same_file(kept.as_ref().and_then(Option::as_ref), &source, &replica) {
            Sameness::Same => true,
            Sameness::Other => false,
            // A copy on a disk has its source's time. Else its bytes are compared, once: then the ledger knows it.
            Sameness::Unknown if target.local().is_some() => {
                source.modified_ns == replica.modified_ns && kept.flatten().is_none()
            }
            Sameness::Unknown => kept.is_none(),
        })
    }

    /// Leaves only what the target does not hold as the source does.
    pub(super) fn keep_missing(&self, extras: &mut Extras, log: &Log, target: &dyn Place) -> Result<(), DeltaError> {
        let mut missing = Vec::new();
        for file in extras.files.drain(..) {
            let name = file.path.strip_prefix(LOG).and_then(|name| name.strip_prefix('/')).unwrap_or(&file.path);
            let holds = if name.ends_with(".crc") {
                target.stat(&file.path)?.is_some()
            } else {
                self.has_come(log, target, name)?
            };
            if !holds {
                missing.push(file);
            }
        }
        extras.mending = !missing.is_empty();
        extras.files = missing;
        Ok(())
    }

    /// The source's `_last_checkpoint`, where it names a checkpoint that is shipped.
    fn hint(&self, log: &Log, to: i64) -> Result<Option<Vec<u8>>, DeltaError> {
        let Some(content) = self.source.read(&format!("{LOG}/_last_checkpoint"), bounds::HINT)? else {
            return Ok(None);
        };
        let version = hint_version(&content.bytes);
        Ok(version.filter(|version| *version <= to && log.checkpoints.contains_key(version)).map(|_| content.bytes))
    }
}

impl Extras {
    /// Whether something is missing that was there.
    pub(super) fn is_mending(&self) -> bool {
        self.mending
    }
}
