//! Jobs: their settings, and what those that are not paused write.

use crate::sandbox::call::{Answer, Call, answer, done, page_of};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::jobs::JobSettings;
use crate::wire::workspace::STATE_RUNNING;
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

/// A job's key among the records: they are listed by number.
pub fn job_key(job_id: i64) -> String {
    format!("{job_id:020}")
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

fn found(region: &Region, job_id: &str) -> Result<(i64, Value), Refusal> {
    let missing = || Refusal::new(400, "INVALID_PARAMETER_VALUE", format!("Job {job_id} does not exist."));
    let id: i64 = job_id.parse().map_err(|_| missing())?;
    match region.records.value(Kind::Job, &job_key(id)) {
        Value::Null => Err(missing()),
        job => Ok((id, job)),
    }
}

pub fn list(region: &Region, call: &Call) -> Answer {
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
        if let (false, Some(settings)) = (with_tasks, job["settings"].as_object_mut()) {
            settings.remove("tasks");
        }
        Some(job.to_string())
    })?;
    Ok(page.text("jobs", &format!(",\"has_more\":{}", page.next.is_some())))
}

pub fn get(region: &Region, call: &Call) -> Answer {
    answer(&found(region, call.required("job_id")?)?.1)
}

pub fn create(region: &Region, call: &Call) -> Answer {
    let Some(settings) = call.body.as_object().filter(|settings| !settings.is_empty()) else {
        return Err(Refusal::invalid("The job's settings are missing."));
    };
    let job_id: i64 = rand::random_range(100_000_000_000_000..1_000_000_000_000_000);
    let user = region.user(call.caller);
    let job = json!({"job_id": job_id, "creator_user_name": user, "run_as_user_name": user,
        "created_time": region.now_ms(), "settings": settings});
    let mut writing = region.records.write();
    writing.put(Kind::Job, job_key(job_id), &job);
    writing.commit()?;
    answer(&json!({"job_id": job_id}))
}

pub fn reset(region: &Region, call: &Call) -> Answer {
    let mut writing = region.records.write();
    let (id, mut job) = found(region, &call.field("job_id")?)?;
    job["settings"] = new_settings(call)?;
    writing.put(Kind::Job, job_key(id), &job);
    writing.commit()?;
    done()
}

fn new_settings(call: &Call) -> Result<Value, Refusal> {
    match &call.body["new_settings"] {
        settings @ Value::Object(_) => Ok(settings.clone()),
        _ => Err(Refusal::invalid("The field new_settings is missing.")),
    }
}

/// Replaces the top-level fields that are given; tasks are merged by their key.
pub fn update(region: &Region, call: &Call) -> Answer {
    let mut writing = region.records.write();
    let (id, mut job) = found(region, &call.field("job_id")?)?;
    for field in call.body["fields_to_remove"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Some(settings) = job["settings"].as_object_mut() {
            settings.remove(field);
        }
    }
    if call.body.get("new_settings").is_some() {
        for (field, value) in new_settings(call)?.as_object().into_iter().flatten() {
            let merged = match (field.as_str(), &job["settings"][field.as_str()], value) {
                ("tasks", Value::Array(old), Value::Array(new)) => merge_by_key(old, new, "task_key"),
                ("job_clusters", Value::Array(old), Value::Array(new)) => merge_by_key(old, new, "job_cluster_key"),
                (_, _, value) => value.clone(),
            };
            job["settings"][field.as_str()] = merged;
        }
    }
    writing.put(Kind::Job, job_key(id), &job);
    writing.commit()?;
    done()
}

fn merge_by_key(old: &[Value], new: &[Value], key: &str) -> Value {
    let mut merged = old.to_vec();
    for entry in new {
        match merged.iter_mut().find(|existing| existing[key] == entry[key]) {
            Some(existing) => *existing = entry.clone(),
            None => merged.push(entry.clone()),
        }
    }
    Value::Array(merged)
}

pub fn delete(region: &Region, call: &Call) -> Answer {
    let mut writing = region.records.write();
    let (id, _) = found(region, &call.field("job_id")?)?;
    writing.delete(Kind::Job, job_key(id));
    writing.commit()?;
    done()
}

pub fn run_now(region: &Region, call: &Call) -> Answer {
    let (id, job) = found(region, &call.field("job_id")?)?;
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

pub fn runs(region: &Region, call: &Call) -> Answer {
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
