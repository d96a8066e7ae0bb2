//! Salvaged commits: listed, looked at, appended, made a table of, released. An export writes files on this machine, so only
//! the window offers it.

use super::auth::{Bytes, Call, json};
use super::context::{Api, to_the_end};
use super::groups::id_of;
use super::reply::{Answer, Rejection, bad, ok};
use crate::control::SalvageRef;
use crate::delta::SalvagedCommit;
use crate::domain::{RecoveryRequest, Right};
use crate::wire::recovery::{SalvageRequest, SalvagedCommitBody, SalvagedRows};
use axum::extract::State;
use chrono::{DateTime, SecondsFormat};
use serde_json::json;
use std::sync::Arc;

/// `GET …/failover-groups/{id}/salvage`
pub async fn list(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    ok(&json!({ "salvage": api.control.salvage(&id_of(&call.id)?)?.as_ref() }))
}

/// `POST …/failover-groups/{id}/salvage/commits`
pub async fn commits(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Look)?;
    let (of, _) = asked(&call, &bytes)?;
    let report = api.control.salvaged(&of).await?;
    let commits: Vec<_> = report.commits.into_iter().map(commit_body).collect();
    let live = report.live.map(|(_, table)| table);
    ok(&json!({ "region": report.region, "live_table": live, "commits": commits }))
}

/// `POST …/failover-groups/{id}/salvage/rows`
pub async fn rows(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    // A viewer sees what there is, not what is in the tables.
    call.needs(Right::Change)?;
    let (of, request) = asked(&call, &bytes)?;
    let versions = versions(&api, &of, request.versions).await?;
    let found = api.control.preview_salvage(&of, versions).await?;
    ok(&SalvagedRows { columns: found.columns, rows: found.rows, more: found.more, notes: found.notes })
}

/// `POST …/failover-groups/{id}/salvage/append`
pub async fn append(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    let (of, request) = asked(&call, &bytes)?;
    recover(api, call, of, request.versions, RecoveryRequest::Append).await
}

/// `POST …/failover-groups/{id}/salvage/make-table`
pub async fn make_table(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    let (of, request) = asked(&call, &bytes)?;
    let name = request.new_table.filter(|name| !name.is_empty());
    let table = name.ok_or_else(|| bad("new_table is missing. Name the table to make: catalog.schema.name."))?;
    recover(api, call, of, request.versions, RecoveryRequest::MakeTable { table }).await
}

/// `POST …/failover-groups/{id}/salvage/release`
pub async fn release(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    let (of, _) = asked(&call, &bytes)?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    let done = to_the_end(async move { control.release_salvage(&actor, &of).await }).await?;
    ok(&json!({ "message": done }))
}

async fn recover(
    api: Arc<Api>,
    call: Call,
    of: SalvageRef,
    asked: Option<Vec<i64>>,
    request: RecoveryRequest,
) -> Answer {
    call.needs(Right::Change)?;
    let versions = versions(&api, &of, asked).await?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    let done = to_the_end(async move { control.recover_salvage(&actor, &of, versions, request).await }).await?;
    ok(&json!({ "message": done }))
}

fn asked(call: &Call, bytes: &Bytes) -> Result<(SalvageRef, SalvageRequest), Rejection> {
    let request: SalvageRequest = json(bytes)?;
    if request.table.is_empty() {
        return Err(bad("table is missing. Name a table of the group's salvage list."));
    }
    Ok((SalvageRef { group: id_of(&call.id)?, table: request.table.clone(), epoch: request.epoch }, request))
}

/// The commits that a call names; all of the line where it names none.
async fn versions(api: &Api, of: &SalvageRef, asked: Option<Vec<i64>>) -> Result<Vec<i64>, Rejection> {
    match asked {
        Some(versions) => Ok(versions),
        None => Ok(api.control.salvaged(of).await?.commits.iter().map(|commit| commit.version).collect()),
    }
}

fn commit_body(commit: SalvagedCommit) -> SalvagedCommitBody {
    let time = DateTime::from_timestamp_millis(commit.time_ms);
    SalvagedCommitBody {
        version: commit.version,
        commit_time: time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)),
        operation: commit.operation,
        rows: commit.rows,
        bytes: commit.bytes,
        files: commit.files,
        removed_files: commit.removed_files,
        not_appendable: commit.unfit,
    }
}
