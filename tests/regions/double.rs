//! A region that answers as Databricks is known to: with its refusals, its pages and its throttling.
//!
//! It stands in for what can't be had here. Managed places take no commits by path, a read-only binding holds for the product
//! too, a host without a workspace's id sends to a login page, and external access may be off.

use super::delta_api::{self, Generation, Ratified};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// What the double makes go wrong, and what it is.
pub struct Double {
    pub url: String,
    pub workspace: i64,
    root: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub struct State {
    region: String,
    workspace: i64,
    root: String,
    /// By kind and full name.
    pub known: BTreeMap<(String, String), Value>,
    bindings: BTreeMap<String, BTreeMap<i64, String>>,
    next_id: u64,
    throttled: usize,
    external_access: bool,
    calls: usize,
    /// What a catalog knows of commits, by table id.
    pub ratified: BTreeMap<String, Ratified>,
    pub generation: Generation,
}

impl Double {
    /// A region whose storage lies in `folder`: `lake` is its external location, `managed` its metastore's root.
    pub async fn serve(region: &str, workspace: i64, folder: &Path) -> Self {
        let root = folder.join(region);
        std::fs::create_dir_all(root.join("lake")).expect("a folder");
        let state = State {
            region: region.to_owned(),
            workspace,
            root: format!("file://{}", root.display()),
            external_access: true,
            ..State::default()
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let router = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let answer = answer(&mut lock(&shared), &method, &uri, &headers, &body);
            async move { answer }
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url: format!("http://{address}/?o={workspace}"), workspace, root, state }
    }

    pub fn lake(&self) -> String {
        format!("file://{}/lake", self.root.display())
    }

    pub fn folder(&self) -> &Path {
        &self.root
    }

    /// The next calls are answered 429.
    pub fn throttle(&self, calls: usize) {
        lock(&self.state).throttled = calls;
    }

    pub fn external_access(&self, on: bool) {
        lock(&self.state).external_access = on;
    }

    pub fn calls(&self) -> usize {
        lock(&self.state).calls
    }

    /// A managed table as the platform itself makes one; its folder.
    pub fn make_managed(&self, full_name: &str) -> PathBuf {
        let mut state = lock(&self.state);
        let [catalog, schema, name]: [&str; 3] =
            full_name.split('.').collect::<Vec<_>>().try_into().expect("a full name");
        state.put("catalogs", catalog, json!({"name": catalog, "isolation_mode": "OPEN"}));
        state.put("schemas", &format!("{catalog}.{schema}"), json!({"name": schema, "catalog_name": catalog}));
        let id = state.id();
        let location = format!("{}/managed/{id}", state.root);
        state.put(
            "tables",
            full_name,
            json!({"name": name, "catalog_name": catalog, "schema_name": schema, "table_type": "MANAGED",
                "data_source_format": "DELTA", "table_id": id, "storage_location": location, "columns": []}),
        );
        self.root.join("managed").join(id)
    }

    /// Has the catalog ratify the commits of a managed table from now on; the table's id.
    pub fn ratify_by_catalog(&self, full_name: &str, generation: Generation) -> String {
        let mut state = lock(&self.state);
        state.generation = generation;
        let table = state.known.get_mut(&("tables".to_owned(), full_name.to_owned())).expect("a table");
        table["properties"] = json!({"delta.feature.catalogManaged": "supported", "io.unitycatalog.tableId": "t"});
        let id = table["table_id"].as_str().expect("an id").to_owned();
        state.ratified.insert(id.clone(), Ratified::default());
        id
    }

    pub fn table(&self, full_name: &str) -> Option<Value> {
        lock(&self.state).known.get(&("tables".to_owned(), full_name.to_owned())).cloned()
    }

    pub fn drop_table(&self, full_name: &str) {
        lock(&self.state).known.remove(&("tables".to_owned(), full_name.to_owned()));
    }

    pub fn is_read_only(&self, catalog: &str) -> bool {
        lock(&self.state).is_read_only(catalog)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no call panicked")
}

impl State {
    fn id(&mut self) -> String {
        self.next_id += 1;
        format!("{:08x}-0000-4000-8000-{:012x}", self.workspace, self.next_id)
    }

