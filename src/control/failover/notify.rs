//! Notify: tells the webhook, where one is set. A webhook that fails never holds up a failover.

use super::Failover;
use crate::control::ControlError;
use crate::control::saga::{Step, StepEnd};
use crate::domain::FailoverStep;
use crate::net::HttpClient;
use std::time::Duration;

/// How long the webhook may take.
const PATIENCE: Duration = Duration::from_secs(3);

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::Notify, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let Some(webhook) = &failover.control.inner.settings.webhook else {
        return Ok(StepEnd::Skipped("No webhook is set.".to_owned()));
    };
    let operation = failover.operation()?;
    let body = serde_json::json!({
        "event": "failover_started",
        "failover_group": failover.handle.id.as_str(),
        "failover_type": operation.kind,
        "from_region": operation.from_region,
        "to_region": operation.to_region,
        "requested_by": operation.requested_by,
        "started": operation.started,
    });
    let sent = async {
        let client = HttpClient::new().in_all(PATIENCE).follow_redirects().build()?;
        client.post(webhook).json(&body).send().await?.error_for_status()
    };
    Ok(match sent.await {
        Ok(_) => StepEnd::Done("The webhook was notified.".to_owned()),
        // Its URL may carry a secret, so the error is told without it.
        Err(error) => StepEnd::Partly(format!("The webhook failed: {}. The failover continues.", error.without_url())),
    })
}
