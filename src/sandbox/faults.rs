//! What goes wrong in a region on purpose: limits, calls that aren't served, quotas, tokens that expired.

use super::call::{Answer, Call, answer};
use super::records::Kind;
use super::refusal::Refusal;
use super::region::Region;
use crate::wire::error;
use crate::wire::sandbox::Faults;
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Key of the setting.
const FAULTS: &str = "faults";
/// Start of the calls that always answer, because faults are switched off by one of them.
const EXEMPT: [&str; 3] = ["api", "2.0", "sandbox"];

/// A region's faults, and the calls that count for its limits.
#[derive(Debug, Default)]
pub(super) struct Switches(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    faults: Arc<Faults>,
    /// Of each limit: when its span began, and the calls since.
    spans: Vec<(Instant, u32)>,
}

impl Switches {
    /// As they were when the region was last used.
    pub fn kept(records: &super::records::Records) -> Self {
        let faults: Faults = records.get(Kind::Setting, FAULTS).unwrap_or_default();
        let switches = Self::default();
        switches.set(faults);
        switches
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, faults: Faults) {
        let mut state = self.state();
        state.spans = vec![(Instant::now(), 0); faults.limits.len()];
        state.faults = Arc::new(faults);
    }

    pub fn faults(&self) -> Arc<Faults> {
        self.state().faults.clone()
    }

    /// Counts a call; the seconds to wait where a limit is reached.
    fn count(&self, method: &Method, path: &str, now: Instant) -> Option<u32> {
        let mut state = self.state();
        let faults = state.faults.clone();
        for (limit, (since, calls)) in faults.limits.iter().zip(&mut state.spans) {
            let is_meant = limit.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method.as_str()));
            if !is_meant || !path.starts_with(&limit.path) {
                continue;
            }
            let span = Duration::from_secs(u64::from(limit.seconds.max(1)));
            if now.saturating_duration_since(*since) >= span {
                (*since, *calls) = (now, 0);
            }
            if *calls >= limit.calls {
                let rest = (*since + span).saturating_duration_since(now).as_secs_f64().ceil() as u32;
                return Some(limit.retry_after_seconds.unwrap_or(rest.max(1)));
            }
            *calls += 1;
        }
        None
    }
}

/// Fails where a fault keeps the call from being made; takes from it what the region does not read.
pub(super) fn admit(region: &Region, call: &mut Call) -> Result<(), Refusal> {
    if call.path.iter().map(String::as_str).take(3).eq(EXEMPT) {
        return Ok(());
    }
    let faults = region.switches.faults();
    if *faults == Faults::default() {
        return Ok(());
    }
    if faults.expired_tokens.contains(&region.user(call.caller)) {
        return Err(Refusal::new(401, error::UNAUTHENTICATED, "The token has expired. Log in again."));
    }
    let path = format!("/{}", call.path.join("/"));
    if let Some(unserved) = faults.unserved.iter().find(|unserved| path.starts_with(&unserved.path)) {
        let (method, code) = (&call.method, unserved.status);
        return Err(match code {
            405 => Refusal::new(405, "METHOD_NOT_ALLOWED", format!("'{method} {path}' is not allowed.")),
            501 => Refusal::new(501, error::NOT_IMPLEMENTED, format!("'{method} {path}' is not implemented.")),
            _ => Refusal::new(404, "ENDPOINT_NOT_FOUND", format!("No API found for '{method} {path}'")),
        });
    }
    if let Some(seconds) = region.switches.count(&call.method, &path, Instant::now()) {
        return Err(too_many(&path, seconds));
    }
    if call.method == Method::POST {
        refuse_over_quota(region, &faults, call)?;
        if faults.ids_are_its_own {
            strip_id(call);
        }
    }
    Ok(())
}

/// Each family of calls has a code of its own for this.
fn too_many(path: &str, seconds: u32) -> Refusal {
    let code = if path.contains("/unity-catalog/") { error::RESOURCE_EXHAUSTED } else { "REQUEST_LIMIT_EXCEEDED" };
    let mut refusal = Refusal::new(429, code, format!("Too many calls of {path}. Try again in {seconds} s."));
    refusal.retry_after = Some(seconds);
    let detail = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retry_delay": format!("{seconds}s")});
    refusal.body.details.push(detail);
    refusal
}

