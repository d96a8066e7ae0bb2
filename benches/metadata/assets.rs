//! What the assets of a workspace cost: the first pass, and quiet passes after it.

use super::shared::Fault;
use super::{Measured, Options, requests};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use resilience::connect::ConnectError;
use resilience::domain::{GroupId, SystemClock};
use resilience::replicate::Endpoint;
use resilience::replicate::workspace::{AssetCache, AssetRequest, Pace, run_pass};
use resilience::store::Store;
use resilience::wire::jobs::CreateJob;
use resilience::wire::objects::{FORMAT_SOURCE, ImportObject, MakeFolder};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Notebooks of one folder.
const IN_FOLDER: usize = 100;
/// Requests that are under way at a time while the workspace is filled.
const PARALLEL: usize = 16;
/// Requests a second that a pass over a workspace of one's own keeps to.
const USUAL_PACE: f64 = 15.0;
/// Faster than any answer: what is measured is the program, and the usual pace is told beside it.
const NO_PACE: u32 = 1_000_000;

fn folder(number: usize) -> String {
    format!("/Shared/bench/f{:04}", number / IN_FOLDER)
}

/// Fills the primary's workspace.
async fn fill(source: &Endpoint, notebooks: usize, jobs: usize) -> Result<(), Fault> {
    let client = &source.client;
    for number in (0..notebooks).step_by(IN_FOLDER) {
        client.make_folder(&MakeFolder { path: folder(number), object_id: None }).await?;
    }
    let write = |number: usize| async move {
        let object = ImportObject {
            path: format!("{}/n{number:05}", folder(number)),
            format: Some(FORMAT_SOURCE.to_owned()),
            language: Some("PYTHON".to_owned()),
            content: BASE64_STANDARD.encode(format!("# Databricks notebook source\nprint({number})\n")),
            overwrite: true,
            object_id: None,
        };
        client.import_object(&object).await
    };
    let imports: Vec<_> = (0..notebooks).map(write).collect();
    stream::iter(imports).buffer_unordered(PARALLEL).try_collect::<()>().await?;
    let make = |number: usize| async move {
        let settings = json!({"name": format!("bench{number:04}"), "continuous": {"pause_status": "PAUSED"},
            "tasks": [{"task_key": "run", "notebook_task": {
                "notebook_path": format!("{}/n{number:05}", folder(number)), "source": "WORKSPACE"}}]});
        let settings = serde_json::from_value(settings).map_err(|error| Fault::from(error.to_string()))?;
        client.create_job(&CreateJob { job_id: None, settings }).await.map(drop).map_err(|e: ConnectError| e.into())
    };
    let creations: Vec<_> = (0..jobs).map(make).collect();
    stream::iter(creations).buffer_unordered(PARALLEL).try_collect::<()>().await
}

pub async fn measure(options: &Options, ends: [&Endpoint; 2], dir: &Path) -> Result<(), Fault> {
    let [source, destination] = ends;
    let notebooks = (options.notebooks / options.common.divide).max(20);
    let jobs = (options.jobs / options.common.divide).max(2);
    eprintln!("Filling a workspace with {notebooks} notebooks and {jobs} jobs.");
    fill(source, notebooks, jobs).await?;
    let (store, group) = (Store::open(&dir.join("assets.db"))?, GroupId::new("bench")?);
    let (mut cache, exports, mut first) = (AssetCache::default(), dir.join("exports"), 0);
    for run in 0..=options.common.runs {
        let (before, started) = (requests(ends), Instant::now());
        let request = AssetRequest {
            group: &group,
            set: "workspaces",
            source_side: 0,
            source,
            destination,
            store: &store,
            clock: &SystemClock,
            stop: Arc::default(),
            pace: Arc::new(Pace::new(NO_PACE)),
            exports: &exports,
            progress: Arc::default(),
        };
        let outcome = run_pass(&request, &mut cache).await?;
        let (seconds, asked) = (started.elapsed().as_secs_f64(), requests(ends) - before);
        if run == 0 {
            first = asked;
        }
        let bench = if run == 0 { "assets_first_pass" } else { "assets_quiet_pass" };
        let measured = Measured { bench, run, seconds, asked, first };
        measured.print(json!({"notebooks": notebooks, "jobs": jobs, "assets": outcome.objects.len(),
            "changed": outcome.changed, "seconds_at_15_a_second": asked as f64 / USUAL_PACE}));
    }
    Ok(())
}
