//! Two workspaces in memory, and what people do in them.

use crate::connect::{InMemoryRegion, RegionCapabilities, WorkspaceApi};
use crate::domain::{AssetKind, GroupId, ManualClock, ObjectStatus, Region, WorkspaceId};
use crate::replicate::workspace::{AssetCache, AssetProgress, AssetRequest, IdMap, Pace, PassOutcome, run_pass};
use crate::replicate::{CycleError, Endpoint, ObjectRecord};
use crate::store::Store;
use crate::wire::jobs::{CreateJob, JobInfo};
use crate::wire::objects::{ImportObject, MakeFolder};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, TimeDelta};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub struct World {
    pub east: Arc<InMemoryRegion>,
    pub west: Arc<InMemoryRegion>,
    pub cache: AssetCache,
    pub stop: Arc<AtomicBool>,
    pub exports: PathBuf,
    clock: ManualClock,
    store: Store,
    group: GroupId,
    ends: [Endpoint; 2],
    /// Which end is the primary.
    pub primary: usize,
    _folder: tempfile::TempDir,
}

impl World {
    /// Two workspaces that have the folders of a new one, and keep ids.
    pub async fn new() -> Self {
        Self::with(true).await
    }

    pub async fn with(keeps_ids: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let regions = [("east", 1), ("west", 2)].map(|(name, id)| InMemoryRegion::new(name, id, folder.path()));
        let mut ends = Vec::new();
        for (region, id) in regions.iter().zip(["1", "2"]) {
            region.offer(RegionCapabilities { keeps_ids, ..RegionCapabilities::default() });
            let name = crate::connect::RegionApi::region(region.as_ref());
            ends.push(
                Endpoint::connect(&Region::new(name), &WorkspaceId::new(id), region.api()).await.expect("it answers"),
            );
        }
        let [east, west] = regions;
        Self {
            east,
            west,
            cache: AssetCache::default(),
            stop: Arc::default(),
            exports: folder.path().join("exports"),
            clock: ManualClock::new(DateTime::from_timestamp(1_800_000_000, 0).expect("a time")),
            store: Store::open(&folder.path().join("state.db")).expect("a store"),
            group: GroupId::new("core").expect("an id"),
            ends: ends.try_into().expect("two"),
            primary: 0,
            _folder: folder,
        }
    }

    pub fn request(&self) -> AssetRequest<'_> {
        AssetRequest {
            group: &self.group,
            set: "workspaces",
            source_side: self.primary,
            source: &self.ends[self.primary],
            destination: &self.ends[1 - self.primary],
            store: &self.store,
            clock: &self.clock,
            stop: self.stop.clone(),
            pace: Arc::new(Pace::new(1_000_000)),
            exports: &self.exports,
            progress: Arc::new(AssetProgress::default()),
        }
    }

    pub async fn try_pass(&mut self) -> Result<PassOutcome, CycleError> {
        let mut cache = std::mem::take(&mut self.cache);
        let outcome = run_pass(&self.request(), &mut cache).await;
        // As the worker does: what failed is read again.
        self.cache = if outcome.is_ok() { cache } else { AssetCache::default() };
        outcome
    }

    pub async fn pass(&mut self) -> PassOutcome {
        self.try_pass().await.expect("both answer")
    }

    /// A pass so much later that the secondary's tree is read again.
    pub async fn late_pass(&mut self) -> PassOutcome {
        self.clock.advance(TimeDelta::minutes(6));
        self.pass().await
    }

    /// The other region becomes primary, and the process starts again.
    pub fn turn_around(&mut self) {
        self.primary = 1 - self.primary;
        self.restart();
    }

    pub fn restart(&mut self) {
        self.cache = AssetCache::default();
    }

    /// Every id in the map, checked to stand for one asset only.
    pub async fn ids(&self) -> IdMap {
        let ids = IdMap::read(&self.store, &self.group, "workspaces").await.expect("it reads");
        for side in [0, 1] {
            let all: Vec<_> = ids.rows().filter_map(|row| Some((row.kind, row.ids[side].clone()?))).collect();
            let unique: BTreeSet<_> = all.iter().collect();
            assert_eq!(all.len(), unique.len(), "side {side}: {all:?}");
        }
        ids
    }
}

pub async fn folder(region: &InMemoryRegion, path: &str) {
    region.make_folder(&MakeFolder { path: path.to_owned(), object_id: None }).await.expect("made");
}

async fn import(region: &InMemoryRegion, path: &str, text: &str, language: Option<&str>) {
    let object = ImportObject {
        path: path.to_owned(),
        format: Some(if language.is_some() { "SOURCE" } else { "RAW" }.to_owned()),
        language: language.map(str::to_owned),
        content: BASE64_STANDARD.encode(text),
        overwrite: true,
        object_id: None,
    };
    region.import_object(&object).await.expect("imported");
}

pub async fn notebook(region: &InMemoryRegion, path: &str, text: &str) {
    import(region, path, text, Some("PYTHON")).await;
}

pub async fn file(region: &InMemoryRegion, path: &str, text: &str) {
    import(region, path, text, None).await;
}

/// The bytes at a path; None where nothing lies there.
pub async fn text(region: &InMemoryRegion, path: &str) -> Option<String> {
    region.object(path).await.expect("it answers")?;
    let bytes = region.export_object(path, "AUTO").await.expect("it answers");
    Some(String::from_utf8(bytes).expect("text"))
}

pub async fn object_id(region: &InMemoryRegion, path: &str) -> i64 {
    region.object(path).await.expect("it answers").expect("it is there").object_id
}

pub async fn job(region: &InMemoryRegion, settings: Value) -> i64 {
    let settings = serde_json::from_value(settings).expect("settings");
    region.create_job(&CreateJob { job_id: None, settings }).await.expect("made")
}

pub async fn job_named(region: &InMemoryRegion, name: &str) -> JobInfo {
    let jobs = region.whole_jobs().await.expect("they read");
    let mut named: Vec<JobInfo> = jobs.into_iter().filter(|job| job.settings.name.as_deref() == Some(name)).collect();
    assert_eq!(named.len(), 1, "{name}: {named:#?}");
    named.remove(0)
}

pub fn record<'a>(outcome: &'a PassOutcome, kind: AssetKind, name: &str) -> &'a ObjectRecord {
    let found = outcome.objects.iter().find(|object| object.kind == kind && object.name == name);
    found.unwrap_or_else(|| panic!("nothing is said of {kind} {name}: {:#?}", outcome.objects))
}

pub fn status(outcome: &PassOutcome, kind: AssetKind, name: &str) -> ObjectStatus {
    record(outcome, kind, name).status
}
