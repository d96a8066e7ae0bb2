//! Failover groups.

use super::auth::{Bytes, Call, json};
use super::body::{error_body, group_body, spec_of};
use super::context::{Api, to_the_end};
use super::mask::patch_of;
use super::paging::page;
use super::reply::{Answer, Rejection, bad, ok};
use crate::domain::{FailoverGroup, FailoverKind, FailoverOrder, GroupId, Region, Right, Timestamp};
use crate::wire::disaster_recovery::{
    AssetBody, DeleteSecondaryOnlyRequest, DeleteSecondaryOnlyResponse, FailoverGroupBody, FailoverRequest,
    ListFailoverGroups,
};
use axum::extract::State;
use chrono::DateTime;
use serde_json::json;
use std::sync::Arc;

/// `POST …/failover-groups`
pub async fn create(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    let validate_only = call.query.flag("validate_only")?;
    let id = GroupId::new(call.query.required("failover_group_id")?).map_err(|problem| bad(problem.to_string()))?;
    let spec = spec_of(id, json(&bytes)?)?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    let group = to_the_end(async move { control.create_group(&actor, spec, validate_only).await }).await?;
    whole(&api, group)
}

/// `GET …/failover-groups`
pub async fn list(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    let page = page("failover-groups", api.control.groups(), |group| group.spec.id.as_str(), &call.query)?;
    let account_id = api.control.account_id();
    ok(&ListFailoverGroups {
        failover_groups: page.items.into_iter().map(|group| group_body(account_id, group, true)).collect(),
        next_page_token: page.next,
    })
}

/// `GET …/failover-groups/{id}`
pub async fn get(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    let group = api.control.group(&id_of(&call.id)?)?;
    whole(&api, group)
}

/// `GET …/failover-groups/{id}/errors`
pub async fn errors(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    let rows = api.control.error_history(&id_of(&call.id)?).await?;
    ok(&json!({ "errors": rows.into_iter().map(error_body).collect::<Vec<_>>() }))
}

/// `PATCH …/failover-groups/{id}`
pub async fn update(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    let id = id_of(&call.id)?;
    let before = api.control.group(&id)?;
    let body: FailoverGroupBody = json(&bytes)?;
    let mask = call.query.text("update_mask").unwrap_or_default();
    let patch = patch_of(mask, &body, &before.spec, api.control.account_id())?;
    let (control, etag, actor) = (api.control.clone(), call.etag(), call.caller.name);
    let change = async move { control.update_group(&actor, &id, etag.as_deref(), patch).await };
    whole(&api, to_the_end(change).await?)
}

/// `DELETE …/failover-groups/{id}[?given_up_region=…]`
pub async fn delete(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Change)?;
    let id = id_of(&call.id)?;
    let (control, etag, actor) = (api.control.clone(), call.etag(), call.caller.name);
    let given_up = call.query.text("given_up_region").filter(|region| !region.is_empty()).map(str::to_owned);
    let delete = async move {
        match given_up {
            Some(region) => control.delete_group_giving_up(&actor, &id, etag.as_deref(), &Region::new(region)).await,
            None => control.delete_group(&actor, &id, etag.as_deref()).await,
        }
    };
    to_the_end(delete).await?;
    ok(&json!({}))
}

/// `POST …/failover-groups/{id}/failover`
pub async fn fail_over(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::FailOver)?;
    let id = id_of(&call.id)?;
    api.control.group(&id)?;
    let request: FailoverRequest = json(&bytes)?;
    let kind = match request.failover_type.as_str() {
        "FORCED" => FailoverKind::Forced,
        "PLANNED" => FailoverKind::Planned,
        other => {
            return Err(bad(format!("failover_type is {other:?}. Write FORCED; this server also takes PLANNED.")));
        }
    };
    if request.target_primary_region.is_empty() {
        return Err(bad("target_primary_region is missing. Name the new primary region."));
    }
    let (control, by) = (api.control.clone(), call.asker());
    let etag = request.etag.filter(|etag| !etag.is_empty());
    let target = request.target_primary_region;
    let accepted = request.accept_left_behind.unwrap_or_default();
    let as_of = request.as_of.filter(|at| !at.is_empty()).map(|at| instant(&at)).transpose()?;
    let provisional_minutes = request.provisional_minutes;
    let order = FailoverOrder { target: Region::new(target), kind, accepted, as_of, provisional_minutes };
    let confirm = async move { control.order_failover(&by, &id, order, etag.as_deref()).await };
    whole(&api, to_the_end(confirm).await?)
}

/// `POST …/failover-groups/{id}/delete-secondary-only-assets`
pub async fn delete_secondary_only(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    let id = id_of(&call.id)?;
    let request: DeleteSecondaryOnlyRequest = json(&bytes)?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    let delete = async move { control.delete_secondary_only(&actor, &id, &request.confirm).await };
    let outcome = to_the_end(delete).await?;
    let deleted = outcome.deleted.into_iter();
    ok(&DeleteSecondaryOnlyResponse {
        deleted: deleted.map(|(kind, name)| AssetBody { kind: kind.as_str().to_owned(), name }).collect(),
        left: outcome.left,
        folder: outcome.folder,
    })
}

/// `POST …/failover-groups/{id}/provisional/keep`
pub async fn keep(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::FailOver)?;
    let (control, actor, id) = (api.control.clone(), call.caller.name, id_of(&call.id)?);
    let message = to_the_end(async move { control.keep_failover(&actor, &id).await }).await?;
    ok(&json!({ "message": message }))
}

/// `POST …/failover-groups/{id}/provisional/undo`
pub async fn undo(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::FailOver)?;
    let (control, by, id) = (api.control.clone(), call.asker(), id_of(&call.id)?);
    whole(&api, to_the_end(async move { control.undo_failover(&by, &id).await }).await?)
}

fn instant(text: &str) -> Result<Timestamp, Rejection> {
    let parsed = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    parsed.map_err(|_| bad(format!("as_of is {text:?}. Write an instant such as 2026-11-22T09:00:00Z.")))
}

fn whole(api: &Api, group: FailoverGroup) -> Answer {
    // A group that is only checked, or gone by now, has none.
    let targets = api.control.targets(&group.spec.id).unwrap_or_default();
    ok(&FailoverGroupBody {
        rpo_target_seconds: targets.rpo_s,
        rto_target_seconds: targets.rto_s,
        ..group_body(api.control.account_id(), group, false)
    })
}

/// A text that isn't an id isn't a group's id.
pub fn id_of(text: &str) -> Result<GroupId, Rejection> {
    GroupId::new(text)
        .map_err(|_| Rejection::NotFound { sentence: format!("There is no failover group named {text:?}.") })
}
