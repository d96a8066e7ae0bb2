//! The life of a failover group as a pure machine: `(state, event) → (state, effects)`.
//!
//! ```text
//! CREATING → INITIAL_REPLICATION → ACTIVE → FAILING_OVER → INITIAL_REPLICATION → …
//!     ↓            ↕ FAILING_OVER               ↓ rolled back: back to where it was
//! CREATION_FAILED                         FAILOVER_FAILED      any → DELETING → gone | DELETION_FAILED
//! ```

use serde::{Deserialize, Serialize};
use std::fmt;

/// A group's state, spelled as the API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GroupState {
    /// Accepted; the regions are being prepared.
    Creating,
    /// Not everything in scope has arrived yet, at first or after a failover.
    InitialReplication,
    /// Everything in scope has arrived or been flagged; cycles keep it so.
    Active,
    /// A failover runs.
    FailingOver,
    /// The group is being taken apart.
    Deleting,
    /// Couldn't prepare the regions.
    CreationFailed,
    /// A failover stopped after the point of no return and waits for a retry.
    FailoverFailed,
    /// Couldn't delete the group.
    DeletionFailed,
}

impl GroupState {
    /// Every state.
    pub const ALL: [GroupState; 8] = [
        Self::Creating,
        Self::InitialReplication,
        Self::Active,
        Self::FailingOver,
        Self::Deleting,
        Self::CreationFailed,
        Self::FailoverFailed,
        Self::DeletionFailed,
    ];

    /// The state as the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::InitialReplication => "INITIAL_REPLICATION",
            Self::Active => "ACTIVE",
            Self::FailingOver => "FAILING_OVER",
            Self::Deleting => "DELETING",
            Self::CreationFailed => "CREATION_FAILED",
            Self::FailoverFailed => "FAILOVER_FAILED",
            Self::DeletionFailed => "DELETION_FAILED",
        }
    }

    /// Whether cycles run in this state.
    pub fn replicates(self) -> bool {
        matches!(self, Self::InitialReplication | Self::Active)
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// The regions are prepared.
    Created,
    /// Couldn't prepare the regions.
    CreationFailed,
    /// Everything in scope has arrived or been flagged.
    EverythingArrived,
    /// A change brought catalogs into the scope that have never arrived.
    ScopeGrew,
    /// A user confirmed a failover; `bootstrapped` is the group's own.
    FailoverRequested {
        /// Whether the first bootstrap has ended.
        bootstrapped: bool,
    },
    /// The failover's last step is done.
    FailedOver,
    /// The failover was undone before its point of no return; `was_active` says what to go back to.
    FailoverRolledBack {
        /// Whether the group was ACTIVE when it began.
        was_active: bool,
    },
    /// A step after the point of no return failed for good.
    FailoverFailed,
    /// A user asks to try the failed phase again.
    RetryRequested,
    /// A user deletes the group.
    DeleteRequested,
    /// Couldn't delete the group.
    DeletionFailed,
}

/// What the runtime must do once an event is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Prepare both regions: roles, catalogs, bindings.
    Provision,
    /// Run cycles.
    Replicate,
    /// Stop cycles at the next commit boundary.
    StopReplicating,
    /// Run the failover's steps from the first that isn't done.
    RunFailover,
    /// Take the group apart.
    Dismantle,
}

/// An event that a state does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidTransition {
    /// The state at the time.
    pub state: GroupState,
    /// What was asked and what to do, as a sentence.
    pub reason: String,
}

