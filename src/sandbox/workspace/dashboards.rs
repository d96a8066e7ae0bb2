//! Dashboards: drafts, which are files of the workspace too, and what is published of them.

use super::acl::{self, DASHBOARDS};
use super::tree::{self, DASHBOARD_FILE};
use crate::sandbox::call::{Answer, Call, PAGE, answer, done, page_of};
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::dashboards::{DASHBOARD_ACTIVE, DASHBOARD_TRASHED, Dashboard, PublishedDashboard};
use crate::wire::error;
use crate::wire::objects::{OBJECT_DASHBOARD, ObjectInfo};
use crate::wire::permissions::CAN_MANAGE;
use axum::http::Method;
use serde_json::Value;
use uuid::Uuid;

pub fn respond(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (&Method::GET, []) => list(region, call),
        (&Method::POST, []) => create(region, call),
        (&Method::GET, [id]) => get(region, call, id),
        (&Method::PATCH, [id]) => update(region, call, id),
        (&Method::DELETE, [id]) => trash(region, call, id),
        (&Method::GET, [id, "published"]) => get_published(region, call, id),
        (&Method::POST, [id, "published"]) => publish(region, call, id),
        (&Method::DELETE, [id, "published"]) => unpublish(region, call, id),
        _ => return None,
    })
}

fn time(region: &Region) -> String {
    region.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn etag() -> String {
    rand::random_range(100_000_000..1_000_000_000).to_string()
}

fn found(region: &Region, id: &str) -> Result<Dashboard, Refusal> {
    let missing = || Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Dashboard {id} doesn't exist."));
    region.records.get(Kind::Dashboard, id).ok_or_else(missing)
}

fn active(region: &Region, id: &str) -> Result<Dashboard, Refusal> {
    let dashboard = found(region, id)?;
    if dashboard.lifecycle_state.as_deref() == Some(DASHBOARD_TRASHED) {
        return Err(Refusal::state(format!("Dashboard {id} is in the trash. It can't be changed or published.")));
    }
    Ok(dashboard)
}

/// The list is abbreviated: a dashboard's definition, place and etag come with the dashboard alone.
fn list(region: &Region, call: &Call) -> Answer {
    let trashed_too = call.flag("show_trashed");
    let page = page_of(&region.records, call, Kind::Dashboard, "", ("page_size", PAGE), |body| {
        let dashboard: Dashboard = serde_json::from_str(body).ok()?;
        let id = dashboard.dashboard_id.as_deref().unwrap_or_default();
        acl::need(region, call.caller, &DASHBOARDS, id, "CAN_READ").ok()?;
        if !trashed_too && dashboard.lifecycle_state.as_deref() == Some(DASHBOARD_TRASHED) {
            return None;
        }
        let entry = Dashboard { serialized_dashboard: None, etag: None, path: None, parent_path: None, ..dashboard };
        serde_json::to_string(&entry).ok()
    })?;
    Ok(page.text("dashboards", ""))
}

fn get(region: &Region, call: &Call, id: &str) -> Answer {
    let dashboard = found(region, id)?;
    acl::need(region, call.caller, &DASHBOARDS, id, "CAN_READ")?;
    answer(&dashboard)
}

/// A dashboard's definition; empty if there is none.
pub fn definition(region: &Region, id: &str) -> String {
    found(region, id).ok().and_then(|dashboard| dashboard.serialized_dashboard).unwrap_or_default()
}

fn checked_definition(text: Option<String>) -> Result<String, Refusal> {
    let text = text.unwrap_or_else(|| "{}".to_owned());
    match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(_)) => Ok(text),
        _ => Err(Refusal::invalid("The field serialized_dashboard is not a JSON object.")),
    }
}

fn checked_title(name: Option<String>) -> Result<String, Refusal> {
    match name.filter(|name| !name.trim().is_empty() && !name.contains('/')) {
        Some(name) => Ok(name),
        None => Err(Refusal::invalid("The field display_name is missing, or holds a slash.")),
    }
}

