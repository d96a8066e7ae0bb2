//! What a click asks of another account: the published calls, and a sentence for what it has no call for.

use super::read::group_of;
use crate::connect::{AccountClient, ConnectError};
use crate::domain::FailoverKind;
use crate::runtime::history::save_new;
use crate::runtime::{Intent, IntentError, NoticeDetail};
use crate::wire::disaster_recovery::{FAILOVER_FORCED, FailoverGroupBody, FailoverRequest, TargetsBody};

/// Does what an intent asks for.
pub async fn perform(client: &AccountClient, intent: Intent) -> Result<NoticeDetail, IntentError> {
    match intent {
        Intent::FailOver { kind: FailoverKind::Planned, .. } => Err(refused(
            "The account API publishes forced failovers only. Choose forced, or plan it where that account's runtime runs."
                .to_owned(),
        )),
        Intent::FailOver { as_of, provisional_minutes, .. } if as_of.is_some() || provisional_minutes.is_some() => {
            Err(refused(
                "The account API has no failover to an earlier instant and no provisional one. Do it where that account's runtime runs."
                    .to_owned(),
            ))
        }
        Intent::FailOver { id, target_primary_region, etag, .. } => {
            let request = FailoverRequest {
                target_primary_region: target_primary_region.to_string(),
                failover_type: FAILOVER_FORCED.to_owned(),
                etag: Some(etag),
                accept_left_behind: None,
                as_of: None,
                provisional_minutes: None,
            };
            group(client.fail_over(id.as_str(), &request).await)
        }
        Intent::DeleteGroup { id, etag, given_up_region: None } => {
            let gone = client.delete_group(id.as_str(), Some(&etag)).await;
            gone.map(|()| NoticeDetail::Done(format!("Deleting {id}. Its replica stays."))).map_err(refusal)
        }
        Intent::SetTargets { id, targets } => {
            let body = TargetsBody { rpo_seconds: targets.rpo_s.or(Some(0)), rto_seconds: targets.rto_s.or(Some(0)) };
            let set = client.set_targets(id.as_str(), &body).await;
            set.map(|()| NoticeDetail::Done(format!("The targets of {id} are: {}.", targets.words()))).map_err(refusal)
        }
        Intent::CreateStableUrl { id, workspace_id } => {
            let made = client.create_stable_url(&id, workspace_id.as_str()).await;
            made.map(|_| NoticeDetail::Done(format!("The stable URL {id} was created."))).map_err(refusal)
        }
        Intent::DeleteStableUrl { id } => {
            let gone = client.delete_stable_url(&id).await;
            gone.map(|()| NoticeDetail::Done(format!("The stable URL {id} was deleted."))).map_err(refusal)
        }
        // What is saved lies on this machine.
        Intent::SaveText { path, text } => save_new(path, text.into_bytes().into()).await,
        Intent::SavePicture { path, png } => save_new(path, png).await,
        Intent::RefreshRegions => Ok(NoticeDetail::Done("Reading the account again.".to_owned())),
        Intent::CreateGroup { .. } | Intent::UpdateGroup { .. } => Err(refused(
            "The account API doesn't tell what the regions hold, so this form has nothing to choose from. Use 'account create' or 'account update' on the command line."
                .to_owned(),
        )),
        _ => Err(refused(format!(
            "The account at {} has no call for this. Do it where that account's runtime runs.",
            client.url()
        ))),
    }
}

fn group(answer: Result<FailoverGroupBody, ConnectError>) -> Result<NoticeDetail, IntentError> {
    let body = answer.map_err(refusal)?;
    Ok(match group_of(body) {
        Some(group) => NoticeDetail::Group(Box::new(group)),
        None => NoticeDetail::Done("The account accepted it.".to_owned()),
    })
}

fn refused(sentence: String) -> IntentError {
    IntentError { sentence, violations: Vec::new(), stale: false }
}

/// A failed call, as the window shows it.
pub fn refusal(error: ConnectError) -> IntentError {
    let stale = matches!(&error, ConnectError::Refused { status: 409, error_code, .. } if error_code == "ABORTED");
    IntentError { sentence: error.to_string(), violations: Vec::new(), stale }
}
