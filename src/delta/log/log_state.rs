//! Everything that a log retains up to one version: its commits, and every file that they and its checkpoints name.

use super::{Base, CheckpointFiles, Commit, Inventory, Log, catalog_feature, read_commit};
use crate::delta::copy::hash_with_fingerprint;
use crate::delta::place::Place;
use crate::delta::{DeltaError, Position};
use std::collections::{BTreeSet, HashSet};

/// The whole state of a table up to one version.
pub(in crate::delta) struct LogState<'a> {
    pub inventory: Inventory,
    pub position: Position,
    /// The checkpoint that the retained commits begin with, and its files.
    pub base: Option<(&'a super::Checkpoint, CheckpointFiles)>,
    pub past: Past,
}

/// What the retained commits say of versions below the newest, to hold checkpoints against.
#[derive(Debug, Default)]
pub(in crate::delta) struct Past {
    /// The lowest version that is built from what is retained.
    pub lowest: i64,
    /// The version of the newest checkpoint, where it isn't what the newest version is built from, and prints of the
    /// logical files that are live there.
    pub live: Option<(i64, HashSet<u64>)>,
    /// Versions whose commits are the catalog's.
    pub managed: BTreeSet<i64>,
}

impl Past {
    fn pass(&mut self, version: i64, inventory: &Inventory, checked: Option<i64>) {
        if checked == Some(version) {
            self.live = Some((version, inventory.live_prints()));
        }
        if catalog_feature(inventory.protocol.as_ref(), inventory.metadata.as_ref()).is_some() {
            self.managed.insert(version);
        }
    }
}

/// Reads the state up to `version`. Hands over every commit with its time, in order.
pub(in crate::delta) fn read_log_state<'a>(
    place: &dyn Place,
    log: &'a Log,
    version: i64,
    mut each: impl FnMut(Commit, i64),
) -> Result<LogState<'a>, DeltaError> {
    let table = place.display("");
    let Base { checkpoint: base, commits } = log.base(version, true, &table)?;
    let gap = |missing| DeltaError::LogGap { table: table.clone(), missing, newest: version };
    let mut last = None;
    // Readers begin with the newest checkpoint, so they never see a commit below or at one that can't be read.
    let newest_checkpoint = log.checkpoints.range(..=version).next_back().map_or(-1, |(version, _)| *version);
    let mut broken = false;
    let mut take = |inventory: &mut Inventory, commit: Commit, broken: &mut bool| -> Result<(), DeltaError> {
        let info = match inventory.take_commit(place, &commit) {
            Ok(info) => info,
            Err(DeltaError::CorruptCommit { .. }) if commit.version <= newest_checkpoint => {
                *broken = true;
                None
            }
            Err(error) => return Err(error),
        };
        let time_ms = commit.time_ms(info.as_ref());
        if commit.version == version {
            last = Some((commit.sha256.clone(), time_ms, commit.stamp.clone()));
        }
        each(commit, time_ms);
        Ok(())
    };

    // What the log still holds below the run that the version is built from. No live file is named there.
    let mut history = Inventory::new(table.clone());
    let below = ..=base.map_or(-1, |checkpoint| checkpoint.version);
    for checkpoint in log.checkpoints.range(below).filter_map(|(_, all)| all.first()) {
        if Some(checkpoint) != base {
            history.read_checkpoint(place, checkpoint)?;
        }
    }
    for older in log.commits.range(below).map(|(version, _)| *version) {
        // Log clean-up takes these away at any time.
        if let Some(commit) = read_commit(place, older)? {
            take(&mut history, commit, &mut false)?;
        }
    }

    let mut inventory = Inventory::new(table.clone());
    let mut base = base;
    let mut base_files = base.map(|checkpoint| inventory.read_checkpoint(place, checkpoint)).transpose()?;
    let mut past = Past { lowest: base.map_or(0, |checkpoint| checkpoint.version), ..Past::default() };
    let newest = log.checkpoints.range(past.lowest..=version).next_back();
    let checked = newest.filter(|(_, all)| all.iter().any(|checkpoint| Some(checkpoint) != base)).map(|(at, _)| *at);
    if let Some(base) = base {
        past.pass(base.version, &inventory, checked);
    }
    for version in commits {
        let commit = read_commit(place, version)?.ok_or_else(|| gap(version))?;
        take(&mut inventory, commit, &mut broken)?;
        if broken && let Some(checkpoint) = log.checkpoints.get(&version).and_then(|all| all.first()) {
            inventory.restart();
            (base, base_files) = (Some(checkpoint), Some(inventory.read_checkpoint(place, checkpoint)?));
            past = Past { lowest: version, ..Past::default() };
            broken = false;
        }
        if !broken {
            past.pass(version, &inventory, checked);
        }
    }
    inventory.refuse_catalog_managed()?;
    inventory.finish();
    let table_id = inventory.table_id(version)?;
    inventory.folders.append(&mut history.folders);
    for (path, named) in history.files {
        inventory.files.entry(path).or_insert(named);
    }

    let (sha256, time_ms, stamp) = match last {
        Some(last) => last,
        // Its commit was cleaned away; the checkpoint stands in for it.
        None => {
            let path = base.and_then(|checkpoint| checkpoint.paths().next()).ok_or_else(|| gap(version))?;
            let (_, sha256, stamp) = hash_with_fingerprint(place, &path)?.ok_or_else(|| gap(version))?;
            (sha256, stamp.modified_ms(), stamp)
        }
    };
    let position = Position { version, sha256, table_id, time_ms, stamp };
    Ok(LogState { inventory, position, base: base.zip(base_files), past })
}
