//! Drills: rehearsals of a failover on a real group.
//!
//! A drill is a list of steps, each written down before it begins and when it ends, so that one that was interrupted goes on
//! with the step that ran. A step may run twice.

mod checks;
mod copies;
mod full;
mod report;
mod run;
mod run_book;
mod schedule;

pub use report::drill_report;
pub use run::go_on;
pub use schedule::{check_drill_schedule, keep_to_schedules};

use super::lock::lock;
use super::proof::proof_key;
use super::view::Rehearsals;
use super::{Control, ControlError, audit};
use crate::domain::{
    Drill, DrillKind, DrillOutcome, DrillStep, DrillStepRecord, FailoverGroup, GroupId, GroupState, Proof, RunBook,
    StepApproval, StepStatus,
};
use crate::store::ActivityRow;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

impl Control {
    /// A group's drills, and what they prove. Those of an earlier group of the same name say nothing of this one.
    pub(super) fn rehearsals(&self, group: &FailoverGroup) -> Rehearsals {
        let (id, made) = (&group.spec.id, group.create_time);
        let drills: Vec<Arc<Drill>> = {
            let known = lock(&self.inner.drills);
            let all = known.of.get(id).into_iter().flatten().rev();
            all.filter(|drill| drill.started >= made).cloned().collect()
        };
        let of_drill = |drill: &Arc<Drill>| {
            let at = drill.ended.filter(|_| drill.outcome == DrillOutcome::Held)?;
            Some(Proof { at, by: drill.kind.label().to_owned() })
        };
        let compared = lock(&self.inner.proofs).get(id).filter(|proof| proof.at >= made).cloned();
        let last_proof = drills.iter().filter_map(of_drill).chain(compared).max_by_key(|proof| proof.at);
        let schedule = lock(&self.inner.drill_schedules).get(id).filter(|schedule| schedule.since >= made).copied();
        let next = schedule.map(|schedule| {
            let last = drills.iter().find(|drill| drill.kind == schedule.kind).map(|drill| drill.started);
            (schedule.kind, schedule.due(last))
        });
        let run_book = self.handle(id).map(|handle| handle.record().run_book.clone()).unwrap_or_default();
        Rehearsals { drills, last_proof, schedule, next, run_book }
    }

    /// The same of a group by its name.
    pub fn rehearsals_of(&self, id: &GroupId) -> Result<Rehearsals, ControlError> {
        Ok(self.rehearsals(&self.handle(id)?.group()))
    }

    /// One drill of a group.
    pub fn drill(&self, group: &GroupId, id: &str) -> Result<Arc<Drill>, ControlError> {
        lock(&self.inner.drills)
            .get(id)
            .filter(|drill| drill.group == *group)
            .ok_or_else(|| ControlError::UnknownDrill { id: id.to_owned() })
    }

    /// Starts a drill. A full one stays in the secondary until a person lets it go on, where `wait` says so.
    pub async fn start_drill(
        &self,
        actor: &str,
        id: &GroupId,
        kind: DrillKind,
        wait: bool,
    ) -> Result<Arc<Drill>, ControlError> {
        let handle = self.handle(id)?;
        let _starting = self.inner.creating.clone().lock_owned().await;
        let group = handle.shown();
        if self.rehearsals(&group).drills.iter().any(|drill| drill.is_running()) {
            return Err(ControlError::Refused {
                sentence: format!("A drill of {id} runs already. Wait until it has finished."),
            });
        }
        if group.state != GroupState::Active || group.salvage_pending {
            return Err(ControlError::Refused {
                sentence: format!(
                    "Failover group {id} is {}, so no drill can start. Wait until it is ACTIVE and nothing waits to be salvaged.",
                    group.state
                ),
            });
        }
        let now = self.now();
        let run_book = handle.record().run_book.clone();
        let drill = Drill {
            id: uuid::Uuid::new_v4().simple().to_string(),
            group: id.clone(),
            kind,
            requested_by: actor.to_owned(),
            started: now,
            ended: None,
            outcome: DrillOutcome::Running,
            primary: group.effective_primary_region.clone(),
            secondary: group.effective_secondary_region().clone(),
            waits_for_person: wait && kind == DrillKind::Full,
            let_go_by: None,
            steps: DrillStep::of(kind).iter().map(|step| pending(*step, &run_book)).collect(),
            point: None,
            rpo_seconds: group.replication_point.map(|point| (now - point).num_milliseconds().max(0) as f64 / 1000.0),
            rto_seconds: None,
            failback_rto_seconds: None,
            tables_verified: 0,
            tables: Vec::new(),
            catalogs: Vec::new(),
            problems: Vec::new(),
        };
        let message = format!("{actor} started {} {} of {id}.", article(kind), kind.label());
        let line = audit::line(now, actor, "drill.start", id.as_str(), message);
        let drill = self.keep_drill(drill, Some(line)).await?;
        self.spawn(go_on(self.clone(), drill.clone()));
        Ok(drill)
    }

