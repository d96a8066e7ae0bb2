//! A job as it is kept: its key, and its settings, completed as the service does, merged, cut into pages.

use crate::sandbox::refusal::Refusal;
use crate::wire::jobs::UNPAUSED;
use serde_json::{Value, json};

/// Arrays that come in pages.
pub const PAGED: [&str; 4] = ["tasks", "job_clusters", "parameters", "environments"];
/// Elements of an array in one page.
const PAGE: usize = 100;
/// Tags of a job at most.
const MOST_TAGS: usize = 25;
/// Bytes of a name at most.
const LONGEST_NAME: usize = 4_096;
/// Characters of a description at most.
const LONGEST_DESCRIPTION: usize = 27_700;
/// Tasks of a job at most.
const MOST_TASKS: usize = 1_000;

/// A job's key among the records: they are listed by number.
pub fn job_key(job_id: i64) -> String {
    format!("{job_id:020}")
}

/// Settings with what the service fills in; a refusal where they can't be a job's.
pub fn completed(mut settings: Value) -> Result<Value, Refusal> {
    check(&settings)?;
    let several = settings["tasks"].as_array().is_some_and(|tasks| !tasks.is_empty());
    for (field, value) in [
        ("name", json!("Untitled")),
        ("format", json!(if several { "MULTI_TASK" } else { "SINGLE_TASK" })),
        ("max_concurrent_runs", json!(1)),
        ("timeout_seconds", json!(0)),
        ("email_notifications", json!({})),
    ] {
        if settings[field].is_null() {
            settings[field] = value;
        }
    }
    for place in ["schedule", "continuous", "trigger"] {
        unpause(&mut settings[place]);
    }
    settings["triggers"].as_array_mut().into_iter().flatten().for_each(unpause);
    if let Some(fields) = settings.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    Ok(settings)
}

/// What starts runs does so unless it is paused.
fn unpause(place: &mut Value) {
    if place.is_object() && place["pause_status"].is_null() {
        place["pause_status"] = UNPAUSED.into();
    }
}

fn check(settings: &Value) -> Result<(), Refusal> {
    let length = |field: &str| settings[field].as_str().map_or(0, str::len);
    if length("name") > LONGEST_NAME {
        return Err(Refusal::invalid(format!("The name is longer than {LONGEST_NAME} bytes.")));
    }
    if settings["description"].as_str().is_some_and(|text| text.chars().count() > LONGEST_DESCRIPTION) {
        return Err(Refusal::invalid(format!("The description is longer than {LONGEST_DESCRIPTION} characters.")));
    }
    if settings["tags"].as_object().is_some_and(|tags| tags.len() > MOST_TAGS) {
        return Err(Refusal::invalid(format!("A job has at most {MOST_TAGS} tags.")));
    }
    let tasks: Vec<&Value> = settings["tasks"].as_array().into_iter().flatten().collect();
    if tasks.len() > MOST_TASKS {
        return Err(Refusal::invalid(format!("A job has at most {MOST_TASKS} tasks.")));
    }
    let mut keys: Vec<&str> = tasks.iter().filter_map(|task| task["task_key"].as_str()).collect();
    keys.sort_unstable();
    if keys.len() < tasks.len() || keys.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Refusal::invalid("Each task needs a task_key of its own."));
    }
    let starters = ["schedule", "continuous", "trigger"].iter().filter(|place| settings[**place].is_object()).count();
    if starters > 1 {
        return Err(Refusal::invalid("A job has one of schedule, continuous and trigger."));
    }
    if settings["schedule"].is_object() {
        for field in ["quartz_cron_expression", "timezone_id"] {
            if settings["schedule"][field].as_str().is_none_or(str::is_empty) {
                return Err(Refusal::invalid(format!("The field schedule.{field} is missing.")));
            }
        }
    }
    Ok(())
}

/// Keeps one page of each long array; true where another page follows.
pub fn cut(settings: &mut Value, page: usize) -> bool {
    let mut is_cut = false;
    for field in PAGED {
        if let Some(entries) = settings[field].as_array() {
            let rest: Vec<Value> = entries.iter().skip(page.saturating_mul(PAGE)).cloned().collect();
            is_cut |= rest.len() > PAGE;
            settings[field] = rest.into_iter().take(PAGE).collect();
        } else if let Some(fields) = settings.as_object_mut() {
            // Indexing made an empty one.
            fields.remove(field);
        }
    }
    is_cut
}

/// Removes a field, or a task or cluster by its key, as in `tasks/task_1`.
pub fn remove(settings: &mut Value, path: &str) {
    match path.split_once('/') {
        Some((field @ ("tasks" | "job_clusters"), wanted)) => {
            let key = if field == "tasks" { "task_key" } else { "job_cluster_key" };
            if let Some(entries) = settings[field].as_array_mut() {
                entries.retain(|entry| entry[key] != wanted);
            }
        }
        _ => {
            if let Some(fields) = settings.as_object_mut() {
                fields.remove(path);
            }
        }
    }
}

/// Replaces the top-level fields that are given; tasks and clusters are merged by their keys.
pub fn merge(settings: &mut Value, new: &Value) {
    for (field, value) in new.as_object().into_iter().flatten() {
        let merged = match (field.as_str(), &settings[field.as_str()], value) {
            ("tasks", Value::Array(old), Value::Array(new)) => merge_by_key(old, new, "task_key"),
            ("job_clusters", Value::Array(old), Value::Array(new)) => merge_by_key(old, new, "job_cluster_key"),
            (_, _, value) => value.clone(),
        };
        settings[field.as_str()] = merged;
    }
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
