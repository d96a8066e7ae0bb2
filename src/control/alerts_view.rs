//! How people are told of what happens, as screens show it.

use crate::domain::{AlertTopic, Timestamp, WebhookFormat};
use serde::Serialize;
use std::collections::BTreeSet;

/// How people are told of what happens, without any secret.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertsView {
    /// The webhook's scheme and host; None where none is set.
    pub webhook: Option<String>,
    /// What it takes.
    pub format: WebhookFormat,
    /// Whether PagerDuty's routing key is set.
    pub has_routing_key: bool,
    /// What people are told of.
    pub topics: BTreeSet<AlertTopic>,
    /// Whether the start named the webhook, so that it can't be changed now.
    pub set_at_start: bool,
    /// Alerts that wait to be delivered.
    pub waiting: usize,
    /// The last delivery since the process started.
    pub last: Option<AlertDelivery>,
}

/// How a delivery went.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlertDelivery {
    pub at: Timestamp,
    pub delivered: bool,
    pub sentence: String,
}
