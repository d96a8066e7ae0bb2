//! Hold requests: the gateway lets no new one pass at the group's stable URLs, and those that run get a moment to end.
//!
//! The gates hold as soon as the journal says that this step has begun, and open again when it says that the new primary
//! accepts writes, or that the failover is rolled back: the step has no undo of its own.

use super::{StepContext, StepEnd};
use crate::control::ControlError;
use crate::domain::FailoverKind;
use crate::net::Gate;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks at what still runs.
const LOOK: Duration = Duration::from_millis(10);
/// How long requests that were told to end may take to be gone.
const ENDING: Duration = Duration::from_secs(1);
/// How long a forced failover waits: what runs in a dead region never ends.
const FORCED_DRAIN: Duration = Duration::from_millis(300);

pub async fn run(context: &StepContext<'_>) -> Result<StepEnd, ControlError> {
    let control = context.control;
    control.lead_gates();
    let gates = control.gates_of(&context.handle.id);
    if gates.is_empty() {
        return Ok(StepEnd::Skipped("No stable URL follows this group.".to_owned()));
    }
    let drain = match context.operation()?.kind {
        FailoverKind::Planned => control.inner.settings.request_drain,
        FailoverKind::Forced => FORCED_DRAIN.min(control.inner.settings.request_drain),
    };
    let ended = if none_runs(context, &gates, drain).await { 0 } else { running(&gates) };
    for gate in &gates {
        gate.end_running();
    }
    none_runs(context, &gates, ENDING).await;
    fail::fail_point!("failover.after_hold_requests");
    let held: u64 = gates.iter().map(|gate| gate.traffic().held()).sum();
    let waits = format!("{} for the new primary.", count(held, "waits", "wait"));
    Ok(StepEnd::Done(match ended {
        0 => waits,
        some => format!("{waits} {} after {:.1} s.", count(some, "was ended", "were ended"), drain.as_secs_f64()),
    }))
}

fn count(requests: u64, one: &str, many: &str) -> String {
    if requests == 1 { format!("1 request {one}") } else { format!("{requests} requests {many}") }
}

fn running(gates: &[Arc<Gate>]) -> u64 {
    gates.iter().map(|gate| gate.traffic().running()).sum()
}

/// Waits until no request runs; false where some still do after `most`.
async fn none_runs(context: &StepContext<'_>, gates: &[Arc<Gate>], most: Duration) -> bool {
    let until = Instant::now() + most;
    loop {
        let running = running(gates);
        if running == 0 || Instant::now() >= until {
            return running == 0;
        }
        context.note(format!("{} still.", count(running, "runs", "run")));
        tokio::time::sleep(LOOK).await;
    }
}
