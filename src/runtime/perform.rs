//! Does what intents ask for.

use super::history;
use super::{Connections, DataDir, Intent, IntentError, NoticeDetail};
use crate::control::{Control, ControlError, Repair};
use crate::domain::{Asker, FailoverOrder, GroupId, ObjectStatus, Region};
use crate::sandbox::Sandbox;
use crate::system_tables::STATES;
use std::path::Path;

/// Does what an intent asks for, as `by`. Who the window acts as is its session's.
pub(super) async fn perform(
    control: &Control,
    sandbox: Option<&Sandbox>,
    data_dir: &Path,
    by: &Asker,
    intent: Intent,
) -> Result<NoticeDetail, IntentError> {
    let actor = by.name.as_str();
    let group = |group| NoticeDetail::Group(Box::new(group));
    let answer = match intent {
        Intent::CreateGroup { spec, validate_only } => {
            control.create_group(actor, spec, validate_only).await.map(group)
        }
        Intent::UpdateGroup { id, patch, etag } => {
            control.update_group(actor, &id, Some(&etag), patch).await.map(group)
        }
        Intent::CreateStableUrl { id, workspace_id } => {
            let made = control.create_stable_url(actor, &id, workspace_id.as_str(), false).await;
            made.map(|_| NoticeDetail::Done(format!("The stable URL {id} was created.")))
        }
        Intent::DeleteStableUrl { id } => {
            let gone = control.delete_stable_url(actor, &id).await;
            gone.map(|()| NoticeDetail::Done(format!("The stable URL {id} was deleted.")))
        }
        Intent::AddTokenPair { url, client, tokens } => {
            let kept = control.add_token_pair(actor, &url, &client, tokens).await;
            kept.map(|kept| NoticeDetail::Done(format!("{url} now exchanges the tokens of {}.", kept.client)))
        }
        Intent::RemoveTokenPair { url, client } => {
            let gone = control.remove_token_pair(actor, &url, &client).await;
            gone.map(|()| NoticeDetail::Done(format!("{url} no longer exchanges the tokens of {client}.")))
        }
        Intent::CreateToken { name, role, is_client } => {
            let made = match is_client {
                true => control.create_client(actor, &name, role).await,
                false => control.create_token(actor, &name, role).await,
            };
            made.map(|(token, secret)| NoticeDetail::NewToken { token, secret })
        }
        Intent::RevokeToken { id } => {
            let revoked = control.revoke_token(actor, &id).await;
            revoked.map(|token| NoticeDetail::Done(format!("{} was revoked.", token.name)))
        }
        Intent::ReadAsOf { id, at } => control.as_of(&id, at).await.map(|report| NoticeDetail::AsOf(Box::new(report))),
        Intent::KeepFailover { id } => control.keep_failover(actor, &id).await.map(NoticeDetail::Done),
        Intent::UndoFailover { id } => control.undo_failover(by, &id).await.map(group),
        Intent::FailOver {
            id,
            target_primary_region: target,
            kind,
            etag,
            accept_left_behind: accepted,
            as_of,
            provisional_minutes,
        } => {
            let order = FailoverOrder { target, kind, accepted, as_of, provisional_minutes };
            match control.order_failover(by, &id, order, Some(&etag)).await {
                // What was asked for is kept, and goes on when someone else approves it.
                Err(ControlError::AwaitsApproval { sentence }) => Ok(NoticeDetail::Done(sentence)),
                begun => begun.map(group),
            }
        }
        Intent::Approve { id, request } => control.approve(by, &id, &request).await.map(group),
        Intent::RefuseApproval { id, request } => control.refuse(by, &id, &request).await.map(NoticeDetail::Done),
        Intent::SetApproval { id, policy } => {
            control.set_approval(actor, &id, |_| policy).await.map(NoticeDetail::Done)
        }
        Intent::SetTargets { id, targets } => {
            control.set_targets(actor, &id, |_| targets).await.map(NoticeDetail::Done)
        }
        Intent::SetAlerts { patch } => control.set_alerts(actor, patch).await.map(NoticeDetail::Done),
        Intent::TestAlerts => match control.test_alerts(actor).await {
            Ok((true, sentence)) => Ok(NoticeDetail::Done(format!("The test was delivered. {sentence}"))),
            Ok((false, sentence)) => return Err(failed(format!("The test was not delivered. {sentence}"))),
            Err(error) => Err(error),
        },
        Intent::SignIn { .. } | Intent::SignOut | Intent::SetSignInRequired { .. } => {
            return Err(refusal(ControlError::BadArgument {
                sentence: "Only a window can be signed in and out.".to_owned(),
            }));
        }
        Intent::ReleaseLeftBehind { id, object } => {
            control.release_left_behind(actor, &id, &object).await.map(NoticeDetail::Done)
        }
        Intent::ReadSalvage { of } => control.salvaged(&of).await.map(|report| NoticeDetail::Salvage(Box::new(report))),
        Intent::PreviewSalvage { of, versions } => {
            control.preview_salvage(&of, versions).await.map(|rows| NoticeDetail::Rows(Box::new(rows)))
        }
        Intent::RecoverSalvage { of, versions, request } => {
            control.recover_salvage(actor, &of, versions, request).await.map(NoticeDetail::Done)
        }
        Intent::ReleaseSalvage { of } => control.release_salvage(actor, &of).await.map(NoticeDetail::Done),
        Intent::CheckReadiness { id } => {
            control.readiness(&id).await.map(|report| NoticeDetail::Readiness(Box::new(report)))
        }
        Intent::CheckReadinessOf { spec } => {
            control.check_readiness(&spec).await.map(|report| NoticeDetail::Readiness(Box::new(report)))
        }
        Intent::ConfirmReadiness { id, line } => {
            let report = control.confirm_readiness(actor, &id, &line).await;
            report.map(|report| NoticeDetail::Readiness(Box::new(report)))
        }
        Intent::StartDrill { id, kind, wait } => {
            let started = control.start_drill(actor, &id, kind, wait).await;
            started.map(|_| NoticeDetail::Done(format!("The {} of {id} started.", kind.label())))
        }
        Intent::LetDrillGoOn { id, drill } => {
            let gone_on = control.let_drill_go_on(actor, &id, &drill).await;
            gone_on.map(|drill| NoticeDetail::Done(format!("The {} of {id} goes on.", drill.kind.label())))
        }
        Intent::SetDrillSchedule { id, wanted } => {
            let set = control.set_drill_schedule(actor, &id, wanted).await;
            let word = if wanted.is_some() { "set" } else { "removed" };
            set.map(|()| NoticeDetail::Done(format!("The drill schedule of {id} was {word}.")))
        }
        Intent::SetRunBook { id, book } => control.set_run_book(actor, &id, book).await.map(NoticeDetail::Done),
        Intent::AskWhatIf { id, asked } => {
            control.what_if(&id, asked).await.map(|answer| NoticeDetail::WhatIf(Box::new(answer)))
        }
        Intent::EstimateLoss { id } => {
            let found = control.estimate_loss(&id).await;
            found.map(|_| NoticeDetail::Done(format!("Estimated what a forced failover of {id} would lose.")))
        }
        Intent::DeleteSecondaryOnly { id, confirm } => {
            let done = control.delete_secondary_only(actor, &id, &confirm).await;
            done.map(|outcome| NoticeDetail::Done(outcome.sentence()))
        }
        Intent::ResumeWorkloads { id } => control.resume_workloads(actor, &id).await.map(NoticeDetail::Done),
        Intent::Repair { id, deep, etag } => {
            control.repair(actor, &id, deep, Some(&etag)).await.map(|repair| NoticeDetail::Done(repaired(&id, &repair)))
        }
        Intent::ReadPoint { id, at } => {
            control.point(&id, at).await.map(|report| NoticeDetail::Point(Box::new(report)))
        }
        Intent::ReadHistory { id, since } => {
            return history::read_history(DataDir::system_tables_of(data_dir).join(STATES), id, since, control.now())
                .await;
        }
        Intent::SaveText { path, text } => return history::save_new(path, text.into_bytes().into()).await,
        Intent::SavePicture { path, png } => return history::save_new(path, png).await,
        Intent::RetryGroup { id } => control.retry(actor, &id).await.map(group),
        Intent::DeleteGroup { id, etag, given_up_region } => match given_up_region {
            Some(region) => control.delete_group_giving_up(actor, &id, Some(&etag), &region).await,
            None => control.delete_group(actor, &id, Some(&etag)).await,
        }
        .map(group),
        Intent::ReleaseReplica { region, catalog } => {
            control.release_replica(actor, &region, &catalog).await.map(NoticeDetail::Done)
        }
        Intent::AskCapabilities { name } => {
            let asked = async { Connections::load(data_dir)?.test(&name).await };
            let sheet = asked.await.map_err(|error| failed(error.to_string()))?;
            return Ok(NoticeDetail::Capabilities(Box::new(sheet)));
        }
        Intent::RefreshRegions => {
            control.refresh_regions();
            Ok(NoticeDetail::Done("Refreshing the regions.".to_owned()))
        }
        Intent::SetMissionCritical { workspace_id, on } => {
            control.set_mission_critical(actor, &workspace_id, on).await.map(NoticeDetail::Done)
        }
        Intent::SetTransferLimit { limit } => control.set_transfer_limit(actor, limit).await.map(NoticeDetail::Done),
        Intent::TakeRegionDown { region } => return switch_region(sandbox, control, &region, false).await,
        Intent::BringRegionUp { region } => return switch_region(sandbox, control, &region, true).await,
    };
    answer.map_err(refusal)
}

