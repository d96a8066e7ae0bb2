//! Jobs: their settings, and what those that are not paused write.

use super::acl::{self, JOBS};
use super::settings::{self, job_key};
use crate::sandbox::call::{Answer, Call, answer, done, page_of};
use crate::sandbox::principals;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::jobs::JobSettings;
use crate::wire::permissions::{AccessControl, CAN_MANAGE, IS_OWNER};
use crate::wire::scim::{SERVICE_PRINCIPALS, USERS};
use crate::wire::workspace::STATE_RUNNING;
use axum::http::Method;
use serde_json::{Value, json};

/// Jobs that one page of a list holds at most.
const MOST_JOBS: i64 = 100;
/// Jobs of a page when the client doesn't say.
const FEW_JOBS: usize = 20;

/// One table that a running job writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub job_id: i64,
    /// The cluster or warehouse.
    pub compute: String,
    /// The table's full name.
    pub table: String,
}

/// The tables that a job writes as things stand; none while it is paused, or its compute is at rest.
fn targets_of(region: &Region, job: &Value) -> Vec<Target> {
    let job_id = job["job_id"].as_i64().unwrap_or_default();
    let unpaused = serde_json::from_value::<JobSettings>(job["settings"].clone()).is_ok_and(|s| s.is_unpaused());
    if !unpaused {
        return Vec::new();
    }
    let tasks = job["settings"]["tasks"].as_array().into_iter().flatten();
    tasks
        .filter_map(|task| {
            let warehouse = task["sql_task"]["warehouse_id"].as_str().map(|id| (Kind::Warehouse, id));
            let (kind, compute) =
                warehouse.or_else(|| task["existing_cluster_id"].as_str().map(|id| (Kind::Cluster, id)))?;
            let runs = region.records.value(kind, compute)["state"] == STATE_RUNNING && !region.is_starting(compute);
            let table = task["sql_task"]["parameters"]["target_table"]
                .as_str()
                .or_else(|| task["notebook_task"]["base_parameters"]["target_table"].as_str())?;
            runs.then(|| Target { job_id, compute: compute.to_owned(), table: table.to_owned() })
        })
        .collect()
}

/// Every table that a job of this region writes as things stand, in the order of jobs and tasks.
pub fn targets(region: &Region) -> Vec<Target> {
    region.records.all::<Value>(Kind::Job, "").iter().flat_map(|job| targets_of(region, job)).collect()
}

pub fn respond(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (&Method::GET, ["list"]) => list(region, call),
        (&Method::GET, ["get"]) => get(region, call),
        (&Method::POST, ["create"]) => create(region, call),
        (&Method::POST, ["reset"]) => reset(region, call),
        (&Method::POST, ["update"]) => update(region, call),
        (&Method::POST, ["delete"]) => delete(region, call),
        (&Method::POST, ["run-now"]) => run_now(region, call),
        (&Method::GET, ["runs", "list"]) => runs(region, call),
        _ => return None,
    })
}

/// The job, if the caller may do with it what `level` allows.
fn allowed(region: &Region, call: &Call, job_id: &str, level: &str) -> Result<(i64, Value), Refusal> {
    let missing = || Refusal::new(400, "INVALID_PARAMETER_VALUE", format!("Job {job_id} does not exist."));
    let id: i64 = job_id.parse().map_err(|_| missing())?;
    match region.records.value(Kind::Job, &job_key(id)) {
        Value::Null => Err(missing()),
        job => {
            acl::need(region, call.caller, &JOBS, job_id, level)?;
            Ok((id, job))
        }
    }
}

