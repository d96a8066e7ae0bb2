//! The commits of managed tables as open-source Unity Catalog 0.5 ratifies them, in both generations of its API.
//!
//! It keeps the rules: a table is registered at version 0, the next commit has the next version, a staged file must be there, at most
//! ten commits wait to be published, and what is published is forgotten only when the writer says so.

use super::double::{State, refuse};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Commits that may wait to be published.
const MOST_WAITING: usize = 10;
/// Commits on a page of the older generation.
const PAGE: usize = 3;

/// What the catalog knows of one table's commits.
#[derive(Debug, Clone, Default)]
pub struct Ratified {
    pub latest: i64,
    /// File names by version, until they are known to be published.
    pub waiting: BTreeMap<i64, String>,
}

/// Which generations are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Generation {
    #[default]
    None,
    Older,
    Newer,
}

fn fault(status: u16, kind: &str, message: &str) -> Response {
    let body = json!({"error": {"message": message, "type": kind, "code": status}});
    (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
}

/// The folder of a table.
fn folder(table: &Value) -> PathBuf {
    let uri = table["storage_location"].as_str().unwrap_or_default();
    PathBuf::from(uri.strip_prefix("file://").unwrap_or(uri))
}

impl State {
    /// A commit that a writer wants ratified. The answer's status and type are those of the specification.
    fn ratify(&mut self, table: &Value, version: i64, file: &str) -> Result<(), (u16, &'static str, String)> {
        let id = table["table_id"].as_str().unwrap_or_default().to_owned();
        let known = self.ratified.entry(id).or_default();
        if version <= known.latest {
            // A lost answer: the same again changes nothing.
            if known.waiting.get(&version).is_some_and(|waiting| waiting == file) {
                return Ok(());
            }
            return Err((409, "CommitVersionConflictException", format!("version {version} is taken")));
        }
        if version != known.latest + 1 {
            return Err((
                400,
                "InvalidParameterException",
                format!("version {version} leaves a gap after {}", known.latest),
            ));
        }
        if known.waiting.len() >= MOST_WAITING {
            return Err((429, "ResourceExhaustedException", "publish commits first".to_owned()));
        }
        if file.contains('/') || !folder(table).join("_delta_log/_staged_commits").join(file).is_file() {
            return Err((400, "InvalidParameterException", format!("{file} is not staged")));
        }
        known.waiting.insert(version, file.to_owned());
        known.latest = version;
        Ok(())
    }

    fn published(&mut self, table: &Value, version: i64) {
        let id = table["table_id"].as_str().unwrap_or_default();
        if let Some(known) = self.ratified.get_mut(id) {
            known.waiting.retain(|waiting, _| *waiting > version);
        }
    }
}

/// Answers a call below `/api/2.1/unity-catalog/delta`.
pub fn answer(state: &mut State, method: &Method, path: &[&str], body: &Value) -> Response {
    match (state.generation, method.as_str(), path) {
        (Generation::Newer, "GET", ["v1", "config"]) => {
            Json(json!({"endpoints": ["GET /delta/v1/catalogs/{catalog}/schemas/{schema}/tables/{table}"], "protocol-version": "1.0"}))
                .into_response()
        }
        (Generation::Newer, verb, ["v1", "catalogs", catalog, "schemas", schema, "tables", name]) => {
            let key = ("tables".to_owned(), format!("{catalog}.{schema}.{name}"));
            let Some(table) = state.known.get(&key).cloned() else {
                return fault(404, "NoSuchTableException", "no such table");
            };
            let id = table["table_id"].as_str().unwrap_or_default().to_owned();
            if verb == "POST" {
                for wanted in body["requirements"].as_array().into_iter().flatten() {
                    if wanted["type"] == "assert-table-uuid" && wanted["uuid"] != id.as_str() {
                        return fault(409, "UpdateRequirementConflictException", "another table");
                    }
                }
                for update in body["updates"].as_array().into_iter().flatten() {
                    if update["action"] == "add-commit" {
                        let commit = &update["commit"];
                        let version = commit["version"].as_i64().unwrap_or(-1);
                        let file = commit["file-name"].as_str().unwrap_or_default();
                        if let Err((status, kind, message)) = state.ratify(&table, version, file) {
                            return fault(status, kind, &message);
                        }
                    }
                    if update["action"] == "set-latest-backfilled-version" {
                        state.published(&table, update["latest-published-version"].as_i64().unwrap_or(-1));
                    }
                }
            } else if verb != "GET" {
                return fault(405, "UnsupportedOperationException", "no such call");
            }
            let known = state.ratified.get(&id).cloned().unwrap_or_default();
            let newest_first = known.waiting.iter().rev();
            let commits: Vec<Value> = newest_first
                .map(|(version, file)| json!({"version": version, "timestamp": version, "file-name": file, "file-size": 1,
                    "file-modification-timestamp": version}))
                .collect();
            Json(json!({"metadata": {"table-uuid": id}, "commits": commits, "latest-table-version": known.latest}))
                .into_response()
        }
        (Generation::Older, verb @ ("GET" | "POST"), ["preview", "commits"]) => {
            let id = body["table_id"].as_str().unwrap_or_default().to_owned();
            let found = state.known.iter().find(|((kind, _), value)| kind == "tables" && value["table_id"] == id.as_str());
            let Some(table) = found.map(|(_, value)| value.clone()) else {
                return refuse(404, "TABLE_NOT_FOUND", "no such table");
            };
            if verb == "POST" {
                let info = &body["commit_info"];
                if let Some(version) = info["version"].as_i64() {
                    let file = info["file_name"].as_str().unwrap_or_default();
                    if let Err((status, _, message)) = state.ratify(&table, version, file) {
                        return refuse(status, "ABORTED", &message);
                    }
                }
                if let Some(version) = body["latest_backfilled_version"].as_i64() {
                    state.published(&table, version);
                }
                return Json(json!({})).into_response();
            }
            let known = state.ratified.get(&id).cloned().unwrap_or_default();
            let from = body["start_version"].as_i64().unwrap_or(0);
            let commits: Vec<Value> = known
                .waiting
                .range(from..)
                .take(PAGE)
                .map(|(version, file)| json!({"version": version, "timestamp": version, "file_name": file, "file_size": 1,
                    "file_modification_timestamp": version}))
                .collect();
            Json(json!({"commits": commits, "latest_table_version": known.latest})).into_response()
        }
        _ => refuse(404, "ENDPOINT_NOT_FOUND", "No API found"),
    }
}
