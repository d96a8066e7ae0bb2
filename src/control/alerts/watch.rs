//! What is to be told of a group, from how it stands and what was told before.

use super::condition::{Condition, Edge, Patience};
use crate::control::view::OperationOutcome;
use crate::domain::{
    Alert, AlertEvent, AlertTopic, Drill, DrillKind, DrillOutcome, FailoverKind, GroupId, Severity, Targets, Timestamp,
};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An isolated drill starts by itself: it is told as due only when it hasn't.
const LATE: TimeDelta = TimeDelta::minutes(2);

/// How a group stands.
pub struct Standing {
    pub id: GroupId,
    pub now: Timestamp,
    pub point: Option<Timestamp>,
    pub targets: Targets,
    /// The first error that holds the replication point, and how many do.
    pub blocked: Option<(String, usize)>,
    pub operation: Option<Failover>,
    /// The request that waits for a second person.
    pub waits: Option<String>,
    pub drill: Option<Arc<Drill>>,
    /// Which drill is due next, and when.
    pub next_drill: Option<(DrillKind, Timestamp)>,
}

/// The newest failover of a group.
pub struct Failover {
    pub id: String,
    pub kind: FailoverKind,
    pub from: String,
    pub to: String,
    pub outcome: OperationOutcome,
    pub message: Option<String>,
    pub rto_seconds: Option<f64>,
    pub commits_lost: Option<u64>,
    /// When it goes back by itself.
    pub provisional_until: Option<Timestamp>,
}

/// What was told of a group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watched {
    rpo: Condition,
    blocked: Condition,
    operation: Option<(String, OperationOutcome)>,
    waits: Option<String>,
    drill: Option<(String, Stage)>,
    due: Option<Timestamp>,
}

/// How far a drill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Runs,
    Waits,
    Ended,
}

fn stage(drill: &Drill) -> Stage {
    match drill.outcome {
        DrillOutcome::Running if drill.is_waiting() => Stage::Waits,
        DrillOutcome::Running => Stage::Runs,
        DrillOutcome::Held | DrillOutcome::NotHeld => Stage::Ended,
    }
}