/// Applies an event to a state.
pub fn apply(state: GroupState, event: Event) -> Result<(GroupState, Vec<Effect>), InvalidTransition> {
    use Effect::*;
    use Event as E;
    use GroupState as S;
    let refuse = |reason: &str| Err(InvalidTransition { state, reason: reason.to_owned() });
    match (state, event) {
        (S::Creating, E::Created) => Ok((S::InitialReplication, vec![Replicate])),
        (S::Creating, E::CreationFailed) => Ok((S::CreationFailed, vec![])),
        (S::CreationFailed, E::RetryRequested) => Ok((S::Creating, vec![Provision])),

        (S::InitialReplication | S::Active, E::EverythingArrived) => Ok((S::Active, vec![])),
        (S::InitialReplication | S::Active, E::ScopeGrew) => Ok((S::InitialReplication, vec![Replicate])),

        (S::InitialReplication, E::FailoverRequested { bootstrapped: false }) => refuse(
            "The group is in its first INITIAL_REPLICATION, so the secondary isn't complete. Wait until the group is ACTIVE.",
        ),
        (S::InitialReplication | S::Active, E::FailoverRequested { .. }) => {
            Ok((S::FailingOver, vec![StopReplicating, RunFailover]))
        }
        (S::FailingOver, E::FailoverRequested { .. }) => {
            refuse("A failover is already running on this group. Wait until it ends.")
        }
        (S::FailoverFailed, E::FailoverRequested { .. }) => {
            refuse("The last failover hasn't ended, because a step after the cutover failed. Retry that step first.")
        }
        (_, E::FailoverRequested { .. }) => {
            refuse(&format!("A group in {state} can't fail over. Wait until it is ACTIVE."))
        }

        (S::FailingOver, E::FailedOver) => Ok((S::InitialReplication, vec![Replicate])),
        (S::FailingOver, E::FailoverRolledBack { was_active: true }) => Ok((S::Active, vec![Replicate])),
        (S::FailingOver, E::FailoverRolledBack { was_active: false }) => Ok((S::InitialReplication, vec![Replicate])),
        (S::FailingOver, E::FailoverFailed) => Ok((S::FailoverFailed, vec![])),
        (S::FailoverFailed, E::RetryRequested) => Ok((S::FailingOver, vec![RunFailover])),

        (S::Deleting, E::DeleteRequested) => refuse("The group is already being deleted."),
        (S::FailingOver, E::DeleteRequested) => {
            refuse("A failover is running on this group. Wait until it ends, then delete the group.")
        }
        (_, E::DeleteRequested) => Ok((S::Deleting, vec![StopReplicating, Dismantle])),
        (S::Deleting, E::DeletionFailed) => Ok((S::DeletionFailed, vec![])),
        (S::DeletionFailed, E::RetryRequested) => Ok((S::Deleting, vec![Dismantle])),

        (_, E::RetryRequested) => refuse(&format!("The group is in {state}, so there is nothing to retry.")),
        (_, event) => refuse(&format!("A group in {state} can't take {event:?}.")),
    }
}

/// What to do when a process finds a group in `state` at its start.
pub fn resume(state: GroupState) -> Option<Effect> {
    match state {
        GroupState::Creating => Some(Effect::Provision),
        GroupState::InitialReplication | GroupState::Active => Some(Effect::Replicate),
        GroupState::FailingOver => Some(Effect::RunFailover),
        GroupState::Deleting => Some(Effect::Dismantle),
        GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Created),
            Just(Event::CreationFailed),
            Just(Event::EverythingArrived),
            Just(Event::ScopeGrew),
            any::<bool>().prop_map(|bootstrapped| Event::FailoverRequested { bootstrapped }),
            Just(Event::FailedOver),
            any::<bool>().prop_map(|was_active| Event::FailoverRolledBack { was_active }),
            Just(Event::FailoverFailed),
            Just(Event::RetryRequested),
            Just(Event::DeleteRequested),
            Just(Event::DeletionFailed),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_a_failover_ends_where_replication_goes_on(events in prop::collection::vec(any_event(), 0..60)) {
            let mut state = GroupState::Creating;
            for event in events {
                let before = state;
                match apply(state, event) {
                    Ok((next, effects)) => {
                        state = next;
                        // At most one of the long-running activities starts at once.
                        let started = effects.iter().filter(|e| !matches!(e, Effect::StopReplicating)).count();
                        prop_assert!(started <= 1);
                        if state == GroupState::FailingOver {
                            prop_assert!(matches!(before, GroupState::Active | GroupState::InitialReplication | GroupState::FailoverFailed));
                        }
                        // A restart in any state finds the same activity that the event itself would have started.
                        if let Some(effect) = effects.iter().find(|e| !matches!(e, Effect::StopReplicating)) {
                            prop_assert_eq!(resume(state), Some(*effect));
                        }
                    }
                    Err(refusal) => {
                        prop_assert_eq!(refusal.state, before);
                        prop_assert!(refusal.reason.ends_with('.'));
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_bootstrap_refuses_a_failover_and_later_ones_do_not() {
        let refused = apply(GroupState::InitialReplication, Event::FailoverRequested { bootstrapped: false });
        assert!(refused.is_err());
        let (state, _) = apply(GroupState::InitialReplication, Event::FailoverRequested { bootstrapped: true })
            .expect("allowed after the first bootstrap");
        assert_eq!(state, GroupState::FailingOver);
    }
}
