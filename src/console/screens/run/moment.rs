//! A failover at one moment, live or replayed from the step times of its journal.

use crate::control::view::{GroupView, OperationOutcome, OperationView, StepView};
use crate::domain::{FailoverKind, FailoverStep, StepStatus, Timestamp};
use std::collections::BTreeMap;

/// How long the arrow takes to turn, in milliseconds.
const TURN_MS: f32 = 700.0;

/// Seconds that each step took as a rule.
pub type Medians = BTreeMap<FailoverStep, f64>;

/// A step at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StepAt {
    /// Which.
    pub step: FailoverStep,
    /// Where it stands.
    pub status: StepStatus,
    /// Seconds that it has taken; None before it began.
    pub seconds: Option<f64>,
    /// Seconds that it took as a rule.
    pub median: Option<f64>,
    /// What it does or did.
    pub note: Option<String>,
}

/// What a region lets its clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It accepts writes.
    Writes,
    /// It can only be read.
    ReadOnly,
    /// It could not be made read-only, so what it accepts isn't known.
    NotFenced,
}

/// What is known of the regions now, which the journal of a failover doesn't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// The old primary doesn't respond.
    pub from_is_away: bool,
    /// The new primary doesn't respond.
    pub to_is_away: bool,
    /// The group waits until the region that was lost is reclaimed.
    pub is_unprotected: bool,
    /// The failover was forced, and its old primary can be made read-only once it responds.
    pub is_fenced_later: bool,
}

/// A failover at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// Milliseconds since it was confirmed.
    pub elapsed_ms: i64,
    /// Steps in their order.
    pub steps: Vec<StepAt>,
    /// How far the arrow has turned, 0 to 1.
    pub turned: f32,
    /// Whether commits are copied, in the direction of the arrow.
    pub flows: bool,
    /// The old primary.
    pub from_access: Access,
    /// The new primary.
    pub to_access: Access,
    /// Whether requests wait at the stable URLs.
    pub holds: bool,
    /// How far the stable URLs are led over, 0 to 1.
    pub led_over: f32,
    /// How it stands.
    pub outcome: OperationOutcome,
    /// The regions now; None for a moment that is past.
    pub present: Option<Present>,
}

impl Moment {
    /// The same moment, which is now.
    pub fn at_present(mut self, present: Present) -> Self {
        let is_away = present.from_is_away || present.to_is_away;
        if self.outcome == OperationOutcome::Succeeded {
            self.flows = !present.is_unprotected;
            // A region that was lost is fenced before it is reclaimed. A planned failover fences before its end, or can't.
            if present.is_fenced_later && !present.is_unprotected && self.from_access == Access::NotFenced {
                self.from_access = Access::ReadOnly;
            }
        }
        self.flows &= !is_away;
        self.present = Some(present);
        self
    }
}

/// The whole length of a failover, or its length so far, in milliseconds.
pub fn length_ms(operation: &OperationView, now: Timestamp) -> i64 {
    (operation.ended.unwrap_or(now) - operation.started).num_milliseconds().max(0)
}

/// The median time of each step over earlier failovers of this kind that succeeded.
pub fn medians(view: &GroupView, of: &OperationView) -> Medians {
    let mut times: BTreeMap<FailoverStep, Vec<f64>> = BTreeMap::new();
    for step in earlier(view, of).flat_map(|operation| &operation.steps) {
        if let Some(seconds) = step.seconds().filter(|_| step.status.is_done()) {
            times.entry(step.step).or_default().push(seconds);
        }
    }
    times.into_iter().filter_map(|(step, times)| Some((step, median(times)?))).collect()
}

/// The median RTO over the same failovers, in seconds.
pub fn median_rto(view: &GroupView, of: &OperationView) -> Option<f64> {
    median(earlier(view, of).filter_map(|operation| operation.rto_seconds).collect())
}