fn create(region: &Region, call: &Call) -> Answer {
    let wanted: Dashboard = call.body()?;
    let home = format!("/Users/{}", region.user(call.caller));
    let folder = match wanted.parent_path.as_deref() {
        Some(folder) => tree::normal(folder)?,
        None => home.clone(),
    };
    let mut writing = region.records.write();
    if folder == home {
        tree::put_folders(region, &mut writing, &home, None)?;
    } else if tree::find(region, &folder).is_none() {
        return Err(tree::no_path(&folder));
    }
    if let Some(folder) = tree::find(region, &folder) {
        acl::need_object(region, call.caller, &folder, "CAN_EDIT")?;
    }
    let dashboard = put_new(region, &mut writing, wanted, &folder)?;
    acl::put_first(
        region,
        &mut writing,
        &DASHBOARDS,
        dashboard.dashboard_id.as_deref().unwrap_or_default(),
        call.caller,
    );
    writing.commit()?;
    answer(&dashboard)
}

/// Puts a new draft and its file.
pub fn put_new(
    region: &Region,
    writing: &mut Writing<'_>,
    wanted: Dashboard,
    folder: &str,
) -> Result<Dashboard, Refusal> {
    let name = checked_title(wanted.display_name)?;
    let path = format!("{}/{name}{DASHBOARD_FILE}", folder.trim_end_matches('/'));
    if tree::find(region, &path).is_some() {
        let sentence = format!("Path ({path}) already exists.");
        return Err(Refusal::new(400, "RESOURCE_ALREADY_EXISTS", sentence));
    }
    let id = wanted.dashboard_id.unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    if found(region, &id).is_ok() {
        return Err(Refusal::invalid(format!("Dashboard {id} exists already.")));
    }
    let dashboard = Dashboard {
        dashboard_id: Some(id.clone()),
        display_name: Some(name),
        parent_path: Some(folder.to_owned()),
        path: Some(path.clone()),
        serialized_dashboard: Some(checked_definition(wanted.serialized_dashboard)?),
        etag: Some(etag()),
        lifecycle_state: Some(DASHBOARD_ACTIVE.to_owned()),
        create_time: Some(time(region)),
        update_time: Some(time(region)),
        ..wanted
    };
    let file = tree::fresh(region, &path, OBJECT_DASHBOARD, None);
    writing.put(Kind::WorkspaceObject, &path, &ObjectInfo { resource_id: Some(id.clone()), ..file });
    writing.put(Kind::Dashboard, id, &dashboard);
    Ok(dashboard)
}

/// Makes or replaces a draft from its file.
pub fn import(region: &Region, call: &Call, path: &str, content: &[u8], overwrite: bool) -> Answer {
    let definition = String::from_utf8(content.to_vec()).ok();
    let mut writing = region.records.write();
    match tree::place_for(region, path, OBJECT_DASHBOARD, overwrite)? {
        Some(known) => {
            let mut dashboard = active(region, known.resource_id.as_deref().unwrap_or_default())?;
            acl::need_object(region, call.caller, &known, "CAN_EDIT")?;
            dashboard.serialized_dashboard = Some(checked_definition(definition)?);
            put_changed(region, &mut writing, dashboard);
        }
        None => {
            let name = tree::leaf(path).strip_suffix(DASHBOARD_FILE).map(str::to_owned);
            let id = call.body["dashboard_id"].as_str().map(str::to_owned);
            let wanted = Dashboard {
                display_name: name,
                serialized_dashboard: definition,
                dashboard_id: id,
                ..Dashboard::default()
            };
            let folder = tree::parent(path).and_then(|folder| tree::find(region, folder)).unwrap_or_default();
            acl::need_object(region, call.caller, &folder, "CAN_EDIT")?;
            put_new(region, &mut writing, wanted, &folder.path)?;
        }
    }
    writing.commit()?;
    done()
}

fn put_changed(region: &Region, writing: &mut Writing<'_>, mut dashboard: Dashboard) -> Dashboard {
    dashboard.etag = Some(etag());
    dashboard.update_time = Some(time(region));
    writing.put(Kind::Dashboard, dashboard.dashboard_id.clone().unwrap_or_default(), &dashboard);
    dashboard
}

