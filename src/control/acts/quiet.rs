//! Waiting until nothing commits any more.

use crate::connect::TablePlace;
use crate::control::names::some;
use crate::control::{Control, ControlError};
use crate::delta::{self, TableRoot};
use crate::domain::FailoverGroup;
use crate::domain::left_behind::names_it;
use crate::replicate::{self, Access, Endpoint};
use crate::wire::unity_catalog::TABLE_VIEW;
use std::sync::Arc;
use std::time::Instant;

/// Waits until no table's newest version moved for the quiet period. What storage it opens it leaves in `access`; of what
/// is `accepted` to be left behind, storage may be refused.
pub async fn until_quiet(
    control: &Control,
    group: &FailoverGroup,
    endpoint: &Endpoint,
    access: &mut Access,
    accepted: &[String],
) -> Result<(), ControlError> {
    let settings = &control.inner.settings;
    let watch = Instant::now();
    let tables = roots(control, group, endpoint, access, accepted).await?;
    let roots: Arc<Vec<TableRoot>> = Arc::new(tables.iter().map(|(_, root)| root.clone()).collect());
    let mut before = delta::newest_versions(roots.clone()).await;
    loop {
        tokio::time::sleep(settings.quiet_period).await;
        let now = delta::newest_versions(roots.clone()).await;
        let moved = |(then, now): (&Option<i64>, &Option<i64>)| now.is_some() && then != now;
        let moving: Vec<&str> = tables
            .iter()
            .zip(before.iter().zip(&now))
            .filter(|(_, versions)| moved(*versions))
            .map(|((name, _), _)| name.as_str())
            .collect();
        if moving.is_empty() {
            return Ok(());
        }
        if watch.elapsed() > settings.quiet_timeout {
            return Err(ControlError::Refused {
                sentence: format!(
                    "{} is read-only, but a writer still commits to {} after {} s, bypassing the catalog. Stop it, then fail over again, or force the failover.",
                    endpoint.region,
                    some(&moving),
                    settings.quiet_timeout.as_secs()
                ),
            });
        }
        before = now;
    }
}

/// Every table of the group in one region with its root; the catalog is read-only, so none is made in the meantime.
async fn roots(
    control: &Control,
    group: &FailoverGroup,
    endpoint: &Endpoint,
    access: &mut Access,
    accepted: &[String],
) -> Result<Vec<(String, TableRoot)>, ControlError> {
    let inventory = replicate::read_inventory(endpoint, group.catalogs()).await?;
    let tables =
        inventory.tables().filter(|t| t.table_type != TABLE_VIEW && replicate::unsupported_reason(t).is_none());
    let (names, places): (Vec<String>, Vec<TablePlace>) =
        tables.filter_map(|t| Some((t.full_name(), TablePlace::of(t)?))).unzip();
    let opened = replicate::roots_of(endpoint, &places, false, control.inner.clock.as_ref()).await;
    let mut found = Vec::with_capacity(names.len());
    for ((name, place), opened) in names.into_iter().zip(&places).zip(opened) {
        let granted = match opened {
            // What is left behind anyway must not keep the rest.
            Err(error) if names_it(accepted, &name) && !error.is_unreachable() => continue,
            opened => opened?,
        };
        found.push((name, granted.root.clone()));
        access.keep(&place.uri, false, granted);
    }
    Ok(found)
}
