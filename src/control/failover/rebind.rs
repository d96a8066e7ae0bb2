//! Rebind: the promoted tables get their fence commit, then the new primary's workspace may write.

use super::Failover;
use super::foreign::belongs_to_another;
use crate::connect::{TablePlace, WorkspaceRole};
use crate::control::names::some;
use crate::control::operation::{CatalogMode, Operation};
use crate::control::saga::{Step, StepEnd};
use crate::control::{ControlError, acts};
use crate::delta::{self, Promotion};
use crate::domain::{AssetName, FailoverGroup, FailoverStep, Region};
use crate::replicate::{self, Endpoint, ReplicaState};
use crate::wire::unity_catalog::{ISOLATION_ISOLATED, TABLE_VIEW, TableInfo};
use std::collections::BTreeMap;

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::Rebind, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let (group, new) = (failover.group(), failover.new_primary().await?);
    let promoted = promote_all(failover, &group, &new).await?;
    reverse_ledger(failover, &group, &promoted).await?;
    fail::fail_point!("failover.after_promote");
    let paused = failover.operation()?.paused;
    let own = failover.control.inner.deployment.workspace_ids(&group, &new.region)?;
    let before = bindings_when_left(failover, &new.region).await?;
    for catalog in new.client.catalogs().await?.iter().filter(|c| group.has_catalog(&c.name)) {
        let known = paused.catalogs.iter().find(|c| c.name == catalog.name);
        // Where the old primary could not be asked, isolation stays: opening a catalog is a person's decision.
        let mode = known.map_or(ISOLATION_ISOLATED, |c| c.isolation_mode.as_str());
        // Others could write here when the region was primary last, and lost that only to the failover away from it.
        let others = before.iter().filter(|c| c.name == catalog.name).flat_map(|c| c.bindings.iter().flatten());
        let writers = others.filter(|b| !b.is_read_only()).map(|b| b.workspace_id);
        let writers: Vec<i64> = own.iter().copied().chain(writers).collect();
        replicate::set_writable(&new, &catalog.name, &writers, mode).await?;
    }
    let role = acts::role_note(acts::set_role(&new, &group, WorkspaceRole::Primary).await?, &new);
    let now = failover.control.now();
    failover.journal(|operation| operation.writable_at = operation.writable_at.or(Some(now))).await?;
    let without: Vec<&str> =
        promoted.iter().filter(|(_, p)| p.fence_skipped.is_some()).map(|(n, _)| n.as_str()).collect();
    let marker_only =
        if without.is_empty() { String::new() } else { format!(" No fence commit in {}.", some(&without)) };
    let note = format!("{} accepts writes; {} tables promoted.{marker_only}{role}", new.region, promoted.len());
    Ok(if role.is_empty() { StepEnd::Done(note) } else { StepEnd::Partly(note) })
}

/// How the region's catalogs were bound when a failover last took the primary from it; nothing where none ever did.
async fn bindings_when_left(failover: &Failover, region: &Region) -> Result<Vec<CatalogMode>, ControlError> {
    let id = failover.handle.id.clone();
    let operations = failover.control.inner.store.run(move |tx| tx.operations::<Operation>(&id, 50)).await?;
    let left = operations.into_iter().map(|row| row.body).find(|o| o.from_region == *region && o.writable_at.is_some());
    Ok(left.map(|operation| operation.paused.catalogs).unwrap_or_default())
}

/// A promoted table.
pub struct Promoted {
    place: TablePlace,
    fence_skipped: Option<String>,
}

async fn promote_all(
    failover: &Failover,
    group: &FailoverGroup,
    new: &Endpoint,
) -> Result<BTreeMap<String, Promoted>, ControlError> {
    let inventory = replicate::read_inventory(new, group.catalogs()).await?;
    let excluded = |table: &TableInfo| group.spec.rules.excludes(&AssetName::parse(&table.full_name()));
    let tables = inventory
        .tables()
        .filter(|t| t.table_type != TABLE_VIEW && replicate::unsupported_reason(t).is_none() && !excluded(t));
    let (names, places): (Vec<String>, Vec<TablePlace>) =
        tables.filter_map(|t| Some((t.full_name(), TablePlace::of(t)?))).unzip();
    let control = &failover.control;
    let now_ms = control.now().timestamp_millis();
    let roots = replicate::roots_of(new, &places, true, control.inner.clock.as_ref()).await;
    let mut promoted = BTreeMap::new();
    let (mut reached, mut tables) = (Vec::new(), Vec::new());
    for ((name, place), root) in names.into_iter().zip(places).zip(roots) {
        match root {
            Ok(granted) => {
                tables.push(granted.root);
                reached.push((name, place));
            }
            Err(error) if error.is_unreachable() => return Err(error.into()),
            // One table that cannot be promoted must not keep all others from being written to.
            Err(error) => {
                promoted.insert(name, Promoted { place, fence_skipped: Some(error.to_string()) });
            }
        }
    }
    let results = delta::promote_all(tables, group.epoch, group.spec.id.as_str(), now_ms).await;
    for ((name, place), result) in reached.into_iter().zip(results) {
        let fence_skipped = match result {
            Ok(Promotion::Fenced { .. }) => None,
            Ok(Promotion::MarkerOnly { reason, .. }) => Some(reason),
            Err(fault) if fault.class.is_transient() || belongs_to_another(&fault) => return Err(fault.into()),
            Err(fault) => {
                tracing::warn!(table = %name, error = %fault.message, "a table could not be promoted");
                Some(fault.message)
            }
        };
        promoted.insert(name, Promoted { place, fence_skipped });
    }
    Ok(promoted)
}

/// Reverses the ledger of each table: the replica is the source now.
async fn reverse_ledger(
    failover: &Failover,
    group: &FailoverGroup,
    promoted: &BTreeMap<String, Promoted>,
) -> Result<(), ControlError> {
    let region: Region = group.effective_primary_region.clone();
    let known: BTreeMap<String, TablePlace> = promoted.iter().map(|(n, p)| (n.clone(), p.place.clone())).collect();
    let id = failover.handle.id.clone();
    failover
        .control
        .inner
        .store
        .run(move |tx| {
            for row in tx.tables::<ReplicaState>(&id)? {
                let mut table = row.body;
                if table.source_region == region {
                    continue;
                }
                let (old, new) = (table.source(), known.get(&row.name).cloned().unwrap_or_else(|| table.replica()));
                // Ids differ between regions that cannot keep them; the new primary's is what its catalog will show.
                table.table_id = new.table_id.unwrap_or(table.table_id);
                table.source_location = new.uri;
                (table.destination_location, table.destination_id) = (old.uri, old.table_id);
                table.source_region.clone_from(&region);
                tx.put_table(&id, &row.name, &table)?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}