/// A time as messages spell it.
pub fn utc(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A length of time in words.
fn span(length: TimeDelta) -> String {
    match length.num_seconds().max(0) {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
    }
}

impl Standing {
    fn alert(&self, event: AlertEvent, severity: Severity, key: &str, text: String, details: Value) -> Alert {
        let details: Map<String, Value> = details.as_object().cloned().unwrap_or_default();
        let key = format!("{}/{key}", self.id);
        Alert { event, severity, at: self.now, group: Some(self.id.clone()), key, text, details }
    }
}

impl Watched {
    /// A group that was not watched before: what has been is not told.
    pub fn first(now: &Standing) -> Self {
        Self {
            operation: now.operation.as_ref().map(|operation| (operation.id.clone(), operation.outcome)),
            waits: now.waits.clone(),
            drill: now.drill.as_ref().map(|drill| (drill.id.clone(), stage(drill))),
            ..Self::default()
        }
    }

    /// What is to be told now, of the topics that are heard.
    pub fn step(&mut self, now: &Standing, patience: Patience, heard: &BTreeSet<AlertTopic>) -> Vec<Alert> {
        let mut told = Vec::new();
        told.extend(self.step_rpo(now, patience, heard.contains(&AlertTopic::RpoTarget)));
        told.extend(self.step_blocked(now, patience, heard.contains(&AlertTopic::BlockingError)));
        told.extend(self.step_failover(now).filter(|_| heard.contains(&AlertTopic::Failover)));
        told.extend(self.step_drill(now).filter(|_| heard.contains(&AlertTopic::Drill)));
        told
    }

    fn step_rpo(&mut self, now: &Standing, patience: Patience, tells: bool) -> Option<Alert> {
        let id = &now.id;
        let lag = now.point.map(|point| now.now - point);
        let over = |lag: TimeDelta| now.targets.is_breached_by(u64::try_from(lag.num_milliseconds()).unwrap_or(0));
        let is_bad = match now.targets.rpo_s {
            None => Some(false),
            Some(_) => lag.map(over),
        };
        let target = now.targets.rpo_s.map_or(TimeDelta::zero(), |s| TimeDelta::seconds(i64::from(s)));
        // The target is how long it may last already.
        let patience = Patience { settle: TimeDelta::zero(), ..patience };
        let details = json!({
            "lag_seconds": lag.map(|lag| lag.num_seconds()),
            "rpo_target_seconds": now.targets.rpo_s,
            "replication_point": now.point,
        });
        Some(match self.rpo.step(is_bad, now.now, patience, tells)? {
            Edge::Begun { .. } => {
                let (lag, point) = (lag?, now.point?);
                let text = format!(
                    "{id} was {} behind at {}, over its RPO target of {}. Its replication point is {}.",
                    span(lag),
                    utc(now.now),
                    span(target),
                    utc(point)
                );
                now.alert(AlertEvent::RpoBreached, Severity::Critical, "rpo", text, details)
            }
            Edge::Ended { since, until } => {
                let text = match now.targets.rpo_s {
                    None => format!("{id} has no RPO target any more. It was over it since {}.", utc(since)),
                    Some(_) => format!(
                        "{id} is within its RPO target of {} since {}. It was over it for {}.",
                        span(target),
                        utc(until),
                        span(until - since)
                    ),
                };
                now.alert(AlertEvent::RpoRestored, Severity::Info, "rpo", text, details)
            }
        })
    }

    fn step_blocked(&mut self, now: &Standing, patience: Patience, tells: bool) -> Option<Alert> {
        let id = &now.id;
        let edge = self.blocked.step(Some(now.blocked.is_some()), now.now, patience, tells)?;
        Some(match edge {
            Edge::Begun { since } => {
                let (first, count) = now.blocked.clone()?;
                let more = if count > 1 { format!(" {} more errors hold it too.", count - 1) } else { String::new() };
                let text = format!("The replication point of {id} is held since {}. {first}{more}", utc(since));
                let details = json!({ "since": since, "errors": count });
                now.alert(AlertEvent::ReplicationBlocked, Severity::Warning, "blocked", text, details)
            }
            Edge::Ended { since, until } => {
                let text = format!(
                    "No error holds the replication point of {id} since {}. It was held for {}.",
                    utc(until),
                    span(until - since)
                );
                let details = json!({ "since": since, "until": until });
                now.alert(AlertEvent::ReplicationUnblocked, Severity::Info, "blocked", text, details)
            }
        })
    }

    /// The start of a failover is told by its own first step, and a request by whoever asks.
    fn step_failover(&mut self, now: &Standing) -> Option<Alert> {
        let id = &now.id;
        let before = self.operation.clone();
        self.operation = now.operation.as_ref().map(|operation| (operation.id.clone(), operation.outcome));
        let waited = std::mem::replace(&mut self.waits, now.waits.clone());
        if before == self.operation {
            let gone = waited.filter(|request| now.waits.as_ref() != Some(request));
            return gone.map(|_| {
                let text = format!(
                    "The failover of {id} that waited for approval was refused or has expired. Nothing failed over."
                );
                now.alert(AlertEvent::FailoverEnded, Severity::Info, "failover", text, json!({}))
            });
        }
        let operation = now.operation.as_ref()?;
        let Failover { from, to, outcome, .. } = operation;
        let kind = match operation.kind {
            FailoverKind::Planned => "planned failover",
            FailoverKind::Forced => "forced failover",
        };
        let why = operation.message.as_deref().map(|why| format!(" {why}")).unwrap_or_default();
        let (event, severity, text) = match outcome {
            OperationOutcome::Running => return None,
            OperationOutcome::Succeeded => {
                let took = match (operation.rto_seconds, now.targets.rto_s) {
                    (None, _) => String::new(),
                    (Some(took), None) => format!(" It took writes after {took:.1} s."),
                    (Some(took), Some(target)) if took > f64::from(target) => {
                        format!(" It took writes after {took:.1} s, over the RTO target of {target} s.")
                    }
                    (Some(took), Some(target)) => {
                        format!(" It took writes after {took:.1} s, within the RTO target of {target} s.")
                    }
                };
                let back = operation.provisional_until.map(|until| {
                    format!(" It is provisional: it is undone at {} unless a person keeps it.", utc(until))
                });
                let text = format!("The {kind} of {id} ended. {to} is the primary.{took}{}", back.unwrap_or_default());
                (AlertEvent::FailoverEnded, Severity::Info, text)
            }
            OperationOutcome::RolledBack => {
                let text = format!("The {kind} of {id} was rolled back. {from} stays the primary.{why}");
                (AlertEvent::FailoverEnded, Severity::Warning, text)
            }
            OperationOutcome::Failed => {
                let text = format!("The {kind} of {id} to {to} stopped and waits for a person. Retry it.{why}");
                (AlertEvent::FailoverStopped, Severity::Critical, text)
            }
        };
        let details = json!({
            "operation_id": operation.id,
            "failover_type": operation.kind,
            "outcome": outcome,
            "from_region": from,
            "to_region": to,
            "rto_seconds": operation.rto_seconds,
            "commits_lost": operation.commits_lost,
        });
        Some(now.alert(event, severity, "failover", text, details))
    }

    fn step_drill(&mut self, now: &Standing) -> Option<Alert> {
        let id = &now.id;
        let before = self.drill.clone();
        self.drill = now.drill.as_ref().map(|drill| (drill.id.clone(), stage(drill)));
        if before != self.drill
            && let (Some(drill), Some((_, stage))) = (&now.drill, &self.drill)
        {
            let details = json!({
                "drill_id": drill.id,
                "drill_kind": drill.kind,
                "outcome": drill.outcome,
                "tables_verified": drill.tables_verified,
                "rto_seconds": drill.rto_seconds,
                "rpo_seconds": drill.rpo_seconds,
            });
            let text = format!("{id}: {}", drill.sentence());
            return match stage {
                Stage::Runs => None,
                Stage::Waits => Some(now.alert(AlertEvent::DrillWaits, Severity::Warning, "drill", text, details)),
                Stage::Ended => {
                    let held = drill.outcome == DrillOutcome::Held;
                    let severity = if held { Severity::Info } else { Severity::Warning };
                    Some(now.alert(AlertEvent::DrillEnded, severity, "drill", text, details))
                }
            };
        }
        let (kind, at) = now.next_drill?;
        let is_running = now.drill.as_ref().is_some_and(|drill| drill.is_running());
        let wait = if kind == DrillKind::Isolated { LATE } else { TimeDelta::zero() };
        if is_running || now.now < at + wait || self.due == Some(at) {
            return None;
        }
        self.due = Some(at);
        let what = match kind {
            DrillKind::Full => "It moves the primary, so a person has to start it.",
            DrillKind::Isolated => "It couldn't start by itself. See why in the console.",
        };
        let text = format!("The {} of {id} is due since {}. {what}", kind.label(), utc(at));
        let details = json!({ "drill_kind": kind, "due": at });
        Some(now.alert(AlertEvent::DrillDue, Severity::Warning, "drill", text, details))
    }

    /// What was told of a group that is gone by now, and never ended.
    pub fn gone(&self, id: &str, now: Timestamp) -> Vec<Alert> {
        let ended = |event, key: &str| Alert {
            event,
            severity: Severity::Info,
            at: now,
            group: GroupId::new(id).ok(),
            key: format!("{id}/{key}"),
            text: format!("Failover group {id} was deleted, so nothing more is told of it."),
            details: Map::new(),
        };
        let rpo = self.rpo.is_open().then(|| ended(AlertEvent::RpoRestored, "rpo"));
        let blocked = self.blocked.is_open().then(|| ended(AlertEvent::ReplicationUnblocked, "blocked"));
        rpo.into_iter().chain(blocked).collect()
    }
}
