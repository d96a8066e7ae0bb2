//! What a group should reach.

use super::auth::{Bytes, Call, json};
use super::context::{Api, to_the_end};
use super::groups::id_of;
use super::reply::{Answer, bad, ok};
use crate::domain::{Right, Targets};
use crate::wire::disaster_recovery::TargetsBody;
use axum::extract::State;
use serde_json::json;
use std::sync::Arc;

/// `GET …/failover-groups/{id}/targets`
pub async fn get(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    shown(api.control.targets(&id_of(&call.id)?)?)
}

/// `PATCH …/failover-groups/{id}/targets`
pub async fn update(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    let id = id_of(&call.id)?;
    if bytes.0.is_empty() {
        return Err(bad("The body is missing. Send what is to change."));
    }
    let body: TargetsBody = json(&bytes)?;
    let after = |asked: Option<u32>, before: Option<u32>| asked.map_or(before, |s| Some(s).filter(|s| *s > 0));
    let edit = move |before: Targets| Targets {
        rpo_s: after(body.rpo_seconds, before.rpo_s),
        rto_s: after(body.rto_seconds, before.rto_s),
    };
    let (control, actor, of) = (api.control.clone(), call.caller.name, id.clone());
    to_the_end(async move { control.set_targets(&actor, &of, edit).await }).await?;
    shown(api.control.targets(&id)?)
}

fn shown(targets: Targets) -> Answer {
    ok(&json!({ "rpo_seconds": targets.rpo_s, "rto_seconds": targets.rto_s }))
}
