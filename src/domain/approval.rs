//! Two people for one failover: what a group asks, and what waits.

use super::failover::FailoverOrder;
use super::{FailoverKind, Timestamp};
use serde::{Deserialize, Serialize};

/// Minutes that a request may wait, at least and at most.
pub const WAIT_MINUTES: std::ops::RangeInclusive<u32> = 1..=10_080;

/// Whether a failover of a group waits for a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApprovalPolicy {
    /// Whether it waits at all.
    pub required: bool,
    /// Whether a forced failover goes ahead at once all the same.
    pub forced_exempt: bool,
    /// Minutes after which a request that no one approved expires.
    pub expires_minutes: u32,
}

impl Default for ApprovalPolicy {
    fn default() -> Self {
        Self { required: false, forced_exempt: false, expires_minutes: 60 }
    }
}

impl ApprovalPolicy {
    /// Whether a failover of `kind` waits for a second person.
    pub fn covers(&self, kind: FailoverKind) -> bool {
        self.required && !(self.forced_exempt && kind == FailoverKind::Forced)
    }

    /// What is wrong with it, as a sentence.
    pub fn problem(&self) -> Option<String> {
        (!WAIT_MINUTES.contains(&self.expires_minutes)).then(|| {
            let (least, most) = (WAIT_MINUTES.start(), WAIT_MINUTES.end());
            format!("A request can wait for {least} to {most} minutes. Enter such a number.")
        })
    }
}

/// Who asks for or approves something: two with one id are one, whatever they are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The id of the token or client, or of the window.
    pub id: String,
    /// The name, which is the actor in the audit log.
    pub name: String,
}

impl Asker {
    /// Someone who is known by a name alone.
    pub fn named(name: &str) -> Self {
        Self { id: format!("name:{name}"), name: name.to_owned() }
    }
}

/// A failover that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingApproval {
    /// Its id.
    pub id: String,
    /// What was asked for.
    pub order: FailoverOrder,
    /// By whom.
    pub asked_by: Asker,
    /// When.
    pub asked_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// The group's etag when it was asked: what is approved is what was seen.
    pub etag: String,
}

impl PendingApproval {
    /// Whether it still waits.
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// What waits and for what, for a person who comes across it.
    pub fn sentence(&self, group: &str) -> String {
        format!(
            "The {} to {} waits for approval by another token. {} asked for it (request {}), and it expires at {}. Approve it in the console, or with POST …/failover-groups/{group}/approval/approve.",
            self.order.words(),
            self.order.target,
            self.asked_by.name,
            self.id,
            self.expires_at.format("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forced_failover_waits_unless_it_is_exempt() {
        let none = ApprovalPolicy::default();
        assert!(!none.covers(FailoverKind::Planned) && !none.covers(FailoverKind::Forced));
        let all = ApprovalPolicy { required: true, ..none };
        assert!(all.covers(FailoverKind::Planned) && all.covers(FailoverKind::Forced));
        let exempt = ApprovalPolicy { forced_exempt: true, ..all };
        assert!(exempt.covers(FailoverKind::Planned) && !exempt.covers(FailoverKind::Forced));
        assert!(all.problem().is_none() && ApprovalPolicy { expires_minutes: 0, ..all }.problem().is_some());
    }

    #[test]
    fn what_waits_says_who_asked_and_until_when() {
        let at = chrono::DateTime::UNIX_EPOCH;
        let pending = PendingApproval {
            id: "1f".into(),
            order: FailoverOrder::new(&super::super::Region::new("west"), FailoverKind::Planned),
            asked_by: Asker::named("ci"),
            asked_at: at,
            expires_at: at + chrono::TimeDelta::minutes(30),
            etag: "e".into(),
        };
        assert!(pending.is_open(at) && !pending.is_open(pending.expires_at));
        let said = pending.sentence("core");
        for words in ["planned failover to west", "ci asked", "request 1f", "1970-01-01 00:30:00 UTC", "groups/core/"] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
}
