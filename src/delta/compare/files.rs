//! Compares the files that a log names.

use super::{Comparison, Depth, Pair};
use crate::delta::copy::hash_file;
use crate::delta::log::{Checkpoint, Inventory, LOG, Log, LogState, commit_path, crc_path, read_checkpoint};
use crate::delta::plan::lacking_folders;
use crate::delta::{DeltaError, pool};
use crate::domain::{ErrorClass, ObjectStatus};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file to compare.
struct Wanted {
    path: String,
    /// Bytes as the log has them, which some writers get wrong.
    size: u64,
    live: bool,
}

/// What is wrong with a replica's file.
enum Difference {
    Lacks,
    Size,
    Bytes,
    /// The source doesn't have it either, and its newest version needs it.
    SourceLacks,
    /// The source's is not what was copied, and its newest version needs it.
    SourceChanged,
    /// The source's was written over since it was copied, without a commit that says so.
    Rewritten,
}

impl Pair {
    /// Finds folders that the replica needs, although nothing need lie in them.
    pub(super) fn compare_folders(&self, found: &mut Comparison, inventory: &Inventory) {
        let lacking = lacking_folders(inventory, &*self.source, &*self.replica);
        let lacking: Vec<String> = lacking.into_iter().map(|folder| folder + "/").collect();
        let Some(folder) = lacking.first().filter(|_| found.class.is_none()).cloned() else {
            // Files that differ are said already; these are mended with them.
            found.damaged.extend(lacking);
            return;
        };
        let replica = self.replica.display("");
        found.differ(
            ObjectStatus::Drifted,
            ErrorClass::Drift,
            &[("path", folder.clone())],
            format!(
                "{replica} is missing the folder {folder}, without which some readers can't open a path of the log that leads through it. {}",
                ErrorClass::Drift.resolution()
            ),
        );
        found.damaged = lacking;
    }

    /// Finds what is missing in the replica's log for a reader to open its newest version, `last`: commits down to the
    /// first one, or a checkpoint. What is missing below that was cleaned away.
    pub(super) fn compare_base(
        &self,
        found: &mut Comparison,
        log: &Log,
        at_destination: &Log,
        last: i64,
    ) -> Result<(), DeltaError> {
        let replica = self.replica.display("");
        let Err(gap) = at_destination.base(last, false, &replica) else { return Ok(()) };
        let mut lacks = Vec::new();
        if let Ok(base) = log.base(last, false, &replica) {
            if let Some(checkpoint) = base.checkpoint {
                let files = read_checkpoint(&*self.source, checkpoint, false, &mut |_, _| Ok(()))?;
                lacks.extend(files.sidecars.into_iter().chain(files.top));
            }
            lacks.extend(base.commits.map(commit_path));
        }
        let mut lacking = Vec::new();
        for path in lacks {
            if self.replica.stat(&path)?.is_none() {
                lacking.push(path);
            }
        }
        // The source has cleaned it away by now, so nothing can be copied back: a new shipment brings what it has instead.
        if let DeltaError::LogGap { missing, .. } = gap
            && lacking.is_empty()
        {
            lacking.push(commit_path(missing));
        }
        if !found.damaged.is_empty() {
            // Files that differ are said already; these are mended with them.
            found.damaged.extend(lacking);
            return Ok(());
        }
        let path = lacking.first().cloned().unwrap_or_default();
        found.differ(
            ObjectStatus::Drifted,
            ErrorClass::Drift,
            &[("path", path.clone()), ("version", last.to_string())],
            format!(
                "{replica} is missing {path}, so no reader can open version {last}. {}",
                ErrorClass::Drift.resolution()
            ),
        );
        found.damaged = lacking;
        Ok(())
    }

