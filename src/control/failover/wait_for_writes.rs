//! Wait for writes: the old primary's catalogs become read-only, then no commit may land for a while.

use super::{StepContext, StepEnd};
use crate::control::operation::{Operation, RememberedCatalog};
use crate::control::{Control, ControlError};
use crate::delta;
use crate::domain::FailoverGroup;
use crate::replicate::{self, Link};
use crate::wire::unity_catalog::{ISOLATION_OPEN, TABLE_VIEW};
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::time::Instant as Stopwatch;

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let (group, old) = (context.group(), context.old_primary().await?);
    let found = modes(&old, &group).await?;
    // Remembered before anything is changed, for a rollback and for the new primary.
    context.journal(|operation| remember(operation, found)).await?;
    make_read_only(&old, &group).await?;
    fail::fail_point!("failover.after_read_only");
    let watch = Stopwatch::now();
    until_quiet(context.control, &group, &old).await?;
    Ok(StepEnd::Done(format!(
        "{} catalogs are read-only; the last write ended within {:.1} s.",
        group.catalogs().len(),
        watch.elapsed().as_secs_f64()
    )))
}

/// How the group's catalogs are isolated now.
pub async fn modes(link: &Link, group: &FailoverGroup) -> Result<Vec<RememberedCatalog>, ControlError> {
    let all = link.client.catalogs().await?.into_iter().filter(|c| group.catalogs().contains(&c.name));
    Ok(all
        .map(|c| RememberedCatalog {
            name: c.name,
            isolation_mode: c.isolation_mode.unwrap_or_else(|| ISOLATION_OPEN.to_owned()),
        })
        .collect())
}

/// Adds what is not remembered yet.
pub fn remember(operation: &mut Operation, found: Vec<RememberedCatalog>) {
    for catalog in found {
        if !operation.remembered.catalogs.iter().any(|c| c.name == catalog.name) {
            operation.remembered.catalogs.push(catalog);
        }
    }
}

/// Makes every catalog of the group that the region has read-only.
pub async fn make_read_only(link: &Link, group: &FailoverGroup) -> Result<(), ControlError> {
    for catalog in link.client.catalogs().await? {
        if group.catalogs().contains(&catalog.name) {
            replicate::set_read_only(link, &catalog.name).await?;
        }
    }
    Ok(())
}

/// Waits until no table's newest version moved for the quiet period.
pub async fn until_quiet(control: &Control, group: &FailoverGroup, link: &Link) -> Result<(), ControlError> {
    let settings = &control.inner.settings;
    let watch = Stopwatch::now();
    let mut before = versions(control, group, link).await?;
    loop {
        tokio::time::sleep(settings.quiet_period).await;
        let now = versions(control, group, link).await?;
        let moving: Vec<&String> =
            now.iter().filter(|(name, v)| before.get(*name) != Some(v)).map(|(name, _)| name).collect();
        if moving.is_empty() {
            return Ok(());
        }
        if watch.elapsed() > settings.quiet_timeout {
            let names = moving.iter().take(3).map(|n| n.as_str()).collect::<Vec<_>>().join(", ");
            return Err(ControlError::Refused {
                sentence: format!(
                    "{} is read-only, but something still commits to {names} after {} s, so it writes past the catalog. Stop it, then fail over again, or force the failover.",
                    link.region,
                    settings.quiet_timeout.as_secs()
                ),
            });
        }
        before = now;
    }
}

/// The newest version of every table of the group in one region; a table whose log cannot be read is left out.
async fn versions(
    control: &Control,
    group: &FailoverGroup,
    link: &Link,
) -> Result<BTreeMap<String, i64>, ControlError> {
    let inventory = replicate::read_inventory(link, group.catalogs()).await?;
    let tables =
        inventory.tables().filter(|t| t.table_type != TABLE_VIEW && replicate::unsupported_reason(t).is_none());
    let places: Vec<(String, String)> =
        tables.filter_map(|t| Some((t.full_name(), t.storage_location.clone()?))).collect();
    let found: Vec<Result<Option<(String, i64)>, ControlError>> = stream::iter(places)
        .map(|(name, location)| async move {
            let (root, _) = replicate::root_of(link, &location, false, control.inner.clock.as_ref()).await?;
            Ok(delta::latest(&root).await.ok().flatten().map(|latest| (name, latest.version)))
        })
        .buffer_unordered(8)
        .collect()
        .await;
    found.into_iter().filter_map(Result::transpose).collect()
}
