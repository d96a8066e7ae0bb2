//! The files of a log that are no commits: checkpoints, sidecars, checksums, compacted commits, the hint.

use super::Planner;
use super::check::Check;
use crate::delta::DeltaError;
use crate::delta::log::{Checkpoint, CheckpointFiles, LOG, Log, crc_path, read_checkpoint};
use crate::delta::place::Place;
use crate::delta::shipment::LogFile;
use std::collections::HashSet;

/// A checkpoint or a compaction comes after its commit, and by then more commits may have arrived: so many versions back it
/// is looked for what the destination lacks.
pub(super) const LATE: i64 = 64;

/// What goes with the commits.
pub(super) struct Extras {
    pub files: Vec<LogFile>,
    pub hint: Option<Vec<u8>>,
    mending: bool,
}

impl Planner {
    /// Everything for versions from `from` up to `to`, and what came late for those before and `target` lacks.
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
            Ok(from.is_some_and(|from| version <= from) && target.stat(&format!("{LOG}/{name}"))?.is_some())
        };
        let before = |version: i64| from.is_some_and(|from| version < from);
        let mut files: Vec<LogFile> = Vec::new();
        let mut add = |path: String, first: bool, needed: bool, sidecars: Vec<String>| {
            files.push(LogFile { path, first, needed, sidecars });
        };
        let newest = log.checkpoints.range(low..=to).next_back().map(|(version, _)| *version);
        for (version, all) in log.checkpoints.range(low..=to) {
            for checkpoint in all {
                let has_come = match checkpoint.names.last() {
                    Some(last) => is_there(*version, last)?,
                    None => false,
                };
                if has_come && before(*version) {
                    continue;
                }
                let base_files = base.take_if(|(base, _)| *base == checkpoint).map(|(_, files)| files);
                let first = from.is_none() && base_files.is_some();
                let found = match base_files {
                    Some(found) => found,
                    // It was gone through when it came; only its sidecars are wanted.
                    None if has_come => read_checkpoint(&*self.source, checkpoint, false, &mut |_, _| Ok(()))?,
                    None => check.checkpoint(&*self.source, checkpoint)?,
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
            if !has_come {
                check.compaction(&*self.source, &format!("{LOG}/{name}"), *first, *last)?;
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

    /// The source's `_last_checkpoint`, where it names a checkpoint that is shipped.
    fn hint(&self, log: &Log, to: i64) -> Result<Option<Vec<u8>>, DeltaError> {
        let Some(content) = self.source.read(&format!("{LOG}/_last_checkpoint"))? else { return Ok(None) };
        let hint: Option<serde_json::Value> = serde_json::from_slice(&content.bytes).ok();
        let version = hint.and_then(|hint| hint.get("version")?.as_i64());
        Ok(version.filter(|version| *version <= to && log.checkpoints.contains_key(version)).map(|_| content.bytes))
    }
}

impl Extras {
    /// Leaves only what the target does not hold.
    pub(super) fn keep_missing(&mut self, target: &dyn Place) -> Result<(), DeltaError> {
        let mut missing = Vec::new();
        for file in self.files.drain(..) {
            if target.stat(&file.path)?.is_none() {
                missing.push(file);
            }
        }
        self.mending = !missing.is_empty();
        self.files = missing;
        Ok(())
    }

    /// Whether something lacks that was there.
    pub(super) fn is_mending(&self) -> bool {
        self.mending
    }
}