    /// Lets a full drill that waits for a person go on.
    pub async fn let_drill_go_on(&self, actor: &str, group: &GroupId, id: &str) -> Result<Arc<Drill>, ControlError> {
        let turn = self.inner.writing_drills.clone().lock_owned().await;
        let mut drill = self.drill(group, id)?.as_ref().clone();
        if !drill.is_waiting() {
            return Err(ControlError::Refused { sentence: "The drill doesn't wait for a person now.".to_owned() });
        }
        let now = self.now();
        let step = drill.next_step();
        if step == Some(DrillStep::WaitForPerson) {
            drill.let_go_by = Some(actor.to_owned());
        }
        if let Some(record) = step.and_then(|step| drill.record(step)) {
            record.approved = Some(StepApproval { by: actor.to_owned(), at: now });
        }
        let label = step.map_or("the next step", DrillStep::label);
        let message = format!("{actor} let the {} of {group} go on. It waited before: {label}.", drill.kind.label());
        let line = audit::line(now, actor, "drill.go_on", group.as_str(), message);
        self.put_drill(turn, drill, Some(line)).await
    }

    /// Stores how a drill went on, with a line of the audit log, then shows it. What a person said since `drill` was read
    /// stays said.
    async fn keep_drill(&self, mut drill: Drill, line: Option<ActivityRow>) -> Result<Arc<Drill>, ControlError> {
        let turn = self.inner.writing_drills.clone().lock_owned().await;
        if let Some(newest) = lock(&self.inner.drills).get(&drill.id) {
            drill.heed(&newest);
        }
        self.put_drill(turn, drill, line).await
    }

    /// Stores a drill within its writer's turn.
    async fn put_drill(
        &self,
        turn: OwnedMutexGuard<()>,
        drill: Drill,
        line: Option<ActivityRow>,
    ) -> Result<Arc<Drill>, ControlError> {
        let shown = Arc::new(drill);
        let (stored, logged) = (shown.clone(), line.clone());
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.put_drill(&stored)?;
            logged.as_ref().map_or(Ok(()), |line| tx.add_activity(line))
        };
        let show = shown.clone();
        self.durably(turn, work, move |control, ()| {
            lock(&control.inner.drills).put(show.as_ref().clone());
            if let Some(line) = line {
                control.show_activity(line);
            }
            control.touch();
        })
        .await?;
        Ok(shown)
    }

    /// Drills that a crash or a stop interrupted.
    pub(super) fn running_drills(&self) -> Vec<Arc<Drill>> {
        lock(&self.inner.drills).of.values().flatten().filter(|drill| drill.is_running()).cloned().collect()
    }

    /// Reads what is kept of a group's drills beside them.
    pub(super) async fn recall_drills(&self, id: &GroupId) -> Result<(), ControlError> {
        let proof = self.setting(&proof_key(id)).await?.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(proof) = proof {
            lock(&self.inner.proofs).insert(id.clone(), proof);
        }
        let schedule =
            self.setting(&schedule::schedule_key(id)).await?.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(schedule) = schedule {
            lock(&self.inner.drill_schedules).insert(id.clone(), schedule);
        }
        Ok(())
    }
}

fn pending(step: DrillStep, run_book: &RunBook) -> DrillStepRecord {
    let book = run_book.steps.iter().find(|entry| entry.step == step).cloned();
    DrillStepRecord { step, status: StepStatus::Pending, started: None, ended: None, note: None, book, approved: None }
}

fn article(kind: DrillKind) -> &'static str {
    match kind {
        DrillKind::Full => "a",
        DrillKind::Isolated => "an",
    }
}
