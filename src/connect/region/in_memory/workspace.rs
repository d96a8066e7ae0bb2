//! Jobs, compute, the workspace's role, and what a test puts there.

use super::{InMemoryRegion, Known, Refusal};
use crate::connect::region::WorkspaceRole;
use crate::domain::GroupId;
use crate::wire::error;
use crate::wire::jobs::{JobInfo, JobSettings, UpdateJob};
use crate::wire::workspace::{ClusterInfo, STATE_RUNNING, STATE_STOPPED, STATE_TERMINATED, WarehouseInfo};

impl InMemoryRegion {
    /// Adds a job, and tells its id.
    pub fn add_job(&self, settings: JobSettings) -> i64 {
        let mut known = self.known();
        let job_id = 1000 + i64::try_from(known.jobs.len()).expect("few jobs");
        known.jobs.insert(job_id, JobInfo { job_id, settings, ..JobInfo::default() });
        job_id
    }

    /// Adds a cluster that runs.
    pub fn add_cluster(&self, id: &str) {
        let cluster = ClusterInfo {
            cluster_id: id.to_owned(),
            cluster_name: id.to_owned(),
            state: STATE_RUNNING.to_owned(),
            ..ClusterInfo::default()
        };
        self.known().clusters.insert(id.to_owned(), cluster);
    }

    /// Adds a SQL warehouse that runs.
    pub fn add_warehouse(&self, id: &str) {
        let warehouse = WarehouseInfo {
            id: id.to_owned(),
            name: id.to_owned(),
            state: STATE_RUNNING.to_owned(),
            ..WarehouseInfo::default()
        };
        self.known().warehouses.insert(id.to_owned(), warehouse);
    }

    /// The workspace's role in a failover group; `WorkspaceRole::None` where it has none.
    pub fn role_in(&self, group: &GroupId) -> WorkspaceRole {
        self.known().roles.get(group.as_str()).map_or(WorkspaceRole::None, |(role, _)| *role)
    }

    pub(super) fn compute_allowed(&self, known: &Known) -> Result<(), Refusal> {
        let has = |wanted| known.roles.values().any(|(role, _)| *role == wanted);
        if has(WorkspaceRole::Secondary) && !has(WorkspaceRole::Primary) {
            return Err(Refusal::state(format!(
                "Compute does not start in workspace {}: it is the secondary of a failover group.",
                self.workspace_id
            )));
        }
        Ok(())
    }

    pub(super) fn get_job(&self, job_id: i64) -> Result<JobInfo, Refusal> {
        let missing = || Refusal::invalid(format!("Job {job_id} does not exist."));
        self.known().jobs.get(&job_id).cloned().ok_or_else(missing)
    }

    pub(super) fn list_jobs(&self) -> Vec<JobInfo> {
        let without_tasks = |job: &JobInfo| {
            let mut job = job.clone();
            job.settings.tasks.clear();
            job
        };
        self.known().jobs.values().map(without_tasks).collect()
    }

    pub(super) fn change_job(&self, update: &UpdateJob) -> Result<(), Refusal> {
        let mut job = self.get_job(update.job_id)?;
        let merged = || -> serde_json::Result<JobSettings> {
            let mut settings = serde_json::to_value(&job.settings)?;
            for (field, value) in serde_json::to_value(&update.new_settings)?.as_object().into_iter().flatten() {
                settings[field] = value.clone();
            }
            serde_json::from_value(settings)
        };
        job.settings = merged().map_err(|error| Refusal::invalid(error.to_string()))?;
        self.known().jobs.insert(update.job_id, job);
        Ok(())
    }

    pub(super) fn set_cluster(&self, id: &str, runs: bool) -> Result<(), Refusal> {
        let mut known = self.known();
        if !known.clusters.contains_key(id) {
            return Err(Refusal::missing("CLUSTER", id));
        }
        if runs {
            self.compute_allowed(&known)?;
        }
        let state = if runs { STATE_RUNNING } else { STATE_TERMINATED };
        known.clusters.entry(id.to_owned()).and_modify(|cluster| cluster.state = state.to_owned());
        Ok(())
    }

    pub(super) fn set_warehouse(&self, id: &str, runs: bool) -> Result<(), Refusal> {
        let mut known = self.known();
        if !known.warehouses.contains_key(id) {
            return Err(Refusal::missing("WAREHOUSE", id));
        }
        if runs {
            self.compute_allowed(&known)?;
        }
        let state = if runs { STATE_RUNNING } else { STATE_STOPPED };
        known.warehouses.entry(id.to_owned()).and_modify(|warehouse| warehouse.state = state.to_owned());
        Ok(())
    }

    pub(super) fn set_role(&self, group: &GroupId, role: WorkspaceRole, epoch: u64) -> Result<(), Refusal> {
        let mut known = self.known();
        if let Some((_, newer)) = known.roles.get(group.as_str()).filter(|(_, before)| *before > epoch) {
            return Err(Refusal::new(
                409,
                error::ABORTED,
                format!("Workspace {} knows epoch {newer} of failover group {group} already.", self.workspace_id),
            ));
        }
        match role {
            WorkspaceRole::None => drop(known.roles.remove(group.as_str())),
            role => drop(known.roles.insert(group.to_string(), (role, epoch))),
        }
        Ok(())
    }

    pub(super) fn switch_mission_critical(&self, on: bool) -> Result<(), Refusal> {
        let mut known = self.known();
        if let (false, Some(group)) = (on, known.roles.keys().next()) {
            return Err(Refusal::state(format!(
                "Mission Critical cannot be switched off: the workspace belongs to failover group {group}."
            )));
        }
        known.mission_critical = on;
        Ok(())
    }
}
