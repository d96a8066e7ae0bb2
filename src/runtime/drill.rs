//! The drill: the whole way once, on the sandbox, as a person would go it.
//!
//! Where it is is kept in the store, so that a drill that was killed goes on when it is started again.

use super::{Engine, RuntimeError};
use crate::control::ControlError;
use crate::control::view::{OperationOutcome, OperationView};
use crate::delta::{self, TableRoot};
use crate::domain::{
    FailoverGroup, FailoverGroupSpec, FailoverKind, GroupId, GroupState, LocationMapping, Region, Timestamp,
    UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use crate::replicate::CompareReport;
use crate::sandbox::Sandbox;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The group that a drill makes.
const GROUP: &str = "drill";
/// Where the drill keeps how far it is.
const PROGRESS: &str = "drill";
/// How long one wait may take before something is wrong.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(50);
/// Tables to which the old primary commits while nothing can leave it.
const LEFT_BEHIND: usize = 5;
/// How long the jobs write between two parts of the drill.
const WRITING: Duration = Duration::from_secs(2);

/// What a drill reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DrillReport {
    /// Whether everything held.
    pub held: bool,
    /// Seconds from confirming the forced failover to the new primary accepting writes.
    pub rto_seconds: Option<f64>,
    /// Seconds between the replication point and the moment at which the primary's region died.
    pub rpo_seconds: Option<f64>,
    /// Commits on the dead region's disk that never arrived.
    pub commits_lost: Option<u64>,
    /// Commits that were salvaged and listed when the region was back; the drill holds only where these are the same.
    #[serde(default)]
    pub commits_salvaged: Option<u64>,
    /// Tables that compare equal at the end.
    pub tables_verified: u64,
    /// Tables that differ at the end.
    pub tables_differing: u64,
    /// Seconds from confirming the planned failover to the new primary accepting writes.
    pub planned_rto_seconds: Option<f64>,
    /// The same for the planned failback.
    pub failback_rto_seconds: Option<f64>,
    /// What did not hold, as sentences.
    pub problems: Vec<String>,
    /// Every step with its time.
    pub steps: Vec<DrillStep>,
}

/// One step of a drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillStep {
    /// Its name.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
}

/// The parts of a drill, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Part {
    Create,
    Planned,
    Failback,
    TakeDown,
    Forced,
    CountLoss,
    BringUp,
    Verify,
    Done,
}

/// What is kept between two starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct DrillProgress {
    part: Part,
    home: Region,
    away: Region,
    died_at: Option<Timestamp>,
    report: DrillReport,
}

/// Runs a drill, or goes on with one that was interrupted. `say` is told what happens, with a percentage where known.
pub async fn run_drill(engine: &Engine, say: &mut dyn FnMut(&str, Option<u8>)) -> Result<DrillReport, RuntimeError> {
    let mut drill = Drill::resume(engine, say).await?;
    loop {
        let part = drill.progress.part;
        let watch = Instant::now();
        let next = match part {
            Part::Create => drill.create().await.map(|()| Part::Planned),
            Part::Planned => drill.planned(true).await.map(|()| Part::Failback),
            Part::Failback => drill.planned(false).await.map(|()| Part::TakeDown),
            Part::TakeDown => drill.lose().await.map(|()| Part::Forced),
            Part::Forced => drill.forced().await.map(|()| Part::CountLoss),
            Part::CountLoss => drill.count_loss().await.map(|()| Part::BringUp),
            Part::BringUp => drill.bring_up().await.map(|()| Part::Verify),
            Part::Verify => drill.verify().await.map(|()| Part::Done),
            Part::Done => break,
        };
        match next {
            Ok(next) => {
                drill.step(part_name(part), watch.elapsed());
                drill.progress.part = next;
            }
            Err(error) => {
                drill.progress.report.problems.push(error.to_string());
                break;
            }
        }
        drill.keep().await?;
    }
    let mut report = drill.progress.report.clone();
    report.held = report.problems.is_empty() && report.tables_differing == 0 && drill.progress.part == Part::Done;
    if drill.progress.part == Part::Done {
        drill.discard().await?;
    }
    Ok(report)
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Create => "create_and_replicate",
        Part::Planned => "planned_failover",
        Part::Failback => "planned_failback",
        Part::TakeDown => "take_region_down",
        Part::Forced => "forced_failover",
        Part::CountLoss => "count_loss",
        Part::BringUp => "reclaim_and_replicate",
        Part::Verify => "verify",
        Part::Done => "done",
    }
}

