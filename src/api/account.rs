//! The account's workspaces.

use super::auth::Call;
use super::context::Api;
use super::reply::{Answer, Rejection, ok};
use crate::control::view::WorkspaceView;
use crate::domain::Right;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /api/2.0/accounts/{account_id}/workspaces`
pub async fn workspaces(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    let account_id = api.control.account_id();
    ok(&api.control.workspaces().iter().map(|workspace| body(account_id, workspace)).collect::<Vec<_>>())
}

/// `GET /api/2.0/accounts/{account_id}/workspaces/{workspace_id}`
pub async fn workspace(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    let all = api.control.workspaces();
    let found = all.iter().find(|workspace| workspace.id.as_str() == call.id).ok_or_else(|| Rejection::NotFound {
        sentence: format!("The account has no workspace with the id {:?}.", call.id),
    })?;
    ok(&body(api.control.account_id(), found))
}

fn body(account_id: &str, workspace: &WorkspaceView) -> Value {
    // Clients hold this id as a number, though the rest of the API spells it as text.
    let id = workspace.id.number().map_or_else(|_| json!(workspace.id), |number| json!(number));
    json!({
        "account_id": account_id,
        "workspace_id": id,
        "workspace_name": workspace.name,
        "deployment_name": workspace.name,
        "aws_region": workspace.region,
        "cloud": "aws",
        "pricing_tier": "ENTERPRISE",
        "workspace_status": "RUNNING",
    })
}
