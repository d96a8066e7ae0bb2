//! What a planned failover would leave behind, and what failovers left: refused, accepted by name, kept, released.

use super::group::{GroupChange, GroupHandle};
use super::operation::Operation;
use super::{Control, ControlError, audit};
use crate::domain::left_behind::{in_words, names_it, not_accepted};
use crate::domain::same_name;
use crate::domain::{FailoverGroup, FailoverKind, GroupId, LeftBehind, Region, Shortfall, Timestamp};
use crate::replicate::{self, Endpoint, ObjectRecord, ReplicaState};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a call may ask the source how much would be lost; what it can't tell by then stays unknown.
const PATIENCE: Duration = Duration::from_secs(4);

impl Control {
    /// [`Self::fail_over_accepting`] where nothing may be left behind.
    pub async fn fail_over(
        &self,
        actor: &str,
        id: &GroupId,
        target: &Region,
        kind: FailoverKind,
        etag: Option<&str>,
    ) -> Result<FailoverGroup, ControlError> {
        self.fail_over_accepting(actor, id, target, kind, etag, &[]).await
    }

    /// Refuses a planned failover while the last cycle knows of something that the secondary does not have and that
    /// `accepted` does not name.
    pub(super) async fn refuse_loss(&self, handle: &GroupHandle, accepted: &[String]) -> Result<(), ControlError> {
        let (group, objects) = (handle.group(), handle.record().objects.clone());
        let lost = not_accepted(&replicate::shortfalls(&objects), accepted);
        if lost.is_empty() {
            return Ok(());
        }
        let known = lost.clone();
        let asked = async {
            let source = self.inner.deployment.endpoint(&group, &group.effective_primary_region).await?;
            self.measure(&group.spec.id, &source, known).await
        };
        let lost = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(measured)) => measured,
            _ => lost,
        };
        // What was put right since, such as a file that came late, is found by the next cycle and not minutes later.
        handle.forget.store(true, Ordering::Relaxed);
        handle.wake.notify_one();
        Err(would_lose(&group, &lost))
    }

    /// Asks the source how much of `lost` it holds.
    pub(super) async fn measure(
        &self,
        id: &GroupId,
        source: &Endpoint,
        lost: Vec<Shortfall>,
    ) -> Result<Vec<Shortfall>, ControlError> {
        if lost.is_empty() {
            return Ok(lost);
        }
        let of = id.clone();
        let rows = self.inner.store.run(move |tx| tx.tables::<ReplicaState>(&of)).await?;
        let arrived: BTreeMap<String, ReplicaState> = rows.into_iter().map(|row| (row.name, row.body)).collect();
        Ok(replicate::measure(source, &arrived, lost, self.inner.clock.as_ref()).await)
    }

    /// Releases what a failover left behind of an object: the group lists it no longer. Nothing is deleted anywhere.
    pub async fn release_left_behind(&self, actor: &str, id: &GroupId, object: &str) -> Result<String, ControlError> {
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        let (gone, kept): (Vec<LeftBehind>, Vec<LeftBehind>) =
            change.left.iter().cloned().partition(|left| same_name(&left.lost.object, object));
        let Some(first) = gone.first() else {
            return Err(ControlError::BadArgument {
                sentence: format!("No failover of {id} left {object} behind. There is nothing to release."),
            });
        };
        let place = first.place().unwrap_or("a place that is not known").to_owned();
        let message = format!(
            "{actor} released {object}, which a failover of {id} left behind in {} at {place} ({}).",
            first.region,
            first.lost.amount()
        );
        let mut line = audit::line(self.now(), actor, "left_behind.release", id.as_str(), message);
        audit::show_change(&mut line, Some(&gone), None);
        change.left = Arc::new(kept);
        change.log(line);
        change.commit(self).await?;
        handle.wake.notify_one();
        Ok(format!("{object} was released. It stays at {place}. {id} no longer lists it."))
    }
}

/// Why a planned failover may not go on.
pub fn would_lose(group: &FailoverGroup, lost: &[Shortfall]) -> ControlError {
    let (from, to) = (&group.effective_primary_region, group.effective_secondary_region());
    let (what, verb, them, arrived) = match lost.len() {
        1 => ("one object".to_owned(), "has", "it", "it has arrived"),
        n => (format!("{n} objects"), "have", "them", "they have arrived"),
    };
    ControlError::Refused {
        sentence: format!(
            "A planned failover loses nothing, but {what} {verb} commits that aren't in {to}: {}. Fix {them} and wait until {arrived}. To leave {them} behind in {from}, name each in accept_left_behind.",
            in_words(lost)
        ),
    }
}

/// What a forced failover is known to leave behind when it is confirmed, for the audit log; empty where nothing is.
pub fn known_loss(objects: &[ObjectRecord]) -> String {
    let lost = replicate::shortfalls(objects);
    if lost.is_empty() { String::new() } else { format!(" It leaves behind what is flagged: {}.", in_words(&lost)) }
}

/// Whether a repeated call asks for what runs already; another list is another call.
pub fn same_acceptance(operation: &Operation, accepted: &[String]) -> Result<(), ControlError> {
    let all = |a: &[String], b: &[String]| a.iter().all(|name| names_it(b, name));
    if operation.kind == FailoverKind::Forced
        || (all(accepted, &operation.accepted) && all(&operation.accepted, accepted))
    {
        return Ok(());
    }
    let listed = match operation.accepted.as_slice() {
        [] => "nothing".to_owned(),
        names => names.join(", "),
    };
    Err(ControlError::Refused {
        sentence: format!(
            "A failover to {} is already running, and its accept_left_behind names {listed}. Wait until it ends, then ask again.",
            operation.to_region
        ),
    })
}

/// The list after the cutover of `operation`: what lies in the new primary's own tables is live again, and what this
/// failover leaves is added.
pub fn after_cut_over(
    before: &[LeftBehind],
    operation: &Operation,
    group: &FailoverGroup,
    at: Timestamp,
) -> Vec<LeftBehind> {
    let is_live = |left: &&LeftBehind| left.region == operation.to_region && left.is_in_place();
    let mut list: Vec<LeftBehind> = before.iter().filter(|left| !is_live(left)).cloned().collect();
    for lost in &operation.shortfalls {
        list.push(LeftBehind {
            lost: lost.clone(),
            region: operation.from_region.clone(),
            epoch: group.epoch,
            at,
            folder: None,
        });
    }
    list
}
