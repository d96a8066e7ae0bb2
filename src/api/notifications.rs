//! Where and of what people are told.

use super::auth::{Bytes, Call, json};
use super::context::{Api, to_the_end};
use super::reply::{Answer, Rejection, bad, ok};
use crate::control::AlertsPatch;
use crate::domain::{AlertTopic, Right, WebhookFormat};
use crate::wire::secret::Secret;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// What is to change; what is left out stays.
#[derive(Debug, Default, Deserialize)]
struct Changes {
    /// The URL; an empty one takes the webhook away.
    #[serde(default)]
    webhook_url: Option<Secret>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    routing_key: Option<Secret>,
    #[serde(default)]
    topics: Option<Vec<String>>,
}

/// `GET …/notifications`
pub async fn get(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    shown(&api)
}

/// `PATCH …/notifications`
pub async fn update(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::SetNotifications)?;
    if bytes.0.is_empty() {
        return Err(bad("The body is missing. Send what is to change."));
    }
    let body: Changes = json(&bytes)?;
    let patch = AlertsPatch {
        webhook: body.webhook_url,
        format: body.format.map(|text| format_of(&text)).transpose()?,
        routing_key: body.routing_key,
        topics: body.topics.map(|all| all.iter().map(|text| topic_of(text)).collect()).transpose()?,
    };
    let (control, actor) = (api.control.clone(), call.caller.name);
    to_the_end(async move { control.set_alerts(&actor, patch).await }).await?;
    shown(&api)
}

/// `POST …/notifications/test`
pub async fn test(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::SetNotifications)?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    let (delivered, message) = to_the_end(async move { control.test_alerts(&actor).await }).await?;
    ok(&json!({ "delivered": delivered, "message": message }))
}

fn format_of(text: &str) -> Result<WebhookFormat, Rejection> {
    let found = WebhookFormat::ALL.into_iter().find(|format| format.as_str() == text);
    found.ok_or_else(|| bad(format!("format is {text:?}. Use JSON, SLACK, TEAMS or PAGER_DUTY.")))
}

fn topic_of(text: &str) -> Result<AlertTopic, Rejection> {
    let found = AlertTopic::ALL.into_iter().find(|topic| topic.as_str() == text);
    found.ok_or_else(|| bad(format!("A topic is {text:?}. Use RPO_TARGET, BLOCKING_ERROR, FAILOVER or DRILL.")))
}

fn shown(api: &Api) -> Answer {
    let view = api.control.alerts_view();
    ok(&json!({
        "webhook": view.webhook,
        "format": view.format.as_str(),
        "has_routing_key": view.has_routing_key,
        "topics": view.topics,
        "set_at_start": view.set_at_start,
        "waiting": view.waiting,
        "last_delivery": view.last.map(|last| json!({
            "time": last.at,
            "delivered": last.delivered,
            "message": last.sentence,
        })),
    }))
}
