//! Deleting a failover group: replication stops, the replica stays whole and read-only.

use super::create::set_role;
use super::group_handle::GroupHandle;
use super::operation::Operation;
use super::worker::{record_error, settle};
use super::{Control, ControlError, audit, findings, left_behind, reclaim};
use crate::connect::WorkspaceRole;
use crate::domain::{Event, FailoverGroup, GroupId};
use crate::replicate::{self, Endpoint};
use crate::store::Tx;
use crate::wire::unity_catalog::ISOLATION_ISOLATED;
use std::time::Duration;

/// How long a region that was given up may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

impl Control {
    /// Begins to delete a group; durable when this returns. Refused while a region still has to be put in order.
    pub async fn delete_group(
        &self,
        actor: &str,
        id: &GroupId,
        etag: Option<&str>,
    ) -> Result<FailoverGroup, ControlError> {
        self.delete(actor, id, etag, None).await
    }

    /// [`Self::delete_group`], also while `region` still has to be put in order: its caller says that it is lost for good.
    /// What only that region holds is then set aside by nobody, and what a failover stopped there is started by nobody.
    pub async fn delete_group_giving_up(
        &self,
        actor: &str,
        id: &GroupId,
        etag: Option<&str>,
        region: &str,
    ) -> Result<FailoverGroup, ControlError> {
        self.delete(actor, id, etag, Some(region)).await
    }

    async fn delete(
        &self,
        actor: &str,
        id: &GroupId,
        etag: Option<&str>,
        given_up: Option<&str>,
    ) -> Result<FailoverGroup, ControlError> {
        let handle = self.handle(id)?;
        let write_lock = handle.lock_for_writing().await;
        if etag.is_some_and(|etag| etag != handle.group().etag) {
            return Err(ControlError::Stale { id: id.to_string() });
        }
        let given_up_region = given_up;
        let unsettled = handle.unsettled_region();
        match (&unsettled, given_up) {
            (Some(region), None) => {
                return Err(ControlError::Refused {
                    sentence: format!(
                        "Failover group {id} still has to reclaim {region} after its last failover. Delete the group after that. If {region} is lost for good, delete it with given_up_region={region}. Its unreplicated commits are then not salvaged, and nothing there is paused, resumed or made read-only."
                    ),
                });
            }
            (Some(region), Some(given_up)) if region != given_up => {
                return Err(ControlError::BadArgument {
                    sentence: format!(
                        "Failover group {id} isn't waiting for {given_up:?}. You can give up only {region}."
                    ),
                });
            }
            _ => {}
        }
        let in_place: Vec<String> = {
            let record = handle.record();
            let kept =
                record.left.iter().filter(|left| left.is_in_place() && Some(left.region.as_str()) != given_up_region);
            kept.map(|left| format!("{} in {}", left.lost.object, left.region)).collect()
        };
        if let Some(first) = in_place.first() {
            let more = if in_place.len() > 1 { format!(" and {} more", in_place.len() - 1) } else { String::new() };
            return Err(ControlError::Refused {
                sentence: format!(
                    "A failover of {id} left the only copy of {first}{more} behind. Copy what you need and release it, then delete the group."
                ),
            });
        }
        let gives_up = unsettled.is_some();
        let what = match &unsettled {
            Some(region) => format!("{actor} deleted failover group {id} and gave {region} up."),
            None => format!("{actor} deleted failover group {id}. Its replica stays, read-only."),
        };
        let line = audit::line(self.now(), actor, "failover_group.delete", id.as_str(), what);
        let given_up = |_: &mut FailoverGroup, operation: &mut Option<Operation>| {
            if let Some(operation) = operation {
                operation.given_up = gives_up;
            }
        };
        self.apply_locked(write_lock, &handle, Event::DeleteRequested, Some(line), given_up).await
    }
}

/// Under which key the highest epoch of any table that a group released is stored.
pub const EPOCH_FLOOR: &str = "epoch_floor";

/// Remembers the epoch of tables that a group lets go: their markers stay, so whoever takes them up begins above them.
pub fn raise_epoch_floor(tx: &Tx<'_>, epoch: u64) -> rusqlite::Result<()> {
    let floor: u64 = tx.value(EPOCH_FLOOR)?.and_then(|text| text.parse().ok()).unwrap_or(0);
    tx.set_value(EPOCH_FLOOR, &floor.max(epoch).to_string())
}

/// Under which key a replica that a deleted group left is listed; the value is the group's name.
pub fn left_key(region: &str, catalog: &str) -> String {
    format!("left_replica.{region}.{catalog}")
}

