//! What a saga is made of.

use super::Host;
use crate::control::ControlError;
use futures::future::BoxFuture;

/// A step's act or undo under way.
pub type Acting<'a, T> = BoxFuture<'a, Result<T, ControlError>>;

/// How a step ended.
#[derive(Debug)]
pub enum StepEnd {
    /// It did what it is for; the note says what that was.
    Done(String),
    /// It went as far as it could; the note says what could not be done.
    Partly(String),
    /// It was not needed; the note says why.
    Skipped(String),
    /// It stored its own end together with what it did.
    Stored,
}

/// One step of a saga. A crash may run act and undo twice, or leave either half done.
pub struct Step<H: Host> {
    /// What the journal calls it.
    pub name: H::Name,
    pub act: for<'a> fn(&'a mut H) -> Acting<'a, StepEnd>,
    /// Puts back what the journal says that the step changed; None where it changes nothing that stays.
    ///
    /// It runs also where the act has not begun: an earlier operation may have left something to put back.
    pub undo: Option<for<'a> fn(&'a mut H) -> Acting<'a, ()>>,
}

/// A list of steps.
pub struct Saga<H: Host> {
    pub steps: &'static [Step<H>],
    /// The step that can't be undone, nor any after it. It fails or is stored as a whole.
    pub point_of_no_return: H::Name,
}

impl<H: Host> Saga<H> {
    /// The steps that can be undone, in their order.
    pub fn undoable(&self) -> impl DoubleEndedIterator<Item = &Step<H>> {
        let end = self.steps.iter().position(|step| step.name == self.point_of_no_return);
        self.steps.iter().take(end.unwrap_or(self.steps.len()))
    }

    /// Whether a failure in the step can still be undone.
    pub fn can_roll_back(&self, step: H::Name) -> bool {
        self.undoable().any(|undoable| undoable.name == step)
    }
}

/// Where a test interrupts a step.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Its beginning is in the journal.
    Begun,
    /// It did all that it is for, and its end is not in the journal.
    Acted,
}
