//! Jobs: their settings, with schedules paused in all places where a pause lives.

use super::asset::{Found, Info, Made, sha256};
use super::references::Resolver;
use super::request::AssetRequest;
use crate::connect::ConnectError;
use crate::domain::AssetKind;
use crate::wire::jobs::{CreateJob, JobInfo, JobSettings, PAUSED, UpdateJob};
use serde_json::Value;
use std::collections::BTreeSet;

pub fn found(info: JobInfo) -> Found {
    Found {
        kind: AssetKind::Job,
        id: info.job_id.to_string(),
        name: info.settings.name.clone().unwrap_or_default(),
        print: print(&info.settings),
        info: Info::Job(Box::new(info)),
    }
}

/// Without pauses: the secondary's schedules are always paused.
fn print(settings: &JobSettings) -> String {
    let mut settings = settings.clone();
    for status in statuses(&mut settings) {
        *status = None;
    }
    let text = serde_json::to_value(&settings).unwrap_or_default().to_string();
    sha256(text.as_bytes())
}

/// Every place in which a pause lives.
fn statuses(settings: &mut JobSettings) -> impl Iterator<Item = &mut Option<String>> {
    let schedule = settings.schedule.iter_mut().map(|place| &mut place.pause_status);
    let continuous = settings.continuous.iter_mut().map(|place| &mut place.pause_status);
    let trigger = settings.trigger.iter_mut().map(|place| &mut place.pause_status);
    let triggers = settings.triggers.iter_mut().map(|place| &mut place.pause_status);
    schedule.chain(continuous).chain(trigger).chain(triggers)
}

/// The jobs that a job starts.
pub fn starts(settings: &JobSettings) -> impl Iterator<Item = String> {
    settings.tasks.iter().filter_map(|task| match &task["run_job_task"]["job_id"] {
        Value::Number(id) => Some(id.to_string()),
        Value::String(id) => Some(id.clone()),
        _ => None,
    })
}

/// What a replica's settings must be, and what became of its references.
pub fn wanted(resolver: &Resolver<'_>, source: &JobSettings) -> (JobSettings, super::references::Resolved) {
    let mut value = serde_json::to_value(source).unwrap_or_default();
    let resolved = resolver.rewrite(&mut value);
    let mut settings: JobSettings = serde_json::from_value(value).unwrap_or_else(|_| source.clone());
    for status in statuses(&mut settings) {
        *status = Some(PAUSED.to_owned());
    }
    (settings, resolved)
}

/// Makes a job, or replaces all settings of the one with id `replica`.
pub async fn make(
    request: &AssetRequest<'_>,
    resolver: &Resolver<'_>,
    source: &JobInfo,
    replica: Option<&str>,
) -> Result<Made, ConnectError> {
    let (mut settings, resolved) = wanted(resolver, &source.settings);
    let mut notes = Vec::new();
    let id = match put(request, source, &settings, replica).await {
        // The user or service principal may not exist there. Whoever made it there runs it then.
        Err(
            ConnectError::Refused { status: 400, .. }
            | ConnectError::NotFound { .. }
            | ConnectError::PermissionDenied { .. },
        ) if settings.other.contains_key("run_as") => {
            let run_as = settings.other.remove("run_as").unwrap_or_default();
            let who = ["user_name", "service_principal_name", "group_name"].iter().find_map(|f| run_as[*f].as_str());
            notes.push(format!(
                "{} can't run it as {}. There it runs as the product's principal. Add that identity to the workspace.",
                request.destination.region,
                who.unwrap_or("its identity")
            ));
            put(request, source, &settings, replica).await?
        }
        id => id?,
    };
    let made = request.to().await.whole_job(id).await?;
    Ok(Made {
        id: id.to_string(),
        print: made.map(|made| print(&made.settings)),
        links: resolved.links,
        missing: resolved.missing,
        notes,
        ..Made::default()
    })
}

async fn put(
    request: &AssetRequest<'_>,
    source: &JobInfo,
    settings: &JobSettings,
    replica: Option<&str>,
) -> Result<i64, ConnectError> {
    if let Some(id) = replica.and_then(|id| id.parse::<i64>().ok()) {
        let update = UpdateJob { job_id: id, new_settings: settings.clone() };
        match request.to().await.reset_job(&update).await {
            Err(error) if error.is_gone() => {}
            answer => return answer.map(|()| id),
        }
    }
    let job_id = Some(source.job_id).filter(|_| request.destination.capabilities.keeps_ids);
    request.to().await.create_job(&CreateJob { job_id, settings: settings.clone() }).await
}

/// Full names of tables, as far as a job's settings show them: parameters and triggers that name one.
///
/// A name counts as a table's where it is three words with dots between them.
pub fn tables_of(settings: &JobSettings) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let value = serde_json::to_value(settings).unwrap_or_default();
    for field in ["tasks", "trigger", "triggers", "parameters"] {
        collect(&value[field], &mut found);
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, found)),
        Value::Object(fields) => fields
            .iter()
            .filter(|(field, _)| {
                !["libraries", "notebook_path", "path", "python_file", "package"].contains(&field.as_str())
            })
            .for_each(|(_, value)| collect(value, found)),
        Value::String(text) => {
            let words: Vec<&str> = text.split('.').collect();
            let is_word =
                |word: &&str| !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "/:@{}()".contains(c));
            let is_number = |word: &&str| word.chars().all(|c| c.is_ascii_digit());
            if words.len() == 3 && words.iter().all(is_word) && !words.iter().any(is_number) {
                found.insert(text.clone());
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: Value) -> JobSettings {
        serde_json::from_value(value).expect("settings read")
    }

    #[test]
    fn a_pause_changes_no_print_and_anything_else_does() {
        let base = json!({"name": "a", "schedule": {"quartz_cron_expression": "0 * * * * ?", "timezone_id": "UTC"},
            "triggers": [{"pause_status": "UNPAUSED", "periodic": {"interval": 1}}]});
        let mut paused = base.clone();
        paused["schedule"]["pause_status"] = json!("PAUSED");
        paused["triggers"][0]["pause_status"] = json!("PAUSED");
        let mut later = base.clone();
        later["schedule"]["quartz_cron_expression"] = json!("1 * * * * ?");
        let print_of = |value: &Value| print(&settings(value.clone()));
        assert_eq!(print_of(&base), print_of(&paused));
        assert_ne!(print_of(&base), print_of(&later));
    }

    #[test]
    fn tables_are_seen_in_parameters_and_triggers() {
        let job = settings(json!({"name": "x.y.z", "tasks": [
            {"notebook_task": {"notebook_path": "/a.b.c", "base_parameters": {"target_table": "sales.orders.orders"}}},
            {"spark_python_task": {"parameters": ["1.2.3", "not a.table.name", "host.example.com:1"]}}],
            "triggers": [{"table_update": {"table_names": ["ops.devices.telemetry"]}}]}));
        let found: Vec<String> = tables_of(&job).into_iter().collect();
        assert_eq!(found, ["ops.devices.telemetry", "sales.orders.orders"]);
    }
}
