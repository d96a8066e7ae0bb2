//! Drills of a group: started, listed, let go on, scheduled, and their reports.

use super::auth::{Bytes, Call, json};
use super::context::{Api, to_the_end};
use super::groups::id_of;
use super::reply::{Answer, bad, ok};
use crate::domain::{DrillKind, Right, RunBook};
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// What to rehearse.
#[derive(Debug, Default, Deserialize)]
struct StartBody {
    #[serde(default)]
    kind: String,
    /// Whether a full drill stays in the secondary until a person lets it go on.
    #[serde(default)]
    wait_for_person: bool,
}

#[derive(Debug, Default, Deserialize)]
struct WhichBody {
    #[serde(default)]
    drill_id: String,
}

impl WhichBody {
    fn named(self) -> Result<String, super::reply::Rejection> {
        match self.drill_id.is_empty() {
            true => Err(bad("drill_id is missing. List the group's drills to find it.")),
            false => Ok(self.drill_id),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct ScheduleBody {
    /// Left out, the schedule is removed.
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    every_days: Option<u16>,
    #[serde(default)]
    hour: Option<u8>,
}

/// `GET …/failover-groups/{id}/drills`
pub async fn list(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    let found = api.control.rehearsals_of(&id_of(&call.id)?)?;
    let next = found.next.map(|(kind, at)| json!({ "kind": kind, "at": at }));
    ok(&json!({
        "drills": found.drills,
        "last_proven": found.last_proof,
        "schedule": found.schedule,
        "next": next,
    }))
}

/// `POST …/failover-groups/{id}/drills`
pub async fn start(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::FailOver)?;
    let (id, body): (_, StartBody) = (id_of(&call.id)?, json(&bytes)?);
    let kind = kind_of(&body.kind)?;
    let (control, actor) = (api.control.clone(), call.caller.name);
    let started = to_the_end(async move { control.start_drill(&actor, &id, kind, body.wait_for_person).await });
    ok(started.await?.as_ref())
}

/// `POST …/failover-groups/{id}/drills/go-on`
pub async fn go_on(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::FailOver)?;
    let (id, body): (_, WhichBody) = (id_of(&call.id)?, json(&bytes)?);
    let (control, actor, drill) = (api.control.clone(), call.caller.name, body.named()?);
    let gone_on = to_the_end(async move { control.let_drill_go_on(&actor, &id, &drill).await });
    ok(gone_on.await?.as_ref())
}

/// `POST …/failover-groups/{id}/drills/report`
pub async fn report(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Look)?;
    let (id, body): (_, WhichBody) = (id_of(&call.id)?, json(&bytes)?);
    let drill = api.control.drill(&id, &body.named()?)?;
    let html = crate::control::drill_report(&drill, &api.control.rehearsals_of(&id)?.drills);
    ok(&json!({ "drill": drill.as_ref(), "html": html }))
}

/// `PATCH …/failover-groups/{id}/drills/schedule`
pub async fn schedule(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    if bytes.0.is_empty() {
        return Err(bad("The body is missing. Send a schedule, or {} to remove the one that is set."));
    }
    let (id, body): (_, ScheduleBody) = (id_of(&call.id)?, json(&bytes)?);
    // Also where no schedule is wanted: a value that can't be one is a mistake, and the caller should hear of it.
    let hour = body.hour.unwrap_or(3);
    crate::control::check_drill_schedule(body.every_days.unwrap_or(1), hour)?;
    let wanted = match body.kind {
        None => None,
        Some(kind) => {
            let every_days = body.every_days.ok_or_else(|| bad("every_days is missing. Give 1 to 366 days."))?;
            Some((kind_of(&kind)?, every_days, hour))
        }
    };
    let (control, actor, of) = (api.control.clone(), call.caller.name, id.clone());
    to_the_end(async move { control.set_drill_schedule(&actor, &of, wanted).await }).await?;
    ok(&json!({ "schedule": api.control.rehearsals_of(&id)?.schedule }))
}

/// `GET …/failover-groups/{id}/drills/run-book`
pub async fn run_book(State(api): State<Arc<Api>>, call: Call) -> Answer {
    call.needs(Right::Look)?;
    ok(api.control.rehearsals_of(&id_of(&call.id)?)?.run_book.as_ref())
}

/// `PATCH …/failover-groups/{id}/drills/run-book`
pub async fn set_run_book(State(api): State<Arc<Api>>, call: Call, bytes: Bytes) -> Answer {
    call.needs(Right::Change)?;
    if bytes.0.is_empty() {
        return Err(bad("The body is missing. Send the steps, or an empty list of them."));
    }
    let (id, book): (_, RunBook) = (id_of(&call.id)?, json(&bytes)?);
    let (control, actor, of) = (api.control.clone(), call.caller.name, id.clone());
    to_the_end(async move { control.set_run_book(&actor, &of, book).await }).await?;
    ok(api.control.rehearsals_of(&id)?.run_book.as_ref())
}

fn kind_of(text: &str) -> Result<DrillKind, super::reply::Rejection> {
    match text {
        "FULL" => Ok(DrillKind::Full),
        "ISOLATED" => Ok(DrillKind::Isolated),
        other => Err(bad(format!("kind is {other:?}. Use FULL or ISOLATED."))),
    }
}
