//! Restore versions: each table goes back by a commit, once what was committed later is safe and listed.
//!
//! It comes before the new primary is opened for writes, so that no one reads or writes what is taken back.

use super::Failover;
use crate::connect::TablePlace;
use crate::control::group::GroupChange;
use crate::control::reclaim::salvage_path;
use crate::control::saga::{Step, StepEnd};
use crate::control::view::SalvageView;
use crate::control::{ControlError, names};
use crate::delta::{self, RestoreAbout, SalvageAbout};
use crate::domain::{AsOfTable, FailoverGroup, FailoverStep, Timestamp};
use crate::replicate::{self, Endpoint, ReplicaState};
use std::collections::BTreeMap;

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::RestoreVersions, act: |failover| Box::pin(run(failover)), undo: None };

/// What all tables of one step have in common.
struct Restoring<'a> {
    failover: &'a Failover,
    group: FailoverGroup,
    new: Endpoint,
    at: Timestamp,
    external_locations: Vec<String>,
    ledger: BTreeMap<String, ReplicaState>,
}

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let operation = failover.operation()?;
    let Some(at) = operation.as_of else { return Ok(StepEnd::Skipped("No instant was chosen.".to_owned())) };
    let (group, new) = (failover.group(), failover.new_primary().await?);
    let id = group.spec.id.clone();
    let rows = failover.control.inner.store.run(move |tx| tx.tables::<ReplicaState>(&id)).await?;
    let external_locations = new.client.external_locations().await?.into_iter().map(|l| l.url).collect();
    let ledger = rows.into_iter().map(|row| (row.name, row.body)).collect();
    let restoring = Restoring { failover, group, new, at, external_locations, ledger };
    let (mut commits, mut gone) = (0, Vec::new());
    for table in &operation.as_of_tables {
        match restoring.table(table).await? {
            Some(salvaged) => commits += salvaged,
            None => gone.push(table.name.as_str()),
        }
        fail::fail_point!("failover.between_restores");
    }
    let mut note = format!("{} tables went back. {commits} later commits were salvaged.", operation.as_of_tables.len());
    if !gone.is_empty() {
        note.push_str(&format!(" No longer there: {}.", names::some(&gone)));
    }
    Ok(StepEnd::Done(note))
}

impl Restoring<'_> {
    /// Salvages, lists and takes back one table; how many commits were salvaged, None where the table is gone.
    async fn table(&self, table: &AsOfTable) -> Result<Option<u64>, ControlError> {
        let Some(known) = self.ledger.get(&table.name) else { return Ok(None) };
        let place = if known.source_region == self.new.region { known.source() } else { known.replica() };
        let clock = self.failover.control.inner.clock.as_ref();
        let root = replicate::root_of(&self.new, &place, true, clock).await?.root;
        let label = format!("{} (after {})", table.name, self.at.format("%Y-%m-%d %H:%M:%S"));
        let folder = salvage_path(&self.external_locations, &place.uri, &self.group, &label);
        let salvage = replicate::root_of(&self.new, &TablePlace::path(folder), true, clock).await?.root;
        let now = self.failover.control.now();
        let about = SalvageAbout {
            table: label.clone(),
            group: self.group.spec.id.to_string(),
            epoch: self.group.epoch,
            now_ms: now.timestamp_millis(),
            arrived: None,
        };
        let salvaged = delta::salvage_later(&root, &salvage, (table.version, table.newest), about).await?;
        let mut commits = 0;
        if let Some(salvaged) = salvaged
            && let Some(folder) = salvaged.folder.clone()
        {
            commits = salvaged.commits;
            let view = SalvageView::new(label, self.group.epoch, &salvaged, folder, now);
            let view = SalvageView { of: Some(table.name.clone()), after: Some(self.at), ..view };
            let mut change = GroupChange::of(&self.failover.handle).await;
            change.keep_salvage(view);
            change.commit(&self.failover.control).await?;
        }
        let group = self.group.spec.id.to_string();
        let about = RestoreAbout { group, epoch: self.group.epoch, now_ms: now.timestamp_millis() };
        delta::restore(&root, table.version, about).await?;
        Ok(Some(commits))
    }
}
