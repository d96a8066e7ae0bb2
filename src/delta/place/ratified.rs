//! A table whose commits its catalog ratifies, seen as an ordinary one.
//!
//! The catalog says which commits there are. One that isn't published yet lies in `_staged_commits` under a name of its own; anything
//! in the log beyond the newest ratified version is nobody's. What hands commits to the catalog is left out of `protocol` and
//! `metaData`, because a table that's found by its path couldn't be read with it. So checkpoints and checksums, which repeat both, stay
//! unseen, and the log must reach down to version 0.

use super::{Content, Listed, Opened, Place, RandomAccess, Sink, StoredObject};
use crate::delta::position::FileFingerprint;
use crate::delta::{AskCommits, DeltaError, RatifiedCommits, bounds};
use crate::domain::{ErrorClass, hex};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::io::Cursor;
use std::sync::{Arc, OnceLock};
use tokio::runtime::Handle;

/// The log's folder. What the log's own module knows of it lies above this one.
const LOG: &str = "_delta_log";
/// Where commits lie that aren't published yet.
const STAGED: &str = "_delta_log/_staged_commits";

/// Features that hand commits to the catalog.
const HANDED: [&str; 3] = ["catalogManaged", "catalogOwned", "catalogOwned-preview"];
/// Properties that name the table in its catalog.
const NAMES: [&str; 2] = ["io.unitycatalog.tableId", "ucTableId"];
/// Features that a copy of log and files keeps whole. Of others nobody knows whether the catalog has a part in them.
const KEPT: [&str; 27] = [
    "appendOnly",
    "invariants",
    "checkConstraints",
    "changeDataFeed",
    "generatedColumns",
    "columnMapping",
    "identityColumns",
    "deletionVectors",
    "rowTracking",
    "timestampNtz",
    "domainMetadata",
    "v2Checkpoint",
    "icebergCompatV1",
    "icebergCompatV2",
    "clustering",
    "vacuumProtocolCheck",
    "inCommitTimestamp",
    "inCommitTimestamp-preview",
    "typeWidening",
    "typeWidening-preview",
    "allowColumnDefaults",
    "variantType",
    "variantType-preview",
    "variantShredding-preview",
    "collations-preview",
    "checkpointProtection",
    "materializePartitionColumns",
];

pub(in crate::delta) struct RatifiedPlace {
    inner: Arc<dyn Place>,
    ask: AskCommits,
    handle: Handle,
    /// Asked once, when it's needed first: all that is read here is of one moment.
    known: OnceLock<Result<RatifiedCommits, String>>,
}

impl RatifiedPlace {
    pub fn new(inner: Arc<dyn Place>, ask: AskCommits, handle: Handle) -> Self {
        Self { inner, ask, handle, known: OnceLock::new() }
    }

    fn commits(&self) -> Result<&RatifiedCommits, DeltaError> {
        let known = self.known.get_or_init(|| self.handle.block_on((self.ask)()));
        known.as_ref().map_err(|detail| DeltaError::Storage {
            action: "ask the catalog for the commits of",
            path: self.inner.display(""),
            detail: detail.trim_end_matches('.').to_owned(),
            class: ErrorClass::StorageFailure,
        })
    }

    /// The version of a commit's path; None for any other file.
    fn version(rel: &str) -> Option<i64> {
        let name = rel.strip_prefix(LOG)?.strip_prefix('/')?;
        version_of(name)
    }

    fn is_log(rel: &str) -> bool {
        rel.strip_prefix(LOG).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// A commit as its replica gets it. One that the catalog names beats the published one; a named one may be published and gone.
    fn commit(&self, version: i64, most: u64) -> Result<Option<Content>, DeltaError> {
        let commits = self.commits()?;
        if version > commits.latest {
            return Ok(None);
        }
        let staged = match commits.staged.get(&version) {
            // The name comes from a catalog: it must stay a name.
            Some(name) if !name.contains('/') => self.inner.read(&format!("{STAGED}/{name}"), most)?,
            Some(_) | None => None,
        };
        let found = match staged {
            Some(content) => Some(content),
            None => self.inner.read(&format!("{LOG}/{version:020}.json"), most)?,
        };
        let Some(content) = found else { return Ok(None) };
        let bytes = self.rewritten(version, content.bytes)?;
        // The same wherever it lies, so that a commit doesn't seem to change when it's published.
        let stamp = FileFingerprint {
            size: bytes.len() as u64,
            modified_ns: time_ms(&bytes).saturating_mul(1_000_000),
            etag: Some(hex(&Sha256::digest(&bytes))),
            ..FileFingerprint::default()
        };
        Ok(Some(Content { bytes, stamp }))
    }

    fn rewritten(&self, version: i64, bytes: Vec<u8>) -> Result<Vec<u8>, DeltaError> {
        let mut out = Vec::with_capacity(bytes.len());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let concerns = [&b"\"protocol\""[..], b"\"metaData\""].iter().any(|key| contains(line, key));
            let action = concerns.then(|| serde_json::from_slice::<Value>(line).ok()).flatten();
            match action {
                Some(mut action) if action.get("protocol").is_some() || action.get("metaData").is_some() => {
                    self.leave_out(&mut action)?;
                    serde_json::to_writer(&mut out, &action).map_err(|error| DeltaError::CorruptCommit {
                        table: self.inner.display(""),
                        version,
                        detail: error.to_string(),
                    })?;
                    out.push(b'\n');
                }
                _ => out.extend_from_slice(line),
            }
        }
        Ok(out)
    }

