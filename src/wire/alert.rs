//! The body of an alert, as each kind of webhook takes it.

use super::Secret;
use crate::domain::{Alert, AlertEvent, Severity, WebhookFormat};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

/// Characters of a text at most: what PagerDuty takes as a summary, and more than any sentence here has.
const LONGEST: usize = 1024;

/// The body of an alert. `routing_key` is PagerDuty's.
pub fn alert_body(format: WebhookFormat, alert: &Alert, routing_key: Option<&Secret>) -> Value {
    let text: String = alert.text.chars().take(LONGEST).collect();
    match format {
        WebhookFormat::Json => Value::Object(fields(alert, &text)),
        WebhookFormat::Slack => json!({ "text": escaped(&format!("{} {text}", sign(alert))) }),
        WebhookFormat::Teams => json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                        { "type": "TextBlock", "text": title(alert), "weight": "Bolder", "color": color(alert), "wrap": true },
                        { "type": "TextBlock", "text": text, "wrap": true },
                        { "type": "TextBlock", "text": at(alert), "isSubtle": true, "size": "Small" },
                    ],
                },
            }],
        }),
        WebhookFormat::PagerDuty => json!({
            "routing_key": routing_key.map_or("", Secret::expose),
            "event_action": if alert.event.ends() { "resolve" } else { "trigger" },
            "dedup_key": alert.key,
            "payload": {
                "summary": text,
                "source": alert.group.as_ref().map_or("resilience-console", |group| group.as_str()),
                "severity": severity(alert),
                "timestamp": at(alert),
                "class": alert.event.as_str(),
                "custom_details": fields(alert, &text),
            },
        }),
    }
}

/// An alert as one flat object. Its further fields never hide one of the first ones.
fn fields(alert: &Alert, text: &str) -> Map<String, Value> {
    let mut all = alert.details.clone();
    all.insert("event".to_owned(), json!(alert.event));
    all.insert("severity".to_owned(), json!(alert.severity));
    all.insert("text".to_owned(), json!(text));
    all.insert("key".to_owned(), json!(alert.key));
    all.insert("time".to_owned(), json!(at(alert)));
    if let Some(group) = &alert.group {
        all.insert("failover_group".to_owned(), json!(group.as_str()));
    }
    all
}

fn at(alert: &Alert) -> String {
    alert.at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// PagerDuty's words.
fn severity(alert: &Alert) -> &'static str {
    match alert.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn title(alert: &Alert) -> String {
    let what = match alert.event {
        AlertEvent::RpoBreached => "RPO target missed",
        AlertEvent::RpoRestored => "Within the RPO target again",
        AlertEvent::ReplicationBlocked => "Replication is held up",
        AlertEvent::ReplicationUnblocked => "Replication goes on",
        AlertEvent::FailoverStarted => "Failover started",
        AlertEvent::FailoverAwaitsApproval => "Failover waits for approval",
        AlertEvent::FailoverEnded => "Failover ended",
        AlertEvent::FailoverStopped => "Failover stopped",
        AlertEvent::DrillDue => "Drill due",
        AlertEvent::DrillWaits => "Drill waits",
        AlertEvent::DrillEnded => "Drill ended",
        AlertEvent::Test => "Test",
        AlertEvent::TestEnded => "Test ended",
    };
    match &alert.group {
        Some(group) => format!("{what}: {group}"),
        None => what.to_owned(),
    }
}

fn color(alert: &Alert) -> &'static str {
    match (alert.event.ends(), alert.severity) {
        (_, Severity::Critical) => "Attention",
        (_, Severity::Warning) => "Warning",
        (true, Severity::Info) => "Good",
        (false, Severity::Info) => "Default",
    }
}

/// A sign that Slack draws.
fn sign(alert: &Alert) -> &'static str {
    match (alert.event.ends(), alert.severity) {
        (_, Severity::Critical) => ":red_circle:",
        (_, Severity::Warning) => ":large_orange_circle:",
        (true, Severity::Info) => ":white_check_mark:",
        (false, Severity::Info) => ":information_source:",
    }
}

/// Slack reads these three characters as markup: a name must not become a link or call everyone.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::GroupId;
    use chrono::DateTime;

    fn alert(event: AlertEvent, severity: Severity) -> Alert {
        Alert {
            event,
            severity,
            at: DateTime::from_timestamp(1_800_000_000, 0).expect("a time"),
            group: GroupId::new("core").ok(),
            key: "core/rpo".to_owned(),
            text: "core is 40 s behind <!everyone>.".to_owned(),
            details: [("lag_seconds".to_owned(), json!(40)), ("event".to_owned(), json!("forged"))]
                .into_iter()
                .collect(),
        }
    }

    #[test]
    fn json_names_the_event_the_group_and_the_time() {
        let body = alert_body(WebhookFormat::Json, &alert(AlertEvent::RpoBreached, Severity::Critical), None);
        assert_eq!((body["event"].as_str(), body["failover_group"].as_str()), (Some("rpo_breached"), Some("core")));
        assert_eq!((body["lag_seconds"].as_i64(), body["severity"].as_str()), (Some(40), Some("critical")));
        assert_eq!(body["time"], "2027-01-15T08:00:00.000Z");
    }

    #[test]
    fn slack_takes_a_text_in_which_nothing_is_markup() {
        let body = alert_body(WebhookFormat::Slack, &alert(AlertEvent::RpoBreached, Severity::Critical), None);
        assert_eq!(body, json!({ "text": ":red_circle: core is 40 s behind &lt;!everyone&gt;." }));
    }

    #[test]
    fn teams_takes_an_adaptive_card() {
        let body = alert_body(WebhookFormat::Teams, &alert(AlertEvent::RpoRestored, Severity::Info), None);
        let card = &body["attachments"][0]["content"];
        assert_eq!((body["type"].as_str(), card["type"].as_str()), (Some("message"), Some("AdaptiveCard")));
        assert_eq!(card["body"][0]["text"], "Within the RPO target again: core");
        assert_eq!(card["body"][0]["color"], "Good");
    }

    #[test]
    fn pagerduty_opens_and_resolves_one_incident_by_its_key() {
        let key = Secret::new("R0UT1NG");
        let of = |event, severity| alert_body(WebhookFormat::PagerDuty, &alert(event, severity), Some(&key));
        let (opened, ended) =
            (of(AlertEvent::RpoBreached, Severity::Critical), of(AlertEvent::RpoRestored, Severity::Info));
        assert_eq!(
            (opened["event_action"].as_str(), ended["event_action"].as_str()),
            (Some("trigger"), Some("resolve"))
        );
        assert_eq!(opened["dedup_key"], ended["dedup_key"]);
        assert_eq!(
            (opened["routing_key"].as_str(), opened["payload"]["severity"].as_str()),
            (Some("R0UT1NG"), Some("critical"))
        );
    }
}
