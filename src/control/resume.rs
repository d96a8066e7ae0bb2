//! Resuming, in the new primary, what ran in the old one: a step to click, not a thing to remember.

use super::assets::{ids_of, side_of};
use super::group::GroupChange;
use super::operation::Operation;
use super::view::OperationOutcome;
use super::{Control, ControlError, audit};
use crate::connect::{UnpausedJob, UnpausedPlaces};
use crate::domain::{AssetKind, AssetName, CatalogName, FailoverGroup, GroupId, GroupState};
use crate::replicate::workspace::{IdMap, tables_of};
use crate::wire::jobs::JobSettings;
use std::collections::BTreeSet;

/// Finds in the new primary what stands for an asset of the old one: by the id map where assets replicate, else by name.
struct Counterparts {
    ids: Option<IdMap>,
    /// The old primary's side.
    side: usize,
}

impl Counterparts {
    /// `all` is what the new primary has: id and name.
    fn find<'a>(
        &self,
        kind: AssetKind,
        id: &str,
        name: &str,
        all: impl Iterator<Item = (String, &'a str)>,
    ) -> Option<String> {
        let mapped = self.ids.as_ref().and_then(|ids| ids.counterpart(self.side, kind, id));
        let (mut by_id, mut by_name) = (None, None);
        for (found, called) in all {
            if mapped == Some(found.as_str()) {
                by_id = Some(found);
            } else if called == name && by_name.is_none() {
                by_name = Some(found);
            }
        }
        by_id.or(by_name)
    }
}

