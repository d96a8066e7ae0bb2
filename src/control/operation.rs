//! A failover as the store keeps it: a journal of idempotent steps, read again after a crash.

use super::view::{OperationOutcome, OperationView, StepView};
use crate::connect::UnpausedJob;
use crate::domain::{AsOfTable, FailoverKind, FailoverStep, Provisional, Region, Shortfall, StepStatus, Timestamp};
use crate::wire::unity_catalog::WorkspaceBinding;
use serde::{Deserialize, Serialize};

/// A failover and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// Planned or forced.
    pub kind: FailoverKind,
    /// The region that becomes secondary.
    pub from_region: Region,
    /// The region that becomes primary.
    pub to_region: Region,
    /// Who asked for it.
    pub requested_by: String,
    /// When it was confirmed.
    pub started: Timestamp,
    /// When it ended, either way.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub outcome: OperationOutcome,
    /// Whether its steps are being undone.
    pub rolling_back: bool,
    /// Why it was rolled back or failed.
    pub message: Option<String>,
    /// Whether the group was ACTIVE when it began.
    pub was_active: bool,
    /// The replication point when it was confirmed.
    pub point: Option<Timestamp>,
    /// When the new primary first accepted writes.
    pub writable_at: Option<Timestamp>,
    /// Commits that never arrived, once the old primary has been looked at.
    pub commits_lost: Option<u64>,
    /// Its steps, in their order.
    pub steps: Vec<StepRecord>,
    /// What ran and what was writable in the old primary, for the new one and for a rollback.
    #[serde(rename = "remembered")]
    pub paused: PausedWork,
    /// What the caller lets a planned failover leave behind, by name.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// What of it a planned failover found that it leaves behind, by name.
    #[serde(default)]
    pub left_behind: Vec<String>,
    /// The same with how much it is.
    #[serde(default)]
    pub shortfalls: Vec<Shortfall>,
    /// Whether a rollback could not reach the old primary and still owes it its schedules, compute and bindings.
    pub restore_pending: bool,
    /// Whether a person gave the old primary up, because its region is lost for good.
    #[serde(default)]
    pub given_up: bool,
    /// Whether what ran before runs in the new primary again.
    pub resumed: bool,
    /// The instant to whose versions the tables go back.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
    /// The tables that go back, once their versions are checked.
    #[serde(default)]
    pub as_of_tables: Vec<AsOfTable>,
    /// Set where it goes back unless a person keeps it.
    #[serde(default)]
    pub provisional: Option<Provisional>,
    /// What ran in the new primary before the failover that this one undoes, and is to run there again.
    #[serde(default)]
    pub also_resume: PausedWork,
    /// The id of the provisional failover that this one undoes.
    #[serde(default)]
    pub undoes: Option<String>,
}

/// One step's line in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which step.
    pub step: FailoverStep,
    /// Where it stands.
    pub status: StepStatus,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it did, or why not.
    pub note: Option<String>,
}

/// What a failover found in the old primary before it changed anything there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PausedWork {
    /// Jobs whose schedule was on, and in which places.
    pub jobs: Vec<UnpausedJob>,
    /// Clusters that ran.
    pub clusters: Vec<PausedWorkload>,
    /// SQL warehouses that ran.
    pub warehouses: Vec<PausedWorkload>,
    /// Catalogs and how they were bound.
    pub catalogs: Vec<CatalogMode>,
}

/// Something that ran. Ids differ between regions, so the name is what finds its counterpart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedWorkload {
    /// Its id in the old primary.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// How a catalog was bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogMode {
    /// Its name.
    pub name: String,
    /// OPEN or ISOLATED, as the catalog said.
    pub isolation_mode: String,
    /// What each workspace might do with it; None in a record from before this was kept.
    #[serde(default)]
    pub bindings: Option<Vec<WorkspaceBinding>>,
}

fn pending(steps: &[FailoverStep]) -> Vec<StepRecord> {
    let record = |step: &FailoverStep| StepRecord {
        step: *step,
        status: StepStatus::Pending,
        started: None,
        ended: None,
        note: None,
    };
    steps.iter().map(record).collect()
}