/// The kind of object that a call creates, and its path's word for that.
fn created(call: &Call) -> Option<(Kind, &'static str)> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).skip(2).collect();
    Some(match path.as_slice() {
        ["unity-catalog", "catalogs"] => (Kind::Catalog, "catalogs"),
        ["unity-catalog", "schemas"] => (Kind::Schema, "schemas"),
        ["unity-catalog", "tables"] => (Kind::Table, "tables"),
        ["unity-catalog", "staging-tables"] => (Kind::StagingTable, "staging-tables"),
        ["unity-catalog", "volumes"] => (Kind::Volume, "volumes"),
        ["unity-catalog", "functions"] => (Kind::Function, "functions"),
        ["unity-catalog", "models"] => (Kind::Model, "models"),
        ["unity-catalog", "external-locations"] => (Kind::ExternalLocation, "external-locations"),
        ["unity-catalog", "storage-credentials"] => (Kind::StorageCredential, "storage-credentials"),
        ["jobs", "create"] => (Kind::Job, "jobs"),
        ["clusters", "create"] => (Kind::Cluster, "clusters"),
        ["sql", "warehouses"] => (Kind::Warehouse, "warehouses"),
        ["lakeview", "dashboards"] => (Kind::Dashboard, "dashboards"),
        ["workspace", "import" | "mkdirs"] => (Kind::WorkspaceObject, "workspace"),
        _ => return None,
    })
}

fn refuse_over_quota(region: &Region, faults: &Faults, call: &Call) -> Result<(), Refusal> {
    let Some((kind, word)) = created(call) else { return Ok(()) };
    let Some(most) = faults.quotas.get(word) else { return Ok(()) };
    let found = region.records.page(kind, "", "", usize::MAX).len();
    if found < *most {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "QUOTA_EXCEEDED",
        format!("Cannot create one more of {word} (count: {found}, limit: {most})."),
    ))
}

/// Removes the id that a create call asks for.
fn strip_id(call: &mut Call) {
    let fields: &[&str] = match created(call).map(|(kind, _)| kind) {
        Some(Kind::Catalog | Kind::Warehouse | Kind::StorageCredential | Kind::Model) => &["id"],
        Some(Kind::Schema) => &["schema_id"],
        Some(Kind::StagingTable) => &["table_id"],
        Some(Kind::Volume) => &["volume_id"],
        Some(Kind::Function) => &["function_id"],
        Some(Kind::Job) => &["job_id"],
        Some(Kind::Cluster) => &["cluster_id"],
        Some(Kind::Dashboard) => &["dashboard_id"],
        Some(Kind::WorkspaceObject) => &["object_id", "dashboard_id"],
        // A managed table's id comes from its staging table.
        Some(Kind::Table) if call.body["table_type"] != "MANAGED" => &["table_id"],
        _ => return,
    };
    let inner =
        call.body.get_mut("function_info").and_then(Value::as_object_mut).map(|info| info.remove("function_id"));
    if let Some(body) = call.body.as_object_mut().filter(|_| inner.is_none()) {
        for field in fields {
            body.remove(*field);
        }
    }
}

pub(super) fn get(region: &Region) -> Answer {
    answer(&*region.switches.faults())
}

pub(super) fn set(region: &Region, call: &Call) -> Answer {
    let wanted: Faults = call.body()?;
    if let Some(wrong) = wanted.unserved.iter().find(|unserved| ![404, 405, 501].contains(&unserved.status)) {
        return Err(Refusal::invalid(format!("The status {} is none of 404, 405 and 501.", wrong.status)));
    }
    let mut writing = region.records.write();
    writing.put(Kind::Setting, FAULTS, &wanted);
    writing.commit()?;
    region.switches.set(wanted);
    get(region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sandbox::CallLimit;

    #[test]
    fn a_limit_counts_the_calls_of_each_span() {
        let switches = Switches::default();
        let limit = CallLimit {
            path: "/api/2.2/jobs".to_owned(),
            method: Some("post".to_owned()),
            calls: 2,
            seconds: 10,
            retry_after_seconds: None,
        };
        switches.set(Faults { limits: vec![limit], ..Faults::default() });
        let start = Instant::now();
        let at = |seconds: u64, method: &Method| {
            switches.count(method, "/api/2.2/jobs/create", start + Duration::from_secs(seconds))
        };
        assert_eq!([at(0, &Method::POST), at(1, &Method::POST), at(1, &Method::GET)], [None; 3]);
        assert!(at(3, &Method::POST).is_some_and(|seconds| (6..=8).contains(&seconds)));
        assert_eq!(at(11, &Method::POST), None);
        assert_eq!(switches.count(&Method::POST, "/api/2.0/other", start), None);
    }
}
