//! Failovers that wait for a second person: listed, approved and refused, over the API and on a page that a message links to.

use super::auth::{Bytes, Call, json};
use super::body::group_body;
use super::context::{Api, to_the_end};
use super::groups::id_of;
use super::reply::{Answer, bad, ok};
use crate::domain::{ApprovalPolicy, Right};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// The page on which a person approves or refuses with a token of their own.
const PAGE: &str = include_str!("../../assets/approval.html");
/// What the page may do: its own script and style, and calls to this server.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// A change of what a group asks; what is left out stays.
#[derive(Debug, Default, Serialize, Deserialize)]
struct PolicyBody {
    #[serde(default)]
    required: Option<bool>,
    #[serde(default)]
    forced_exempt: Option<bool>,
    #[serde(default)]
    expires_minutes: Option<u32>,
}

/// Which request is approved or refused.
#[derive(Debug, Default, Deserialize)]
struct RequestBody {
    #[serde(default)]
    request_id: String,
}

/// `GET …/failover-groups/{id}/approval`
pub async fn get(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    shown(&api, &call.id)
}

/// `PATCH …/failover-groups/{id}/approval`
pub async fn update(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::SetApproval)?;
    let id = id_of(&call.id)?;
    if bytes.0.is_empty() {
        return Err(bad("The body is missing. Send what is to change."));
    }
    let body: PolicyBody = json(&bytes)?;
    let edit = move |before: ApprovalPolicy| ApprovalPolicy {
        required: body.required.unwrap_or(before.required),
        forced_exempt: body.forced_exempt.unwrap_or(before.forced_exempt),
        expires_minutes: body.expires_minutes.unwrap_or(before.expires_minutes),
    };
    let (control, actor) = (api.control.clone(), call.caller.name);
    to_the_end(async move { control.set_approval(&actor, &id, edit).await }).await?;
    shown(&api, &call.id)
}

/// `POST …/failover-groups/{id}/approval/approve`
pub async fn approve(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::FailOver)?;
    let (id, request) = (id_of(&call.id)?, request_of(&bytes)?);
    let (control, by) = (api.control.clone(), call.asker());
    let group = to_the_end(async move { control.approve(&by, &id, &request).await }).await?;
    ok(&group_body(api.control.account_id(), group, false))
}

/// `POST …/failover-groups/{id}/approval/refuse`
pub async fn refuse(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::FailOver)?;
    let (id, request) = (id_of(&call.id)?, request_of(&bytes)?);
    let (control, by) = (api.control.clone(), call.asker());
    let message = to_the_end(async move { control.refuse(&by, &id, &request).await }).await?;
    ok(&json!({ "message": message }))
}

/// `GET /approvals/{id}/{request_id}`: tells nothing before its reader gives a token.
pub async fn page(State(api): State<Arc<Api>>) -> Response {
    let page = PAGE.replace("{{account_id}}", api.control.account_id());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::OK, headers, page).into_response()
}

fn request_of(bytes: &Bytes) -> Result<String, super::reply::Rejection> {
    let body: RequestBody = json(bytes)?;
    if body.request_id.is_empty() {
        return Err(bad("request_id is missing. Name the request that waits."));
    }
    Ok(body.request_id)
}

fn shown(api: &Api, id: &str) -> Answer {
    let id = id_of(id)?;
    let (policy, pending) = api.control.approval(&id)?;
    let pending = pending.map(|pending| {
        json!({
            "request_id": pending.id,
            "target_primary_region": pending.order.target,
            "failover_type": pending.order.kind,
            "accept_left_behind": pending.order.accepted,
            "as_of": pending.order.as_of,
            "provisional_minutes": pending.order.provisional_minutes,
            "requested_by": pending.asked_by.name,
            "request_time": pending.asked_at,
            "expire_time": pending.expires_at,
            "message": pending.sentence(id.as_str()),
        })
    });
    ok(&json!({
        "required": policy.required,
        "forced_exempt": policy.forced_exempt,
        "expires_minutes": policy.expires_minutes,
        "pending": pending,
    }))
}
