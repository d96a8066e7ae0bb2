//! Deleting a failover group: replication stops, the replica stays whole and read-only.

use super::released::{left_replica_key, raise_epoch_floor};
use super::{GroupChange, GroupHandle, record_error, settle};
use crate::connect::WorkspaceRole;
use crate::control::acts::set_role;
use crate::control::{Control, ControlError, audit, provisional};
use crate::domain::{Event, FailoverGroup, GroupId, Region};
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
    /// What only that region holds is then salvaged by no one, and what a failover stopped there is started by no one.
    pub async fn delete_group_giving_up(
        &self,
        actor: &str,
        id: &GroupId,
        etag: Option<&str>,
        region: &Region,
    ) -> Result<FailoverGroup, ControlError> {
        self.delete(actor, id, etag, Some(region.as_str())).await
    }

    async fn delete(
        &self,
        actor: &str,
        id: &GroupId,
        etag: Option<&str>,
        given_up: Option<&str>,
    ) -> Result<FailoverGroup, ControlError> {
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        if etag.is_some_and(|etag| etag != change.group.etag) {
            return Err(ControlError::Stale { id: id.to_string() });
        }
        provisional::refuse_while_open(change.operation.as_ref(), id)?;
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
            let in_place = change.left.iter().filter(|left| left.is_in_place());
            let kept = in_place.filter(|left| Some(left.region.as_str()) != given_up_region);
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
        let what = match &unsettled {
            Some(region) => format!("{actor} deleted failover group {id} and gave {region} up."),
            None => format!("{actor} deleted failover group {id}. Its replica stays, read-only."),
        };
        let now = self.now();
        change.apply(Event::DeleteRequested, now)?;
        if let Some(operation) = &mut change.operation {
            operation.given_up = unsettled.is_some();
        }
        change.log(audit::line(now, actor, "failover_group.delete", id.as_str(), what));
        change.commit(self).await
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
                // It is told if it happens to answer; no one waits for it.
                let _ = tokio::time::timeout(PATIENCE, released).await;
            } else {
                let _ = released.await?;
            }
        }
        let is_replica = given_up.as_ref() != Some(group.effective_secondary_region());
        let (id, region) = (group.spec.id.clone(), group.effective_secondary_region().to_owned());
        let (catalogs, epoch) = (group.catalogs().to_vec(), group.epoch);
        let detached = control.detached(&group, None);
        let kept = detached.clone();
        let message = format!("Failover group {id} was deleted.");
        let mut change = GroupChange::of(handle).await;
        change.log(audit::line(control.now(), "runtime", "failover_group.deleted", id.as_str(), message));
        change.also(move |tx| {
            raise_epoch_floor(tx, epoch)?;
            // What a region that was given up holds isn't a replica of anything.
            for catalog in catalogs.iter().filter(|_| is_replica) {
                tx.set_value(&left_replica_key(&region, catalog), id.as_str())?;
            }
            kept.iter().try_for_each(|url| tx.put_stable_url(url))
        });
        change.then(move |control| control.keep_urls(detached));
        change.remove();
        change.commit(control).await?;
        Ok::<(), ControlError>(())
    };
    match outcome.await {
        Ok(()) => None,
        // A store that can't take the record, as on a full disk, says nothing about the group either.
        Err(error) if error.is_unreachable() || error.is_of_store() => {
            record_error(control, handle, &error);
            Some(control.inner.settings.retry_pause * 4)
        }
        Err(error) => {
            let message = error.to_string();
            let told = format!("Couldn't delete failover group {}. {message}", handle.id);
            let line =
                audit::line(control.now(), "runtime", "failover_group.deletion_failed", handle.id.as_str(), told);
            let failed = async {
                let mut change = GroupChange::of(handle).await;
                change.apply(Event::DeletionFailed, control.now())?;
                change.group.state_message = Some(message);
                change.log(line);
                change.commit(control).await.map(|_| ())
            };
            Some(settle(control, handle, failed.await))
        }
    }
}