    fn put(&mut self, kind: &str, name: &str, value: Value) {
        self.known.entry((kind.to_owned(), name.to_owned())).or_insert(value);
    }

    fn is_read_only(&self, catalog: &str) -> bool {
        let isolated = self
            .known
            .get(&("catalogs".to_owned(), catalog.to_owned()))
            .is_some_and(|c| c["isolation_mode"] == "ISOLATED");
        let bound = self.bindings.get(catalog).and_then(|bound| bound.get(&self.workspace));
        isolated && bound.is_none_or(|binding| binding == "BINDING_TYPE_READ_ONLY")
    }

    fn managed(&self, uri: &str) -> bool {
        uri.starts_with(&format!("{}/managed", self.root))
    }

    fn covered(&self, uri: &str) -> bool {
        uri.starts_with(&format!("{}/lake", self.root))
    }
}

pub fn refuse(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(json!({"error_code": code, "message": message}))).into_response()
}

fn answer(state: &mut State, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    state.calls += 1;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    if header("x-databricks-org-id") != state.workspace.to_string() {
        return (StatusCode::SEE_OTHER, [("location", "/login.html")]).into_response();
    }
    if header("authorization") != "Bearer hunter2" {
        return refuse(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API.");
    }
    if state.throttled > 0 {
        state.throttled -= 1;
        let busy = refuse(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests");
        return ([("retry-after", "1")], busy).into_response();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let query: BTreeMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path: Vec<&str> = uri.path().split('/').filter(|part| !part.is_empty()).collect();
    let mut response = match path.as_slice() {
        ["api", "2.0", "preview", "scim", "v2", "Me"] => Json(json!({"userName": "dr@example.com"})).into_response(),
        ["api", "2.1", "unity-catalog", "delta", rest @ ..] => delta_api::answer(state, method, rest, &body),
        ["api", "2.1", "unity-catalog", rest @ ..] => catalog(state, method, rest, &query, &body),
        ["api", "2.0", "unity-catalog", call] => credentials(state, call, &body),
        ["api", "2.2", "jobs", "list"] => Json(json!({"jobs": []})).into_response(),
        ["api", "2.1", "clusters", "list"] => Json(json!({"clusters": []})).into_response(),
        ["api", "2.0", "sql", "warehouses"] => Json(json!({"warehouses": []})).into_response(),
        _ => refuse(404, "ENDPOINT_NOT_FOUND", "No API found"),
    };
    if let Ok(id) = state.workspace.to_string().parse() {
        response.headers_mut().insert("x-databricks-org-id", id);
    }
    response
}

/// Two entries a page, and an empty page that still has a token.
fn page(key: &str, all: Vec<Value>, query: &BTreeMap<String, String>) -> Response {
    let from: usize = query.get("page_token").and_then(|token| token.parse().ok()).unwrap_or(0);
    let (start, odd) = (from / 2, from % 2 == 1);
    if all.len() > start + 2 && !odd {
        return Json(json!({key: all[start..start + 2], "next_page_token": ((start + 2) * 2 + 1).to_string()}))
            .into_response();
    }
    if odd {
        return Json(json!({key: [], "next_page_token": (start * 2).to_string()})).into_response();
    }
    Json(json!({key: all[start.min(all.len())..]})).into_response()
}

fn catalog(
    state: &mut State,
    method: &Method,
    path: &[&str],
    query: &BTreeMap<String, String>,
    body: &Value,
) -> Response {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    match (method.as_str(), path) {
        ("GET", ["metastore_summary"]) => {
            Json(json!({"metastore_id": format!("m-{}", state.workspace), "name": "main",
            "cloud": "aws", "region": state.region, "storage_root": format!("{}/managed", state.root),
            "external_access_enabled": state.external_access}))
            .into_response()
        }
        ("GET", ["external-locations"]) => {
            let lake = json!({"name": "lake", "url": format!("{}/lake", state.root)});
            page("external_locations", vec![lake], query)
        }
        ("GET", ["bindings", "catalog", name]) => {
            if !state.known.contains_key(&("catalogs".to_owned(), (*name).to_owned())) {
                return refuse(404, "CATALOG_DOES_NOT_EXIST", "No such catalog");
            }
            bindings(state, name)
        }
        ("PATCH", ["bindings", "catalog", name]) => {
            let bound = state.bindings.entry((*name).to_owned()).or_default();
            for gone in body["remove"].as_array().into_iter().flatten() {
                bound.remove(&gone["workspace_id"].as_i64().unwrap_or_default());
            }
            for new in body["add"].as_array().into_iter().flatten() {
                let kind = new["binding_type"].as_str().unwrap_or("BINDING_TYPE_READ_WRITE").to_owned();
                bound.insert(new["workspace_id"].as_i64().unwrap_or_default(), kind);
            }
            bindings(state, name)
        }
        ("POST", ["staging-tables"]) => refuse(400, "INVALID_PARAMETER_VALUE", "Missing required field: name"),
        ("POST", ["catalogs"]) => create(state, "catalogs", &text("name"), "", {
            let mut value = body.clone();
            value["isolation_mode"] = json!("OPEN");
            value
        }),
        ("POST", ["schemas"]) => {
            let name = format!("{}.{}", text("catalog_name"), text("name"));
            create(state, "schemas", &name, &text("catalog_name"), body.clone())
        }
        ("POST", ["tables"]) => {
            if text("table_type") != "EXTERNAL" {
                return refuse(
                    400,
                    "INVALID_PARAMETER_VALUE",
                    "Only EXTERNAL tables can be created from outside of Databricks Unity Catalog enabled compute environment",
                );
            }
            let location = text("storage_location");
            if state.managed(&location) {
                return refuse(
                    400,
                    "INVALID_PARAMETER_VALUE",
                    "The path overlaps with managed storage within 'CreateTable' call",
                );
            }
            if !state.known.contains_key(&("catalogs".to_owned(), text("catalog_name"))) {
                return refuse(404, "CATALOG_DOES_NOT_EXIST", "No such catalog");
            }
            if !state.covered(&location) {
                return refuse(
                    403,
                    "PERMISSION_DENIED",
                    "User does not have CREATE EXTERNAL TABLE on any external location for this path",
                );
            }
            let name = format!("{}.{}.{}", text("catalog_name"), text("schema_name"), text("name"));
            let parent = text("catalog_name");
            create(state, "tables", &name, &parent, body.clone())
        }
        ("GET", [kind @ ("catalogs" | "schemas" | "tables" | "volumes" | "functions")]) => {
            let within = |key: &str| query.get(key).cloned();
            let fits = |value: &Value| {
                within("catalog_name").is_none_or(|name| value["catalog_name"] == name.as_str())
                    && within("schema_name").is_none_or(|name| value["schema_name"] == name.as_str())
            };
            let all = state.known.iter().filter(|((of, _), value)| of == kind && fits(value));
            page(kind, all.map(|(_, value)| value.clone()).collect(), query)
        }
        ("GET", [kind, name]) => match state.known.get(&((*kind).to_owned(), (*name).to_owned())) {
            Some(value) => Json(value.clone()).into_response(),
            None if matches!(*kind, "catalogs" | "schemas" | "tables") => {
                refuse(404, "DOES_NOT_EXIST", "No such object")
            }
            None => refuse(404, "ENDPOINT_NOT_FOUND", "No API found"),
        },
        ("PATCH", [kind @ ("catalogs" | "schemas"), name]) => {
            let (own, isolates) = (state.workspace, body["isolation_mode"] == "ISOLATED");
            let Some(value) = state.known.get_mut(&((*kind).to_owned(), (*name).to_owned())) else {
                return refuse(404, "DOES_NOT_EXIST", "No such object");
            };
            for (key, new) in body.as_object().into_iter().flatten() {
                value[key] = new.clone();
            }
            let value = value.clone();
            // Isolating binds the caller's workspace to write, whatever it was bound to.
            if isolates && *kind == "catalogs" && !state.bindings.contains_key(*name) {
                state.bindings.entry((*name).to_owned()).or_default().insert(own, "BINDING_TYPE_READ_WRITE".to_owned());
            }
            Json(value).into_response()
        }
        ("DELETE", [kind @ ("schemas" | "tables"), name]) => {
            let of = name.split('.').next().unwrap_or_default();
            if state.is_read_only(of) {
                return read_only(of);
            }
            match state.known.remove(&((*kind).to_owned(), (*name).to_owned())) {
                Some(_) => Json(json!({})).into_response(),
                None => refuse(404, "DOES_NOT_EXIST", "No such object"),
            }
        }
        _ => refuse(404, "ENDPOINT_NOT_FOUND", "No API found"),
    }
}

fn bindings(state: &State, name: &str) -> Response {
    let bound = state.bindings.get(name).into_iter().flatten();
    let all: Vec<Value> = bound.map(|(id, kind)| json!({"workspace_id": id, "binding_type": kind})).collect();
    Json(json!({"bindings": all})).into_response()
}

fn read_only(catalog: &str) -> Response {
    refuse(403, "PERMISSION_DENIED", &format!("Catalog '{catalog}' is bound to this workspace as read-only."))
}

fn create(state: &mut State, kind: &str, name: &str, catalog: &str, mut value: Value) -> Response {
    if !catalog.is_empty() {
        if !state.known.contains_key(&("catalogs".to_owned(), catalog.to_owned())) {
            return refuse(404, "CATALOG_DOES_NOT_EXIST", "No such catalog");
        }
        if state.is_read_only(catalog) {
            return read_only(catalog);
        }
    }
    if state.known.contains_key(&(kind.to_owned(), name.to_owned())) {
        return refuse(409, "RESOURCE_ALREADY_EXISTS", "It is there already");
    }
    let id = state.id();
    // Ids are the platform's own, whatever the body says.
    let key = match kind {
        "tables" => "table_id",
        "schemas" => "schema_id",
        _ => "id",
    };
    value[key] = json!(id);
    state.put(kind, name, value.clone());
    Json(value).into_response()
}

fn credentials(state: &State, call: &str, body: &Value) -> Response {
    let operation = body["operation"].as_str().unwrap_or_default();
    let denied = |reason: &str| {
        let body = json!({"error_code": "UNAUTHENTICATED", "message": "External access is not enabled.",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]});
        (StatusCode::UNAUTHORIZED, Json(body)).into_response()
    };
    let granted = || Json(json!({"expiration_time": 4_102_444_800_000_i64})).into_response();
    match call {
        "temporary-table-credentials" => {
            if !state.external_access {
                return denied("UNITY_CATALOG_EXTERNAL_GENERATE_TABLE_CREDENTIALS_DENIED");
            }
            let id = body["table_id"].as_str().unwrap_or_default();
            let tables = state.known.iter().filter(|((kind, _), _)| kind == "tables");
            let Some((_, table)) = tables.into_iter().find(|(_, value)| value["table_id"] == id) else {
                return refuse(404, "TABLE_DOES_NOT_EXIST", "No such table");
            };
            if operation == "READ_WRITE" {
                if table["table_type"] == "MANAGED" {
                    return refuse(
                        400,
                        "INVALID_PARAMETER_VALUE",
                        "EXTERNAL_WRITE_NOT_ALLOWED_FOR_TABLE: kind being TABLE_DELTA. Only 'TABLE_EXTERNAL' and 'TABLE_DELTA_EXTERNAL' can be written from outside",
                    );
                }
                let catalog = table["catalog_name"].as_str().unwrap_or_default();
                if state.is_read_only(catalog) {
                    return read_only(catalog);
                }
            }
            granted()
        }
        "temporary-path-credentials" => {
            if !state.external_access {
                return denied("UNITY_CATALOG_EXTERNAL_GENERATE_PATH_CREDENTIALS_DENIED");
            }
            let url = body["url"].as_str().unwrap_or_default();
            match state.covered(url) {
                true => granted(),
                false => refuse(403, "PERMISSION_DENIED", "The path is not in an external location"),
            }
        }
        _ => refuse(404, "ENDPOINT_NOT_FOUND", "No API found"),
    }
}
