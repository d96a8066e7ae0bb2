//! Clusters and SQL warehouses.

use crate::sandbox::call::{Answer, Call, PAGE, answer, done, page_of};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::workspace::{STATE_PENDING, STATE_RUNNING, STATE_STARTING, STATE_STOPPED, STATE_TERMINATED};
use serde_json::{Value, json};
use uuid::Uuid;

fn short_id(digits: usize) -> String {
    Uuid::new_v4().simple().to_string().chars().take(digits).collect()
}

/// A cluster or warehouse with the state that it has just now.
fn present(region: &Region, id_field: &str, mut record: Value) -> Value {
    let id = record[id_field].as_str().unwrap_or_default().to_owned();
    let state = match record["state"].as_str().unwrap_or_default() {
        STATE_RUNNING if region.is_starting(&id) && id_field == "cluster_id" => STATE_PENDING,
        STATE_RUNNING if region.is_starting(&id) => STATE_STARTING,
        // The last commit is still being written.
        STATE_TERMINATED if region.in_use(&id) => "TERMINATING",
        STATE_STOPPED if region.in_use(&id) => "STOPPING",
        stored => stored,
    };
    record["state"] = state.into();
    record
}

fn list(region: &Region, call: &Call, kind: Kind, id_field: &str, field: &str) -> Answer {
    let page = page_of(&region.records, call, kind, "", ("page_size", PAGE), |body| {
        let record = serde_json::from_str(body).ok()?;
        Some(present(region, id_field, record).to_string())
    })?;
    Ok(page.text(field, ""))
}

fn found(region: &Region, kind: Kind, code: &str, id: &str) -> Result<Value, Refusal> {
    match region.records.value(kind, id) {
        Value::Null => Err(Refusal::missing(code, id)),
        record => Ok(record),
    }
}

fn set_state(region: &Region, kind: Kind, code: &str, id: &str, state: &str) -> Answer {
    let mut writing = region.records.write();
    let mut record = found(region, kind, code, id)?;
    if record["state"] != state {
        record["state"] = state.into();
        if state == STATE_RUNNING {
            region.note_start(id);
        }
        writing.put(kind, id, &record);
        writing.commit()?;
    }
    done()
}

/// `record` with the fields of `change`, except those in `fixed`.
fn merged(mut record: Value, change: &Value, fixed: &[&str]) -> Value {
    for (key, value) in change.as_object().into_iter().flatten().filter(|(key, _)| !fixed.contains(&key.as_str())) {
        record[key.as_str()] = value.clone();
    }
    record
}

/// A new cluster or warehouse is started where compute may start, and is at rest elsewhere.
fn first_state(region: &Region, id: &str, at_rest: &str) -> Value {
    match region.compute_allowed() {
        Ok(()) => {
            region.note_start(id);
            STATE_RUNNING.into()
        }
        Err(_) => at_rest.into(),
    }
}

pub fn list_clusters(region: &Region, call: &Call) -> Answer {
    list(region, call, Kind::Cluster, "cluster_id", "clusters")
}

pub fn get_cluster(region: &Region, call: &Call) -> Answer {
    let record = found(region, Kind::Cluster, "CLUSTER", call.required("cluster_id")?)?;
    answer(&present(region, "cluster_id", record))
}

pub fn create_cluster(region: &Region, call: &Call) -> Answer {
    call.field("spark_version")?;
    let id = format!("{:04}-{:06}-{}", rand::random_range(0..10_000), rand::random_range(0..1_000_000), short_id(8));
    let base = json!({"cluster_id": id, "cluster_source": "API", "state": first_state(region, &id, STATE_TERMINATED),
        "creator_user_name": region.user(call.caller)});
    let mut writing = region.records.write();
    writing.put(Kind::Cluster, &id, &merged(base, &call.body, &["cluster_id", "state"]));
    writing.commit()?;
    answer(&json!({"cluster_id": id}))
}

pub fn edit_cluster(region: &Region, call: &Call) -> Answer {
    let id = call.field("cluster_id")?;
    let mut writing = region.records.write();
    let record = found(region, Kind::Cluster, "CLUSTER", &id)?;
    writing.put(Kind::Cluster, &id, &merged(record, &call.body, &["cluster_id", "state"]));
    writing.commit()?;
    done()
}

pub fn start_cluster(region: &Region, call: &Call) -> Answer {
    let id = call.field("cluster_id")?;
    let record = found(region, Kind::Cluster, "CLUSTER", &id)?;
    region.compute_allowed()?;
    if record["state"] == STATE_RUNNING {
        return Err(Refusal::state(format!("Cluster {id} is in unexpected state Running.")));
    }
    set_state(region, Kind::Cluster, "CLUSTER", &id, STATE_RUNNING)
}

pub fn terminate_cluster(region: &Region, call: &Call) -> Answer {
    set_state(region, Kind::Cluster, "CLUSTER", &call.field("cluster_id")?, STATE_TERMINATED)
}

pub fn remove_cluster(region: &Region, call: &Call) -> Answer {
    remove(region, Kind::Cluster, "CLUSTER", &call.field("cluster_id")?)
}

fn remove(region: &Region, kind: Kind, code: &str, id: &str) -> Answer {
    let mut writing = region.records.write();
    found(region, kind, code, id)?;
    writing.delete(kind, id);
    writing.commit()?;
    done()
}

pub fn list_warehouses(region: &Region, call: &Call) -> Answer {
    list(region, call, Kind::Warehouse, "id", "warehouses")
}

pub fn get_warehouse(region: &Region, id: &str) -> Answer {
    answer(&present(region, "id", found(region, Kind::Warehouse, "WAREHOUSE", id)?))
}

pub fn create_warehouse(region: &Region, call: &Call) -> Answer {
    call.field("name")?;
    let id = short_id(16);
    let base =
        json!({"id": id, "state": first_state(region, &id, STATE_STOPPED), "creator_name": region.user(call.caller)});
    let mut writing = region.records.write();
    writing.put(Kind::Warehouse, &id, &merged(base, &call.body, &["id", "state"]));
    writing.commit()?;
    answer(&json!({"id": id}))
}

pub fn edit_warehouse(region: &Region, call: &Call, id: &str) -> Answer {
    let mut writing = region.records.write();
    let record = found(region, Kind::Warehouse, "WAREHOUSE", id)?;
    writing.put(Kind::Warehouse, id, &merged(record, &call.body, &["id", "state"]));
    writing.commit()?;
    done()
}

pub fn start_warehouse(region: &Region, id: &str) -> Answer {
    found(region, Kind::Warehouse, "WAREHOUSE", id)?;
    region.compute_allowed()?;
    set_state(region, Kind::Warehouse, "WAREHOUSE", id, STATE_RUNNING)
}

pub fn stop_warehouse(region: &Region, id: &str) -> Answer {
    set_state(region, Kind::Warehouse, "WAREHOUSE", id, STATE_STOPPED)
}

pub fn remove_warehouse(region: &Region, id: &str) -> Answer {
    remove(region, Kind::Warehouse, "WAREHOUSE", id)
}
