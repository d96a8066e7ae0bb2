//! Stable URLs.

use super::auth::{Bytes, Call, json};
use super::body::url_body;
use super::context::{Api, to_the_end};
use super::paging::page;
use super::reply::{Answer, bad, ok};
use crate::domain::{Right, StableUrl};
use crate::wire::disaster_recovery::{ListStableUrls, StableUrlBody};
use axum::extract::State;
use serde_json::json;
use std::sync::Arc;

/// `POST …/stable-urls`
pub async fn create(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    let validate_only = call.query.flag("validate_only")?;
    let id = call.query.required("stable_url_id")?.to_owned();
    let body: StableUrlBody = json(&bytes)?;
    let workspace = body
        .initial_workspace_id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| bad("initial_workspace_id is missing. Send the id of the first workspace the URL points to."))?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    let (made, leads_to) = (id.clone(), workspace.clone());
    let create = async move { control.create_stable_url(&actor, &made, &leads_to, validate_only).await };
    let account_id = api.control.account_id();
    match to_the_end(create).await? {
        Some(url) => ok(&url_body(account_id, url)),
        None => ok(&StableUrlBody {
            name: Some(StableUrl::resource_name(account_id, &id)),
            effective_workspace_id: Some(workspace),
            ..StableUrlBody::default()
        }),
    }
}

/// `GET …/stable-urls`
pub async fn list(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    let page = page("stable-urls", api.control.stable_urls(), |url| url.id.as_str(), &call.query)?;
    let account_id = api.control.account_id();
    ok(&ListStableUrls {
        stable_urls: page.items.into_iter().map(|url| url_body(account_id, url)).collect(),
        next_page_token: page.next,
    })
}

/// `GET …/stable-urls/{id}`
pub async fn get(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    ok(&url_body(api.control.account_id(), api.control.stable_url(&call.id)?))
}

/// `DELETE …/stable-urls/{id}`
pub async fn delete(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Change)?;
    let (control, actor, id) = (api.control.clone(), call.caller.name, call.id);
    to_the_end(async move { control.delete_stable_url(&actor, &id).await }).await?;
    ok(&json!({}))
}