fn earlier<'a>(view: &'a GroupView, of: &'a OperationView) -> impl Iterator<Item = &'a OperationView> {
    view.history.iter().filter(move |operation| {
        operation.kind == of.kind && operation.id != of.id && operation.outcome == OperationOutcome::Succeeded
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len().is_multiple_of(2) { Some((values.get(middle - 1).copied()? + upper) / 2.0) } else { Some(upper) }
}

/// Milliseconds from confirmation to the new primary accepting writes; None while it does not.
pub fn rto_ms(operation: &OperationView) -> Option<i64> {
    let told = operation.rto_seconds.map(|seconds| (seconds * 1000.0) as i64);
    let rebound = operation.steps.iter().find(|step| step.step == FailoverStep::Rebind && step.status.is_done());
    told.or_else(|| Some((rebound?.ended? - operation.started).num_milliseconds()))
}

/// The failover `at_ms` after it was confirmed.
pub fn moment(operation: &OperationView, medians: &Medians, at_ms: i64) -> Moment {
    let spans: Vec<Span> = operation.steps.iter().map(|step| Span::of(operation, step)).collect();
    let steps: Vec<StepAt> = operation
        .steps
        .iter()
        .zip(&spans)
        .map(|(step, span)| {
            let status = span.status(step, at_ms);
            let seconds = span.begun.filter(|begun| *begun <= at_ms).map(|begun| {
                let until = span.ended.map_or(at_ms, |ended| ended.min(at_ms));
                (until - begun).max(0) as f64 / 1000.0
            });
            let told = matches!(status, StepStatus::Running | StepStatus::Pending);
            StepAt {
                step: step.step,
                status,
                seconds: seconds.filter(|_| status != StepStatus::Skipped),
                median: medians.get(&step.step).copied(),
                // What a step found is known only once it has ended, but for the one that runs now.
                note: step.note.clone().filter(|_| !told || step.status == status),
            }
        })
        .collect();
    let over = operation.ended.is_some_and(|ended| at_ms >= (ended - operation.started).num_milliseconds());
    let outcome = if over || operation.ended.is_none() { operation.outcome } else { OperationOutcome::Running };
    let done = |step| steps.iter().any(|at| at.step == step && at.status.is_done());
    let begun = |step| steps.iter().any(|at| at.step == step && !matches!(at.status, StepStatus::Pending));
    let undone = outcome == OperationOutcome::RolledBack;
    let cut_at = operation.steps.iter().zip(&spans).find(|(step, _)| step.step == FailoverStep::CutOver);
    let cut_at = cut_at.filter(|(step, _)| step.status.is_done()).and_then(|(_, span)| span.ended);
    let turned = match cut_at {
        // What is over has come to rest.
        Some(_) if over => 1.0,
        Some(cut) => ((at_ms - cut) as f32 / TURN_MS).clamp(0.0, 1.0),
        None => 0.0,
    };
    let planned = operation.kind == FailoverKind::Planned;
    let fence = if planned { FailoverStep::WaitForWrites } else { FailoverStep::Fence };
    let from_access = match steps.iter().find(|at| at.step == fence).map(|at| at.status) {
        Some(StepStatus::Done) if !undone => Access::ReadOnly,
        Some(StepStatus::Partly) if !undone => Access::NotFenced,
        _ => Access::Writes,
    };
    let copies = planned && !done(FailoverStep::CatchUp) && !begun(FailoverStep::Fence);
    Moment {
        elapsed_ms: at_ms,
        turned,
        // A forced failover ends before the region that was lost takes commits again.
        flows: undone || copies || (planned && done(FailoverStep::Reverse)),
        from_access,
        to_access: if done(FailoverStep::Rebind) { Access::Writes } else { Access::ReadOnly },
        holds: begun(FailoverStep::HoldRequests) && !done(FailoverStep::Rebind) && !undone,
        led_over: led_over(operation, &spans, at_ms),
        outcome,
        present: None,
        steps,
    }
}

fn led_over(operation: &OperationView, spans: &[Span], at_ms: i64) -> f32 {
    let rebind = operation.steps.iter().zip(spans).find(|(step, _)| step.step == FailoverStep::Rebind);
    let Some((step, Span { begun: Some(begun), ended })) = rebind else { return 0.0 };
    match (step.status, ended) {
        (status, Some(ended)) if status.is_done() => {
            ((at_ms - begun) as f32 / (ended - begun).max(1) as f32).clamp(0.0, 1.0)
        }
        _ if at_ms >= *begun => 0.5,
        _ => 0.0,
    }
}

/// When a step ran, in milliseconds after the confirmation.
struct Span {
    begun: Option<i64>,
    ended: Option<i64>,
}

impl Span {
    fn of(operation: &OperationView, step: &StepView) -> Self {
        let after = |at: Timestamp| (at - operation.started).num_milliseconds();
        // A step that failed may have no end of its own.
        let ended = step.ended.or(operation.ended.filter(|_| step.started.is_some()));
        Self { begun: step.started.map(after), ended: ended.map(after) }
    }

    fn status(&self, step: &StepView, at_ms: i64) -> StepStatus {
        match (self.begun, self.ended) {
            (None, _) => step.status,
            (Some(begun), _) if at_ms < begun => StepStatus::Pending,
            (_, Some(ended)) if at_ms < ended => StepStatus::Running,
            _ => step.status,
        }
    }
}

/// What is waited for, as a sentence.
pub fn waited_for(operation: &OperationView, moment: &Moment) -> String {
    let (from, to) = (&operation.from_region, &operation.to_region);
    match moment.outcome {
        OperationOutcome::Succeeded => return format!("Done. {to} is the primary and accepts writes."),
        OperationOutcome::RolledBack => return format!("Rolled back. {from} is still the primary."),
        OperationOutcome::Failed => {
            return format!("It stopped after the cutover. {to} is the primary. Retry to go on.");
        }
        OperationOutcome::Running => {}
    }
    let Some(running) = moment.steps.iter().find(|step| step.status == StepStatus::Running) else {
        return "Starting the next step.".to_owned();
    };
    let forced = operation.kind == FailoverKind::Forced;
    match running.step {
        FailoverStep::Notify => "Telling the webhook.".to_owned(),
        FailoverStep::PauseSchedules => format!("Pausing the schedules in {from}."),
        FailoverStep::StopCompute => format!("Stopping clusters and warehouses in {from}."),
        FailoverStep::WaitForWrites => format!("Waiting until no more commits land in {from}."),
        FailoverStep::CatchUp => format!("Waiting for the last commits to arrive in {to}."),
        FailoverStep::Compare => format!("Comparing every table in {from} with its replica in {to}."),
        FailoverStep::HoldRequests => "Holding new requests at the stable URLs.".to_owned(),
        FailoverStep::Fence => format!("Making sure that {from} refuses writes."),
        FailoverStep::CheckVersions => format!("Checking that each table in {to} can go back."),
        FailoverStep::RestoreVersions => format!("Salvaging later commits in {to} and taking its tables back."),
        FailoverStep::CutOver => format!("Making {to} the primary. After this step, only a failback leads back."),
        FailoverStep::Rebind => format!("Letting {to} accept writes and leading the stable URLs there."),
        FailoverStep::Reverse if forced => format!("Waiting for {from} to respond. {to} accepts writes already."),
        FailoverStep::Reverse => format!("Turning replication around, from {to} to {from}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Region;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn operation() -> OperationView {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a valid time");
        let steps = FailoverStep::of(FailoverKind::Planned).iter().enumerate().map(|(index, step)| {
            let begun = start + TimeDelta::seconds(index as i64);
            StepView {
                step: *step,
                status: StepStatus::Done,
                started: Some(begun),
                ended: Some(begun + TimeDelta::seconds(1)),
                note: Some(format!("note {index}")),
            }
        });
        OperationView {
            as_of: None,
            undoes: false,
            id: "op".to_owned(),
            kind: FailoverKind::Planned,
            from_region: Region::new("east"),
            to_region: Region::new("west"),
            requested_by: "console".to_owned(),
            started: start,
            ended: Some(start + TimeDelta::seconds(11)),
            outcome: OperationOutcome::Succeeded,
            message: None,
            rto_seconds: Some(10.0),
            rpo_seconds: Some(0.0),
            commits_lost: Some(0),
            steps: steps.collect(),
        }
    }

    #[test]
    fn a_replay_goes_through_the_steps_at_their_own_times() {
        let (operation, medians) = (operation(), Medians::new());
        let at = |ms| moment(&operation, &medians, ms);
        let early = at(4_500);
        let running: Vec<_> = early.steps.iter().filter(|s| s.status == StepStatus::Running).collect();
        assert_eq!((running.len(), running[0].step, running[0].seconds), (1, FailoverStep::CatchUp, Some(0.5)));
        assert_eq!(running[0].note, None, "what it found is not told before its end");
        assert_eq!(waited_for(&operation, &early), "Waiting for the last commits to arrive in west.");
        assert_eq!((early.outcome, early.turned, early.flows), (OperationOutcome::Running, 0.0, true));
        assert_eq!((early.from_access, early.to_access), (Access::ReadOnly, Access::ReadOnly));
        let held = at(7_500);
        assert!(held.holds && !held.flows);
        let turning = at(9_350);
        assert!((0.4..0.6).contains(&turning.turned) && (0.3..0.4).contains(&turning.led_over));
        let over = at(11_000);
        assert_eq!((over.outcome, over.turned, over.led_over), (OperationOutcome::Succeeded, 1.0, 1.0));
        assert_eq!((over.from_access, over.to_access, over.holds), (Access::ReadOnly, Access::Writes, false));
        assert_eq!(waited_for(&operation, &over), "Done. west is the primary and accepts writes.");
        assert_eq!(rto_ms(&operation), Some(10_000));
    }

    #[test]
    fn a_rolled_back_failover_ends_as_it_began() {
        let mut operation = operation();
        operation.outcome = OperationOutcome::RolledBack;
        for step in operation.steps.iter_mut().skip(4) {
            *step = StepView { status: StepStatus::Pending, started: None, ended: None, note: None, step: step.step };
        }
        operation.steps[4].status = StepStatus::Failed;
        operation.steps[4].started = Some(operation.started + TimeDelta::seconds(4));
        let over = moment(&operation, &Medians::new(), 11_000);
        assert_eq!((over.from_access, over.to_access, over.turned), (Access::Writes, Access::ReadOnly, 0.0));
        assert_eq!(over.steps[4].status, StepStatus::Failed);
        assert_eq!(moment(&operation, &Medians::new(), 6_000).steps[4].status, StepStatus::Running);
    }

    #[test]
    fn a_forced_failover_copies_nothing_until_the_lost_region_is_reclaimed() {
        let mut operation = operation();
        operation.kind = FailoverKind::Forced;
        operation.steps.retain(|step| FailoverStep::of(FailoverKind::Forced).contains(&step.step));
        for step in &mut operation.steps {
            if matches!(step.step, FailoverStep::Fence | FailoverStep::Reverse) {
                step.status = StepStatus::Partly;
            }
        }
        let over = moment(&operation, &Medians::new(), 13_000);
        assert_eq!(
            (over.outcome, over.flows, over.from_access),
            (OperationOutcome::Succeeded, false, Access::NotFenced)
        );
        let lost = Present { from_is_away: true, to_is_away: false, is_unprotected: true, is_fenced_later: true };
        let now = |present| over.clone().at_present(present);
        assert_eq!((now(lost).flows, now(lost).from_access), (false, Access::NotFenced));
        let responds = Present { from_is_away: false, ..lost };
        assert_eq!((now(responds).flows, now(responds).from_access), (false, Access::NotFenced), "not reclaimed yet");
        let whole = Present { is_unprotected: false, ..responds };
        assert_eq!((now(whole).flows, now(whole).from_access), (true, Access::ReadOnly));
        let without_bindings = Present { is_fenced_later: false, ..whole };
        assert_eq!(now(without_bindings).from_access, Access::NotFenced, "nothing keeps writers out there");
        let lost_again = Present { from_is_away: true, ..whole };
        assert!(!now(lost_again).flows, "nothing arrives in a region that doesn't respond");
    }

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(vec![9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