fn update(region: &Region, call: &Call, id: &str) -> Answer {
    let wanted: Dashboard = call.body()?;
    let mut writing = region.records.write();
    let mut dashboard = active(region, id)?;
    acl::need(region, call.caller, &DASHBOARDS, id, "CAN_EDIT")?;
    if let Some(etag) = wanted.etag.filter(|etag| dashboard.etag.as_ref() != Some(etag)) {
        let sentence = format!("Dashboard {id} was changed since etag {etag} was read. Read it again.");
        return Err(Refusal::new(409, error::ABORTED, sentence));
    }
    if let Some(definition) = wanted.serialized_dashboard {
        dashboard.serialized_dashboard = Some(checked_definition(Some(definition))?);
    }
    dashboard.warehouse_id = wanted.warehouse_id.or(dashboard.warehouse_id);
    if let Some(name) = wanted.display_name {
        rename(region, &mut writing, &mut dashboard, checked_title(Some(name))?)?;
    }
    let dashboard = put_changed(region, &mut writing, dashboard);
    writing.commit()?;
    answer(&dashboard)
}

/// A dashboard's file is called as the dashboard is.
fn rename(region: &Region, writing: &mut Writing<'_>, dashboard: &mut Dashboard, name: String) -> Result<(), Refusal> {
    let before = dashboard.path.clone().unwrap_or_default();
    let path = format!("{}/{name}{DASHBOARD_FILE}", before.rsplit_once('/').map_or("", |(folder, _)| folder));
    if path != before {
        tree::place_for(region, &path, OBJECT_DASHBOARD, false)?;
        if let Some(file) = tree::find(region, &before) {
            writing.put(Kind::WorkspaceObject, &path, &ObjectInfo { path: path.clone(), ..file });
        }
        writing.delete(Kind::WorkspaceObject, before);
        dashboard.path = Some(path);
    }
    dashboard.display_name = Some(name);
    Ok(())
}

/// Moves a dashboard to the trash; what was published of it goes.
pub fn put_trashed(region: &Region, writing: &mut Writing<'_>, id: &str) {
    if let Ok(mut dashboard) = found(region, id) {
        dashboard.lifecycle_state = Some(DASHBOARD_TRASHED.to_owned());
        writing.delete(Kind::PublishedDashboard, id);
        put_changed(region, writing, dashboard);
    }
}

fn trash(region: &Region, call: &Call, id: &str) -> Answer {
    let mut writing = region.records.write();
    let dashboard = active(region, id)?;
    acl::need(region, call.caller, &DASHBOARDS, id, CAN_MANAGE)?;
    writing.delete(Kind::WorkspaceObject, dashboard.path.unwrap_or_default());
    put_trashed(region, &mut writing, id);
    writing.commit()?;
    done()
}

fn publish(region: &Region, call: &Call, id: &str) -> Answer {
    let wanted: PublishedDashboard = call.body()?;
    let mut writing = region.records.write();
    let draft = active(region, id)?;
    acl::need(region, call.caller, &DASHBOARDS, id, CAN_MANAGE)?;
    let published = PublishedDashboard {
        display_name: draft.display_name,
        warehouse_id: wanted.warehouse_id.or(draft.warehouse_id),
        revision_create_time: Some(time(region)),
        ..wanted
    };
    writing.put(Kind::PublishedDashboard, id, &published);
    writing.commit()?;
    answer(&published)
}

fn published(region: &Region, id: &str) -> Result<PublishedDashboard, Refusal> {
    found(region, id)?;
    let missing = || Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", format!("Dashboard {id} is not published."));
    region.records.get(Kind::PublishedDashboard, id).ok_or_else(missing)
}

fn get_published(region: &Region, call: &Call, id: &str) -> Answer {
    let published = published(region, id)?;
    acl::need(region, call.caller, &DASHBOARDS, id, "CAN_READ")?;
    answer(&published)
}

fn unpublish(region: &Region, call: &Call, id: &str) -> Answer {
    let mut writing = region.records.write();
    published(region, id)?;
    acl::need(region, call.caller, &DASHBOARDS, id, CAN_MANAGE)?;
    writing.delete(Kind::PublishedDashboard, id);
    writing.commit()?;
    done()
}
