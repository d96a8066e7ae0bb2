//! A provisional failover: the new primary takes writes, the old one keeps its state, and until a person keeps the failover
//! it is undone by one click, or by itself when its time is over.

use super::group::{GroupChange, GroupHandle, record_error};
use super::operation::Operation;
use super::worker_cache::WorkerCache;
use super::{Control, ControlError, audit, reclaim};
use crate::domain::{Asker, Event, FailoverGroup, FailoverKind, GroupId, Timestamp};
use chrono::TimeDelta;
use std::time::Duration;

/// The longest rest of a worker whose group waits for a person.
const LONGEST_REST: Duration = Duration::from_secs(1);

impl Control {
    /// Makes a provisional failover an ordinary one: replication reverses, and what the old primary holds is reclaimed.
    pub async fn keep_failover(&self, actor: &str, id: &GroupId) -> Result<String, ControlError> {
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        let is_open = change.operation.as_ref().is_some_and(Operation::is_provisional);
        let provisional = change.operation.as_mut().filter(|_| is_open).and_then(|o| o.provisional.as_mut());
        let Some(provisional) = provisional else { return Err(none(id)) };
        provisional.ended = true;
        let to = provisional.primary.clone();
        let message = format!("{actor} kept the provisional failover of {id}. {to} stays primary.");
        change.log(audit::line(self.now(), actor, "failover_group.keep", id.as_str(), message.clone()));
        change.renew_etag();
        change.commit(self).await?;
        Ok(message)
    }

    /// Undoes a provisional failover: the old primary is primary again, as it was; what was written since is salvaged and
    /// listed.
    pub async fn undo_failover(&self, by: &Asker, id: &GroupId) -> Result<FailoverGroup, ControlError> {
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        let group = change.group.clone();
        let Some(before) = change.operation.clone().filter(Operation::is_provisional) else { return Err(none(id)) };
        let Some(provisional) = before.provisional.clone() else { return Err(none(id)) };
        let (from, to) = (&provisional.primary, &provisional.back_to);
        if let Some(since) = self.away_since(to) {
            return Err(ControlError::Refused {
                sentence: format!(
                    "{} hasn't responded since {}, so it can't become primary again. Wait until it responds, or keep the failover.",
                    to,
                    since.format("%Y-%m-%d %H:%M:%S UTC")
                ),
            });
        }
        let now = self.now();
        let new = uuid::Uuid::new_v4().to_string();
        let mut operation = Operation::new(new, FailoverKind::Forced, from, to, &by.name, now);
        operation.was_active = false;
        operation.point = group.replication_point.map(|point| point.min(now));
        operation.undoes = Some(before.id.clone());
        // Should it be rolled back, the failover is provisional as before.
        operation.provisional = Some(provisional.clone());
        // What ran there before the failover is to run there again.
        operation.also_resume = match before.undoes {
            None => before.paused,
            Some(_) => before.also_resume,
        };
        let left = self.inner.deployment.workspace_of(&group, from)?;
        operation.paused = self.last_known_workloads(&left.id);
        change.apply(Event::FailoverRequested { bootstrapped: group.bootstrapped }, now)?;
        change.operation = Some(operation);
        let message = format!(
            "{} undid the provisional failover of {id}. {to} becomes primary again, and what was written to {from} is salvaged.",
            by.name
        );
        change.log(audit::line(now, &by.name, "failover_group.undo", id.as_str(), message));
        let group = change.commit(self).await?;
        handle.record().mark(now, "failover undone");
        Ok(group)
    }
}

fn none(id: &GroupId) -> ControlError {
    ControlError::Refused { sentence: format!("No failover of {id} is provisional. It was kept, undone or never was.") }
}

/// Refuses what must wait until a provisional failover is kept or undone.
pub fn refuse_while_open(operation: Option<&Operation>, id: &GroupId) -> Result<(), ControlError> {
    match operation.filter(|operation| operation.is_provisional()).and_then(|operation| operation.provisional.as_ref())
    {
        None => Ok(()),
        Some(provisional) => Err(ControlError::Refused {
            sentence: format!(
                "The failover of {id} to {} is provisional. Keep it or undo it first.",
                provisional.primary
            ),
        }),
    }
}

/// What a worker does while a failover is provisional, and how long it rests then; None where none is.
///
/// Nothing replicates: the old primary keeps the state to which an undo goes back. One that wasn't fenced is, as soon as it
/// responds.
pub async fn tend(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) -> Option<Duration> {
    let operation = handle.operation().filter(Operation::is_provisional)?;
    let provisional = operation.provisional?;
    let now = control.now();
    let Some(until) = provisional.until.filter(|until| now < *until) else {
        let done = control.undo_failover(&Asker::named("runtime"), &handle.id).await;
        return Some(match done {
            Ok(_) => Duration::ZERO,
            Err(error) => {
                // The region that must become primary is away: it is tried again until it responds or a person decides.
                record_error(control, handle, &error);
                control.inner.settings.retry_pause
            }
        });
    };
    if handle.group().salvage_pending && !cache.is_fenced {
        match reclaim::fence_old(control, handle, cache).await {
            Ok(()) => cache.is_fenced = true,
            Err(error) => tracing::debug!(group = %handle.id, %error, "the old primary isn't fenced yet"),
        }
    }
    handle.record().sample_lag(now);
    let left = (until - now).to_std().unwrap_or_default();
    Some(left.clamp(Duration::from_millis(10), LONGEST_REST))
}

/// Starts the time of a provisional failover that has succeeded.
pub fn begin(operation: &mut Operation, now: Timestamp) {
    if let Some(provisional) = operation.provisional.as_mut() {
        provisional.until = Some(now + TimeDelta::minutes(i64::from(provisional.minutes)));
    }
}

/// Leaves a minute until an undo that was rolled back is tried again by itself.
pub fn begin_again(operation: &mut Operation, now: Timestamp) {
    if let Some(provisional) = operation.provisional.as_mut().filter(|_| operation.undoes.is_some()) {
        provisional.until = provisional.until.max(Some(now + TimeDelta::minutes(1)));
    }
}
