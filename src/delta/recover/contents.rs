//! What lies in a salvage folder.

use crate::delta::DeltaError;
use crate::delta::log::{Log, RawState, deletion_vector, raw_commit, raw_state_at, resolve};
use crate::delta::place::Place;
use crate::delta::salvage::manifest::Manifest;
use serde_json::Value;
use std::sync::Arc;

/// A salvage folder, with the table that its commits never reached.
pub struct Salvage {
    pub place: Arc<dyn Place>,
    pub live: Option<Arc<dyn Place>>,
    pub manifest: Manifest,
}

/// The actions of one commit, by kind.
#[derive(Debug, Default)]
pub struct Contents {
    pub version: i64,
    pub adds: Vec<Value>,
    pub removes: Vec<Value>,
    pub protocol: Option<Value>,
    pub metadata: Option<Value>,
    pub info: Option<Value>,
    /// Kinds of the other actions.
    pub others: Vec<String>,
}

/// Rows of a file, where its statistics tell.
pub fn rows_of(add: &Value) -> Option<u64> {
    let stats: Value = serde_json::from_str(add.get("stats")?.as_str()?).ok()?;
    stats.get("numRecords")?.as_u64()
}

/// The decoded path of a file action.
pub fn path_of(action: &Value, table: &str) -> Result<String, DeltaError> {
    let raw = action.get("path").and_then(Value::as_str).unwrap_or_default();
    resolve(raw).map_err(|_| DeltaError::BadPath { table: table.to_owned(), path: raw.to_owned() })
}

/// The decoded path of its deletion vector's file, where it has one.
pub fn vector_of(action: &Value, table: &str) -> Result<Option<String>, DeltaError> {
    let Some(vector) = action.get("deletionVector").filter(|vector| vector.is_object()) else { return Ok(None) };
    let text = |key: &str| vector.get(key).and_then(Value::as_str).unwrap_or_default();
    let raw = text("pathOrInlineDv");
    deletion_vector(text("storageType"), raw)
        .map_err(|_| DeltaError::BadPath { table: table.to_owned(), path: raw.to_owned() })
}

impl Salvage {
    pub fn open(place: Arc<dyn Place>, live: Option<Arc<dyn Place>>) -> Result<Self, DeltaError> {
        let manifest = Manifest::read(&*place)?.ok_or_else(|| DeltaError::Unfit {
            table: place.display(""),
            sentence: format!("{} has no manifest.json, so nothing can be recovered from it.", place.display("")),
        })?;
        Ok(Self { place, live, manifest })
    }

    pub fn table(&self) -> String {
        self.place.display("")
    }

    pub fn unfit(&self, sentence: String) -> DeltaError {
        DeltaError::Unfit { table: self.table(), sentence }
    }

    /// The actions of a salvaged commit.
    pub fn contents(&self, version: i64) -> Result<Contents, DeltaError> {
        let known = self.manifest.commits.iter().any(|commit| commit.version == version);
        let lines = if known { raw_commit(&*self.place, version)? } else { None };
        let lines = lines.ok_or_else(|| {
            self.unfit(format!("{} has no salvaged commit of version {version}.", self.manifest.table))
        })?;
        let mut found = Contents { version, ..Contents::default() };
        for (kind, value) in lines.into_iter().flatten().filter(|(_, value)| value.is_object()) {
            match kind.as_str() {
                "add" => found.adds.push(value),
                "remove" => found.removes.push(value),
                "protocol" => found.protocol = found.protocol.or(Some(value)),
                "metaData" => found.metadata = found.metadata.or(Some(value)),
                "commitInfo" => found.info = found.info.or(Some(value)),
                "txn" => {}
                _ => found.others.push(kind),
            }
        }
        Ok(found)
    }

    /// Protocol and metadata as a salvaged commit left them.
    pub fn state(&self, version: i64) -> Result<RawState, DeltaError> {
        let Some(common) = self.manifest.common_version else {
            return raw_state_at(&*self.place, &Log::list(&*self.place, 0)?, version);
        };
        let Some(live) = &self.live else {
            return Err(self.unfit(format!(
                "{} doesn't exist in the primary any more, so the schema of its commits isn't known. Export their files instead.",
                self.manifest.table
            )));
        };
        let mut state = raw_state_at(&**live, &Log::list(&**live, 0)?, common)?;
        for commit in self.manifest.commits.iter().filter(|commit| commit.version <= version) {
            let Contents { protocol, metadata, .. } = self.contents(commit.version)?;
            state.protocol = protocol.unwrap_or(state.protocol);
            state.metadata = metadata.unwrap_or(state.metadata);
        }
        Ok(state)
    }

    /// Protocol and metadata of the live table, and its newest version.
    pub fn live_state(&self) -> Result<(&dyn Place, Log, i64, RawState), DeltaError> {
        let Some(live) = &self.live else {
            return Err(self.unfit(format!(
                "{} doesn't exist in the primary any more. Make a table of the commits, or export them.",
                self.manifest.table
            )));
        };
        let log = Log::list(&**live, 0)?;
        let newest = log.newest_of(&live.display(""))?;
        let state = raw_state_at(&**live, &log, newest)?;
        Ok((&**live, log, newest, state))
    }

    /// Where a file that a salvaged commit names lies: in the salvage folder, or in the table where earlier versions name
    /// it too.
    pub fn holder(&self, path: &str) -> Result<&dyn Place, DeltaError> {
        if self.place.stat(path)?.is_some() {
            return Ok(&*self.place);
        }
        let kept = self.manifest.kept_in_table.iter().any(|kept| kept == path);
        if let Some(live) = self.live.as_ref().filter(|_| kept)
            && live.stat(path)?.is_some()
        {
            return Ok(&**live);
        }
        let version = self.manifest.last_version.unwrap_or_default();
        Err(DeltaError::MissingFile { table: self.table(), path: path.to_owned(), version })
    }
}
