//! Which files a stretch of a log names, and which of them its last version needs.

use super::actions::{Action, DeletionVector, FileAction, Metadata, Protocol};
use super::path::{BadPath, deletion_vector, folders_left, has_dots, resolve};
use super::schema::SchemaFlaw;
use super::{Base, CheckpointFiles, Commit, CommitInfo, Log, read_checkpoint, read_commit};
use crate::delta::DeltaError;
use crate::delta::bounds;
use crate::delta::place::Place;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A file that the log names.
#[derive(Debug, Clone, Default)]
pub(in crate::delta) struct Named {
    /// Bytes as the log has them; 0 where it does not tell.
    pub size: u64,
    /// The lowest version of the stretch that names it.
    pub first: i64,
    /// The highest version of the stretch that names it otherwise than by a remove: the bytes there are those of its time.
    pub last: i64,
    /// Whether the last version needs it.
    pub live: bool,
    /// Whether more than removes name it.
    pub added: bool,
}

/// A file with the rows that are deleted in it: one logical file. Its path is the text that the log has, because readers
/// compare nothing else: `a%20b` and `a b` are two logical files, though they are one file in the folder.
type Key = (Arc<str>, Option<String>);

/// The files of a logical file.
#[derive(Debug, Clone)]
struct Live {
    path: Arc<str>,
    /// The file of its deletion vector.
    vector: Option<Arc<str>>,
}

/// What a commit has said. Of two actions of one commit on the same thing, readers take the first.
#[derive(Debug, Default)]
struct Said {
    files: HashSet<Key>,
    protocol: bool,
    metadata: bool,
}

/// Builds the state from actions, oldest first.
#[derive(Debug, Default)]
pub(in crate::delta) struct Inventory {
    table: String,
    /// Files by decoded path.
    pub files: HashMap<Arc<str>, Named>,
    /// Folders without which a disk doesn't open some of them, whatever lies in the folders.
    pub folders: BTreeSet<String>,
    /// Logical files of the last version.
    live: HashMap<Key, Live>,
    /// What the commit that is being taken in has said so far.
    said: Said,
    pub protocol: Option<Protocol>,
    pub metadata: Option<Metadata>,
    /// Whether a commit says that it made the table a shallow clone.
    cloned: bool,
    /// Whether paths that aren't paths in the table are passed over.
    lenient: bool,
}

impl Inventory {
    pub fn new(table: String) -> Self {
        Self { table, ..Self::default() }
    }

    /// One that passes over paths that aren't paths in the table, where the log is only gone through for what is.
    pub fn lenient(table: String) -> Self {
        Self { lenient: true, ..Self::new(table) }
    }

    /// Takes in a checkpoint, sidecars and all.
    pub fn read_checkpoint(
        &mut self,
        place: &dyn Place,
        checkpoint: &super::Checkpoint,
    ) -> Result<CheckpointFiles, DeltaError> {
        read_checkpoint(place, checkpoint, true, &mut |action, file| match action {
            // A tombstone: no version that can still be read needs the file.
            Action::Remove(_) => Ok(()),
            Action::Add(add) => self.add(&add, checkpoint.version, file).map(|_| ()),
            Action::Protocol(protocol) => {
                self.protocol = Some(protocol);
                Ok(())
            }
            Action::Metadata(metadata) => {
                self.metadata = Some(metadata);
                Ok(())
            }
            Action::Cdc(_) | Action::CommitInfo(_) | Action::Sidecar(_) => Ok(()),
        })
    }

    /// Lets go of the state that actions built so far, and keeps the names of files: a checkpoint comes.
    pub fn restart(&mut self) {
        self.live.clear();
        (self.protocol, self.metadata) = (None, None);
    }

    /// Takes in a commit; returns its info.
    pub fn take_commit(&mut self, place: &dyn Place, commit: &Commit) -> Result<Option<CommitInfo>, DeltaError> {
        let file = super::commit_path(commit.version);
        let mut info = None;
        let mut outside = None;
        self.said = Said::default();
        commit.actions(place, |action| {
            if let Action::CommitInfo(found) = action {
                self.cloned |= found.is_shallow_clone();
                info.get_or_insert(*found);
                return Ok(());
            }
            match self.take(action, commit.version, &file) {
                Err(error) if self.lenient && !matches!(error, DeltaError::TooManyFiles { .. }) => Ok(()),
                // The commit's info may stand last, and tells a clone from other absolute paths.
                Err(error @ DeltaError::AbsolutePath { .. }) => {
                    outside.get_or_insert(error);
                    Ok(())
                }
                result => result,
            }
        })?;
        match outside {
            Some(DeltaError::AbsolutePath { table, path, .. }) if self.cloned => {
                Err(DeltaError::ShallowClone { table, path })
            }
            Some(error) => Err(error),
            None => Ok(info),
        }
    }