impl Control {
    /// Starts warehouses and clusters and resumes schedules that ran in the old primary.
    ///
    /// The answer says what was resumed, what has no counterpart here, and which jobs stay paused because they use catalogs
    /// that the group doesn't cover.
    pub async fn resume_workloads(&self, actor: &str, id: &GroupId) -> Result<String, ControlError> {
        let handle = self.handle(id)?;
        let Ok(_resuming) = handle.resuming.try_lock() else {
            return Err(ControlError::Refused {
                sentence: format!("Schedules and compute of {id} are already being resumed. Wait until that finishes."),
            });
        };
        if handle.group().state == GroupState::FailingOver {
            return Err(ControlError::Refused {
                sentence: format!(
                    "Failover group {id} is failing over, which stops schedules and compute. Resume them when it has finished."
                ),
            });
        }
        if handle.view(self.now(), |_| false).to_resume.is_empty() {
            return Err(ControlError::Refused {
                sentence: format!(
                    "There is nothing to resume for {id}. Nothing ran before the last failover, or it is already running again."
                ),
            });
        }
        let group = handle.group();
        let Some(operation) = handle.operation() else { return Ok(String::new()) };
        let endpoint = self.inner.deployment.endpoint(&group, &group.effective_primary_region).await?;
        let counterparts =
            Counterparts { ids: ids_of(self, &group).await?, side: side_of(&group, &operation.from_region) };
        let paused = &operation.to_resume();
        let (mut missing, mut uncovered) = (Vec::new(), Vec::new());
        let mut resumed = 0usize;
        // A failover that was confirmed in the meantime waits for the call that runs now, and must find none after it.
        let goes_on = |resumed: usize| match handle.operation() {
            Some(now) if now.id == operation.id && now.outcome == OperationOutcome::Succeeded => Ok(()),
            _ => Err(ControlError::Refused {
                sentence: format!(
                    "A failover of {id} started while schedules and compute were being resumed. {resumed} were resumed. The rest stays stopped until the failover has finished."
                ),
            }),
        };

        let warehouses = endpoint.client.warehouses().await?;
        for wanted in &paused.warehouses {
            let all = warehouses.iter().map(|w| (w.id.clone(), w.name.as_str()));
            let found = counterparts.find(AssetKind::SqlWarehouse, &wanted.id, &wanted.name, all);
            match found.and_then(|id| warehouses.iter().find(|w| w.id == id)) {
                Some(warehouse) if warehouse.is_running() => resumed += 1,
                Some(warehouse) => {
                    goes_on(resumed)?;
                    endpoint.client.start_warehouse(&warehouse.id).await?;
                    resumed += 1;
                }
                None => missing.push(format!("SQL warehouse {}", wanted.name)),
            }
        }
        let clusters = endpoint.client.clusters().await?;
        for wanted in &paused.clusters {
            let all = clusters.iter().map(|c| (c.cluster_id.clone(), c.cluster_name.as_str()));
            let found = counterparts.find(AssetKind::Cluster, &wanted.id, &wanted.name, all);
            match found.and_then(|id| clusters.iter().find(|c| c.cluster_id == id)) {
                Some(cluster) if cluster.is_running() => resumed += 1,
                Some(cluster) => {
                    goes_on(resumed)?;
                    endpoint.client.start_cluster(&cluster.cluster_id).await?;
                    resumed += 1;
                }
                None => missing.push(format!("cluster {}", wanted.name)),
            }
        }
        // Schedules last: a run that finds no compute would only fail.
        let jobs = endpoint.client.whole_jobs().await?;
        let catalogs = self.known_catalogs();
        for wanted in &paused.jobs {
            let all = jobs.iter().map(|j| (j.job_id.to_string(), j.settings.name.as_deref().unwrap_or_default()));
            let found = counterparts.find(AssetKind::Job, &wanted.job_id.to_string(), &wanted.name, all);
            match found.and_then(|id| jobs.iter().find(|j| j.job_id.to_string() == id)) {
                Some(job) => {
                    if let Some(catalog) = uncovered_catalog(&job.settings, &group, &catalogs) {
                        uncovered.push(format!("{} ({catalog})", wanted.name));
                        continue;
                    }
                    // A dead region could not say in which places the job ran; then it runs wherever it can be paused.
                    let places =
                        if wanted.places.is_empty() { everywhere(&job.settings) } else { wanted.places.clone() };
                    let counterpart = UnpausedJob { job_id: job.job_id, name: wanted.name.clone(), places };
                    goes_on(resumed)?;
                    endpoint.client.resume_job(&counterpart).await?;
                    // Off the async threads, which a paused failpoint would keep from everything else.
                    #[cfg(feature = "failpoints")]
                    let _ = tokio::task::spawn_blocking(|| fail::fail_point!("resume.between_jobs")).await;
                    resumed += 1;
                }
                None => missing.push(format!("job {}", wanted.name)),
            }
        }
        goes_on(resumed)?;
        let mut message = format!("{resumed} schedules, clusters and warehouses resumed in {}.", endpoint.region);
        if !missing.is_empty() {
            message.push_str(&format!(
                " Without a counterpart there: {}. Create them if you need them.",
                missing.join(", ")
            ));
        }
        if !uncovered.is_empty() {
            message.push_str(&format!(
                " Still paused, because the group doesn't cover their catalogs: {}.",
                uncovered.join(", ")
            ));
        }
        let mut line = audit::line(self.now(), actor, "failover_group.resume", id.as_str(), message.clone());
        let after = Operation { resumed: true, ..operation.clone() };
        audit::show_change(&mut line, Some(&operation), Some(&after));
        let mut change = GroupChange::of(&handle).await;
        if let Some(now) = change.operation.as_mut().filter(|now| now.id == operation.id) {
            now.resumed = true;
        }
        change.log(line);
        change.commit(self).await?;
        self.refresh_regions();
        self.touch();
        Ok(message)
    }
}

/// A catalog that a job uses and the group doesn't cover. Only a word that is some region's catalog counts as one.
fn uncovered_catalog(settings: &JobSettings, group: &FailoverGroup, known: &BTreeSet<CatalogName>) -> Option<String> {
    let used = tables_of(settings).into_iter().map(|table| AssetName::parse(&table).catalog);
    used.filter(|catalog| !group.has_catalog(catalog))
        .find(|catalog| known.contains(&CatalogName::new(catalog.as_str())))
}

/// Every place in which a job can be paused.
fn everywhere(settings: &JobSettings) -> UnpausedPlaces {
    UnpausedPlaces {
        schedule: settings.schedule.is_some(),
        continuous: settings.continuous.is_some(),
        trigger: settings.trigger.is_some(),
        triggers: settings.triggers.iter().map(|trigger| trigger.other.clone()).collect(),
    }
}
