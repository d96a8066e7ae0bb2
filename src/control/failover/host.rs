//! What a failover's steps work with, and its journal.

use super::foreign::is_anothers;
use crate::control::backoff::Backoff;
use crate::control::group::{GroupChange, GroupHandle, record_error};
use crate::control::operation::Operation;
use crate::control::saga::{Host, Stands, StepEnd, Wait};
use crate::control::view::OperationOutcome;
use crate::control::worker_cache::WorkerCache;
use crate::control::{Control, ControlError, audit, provisional};
use crate::domain::{Event, FailoverGroup, FailoverKind, FailoverStep, StepStatus};
use crate::replicate::{CycleOutcome, Endpoint};
use std::sync::Arc;

/// Refusals of a step after the cutover before a person is asked.
const FORWARD_TRIES: u32 = 8;

/// A failover that runs.
pub struct Failover {
    pub control: Control,
    pub handle: Arc<GroupHandle>,
    pub cache: WorkerCache,
}

impl Failover {
    pub fn new(control: Control, handle: Arc<GroupHandle>, cache: WorkerCache) -> Self {
        Self { control, handle, cache }
    }

    pub fn group(&self) -> FailoverGroup {
        self.handle.group()
    }

    pub fn operation(&self) -> Result<Operation, ControlError> {
        self.handle.operation().ok_or_else(|| ControlError::Refused {
            sentence: format!(
                "Failover group {} is failing over without an operation on record. Retry the failover.",
                self.handle.id
            ),
        })
    }

    /// The region that was primary when the failover began.
    pub async fn old_primary(&self) -> Result<Endpoint, ControlError> {
        self.control.inner.deployment.endpoint(&self.group(), &self.operation()?.from_region).await
    }

    /// The region that becomes primary.
    pub async fn new_primary(&self) -> Result<Endpoint, ControlError> {
        self.control.inner.deployment.endpoint(&self.group(), &self.operation()?.to_region).await
    }

    /// Both ends of the group's replication: source, destination.
    pub async fn ends(&mut self) -> Result<(Endpoint, Endpoint), ControlError> {
        self.cache.ends(&self.control, &self.handle).await
    }

    /// Runs a cycle that only the runtime's end stops.
    pub async fn cycle(&mut self) -> Result<CycleOutcome, ControlError> {
        self.cache.cycle(&self.control, &self.handle, &self.handle.quit).await
    }

    /// Edits the operation, in the store first.
    pub async fn journal(&self, edit: impl FnOnce(&mut Operation)) -> Result<(), ControlError> {
        self.control.edit_operation(&self.handle, edit).await
    }

    /// Shows what a step does now; only a step's end is worth a write.
    pub fn note(&self, step: FailoverStep, text: String) {
        self.handle.record().note_step(step, text);
        self.control.touch();
    }
}

impl Host for Failover {
    type Name = FailoverStep;

    fn stands(&self) -> Stands<FailoverStep> {
        match self.handle.operation().filter(|o| o.outcome == OperationOutcome::Running) {
            // A record without an operation can't go on. The group goes back to replicating.
            None => Stands::Nowhere,
            Some(operation) if operation.rolling_back => Stands::RollingBack,
            Some(operation) => operation.next_step().map_or(Stands::Done, Stands::At),
        }
    }

    fn is_stopping(&self) -> bool {
        *self.control.stopping().borrow()
    }

    async fn begin(&mut self, step: FailoverStep) -> Result<(), ControlError> {
        let now = self.control.now();
        self.journal(|operation| operation.begin(step, now)).await?;
        tracing::info!(group = %self.handle.id, step = step.name(), "failover step begins");
        fail::fail_point!(&format!("failover.{}", step.name()));
        Ok(())
    }

    async fn end(&mut self, step: FailoverStep, end: StepEnd) -> Result<(), ControlError> {
        let (status, note) = match end {
            StepEnd::Done(note) => (StepStatus::Done, note),
            StepEnd::Partly(note) => (StepStatus::Partly, note),
            StepEnd::Skipped(note) => (StepStatus::Skipped, note),
            StepEnd::Stored => return Ok(()),
        };
        let now = self.control.now();
        self.journal(|operation| operation.end(step, status, Some(note), now)).await
    }