    fn take(&mut self, action: Action, version: i64, file: &str) -> Result<(), DeltaError> {
        match action {
            Action::Add(add) => {
                let key = raw_key(&add);
                if self.said.files.contains(&key) {
                    self.name_files(&add, version, file, true)?;
                } else {
                    let key = self.add(&add, version, file)?;
                    self.said.files.insert(key);
                }
            }
            Action::Cdc(cdc) => {
                self.name_files(&cdc, version, file, true)?;
            }
            Action::Remove(remove) => {
                let key = raw_key(&remove);
                if self.said.files.insert(key.clone()) {
                    self.live.remove(&key);
                }
                // No reader opens what is removed, so it may be called anything.
                if self.paths(&remove, file).is_ok() {
                    self.name_files(&remove, version, file, false)?;
                }
            }
            Action::Protocol(protocol) => {
                if !std::mem::replace(&mut self.said.protocol, true) {
                    self.protocol = Some(protocol);
                }
            }
            Action::Metadata(metadata) => {
                if !std::mem::replace(&mut self.said.metadata, true) {
                    self.metadata = Some(metadata);
                }
            }
            Action::CommitInfo(_) | Action::Sidecar(_) => {}
        }
        Ok(())
    }

    fn add(&mut self, add: &FileAction, version: i64, file: &str) -> Result<Key, DeltaError> {
        let (path, vector) = self.name_files(add, version, file, true)?;
        // Mostly the two are one text, and kept once.
        let raw = if *path == *add.path { path.clone() } else { add.path.as_str().into() };
        let key = (raw, add.deletion_vector.as_ref().map(vector_id));
        self.live.insert(key.clone(), Live { path, vector });
        Ok(key)
    }

    /// The file of an action and the file of its deletion vector; an error where one isn't a place in the table.
    pub fn paths(&self, action: &FileAction, file: &str) -> Result<(String, Option<String>), DeltaError> {
        let path = resolve(&action.path).map_err(|bad| self.bad_path(bad, &action.path, file))?;
        Ok((path, self.vector_of(action, file)?))
    }

    fn vector_of(&self, action: &FileAction, file: &str) -> Result<Option<String>, DeltaError> {
        let Some(vector) = &action.deletion_vector else { return Ok(None) };
        deletion_vector(&vector.storage_type, &vector.path_or_inline_dv)
            .map_err(|bad| self.bad_path(bad, &vector.path_or_inline_dv, file))
    }

    fn bad_path(&self, bad: BadPath, path: &str, file: &str) -> DeltaError {
        let (table, path) = (self.table.clone(), path.to_owned());
        match bad {
            BadPath::Outside => DeltaError::AbsolutePath { table, path, file: file.to_owned() },
            BadPath::Invalid => DeltaError::BadPath { table, path },
        }
    }

    fn name_files(
        &mut self,
        action: &FileAction,
        version: i64,
        file: &str,
        added: bool,
    ) -> Result<(Arc<str>, Option<Arc<str>>), DeltaError> {
        let (path, vector) = self.paths(action, file)?;
        let path = self.name(path, action.size(), version, added);
        if added {
            self.folders.extend(folders_left(&action.path));
        }
        if self.files.len().max(self.folders.len()) > bounds::FILES {
            return Err(DeltaError::TooManyFiles { table: self.table.clone(), most: bounds::FILES as u64 });
        }
        // One file can hold many vectors, so the log does not tell its size.
        let vector = vector.map(|path| self.name(path, 0, version, added));
        Ok((path, vector))
    }

    fn name(&mut self, path: String, size: u64, version: i64, added: bool) -> Arc<str> {
        if let Some((path, named)) = self.files.get_key_value(path.as_str()) {
            let (path, mut named) = (path.clone(), named.clone());
            // Added again, the file may be another one than before: what the log says last holds.
            if named.size == 0 || (added && size > 0) {
                named.size = size;
            }
            if added {
                named.added = true;
                named.last = named.last.max(version);
            }
            self.files.insert(path.clone(), named);
            return path;
        }
        let path: Arc<str> = path.into();
        self.files.insert(path.clone(), Named { size, first: version, last: version, added, ..Named::default() });
        path
    }

    /// Marks what the last version needs. Call it after the last action.
    pub fn finish(&mut self) {
        let live: HashSet<&Arc<str>> =
            self.live.values().flat_map(|live| std::iter::once(&live.path).chain(&live.vector)).collect();
        for (path, named) in &mut self.files {
            named.live = live.contains(path);
        }
    }

    /// Prints of the logical files that are live by now.
    pub fn live_prints(&self) -> HashSet<u64> {
        self.live.iter().map(|((_, vector), live)| hash(&live.path, vector.as_deref())).collect()
    }

    /// The table's id; an error where the stretch has no protocol or no metadata.
    pub fn table_id(&self, version: i64) -> Result<String, DeltaError> {
        let missing = |action| DeltaError::MissingAction { table: self.table.clone(), action, version };
        self.protocol.as_ref().ok_or_else(|| missing("protocol"))?;
        Ok(self.metadata.as_ref().ok_or_else(|| missing("metaData"))?.id.clone())
    }

