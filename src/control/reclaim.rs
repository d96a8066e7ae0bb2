//! Reclaiming the old primary after a forced failover, once it answers: fence it, set aside what never arrived, rewind
//! its tables to the common version, so that it becomes the replica.

use super::cell::Cell;
use super::create::set_role;
use super::failover::{edit_operation, make_read_only, pause_all, stop_all, until_quiet};
use super::view::SalvageView;
use super::worker::Desk;
use super::{Control, ControlError, journal};
use crate::delta::{self, DeltaError, SalvageAbout, Salvaged};
use crate::domain::{FailoverGroup, FailoverKind};
use crate::replicate::{self, Access, Link, TableMemory};
use crate::wire::sandbox::ROLE_SECONDARY;
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use std::collections::BTreeSet;

/// Does all of it, or fails and is called again; every part may be done twice.
pub async fn reclaim(control: &Control, cell: &Cell, desk: &mut Desk) -> Result<(), ControlError> {
    let (new, old) = desk.ends(control, cell).await?;
    let group = cell.group();
    tracing::info!(group = %cell.id, region = %old.region, "the old primary answers and is reclaimed");
    quiesce(control, cell, &group, &old).await?;
    fail::fail_point!("reclaim.after_fence");
    let lost = set_aside(control, cell, &group, &old, &new).await?;
    fail::fail_point!("reclaim.after_salvage");
    edit_operation(control, cell, |operation| operation.commits_lost = Some(lost)).await?;
    let _turn = cell.turn.lock().await;
    let (mut reclaimed, since) = {
        let record = cell.record();
        (record.group.clone(), record.state_since)
    };
    reclaimed.salvage_pending = false;
    let now = control.now();
    journal::renew_etag(&mut reclaimed, now);
    let message = match lost {
        0 => format!("{} answers again. Nothing was left behind there.", old.region),
        1 => format!("{} answers again. 1 commit that never arrived was set aside.", old.region),
        n => format!("{} answers again. {n} commits that never arrived were set aside.", old.region),
    };
    let line = journal::line(now, "runtime", "failover_group.reclaim", cell.id.as_str(), message);
    control.write(&reclaimed, None, since, Some(line), |_| Ok(())).await?;
    {
        let mut record = cell.record();
        record.group = reclaimed;
        if let Some(view) = record.operation.as_ref().map(|o| o.view()) {
            let history = std::sync::Arc::make_mut(&mut record.history);
            history.iter_mut().filter(|o| o.id == view.id).for_each(|o| *o = view.clone());
        }
    }
    // The old primary's tables are not what replication remembers; it finds out what they hold.
    desk.memory = None;
    control.touch();
    Ok(())
}

/// Makes the old primary a secondary: read-only, schedules paused, compute stopped, no commit on its way.
async fn quiesce(control: &Control, cell: &Cell, group: &FailoverGroup, old: &Link) -> Result<(), ControlError> {
    make_read_only(old, group).await?;
    let shared = super::failover::primary_elsewhere(control, group, old).is_some();
    if !shared {
        let jobs = old.client.unpaused_jobs().await?;
        let running = super::failover::running(old).await?;
        edit_operation(control, cell, |operation| {
            super::failover::remember_jobs(&mut operation.remembered.jobs, &jobs);
            super::failover::remember_compute(&mut operation.remembered, running);
        })
        .await?;
        let remembered = cell.operation().map(|o| o.remembered).unwrap_or_default();
        pause_all(old, &remembered.jobs).await?;
        stop_all(old, &remembered).await?;
    }
    set_role(old, group, ROLE_SECONDARY).await?;
    until_quiet(control, group, old, &mut Access::default()).await
}

