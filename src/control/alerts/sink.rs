//! What is kept of alerts, and what waits: plain data, which the control handle holds.

use super::watch::Watched;
use crate::control::lock::lock;
use crate::control::view::AlertDelivery;
use crate::domain::{Alert, AlertTopic, Timestamp, WebhookFormat};
use crate::wire::secret::Secret;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use tokio::sync::Notify;

/// Alerts that wait at most; past it the oldest are dropped, because the newest tell how things stand.
const MOST_WAITING: usize = 200;

/// Which webhook hears of what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertSettings {
    pub webhook: Option<Secret>,
    pub format: WebhookFormat,
    pub routing_key: Option<Secret>,
    pub topics: BTreeSet<AlertTopic>,
}

impl Default for AlertSettings {
    fn default() -> Self {
        let topics = AlertTopic::ALL.into_iter().collect();
        Self { webhook: None, format: WebhookFormat::Json, routing_key: None, topics }
    }
}

/// What is kept over a restart.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertState {
    /// By the group's id.
    pub groups: BTreeMap<String, Watched>,
    pub queue: VecDeque<Queued>,
    /// Whether the last delivery failed: an outage of the webhook is one line of the audit log.
    pub fails: bool,
}

/// An alert that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    pub alert: Alert,
    pub attempts: u32,
    pub due: Timestamp,
}

/// What the rest of the program reaches of alerts.
#[derive(Debug, Default)]
pub struct AlertSink {
    pub settings: Mutex<AlertSettings>,
    /// Held while settings change.
    pub changing: tokio::sync::Mutex<()>,
    pub state: tokio::sync::Mutex<AlertState>,
    /// Something waits, or the settings changed.
    pub wake: Notify,
    pub sent: Mutex<Sent>,
}

/// What screens show.
#[derive(Debug, Default)]
pub struct Sent {
    pub waiting: usize,
    pub last: Option<AlertDelivery>,
}

impl AlertSink {
    /// Notes how the last delivery went.
    pub fn note(&self, at: Timestamp, delivered: bool, sentence: &str) {
        lock(&self.sent).last = Some(AlertDelivery { at, delivered, sentence: sentence.to_owned() });
    }
}

impl AlertState {
    /// Puts an alert into the queue.
    pub fn add(&mut self, alert: Alert) {
        let due = alert.at;
        self.queue.push_back(Queued { alert, attempts: 0, due });
        while self.queue.len() > MOST_WAITING {
            self.queue.pop_front();
        }
    }
}