impl PausedWork {
    /// Puts what an earlier failover found before what this one did: the earlier one saw it untouched.
    pub fn take_over(&mut self, earlier: Self) {
        fn merge<T>(known: &mut Vec<T>, mut earlier: Vec<T>, same: impl Fn(&T, &T) -> bool) {
            let mut late = std::mem::take(known);
            late.retain(|l| !earlier.iter().any(|e| same(e, l)));
            earlier.append(&mut late);
            *known = earlier;
        }
        merge(&mut self.jobs, earlier.jobs, |a, b| a.job_id == b.job_id);
        merge(&mut self.clusters, earlier.clusters, |a, b| a.id == b.id);
        merge(&mut self.warehouses, earlier.warehouses, |a, b| a.id == b.id);
        merge(&mut self.catalogs, earlier.catalogs, |a, b| a.name == b.name);
    }

    /// Whether nothing ran.
    pub fn nothing_ran(&self) -> bool {
        self.jobs.is_empty() && self.clusters.is_empty() && self.warehouses.is_empty()
    }
}

impl Operation {
    /// A confirmed failover of which no step has begun.
    pub fn new(
        id: String,
        kind: FailoverKind,
        from: &Region,
        to: &Region,
        requested_by: &str,
        started: Timestamp,
    ) -> Self {
        let steps = pending(FailoverStep::of(kind));
        Self {
            id,
            kind,
            from_region: from.clone(),
            to_region: to.clone(),
            requested_by: requested_by.to_owned(),
            started,
            ended: None,
            outcome: OperationOutcome::Running,
            rolling_back: false,
            message: None,
            was_active: true,
            point: None,
            writable_at: None,
            commits_lost: None,
            steps,
            paused: PausedWork::default(),
            accepted: Vec::new(),
            left_behind: Vec::new(),
            shortfalls: Vec::new(),
            restore_pending: false,
            given_up: false,
            resumed: false,
            as_of: None,
            as_of_tables: Vec::new(),
            provisional: None,
            also_resume: PausedWork::default(),
            undoes: None,
        }
    }

    /// The same to the tables' versions of an instant.
    pub fn at_instant(mut self, at: Timestamp) -> Self {
        self.steps = pending(&FailoverStep::as_of(self.kind));
        Self { as_of: Some(at), ..self }
    }

    /// What is to run in the new primary again, each by its name once.
    pub fn to_resume(&self) -> PausedWork {
        let (mut all, also) = (self.paused.clone(), &self.also_resume);
        let new = |job: &&UnpausedJob| !self.paused.jobs.iter().any(|known| known.name == job.name);
        all.jobs.extend(also.jobs.iter().filter(new).cloned());
        for (all, also) in [(&mut all.clusters, &also.clusters), (&mut all.warehouses, &also.warehouses)] {
            let known: Vec<String> = all.iter().map(|workload| workload.name.clone()).collect();
            all.extend(also.iter().filter(|workload| !known.contains(&workload.name)).cloned());
        }
        all
    }

    /// Whether it waits for a person to keep or undo it. An undo that was rolled back leaves everything as it was before it.
    pub fn is_provisional(&self) -> bool {
        let stands = match self.undoes {
            None => self.outcome == OperationOutcome::Succeeded,
            Some(_) => self.outcome == OperationOutcome::RolledBack,
        };
        stands && self.provisional.as_ref().is_some_and(|provisional| !provisional.ended)
    }

    /// The first step that has not ended; None when all have.
    pub fn next_step(&self) -> Option<FailoverStep> {
        self.steps.iter().find(|s| !s.status.is_over()).map(|s| s.step)
    }

    /// Notes that a step begins, keeping its first beginning across a crash.
    pub fn begin(&mut self, step: FailoverStep, now: Timestamp) {
        if let Some(record) = self.record(step) {
            record.status = StepStatus::Running;
            record.started.get_or_insert(now);
            record.ended = None;
        }
    }

    /// Notes how a step ended.
    pub fn end(&mut self, step: FailoverStep, status: StepStatus, note: Option<String>, now: Timestamp) {
        if let Some(record) = self.record(step) {
            record.status = status;
            record.started.get_or_insert(now);
            record.ended = Some(now);
            record.note = note;
        }
    }

    /// Notes what a running step does.
    pub fn note(&mut self, step: FailoverStep, note: String) {
        if let Some(record) = self.record(step) {
            record.note = Some(note);
        }
    }

    fn record(&mut self, step: FailoverStep) -> Option<&mut StepRecord> {
        self.steps.iter_mut().find(|s| s.step == step)
    }

