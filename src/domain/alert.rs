//! What people are told outside the console: by a webhook, once when something begins and once when it ends.

use super::{GroupId, Timestamp};
use serde::{Deserialize, Serialize};

/// What an alert is about. Each can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlertTopic {
    /// The replica is further behind than the RPO target.
    RpoTarget,
    /// An error holds the replication point.
    BlockingError,
    /// A failover began, ended or waits for a person.
    Failover,
    /// A drill is due, waits for a person or ended.
    Drill,
}

impl AlertTopic {
    pub const ALL: [Self; 4] = [Self::RpoTarget, Self::BlockingError, Self::Failover, Self::Drill];

    /// As screens call it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::RpoTarget => "RPO target",
            Self::BlockingError => "Blocking errors",
            Self::Failover => "Failovers",
            Self::Drill => "Drills",
        }
    }

    /// What it covers, as a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::RpoTarget => "A replica falls behind its target, and is within it again.",
            Self::BlockingError => "An error holds the replication point, and ends.",
            Self::Failover => "A failover begins, ends or waits for a person.",
            Self::Drill => "A drill is due, waits for a person or ends.",
        }
    }

    /// As other programs read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RpoTarget => "RPO_TARGET",
            Self::BlockingError => "BLOCKING_ERROR",
            Self::Failover => "FAILOVER",
            Self::Drill => "DRILL",
        }
    }
}

/// What an alert says happened; other programs read its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertEvent {
    RpoBreached,
    RpoRestored,
    ReplicationBlocked,
    ReplicationUnblocked,
    FailoverStarted,
    FailoverAwaitsApproval,
    FailoverEnded,
    /// It stopped after the point of no return and waits for a retry.
    FailoverStopped,
    DrillDue,
    DrillWaits,
    DrillEnded,
    Test,
    /// Ends the incident of a test.
    TestEnded,
}

/// How much an alert matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl AlertEvent {
    /// What it is about; None for a test.
    pub const fn topic(self) -> Option<AlertTopic> {
        match self {
            Self::RpoBreached | Self::RpoRestored => Some(AlertTopic::RpoTarget),
            Self::ReplicationBlocked | Self::ReplicationUnblocked => Some(AlertTopic::BlockingError),
            Self::FailoverStarted | Self::FailoverAwaitsApproval | Self::FailoverEnded | Self::FailoverStopped => {
                Some(AlertTopic::Failover)
            }
            Self::DrillDue | Self::DrillWaits | Self::DrillEnded => Some(AlertTopic::Drill),
            Self::Test | Self::TestEnded => None,
        }
    }

    /// Whether it ends what an earlier alert with the same key began.
    pub const fn ends(self) -> bool {
        matches!(
            self,
            Self::RpoRestored | Self::ReplicationUnblocked | Self::FailoverEnded | Self::DrillEnded | Self::TestEnded
        )
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RpoBreached => "rpo_breached",
            Self::RpoRestored => "rpo_restored",
            Self::ReplicationBlocked => "replication_blocked",
            Self::ReplicationUnblocked => "replication_unblocked",
            Self::FailoverStarted => "failover_started",
            Self::FailoverAwaitsApproval => "failover_awaits_approval",
            Self::FailoverEnded => "failover_ended",
            Self::FailoverStopped => "failover_stopped",
            Self::DrillDue => "drill_due",
            Self::DrillWaits => "drill_waits",
            Self::DrillEnded => "drill_ended",
            Self::Test => "test",
            Self::TestEnded => "test_ended",
        }
    }
}

/// One message to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub event: AlertEvent,
    pub severity: Severity,
    /// When it happened.
    pub at: Timestamp,
    /// The group; None for a test.
    pub group: Option<GroupId>,
    /// What begins and what ends with one key belong together.
    pub key: String,
    /// What happened and what to do, in sentences. No secret is in it.
    pub text: String,
    /// Further fields for programs.
    #[serde(default)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// What a webhook takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookFormat {
    /// One JSON object with `event`, `text` and more.
    #[default]
    Json,
    Slack,
    Teams,
    PagerDuty,
}

impl WebhookFormat {
    pub const ALL: [Self; 4] = [Self::Json, Self::Slack, Self::Teams, Self::PagerDuty];

    pub const fn label(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Slack => "Slack",
            Self::Teams => "Teams",
            Self::PagerDuty => "PagerDuty",
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Slack => "SLACK",
            Self::Teams => "TEAMS",
            Self::PagerDuty => "PAGER_DUTY",
        }
    }

    /// What the host of a URL takes, where its name tells.
    pub fn of_host(host: &str) -> Self {
        let below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        match () {
            () if below("hooks.slack.com") => Self::Slack,
            () if ["webhook.office.com", "logic.azure.com", "powerplatform.com"].into_iter().any(below) => Self::Teams,
            () if below("pagerduty.com") => Self::PagerDuty,
            () => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_tells_what_it_takes() {
        assert_eq!(WebhookFormat::of_host("hooks.slack.com"), WebhookFormat::Slack);
        assert_eq!(WebhookFormat::of_host("prod-1.westus.logic.azure.com"), WebhookFormat::Teams);
        assert_eq!(WebhookFormat::of_host("events.eu.pagerduty.com"), WebhookFormat::PagerDuty);
        assert_eq!(WebhookFormat::of_host("nothooks.slack.com.example.com"), WebhookFormat::Json);
    }

    #[test]
    fn every_event_but_a_test_is_about_something() {
        assert!(AlertEvent::Test.topic().is_none() && AlertEvent::DrillEnded.topic() == Some(AlertTopic::Drill));
        assert!(AlertEvent::RpoRestored.ends() && !AlertEvent::RpoBreached.ends());
    }
}