struct Drill<'a> {
    engine: &'a Engine,
    /// Its faults are what is rehearsed.
    sandbox: &'a Sandbox,
    say: &'a mut dyn FnMut(&str, Option<u8>),
    id: GroupId,
    progress: DrillProgress,
}

impl<'a> Drill<'a> {
    async fn resume(engine: &'a Engine, say: &'a mut dyn FnMut(&str, Option<u8>)) -> Result<Self, RuntimeError> {
        let sandbox = engine.sandbox().ok_or_else(|| RuntimeError::GaveUp {
            sentence: "The drill takes a region down, which only a sandbox allows. Run it with --sandbox.".to_owned(),
        })?;
        let id = GroupId::new(GROUP).map_err(|e| RuntimeError::GaveUp { sentence: e.to_string() })?;
        let kept = engine.control().setting(PROGRESS).await?;
        let progress = match kept.and_then(|text| serde_json::from_str::<DrillProgress>(&text).ok()) {
            Some(progress) => {
                say(&format!("Resuming the drill that was interrupted at {}.", part_name(progress.part)), None);
                progress
            }
            None => {
                let regions: Vec<Region> = engine.regions().iter().map(|r| r.region.clone()).collect();
                let home = match engine.control().group(&id) {
                    Ok(group) => group.effective_primary_region,
                    Err(_) => regions.first().cloned().unwrap_or_default(),
                };
                let away = regions.into_iter().find(|r| *r != home).unwrap_or_default();
                DrillProgress { part: Part::Create, home, away, died_at: None, report: DrillReport::default() }
            }
        };
        Ok(Self { engine, sandbox, say, id, progress })
    }

    async fn keep(&self) -> Result<(), RuntimeError> {
        let text = serde_json::to_string(&self.progress).unwrap_or_default();
        Ok(self.engine.control().set_setting(PROGRESS, &text).await?)
    }

    async fn discard(&self) -> Result<(), RuntimeError> {
        Ok(self.engine.control().set_setting(PROGRESS, "").await?)
    }

    fn step(&mut self, name: &str, took: Duration) {
        self.progress.report.steps.push(DrillStep { name: name.to_owned(), seconds: took.as_secs_f64() });
    }

    fn group(&self) -> Result<FailoverGroup, ControlError> {
        self.engine.control().group(&self.id)
    }

