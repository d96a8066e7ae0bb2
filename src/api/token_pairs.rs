//! Tokens that the gateway exchanges for clients of a stable URL: added and removed, and never told again.

use super::auth::{Bytes, Call, json};
use super::context::{Api, to_the_end};
use super::reply::{Answer, Rejection, bad, ok};
use crate::domain::{Right, WorkspaceId};
use crate::wire::secret::Secret;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A client and its tokens.
#[derive(Deserialize)]
struct NewPair {
    client: String,
    tokens: Vec<WorkspaceToken>,
}

#[derive(Deserialize)]
struct WorkspaceToken {
    workspace_id: String,
    token: Secret,
}

/// Which client is meant.
#[derive(Deserialize)]
struct ClientBody {
    client: String,
}

/// `GET …/stable-urls/{id}/token-pairs`
pub async fn list(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    ok(&json!({"token_pairs": api.control.token_clients(&call.id)?}))
}

/// `POST …/stable-urls/{id}/token-pairs`
pub async fn add(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::ManageTokens)?;
    // A usual refusal of a body quotes what is wrong in it, which may be a token.
    let wrong = |_: Rejection| {
        bad(
            "The body must have client and tokens: a list of two objects with workspace_id and token, all text. See /openapi.json.",
        )
    };
    let body: NewPair = json(&bytes).map_err(wrong)?;
    let given = body.tokens.len();
    let tokens: BTreeMap<WorkspaceId, Secret> =
        body.tokens.into_iter().map(|one| (WorkspaceId::new(one.workspace_id), one.token)).collect();
    if tokens.len() != given {
        return Err(bad("tokens names a workspace twice. Give one token for each of two workspaces."));
    }
    let (control, actor) = (api.control.clone(), call.caller.name);
    ok(&to_the_end(async move { control.add_token_pair(&actor, &call.id, &body.client, tokens).await }).await?)
}

/// `POST …/stable-urls/{id}/token-pairs/remove`
pub async fn remove(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::ManageTokens)?;
    let ClientBody { client } = json(&bytes)?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    to_the_end(async move { control.remove_token_pair(&actor, &call.id, &client).await }).await?;
    ok(&json!({}))
}
