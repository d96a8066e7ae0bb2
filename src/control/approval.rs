//! A failover that waits for a second person: asked, told to people, approved, refused, expired.

use super::group::{GroupChange, GroupHandle};
use super::{Control, ControlError, audit};
use crate::domain::{
    Alert, AlertEvent, ApprovalPolicy, Asker, FailoverGroup, FailoverOrder, GroupId, PendingApproval, Severity,
    Timestamp,
};
use chrono::TimeDelta;
use serde_json::json;

impl Control {
    /// Whether failovers of a group wait for a second person, and what waits now.
    pub fn approval(&self, id: &GroupId) -> Result<(ApprovalPolicy, Option<PendingApproval>), ControlError> {
        let handle = self.handle(id)?;
        let record = handle.record();
        Ok((record.approval.policy, open(record.approval.pending.as_ref(), self.now())))
    }

    /// Sets whether failovers of a group wait for a second person. What waits already goes on waiting. `edit` gets what is
    /// set at this moment, so that two who change different parts both succeed.
    pub async fn set_approval(
        &self,
        actor: &str,
        id: &GroupId,
        edit: impl FnOnce(ApprovalPolicy) -> ApprovalPolicy + Send,
    ) -> Result<String, ControlError> {
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        let before = change.approval.policy;
        let policy = edit(before);
        if let Some(sentence) = policy.problem() {
            return Err(ControlError::BadArgument { sentence });
        }
        if before == policy {
            return Ok(format!("{id} keeps its approvals as they are."));
        }
        change.approval.policy = policy;
        let message = match (policy.required, policy.forced_exempt) {
            (false, _) => format!("{actor} set {id} to fail over without a second person."),
            (true, true) => format!("{actor} set planned failovers of {id} to wait for a second person."),
            (true, false) => format!("{actor} set every failover of {id} to wait for a second person."),
        };
        let mut line = audit::line(self.now(), actor, "failover_group.set_approval", id.as_str(), message.clone());
        audit::show_change(&mut line, Some(&before), Some(&policy));
        change.log(line);
        change.commit(self).await?;
        Ok(message)
    }

    /// Begins what waits. `by` must be someone else than who asked for it, and the group as it was then.
    pub async fn approve(&self, by: &Asker, id: &GroupId, request: &str) -> Result<FailoverGroup, ControlError> {
        let handle = self.handle(id)?;
        let pending = self.waiting(&handle, request)?;
        // Where only a name is known, everyone with that name counts as the one who asked.
        if pending.asked_by.id == by.id || pending.asked_by == Asker::named(&by.name) {
            return Err(ControlError::Refused {
                sentence: format!(
                    "{} asked for this failover of {id}, so someone with another token must approve it.",
                    by.name
                ),
            });
        }
        self.start_failover(&pending.asked_by, id, pending.order.clone(), Some(&pending.etag), Some((&pending, by)))
            .await
    }

    /// Drops what waits: nothing fails over.
    pub async fn refuse(&self, by: &Asker, id: &GroupId, request: &str) -> Result<String, ControlError> {
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        let pending = self.waiting(&handle, request)?;
        change.approval.pending = None;
        let message = format!(
            "{} refused the {} of {id} to {} that {} asked for.",
            by.name,
            pending.order.words(),
            pending.order.target,
            pending.asked_by.name
        );
        change.log(audit::line(self.now(), &by.name, "failover_group.refuse", id.as_str(), message.clone()));
        change.commit(self).await?;
        Ok(message)
    }

    fn waiting(&self, handle: &GroupHandle, request: &str) -> Result<PendingApproval, ControlError> {
        let pending = open(handle.record().approval.pending.as_ref(), self.now());
        pending.filter(|pending| pending.id == request).ok_or_else(|| ControlError::Refused {
            sentence: format!(
                "No failover of {} with the request id {request} waits for approval. It was approved, refused or expired.",
                handle.id
            ),
        })
    }

    /// Keeps what is asked for until a second person approves it; the error says that it waits. Asking again for the same
    /// changes nothing, and asking for something else while one waits is refused.
    pub(super) async fn await_approval(
        &self,
        mut change: GroupChange,
        by: &Asker,
        order: FailoverOrder,
    ) -> Result<FailoverGroup, ControlError> {
        let (now, group) = (self.now(), change.group.clone());
        let id = group.spec.id.clone();
        if let Some(known) = open(change.approval.pending.as_ref(), now) {
            return Err(ControlError::AwaitsApproval { sentence: known.sentence(id.as_str()) });
        }
        let pending = PendingApproval {
            id: uuid::Uuid::new_v4().simple().to_string(),
            expires_at: now + TimeDelta::minutes(i64::from(change.approval.policy.expires_minutes)),
            order,
            asked_by: by.clone(),
            asked_at: now,
            etag: group.etag.clone(),
        };
        let message = format!(
            "{} asked for a {} of {id} to {}. It waits for a second person until {}.",
            by.name,
            pending.order.words(),
            pending.order.target,
            pending.expires_at.format("%Y-%m-%d %H:%M:%S UTC")
        );
        change.log(audit::line(now, &by.name, "failover_group.ask", id.as_str(), message));
        let sentence = pending.sentence(id.as_str());
        change.approval.pending = Some(pending.clone());
        change.commit(self).await?;
        self.tell_of_request(&group, pending).await;
        Err(ControlError::AwaitsApproval { sentence })
    }

    /// Tells people that a failover waits, with the page on which it can be approved.
    async fn tell_of_request(&self, group: &FailoverGroup, pending: PendingApproval) {
        let id = group.spec.id.clone();
        let page = self.api_url().map(|url| format!("{}/approvals/{id}/{}", url.trim_end_matches('/'), pending.id));
        let text = match &page {
            Some(page) => format!("{} Approve or refuse it: {page}", pending.sentence(id.as_str())),
            None => pending.sentence(id.as_str()),
        };
        let details = json!({
            "failover_type": pending.order.kind,
            "from_region": group.effective_primary_region,
            "to_region": pending.order.target,
            "requested_by": pending.asked_by.name,
            "request_id": pending.id,
            "expires": pending.expires_at,
            "approve_url": page,
        });
        self.tell(Alert {
            event: AlertEvent::FailoverAwaitsApproval,
            severity: Severity::Warning,
            at: pending.asked_at,
            key: format!("{id}/failover"),
            group: Some(id),
            text,
            details: details.as_object().cloned().unwrap_or_default(),
        })
        .await;
    }
}

/// Drops a request that no one approved in time, with a line of the audit log.
pub async fn expire(control: &Control, handle: &GroupHandle) -> Result<(), ControlError> {
    let now = control.now();
    let is_over = |pending: &PendingApproval| !pending.is_open(now);
    if !handle.record().approval.pending.as_ref().is_some_and(is_over) {
        return Ok(());
    }
    let mut change = GroupChange::of(handle).await;
    let Some(pending) = change.approval.pending.take_if(|pending| is_over(pending)) else { return Ok(()) };
    let message = format!(
        "The {} of {} to {} that {} asked for expired, because no one approved it.",
        pending.order.words(),
        handle.id,
        pending.order.target,
        pending.asked_by.name
    );
    change.log(audit::line(now, "runtime", "failover_group.approval_expired", handle.id.as_str(), message));
    change.commit(control).await.map(|_| ())
}

/// What waits, unless its time is over.
pub fn open(pending: Option<&PendingApproval>, now: Timestamp) -> Option<PendingApproval> {
    pending.filter(|pending| pending.is_open(now)).cloned()
}
