//! Hold requests: the gateway lets no new one pass at the group's stable URLs, and those that run get a moment to end.
//!
//! The gates hold as soon as the journal says that this step has begun, and open again when it says that the new primary
//! accepts writes, or that the failover is rolled back: the step has no undo of its own.

use super::Failover;
use crate::control::ControlError;
use crate::control::saga::{Step, StepEnd, until};
use crate::domain::{FailoverKind, FailoverStep};
use crate::net::Gate;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at what still runs.
const LOOK: Duration = Duration::from_millis(10);
/// How long requests that were told to end may take to be gone.
const ENDING: Duration = Duration::from_secs(1);
/// How long a forced failover waits: what runs in a dead region never ends.
const FORCED_DRAIN: Duration = Duration::from_millis(300);

pub const STEP: Step<Failover> =
    Step { name: FailoverStep::HoldRequests, act: |failover| Box::pin(run(failover)), undo: None };

async fn run(failover: &mut Failover) -> Result<StepEnd, ControlError> {
    let control = &failover.control;
    // Before the first request goes to the other region, its ids are known.
    control.read_moved_ids().await;
    control.lead_gates();
    let gates = control.gates_of(&failover.handle.id);
    if gates.is_empty() {
        return Ok(StepEnd::Skipped("No stable URL follows this group.".to_owned()));
    }
    let drain = match failover.operation()?.kind {
        FailoverKind::Planned => control.inner.settings.request_drain,
        FailoverKind::Forced => FORCED_DRAIN.min(control.inner.settings.request_drain),
    };
    let ended = if none_runs(failover, &gates, drain).await { 0 } else { running(&gates) };
    for gate in &gates {
        gate.end_running();
    }
    none_runs(failover, &gates, ENDING).await;
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
async fn none_runs(failover: &Failover, gates: &[Arc<Gate>], most: Duration) -> bool {
    let none_runs = || match running(gates) {
        0 => true,
        some => {
            failover.note(FailoverStep::HoldRequests, format!("{} still.", count(some, "runs", "run")));
            false
        }
    };
    until(LOOK, most, none_runs).await
}