/// What a repair did and what still differs, in a few sentences.
fn repaired(id: &GroupId, repair: &Repair) -> String {
    let left = repair.report.objects.iter().filter(|o| o.status.is_difference() && o.status != ObjectStatus::Lagging);
    let left: Vec<&str> = left.map(|o| o.name.as_str()).collect();
    let mut sentence = match repair.done.as_slice() {
        [] => format!("{} was compared. Nothing needed repair.", id),
        done => done.join(" "),
    };
    if let Some(first) = left.first() {
        let more = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
        sentence.push_str(&format!(" Still not as its source: {first}{more}. See the objects for why."));
    }
    sentence
}

/// Takes a region of the sandbox down, or brings it up.
async fn switch_region(
    sandbox: Option<&Sandbox>,
    control: &Control,
    region: &Region,
    up: bool,
) -> Result<NoticeDetail, IntentError> {
    let Some(sandbox) = sandbox else {
        return Err(failed("Only a region of the sandbox can be taken down and brought up here.".to_owned()));
    };
    let done = if up { sandbox.bring_up(region.as_str()).await } else { sandbox.take_down(region.as_str()).await };
    control.refresh_regions();
    let state = if up { "up" } else { "down" };
    done.map(|()| NoticeDetail::Done(format!("{region} is {state}."))).map_err(|error| failed(error.to_string()))
}

fn failed(sentence: String) -> IntentError {
    IntentError { sentence, violations: Vec::new(), stale: false }
}

fn refusal(error: ControlError) -> IntentError {
    let sentence = error.to_string();
    match error {
        ControlError::Invalid { violations } => IntentError { sentence, violations, stale: false },
        ControlError::Stale { .. } => IntentError { sentence, violations: Vec::new(), stale: true },
        _ => IntentError { sentence, violations: Vec::new(), stale: false },
    }
}
