//! Confirming a failover, and trying a failed step again.

use crate::control::group::GroupChange;
use crate::control::operation::Operation;
use crate::control::view::OperationOutcome;
use crate::control::{Control, ControlError, assets, audit, left_behind, provisional};
use crate::domain::failover::PROVISIONAL_MINUTES;
use crate::domain::{
    Asker, AssetKind, Event, FailoverGroup, FailoverKind, FailoverOrder, GroupId, GroupState, PendingApproval,
    Provisional, Region, group_state,
};

impl Control {
    /// Confirms a failover: durable when this returns, and the answer already shows FAILING_OVER.
    ///
    /// Asking for the region that is primary already changes nothing, nor does asking again for what runs, so a repeated
    /// call is harmless. Asking for the other kind while one runs is refused: the caller would believe its promises.
    /// A planned one leaves nothing behind but what `accepted` names.
    pub async fn fail_over_accepting(
        &self,
        actor: &str,
        id: &GroupId,
        target: &Region,
        kind: FailoverKind,
        etag: Option<&str>,
        accepted: &[String],
    ) -> Result<FailoverGroup, ControlError> {
        let order = FailoverOrder { accepted: accepted.to_vec(), ..FailoverOrder::new(target, kind) };
        self.order_failover(&Asker::named(actor), id, order, etag).await
    }

    /// [`Self::fail_over_accepting`] with all that can be asked for, by someone whom a second person can be told from.
    pub async fn order_failover(
        &self,
        by: &Asker,
        id: &GroupId,
        order: FailoverOrder,
        etag: Option<&str>,
    ) -> Result<FailoverGroup, ControlError> {
        self.start_failover(by, id, order, etag, None).await
    }

