//! The steps of a full drill: over, and back.

use super::run::End;
use crate::control::view::OperationOutcome;
use crate::control::{Control, ControlError};
use crate::domain::{Drill, DrillStep, FailoverGroup, FailoverKind, GroupState, Region};
use std::time::{Duration, Instant};

/// How often a wait looks.
const LOOK: Duration = Duration::from_millis(100);
/// How long tables may differ after a failover before that is a finding: the last commits may still be on their way.
const ON_THEIR_WAY: Duration = Duration::from_secs(60);

pub async fn check_group(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let group = control.group(&drill.group)?;
    if group.effective_primary_region != drill.primary {
        return Err(refused(format!("{} is no longer the primary. Start the drill again.", drill.primary)));
    }
    if group.has_replication_point_blocking_errors {
        return Err(refused(
            "An object holds back the replication point, so a planned failover would be refused. See the errors of the group.",
        ));
    }
    for region in [&drill.primary, &drill.secondary] {
        if control.away_since(region).is_some() {
            return Err(refused(format!("{region} doesn't respond.")));
        }
    }
    Ok(End::Done(format!("{} is primary, both regions respond, and no object holds back the group.", drill.primary)))
}

pub async fn fail_over(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let target = drill.secondary.clone();
    drill.rto_seconds = run(control, drill, &target).await?;
    Ok(End::Done(in_words(&target, drill.rto_seconds)))
}

pub async fn fail_back(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let target = drill.primary.clone();
    drill.failback_rto_seconds = run(control, drill, &target).await?;
    let resumed = match control.resume_workloads(&drill.requested_by, &drill.group).await {
        Ok(said) => said,
        // Nothing ran before.
        Err(ControlError::Refused { .. }) => String::new(),
        Err(error) => return Err(error),
    };
    Ok(End::Done(format!("{} {resumed}", in_words(&target, drill.failback_rto_seconds)).trim_end().to_owned()))
}

fn in_words(target: &Region, rto_seconds: Option<f64>) -> String {
    match rto_seconds {
        Some(rto) => format!("{target} took writes {rto:.1} s after the failover was confirmed."),
        None => format!("{target} is primary."),
    }
}

/// Fails over unless that is done, and waits until replication is reversed; the RTO.
async fn run(control: &Control, drill: &Drill, target: &Region) -> Result<Option<f64>, ControlError> {
    let group = control.group(&drill.group)?;
    if group.effective_primary_region != *target && group.state != GroupState::FailingOver {
        match control.fail_over(&drill.requested_by, &drill.group, target, FailoverKind::Planned, None).await {
            Ok(_) => {}
            // It begins once a second person approves it.
            Err(ControlError::AwaitsApproval { .. }) => while_it_waits(control, drill, target).await?,
            Err(error) => return Err(error),
        }
    }
    until(control, drill, |group| group.state != GroupState::FailingOver).await?;
    let operation = control.last_operation(&drill.group)?.ok_or_else(|| refused("The failover left no record."))?;
    if operation.outcome != OperationOutcome::Succeeded || operation.to_region != *target {
        return Err(refused(format!(
            "The failover to {target} did not succeed. {}",
            operation.message.unwrap_or_default()
        )));
    }
    until(control, drill, |group| group.state == GroupState::Active).await?;
    Ok(operation.rto_seconds)
}

/// Waits while the failover waits for a second person; an error where it was refused or forgotten.
async fn while_it_waits(control: &Control, drill: &Drill, target: &Region) -> Result<(), ControlError> {
    while control.approval(&drill.group)?.1.is_some() {
        tokio::time::sleep(LOOK).await;
    }
    let group = control.group(&drill.group)?;
    if group.effective_primary_region == *target || group.state == GroupState::FailingOver {
        return Ok(());
    }
    Err(refused("The failover was not approved. Start the drill again and ask a second person to approve it."))
}

async fn until(
    control: &Control,
    drill: &Drill,
    done: impl Fn(&FailoverGroup) -> bool,
) -> Result<FailoverGroup, ControlError> {
    loop {
        let group = control.group(&drill.group)?;
        if done(&group) {
            return Ok(group);
        }
        if matches!(group.state, GroupState::FailoverFailed | GroupState::Deleting | GroupState::DeletionFailed) {
            let why = group.state_message.unwrap_or_default();
            return Err(refused(format!("The group is {}. {why}", group.state)));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Compares every object of the group in the direction that it replicates in now.
pub async fn compare(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let watch = Instant::now();
    let report = loop {
        let report = control.verify(&drill.group, false).await?;
        if report.differing().is_empty() || watch.elapsed() > ON_THEIR_WAY {
            break report;
        }
        tokio::time::sleep(LOOK).await;
    };
    let differing: Vec<&str> = report.differing().into_iter().map(|object| object.name.as_str()).collect();
    if let [first, rest @ ..] = differing.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        return Err(refused(format!("{first}{more} are not equal in both regions. Verify the group to see why.")));
    }
    drill.tables_verified = report.verified() as u64;
    Ok(End::Done(format!("{} tables are equal in both regions.", drill.tables_verified)))
}

pub async fn wait_for_person(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let is_gated = |drill: &Drill| drill.steps.iter().any(|r| r.step == DrillStep::WaitForPerson && r.is_gated());
    if !drill.waits_for_person && !is_gated(drill) && drill.let_go_by.is_none() {
        return Ok(End::Skipped("The drill goes on by itself.".to_owned()));
    }
    loop {
        let known = control.drill(&drill.group, &drill.id)?;
        if let Some(who) = &known.let_go_by {
            *drill = known.as_ref().clone();
            return Ok(End::Done(format!("{who} let it go on.")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

pub fn refused(sentence: impl Into<String>) -> ControlError {
    ControlError::Refused { sentence: sentence.into() }
}
