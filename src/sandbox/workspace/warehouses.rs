//! SQL warehouses.

use super::acl::{self, WAREHOUSES};
use super::compute::{Compute, merged, short_id};
use crate::sandbox::call::{Answer, Call, PAGE, answer, done, page_of};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::permissions::CAN_MANAGE;
use crate::wire::workspace::{STATE_RUNNING, STATE_STOPPED};
use axum::http::Method;
use serde_json::{Value, json};

const COMPUTE: Compute =
    Compute { kind: Kind::Warehouse, family: &WAREHOUSES, code: "WAREHOUSE", id_field: "id", at_rest: STATE_STOPPED };
/// What only the service sets.
const FIXED: [&str; 4] = ["id", "state", "creator_name", "num_clusters"];

pub fn respond(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (&Method::GET, []) => list(region, call),
        (&Method::POST, []) => create(region, call),
        (&Method::GET, [id]) => get(region, call, id),
        (&Method::DELETE, [id]) => remove(region, call, id),
        (&Method::POST, [id, "edit"]) => edit(region, call, id),
        (&Method::POST, [id, "start"]) => start(region, call, id),
        (&Method::POST, [id, "stop"]) => stop(region, call, id),
        _ => return None,
    })
}

/// As it is shown, with what depends on the state.
fn shown(region: &Region, record: Value) -> Value {
    let mut shown = COMPUTE.present(region, record);
    let runs = shown["state"] == STATE_RUNNING;
    let least = shown["min_num_clusters"].as_i64().unwrap_or(1);
    shown["num_clusters"] = if runs { least } else { 0 }.into();
    shown
}

fn list(region: &Region, call: &Call) -> Answer {
    let page = page_of(&region.records, call, Kind::Warehouse, "", ("page_size", PAGE), |body| {
        let record: Value = serde_json::from_str(body).ok()?;
        acl::need(region, call.caller, &WAREHOUSES, record["id"].as_str()?, "CAN_VIEW").ok()?;
        Some(shown(region, record).to_string())
    })?;
    Ok(page.text("warehouses", ""))
}

fn get(region: &Region, call: &Call, id: &str) -> Answer {
    answer(&shown(region, COMPUTE.allowed(region, call, id, "CAN_VIEW")?))
}

/// Fails where another warehouse has the name.
fn free_name(region: &Region, name: &str, id: &str) -> Result<(), Refusal> {
    let all: Vec<Value> = region.records.all(Kind::Warehouse, "");
    if all.iter().any(|other| other["name"] == name && other["id"] != id) {
        return Err(Refusal::invalid(format!("SQL warehouse with name '{name}' already exists.")));
    }
    Ok(())
}

fn create(region: &Region, call: &Call) -> Answer {
    let name = call.field("name")?;
    let mut writing = region.records.write();
    let id = COMPUTE.asked_id(region, call)?.unwrap_or_else(|| short_id(16));
    free_name(region, &name, &id)?;
    let base = json!({"id": id, "state": COMPUTE.first_state(region, &id), "creator_name": region.user(call.caller),
        "cluster_size": "X-Small", "auto_stop_mins": 120, "min_num_clusters": 1, "max_num_clusters": 1,
        "warehouse_type": "CLASSIC", "enable_photon": true, "enable_serverless_compute": false,
        "spot_instance_policy": "COST_OPTIMIZED"});
    writing.put(Kind::Warehouse, &id, &merged(base, &call.body, &FIXED));
    acl::put_first(region, &mut writing, &WAREHOUSES, &id, call.caller);
    writing.commit()?;
    answer(&json!({"id": id}))
}

fn edit(region: &Region, call: &Call, id: &str) -> Answer {
    let mut writing = region.records.write();
    let record = COMPUTE.allowed(region, call, id, CAN_MANAGE)?;
    if let Some(name) = call.body["name"].as_str() {
        free_name(region, name, id)?;
    }
    writing.put(Kind::Warehouse, id, &merged(record, &call.body, &FIXED));
    writing.commit()?;
    done()
}

fn start(region: &Region, call: &Call, id: &str) -> Answer {
    COMPUTE.allowed(region, call, id, "CAN_MONITOR")?;
    region.compute_allowed()?;
    COMPUTE.set_state(region, id, STATE_RUNNING, &Value::Null)?;
    done()
}

fn stop(region: &Region, call: &Call, id: &str) -> Answer {
    COMPUTE.allowed(region, call, id, "CAN_MONITOR")?;
    COMPUTE.set_state(region, id, STATE_STOPPED, &Value::Null)?;
    done()
}

fn remove(region: &Region, call: &Call, id: &str) -> Answer {
    COMPUTE.allowed(region, call, id, CAN_MANAGE)?;
    COMPUTE.remove(region, id)?;
    done()
}