fn list(region: &Region, call: &Call) -> Answer {
    if call.query.get("limit").and_then(|text| text.parse::<i64>().ok()).is_some_and(|limit| limit > MOST_JOBS) {
        return Err(Refusal::invalid(format!("limit must not be more than {MOST_JOBS}.")));
    }
    let with_tasks = call.flag("expand_tasks");
    let name = call.query.get("name").map(|name| name.to_lowercase());
    let page = page_of(&region.records, call, Kind::Job, "", ("limit", FEW_JOBS), |body| {
        let mut job: Value = serde_json::from_str(body).ok()?;
        let job_name = job["settings"]["name"].as_str().unwrap_or_default().to_lowercase();
        if name.as_ref().is_some_and(|name| *name != job_name) {
            return None;
        }
        acl::need(region, call.caller, &JOBS, &job["job_id"].to_string(), "CAN_VIEW").ok()?;
        let is_cut = settings::cut(&mut job["settings"], 0);
        if let (false, Some(settings)) = (with_tasks, job["settings"].as_object_mut()) {
            settings.retain(|field, _| !settings::PAGED.contains(&field.as_str()));
        }
        job["has_more"] = is_cut.into();
        Some(job.to_string())
    })?;
    Ok(page.text("jobs", &format!(",\"has_more\":{}", page.next.is_some())))
}

/// Long arrays come in pages, all of them at once.
fn get(region: &Region, call: &Call) -> Answer {
    let (_, mut job) = allowed(region, call, call.required("job_id")?, "CAN_VIEW")?;
    let page = match call.query.get("page_token").map(String::as_str) {
        None | Some("") => 0,
        Some(token) => token.parse().map_err(|_| Refusal::invalid("The page_token is not one of this job."))?,
    };
    if settings::cut(&mut job["settings"], page) {
        job["has_more"] = true.into();
        job["next_page_token"] = (page + 1).to_string().into();
    }
    answer(&job)
}

/// Who runs the job: whom the settings name, else who it was before.
fn run_as(region: &Region, settings: &mut Value, before: &str) -> Result<String, Refusal> {
    let (family, name) = match (&settings["run_as"]["user_name"], &settings["run_as"]["service_principal_name"]) {
        (Value::String(name), _) => (USERS, name.clone()),
        (_, Value::String(name)) => (SERVICE_PRINCIPALS, name.clone()),
        _ => {
            let of = acl::entry(region, before, "");
            settings["run_as"] = match of.service_principal_name {
                Some(name) => json!({"service_principal_name": name}),
                None => json!({"user_name": before}),
            };
            return Ok(before.to_owned());
        }
    };
    match principals::named_in(&region.records, family, &name) {
        Some(principal) if principal.is_active() => Ok(principal.name),
        _ => Err(Refusal::invalid(format!(
            "The run_as identity '{name}' does not exist or is not active in this workspace."
        ))),
    }
}

fn create(region: &Region, call: &Call) -> Answer {
    let Some(body) = call.body.as_object().filter(|settings| !settings.is_empty()) else {
        return Err(Refusal::invalid("The job's settings are missing."));
    };
    let mut body = body.clone();
    let access = body.remove("access_control_list");
    let asked = body.remove("job_id").and_then(|id| id.as_i64());
    let mut settings = settings::completed(Value::Object(body))?;
    let mut writing = region.records.write();
    let job_id = asked.unwrap_or_else(|| rand::random_range(100_000_000_000_000..1_000_000_000_000_000));
    if region.records.text(Kind::Job, &job_key(job_id)).is_some() {
        return Err(Refusal::invalid(format!("Job {job_id} exists already.")));
    }
    let user = region.user(call.caller);
    let runs_as = run_as(region, &mut settings, &user)?;
    let job = json!({"job_id": job_id, "creator_user_name": user, "run_as_user_name": runs_as,
        "created_time": region.now_ms(), "settings": settings});
    writing.put(Kind::Job, job_key(job_id), &job);
    let id = job_id.to_string();
    match access.map(serde_json::from_value::<Vec<AccessControl>>) {
        None => acl::put_first(region, &mut writing, &JOBS, &id, call.caller),
        Some(Ok(mut list)) => {
            if !list.iter().any(|entry| entry.permission_level.as_deref() == Some(IS_OWNER)) {
                list.push(acl::entry(region, &user, IS_OWNER));
            }
            acl::put(region, &mut writing, &JOBS, &id, list, false)?;
        }
        Some(Err(e)) => return Err(Refusal::invalid(format!("The field access_control_list cannot be read: {e}."))),
    }
    writing.commit()?;
    answer(&json!({"job_id": job_id}))
}

