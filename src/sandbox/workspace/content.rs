//! Notebooks, folders and dashboards: to be listed and read.

use crate::sandbox::call::{Answer, Call, PAGE, answer, page_of};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use serde_json::{Value, json};

/// Where a notebook's record keeps its source.
const CONTENT: &str = "content_base64";

fn object(region: &Region, path: &str) -> Result<Value, Refusal> {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    match region.records.value(Kind::WorkspaceObject, path) {
        Value::Null => Err(Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Path ({path}) doesn't exist."))),
        object => Ok(object),
    }
}

fn without_content(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(CONTENT);
    }
    object
}

/// One level, without pages, as the API has it.
pub fn list(region: &Region, call: &Call) -> Answer {
    let path = call.required("path")?;
    object(region, path)?;
    let prefix = format!("{}/", path.trim_end_matches('/'));
    let below: Vec<Value> = region.records.all(Kind::WorkspaceObject, &prefix);
    let direct = |object: &Value| {
        let rest = object["path"].as_str().and_then(|p| p.strip_prefix(&prefix)).unwrap_or_default();
        !rest.is_empty() && !rest.contains('/')
    };
    let objects: Vec<Value> = below.into_iter().filter(direct).map(without_content).collect();
    if objects.is_empty() {
        return answer(&json!({}));
    }
    answer(&json!({"objects": objects}))
}

pub fn status(region: &Region, call: &Call) -> Answer {
    answer(&without_content(object(region, call.required("path")?)?))
}

pub fn export(region: &Region, call: &Call) -> Answer {
    let object = object(region, call.required("path")?)?;
    match &object[CONTENT] {
        Value::String(content) => answer(&json!({"content": content, "file_type": "py"})),
        _ => Err(Refusal::invalid(format!("{} is a folder; export what is in it.", object["path"]))),
    }
}

/// The list is abbreviated: a dashboard's definition comes with the dashboard alone.
pub fn dashboards(region: &Region, call: &Call) -> Answer {
    let page = page_of(&region.records, call, Kind::Dashboard, "", ("page_size", PAGE), |body| {
        let mut dashboard: Value = serde_json::from_str(body).ok()?;
        if let Some(fields) = dashboard.as_object_mut() {
            fields.remove("serialized_dashboard");
        }
        Some(dashboard.to_string())
    })?;
    Ok(page.text("dashboards", ""))
}

pub fn dashboard(region: &Region, id: &str) -> Answer {
    match region.records.text(Kind::Dashboard, id) {
        Some(dashboard) => Ok(dashboard.to_string()),
        None => Err(Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Dashboard {id} doesn't exist."))),
    }
}