    /// The files of a checkpoint that both hold, sidecars included.
    fn checkpoint_files(&self, checkpoint: &Checkpoint, is_v2: bool) -> Result<Vec<String>, DeltaError> {
        // Where the table feature is off, only the name tells that there may be sidecars.
        let is_named_v2 = matches!(&checkpoint.names[..], [name] if !name.ends_with(".checkpoint.parquet"));
        if !is_v2 && !is_named_v2 {
            return Ok(checkpoint.paths().collect());
        }
        match read_checkpoint(&*self.source, checkpoint, false, &mut |_, _| Ok(())) {
            Ok(files) => Ok(files.sidecars.into_iter().chain(files.top).collect()),
            Err(error) => {
                for path in checkpoint.paths() {
                    if self.source.stat(&path)?.is_none() {
                        // Cleaned away at the source since it was listed.
                        return Ok(Vec::new());
                    }
                }
                Err(error)
            }
        }
    }

    /// Compares every file that versions up to the replica's `last` name, and the checkpoints that both hold.
    pub(super) fn compare_files(
        &self,
        found: &mut Comparison,
        state: &LogState<'_>,
        log: &Log,
        at_destination: &Log,
        last: i64,
    ) -> Result<(), DeltaError> {
        let named = state.inventory.files.iter().filter(|(_, named)| named.first <= last);
        let mut wanted: Vec<Wanted> =
            named.map(|(path, named)| Wanted { path: path.to_string(), size: named.size, live: named.live }).collect();
        let features = state.inventory.protocol.as_ref().and_then(|protocol| protocol.reader_features.as_ref());
        let is_v2 = features.is_some_and(|features| features.iter().any(|feature| feature == "v2Checkpoint"));
        // Two checkpoints may share a sidecar.
        let mut log_files = BTreeSet::new();
        for (version, all) in log.checkpoints.range(..=last) {
            for both in
                all.iter().filter(|ours| at_destination.checkpoints.get(version).is_some_and(|all| all.contains(ours)))
            {
                log_files.extend(self.checkpoint_files(both, is_v2)?);
            }
        }
        if self.options.depth == Depth::Source {
            let crcs = log.crcs.range(..=last).filter(|version| at_destination.crcs.contains(version));
            log_files.extend(crcs.map(|version| crc_path(*version)));
            let compacted = log.compacted.iter().filter(|both| at_destination.compacted.contains(both));
            log_files.extend(compacted.map(|(first, last)| format!("{LOG}/{first:020}.{last:020}.compacted.json")));
        }
        wanted.extend(log_files.into_iter().map(|path| Wanted { path, size: 0, live: false }));
        wanted.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        let bytes = AtomicU64::new(0);
        let differing = Mutex::new(Vec::new());
        let failed = Mutex::new(None);
        let threads = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
        pool::each(&wanted, threads, |file| match self.compare_file(file, &bytes) {
            Ok(None) => {}
            Ok(Some(difference)) => lock(&differing).push((file.path.clone(), difference)),
            Err(error) => {
                lock(&failed).get_or_insert(error);
            }
        });
        if let Some(error) = lock(&failed).take() {
            return Err(error);
        }
        found.files = wanted.len() as u64;
        found.bytes = bytes.into_inner();
        let mut differing = std::mem::take(&mut *lock(&differing));
        differing.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some((path, _)) = differing.iter().find(|(_, found)| matches!(found, Difference::SourceLacks)) {
            return Err(DeltaError::MissingFile {
                table: self.source.display(""),
                path: path.clone(),
                version: state.position.version,
            });
        }
        if let Some((path, _)) = differing.iter().find(|(_, found)| matches!(found, Difference::SourceChanged)) {
            return Err(DeltaError::ChangedSource {
                table: self.source.display(""),
                path: path.clone(),
                class: ErrorClass::MissingDataFile,
            });
        }
        let rewritten: Vec<&String> =
            differing.iter().filter(|(_, d)| matches!(d, Difference::Rewritten)).map(|(path, _)| path).collect();
        if let Some(path) = rewritten.first().filter(|_| rewritten.len() == differing.len()) {
            if rewritten.iter().all(|path| path.starts_with(LOG)) {
                found.status = ObjectStatus::Lagging;
                found.message = Some(format!(
                    "{} was written again at the source. The replica has the one from before until a cycle sees that the source's log changed.",
                    self.source.display(path)
                ));
                return Ok(());
            }
            let more = match rewritten.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            found.differ(
                ObjectStatus::Drifted,
                ErrorClass::Drift,
                &[("path", (*path).clone()), ("files", rewritten.len().to_string())],
                format!(
                    "{} was overwritten at the source{more} without a commit. The replica {} still has the first copy. Restore it at the source from the replica, or commit the new file under a new name.",
                    self.source.display(path),
                    self.replica.display("")
                ),
            );
            return Ok(());
        }
        differing.retain(|(_, difference)| !matches!(difference, Difference::Rewritten));
        if let Some((path, difference)) = differing.first() {
            let what = match difference {
                Difference::Lacks | Difference::SourceLacks | Difference::SourceChanged | Difference::Rewritten => {
                    "lacks"
                }
                Difference::Size => "has a different size than its source for",
                Difference::Bytes if self.options.depth == Depth::Source => "has different bytes than its source in",
                Difference::Bytes => "has different bytes than were copied in",
            };
            let more = match differing.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let version = state.inventory.files.get(path.as_str()).map(|named| named.first);
            let mut parameters = vec![("path", path.clone()), ("files", differing.len().to_string())];
            parameters.extend(version.map(|version| ("version", version.to_string())));
            let named = version.map(|version| format!(", which version {version} names")).unwrap_or_default();
            found.differ(
                ObjectStatus::Drifted,
                ErrorClass::Drift,
                &parameters,
                format!(
                    "{} {what} the file {path}{named}{more}. {}",
                    self.replica.display(""),
                    ErrorClass::Drift.resolution()
                ),
            );
            found.damaged = differing.into_iter().map(|(path, _)| path).collect();
        }
        Ok(())
    }

