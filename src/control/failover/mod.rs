//! A failover: a saga of idempotent, journaled steps with one point of no return.
//!
//! Every step is written down before it begins and when it ends, so that a process that starts again goes on with the
//! step that was running. Until the cutover a failure undoes what was done; after it there is only forward.

mod catch_up;
mod compare;
mod confirm;
mod cut_over;
mod fence;
mod hold_requests;
mod leave;
mod notify;
mod pause_schedules;
mod rebind;
mod reverse;
mod roll_back;
mod stop_compute;
mod wait_for_writes;

pub use pause_schedules::{note_jobs, pause_all, primary_elsewhere};
pub use roll_back::{owes_a_restore, try_restore};
pub use stop_compute::{note_compute, running, stop_all};
pub use wait_for_writes::{make_read_only, modes, note_modes, until_quiet};

use super::group::{GroupChange, GroupHandle, record_error, settle};
use super::operation::Operation;
use super::view::OperationOutcome;
use super::worker_cache::WorkerCache;
use super::{Control, ControlError, audit};
use crate::domain::{Event, FailoverGroup, FailoverKind, FailoverStep, StepStatus};
use crate::replicate::{CycleOutcome, Endpoint};
use std::time::Duration;

/// Tries of a step after the cutover before a person is asked.
const FORWARD_TRIES: u32 = 8;

/// How a step ended.
pub enum StepEnd {
    /// It did what it is for; the note says what that was.
    Done(String),
    /// It was not needed; the note says why.
    Skipped(String),
    /// The cutover is stored, and the step's end with it.
    Stored,
}

/// What a step works with.
pub struct StepContext<'a> {
    pub control: &'a Control,
    pub handle: &'a GroupHandle,
    pub cache: &'a mut WorkerCache,
    pub step: FailoverStep,
}

impl StepContext<'_> {
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

    /// Runs a cycle that only the runtime's end stops.
    pub async fn cycle(&mut self) -> Result<CycleOutcome, ControlError> {
        self.cache.cycle(self.control, self.handle, &self.handle.quit).await
    }

    /// Edits the operation, in the store first.
    pub async fn journal(&self, edit: impl FnOnce(&mut Operation)) -> Result<(), ControlError> {
        self.control.edit_operation(self.handle, edit).await
    }

    /// Shows what the step does now; only a step's end is worth a write.
    pub fn note(&self, text: String) {
        self.handle.record().note_step(self.step, text);
        self.control.touch();
    }
}

/// Runs the operation from its first step that has not ended.
pub async fn run(control: &Control, handle: &GroupHandle, cache: &mut WorkerCache) -> Duration {
    // What replication remembers was for the other direction, or for a moment that has passed.
    cache.clear();
    if handle.operation().is_some_and(|o| o.kind == FailoverKind::Planned) {
        // Whoever resumes schedules stops after its present call; only then is it true that what is paused stays so. A
        // forced failover waits for nobody: what is resumed in its old primary is paused when that is reclaimed.
        drop(handle.resuming.lock().await);
    }
    let mut tries = 0;
    loop {
        if *control.stopping().borrow() {
            return Duration::from_millis(10);
        }
        let Some(operation) = handle.operation().filter(|o| o.outcome == OperationOutcome::Running) else {
            // A record without an operation cannot go on; the group goes back to replicating.
            return settle(control, handle, end_without_operation(control, handle).await);
        };
        if operation.rolling_back {
            return roll_back::run(control, handle).await;
        }
        let Some(step) = operation.next_step() else {
            return settle(control, handle, finish(control, handle).await);
        };
        match run_step(control, handle, cache, step).await {
            Ok(()) => tries = 0,
            Err(error) if step.can_roll_back() => {
                let message = error.to_string();
                tracing::warn!(group = %handle.id, step = step.name(), %error, "failover is rolled back");
                let noted = control.edit_operation(handle, |operation| {
                    operation.end(step, StepStatus::Failed, Some(message.clone()), control.now());
                    operation.rolling_back = true;
                    operation.message = Some(format!("{} failed. {message}", step.label()));
                });
                if let Err(error) = noted.await {
                    return settle(control, handle, Err(error));
                }
            }
            Err(error) => {
                // A region that is away comes back; only what answers and refuses needs a person, and some of that at once.
                tries += u32::from(!error.is_unreachable());
                let hopeless = rebind::is_anothers(&error);
                tracing::warn!(group = %handle.id, step = step.name(), %error, tries, "a step after the cutover failed");
                record_error(control, handle, &error);
                if hopeless || tries >= FORWARD_TRIES {
                    return settle(control, handle, give_up(control, handle, step, &error, tries).await);
                }
                tokio::time::sleep(control.inner.settings.retry_pause * tries.max(1)).await;
            }
        }
    }
}