    /// Waits for `done`, saying how far the group is.
    async fn until(
        &mut self,
        what: &str,
        done: impl Fn(&FailoverGroup) -> bool,
    ) -> Result<FailoverGroup, RuntimeError> {
        let watch = Instant::now();
        loop {
            let group = self.group()?;
            if done(&group) {
                return Ok(group);
            }
            if matches!(
                group.state,
                GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed
            ) {
                let why = group.state_message.unwrap_or_default();
                return Err(RuntimeError::GaveUp { sentence: format!("The group is {}. {why}", group.state) });
            }
            if watch.elapsed() > PATIENCE {
                return Err(RuntimeError::GaveUp {
                    sentence: format!(
                        "{what} didn't finish within {} minutes. The group is {}.",
                        PATIENCE.as_secs() / 60,
                        group.state
                    ),
                });
            }
            (self.say)(what, group.initial_replication_progress);
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn create(&mut self) -> Result<(), RuntimeError> {
        let control = self.engine.control();
        if self.group().is_err() {
            (self.say)("Creating the failover group", None);
            control.create_group("drill", self.spec().await?, false).await?;
        }
        self.until("Initial replication", |group| group.state == GroupState::Active).await?;
        tokio::time::sleep(WRITING).await;
        Ok(())
    }

    async fn spec(&self) -> Result<FailoverGroupSpec, RuntimeError> {
        let regions = self.engine.regions();
        let catalogs = self.engine.control().replicable_catalogs(&self.progress.home).await?;
        // What ran in the old primary goes on in the new one only if it is there. Assets replicate in one group only.
        let view = self.engine.control().view();
        let mut sets = view.groups.iter().flat_map(|group| &group.group.spec.workspace_sets);
        let is_taken = sets.any(|set| set.replicate_workspace_assets);
        let uri = |root: &str| format!("{}/*", root.trim_end_matches('/'));
        let mapping = LocationMapping {
            name: "storage".to_owned(),
            uri_by_region: regions.iter().map(|r| (r.region.clone(), uri(&r.storage_root))).collect::<BTreeMap<_, _>>(),
        };
        Ok(FailoverGroupSpec {
            rules: Default::default(),
            id: self.id.clone(),
            regions: regions.iter().map(|r| r.region.clone()).collect(),
            initial_primary_region: self.progress.home.clone(),
            workspace_sets: vec![WorkspaceSet {
                name: "workspaces".to_owned(),
                workspace_ids: regions.iter().map(|r| WorkspaceId::new(r.workspace_id.as_str())).collect(),
                replicate_workspace_assets: !is_taken,
                stable_url_names: Vec::new(),
            }],
            unity_catalog_assets: Some(UnityCatalogAssets {
                catalogs,
                data_replication_workspace_set: "workspaces".to_owned(),
                location_mappings: vec![mapping],
            }),
        })
    }

    /// Fails over and waits for the operation's end; the operation as it ended.
    async fn fail_over(&mut self, kind: FailoverKind, target: &Region) -> Result<OperationView, RuntimeError> {
        let group = self.group()?;
        if group.effective_primary_region != *target || group.state == GroupState::FailingOver {
            self.engine.control().fail_over("drill", &self.id, target, kind, None).await?;
        }
        let word = if kind == FailoverKind::Planned { "Planned failover" } else { "Forced failover" };
        self.until(&format!("{word} to {target}"), |group| group.state != GroupState::FailingOver).await?;
        let operation = self
            .engine
            .control()
            .last_operation(&self.id)?
            .ok_or_else(|| RuntimeError::GaveUp { sentence: "The failover left no record.".to_owned() })?;
        if operation.outcome != OperationOutcome::Succeeded || operation.to_region != *target {
            let why = operation.message.unwrap_or_default();
            return Err(RuntimeError::GaveUp { sentence: format!("The failover to {target} failed. {why}") });
        }
        for step in &operation.steps {
            if let Some(seconds) = step.seconds() {
                let name = format!(
                    "{}.{}",
                    if kind == FailoverKind::Planned { "planned" } else { "forced" },
                    step.step.name()
                );
                self.progress.report.steps.push(DrillStep { name, seconds });
            }
        }
        Ok(operation)
    }

    async fn planned(&mut self, outward: bool) -> Result<(), RuntimeError> {
        let target = if outward { self.progress.away.clone() } else { self.progress.home.clone() };
        let operation = self.fail_over(FailoverKind::Planned, &target).await?;
        let slot = if outward {
            &mut self.progress.report.planned_rto_seconds
        } else {
            &mut self.progress.report.failback_rto_seconds
        };
        *slot = operation.rto_seconds;
        self.until("Reversing replication", |group| group.state == GroupState::Active).await?;
        self.resume_workloads().await?;
        (self.say)("Jobs write in the new primary", None);
        tokio::time::sleep(WRITING).await;
        Ok(())
    }

    /// Resumes what ran; nothing to resume is fine, as after a restart of the drill.
    async fn resume_workloads(&self) -> Result<(), RuntimeError> {
        match self.engine.control().resume_workloads("drill", &self.id).await {
            Ok(_) | Err(ControlError::Refused { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Loses the region in the way that hurts: it is cut off first, and commits before it dies.
    async fn lose(&mut self) -> Result<(), RuntimeError> {
        let home = self.progress.home.clone();
        (self.say)(&format!("{home} is cut off and keeps writing"), None);
        self.sandbox.cut_off(home.as_str()).await?;
        self.until_unreachable(&home).await?;
        let catalogs = self.group()?.catalogs().to_vec();
        let (mut tables, mut refused) = (0, String::new());
        for table in self.sandbox.truth(home.as_str(), &catalogs).await? {
            match self.sandbox.commit(home.as_str(), &table.full_name).await {
                Ok(_) => tables += 1,
                Err(error) => refused = error.to_string(),
            }
            if tables == LEFT_BEHIND {
                break;
            }
        }
        if tables == 0 {
            let sentence = format!(
                "{home} committed nothing while it was cut off, so the drill couldn't rehearse a loss. {refused}"
            );
            return Err(RuntimeError::GaveUp { sentence: sentence.trim_end().to_owned() });
        }
        (self.say)(&format!("{home} dies"), None);
        self.sandbox.take_down(home.as_str()).await?;
        if self.progress.died_at.is_none() {
            self.progress.died_at = Some(self.engine.control().now());
        }
        Ok(())
    }

    /// Waits until the region is known to be away and no cycle runs that has read its catalog: from then on no commit can
    /// arrive.
    async fn until_unreachable(&self, region: &Region) -> Result<(), RuntimeError> {
        let watch = Instant::now();
        loop {
            let view = self.engine.control().view();
            let away = view.regions.iter().any(|known| known.name == *region && known.unreachable_since.is_some());
            let running = view.groups.iter().any(|view| view.group.spec.id == self.id && view.cycle.running);
            if away && !running {
                return Ok(());
            }
            if watch.elapsed() > PATIENCE {
                let sentence = format!("{region} was cut off, but replication didn't notice.");
                return Err(RuntimeError::GaveUp { sentence });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn forced(&mut self) -> Result<(), RuntimeError> {
        let away = self.progress.away.clone();
        let point = self.group()?.replication_point;
        let operation = self.fail_over(FailoverKind::Forced, &away).await?;
        self.progress.report.rto_seconds = operation.rto_seconds;
        let measured = self
            .progress
            .died_at
            .zip(point)
            .map(|(died, point)| (died - point).num_milliseconds().max(0) as f64 / 1000.0);
        self.progress.report.rpo_seconds = self.progress.report.rpo_seconds.or(measured).or(operation.rpo_seconds);
        Ok(())
    }

    /// Counts, on the dead region's disk, the commits that the new primary does not have.
    async fn count_loss(&mut self) -> Result<(), RuntimeError> {
        (self.say)("Counting what was lost on the dead region's disk", None);
        let sandbox = self.sandbox;
        let catalogs = self.group()?.catalogs().to_vec();
        let replicas = sandbox.truth(self.progress.away.as_str(), &catalogs).await?.into_iter();
        let replicas: BTreeMap<String, PathBuf> = replicas.map(|table| (table.full_name, table.folder)).collect();
        let mut lost = 0;
        for table in sandbox.truth(self.progress.home.as_str(), &catalogs).await? {
            let dead = TableRoot::Local(table.folder);
            let common = match replicas.get(&table.full_name) {
                Some(replica) => delta::common_version(&dead, &TableRoot::Local(replica.clone())).await,
                None => Ok(None),
            };
            let common = common.map_err(ControlError::from)?;
            let beyond = delta::commits_since(&dead, common.unwrap_or(-1)).await.map_err(ControlError::from)?;
            lost += beyond.len() as u64;
        }
        self.progress.report.commits_lost = Some(lost);
        Ok(())
    }

    async fn bring_up(&mut self) -> Result<(), RuntimeError> {
        self.resume_workloads().await?;
        (self.say)("Jobs write in the new primary", None);
        tokio::time::sleep(WRITING).await;
        let home = self.progress.home.clone();
        (self.say)(&format!("{home} comes back"), None);
        // Its jobs stand still until it is the replica: what they would add now was not there when the loss was counted.
        self.sandbox.reconnect(home.as_str()).await?;
        self.until("Salvaging unreplicated commits, and replicating", |group| group.state == GroupState::Active)
            .await?;
        self.sandbox.bring_up(home.as_str()).await?;
        self.check_salvage()
    }

    /// What was lost must be more than nothing, and exactly what the list of salvage says.
    fn check_salvage(&mut self) -> Result<(), RuntimeError> {
        let epoch = self.group()?.epoch;
        let view = self.engine.control().view();
        let group = view.groups.iter().find(|view| view.group.spec.id == self.id);
        let listed = group.map_or(0, |view| {
            view.salvage.iter().filter(|salvage| salvage.epoch == epoch).map(|salvage| salvage.commits).sum()
        });
        let report = &mut self.progress.report;
        report.commits_salvaged = Some(listed);
        match report.commits_lost {
            Some(0) | None => {
                report.problems.push("The forced failover lost nothing, so it rehearsed nothing.".to_owned())
            }
            Some(lost) if lost != listed => report.problems.push(format!(
                "{lost} commits were lost, but {listed} are listed as salvaged. Both numbers must be equal."
            )),
            Some(_) => {}
        }
        Ok(())
    }

    /// Compares everything at rest: schedules pause, the last commits arrive, every file is read again.
    async fn verify(&mut self) -> Result<(), RuntimeError> {
        let primary = self.group()?.effective_primary_region;
        let paused = self.engine.control().pause_schedules_in(&self.id, &primary).await?;
        let watch = Instant::now();
        let report: CompareReport = loop {
            (self.say)("Comparing every file", None);
            let report = self.engine.control().verify(&self.id, true).await?;
            // The last commits may still be on their way; differing for a minute is not.
            if report.differing().is_empty() || watch.elapsed() > Duration::from_secs(60) {
                break report;
            }
            tokio::time::sleep(LOOK).await;
        };
        self.engine.control().resume_schedules_in(&self.id, &primary, &paused).await?;
        self.progress.report.tables_verified = report.verified() as u64;
        self.progress.report.tables_differing = report.differing().len() as u64;
        let problems = report.differing().into_iter().take(20).map(|o| {
            let why = o.error.as_ref().map_or_else(|| o.status.label().to_owned(), |e| e.message.clone());
            format!("{} differs: {why}", o.name)
        });
        self.progress.report.problems.extend(problems);
        Ok(())
    }
}
