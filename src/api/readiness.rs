//! Readiness of a group: before it is created, and as it is.

use super::auth::{Bytes, Call, json};
use super::body::spec_of;
use super::context::{Api, to_the_end};
use super::groups::id_of;
use super::reply::{Answer, bad, ok};
use crate::domain::{GroupId, Right};
use crate::wire::disaster_recovery::{ConfirmReadiness, FailoverGroupBody};
use axum::extract::State;
use std::sync::Arc;

/// `POST …/failover-group-readiness?failover_group_id=ID`
pub async fn check(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Look)?;
    let id = GroupId::new(call.query.required("failover_group_id")?).map_err(|problem| bad(problem.to_string()))?;
    let body: FailoverGroupBody = json(&bytes)?;
    let spec = spec_of(id, body)?;
    ok(&api.control.check_readiness(&spec).await?)
}

/// `GET …/failover-groups/{id}/readiness`
pub async fn get(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    ok(&api.control.readiness(&id_of(&call.id)?).await?)
}

/// `POST …/failover-groups/{id}/readiness/confirm`
pub async fn confirm(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    let id = id_of(&call.id)?;
    let ConfirmReadiness { line } = json(&bytes)?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    ok(&to_the_end(async move { control.confirm_readiness(&actor, &id, &line).await }).await?)
}