fn reset(region: &Region, call: &Call) -> Answer {
    let mut writing = region.records.write();
    let (id, mut job) = allowed(region, call, &call.field("job_id")?, CAN_MANAGE)?;
    job["settings"] = settings::completed(new_settings(call)?)?;
    put_changed(region, &mut writing, id, job)?;
    writing.commit()?;
    done()
}

/// Puts a job whose settings changed. Who runs it stays where the settings no longer say.
fn put_changed(region: &Region, writing: &mut Writing<'_>, id: i64, mut job: Value) -> Result<(), Refusal> {
    let before = job["run_as_user_name"].as_str().unwrap_or_default().to_owned();
    let mut settings = job["settings"].take();
    let runs_as = run_as(region, &mut settings, &before)?;
    job["settings"] = settings;
    job["run_as_user_name"] = runs_as.into();
    writing.put(Kind::Job, job_key(id), &job);
    Ok(())
}

fn new_settings(call: &Call) -> Result<Value, Refusal> {
    match &call.body["new_settings"] {
        settings @ Value::Object(_) => Ok(settings.clone()),
        _ => Err(Refusal::invalid("The field new_settings is missing.")),
    }
}

/// Replaces the top-level fields that are given; tasks are merged by their key.
fn update(region: &Region, call: &Call) -> Answer {
    let mut writing = region.records.write();
    let (id, mut job) = allowed(region, call, &call.field("job_id")?, CAN_MANAGE)?;
    for field in call.body["fields_to_remove"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        settings::remove(&mut job["settings"], field);
    }
    if call.body.get("new_settings").is_some() {
        settings::merge(&mut job["settings"], &new_settings(call)?);
    }
    job["settings"] = settings::completed(job["settings"].take())?;
    put_changed(region, &mut writing, id, job)?;
    writing.commit()?;
    done()
}

fn delete(region: &Region, call: &Call) -> Answer {
    let mut writing = region.records.write();
    let (id, _) = allowed(region, call, &call.field("job_id")?, CAN_MANAGE)?;
    writing.delete(Kind::Job, job_key(id));
    writing.delete(Kind::Acl, acl::key(&JOBS, &id.to_string()));
    writing.commit()?;
    done()
}

fn run_now(region: &Region, call: &Call) -> Answer {
    let (id, job) = allowed(region, call, &call.field("job_id")?, "CAN_MANAGE_RUN")?;
    region.compute_allowed()?;
    let name = job["settings"]["name"].as_str().unwrap_or_default().to_owned();
    Err(Refusal::new(
        501,
        crate::wire::error::NOT_IMPLEMENTED,
        format!(
            "Job {id} '{name}' runs by its schedule alone in the sandbox. Unpause the schedule and start its compute."
        ),
    ))
}

fn runs(region: &Region, call: &Call) -> Answer {
    let wanted = call.query.get("job_id").and_then(|text| text.parse::<i64>().ok());
    let jobs: Vec<Value> = region.records.all(Kind::Job, "");
    let runs: Vec<Value> = jobs
        .iter()
        .filter_map(|job| {
            let id = job["job_id"].as_i64()?;
            let goes_on = region.job_commits(id) || !targets_of(region, job).is_empty();
            (goes_on && wanted.is_none_or(|wanted| wanted == id)).then(|| {
                json!({"job_id": id, "run_id": id, "run_name": job["settings"]["name"],
                    "state": {"life_cycle_state": "RUNNING"}, "status": {"state": "RUNNING"}, "trigger": "PERIODIC"})
            })
        })
        .collect();
    answer(&json!({"runs": runs, "has_more": false}))
}
