//! Which webhook hears of what: kept in the store, and changed by an admin.

use super::webhook::{Webhook, checked};
use crate::control::lock::lock;
use crate::control::view::AlertsView;
use crate::control::{Control, ControlError, audit};
use crate::domain::{Alert, AlertEvent, AlertTopic, Severity, WebhookFormat};
use crate::wire::secret::Secret;
use std::collections::BTreeSet;
use std::time::Duration;
use url::Url;

const KEPT: &str = "alerts.settings";
/// How long a webhook may take to take a test.
const TEST_PATIENCE: Duration = Duration::from_secs(10);
/// Characters of a routing key at most.
const LONGEST_KEY: usize = 256;

/// What is to change; what is None stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertsPatch {
    /// The URL; an empty one takes the webhook away.
    pub webhook: Option<Secret>,
    /// What it takes; with a new URL and None, what its host is known to take.
    pub format: Option<WebhookFormat>,
    /// PagerDuty's key of the service; an empty one takes it away.
    pub routing_key: Option<Secret>,
    pub topics: Option<BTreeSet<AlertTopic>>,
}

/// A URL without what may be secret in it.
fn masked(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => match url.port() {
            Some(port) => format!("{}://{}:{port}/…", url.scheme(), url.host_str().unwrap_or_default()),
            None => format!("{}://{}/…", url.scheme(), url.host_str().unwrap_or_default()),
        },
        Err(_) => "…".to_owned(),
    }
}

impl Control {
    /// Reads what is kept.
    pub(in crate::control) async fn recall_alert_settings(&self) -> Result<(), ControlError> {
        let kept = self.setting(KEPT).await?.and_then(|text| serde_json::from_str(&text).ok());
        *lock(&self.inner.alerts.settings) = kept.unwrap_or_default();
        Ok(())
    }

    /// The webhook, and what it is told; the one that this start was told comes first.
    pub(in crate::control) fn webhook(&self) -> Option<(Webhook, BTreeSet<AlertTopic>)> {
        let kept = lock(&self.inner.alerts.settings).clone();
        let settings = &self.inner.settings;
        let webhook = match &settings.webhook {
            Some(told) => {
                let host = Url::parse(told).ok().and_then(|url| url.host_str().map(str::to_owned));
                Webhook {
                    url: Secret::new(told.as_str()),
                    format: WebhookFormat::of_host(&host.unwrap_or_default()),
                    routing_key: kept.routing_key,
                    may_be_private: true,
                }
            }
            None => Webhook {
                url: kept.webhook?,
                format: kept.format,
                routing_key: kept.routing_key,
                may_be_private: settings.alerts.private_webhooks,
            },
        };
        Some((webhook, kept.topics))
    }

    /// How alerts are sent, without any secret.
    pub fn alerts_view(&self) -> AlertsView {
        let kept = lock(&self.inner.alerts.settings).clone();
        let webhook = self.webhook();
        let (waiting, last) = {
            let sent = lock(&self.inner.alerts.sent);
            (sent.waiting, sent.last.clone())
        };
        AlertsView {
            webhook: webhook.as_ref().map(|(webhook, _)| masked(webhook.url.expose())),
            format: webhook.map_or(kept.format, |(webhook, _)| webhook.format),
            has_routing_key: kept.routing_key.is_some(),
            topics: kept.topics,
            set_at_start: self.inner.settings.webhook.is_some(),
            waiting,
            last,
        }
    }