    /// An error where no reader takes the protocol in force, or can make anything of the schema.
    pub fn refuse_unreadable(&self, version: i64) -> Result<(), DeltaError> {
        let unreadable =
            |action, detail| Err(DeltaError::Unreadable { table: self.table.clone(), version, action, detail });
        if let Some(flaw) = self.protocol.as_ref().and_then(Protocol::flaw) {
            return unreadable("protocol", flaw);
        }
        let Some(metadata) = &self.metadata else { return Ok(()) };
        let features = self.protocol.as_ref().is_some_and(|protocol| protocol.features().next().is_some());
        let SchemaFlaw { always, without_features } = &metadata.flaw;
        match always.as_ref().or_else(|| without_features.as_ref().filter(|_| !features)) {
            Some(flaw) => unreadable("metaData", flaw.clone()),
            None => Ok(()),
        }
    }

    /// An error where readers find a live file on the source's disk, and not all of them would in the target's store.
    pub fn refuse_dots(&self, source: &dyn Place, target: &dyn Place) -> Result<(), DeltaError> {
        if source.local().is_none() || target.local().is_some() {
            return Ok(());
        }
        match self.live.keys().find(|(raw, _)| has_dots(raw)) {
            Some((raw, _)) => Err(DeltaError::DottedPath { table: self.table.clone(), path: raw.to_string() }),
            None => Ok(()),
        }
    }

    /// Whether the protocol or the metadata that the stretch brought may be refused.
    pub fn may_be_unreadable(&self) -> bool {
        self.metadata.as_ref().is_some_and(|metadata| metadata.flaw != SchemaFlaw::default())
            || self.protocol.as_ref().and_then(Protocol::flaw).is_some()
    }

    /// An error where the catalog manages the table's commits.
    pub fn refuse_catalog_managed(&self) -> Result<(), DeltaError> {
        match catalog_feature(self.protocol.as_ref(), self.metadata.as_ref()) {
            Some(feature) => Err(DeltaError::CatalogManaged { table: self.table.clone(), feature }),
            None => Ok(()),
        }
    }
}

fn raw_key(action: &FileAction) -> Key {
    (action.path.as_str().into(), action.deletion_vector.as_ref().map(vector_id))
}

fn vector_id(vector: &DeletionVector) -> String {
    let offset = vector.offset.map(|offset| format!("@{offset}")).unwrap_or_default();
    format!("{}{}{offset}", vector.storage_type, vector.path_or_inline_dv)
}

/// The print of one logical file, by its decoded path: 8 bytes instead of its names.
pub(in crate::delta) fn live_print(path: &str, vector: Option<&DeletionVector>) -> u64 {
    hash(path, vector.map(vector_id).as_deref())
}

fn hash(path: &str, vector: Option<&str>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (path, vector).hash(&mut hasher);
    hasher.finish()
}

/// The feature or property that hands commits to the catalog.
pub(in crate::delta) fn catalog_feature(protocol: Option<&Protocol>, metadata: Option<&Metadata>) -> Option<String> {
    const FEATURES: [&str; 3] = ["catalogManaged", "catalogOwned", "catalogOwned-preview"];
    const COORDINATOR: &str = "delta.coordinatedCommits.commitCoordinator";
    let feature =
        protocol.and_then(|protocol| protocol.features().find(|feature| FEATURES.contains(&feature.as_str())).cloned());
    feature.or_else(|| {
        let mut keys = metadata?.configuration.iter();
        keys.find(|(key, value)| key.starts_with(COORDINATOR) && key.ends_with("-preview") && value.is_some())
            .filter(|(key, _)| !key.contains("Conf"))
            .map(|(key, _)| key.clone())
    })
}

/// Protocol and metadata in force at `version`, read from the newest commit downwards.
pub(in crate::delta) fn state_at(
    place: &dyn Place,
    log: &Log,
    version: i64,
) -> Result<(Option<Protocol>, Option<Metadata>), DeltaError> {
    let table = place.display("");
    let Base { checkpoint, commits } = log.base(version, false, &table)?;
    let mut newest = (None, None);
    let take = |action, (protocol, metadata): &mut (Option<Protocol>, Option<Metadata>)| {
        match action {
            Action::Protocol(found) => _ = protocol.get_or_insert(found),
            Action::Metadata(found) => _ = metadata.get_or_insert(found),
            _ => {}
        }
        Ok(())
    };
    for at in commits.rev() {
        let Some(commit) = read_commit(place, at)? else { continue };
        commit.actions(place, |action| take(action, &mut newest))?;
        if let (Some(_), Some(_)) = newest {
            return Ok(newest);
        }
    }
    if let Some(checkpoint) = checkpoint {
        read_checkpoint(place, checkpoint, false, &mut |action, _| take(action, &mut newest))?;
    }
    Ok(newest)
}
