//! Makes replicas primaries: the epoch marker and the fence commit.
//!
//! Many tables are promoted together, because a failover waits for it: all their files are staged, synced at
//! once, put into place where nothing is, and their folders are synced at once. So a loss of power leaves either no
//! marker and no fence, or whole ones.

mod fence;

pub(super) use fence::write_refusal;

use super::bounds;
use super::latest::{position_at, position_with};
use super::log::{Log, commit_path, sha256_hex, state_at};
use super::place::{self, Mode, Place, Put, Staged};
use super::pool;
use super::{DeltaError, Position, TableFault, TableRoot};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

/// The folder of a table's epoch markers, one file an epoch.
const EPOCHS: &str = "_resilience/epoch";
/// How often a slot may be taken by another writer before the promotion gives up.
const ATTEMPTS: usize = 16;
/// Tables worked on at a time: more than cores, because each of them waits for its storage.
const PARALLEL: usize = 16;

/// How a table was promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promotion {
    /// Marker and fence commit are there.
    Fenced {
        /// The fence commit.
        position: Position,
    },
    /// Only the marker is there, because the product must not commit to this table.
    MarkerOnly {
        /// The newest version.
        position: Position,
        /// Why, as a sentence.
        reason: String,
    },
}

/// An epoch's marker on a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Marker {
    epoch: u64,
    group: String,
    /// The version that the table had.
    version: i64,
    at_ms: i64,
}

/// For whom and when tables are promoted.
struct About {
    epoch: u64,
    group: String,
    now_ms: i64,
}

/// Writes the numbered epoch marker and the fence commit of every table, and syncs them. Idempotent for one epoch of one
/// group; another group's marker of the epoch, or anyone's of a later one, refuses. The results are in the order of
/// `tables`, and a fault of one does not touch its siblings.
///
/// The fence takes the slot after the newest version, so that a late shipment of the old primary's next commit meets
/// another hash there and stops.
pub async fn promote_all(
    tables: Vec<TableRoot>,
    epoch: u64,
    group: &str,
    now_ms: i64,
) -> Vec<Result<Promotion, TableFault>> {
    let about = About { epoch, group: group.to_owned(), now_ms };
    let names: Vec<String> = tables.iter().map(TableRoot::display).collect();
    let work = move || {
        let all: Vec<Promoting> = tables.iter().map(|table| Promoting::new(place::open(table))).collect();
        promote_blocking(&all, &about);
        all.into_iter().map(Promoting::into_result).collect::<Vec<_>>()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(results) => results.into_iter().map(|result| result.map_err(TableFault::from)).collect(),
        Err(error) => {
            let detail = error.to_string();
            let faults = names.into_iter().map(|table| DeltaError::Interrupted { table, detail: detail.clone() });
            faults.map(|fault| Err(fault.into())).collect()
        }
    }
}

/// [`promote_all`] for one table.
pub async fn promote(table: &TableRoot, epoch: u64, group: &str, now_ms: i64) -> Result<Promotion, TableFault> {
    let gone = || DeltaError::Interrupted { table: table.display(), detail: "nothing came back".to_owned() }.into();
    promote_all(vec![table.clone()], epoch, group, now_ms).await.pop().unwrap_or_else(|| Err(gone()))
}

fn promote_blocking(all: &[Promoting], about: &About) {
    for _ in 0..ATTEMPTS {
        let open: Vec<&Promoting> = all.iter().filter(|table| !table.state().has_ended()).collect();
        if open.is_empty() {
            break;
        }
        pool::each(&open, PARALLEL, |table| table.attempt(|state| table.stage(state, about)));
        // Their own bytes first: a name that a loss of power leaves without them would be a torn commit in the log.
        sync(&open, |state| state.staged.iter().filter_map(|file| Some(file.staged.local_path()?.into())).collect());
        fail::fail_point!("delta.promote.before_publish");
        pool::each(&open, PARALLEL, |table| table.attempt(|state| table.publish(state)));
    }
    let all: Vec<&Promoting> = all.iter().collect();
    sync(&all, |state| state.published.clone());
}

/// Syncs what `paths` takes from every table that is still well, once for all of them.
fn sync(tables: &[&Promoting], paths: impl Fn(&State) -> Vec<PathBuf>) {
    let (mut files, mut places) = (Vec::new(), Vec::new());
    let is_local = |table: &&&Promoting| table.place.local().is_some() && !matches!(table.state().end, Some(Err(_)));
    for table in tables.iter().filter(is_local) {
        files.extend(paths(&table.state()));
        places.extend(table.place.local());
    }
    if let Err(error) = place::sync_batch(&files, &places) {
        for table in tables.iter().filter(is_local) {
            table.state().end = Some(Err(error.clone()));
        }
    }
}

/// A table on its way.
struct Promoting {
    place: Arc<dyn Place>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The epoch's marker as it is there, or as it is staged.
    marker: Option<Marker>,
    staged: Vec<StagedFile>,
    /// What the table is once everything staged is published.
    becomes: Option<Promotion>,
    /// Whether the fence carries its own time; else its file's is what counts.
    timed: bool,
    /// Local files that are in place and not known to be synced.
    published: Vec<PathBuf>,
    end: Option<Result<Promotion, DeltaError>>,
}

struct StagedFile {
    rel: String,
    staged: Box<dyn Staged>,
    mode: Mode,
}

impl State {
    fn has_ended(&self) -> bool {
        self.end.is_some()
    }
}

