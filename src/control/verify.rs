//! Verifying a group on request: compares every object, and says what differs.

use super::view::OperationView;
use super::{Control, ControlError, acts, assets, audit};
use crate::connect::{ConnectError, UnpausedJob};
use crate::delta::Depth;
use crate::domain::{AssetKind, AssetName, CatalogName, FailoverGroup, GroupId, GroupState, ObjectStatus, Region};
use crate::replicate::{self, CompareReport, Comparison, CycleError, Endpoint, ReplicaState};
use crate::wire::unity_catalog::{CatalogInfo, TABLE_VIEW};

impl Control {
    /// Compares every object of a group, its files as closely as `depth` says.
    ///
    /// While a region can't be asked, every object is unknown: nothing is claimed, and nothing is called missing.
    pub async fn verify(&self, id: &GroupId, depth: impl Into<Depth>) -> Result<CompareReport, ControlError> {
        let group = self.handle(id)?.group();
        if group.state == GroupState::FailingOver {
            return Err(ControlError::Refused {
                sentence: format!("Failover group {id} is failing over. Verify it when that has finished."),
            });
        }
        let depth = depth.into();
        match self.compare(&group, depth).await {
            Ok(mut report) => {
                report.objects.append(&mut report.unmanaged);
                let (known, left) = {
                    let handle = self.handle(id)?;
                    let record = handle.record();
                    (record.errors.clone(), record.left.clone())
                };
                replicate::explain(&mut report.objects, &known);
                replicate::list_left_behind(&mut report.objects, &left);
                report.objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
                // What is still on its way is younger than the replication point.
                let is_behind = |object: &&replicate::ObjectRecord| object.status == ObjectStatus::Lagging;
                let is_whole = report.differing().iter().all(is_behind) && report.verified() > 0;
                if depth != Depth::Sizes
                    && is_whole
                    && group.state == GroupState::Active
                    && !self.inner.settings.read_only
                {
                    self.note_proof(id).await?;
                }
                Ok(report)
            }
            Err(ControlError::Region(error)) => {
                let region = Region::new(error.region().unwrap_or_default());
                self.unknown(&group, &region, &error).await
            }
            Err(ControlError::Cycle(error)) => match *error {
                CycleError::Region { region, source } => self.unknown(&group, &region, &source).await,
                error => Err(error.into()),
            },
            Err(error) => Err(error),
        }
    }

    async fn compare(&self, group: &FailoverGroup, depth: Depth) -> Result<CompareReport, ControlError> {
        let (id, inner) = (&group.spec.id, &self.inner);
        let source = inner.deployment.endpoint(group, &group.effective_primary_region).await?;
        let destination = inner.deployment.endpoint(group, group.effective_secondary_region()).await?;
        let (source, destination, store, clock) = (&source, &destination, &inner.store, inner.clock.as_ref());
        let rules = &group.spec.rules;
        let comparison = Comparison { group: id, rules, source, destination, store, clock, depth };
        let mut report = replicate::compare_all(group.catalogs(), &comparison).await?;
        report.objects.extend(assets::compare(self, self.handle(id)?.as_ref(), group, depth).await?);
        Ok(report)
    }

    /// Every object of which anything was ever known, as unknown.
    async fn unknown(
        &self,
        group: &FailoverGroup,
        region: &Region,
        error: &ConnectError,
    ) -> Result<CompareReport, ControlError> {
        let id = group.spec.id.clone();
        let mut known: Vec<(AssetKind, String)> =
            group.catalogs().iter().map(|name| (AssetKind::Catalog, name.to_string())).collect();
        let (tables, owned) = self
            .inner
            .store
            .run(move |tx| {
                let tables = tx.tables::<ReplicaState>(&id)?.into_iter().map(|row| row.name);
                Ok((tables.collect::<Vec<_>>(), tx.owned(&id)?))
            })
            .await?;
        known.extend(tables.into_iter().map(|name| (AssetKind::Table, name)));
        known.extend(owned.into_iter().map(|key| (key.kind, key.to_string())));
        let shown = self.handle(&group.spec.id)?.record().objects.clone();
        known.extend(shown.iter().map(|object| (object.kind, object.name.clone())));
        for end in &group.spec.regions {
            if let Ok(endpoint) = self.inner.deployment.endpoint(group, end).await
                && let Ok(inventory) = replicate::read_inventory(&endpoint, group.catalogs()).await
            {
                known.extend(inventory.keys().map(|key| (key.kind, key.to_string())));
            }
        }
        let in_scope = |name: &str| group.has_catalog(&AssetName::parse(name).catalog);
        known.retain(|(kind, name)| kind.is_workspace_asset() || in_scope(name));
        let objects = replicate::unknown_objects(known, region, error, self.inner.clock.as_ref());
        Ok(CompareReport { objects, ..CompareReport::default() })
    }
}

