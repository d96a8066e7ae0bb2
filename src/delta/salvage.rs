//! Salvages what a forced failover left behind, then rewinds the old primary.
//!
//! The order keeps everything safe at every instant: copy to the salvage folder, sync, write the manifest, and only
//! then remove, newest first. The manifest is the record that nothing is lost any more; with it there, a killed rewind goes on from it.

mod about;
mod collect;
mod later;
pub(super) mod manifest;
mod rewind;
mod whole;

pub use about::{SalvageAbout, Salvaged};

use super::latest::common;
use super::log::{Log, commit_path, read_commit, read_log_state};
use super::place::{self, Place};
use super::{DeltaError, Position, TableFault, TableRoot};
use manifest::Manifest;
use std::sync::Arc;

/// Copies what `old` committed beyond the common version to `salvage`, syncs it, then rewinds `old`. Goes on where it was
/// killed; nothing is removed before it is safe in the salvage folder.
pub async fn salvage(
    old: &TableRoot,
    new: &TableRoot,
    salvage: &TableRoot,
    about: SalvageAbout,
) -> Result<Salvaged, TableFault> {
    let (old_root, new, salvage_dir) = (old.clone(), new.clone(), salvage.clone());
    let work = move || {
        let places =
            Places { old: place::open(&old_root), new: Some(place::open(&new)), salvage: place::open(&salvage_dir) };
        places.salvage(&about, None)
    };
    place::blocking(old, work).await
}

/// [`salvage`] of a table whose counterpart was dropped at the new primary: what lies above the remembered position never
/// arrived there.
pub async fn salvage_dropped(
    old: &TableRoot,
    known: &Position,
    salvage: &TableRoot,
    about: SalvageAbout,
) -> Result<Salvaged, TableFault> {
    let (old_root, known, salvage_dir) = (old.clone(), known.clone(), salvage.clone());
    let work = move || {
        let places = Places { old: place::open(&old_root), new: None, salvage: place::open(&salvage_dir) };
        places.salvage(&about, Some(&known))
    };
    place::blocking(old, work).await
}

/// Copies what `table` committed after the first of two versions, up to the second one, to `salvage`, and changes nothing in
/// the table. None where there is nothing of the kind.
pub async fn salvage_later(
    table: &TableRoot,
    salvage: &TableRoot,
    versions: (i64, i64),
    about: SalvageAbout,
) -> Result<Option<Salvaged>, TableFault> {
    let (root, salvage_dir) = (table.clone(), salvage.clone());
    let work = move || later::salvage_later(&*place::open(&root), &*place::open(&salvage_dir), versions, &about);
    place::blocking(table, work).await
}

/// Moves a table that exists only at the old primary to `salvage`, whole.
pub async fn salvage_whole(
    table: &TableRoot,
    salvage: &TableRoot,
    about: SalvageAbout,
) -> Result<Salvaged, TableFault> {
    let (root, salvage_dir) = (table.clone(), salvage.clone());
    place::blocking(table, move || whole::salvage_all(&*place::open(&root), &*place::open(&salvage_dir), &about)).await
}

/// The three folders of a salvage.
struct Places {
    old: Arc<dyn Place>,
    /// None where the counterpart was dropped.
    new: Option<Arc<dyn Place>>,
    salvage: Arc<dyn Place>,
}

impl Places {
    fn salvage(&self, about: &SalvageAbout, known: Option<&Position>) -> Result<Salvaged, DeltaError> {
        let log = Log::list(&*self.old, 0)?;
        let new_log = self.new.as_ref().map_or_else(|| Ok(Log::default()), |new| Log::list(&**new, 0))?;
        let new = self.new.as_ref().map_or_else(|| "its replica, which was dropped,".to_owned(), |new| new.display(""));
        let apart = || DeltaError::NoCommonVersion { old: self.old.display(""), new: new.clone() };
        let common = match (&self.new, known) {
            (Some(new), _) => common(&*self.old, &log, &**new, &new_log)?,
            (None, known) => known.map(|known| self.still_holds(known)).transpose()?.flatten(),
        };
        let common = common.ok_or_else(apart)?;
        if log.base(common, false, "").is_err() {
            return Err(apart());
        }
        let lineage = read_log_state(&*self.old, &log, common, |_, _| {})?;
        let position = match &self.new {
            Some(new) => {
                Position { stamp: new.stat(&commit_path(common))?.ok_or_else(apart)?, ..lineage.position.clone() }
            }
            None => lineage.position.clone(),
        };

        let orphans = self.collect(&log, &new_log, common, &lineage.inventory)?;
        let kept = Manifest::read(&*self.salvage)?;
        let manifest = match kept {
            Some(kept) if orphans.is_in(&kept) => kept,
            None if orphans.is_empty() => {
                self.restore_files(&lineage.inventory)?;
                return Ok(Salvaged {
                    common_version: Some(common),
                    position: Some(position),
                    first_version: None,
                    last_version: None,
                    commits: 0,
                    rows: Some(0),
                    bytes: 0,
                    committed_ms: None,
                    files: 0,
                    folder: None,
                });
            }
            kept => self.copy_aside(about, common, orphans, kept)?,
        };
        let manifest =
            if manifest.rewound { manifest } else { self.rewind(common, manifest, &lineage.inventory, &new_log)? };
        Ok(manifest.outcome(Some(common), Some(position), self.salvage.display("")))
    }

    /// The remembered version, if the old primary still has it with the same bytes.
    fn still_holds(&self, known: &Position) -> Result<Option<i64>, DeltaError> {
        let there = read_commit(&*self.old, known.version)?;
        Ok(there.is_some_and(|there| there.sha256 == known.sha256).then_some(known.version))
    }
}