    fn compare_file(&self, file: &Wanted, bytes: &AtomicU64) -> Result<Option<Difference>, DeltaError> {
        let path = file.path.as_str();
        let kept = self.kept.files.get(path);
        let source = self.source.stat(path)?;
        let Some(at_destination) = self.replica.stat(path)? else {
            return Ok(match source {
                Some(_) => Some(Difference::Lacks),
                None if file.live => Some(Difference::SourceLacks),
                // Vacuumed: the source cannot read it either.
                None => None,
            });
        };
        bytes.fetch_add(at_destination.size, Ordering::Relaxed);
        let size = kept.map(|kept| kept.size).or(source.as_ref().map(|source| source.size));
        if size.is_some_and(|size| size != at_destination.size) {
            return Ok(Some(Difference::Size));
        }
        if file.live {
            match &source {
                None => return Ok(Some(Difference::SourceLacks)),
                Some(source) if kept.is_some_and(|kept| kept.size != source.size) => {
                    return Ok(Some(Difference::SourceChanged));
                }
                Some(_) => {}
            }
        }
        let copied = kept.map(|kept| (kept.size, kept.sha256.clone()));
        let expected = match (self.options.depth, copied.clone()) {
            (Depth::Sizes, _) => return Ok(None),
            (Depth::Ledger, Some(copied)) => Some(copied),
            (Depth::Ledger, None) => hash_file(&*self.source, path)?,
            // What was vacuumed at the source was copied once.
            (Depth::Source, copied) => hash_file(&*self.source, path)?.or(copied),
        };
        let actual = hash_file(&*self.replica, path)?;
        if expected.is_none() || expected == actual {
            return Ok(None);
        }
        let still_as_copied = copied.is_some() && copied == actual;
        Ok(Some(if still_as_copied { Difference::Rewritten } else { Difference::Bytes }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