/// What a drill asks beyond what a person clicks.
impl Control {
    /// The operation that runs on a group, or its last one.
    pub fn last_operation(&self, id: &GroupId) -> Result<Option<OperationView>, ControlError> {
        Ok(self.handle(id)?.record().operation.as_ref().map(|operation| operation.view()))
    }

    /// The catalogs of a region without a table, or with at least one that can be replicated.
    pub async fn replicable_catalogs(&self, region: &Region) -> Result<Vec<CatalogName>, ControlError> {
        let Some(workspace) = self.inner.deployment.workspaces.iter().find(|w| w.region == *region) else {
            return Ok(Vec::new());
        };
        let endpoint = Endpoint::connect(region, &workspace.id, workspace.client.clone()).await?;
        let mut looks = 0;
        let inventory = loop {
            let listed = endpoint.client.catalogs().await?.into_iter();
            let names: Vec<CatalogName> = listed.map(|catalog| CatalogName::new(catalog.name)).collect();
            looks += 1;
            match replicate::read_inventory(&endpoint, &names).await {
                // Dropped between the two calls, as a drill drops its own: the next list is without it.
                Err(CycleError::Region { source, .. }) if source.is_not_found() && looks < 5 => {}
                read => break read?,
            }
        };
        let replicates = |catalog: &&CatalogInfo| {
            let name = AssetName::catalog(&*catalog.name);
            // A view over what can't be replicated is no reason to cover it.
            let mut tables = inventory.tables_in(&name).filter(|info| info.table_type != TABLE_VIEW).peekable();
            tables.peek().is_none() || tables.any(|table| replicate::unsupported_reason(table).is_none())
        };
        Ok(inventory.catalogs().filter(replicates).map(|catalog| CatalogName::new(&*catalog.name)).collect())
    }

    /// Pauses every schedule of the group's workspace in a region; which they were.
    pub async fn pause_schedules_in(&self, id: &GroupId, region: &Region) -> Result<Vec<UnpausedJob>, ControlError> {
        let endpoint = self.inner.deployment.endpoint(&self.handle(id)?.group(), region).await?;
        let jobs = endpoint.client.unpaused_jobs().await?;
        acts::pause_all(&endpoint, &jobs).await?;
        Ok(jobs)
    }

    /// Resumes schedules that were paused.
    pub async fn resume_schedules_in(
        &self,
        id: &GroupId,
        region: &Region,
        jobs: &[UnpausedJob],
    ) -> Result<(), ControlError> {
        let endpoint = self.inner.deployment.endpoint(&self.handle(id)?.group(), region).await?;
        for job in jobs {
            endpoint.client.resume_job(job).await?;
        }
        Ok(())
    }

    /// A value that a command remembers between two starts.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, ControlError> {
        let key = key.to_owned();
        Ok(self.inner.store.run(move |tx| tx.value(&key)).await?.filter(|value| !value.is_empty()))
    }

    /// Remembers a value, with a line of the audit log.
    pub async fn set_audited_setting(&self, actor: &str, key: &str, value: &str) -> Result<(), ControlError> {
        let message = format!("{actor} set {key} to {value}.");
        let line = audit::line(self.now(), actor, "setting.change", key, message);
        let (key, value, written) = (key.to_owned(), value.to_owned(), line.clone());
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.set_value(&key, &value)?;
            tx.add_activity(&written)
        };
        let show = move |control: &Self, ()| control.show_activity(line);
        self.durably((), work, show).await.map(|_| ())
    }

    /// Makes every screen read the account again.
    pub fn show_again(&self) {
        self.touch();
    }

    /// Remembers a value for a command.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), ControlError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        Ok(self.inner.store.run(move |tx| tx.set_value(&key, &value)).await?)
    }
}