    /// Begins a failover, or keeps it until a second person approves it. `approved` is what waited, and who approves it now.
    pub(in crate::control) async fn start_failover(
        &self,
        by: &Asker,
        id: &GroupId,
        order: FailoverOrder,
        etag: Option<&str>,
        approved: Option<(&PendingApproval, &Asker)>,
    ) -> Result<FailoverGroup, ControlError> {
        let FailoverOrder { target, kind, accepted, as_of, provisional_minutes } = &order;
        let (target, kind, accepted, actor) = (target, *kind, accepted.as_slice(), by.name.as_str());
        let handle = self.handle(id)?;
        if provisional_minutes.is_some_and(|minutes| !PROVISIONAL_MINUTES.contains(&minutes)) {
            return Err(ControlError::BadArgument {
                sentence: "A failover can be provisional for 1 to 10080 minutes. Choose such a number.".to_owned(),
            });
        }
        let seen = handle.group();
        if let Some(at) = as_of.filter(|_| seen.state.replicates() && seen.effective_primary_region != *target) {
            self.versions_as_of(&seen, target, at).await?.refuse()?;
        }
        let mut change = GroupChange::of(&handle).await;
        let group = change.group.clone();
        if let Some((pending, _)) = approved
            && change.approval.pending.as_ref() != Some(pending)
        {
            return Err(ControlError::Refused {
                sentence: format!("The request {} for a failover of {id} no longer waits.", pending.id),
            });
        }
        if !group.spec.regions.iter().any(|r| r == target) {
            return Err(ControlError::BadArgument {
                sentence: format!(
                    "{target:?} isn't a region of failover group {id}. Name one of {}.",
                    group.spec.regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
                ),
            });
        }
        if etag.is_some_and(|etag| etag != group.etag) {
            return Err(ControlError::Stale { id: id.to_string() });
        }
        let running = change.operation.as_ref().filter(|o| {
            group.state == GroupState::FailingOver && o.outcome == OperationOutcome::Running && o.to_region == *target
        });
        if let Some(running) = running {
            if running.kind != kind {
                return Err(other_kind_runs(id, running.kind, target));
            }
            if running.as_of != *as_of {
                return Err(ControlError::Refused {
                    sentence: format!(
                        "A failover to {target} is already running to another instant. Wait until it ends."
                    ),
                });
            }
            return left_behind::same_acceptance(running, accepted).map(|()| group);
        }
        if group.effective_primary_region == *target {
            return match group.state {
                GroupState::FailingOver => Err(ControlError::Refused {
                    sentence: format!(
                        "Failover group {id} is failing over away from {target} now. Wait until that ends."
                    ),
                }),
                _ => Ok(group),
            };
        }
        provisional::refuse_while_open(change.operation.as_ref(), id)?;
        if group.salvage_pending {
            let why = if self.away_since(target).is_some() { "doesn't respond, and" } else { "is being reclaimed:" };
            return Err(ControlError::Refused {
                sentence: format!(
                    "{target} isn't a replica yet. It {why} its unreplicated commits of the last failover must be salvaged first. Wait until the group is ACTIVE."
                ),
            });
        }
        if kind == FailoverKind::Planned {
            self.refuse_loss(&handle, accepted).await?;
        }
        if approved.is_none() && change.approval.policy.covers(kind) {
            // Nothing waits that could not begin now.
            group_state::apply(group.state, Event::FailoverRequested { bootstrapped: group.bootstrapped })?;
            return self.await_approval(change, by, order.clone()).await;
        }
        change.approval.pending = None;
        let requested_by = match approved {
            Some((_, by)) => format!("{actor}, approved by {}", by.name),
            None => actor.to_owned(),
        };
        let now = self.now();
        let mut operation = Operation::new(
            uuid::Uuid::new_v4().to_string(),
            kind,
            &group.effective_primary_region,
            target,
            &requested_by,
            now,
        );
        if let Some(at) = as_of {
            operation = operation.at_instant(*at);
        }
        operation.provisional = provisional_minutes.map(|minutes| Provisional {
            primary: target.clone(),
            back_to: group.effective_primary_region.clone(),
            minutes,
            until: None,
            ended: false,
        });
        operation.was_active = group.state == GroupState::Active;
        if kind == FailoverKind::Forced {
            let left = self.inner.deployment.workspace_of(&group, &group.effective_primary_region)?;
            operation.paused = self.last_known_workloads(&left.id);
            if let Some(ids) = assets::ids_of(self, &group).await? {
                let side = assets::side_of(&group, &group.effective_primary_region);
                // The old primary can't be asked in which places its jobs ran. The last pass saw them.
                for job in &mut operation.paused.jobs {
                    let seen = ids.find(side, AssetKind::Job, &job.job_id.to_string());
                    job.places = seen.map(|row| row.body.unpaused.clone()).unwrap_or_default();
                }
            }
        }
        // A point that a wrong clock timed ahead is withdrawn by the worker, which may not have come to it.
        operation.point = group.replication_point.map(|point| point.min(now));
        operation.accepted = accepted.to_vec();
        let word = order.words();
        let line = audit::line(
            now,
            approved.map_or(actor, |(_, by)| by.name.as_str()),
            "failover_group.fail_over",
            id.as_str(),
            format!(
                "{requested_by} confirmed a {word} of {id} from {} to {target}.{}",
                group.effective_primary_region,
                match kind {
                    FailoverKind::Planned => String::new(),
                    FailoverKind::Forced => left_behind::known_loss(&handle.record().objects),
                }
            ),
        );
        // What an earlier failover stopped and could not start again is still pending, now to the new primary.
        if let Some(earlier) = change.operation.take().filter(|o| o.restore_pending) {
            operation.paused.take_over(earlier.paused);
        }
        change.apply(Event::FailoverRequested { bootstrapped: group.bootstrapped }, now)?;
        change.operation = Some(operation);
        change.log(line);
        let group = change.commit(self).await?;
        handle.record().mark(now, word);
        fail::fail_point!("control.after_failover_confirmed");
        Ok(group)
    }

    /// Tries the failed phase of a group again.
    pub async fn retry(&self, actor: &str, id: &GroupId) -> Result<FailoverGroup, ControlError> {
        let handle = self.handle(id)?;
        let now = self.now();
        let mut change = GroupChange::of(&handle).await;
        change.apply(Event::RetryRequested, now)?;
        // A failed creation or deletion is tried again without a look at a failover that is over.
        let is_failover = change.group.state == GroupState::FailingOver;
        let failed = |operation: &&mut Operation| is_failover && operation.outcome == OperationOutcome::Failed;
        if let Some(operation) = change.operation.as_mut().filter(failed) {
            operation.outcome = OperationOutcome::Running;
            operation.ended = None;
        }
        let message = format!("{actor} asked to retry the failed step of {id}.");
        change.log(audit::line(now, actor, "failover_group.retry", id.as_str(), message));
        change.commit(self).await
    }
}

fn other_kind_runs(id: &GroupId, running: FailoverKind, target: &Region) -> ControlError {
    let sentence = match running {
        FailoverKind::Forced => format!(
            "A FORCED failover of {id} to {target} is running, so a PLANNED one can't start. Wait until the forced one ends."
        ),
        FailoverKind::Planned => format!(
            "A PLANNED failover of {id} to {target} is running, so a FORCED one can't start. Wait until the planned one ends. If it rolls back, ask for FORCED again."
        ),
    };
    ControlError::Refused { sentence }
}