impl Promoting {
    fn new(place: Arc<dyn Place>) -> Self {
        Self { place, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn into_result(self) -> Result<Promotion, DeltaError> {
        let table = self.place.display("");
        let state = self.state.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
        // Every attempt found the slot taken: something keeps writing to a table that no one may write to yet.
        let version = state.marker.map_or(0, |marker| marker.version);
        state.end.unwrap_or(Err(DeltaError::SplitBrain { table, version: version.saturating_add(1) }))
    }

    fn attempt(&self, work: impl FnOnce(&mut State) -> Result<(), DeltaError>) {
        let mut state = self.state();
        if state.has_ended() {
            return;
        }
        if let Err(error) = work(&mut state) {
            state.staged.clear();
            state.end = Some(Err(error));
        }
    }

    /// Finds missing files and stages them.
    fn stage(&self, state: &mut State, about: &About) -> Result<(), DeltaError> {
        let place = &*self.place;
        let table = place.display("");
        let log = Log::list(place, 0)?;
        let version = log.newest_of(&table)?;
        let marker = self.stage_marker(state, about, version)?;
        if let Some(version) = fence::find(place, &log, &marker)? {
            state.published.extend(place.local().map(|local| local.root().join(commit_path(version))));
            state.becomes = Some(Promotion::Fenced { position: position_at(place, &log, version)? });
            return Ok(());
        }
        let (protocol, metadata) = state_at(place, &log, version)?;
        let position = position_with(place, &log, version, metadata.as_ref())?;
        let protocol = protocol.ok_or(DeltaError::MissingAction { table, action: "protocol", version })?;
        if let Some(reason) = fence::refusal(&protocol, metadata.as_ref()) {
            state.becomes = Some(Promotion::MarkerOnly { position, reason });
            return Ok(());
        }
        let Some(next) = version.checked_add(1) else {
            let reason = "Its newest version has the highest possible number, so no commit can follow.".to_owned();
            state.becomes = Some(Promotion::MarkerOnly { position, reason });
            return Ok(());
        };
        // Never before the last commit, whatever this machine's clock says.
        let time_ms = about.now_ms.max(position.time_ms.saturating_add(1));
        state.timed = fence::in_commit_timestamps(&protocol, metadata.as_ref());
        let bytes = fence::bytes(&marker, version, time_ms, state.timed);
        let rel = commit_path(next);
        self.write(state, rel, &bytes, time_ms, Mode::Create)?;
        let position = Position { version: next, sha256: sha256_hex(&bytes), time_ms, ..position };
        state.becomes = Some(Promotion::Fenced { position });
        Ok(())
    }

    /// The epoch's marker, staged where it is not there.
    fn stage_marker(&self, state: &mut State, about: &About, version: i64) -> Result<Marker, DeltaError> {
        let place = &*self.place;
        if let Some(marker) = &state.marker {
            return Ok(marker.clone());
        }
        let table = place.display("");
        let markers = place.list(EPOCHS, None)?;
        let found =
            markers.iter().filter_map(|entry| entry.name.strip_suffix(".json")?.parse().ok()).max().unwrap_or(0);
        if found > about.epoch {
            return Err(DeltaError::StaleEpoch { table, found, asked: about.epoch });
        }
        let rel = format!("{EPOCHS}/{:020}.json", about.epoch);
        let existing = place.read(&rel, bounds::MARKER)?;
        // One that cannot be read was cut short before markers were synced first; it says nothing.
        let mode = if existing.is_some() { Mode::Replace } else { Mode::Create };
        let existing = existing.and_then(|content| serde_json::from_slice::<Marker>(&content.bytes).ok());
        let marker = match existing {
            Some(marker) if marker.group != about.group => {
                return Err(DeltaError::ForeignEpoch { table, epoch: about.epoch, group: marker.group });
            }
            Some(marker) => {
                state.published.extend(place.local().map(|local| local.root().join(&rel)));
                marker
            }
            None => {
                let marker = Marker { epoch: about.epoch, group: about.group.clone(), version, at_ms: about.now_ms };
                let bytes = serde_json::to_vec(&marker).unwrap_or_default();
                self.write(state, rel, &bytes, marker.at_ms, mode)?;
                marker
            }
        };
        state.marker = Some(marker.clone());
        Ok(marker)
    }

    fn write(&self, state: &mut State, rel: String, bytes: &[u8], ms: i64, mode: Mode) -> Result<(), DeltaError> {
        let mut sink = self.place.create(&rel, bytes.len() as u64)?;
        sink.write(bytes)?;
        let staged = sink.finish(ms.saturating_mul(1_000_000))?;
        state.staged.push(StagedFile { rel, staged, mode });
        Ok(())
    }

    /// Puts into place what is staged: the marker, then the fence. What meets someone else's is found out again.
    fn publish(&self, state: &mut State) -> Result<(), DeltaError> {
        let mut wrote = false;
        for file in std::mem::take(&mut state.staged) {
            if file.staged.publish(file.mode)? == Put::Exists {
                if file.rel.starts_with(EPOCHS) {
                    state.marker = None;
                }
                return Ok(());
            }
            state.published.extend(self.place.local().map(|local| local.root().join(&file.rel)));
            wrote |= !file.rel.starts_with(EPOCHS);
            fail::fail_point!("delta.promote.after_marker");
        }
        let mut becomes = state.becomes.take();
        if let Some(Promotion::Fenced { position }) = &mut becomes
            && wrote
            && let Some(stamp) = self.place.stat(&commit_path(position.version))?
        {
            position.time_ms = if state.timed { position.time_ms } else { stamp.modified_ms() };
            position.stamp = stamp;
        }
        state.end = becomes.map(Ok);
        Ok(())
    }
}
