//! The gates of the stable URLs, and when they let requests pass.

use super::known_tokens::TokenPairs;
use super::moved_ids::KnownIds;
use super::operation::Operation;
use super::view::OperationOutcome;
use crate::domain::{FailoverStep, StepStatus};
use crate::net::{Admission, Gate, RouteTable};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// The gates of all stable URLs.
#[derive(Default)]
pub struct Routing {
    pub gates: Mutex<BTreeMap<String, Arc<Gate>>>,
    pub moved_ids: Mutex<KnownIds>,
    pub token_pairs: Mutex<TokenPairs>,
    pub table: watch::Sender<Arc<RouteTable>>,
    /// Scheme and authority of the gateway, while one runs.
    pub origin: Mutex<Option<String>>,
}

/// Whether requests pass while `operation` is a group's latest one.
///
/// They wait from the step that holds them until the new primary accepts writes. A failover that rolls back lets them go to
/// the old primary, and one that waits for a person lets them go to the new one.
pub fn admission(operation: Option<&Operation>) -> Admission {
    let Some(operation) = operation.filter(|o| o.outcome == OperationOutcome::Running && !o.rolling_back) else {
        return Admission::Open;
    };
    let status = |step| operation.steps.iter().find(|record| record.step == step).map(|record| record.status);
    let holds = status(FailoverStep::HoldRequests).is_some_and(|status| status != StepStatus::Pending);
    let rebound = status(FailoverStep::Rebind).is_some_and(StepStatus::is_over);
    if holds && !rebound { Admission::Hold } else { Admission::Open }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::FailoverKind;
    use crate::domain::Region;
    use chrono::{TimeZone, Utc};

    fn at(step: FailoverStep, kind: FailoverKind) -> Operation {
        let now = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time");
        let mut operation = Operation::new("1".to_owned(), kind, &Region::new("east"), &Region::new("west"), "me", now);
        for earlier in FailoverStep::of(kind).iter().take_while(|earlier| **earlier != step) {
            operation.begin(*earlier, now);
            operation.end(*earlier, StepStatus::Done, None, now);
        }
        operation.begin(step, now);
        operation
    }

    #[test]
    fn requests_wait_from_their_step_until_the_new_primary_accepts_writes() {
        assert_eq!(admission(None), Admission::Open);
        for kind in [FailoverKind::Planned, FailoverKind::Forced] {
            for step in FailoverStep::of(kind) {
                let holds = (FailoverStep::HoldRequests..=FailoverStep::Rebind).contains(step);
                let wanted = if holds { Admission::Hold } else { Admission::Open };
                assert_eq!(admission(Some(&at(*step, kind))), wanted, "{kind:?} {step:?}");
            }
        }
    }

    #[test]
    fn a_failover_that_stops_lets_requests_go_on() {
        let mut operation = at(FailoverStep::Fence, FailoverKind::Planned);
        operation.rolling_back = true;
        assert_eq!(admission(Some(&operation)), Admission::Open);
        let mut operation = at(FailoverStep::Rebind, FailoverKind::Planned);
        operation.outcome = OperationOutcome::Failed;
        assert_eq!(admission(Some(&operation)), Admission::Open);
    }
}