    /// Seconds from confirmation to the new primary accepting writes.
    pub fn rto_seconds(&self) -> Option<f64> {
        Some((self.writable_at? - self.started).num_milliseconds() as f64 / 1000.0)
    }

    /// Seconds between the replication point and the confirmation; nothing for a planned failover, which loses nothing.
    pub fn rpo_seconds(&self) -> Option<f64> {
        match self.kind {
            FailoverKind::Planned => Some(0.0),
            FailoverKind::Forced => Some((self.started - self.point?).num_milliseconds().max(0) as f64 / 1000.0),
        }
    }

    /// What the outside sees.
    pub fn view(&self) -> OperationView {
        OperationView {
            id: self.id.clone(),
            kind: self.kind,
            from_region: self.from_region.clone(),
            to_region: self.to_region.clone(),
            requested_by: self.requested_by.clone(),
            started: self.started,
            ended: self.ended,
            outcome: self.outcome,
            message: self.message.clone(),
            rto_seconds: self.rto_seconds(),
            rpo_seconds: self.rpo_seconds(),
            commits_lost: self.commits_lost,
            as_of: self.as_of,
            undoes: self.undoes.is_some(),
            steps: self
                .steps
                .iter()
                .map(|s| StepView {
                    step: s.step,
                    status: s.status,
                    started: s.started,
                    ended: s.ended,
                    note: s.note.clone(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    #[test]
    fn a_step_that_was_running_in_a_crash_is_the_next_one_and_keeps_its_beginning() {
        let t = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time");
        let mut operation =
            Operation::new("op".into(), FailoverKind::Planned, &Region::new("east"), &Region::new("west"), "me", t);
        operation.end(FailoverStep::Notify, StepStatus::Skipped, None, t);
        operation.begin(FailoverStep::PauseSchedules, t);
        let text = serde_json::to_string(&operation).expect("written");
        let mut again: Operation = serde_json::from_str(&text).expect("read");
        assert_eq!(again.next_step(), Some(FailoverStep::PauseSchedules));
        again.begin(FailoverStep::PauseSchedules, t + TimeDelta::seconds(9));
        assert_eq!(again.view().steps[1].started, Some(t));
    }

    #[test]
    fn loss_is_measured_for_a_forced_failover_and_nothing_for_a_planned_one() {
        let t = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time");
        let mut forced =
            Operation::new("op".into(), FailoverKind::Forced, &Region::new("east"), &Region::new("west"), "me", t);
        assert_eq!(forced.rpo_seconds(), None);
        forced.point = Some(t - TimeDelta::milliseconds(1500));
        assert_eq!(forced.rpo_seconds(), Some(1.5));
        assert_eq!(
            Operation::new("p".into(), FailoverKind::Planned, &Region::new("e"), &Region::new("w"), "me", t)
                .rpo_seconds(),
            Some(0.0)
        );
    }

    #[test]
    fn an_operation_that_an_earlier_version_stored_goes_on() {
        let stored = serde_json::json!({
            "id": "op", "kind": "PLANNED", "from_region": "east", "to_region": "west", "requested_by": "ada",
            "started": "2026-11-25T12:00:00Z", "ended": null, "outcome": "running", "rolling_back": false,
            "message": null, "was_active": true, "point": null, "writable_at": null, "commits_lost": null,
            "steps": [
                {"step": "pause_schedules", "status": "done", "started": "2026-11-25T12:00:00Z",
                    "ended": "2026-11-25T12:00:01Z", "note": "1 schedule paused."},
                {"step": "wait_for_writes", "status": "running", "started": "2026-11-25T12:00:01Z", "ended": null,
                    "note": null},
                {"step": "cut_over", "status": "pending", "started": null, "ended": null, "note": null},
            ],
            "remembered": {
                "jobs": [{"job_id": 7, "name": "nightly", "places":
                    {"schedule": true, "continuous": false, "trigger": false, "triggers": []}}],
                "clusters": [{"id": "c1", "name": "etl"}], "warehouses": [],
                "catalogs": [{"name": "sales", "isolation_mode": "OPEN"}],
            },
            "restore_pending": false, "resumed": false,
        });
        let operation: Operation = serde_json::from_value(stored).expect("read");
        assert_eq!(operation.next_step(), Some(FailoverStep::WaitForWrites));
        assert_eq!((operation.paused.jobs.len(), operation.paused.catalogs.len()), (1, 1));
    }
}
