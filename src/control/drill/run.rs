//! Runs a drill from wherever its record stands.

use super::{checks, copies, full};
use crate::control::lock::lock;
use crate::control::{Control, ControlError, audit};
use crate::domain::{Drill, DrillKind, DrillOutcome, DrillStep, StepStatus, Timestamp};
use chrono::TimeDelta;
use std::sync::Arc;
use std::time::Duration;

/// Between two tries of a step that waits for a region.
const AGAIN: Duration = Duration::from_secs(2);
/// How often a gate and a timeout are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How a step ended.
pub enum End {
    Done(String),
    Skipped(String),
}

/// Runs a drill to its end, or until the runtime stops. While its record can't be written, it waits.
pub async fn go_on(control: Control, drill: Arc<Drill>) {
    let mut stopping = control.stopping();
    let to_the_end = async {
        while let Err(error) = steps(&control, &drill.id).await {
            tracing::warn!(drill = %drill.id, group = %drill.group, %error, "the drill's record could not be written");
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = to_the_end => {}
        _ = stopping.wait_for(|stop| *stop) => {}
    }
}

async fn steps(control: &Control, id: &str) -> Result<(), ControlError> {
    loop {
        let Some(drill) = lock(&control.inner.drills).get(id).filter(|drill| drill.is_running()) else { return Ok(()) };
        let Some(step) = drill.next_step() else { return finish(control, drill.as_ref().clone()).await };
        let mut drill = drill.as_ref().clone();
        let now = control.now();
        if let Some(record) = drill.record(step) {
            record.status = StepStatus::Running;
            record.started = record.started.or(Some(now));
        }
        control.keep_drill(drill.clone(), None).await?;
        fail::fail_point!("drill.step");
        let Some(mut drill) = pass_gate(control, &drill, step).await? else {
            fail(control, drill, step, "No one let it go on within its timeout.".to_owned()).await?;
            continue;
        };
        match in_time(control, &mut drill, step).await {
            Ok(End::Done(note)) => end(control, drill, step, StepStatus::Done, note).await?,
            Ok(End::Skipped(note)) => end(control, drill, step, StepStatus::Skipped, note).await?,
            // What was made must be removed, however long its region is away.
            Err(error) if step == DrillStep::CleanUp => {
                if let Some(record) = drill.record(step) {
                    record.note = Some(format!("Couldn't remove the copy yet: {error} This is retried."));
                }
                control.keep_drill(drill, None).await?;
                tokio::time::sleep(AGAIN).await;
            }
            // It says nothing about the step, which begins again once the store takes its record.
            Err(error) if error.is_of_store() => return Err(error),
            Err(error) => fail(control, drill, step, error.to_string()).await?,
        }
    }
}

/// When a step must have ended, where its run-book says so. The copy is removed however long that takes.
fn deadline(drill: &Drill, step: DrillStep) -> Option<Timestamp> {
    let record = drill.steps.iter().find(|record| record.step == step && step != DrillStep::CleanUp)?;
    Some(record.started? + TimeDelta::minutes(i64::from(record.book.as_ref()?.timeout_minutes?)))
}

/// Waits until a person lets a gated step begin: the drill with who it was. None where its time was over before.
async fn pass_gate(control: &Control, drill: &Drill, step: DrillStep) -> Result<Option<Drill>, ControlError> {
    loop {
        let known = lock(&control.inner.drills).get(&drill.id);
        // Without a record there is nothing to wait for.
        let Some(known) = known else { return Ok(Some(drill.clone())) };
        let gated = known.steps.iter().any(|record| record.step == step && record.is_gated());
        // The step that waits in the secondary asks by itself.
        if !gated || step == DrillStep::WaitForPerson {
            return Ok(Some(known.as_ref().clone()));
        }
        if deadline(&known, step).is_some_and(|deadline| control.now() >= deadline) {
            return Ok(None);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A step, within the time that its run-book gives it.
async fn in_time(control: &Control, drill: &mut Drill, step: DrillStep) -> Result<End, ControlError> {
    let Some(deadline) = deadline(drill, step) else { return act(control, drill, step).await };
    tokio::select! {
        done = act(control, drill, step) => done,
        () = until(control, deadline) => Err(full::refused("It took longer than the run-book's timeout.")),
    }
}

async fn until(control: &Control, deadline: Timestamp) {
    while control.now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}

async fn act(control: &Control, drill: &mut Drill, step: DrillStep) -> Result<End, ControlError> {
    match step {
        DrillStep::CheckGroup => full::check_group(control, drill).await,
        DrillStep::FailOver => full::fail_over(control, drill).await,
        DrillStep::CompareOver => full::compare(control, drill).await,
        DrillStep::WaitForPerson => full::wait_for_person(control, drill).await,
        DrillStep::FailBack => full::fail_back(control, drill).await,
        DrillStep::CompareBack => full::compare(control, drill).await,
        DrillStep::ChoosePoint => copies::choose_point(control, drill).await,
        DrillStep::MakeCatalogs => copies::make_catalogs(control, drill).await,
        DrillStep::CopyTables => copies::copy_tables(control, drill).await,
        DrillStep::CheckFiles => checks::check_files(control, drill).await,
        DrillStep::CheckViews => checks::check_views(control, drill).await,
        DrillStep::WriteToCopies => checks::write_to_copies(control, drill).await,
        DrillStep::CleanUp => copies::clean_up(control, drill).await,
    }
}

async fn end(
    control: &Control,
    mut drill: Drill,
    step: DrillStep,
    status: StepStatus,
    note: String,
) -> Result<(), ControlError> {
    let now = control.now();
    if let Some(record) = drill.record(step) {
        (record.status, record.note, record.ended) = (status, Some(note), Some(now));
    }
    control.keep_drill(drill, None).await.map(|_| ())
}

/// Notes a failed step. An isolated drill goes on with removing its copy, a full one ends where it is: what to do then is
/// for a person to say.
async fn fail(control: &Control, mut drill: Drill, step: DrillStep, why: String) -> Result<(), ControlError> {
    let now = control.now();
    drill.problems.push(format!("{} failed. {why}", step.label()));
    for record in drill.steps.iter_mut().filter(|record| record.ended.is_none()) {
        if record.step == step {
            (record.status, record.note, record.ended) = (StepStatus::Failed, Some(why.clone()), Some(now));
        } else if record.step != DrillStep::CleanUp {
            let note = format!("{} failed before.", step.label());
            (record.status, record.note, record.ended) = (StepStatus::Skipped, Some(note), Some(now));
        }
    }
    control.keep_drill(drill, None).await.map(|_| ())
}

async fn finish(control: &Control, mut drill: Drill) -> Result<(), ControlError> {
    let now = control.now();
    drill.ended = Some(now);
    drill.outcome = if drill.problems.is_empty() { DrillOutcome::Held } else { DrillOutcome::NotHeld };
    let action = if drill.outcome == DrillOutcome::Held { "drill.held" } else { "drill.not_held" };
    let line = audit::line(now, &drill.requested_by, action, drill.group.as_str(), drill.sentence());
    if drill.kind == DrillKind::Full && drill.outcome == DrillOutcome::NotHeld {
        tracing::warn!(group = %drill.group, "{}", drill.sentence());
    }
    control.keep_drill(drill, Some(line)).await.map(|_| ())
}
