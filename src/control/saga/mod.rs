//! A saga: journaled steps in a fixed order, each with its undo beside it, and one point of no return.
//!
//! Every step is written down before it begins and when it ends, so that a process that starts again goes on with the step
//! that was running. Until the point of no return a failure undoes what was done, last step first. After it there is only
//! forward: a step is tried again, and when trying doesn't help, the saga waits for a person.
//!
//! An operation is a list of steps and a [`Host`], which keeps the journal and knows what follows from an end.

mod run;
mod step;
mod wait;

#[cfg(test)]
mod tests;

pub use run::{Host, Stands, run, undo};
#[cfg(test)]
pub use step::Moment;
pub use step::{Saga, Step, StepEnd};
pub use wait::{Wait, until};
