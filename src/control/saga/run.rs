//! Running a saga from wherever its journal stands.

use super::step::{Saga, Step, StepEnd};
use super::wait::Wait;
use crate::control::ControlError;

/// Where a journal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands<N> {
    /// Nothing runs that it could tell of.
    Nowhere,
    /// Before or in a step.
    At(N),
    /// Behind its last step.
    Done,
    /// Its steps are being undone.
    RollingBack,
}

/// What a saga runs for: it keeps the journal, and knows what follows from an end.
///
/// An error of any call means that the journal could not be written: the saga stops, and its caller calls again.
pub trait Host: Send + Sized + 'static {
    /// What the journal calls a step.
    type Name: Copy + PartialEq + Send + Sync + 'static;

    fn stands(&self) -> Stands<Self::Name>;

    /// Whether the process is about to end; then nothing new begins.
    fn is_stopping(&self) -> bool;

    /// Journals that a step begins.
    fn begin(&mut self, step: Self::Name) -> impl Future<Output = Result<(), ControlError>> + Send;

    /// Journals how a step ended.
    fn end(&mut self, step: Self::Name, end: StepEnd) -> impl Future<Output = Result<(), ControlError>> + Send;

    /// Journals that a step failed and everything is undone from now on.
    fn turn_back(
        &mut self,
        step: Self::Name,
        why: &ControlError,
    ) -> impl Future<Output = Result<(), ControlError>> + Send;

    /// Ends the operation, all of whose steps have ended.
    fn finish(&mut self) -> impl Future<Output = Result<(), ControlError>> + Send;

    /// Ends the operation, whose steps are undone but for what `failed` kept from it.
    fn rolled_back(&mut self, failed: Option<ControlError>) -> impl Future<Output = Result<(), ControlError>> + Send;

    /// What to wait for after a step failed that can't be undone any more. `refusals` counts the failures of this run in
    /// which someone answered and refused.
    fn wait_after(&mut self, step: Self::Name, why: &ControlError, refusals: u32) -> Wait;

    /// Ends this run: the step is tried again when a person asks for it.
    fn ask(
        &mut self,
        step: Self::Name,
        why: &ControlError,
        refusals: u32,
    ) -> impl Future<Output = Result<(), ControlError>> + Send;

    /// Lets a test fail or kill a step.
    #[cfg(test)]
    fn interrupt(
        &mut self,
        step: Self::Name,
        moment: super::Moment,
    ) -> impl Future<Output = Result<(), ControlError>> + Send;
}

/// Runs the saga until it ends, one way or the other, or waits for a person.
pub async fn run<H: Host>(host: &mut H, saga: &Saga<H>) -> Result<(), ControlError> {
    let mut refusals = 0;
    while !host.is_stopping() {
        let name = match host.stands() {
            Stands::Nowhere => return host.rolled_back(None).await,
            Stands::RollingBack => {
                let failed = undo(host, saga).await.err();
                return host.rolled_back(failed).await;
            }
            Stands::Done => return host.finish().await,
            Stands::At(name) => name,
        };
        let Some(step) = saga.steps.iter().find(|step| step.name == name) else {
            host.end(name, StepEnd::Skipped("This version has no such step.".to_owned())).await?;
            continue;
        };
        host.begin(name).await?;
        match act(host, step).await {
            Ok(end) => {
                host.end(name, end).await?;
                refusals = 0;
            }
            Err(error) if saga.can_roll_back(name) => host.turn_back(name, &error).await?,
            Err(error) => {
                // A region that is away comes back; only what answers and refuses needs a person.
                refusals += u32::from(!error.is_unreachable());
                match host.wait_after(name, &error, refusals) {
                    Wait::Time(pause) => tokio::time::sleep(pause).await,
                    Wait::Person => return host.ask(name, &error, refusals).await,
                }
            }
        }
    }
    Ok(())
}

async fn act<H: Host>(host: &mut H, step: &Step<H>) -> Result<StepEnd, ControlError> {
    #[cfg(test)]
    host.interrupt(step.name, super::Moment::Begun).await?;
    let end = (step.act)(host).await?;
    #[cfg(test)]
    host.interrupt(step.name, super::Moment::Acted).await?;
    Ok(end)
}

/// Puts back what the steps changed, the last one first; the first error where not all could be.
///
/// One that fails doesn't keep the others from being undone, unless its region is away.
pub async fn undo<H: Host>(host: &mut H, saga: &Saga<H>) -> Result<(), ControlError> {
    let mut first = None;
    for undo in saga.undoable().rev().filter_map(|step| step.undo) {
        match undo(host).await {
            Ok(()) => {}
            Err(error) if error.is_unreachable() => return Err(first.unwrap_or(error)),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    first.map_or(Ok(()), Err)
}
