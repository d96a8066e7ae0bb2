//! What groups let go of, by their deletion or a smaller scope: replicas that stay, and the epochs in their tables.

use crate::control::{Control, ControlError, audit};
use crate::domain::{CatalogName, Region};
use crate::replicate::{self, Endpoint};
use crate::store::Tx;
use crate::wire::unity_catalog::ISOLATION_ISOLATED;

/// Under which key the highest epoch of any table that a group released is stored.
const EPOCH_FLOOR: &str = "epoch_floor";

/// Keeps the epoch of tables that a group lets go: their markers stay, so the next owner begins above them.
pub(super) fn raise_epoch_floor(tx: &Tx<'_>, epoch: u64) -> rusqlite::Result<()> {
    let floor: u64 = tx.value(EPOCH_FLOOR)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    tx.set_value(EPOCH_FLOOR, &floor.max(epoch).to_string())
}

/// The highest epoch of any table that a group released; an epoch that begins is above it.
pub async fn epoch_floor(control: &Control) -> Result<u64, ControlError> {
    Ok(control.setting(EPOCH_FLOOR).await?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Under which key a replica that a group left is listed; the value is the group's name.
pub(super) fn left_replica_key(region: &Region, catalog: &CatalogName) -> String {
    format!("left_replica.{region}.{catalog}")
}

impl Control {
    /// The group that left the replica of `catalog` in `region` when it was deleted, unless it was released since.
    pub async fn left_by(&self, region: &Region, catalog: &CatalogName) -> Result<Option<String>, ControlError> {
        self.setting(&left_replica_key(region, catalog)).await
    }

    /// Releases a replica that a deleted group left: its workspace may write to it from now on.
    pub async fn release_replica(
        &self,
        actor: &str,
        region: &Region,
        catalog: &CatalogName,
    ) -> Result<String, ControlError> {
        // A group that is being created may take the replica up again.
        let creating = self.inner.creating.clone().lock_owned().await;
        let covering =
            self.handles().into_iter().map(|handle| handle.group()).find(|g| g.has_catalog(catalog.as_str()));
        if let Some(covering) = covering {
            return Err(ControlError::Refused {
                sentence: format!(
                    "Failover group {} covers {catalog}, so it can't be released in {region}. Take it out of the group first.",
                    covering.spec.id
                ),
            });
        }
        let Some(group) = self.left_by(region, catalog).await? else {
            return Err(ControlError::Refused {
                sentence: format!(
                    "Catalog {catalog} in {region} isn't the replica of a deleted failover group. There is nothing to release."
                ),
            });
        };
        let workspaces = &self.inner.deployment.workspaces;
        let workspace = workspaces.iter().find(|w| w.region == *region).ok_or_else(|| ControlError::BadArgument {
            sentence: format!("The account has no workspace in {region}."),
        })?;
        let endpoint = Endpoint::connect(region, &workspace.id, workspace.client.clone()).await?;
        let writer = workspace.id.number()?;
        replicate::set_writable(&endpoint, catalog.as_str(), &[writer], ISOLATION_ISOLATED).await?;
        let message = format!("Catalog {catalog} in {region}, left by failover group {group}, is writable now.");
        let line = audit::line(self.now(), actor, "replica.release", catalog.as_str(), message.clone());
        let (released, stored) = (left_replica_key(region, catalog), line.clone());
        let work = move |tx: &Tx<'_>| {
            tx.set_value(&released, "")?;
            tx.add_activity(&stored)
        };
        self.durably(creating, work, move |control, ()| control.show_activity(line)).await?;
        self.refresh_regions();
        Ok(message)
    }
}
