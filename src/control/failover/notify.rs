//! Notify: tells the webhook, where one is set. A webhook that fails never holds up a failover.

use super::Failover;
use crate::control::ControlError;
use crate::control::alerts::Told;
use crate::control::saga::{Step, StepEnd};
use crate::domain::{Alert, AlertEvent, FailoverKind, FailoverStep, Severity};
use serde_json::json;
use std::time::Duration;

/// How long the webhook may take.
const PATIENCE: Duration = Duration::from_secs(3);

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::Notify, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let (id, operation) = (&failover.handle.id, failover.operation()?);
    let (kind, severity) = match operation.kind {
        FailoverKind::Planned => ("planned failover", Severity::Info),
        FailoverKind::Forced => ("forced failover", Severity::Critical),
    };
    let details = json!({
        "operation_id": operation.id,
        "failover_type": operation.kind,
        "from_region": operation.from_region,
        "to_region": operation.to_region,
        "requested_by": operation.requested_by,
        "started": operation.started,
    });
    let alert = Alert {
        event: AlertEvent::FailoverStarted,
        severity,
        at: failover.control.now(),
        group: Some(id.clone()),
        key: format!("{id}/failover"),
        text: format!(
            "{} started a {kind} of {id} from {} to {}.",
            operation.requested_by, operation.from_region, operation.to_region
        ),
        details: details.as_object().cloned().unwrap_or_default(),
    };
    Ok(match failover.control.tell_now(alert, PATIENCE).await {
        Told::Delivered => StepEnd::Done("The webhook was notified.".to_owned()),
        Told::Off(why) => StepEnd::Skipped(why.to_owned()),
        Told::Later(why) => StepEnd::Partly(format!("{why} It is tried again. The failover continues.")),
    })
}
