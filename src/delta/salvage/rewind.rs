//! Takes the old primary back to the common version, newest first, so that it reads as some whole version all the time.

use super::Places;
use super::manifest::Manifest;
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::copy::bring;
use crate::delta::log::{Inventory, LOG, Log, commit_path, hint_version, read_commit};
use crate::delta::place::{Mode, Place};

impl Places {
    /// Removes what `manifest` lists. Goes on where it was killed.
    pub(super) fn rewind(
        &self,
        common: i64,
        mut manifest: Manifest,
        lineage: &Inventory,
        new_log: &Log,
    ) -> Result<Manifest, DeltaError> {
        self.restore_files(lineage)?;
        self.repair_hint(common)?;
        // Compacted commits and checkpoints first: without them a reader takes the commits, which are all still there.
        // A checkpoint stands before its sidecars and parts in no order that matters: incomplete, it is none.
        let (mut sidecars, mut removed) = (Vec::new(), Vec::new());
        for path in &manifest.log_files {
            if path.contains("/_sidecars/") {
                sidecars.push(path);
            } else {
                self.old.remove(path)?;
            }
            removed.push(path.clone());
        }
        for path in sidecars {
            self.old.remove(path)?;
        }
        for orphan in manifest.commits.iter().rev() {
            let path = commit_path(orphan.version);
            // A commit of another hash came from the new primary since.
            if read_commit(&*self.old, orphan.version)?.is_some_and(|commit| commit.sha256 == orphan.sha256) {
                self.old.remove(&path)?;
                fail::fail_point!("delta.salvage.mid_rewind");
            }
            removed.push(path);
        }
        self.old.sync(&removed)?;
        // No commit names these any more, here or at the new primary.
        let theirs = self.names_of_new(new_log, common)?;
        let mut data = Vec::new();
        for file in &manifest.files {
            let path = file.path.as_str();
            if !lineage.files.contains_key(path) && !theirs.files.contains_key(path) {
                self.old.remove(path)?;
                data.push(file.path.clone());
            }
        }
        self.old.sync(&data)?;
        if let Some(place) = self.old.local() {
            data.iter().filter_map(|path| path.rsplit_once('/')).for_each(|(folder, _)| place.prune(folder));
        }
        manifest.rewound = true;
        manifest.write(&*self.salvage)?;
        Ok(manifest)
    }

    /// Brings back files of the common history that a VACUUM took away since.
    pub(super) fn restore_files(&self, lineage: &Inventory) -> Result<(), DeltaError> {
        let Some(new) = &self.new else { return Ok(()) };
        let mut restored = Vec::new();
        for path in lineage.files.keys() {
            if self.old.stat(path)?.is_none() && bring(&**new, &*self.old, path)?.is_some() {
                restored.push(path.to_string());
            }
        }
        if restored.is_empty() { Ok(()) } else { self.old.sync(&restored) }
    }

    /// Makes `_last_checkpoint` name a checkpoint that stays, or takes it away: it is only a hint.
    fn repair_hint(&self, common: i64) -> Result<(), DeltaError> {
        let path = format!("{LOG}/_last_checkpoint");
        let read = |place: &dyn Place| match place.read(&path, bounds::HINT) {
            // No hint is so large; what it says is not worth the memory.
            Err(DeltaError::TooLarge { .. }) => Ok(None),
            hint => hint,
        };
        if self.old.stat(&path)?.is_none() {
            return Ok(());
        }
        if read(&*self.old)?.and_then(|hint| hint_version(&hint.bytes)).is_some_and(|version| version <= common) {
            return Ok(());
        }
        let log = Log::list(&*self.old, 0)?;
        let theirs = self.new.as_ref().map(|new| read(&**new)).transpose()?.flatten().filter(|hint| {
            hint_version(&hint.bytes).is_some_and(|version| version <= common && log.checkpoints.contains_key(&version))
        });
        match theirs {
            Some(theirs) => {
                self.old.put(&path, &theirs.bytes, theirs.stamp.modified_ns, Mode::Replace)?;
            }
            None => self.old.remove(&path)?,
        }
        self.old.sync(&[path])
    }
}