    /// Takes out of an action what hands commits to the catalog.
    fn leave_out(&self, action: &mut Value) -> Result<(), DeltaError> {
        for list in ["readerFeatures", "writerFeatures"] {
            let Some(features) = action.pointer_mut(&format!("/protocol/{list}")).and_then(Value::as_array_mut) else {
                continue;
            };
            features.retain(|feature| !feature.as_str().is_some_and(|feature| HANDED.contains(&feature)));
            if let Some(feature) = features.iter().find(|f| !f.as_str().is_some_and(|f| KEPT.contains(&f))) {
                return Err(DeltaError::CatalogFeature {
                    table: self.inner.display(""),
                    feature: feature.as_str().map_or_else(|| feature.to_string(), str::to_owned),
                });
            }
        }
        if let Some(properties) = action.pointer_mut("/metaData/configuration").and_then(Value::as_object_mut) {
            let handed = |key: &str| HANDED.iter().any(|feature| key == format!("delta.feature.{feature}"));
            properties.retain(|key, _| !NAMES.contains(&key.as_str()) && !handed(key));
        }
        Ok(())
    }
}

/// The version of a published commit's name.
fn version_of(name: &str) -> Option<i64> {
    let digits = name.strip_suffix(".json").filter(|digits| digits.len() == 20)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

fn contains(line: &[u8], key: &[u8]) -> bool {
    line.windows(key.len()).any(|part| part == key)
}

/// The in-commit timestamp, which every such table has; 0 without one.
fn time_ms(bytes: &[u8]) -> i64 {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let info = serde_json::from_slice::<Value>(first).unwrap_or_default();
    info.pointer("/commitInfo/inCommitTimestamp").and_then(Value::as_i64).unwrap_or(0)
}

impl Place for RatifiedPlace {
    fn display(&self, rel: &str) -> String {
        self.inner.display(rel)
    }

    fn list(&self, dir: &str, from: Option<&str>) -> Result<Vec<Listed>, DeltaError> {
        let listed = self.inner.list(dir, from)?;
        if dir != LOG {
            return Ok(listed);
        }
        let published = listed.iter().filter_map(|entry| version_of(&entry.name));
        let mut versions: std::collections::BTreeSet<i64> = published.collect();
        let commits = self.commits()?;
        versions.extend(commits.staged.keys());
        let wanted = versions.into_iter().filter(|version| (0..=commits.latest).contains(version));
        let names = wanted.map(|version| format!("{version:020}.json"));
        // What a listing tells of a published file isn't what is told of the commit.
        let names = names.filter(|name| from.is_none_or(|from| name.as_str() >= from));
        Ok(names.map(|name| Listed { name, stamp: None }).collect())
    }

    fn list_all(&self, dir: &str) -> Result<Vec<String>, DeltaError> {
        let mut all = self.inner.list_all(dir)?;
        let latest = self.commits()?.latest;
        all.retain(|rel| !Self::is_log(rel) || Self::version(rel).is_some_and(|version| version <= latest));
        Ok(all)
    }

    fn stat(&self, rel: &str) -> Result<Option<FileFingerprint>, DeltaError> {
        match Self::version(rel) {
            Some(version) => Ok(self.commit(version, bounds::LINE as u64)?.map(|content| content.stamp)),
            None if Self::is_log(rel) => Ok(None),
            None => self.inner.stat(rel),
        }
    }

    fn read(&self, rel: &str, most: u64) -> Result<Option<Content>, DeltaError> {
        match Self::version(rel) {
            Some(version) => self.commit(version, most),
            None if Self::is_log(rel) => Ok(None),
            None => self.inner.read(rel, most),
        }
    }

    fn open(&self, rel: &str) -> Result<Option<Opened>, DeltaError> {
        match Self::version(rel) {
            Some(version) => {
                let content = self.commit(version, bounds::LINE as u64)?;
                let opened = |Content { bytes, stamp }| Opened { reader: Box::new(Cursor::new(bytes)), stamp };
                Ok(content.map(opened))
            }
            None if Self::is_log(rel) => Ok(None),
            None => self.inner.open(rel),
        }
    }

    fn open_random(&self, rel: &str) -> Result<Option<RandomAccess>, DeltaError> {
        if Self::is_log(rel) { Ok(None) } else { self.inner.open_random(rel) }
    }

    fn create(&self, rel: &str, _size: u64) -> Result<Box<dyn Sink>, DeltaError> {
        Err(self.refusal(rel))
    }

    fn remove(&self, rel: &str) -> Result<(), DeltaError> {
        Err(self.refusal(rel))
    }

    fn local(&self) -> Option<&super::LocalPlace> {
        None
    }

    fn stored(&self, rel: &str) -> Option<StoredObject> {
        if Self::is_log(rel) { None } else { self.inner.stored(rel) }
    }

    fn sync(&self, _paths: &[String]) -> Result<(), DeltaError> {
        Ok(())
    }
}

impl RatifiedPlace {
    /// Only its catalog may change such a table.
    fn refusal(&self, rel: &str) -> DeltaError {
        DeltaError::CatalogManaged { table: self.inner.display(""), feature: format!("catalogManaged, {rel}") }
    }
}
