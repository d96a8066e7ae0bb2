//! How far the replication point lies behind while the sandbox's jobs write.

use crate::shared::deployment::Scope;
use crate::shared::disk::Scratch;
use crate::shared::figures::{median, percentile};
use crate::shared::{Fault, Options};
use resilience::control::view::GroupView;
use resilience::domain::Region;
use resilience::domain::{
    FailoverGroupSpec, GroupId, GroupState, SystemClock, UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use resilience::runtime::{DataDir, Engine, EngineOptions};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the lag is sampled.
const SAMPLED: Duration = Duration::from_secs(60);
/// Between two samples.
const SAMPLE: Duration = Duration::from_millis(50);
/// Not sampled: the first cycles after the bootstrap still carry what piled up in the meantime.
const SETTLING: Duration = Duration::from_secs(5);
/// How long a bootstrap of the sandbox's few tables may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Milliseconds below which half of the samples must lie.
const MEDIAN_AIM: f64 = 1_000.0;
/// Milliseconds below which all but one in a hundred must lie.
const P99_AIM: f64 = 3_000.0;

/// Samples the lag of a group over the whole sandbox, whose jobs write as they usually do.
pub fn run(options: &Options, dir: &Path) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let dir = Scratch::new(dir, "lag")?;
    runtime.block_on(measure(options, dir.path()))
}

async fn measure(options: &Options, dir: &Path) -> Result<(), Fault> {
    let engine = Engine::start(DataDir::hold(dir)?, EngineOptions::default(), Arc::new(SystemClock)).await?;
    let id = GroupId::new("lag")?;
    engine.control().create_group("bench", spec(&engine, &id).await?, false).await?;
    let begun = Instant::now();
    while view(&engine, &id)?.group.state != GroupState::Active {
        if begun.elapsed() > PATIENCE {
            return Err("The group did not become ACTIVE.".into());
        }
        tokio::time::sleep(SAMPLE).await;
    }
    tokio::time::sleep(SETTLING).await;

    let sampled = SAMPLED / options.divide as u32;
    eprintln!("Sampling the lag for {} s.", sampled.as_secs());
    let (commits, cycles) = (commits(&engine), view(&engine, &id)?.cycle.iteration);
    let (mut samples, mut unknown) = (Vec::new(), 0usize);
    let mut ticks = tokio::time::interval(SAMPLE);
    let begun = Instant::now();
    while begun.elapsed() < sampled {
        ticks.tick().await;
        match view(&engine, &id)?.lag_ms {
            Some(lag) => samples.push(lag as f64),
            None => unknown += 1,
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let after = view(&engine, &id)?;
    let written = self::commits(&engine) - commits;
    let (half, p99) = (median(samples.clone()), percentile(samples.clone(), 0.99));
    println!(
        "{}",
        json!({"bench": "lag", "seconds": seconds, "samples": samples.len(), "unknown": unknown,
               "tables": after.objects.len(), "commits_per_second": written as f64 / seconds,
               "cycles_per_second": (after.cycle.iteration - cycles) as f64 / seconds,
               "median_ms": half, "p99_ms": p99, "most_ms": samples.into_iter().fold(0.0, f64::max),
               "aim_median_ms": MEDIAN_AIM, "aim_p99_ms": P99_AIM,
               "aim_met": unknown == 0 && written > 0 && half < MEDIAN_AIM && p99 < P99_AIM})
    );
    engine.stop().await;
    Ok(())
}

fn view(engine: &Engine, id: &GroupId) -> Result<Arc<GroupView>, Fault> {
    let groups = engine.control().view().groups;
    groups.into_iter().find(|view| view.group.spec.id == *id).ok_or_else(|| "The group is gone.".into())
}

fn commits(engine: &Engine) -> u64 {
    engine.sandbox().expect("a sandbox").status().iter().map(|region| region.commits).sum()
}

/// A group over everything that the sandbox can replicate.
async fn spec(engine: &Engine, id: &GroupId) -> Result<FailoverGroupSpec, Fault> {
    let scope = Scope::of(engine.sandbox().expect("a sandbox")).await?;
    let regions = engine.sandbox().expect("a sandbox").regions();
    Ok(FailoverGroupSpec {
        rules: Default::default(),
        id: id.clone(),
        regions: regions.iter().map(|r| Region::new(&r.region)).collect(),
        initial_primary_region: Region::new(regions.first().map(|r| r.region.clone()).unwrap_or_default()),
        workspace_sets: vec![WorkspaceSet {
            name: "workspaces".to_owned(),
            workspace_ids: regions.iter().map(|r| WorkspaceId::new(r.workspace_id.as_str())).collect(),
            replicate_workspace_assets: false,
            stable_url_names: vec![],
        }],
        unity_catalog_assets: Some(UnityCatalogAssets {
            catalogs: scope.catalogs,
            data_replication_workspace_set: "workspaces".to_owned(),
            location_mappings: scope.mappings,
        }),
    })
}