impl Control {
    /// The group that left the replica of `catalog` in `region` when it was deleted, unless it was released since.
    pub async fn left_by(&self, region: &str, catalog: &str) -> Result<Option<String>, ControlError> {
        self.setting(&left_key(region, catalog)).await
    }

    /// Releases a replica that a deleted group left: its workspace may write to it from now on.
    pub async fn release_replica(&self, actor: &str, region: &str, catalog: &str) -> Result<String, ControlError> {
        let Some(group) = self.left_by(region, catalog).await? else {
            return Err(ControlError::Refused {
                sentence: format!(
                    "Catalog {catalog} in {region} isn't the replica of a deleted failover group. There is nothing to release."
                ),
            });
        };
        let workspaces = &self.inner.deployment.workspaces;
        let workspace = workspaces.iter().find(|w| w.region == region).ok_or_else(|| ControlError::BadArgument {
            sentence: format!("The account has no workspace in {region}."),
        })?;
        let endpoint = Endpoint::connect(region, &workspace.id, workspace.client.clone()).await?;
        let writers: Vec<i64> = workspace.id.parse().into_iter().collect();
        replicate::set_writable(&endpoint, catalog, &writers, ISOLATION_ISOLATED).await?;
        let message = format!("Catalog {catalog} in {region}, left by failover group {group}, is writable now.");
        let line = audit::line(self.now(), actor, "replica.release", catalog, message.clone());
        let (released, stored) = (left_key(region, catalog), line.clone());
        let work = move |tx: &Tx<'_>| {
            tx.set_value(&released, "")?;
            tx.add_activity(&stored)
        };
        self.durably((), work, move |control, ()| control.show_activity(line)).await?;
        self.refresh_regions();
        Ok(message)
    }
}

/// Takes the group apart; None when it is gone.
pub async fn dismantle(control: &Control, handle: &GroupHandle) -> Option<Duration> {
    let group = handle.group();
    let outcome = async {
        let given_up = handle.operation().filter(|o| o.given_up).map(|o| o.from_region);
        for region in &group.spec.regions {
            let released = async {
                let endpoint = control.inner.deployment.endpoint(&group, region).await?;
                set_role(&endpoint, &group, WorkspaceRole::None).await
            };
            if given_up.as_ref() == Some(region) {
                // It is told if it happens to answer; nobody waits for it.
                let _ = tokio::time::timeout(PATIENCE, released).await;
            } else {
                let _ = released.await?;
            }
        }
        let is_replica = given_up.as_deref() != Some(group.effective_secondary_region());
        let (id, region) = (group.spec.id.clone(), group.effective_secondary_region().to_owned());
        let (catalogs, epoch) = (group.catalogs().to_vec(), group.epoch);
        let detached = control.detached(&group, None);
        let kept = detached.clone();
        let message = format!("Failover group {id} was deleted.");
        let line = audit::line(control.now(), "runtime", "failover_group.deleted", id.as_str(), message);
        let stored = line.clone();
        let work = move |tx: &Tx<'_>| {
            raise_epoch_floor(tx, epoch)?;
            reclaim::remove(tx, &id)?;
            left_behind::keep(tx, &id, &[])?;
            findings::keep(tx, &id, &[])?;
            // What a region that was given up holds is no replica of anything.
            for catalog in catalogs.iter().filter(|_| is_replica) {
                tx.set_value(&left_key(&region, catalog), id.as_str())?;
            }
            kept.iter().try_for_each(|url| tx.put_stable_url(url))?;
            tx.add_activity(&stored)?;
            tx.remove_group(&id)
        };
        let show = move |control: &Control, ()| {
            control.keep_urls(detached);
            control.show_activity(line);
        };
        control.durably((), work, show).await?;
        Ok::<(), ControlError>(())
    };
    match outcome.await {
        Ok(()) => {
            control.release(&group.spec.id);
            None
        }
        Err(error) if error.is_unreachable() => {
            record_error(control, handle, &error);
            Some(control.inner.settings.retry_pause * 4)
        }
        Err(error) => {
            let message = error.to_string();
            let told = format!("Couldn't delete failover group {}. {message}", handle.id);
            let line =
                audit::line(control.now(), "runtime", "failover_group.deletion_failed", handle.id.as_str(), told);
            let applied = control
                .apply(handle, Event::DeletionFailed, Some(line), |group, _| group.state_message = Some(message))
                .await;
            Some(settle(control, handle, applied.map(|_| ())))
        }
    }
}