/// Sets aside every commit that never arrived; how many there were in all, as the list says.
async fn set_aside(
    control: &Control,
    cell: &Cell,
    group: &FailoverGroup,
    old: &Link,
    new: &Link,
) -> Result<u64, ControlError> {
    let here = replicate::read_inventory(old, group.catalogs()).await?;
    let there = replicate::read_inventory(new, group.catalogs()).await?;
    let id = cell.id.clone();
    let arrived: BTreeSet<String> = control
        .inner
        .store
        .run(move |tx| tx.tables::<TableMemory>(&id))
        .await?
        .into_iter()
        .map(|row| row.name)
        .collect();
    let roots: Vec<String> = old.client.external_locations().await?.into_iter().map(|l| l.url).collect();
    let planned = cell.operation().is_some_and(|o| o.kind == FailoverKind::Planned);
    let salvageable = |t: &&TableInfo| t.table_type != TABLE_VIEW && replicate::unsupported_reason(t).is_none();
    for info in here.tables().filter(salvageable) {
        let Some(location) = &info.storage_location else { continue };
        let name = info.full_name();
        let (root, _) = replicate::root_of(old, location, true, control.inner.clock.as_ref()).await?;
        let aside_uri = aside_of(&roots, location, group, &name);
        let (aside, _) = replicate::root_of(old, &aside_uri, true, control.inner.clock.as_ref()).await?;
        let about = SalvageAbout {
            table: name.clone(),
            group: group.spec.id.to_string(),
            epoch: group.epoch,
            now_ms: control.now().timestamp_millis(),
        };
        let counterpart = there.table(&info.catalog_name, &info.schema_name, &info.name);
        let promoted = match counterpart.and_then(|t| t.storage_location.as_ref()) {
            Some(promoted) => Some(replicate::root_of(new, promoted, false, control.inner.clock.as_ref()).await?.0),
            // Dropped in the new primary since: replication drops it here, and keeps its data.
            None if arrived.contains(&name) => continue,
            // A planned failover left it behind because it cannot replicate; it stays where it is, and is named.
            None if planned => continue,
            None => None,
        };
        let attempt = match &promoted {
            Some(promoted) => delta::salvage(&root, promoted, &aside, about.clone()).await,
            None => delta::set_aside_whole(&root, &aside, about.clone()).await,
        };
        let (salvaged, whole) = match attempt {
            Ok(salvaged) => (salvaged, promoted.is_none()),
            // A table without a log holds nothing to lose.
            Err(fault) if matches!(fault.error(), DeltaError::NoLog { .. }) => continue,
            // No common version to go back to: all of it is kept, and the replica is made anew.
            Err(fault) if promoted.is_some() && !fault.class.is_transient() => {
                tracing::warn!(table = %name, error = %fault.message, "the table is set aside whole");
                (delta::set_aside_whole(&root, &aside, about).await?, true)
            }
            Err(fault) => return Err(fault.into()),
        };
        // Listed before it leaves the catalog, or a crash in between would lose the list's line.
        list(control, cell, group, &name, salvaged, &aside_uri).await?;
        if whole {
            old.client.delete_table(&name).await?;
            let (id, gone) = (cell.id.clone(), name.clone());
            control.inner.store.run(move |tx| tx.forget_table(&id, &gone)).await?;
        }
        fail::fail_point!("reclaim.between_tables");
    }
    let epoch = group.epoch;
    Ok(cell.record().salvage.iter().filter(|s| s.epoch == epoch).map(|s| s.commits).sum())
}

/// Where a table's orphans go: below the external location that covers the table, outside every table.
fn aside_of(external_locations: &[String], location: &str, group: &FailoverGroup, table: &str) -> String {
    let location = location.trim_end_matches('/');
    let covers = |root: &&str| location.strip_prefix(*root).is_some_and(|rest| rest.starts_with('/'));
    let stem = external_locations
        .iter()
        .map(|root| root.trim_end_matches('/'))
        .filter(covers)
        .max_by_key(|root| root.len())
        .or_else(|| location.rsplit_once('/').map(|(parent, _)| parent))
        .unwrap_or(location);
    format!("{stem}/_salvage/{}/epoch-{}/{table}", group.spec.id, group.epoch)
}

/// Lists what was set aside of one table, in the store first.
async fn list(
    control: &Control,
    cell: &Cell,
    group: &FailoverGroup,
    name: &str,
    salvaged: Salvaged,
    aside_uri: &str,
) -> Result<(), ControlError> {
    if salvaged.folder.is_none() {
        return Ok(());
    }
    let last_version = salvaged.last_version.or(salvaged.common_version).unwrap_or_default();
    let view = SalvageView {
        table: name.to_owned(),
        epoch: group.epoch,
        first_version: salvaged.first_version,
        last_version,
        commits: salvaged.commits,
        rows: salvaged.rows,
        bytes: salvaged.bytes,
        folder: salvaged.folder.unwrap_or_else(|| aside_uri.to_owned()),
        at: control.now(),
    };
    let (id, row) = (cell.id.clone(), view.clone());
    let position = salvaged.position;
    control
        .inner
        .store
        .run(move |tx| {
            if let (Some(position), Some(known)) = (position, tx.table::<TableMemory>(&id, &row.table)?) {
                tx.put_table(&id, &row.table, &TableMemory { position, ..known })?;
            }
            tx.put_salvage(&id, row.epoch, &row.table, &row)
        })
        .await?;
    let mut record = cell.record();
    let shown = std::sync::Arc::make_mut(&mut record.salvage);
    shown.retain(|s| !(s.epoch == view.epoch && s.table == view.table));
    shown.insert(0, view);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FailoverGroupSpec, GroupId, GroupState};
    use chrono::Utc;

    #[test]
    fn what_is_set_aside_lies_outside_its_table_and_inside_the_narrowest_location_that_covers_it() {
        let now = Utc::now();
        let group = FailoverGroup {
            spec: FailoverGroupSpec {
                id: GroupId::new("core").expect("an id"),
                regions: vec!["east".into(), "west".into()],
                initial_primary_region: "east".into(),
                workspace_sets: vec![],
                unity_catalog_assets: None,
            },
            effective_primary_region: "west".into(),
            state: GroupState::InitialReplication,
            state_message: None,
            epoch: 2,
            bootstrapped: true,
            salvage_pending: true,
            etag: String::new(),
            create_time: now,
            update_time: now,
            replication_point: None,
            has_replication_point_blocking_errors: false,
            initial_replication_progress: None,
        };
        let roots = ["file:///e/".to_owned(), "file:///e/lake".to_owned(), "file:///e/lak".to_owned()];
        let aside = aside_of(&roots, "file:///e/lake/sales/orders", &group, "sales.x.orders");
        assert_eq!(aside, "file:///e/lake/_salvage/core/epoch-2/sales.x.orders");
    }
}
