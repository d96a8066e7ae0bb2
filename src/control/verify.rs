//! Verifying a group on request: compares every object, and says what differs.

use super::view::OperationView;
use super::{Control, ControlError};
use crate::connect::UnpausedJob;
use crate::domain::{GroupId, GroupState};
use crate::replicate::{self, CompareReport, Link, compare_tables};

impl Control {
    /// Compares every object of a group; `deep` reads and hashes every file of the replica again.
    pub async fn verify(&self, id: &GroupId, deep: bool) -> Result<CompareReport, ControlError> {
        let cell = self.cell(id)?;
        let group = cell.group();
        if group.state == GroupState::FailingOver {
            return Err(ControlError::Refused {
                sentence: format!("Failover group {id} is failing over. Verify it when that has ended."),
            });
        }
        let inner = &self.inner;
        let source = inner.deployment.link(&group, &group.effective_primary_region).await?;
        let destination = inner.deployment.link(&group, group.effective_secondary_region()).await?;
        Ok(compare_tables(id, group.catalogs(), &source, &destination, &inner.store, inner.clock.as_ref(), deep)
            .await?)
    }
}

/// What a drill asks beyond what a person clicks.
impl Control {
    /// The operation that runs on a group, or its last one.
    pub fn last_operation(&self, id: &GroupId) -> Result<Option<OperationView>, ControlError> {
        Ok(self.cell(id)?.record().operation.as_ref().map(|operation| operation.view()))
    }

    /// The catalogs of a region in which everything can be replicated, or at least one object can.
    pub async fn replicable_catalogs(&self, region: &str) -> Result<Vec<String>, ControlError> {
        let Some(workspace) = self.inner.deployment.workspaces.iter().find(|w| w.region == region) else {
            return Ok(Vec::new());
        };
        let link = Link::connect(region, &workspace.id, workspace.client.clone()).await?;
        let names: Vec<String> = link.client.catalogs().await?.into_iter().map(|c| c.name).collect();
        let inventory = replicate::read_inventory(&link, &names).await?;
        let whole = inventory.catalogs.into_iter().filter(|(_, item)| {
            let mut tables = item.schemas.values().flat_map(|(_, tables)| tables.values()).peekable();
            tables.peek().is_none() || tables.any(|table| replicate::unsupported_reason(table).is_none())
        });
        Ok(whole.map(|(name, _)| name).collect())
    }

    /// Pauses every schedule of the group's workspace in a region; which they were.
    pub async fn pause_schedules_in(&self, id: &GroupId, region: &str) -> Result<Vec<UnpausedJob>, ControlError> {
        let link = self.inner.deployment.link(&self.cell(id)?.group(), region).await?;
        let jobs = link.client.unpaused_jobs().await?;
        super::failover::pause_all(&link, &jobs).await?;
        Ok(jobs)
    }

    /// Resumes schedules that were paused.
    pub async fn resume_schedules_in(
        &self,
        id: &GroupId,
        region: &str,
        jobs: &[UnpausedJob],
    ) -> Result<(), ControlError> {
        let link = self.inner.deployment.link(&self.cell(id)?.group(), region).await?;
        for job in jobs {
            link.client.resume_job(job).await?;
        }
        Ok(())
    }

    /// A value that a command remembers between two starts.
    pub async fn remembered(&self, key: &str) -> Result<Option<String>, ControlError> {
        let key = key.to_owned();
        Ok(self.inner.store.run(move |tx| tx.value(&key)).await?.filter(|value| !value.is_empty()))
    }

    /// Remembers a value for a command.
    pub async fn remember(&self, key: &str, value: &str) -> Result<(), ControlError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        Ok(self.inner.store.run(move |tx| tx.set_value(&key, &value)).await?)
    }
}