async fn run_step(
    control: &Control,
    handle: &GroupHandle,
    cache: &mut WorkerCache,
    step: FailoverStep,
) -> Result<(), ControlError> {
    let now = control.now();
    control.edit_operation(handle, |operation| operation.begin(step, now)).await?;
    tracing::info!(group = %handle.id, step = step.name(), "failover step begins");
    fail::fail_point!(step_point(step));
    let mut context = StepContext { control, handle, cache, step };
    let end = match step {
        FailoverStep::Notify => notify::run(&context).await?,
        FailoverStep::PauseSchedules => pause_schedules::run(&context).await?,
        FailoverStep::StopCompute => stop_compute::run(&context).await?,
        FailoverStep::WaitForWrites => wait_for_writes::run(&mut context).await?,
        FailoverStep::CatchUp => catch_up::run(&mut context).await?,
        FailoverStep::Compare => compare::run(&mut context).await?,
        FailoverStep::HoldRequests => hold_requests::run(&context).await?,
        FailoverStep::Fence => fence::run(&mut context).await?,
        FailoverStep::CutOver => cut_over::run(&context).await?,
        FailoverStep::Rebind => rebind::run(&context).await?,
        FailoverStep::Reverse => reverse::run(&context).await?,
    };
    let (status, note) = match end {
        StepEnd::Done(note) => (StepStatus::Done, note),
        StepEnd::Skipped(note) => (StepStatus::Skipped, note),
        StepEnd::Stored => return Ok(()),
    };
    control.edit_operation(handle, |operation| operation.end(step, status, Some(note), control.now())).await
}

/// The failpoint inside each step, where a test build can be killed.
#[cfg_attr(not(feature = "failpoints"), allow(dead_code))]
fn step_point(step: FailoverStep) -> &'static str {
    match step {
        FailoverStep::Notify => "failover.notify",
        FailoverStep::PauseSchedules => "failover.pause_schedules",
        FailoverStep::StopCompute => "failover.stop_compute",
        FailoverStep::WaitForWrites => "failover.wait_for_writes",
        FailoverStep::CatchUp => "failover.catch_up",
        FailoverStep::Compare => "failover.compare",
        FailoverStep::HoldRequests => "failover.hold_requests",
        FailoverStep::Fence => "failover.fence",
        FailoverStep::CutOver => "failover.cut_over",
        FailoverStep::Rebind => "failover.rebind",
        FailoverStep::Reverse => "failover.reverse",
    }
}

async fn end_without_operation(control: &Control, handle: &GroupHandle) -> Result<(), ControlError> {
    let mut change = GroupChange::of(handle).await;
    change.apply(Event::FailoverRolledBack { was_active: false }, control.now())?;
    change.commit(control).await.map(|_| ())
}

async fn finish(control: &Control, handle: &GroupHandle) -> Result<(), ControlError> {
    let now = control.now();
    let mut change = GroupChange::of(handle).await;
    change.apply(Event::FailedOver, now)?;
    if let Some(operation) = &mut change.operation {
        operation.ended = Some(now);
        operation.outcome = OperationOutcome::Succeeded;
        operation.resumed = operation.paused.nothing_ran() && operation.kind == FailoverKind::Planned;
        let message = format!("{} is primary for {} now.", operation.to_region, handle.id);
        let actor = operation.requested_by.clone();
        change.log(audit::line(now, &actor, "failover_group.failed_over", handle.id.as_str(), message));
    }
    change.commit(control).await.map(|_| ())
}

async fn give_up(
    control: &Control,
    handle: &GroupHandle,
    step: FailoverStep,
    error: &ControlError,
    tries: u32,
) -> Result<(), ControlError> {
    let message = match tries {
        0 | 1 => format!("{} failed. {error}", step.label()),
        n => format!("{} failed {n} times. {error}", step.label()),
    };
    let now = control.now();
    let mut change = GroupChange::of(handle).await;
    change.apply(Event::FailoverFailed, now)?;
    let actor = change.operation.as_ref().map_or("runtime", |operation| &operation.requested_by).to_owned();
    let story = format!("The failover of {} stopped after its cutover. {message}", handle.id);
    change.log(audit::line(now, &actor, "failover_group.failover_failed", handle.id.as_str(), story));
    change.group.state_message = Some(message.clone());
    if let Some(operation) = &mut change.operation {
        operation.end(step, StepStatus::Failed, Some(message.clone()), now);
        operation.outcome = OperationOutcome::Failed;
        operation.message = Some(message);
    }
    change.commit(control).await.map(|_| ())
}
