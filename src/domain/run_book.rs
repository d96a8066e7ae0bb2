//! A group's run-book of drills: who owns each step, what to do, where a person must say go, and how long it may take.

use super::{DrillStep, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Characters of an owner's name and of a note at most.
const LONGEST_OWNER: usize = 120;
const LONGEST_NOTE: usize = 4_000;
/// Minutes that a step may take, at least and at most.
pub const TIMEOUT_MINUTES: std::ops::RangeInclusive<u32> = 1..=10_080;

/// What people wrote about the steps of drills; a step that isn't listed has nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunBook {
    pub steps: Vec<RunBookStep>,
}

/// What people wrote about one step. The step itself is the console's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunBookStep {
    pub step: DrillStep,
    #[serde(default)]
    pub owner: String,
    #[serde(default)]
    pub note: String,
    /// Whether the step waits until a person says go.
    #[serde(default)]
    pub gate: bool,
    /// Minutes after which the drill gives up, the wait at the gate included.
    #[serde(default)]
    pub timeout_minutes: Option<u32>,
}

impl RunBookStep {
    pub fn new(step: DrillStep) -> Self {
        Self { step, owner: String::new(), note: String::new(), gate: false, timeout_minutes: None }
    }

    fn is_empty(&self) -> bool {
        *self == Self::new(self.step)
    }
}

/// Who said go, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepApproval {
    pub by: String,
    pub at: Timestamp,
}

impl RunBook {
    /// What is written about a step.
    pub fn of(&self, step: DrillStep) -> RunBookStep {
        self.steps.iter().find(|known| known.step == step).cloned().unwrap_or_else(|| RunBookStep::new(step))
    }

    /// What is wrong with it, as a sentence.
    pub fn problem(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        self.steps.iter().find_map(|entry| {
            let label = entry.step.label();
            if !seen.insert(entry.step) {
                return Some(format!("The run-book lists the step {label:?} twice. List it once."));
            }
            if entry.owner.chars().count() > LONGEST_OWNER {
                return Some(format!("The owner of the step {label:?} is longer than {LONGEST_OWNER} characters."));
            }
            if entry.note.chars().count() > LONGEST_NOTE {
                return Some(format!("The note of the step {label:?} is longer than {LONGEST_NOTE} characters."));
            }
            if entry.timeout_minutes.is_some_and(|minutes| !TIMEOUT_MINUTES.contains(&minutes)) {
                let (least, most) = (TIMEOUT_MINUTES.start(), TIMEOUT_MINUTES.end());
                return Some(format!("A step may take {least} to {most} minutes. Enter such a number for {label:?}."));
            }
            if entry.step == DrillStep::CleanUp && (entry.gate || entry.timeout_minutes.is_some()) {
                return Some(
                    "Removing the copy can't wait for a person and has no timeout. It always runs.".to_owned(),
                );
            }
            None
        })
    }

    /// The same without empty entries, in the order of the steps, and without spaces around what was typed.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        for entry in &mut self.steps {
            entry.owner = entry.owner.trim().to_owned();
            entry.note = entry.note.trim().to_owned();
        }
        self.steps.retain(|entry| !entry.is_empty());
        self.steps.sort_by_key(|entry| entry.step);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_book_says_each_step_once_and_within_limits() {
        let entry = |step| RunBookStep { owner: "ada".to_owned(), ..RunBookStep::new(step) };
        let book = |steps: Vec<RunBookStep>| RunBook { steps };
        assert_eq!(book(vec![entry(DrillStep::FailOver)]).problem(), None);
        let wrong = [
            vec![entry(DrillStep::FailOver), entry(DrillStep::FailOver)],
            vec![RunBookStep { owner: "x".repeat(LONGEST_OWNER + 1), ..entry(DrillStep::FailOver) }],
            vec![RunBookStep { note: "x".repeat(LONGEST_NOTE + 1), ..entry(DrillStep::FailOver) }],
            vec![RunBookStep { timeout_minutes: Some(0), ..entry(DrillStep::FailOver) }],
            vec![RunBookStep { gate: true, ..entry(DrillStep::CleanUp) }],
        ];
        for steps in wrong {
            assert!(book(steps.clone()).problem().is_some(), "{steps:?}");
        }
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        let steps = vec![
            RunBookStep { note: " call the desk ".to_owned(), ..RunBookStep::new(DrillStep::FailBack) },
            RunBookStep { owner: "  ".to_owned(), ..RunBookStep::new(DrillStep::CheckGroup) },
        ];
        let book = RunBook { steps }.tidied();
        assert_eq!(book.steps.len(), 1);
        assert_eq!(book.of(DrillStep::FailBack).note, "call the desk");
        assert_eq!(book.of(DrillStep::CheckGroup), RunBookStep::new(DrillStep::CheckGroup));
    }
}