    async fn turn_back(&mut self, step: FailoverStep, why: &ControlError) -> Result<(), ControlError> {
        tracing::warn!(group = %self.handle.id, step = step.name(), error = %why, "failover is rolled back");
        let (now, message) = (self.control.now(), why.to_string());
        self.journal(|operation| {
            operation.message = Some(format!("{} failed. {message}", step.label()));
            operation.end(step, StepStatus::Failed, Some(message), now);
            operation.rolling_back = true;
        })
        .await
    }

    async fn finish(&mut self) -> Result<(), ControlError> {
        let now = self.control.now();
        let mut change = GroupChange::of(&self.handle).await;
        change.apply(Event::FailedOver, now)?;
        if let Some(operation) = &mut change.operation {
            operation.ended = Some(now);
            operation.outcome = OperationOutcome::Succeeded;
            if operation.undoes.is_none() {
                provisional::begin(operation, now);
            }
            operation.resumed = operation.paused.nothing_ran() && operation.kind == FailoverKind::Planned;
            let message = format!("{} is primary for {} now.", operation.to_region, self.handle.id);
            let actor = operation.requested_by.clone();
            change.log(audit::line(now, &actor, "failover_group.failed_over", self.handle.id.as_str(), message));
        }
        change.commit(&self.control).await.map(|_| ())
    }

    /// Ends the operation whatever could not be put back: a group must not hang while its primary is away, because that is
    /// when someone wants to force a failover.
    async fn rolled_back(&mut self, failed: Option<ControlError>) -> Result<(), ControlError> {
        fail::fail_point!("failover.during_roll_back");
        let now = self.control.now();
        let mut change = GroupChange::of(&self.handle).await;
        let ran = change.operation.take_if(|operation| operation.outcome == OperationOutcome::Running);
        let was_active = ran.as_ref().is_some_and(|operation| operation.was_active);
        change.apply(Event::FailoverRolledBack { was_active }, now)?;
        if let Some(mut operation) = ran {
            if let Some(error) = &failed {
                tracing::warn!(group = %self.handle.id, %error, "what a failover stopped could not be started again yet");
                self.handle.record().restoring = Backoff::default();
            }
            let message = format!(
                "The failover of {} was rolled back. {}{}",
                self.handle.id,
                operation.message.as_deref().unwrap_or_default(),
                if failed.is_some() { " Couldn't restart everything that it stopped. This is retried." } else { "" }
            );
            let target = self.handle.id.as_str();
            change.log(audit::line(now, &operation.requested_by, "failover_group.rolled_back", target, message));
            operation.outcome = OperationOutcome::RolledBack;
            operation.ended = Some(now);
            operation.restore_pending = failed.is_some();
            provisional::begin_again(&mut operation, now);
            change.operation = Some(operation);
        }
        change.commit(&self.control).await.map(|_| ())
    }

    fn wait_after(&mut self, step: FailoverStep, why: &ControlError, refusals: u32) -> Wait {
        tracing::warn!(
            group = %self.handle.id, step = step.name(), error = %why, refusals, "a step after the cutover failed"
        );
        record_error(&self.control, &self.handle, why);
        if is_anothers(why) || refusals >= FORWARD_TRIES {
            return Wait::Person;
        }
        Wait::Time(self.control.inner.settings.retry_pause * refusals.max(1))
    }

    async fn ask(&mut self, step: FailoverStep, why: &ControlError, refusals: u32) -> Result<(), ControlError> {
        let message = match refusals {
            0 | 1 => format!("{} failed. {why}", step.label()),
            n => format!("{} failed {n} times. {why}", step.label()),
        };
        let now = self.control.now();
        let mut change = GroupChange::of(&self.handle).await;
        change.apply(Event::FailoverFailed, now)?;
        let actor = change.operation.as_ref().map_or("runtime", |operation| &operation.requested_by).to_owned();
        let story = format!("The failover of {} stopped after its cutover. {message}", self.handle.id);
        change.log(audit::line(now, &actor, "failover_group.failover_failed", self.handle.id.as_str(), story));
        change.group.state_message = Some(message.clone());
        if let Some(operation) = &mut change.operation {
            operation.end(step, StepStatus::Failed, Some(message.clone()), now);
            operation.outcome = OperationOutcome::Failed;
            operation.message = Some(message);
        }
        change.commit(&self.control).await.map(|_| ())
    }

    #[cfg(test)]
    async fn interrupt(
        &mut self,
        step: FailoverStep,
        moment: crate::control::saga::Moment,
    ) -> Result<(), ControlError> {
        super::tests::interrupt(&self.control, step, moment).await
    }
}