    /// Changes how alerts are sent.
    pub async fn set_alerts(&self, actor: &str, patch: AlertsPatch) -> Result<String, ControlError> {
        let bad = |sentence: String| ControlError::BadArgument { sentence };
        // Two changes at a time must not lose one another.
        let _turn = self.inner.alerts.changing.lock().await;
        let mut after = lock(&self.inner.alerts.settings).clone();
        let mut changed: Vec<String> = Vec::new();
        if let Some(url) = &patch.webhook {
            if self.inner.settings.webhook.is_some() {
                return Err(ControlError::Refused {
                    sentence:
                        "The webhook was named with --webhook at the start. Start without it to set another here."
                            .to_owned(),
                });
            }
            if url.is_empty() {
                (after.webhook, after.routing_key) = (None, None);
                changed.push("no webhook".to_owned());
            } else {
                let url = checked(url.expose(), self.inner.settings.alerts.private_webhooks).map_err(bad)?;
                after.format = WebhookFormat::of_host(url.host_str().unwrap_or_default());
                changed.push(format!("the webhook {}", masked(url.as_str())));
                after.webhook = Some(Secret::new(String::from(url)));
            }
        }
        if let Some(format) = patch.format {
            after.format = format;
            changed.push(format!("the format {}", format.label()));
        }
        if let Some(key) = patch.routing_key {
            let is_word = key.expose().chars().all(|c| c.is_ascii_alphanumeric());
            if !is_word || key.expose().len() > LONGEST_KEY {
                return Err(bad(
                    "A routing key is letters and digits, such as PagerDuty shows it. Copy it again.".to_owned()
                ));
            }
            changed.push(if key.is_empty() { "no routing key" } else { "a routing key" }.to_owned());
            after.routing_key = Some(key).filter(|key| !key.is_empty());
        }
        if let Some(topics) = patch.topics {
            let names: Vec<&str> = topics.iter().map(|topic| topic.label()).collect();
            changed.push(if names.is_empty() {
                "nothing told".to_owned()
            } else {
                format!("told: {}", names.join(", "))
            });
            after.topics = topics;
        }
        if after.format == WebhookFormat::PagerDuty && after.webhook.is_some() && after.routing_key.is_none() {
            return Err(bad("PagerDuty needs the routing key of a service. Enter it too.".to_owned()));
        }
        if changed.is_empty() {
            return Ok("Nothing was to be changed.".to_owned());
        }
        let message = format!("{actor} set the notifications: {}.", changed.join("; "));
        let line = audit::line(self.now(), actor, "notifications.set", "notifications", message.clone());
        let text = serde_json::to_string(&after).unwrap_or_default();
        let stored = line.clone();
        let work = move |tx: &crate::store::Tx<'_>| {
            tx.set_value(KEPT, &text)?;
            tx.add_activity(&stored)
        };
        self.durably((), work, move |control, ()| {
            *lock(&control.inner.alerts.settings) = after;
            control.inner.alerts.wake.notify_one();
            control.show_activity(line);
            control.touch();
        })
        .await?;
        Ok(message)
    }

    /// Sends a test now: whether it was delivered, and what happened, as a sentence.
    pub async fn test_alerts(&self, actor: &str) -> Result<(bool, String), ControlError> {
        let Some((webhook, _)) = self.webhook() else {
            return Err(ControlError::Refused { sentence: "No webhook is set. Set one first.".to_owned() });
        };
        let now = self.now();
        let alert = Alert {
            event: AlertEvent::Test,
            severity: Severity::Info,
            at: now,
            group: None,
            key: "test".to_owned(),
            text: format!("This is a test of the Resilience Console's notifications, sent by {actor}."),
            details: Default::default(),
        };
        let sent = webhook.send(&alert, TEST_PATIENCE).await;
        let (delivered, sentence) = match sent {
            Ok((status, took)) => (true, format!("The webhook returned {status} in {:.1} s.", took.as_secs_f64())),
            Err(undelivered) => (false, undelivered.sentence),
        };
        if delivered && webhook.format == WebhookFormat::PagerDuty {
            // A test must not leave an incident open.
            let end = Alert { event: AlertEvent::TestEnded, ..alert };
            if let Err(undelivered) = webhook.send(&end, TEST_PATIENCE).await {
                tracing::warn!(error = %undelivered.sentence, "the incident of a test wasn't resolved");
            }
        }
        self.inner.alerts.note(now, delivered, &sentence);
        let message = format!("{actor} sent a test notification. {sentence}");
        let line = audit::line(now, actor, "notifications.test", "notifications", message);
        let stored = line.clone();
        self.durably(
            (),
            move |tx| tx.add_activity(&stored),
            move |control, ()| {
                control.show_activity(line);
                control.touch();
            },
        )
        .await?;
        Ok((delivered, sentence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_url_tells_its_host_and_nothing_that_could_be_secret() {
        assert_eq!(masked("https://hooks.slack.com/services/T0/B0/xyz?token=1"), "https://hooks.slack.com/…");
        assert_eq!(masked("http://127.0.0.1:8080/hook"), "http://127.0.0.1:8080/…");
    }
}
