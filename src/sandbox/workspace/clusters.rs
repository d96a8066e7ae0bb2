//! Clusters.

use super::acl::{self, CLUSTERS};
use super::compute::{Compute, merged, short_id};
use crate::sandbox::call::{Answer, Call, PAGE, answer, done, page_of};
use crate::sandbox::principals;
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::permissions::CAN_MANAGE;
use crate::wire::workspace::{STATE_RUNNING, STATE_TERMINATED};
use axum::http::Method;
use serde_json::json;

const COMPUTE: Compute = Compute {
    kind: Kind::Cluster,
    family: &CLUSTERS,
    code: "CLUSTER",
    id_field: "cluster_id",
    at_rest: STATE_TERMINATED,
};
/// What only the service sets.
const FIXED: [&str; 8] = [
    "cluster_id",
    "state",
    "creator_user_name",
    "pinned_by_user_name",
    "start_time",
    "terminated_time",
    "termination_reason",
    "apply_policy_default_values",
];

pub fn respond(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    Some(match (&call.method, path) {
        (&Method::GET, ["list"]) => list(region, call),
        (&Method::GET, ["get"]) => get(region, call),
        (&Method::POST, ["create"]) => create(region, call),
        (&Method::POST, ["edit"]) => edit(region, call),
        (&Method::POST, ["start"]) => start(region, call),
        (&Method::POST, ["restart"]) => restart(region, call),
        (&Method::POST, ["delete"]) => terminate(region, call),
        (&Method::POST, ["permanent-delete"]) => remove(region, call),
        (&Method::POST, ["pin"]) => pin(region, call, true),
        (&Method::POST, ["unpin"]) => pin(region, call, false),
        _ => return None,
    })
}

fn list(region: &Region, call: &Call) -> Answer {
    let pinned = call.query.get("filter_by.is_pinned").map(|text| text.eq_ignore_ascii_case("true"));
    let of_filter = |name: &str| call.query.get(name).map(|text| text.split(',').collect::<Vec<_>>());
    let (states, sources) = (of_filter("filter_by.cluster_states"), of_filter("filter_by.cluster_sources"));
    let page = page_of(&region.records, call, Kind::Cluster, "", ("page_size", PAGE), |body| {
        let cluster = COMPUTE.present(region, serde_json::from_str(body).ok()?);
        acl::need(region, call.caller, &CLUSTERS, cluster["cluster_id"].as_str()?, "CAN_ATTACH_TO").ok()?;
        let among = |wanted: &Option<Vec<&str>>, field: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.contains(&cluster[field].as_str().unwrap_or_default()))
        };
        let fits = pinned.is_none_or(|pinned| cluster["pinned_by_user_name"].is_string() == pinned)
            && among(&states, "state")
            && among(&sources, "cluster_source");
        fits.then(|| cluster.to_string())
    })?;
    Ok(page.text("clusters", ""))
}

fn get(region: &Region, call: &Call) -> Answer {
    let cluster = COMPUTE.allowed(region, call, call.required("cluster_id")?, "CAN_ATTACH_TO")?;
    answer(&COMPUTE.present(region, cluster))
}

fn create(region: &Region, call: &Call) -> Answer {
    call.field("spark_version")?;
    let mut writing = region.records.write();
    let id = COMPUTE.asked_id(region, call)?.unwrap_or_else(|| {
        format!("{:04}-{:06}-{}", rand::random_range(0..10_000), rand::random_range(0..1_000_000), short_id(8))
    });
    let base = json!({"cluster_id": id, "cluster_source": "API", "state": COMPUTE.first_state(region, &id),
        "creator_user_name": region.user(call.caller), "start_time": region.now_ms()});
    writing.put(Kind::Cluster, &id, &merged(base, &call.body, &FIXED));
    acl::put_first(region, &mut writing, &CLUSTERS, &id, call.caller);
    writing.commit()?;
    answer(&json!({"cluster_id": id}))
}

/// What is edited is the whole: a field that isn't sent is gone.
fn edit(region: &Region, call: &Call) -> Answer {
    let id = call.field("cluster_id")?;
    call.field("spark_version")?;
    let mut writing = region.records.write();
    let before = COMPUTE.allowed(region, call, &id, CAN_MANAGE)?;
    let state = COMPUTE.present(region, before.clone())["state"].clone();
    if ![STATE_RUNNING, STATE_TERMINATED].iter().any(|allowed| state == *allowed) {
        return Err(Refusal::state(format!(
            "Cluster {id} is in unexpected state {state}. Edit it when it runs or rests."
        )));
    }
    let mut kept = json!({});
    for (field, value) in before.as_object().into_iter().flatten() {
        if FIXED.contains(&field.as_str()) || field == "cluster_source" {
            kept[field.as_str()] = value.clone();
        }
    }
    if state == STATE_RUNNING {
        // It restarts with what was edited.
        region.note_start(&id);
    }
    writing.put(Kind::Cluster, &id, &merged(kept, &call.body, &FIXED));
    writing.commit()?;
    done()
}

fn start(region: &Region, call: &Call) -> Answer {
    let id = call.field("cluster_id")?;
    let cluster = COMPUTE.allowed(region, call, &id, "CAN_RESTART")?;
    region.compute_allowed()?;
    if cluster["state"] == STATE_RUNNING {
        return Err(Refusal::state(format!("Cluster {id} is in unexpected state Running.")));
    }
    let with = json!({"start_time": region.now_ms(), "terminated_time": null, "termination_reason": null});
    COMPUTE.set_state(region, &id, STATE_RUNNING, &with)?;
    done()
}

fn restart(region: &Region, call: &Call) -> Answer {
    let id = call.field("cluster_id")?;
    let cluster = COMPUTE.allowed(region, call, &id, "CAN_RESTART")?;
    region.compute_allowed()?;
    if cluster["state"] != STATE_RUNNING {
        return Err(Refusal::state(format!("Cluster {id} is in unexpected state Terminated.")));
    }
    region.note_start(&id);
    done()
}

fn terminate(region: &Region, call: &Call) -> Answer {
    let id = call.field("cluster_id")?;
    COMPUTE.allowed(region, call, &id, "CAN_RESTART")?;
    let reason = json!({"code": "USER_REQUEST", "type": "SUCCESS",
        "parameters": {"username": region.user(call.caller)}});
    let with = json!({"terminated_time": region.now_ms(), "termination_reason": reason});
    COMPUTE.set_state(region, &id, STATE_TERMINATED, &with)?;
    done()
}

fn remove(region: &Region, call: &Call) -> Answer {
    let id = call.field("cluster_id")?;
    COMPUTE.allowed(region, call, &id, CAN_MANAGE)?;
    COMPUTE.remove(region, &id)?;
    done()
}

/// A cluster that is pinned is kept after it was terminated; only admins pin.
fn pin(region: &Region, call: &Call, pinned: bool) -> Answer {
    let id = call.field("cluster_id")?;
    if !principals::is_admin(region, call.caller) {
        return Err(Refusal::denied("Only workspace admins pin clusters."));
    }
    let mut writing = region.records.write();
    let mut cluster = COMPUTE.found(region, &id)?;
    if let Some(fields) = cluster.as_object_mut() {
        fields.remove("pinned_by_user_name");
        if pinned {
            fields.insert("pinned_by_user_name".to_owned(), region.user(call.caller).into());
        }
    }
    writing.put(Kind::Cluster, id, &cluster);
    writing.commit()?;
    done()
}
