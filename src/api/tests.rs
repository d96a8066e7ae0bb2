//! The API over loopback, on an account whose regions don't respond.

mod doors;
mod drills;
mod failover;
mod tls;
mod token_pairs;

use super::{ApiOptions, ApiServer, ServeError, check_options};
use crate::connect::{ConnectSettings, SandboxRegion, Secret};
use crate::control::{Control, ControlSettings, Deployment, Workspace};
use crate::domain::{
    CatalogName, FailoverGroup, FailoverGroupSpec, GroupId, GroupState, Region, Role, SystemClock, UnityCatalogAssets,
    WorkspaceId, WorkspaceSet,
};
use crate::store::Store;
use chrono::DateTime;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

const ACCOUNT: &str = "acc-1";

/// A served account; the groups in it are in CREATION_FAILED, in which no worker touches them.
struct Served {
    control: Control,
    server: ApiServer,
    client: Client,
    token: String,
    _dir: tempfile::TempDir,
}

fn workspace(id: &str, region: &str) -> Workspace {
    let settings = ConnectSettings::new(region, "http://127.0.0.1:1", Secret::new("x")).fail_fast();
    Workspace {
        id: WorkspaceId::new(id),
        name: format!("analytics-{region}"),
        region: Region::new(region),
        url: "http://127.0.0.1:1".to_owned(),
        client: SandboxRegion::connect(settings).expect("a client"),
        storage_root: None,
    }
}

fn group(id: &str) -> FailoverGroup {
    FailoverGroup {
        spec: FailoverGroupSpec {
            rules: Default::default(),
            id: GroupId::new(id).expect("an id"),
            regions: vec![Region::new("east"), Region::new("west")],
            initial_primary_region: Region::new("east"),
            workspace_sets: vec![WorkspaceSet {
                name: "set".to_owned(),
                workspace_ids: ["1", "2"].map(WorkspaceId::new).to_vec(),
                replicate_workspace_assets: false,
                stable_url_names: vec![],
            }],
            unity_catalog_assets: Some(UnityCatalogAssets {
                catalogs: vec![CatalogName::new(format!("catalog_{id}"))],
                data_replication_workspace_set: "set".to_owned(),
                location_mappings: vec![],
            }),
        },
        effective_primary_region: Region::new("east"),
        state: GroupState::CreationFailed,
        state_message: None,
        epoch: 1,
        bootstrapped: false,
        salvage_pending: id == "waiting",
        etag: format!("etag-of-{id}"),
        create_time: DateTime::UNIX_EPOCH,
        update_time: DateTime::UNIX_EPOCH,
        replication_point: Some(DateTime::UNIX_EPOCH),
        has_replication_point_blocking_errors: false,
        initial_replication_progress: None,
    }
}

async fn control(store: &Path) -> Control {
    control_with(store, ControlSettings::default()).await
}

async fn control_with(store: &Path, settings: ControlSettings) -> Control {
    let store = Store::open(store).expect("a store");
    let workspaces = vec![workspace("1", "east"), workspace("2", "west")];
    let deployment = Deployment { account_id: ACCOUNT.to_owned(), workspaces };
    Control::start(deployment, store, Arc::new(SystemClock), settings).await.expect("starts")
}

impl Served {
    async fn with(groups: &[&str], options: ApiOptions) -> Self {
        let groups = groups.iter().map(|id| group(id)).collect();
        Self::with_groups(groups, options, ControlSettings::default()).await
    }

    async fn with_groups(groups: Vec<FailoverGroup>, options: ApiOptions, settings: ControlSettings) -> Self {
        let dir = tempfile::tempdir().expect("a temp dir");
        let path = dir.path().join("state.db");
        let store = Store::open(&path).expect("a store");
        store
            .run_blocking(|tx| groups.iter().try_for_each(|group| tx.put_group(group, DateTime::UNIX_EPOCH)))
            .expect("stored");
        drop(store);
        let control = control_with(&path, settings).await;
        let files = control.keep_credentials(dir.path()).await.expect("written");
        let token = std::fs::read_to_string(files.token).expect("read").trim().to_owned();
        let server = ApiServer::start(control.clone(), &options).await.expect("listens");
        Self { control, server, client: Client::new(), token, _dir: dir }
    }

    async fn start(groups: &[&str]) -> Self {
        Self::with(groups, ApiOptions::default()).await
    }

    async fn raw(&self, method: Method, path: &str, token: Option<&str>, body: Option<Vec<u8>>) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.server.url()));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        request.send().await.expect("an answer")
    }

    /// Calls below the account's prefix with the admin's token.
    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let path = format!("/api/disaster-recovery/v1/accounts/{ACCOUNT}/{path}");
        let body = body.map(|body| serde_json::to_vec(&body).expect("JSON"));
        let response = self.raw(method, &path, Some(&self.token), body).await;
        let status = response.status();
        (status, response.json().await.expect("every answer is JSON"))
    }

    async fn end(self) {
        self.server.stop().await;
        self.control.stop().await;
    }
}

/// The status and code, with the sentence checked for being one.
fn refusal((status, body): (StatusCode, Value)) -> (u16, String) {
    let message = body["message"].as_str().expect("a message");
    assert!(message.len() > 20 && message.ends_with('.'), "no sentence: {message}");
    (status.as_u16(), body["error_code"].as_str().expect("a code").to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_group_is_read_whole_and_listed_without_state_and_point() {
    let served = Served::start(&["core", "ml"]).await;
    let (status, group) = served.call(Method::GET, "failover-groups/core", None).await;
    assert_eq!(status, 200);
    assert_eq!(group["name"], "accounts/acc-1/failover-groups/core");
    assert_eq!((&group["state"], &group["effective_primary_region"]), (&json!("CREATION_FAILED"), &json!("east")));
    assert_eq!(group["replication_point"], "1970-01-01T00:00:00.000Z");
    assert_eq!(group["unity_catalog_assets"]["catalogs"], json!([{"name": "catalog_core"}]));
    assert!(group.get("initial_primary_region").is_none() && group.get("initial_replication_progress").is_none());

    let (_, first) = served.call(Method::GET, "failover-groups?page_size=1", None).await;
    let entry = &first["failover_groups"][0];
    assert!(entry.get("state").is_none() && entry.get("replication_point").is_none() && entry["etag"].is_string());
    let token = first["next_page_token"].as_str().expect("there is more");
    let (_, second) = served.call(Method::GET, &format!("failover-groups?page_size=1&page_token={token}"), None).await;
    assert_eq!(second["failover_groups"][0]["name"], "accounts/acc-1/failover-groups/ml");
    assert!(second.get("next_page_token").is_none());
    served.end().await;
}

#[tokio::test]
async fn what_a_client_gets_wrong_is_a_4xx_with_a_sentence() {
    let served = Served::start(&["core"]).await;
    let set = json!([{"name": "set", "workspace_ids": ["1", "2"]}]);
    let good = json!({"regions": ["east", "west"], "initial_primary_region": "east", "workspace_sets": set,
        "unity_catalog_assets": {"catalogs": [{"name": "a"}], "data_replication_workspace_set": "set"}});
    let bad = is(400, "INVALID_PARAMETER_VALUE");
    let post = |path: &'static str, body: Value| served.call(Method::POST, path, Some(body));
    assert_eq!(refusal(post("failover-groups", good.clone()).await), bad, "no id");
    assert_eq!(refusal(post("failover-groups?failover_group_id=a%20b", good.clone()).await), bad);
    assert_eq!(refusal(post("failover-groups?failover_group_id=x&validate_only=perhaps", good.clone()).await), bad);
    assert_eq!(refusal(post("failover-groups?failover_group_id=x", json!({})).await), bad);
    assert_eq!(refusal(post("failover-groups?failover_group_id=x", json!([1])).await), bad);
    assert_eq!(refusal(post("failover-groups?failover_group_id=x", json!({"regions": 5})).await), bad);
    assert_eq!(refusal(post("failover-groups?failover_group_id=core", good.clone()).await), is(409, "ALREADY_EXISTS"));
    let mars = json!({"target_primary_region": "mars", "failover_type": "FORCED"});
    assert_eq!(refusal(post("failover-groups/core/failover", mars).await), bad);
    let softly = json!({"target_primary_region": "west", "failover_type": "SOFTLY"});
    assert_eq!(refusal(post("failover-groups/core/failover", softly).await), bad);
    let west = json!({"target_primary_region": "west", "failover_type": "FORCED"});
    assert_eq!(refusal(post("failover-groups/core/failover", west.clone()).await), is(400, "INVALID_STATE"));
    assert_eq!(refusal(post("failover-groups/nobody/failover", west).await), is(404, "NOT_FOUND"));
    assert_eq!(refusal(post("stable-urls?stable_url_id=s", json!({"initial_workspace_id": "9"})).await), bad);
    for path in ["failover-groups/nobody", "failover-groups/%00", "stable-urls/x", "nothing", "failover-groups/a/b/c"] {
        assert_eq!(refusal(served.call(Method::GET, path, None).await), is(404, "NOT_FOUND"), "{path}");
    }
    for path in ["failover-groups?page_size=-1", "failover-groups?page_token=x", "failover-groups/%ff"] {
        assert_eq!(refusal(served.call(Method::GET, path, None).await), bad, "{path}");
    }
    let stale = served.call(Method::DELETE, "failover-groups/core?etag=old", None).await;
    assert_eq!(refusal(stale), is(409, "ABORTED"));
    let wrong = served.call(Method::PUT, "failover-groups/core", None).await;
    assert_eq!(refusal(wrong), is(405, "METHOD_NOT_ALLOWED"));
    let other = served.raw(Method::GET, "/api/disaster-recovery/v1/accounts/other/failover-groups", None, None).await;
    assert_eq!(other.status(), 401);
    served.end().await;
}

#[tokio::test]
async fn broken_rules_come_by_field_and_a_null_is_no_value() {
    let served = Served::start(&[]).await;
    let body = json!({"regions": ["east", "east"], "initial_primary_region": "east", "workspace_sets": null,
        "state": null, "from_the_future": {"x": 1}});
    let (status, answer) = served.call(Method::POST, "failover-groups?failover_group_id=x&future=1", Some(body)).await;
    assert_eq!(status, 400, "{answer}");
    let fields: Vec<_> = answer["details"][0]["field_violations"].as_array().expect("violations").iter().collect();
    assert!(fields.iter().any(|f| f["field"] == "regions") && fields.iter().any(|f| f["field"] == "workspace_sets"));
    served.end().await;
}

#[tokio::test]
async fn no_token_or_a_wrong_one_is_refused_and_a_role_holds_only_its_rights() {
    let served = Served::start(&["core"]).await;
    let path = format!("/api/disaster-recovery/v1/accounts/{ACCOUNT}/failover-groups/core");
    for token in [None, Some(""), Some("nonsense"), Some("rct-0-0")] {
        let response = served.raw(Method::GET, &path, token, None).await;
        assert_eq!(
            (response.status(), response.headers()["www-authenticate"].to_str().ok()),
            (StatusCode::UNAUTHORIZED, Some("Bearer"))
        );
    }
    let failover = format!("{path}/failover");
    let west = Some(br#"{"target_primary_region": "west", "failover_type": "FORCED"}"#.to_vec());
    for (role, read, delete, fail_over) in [
        // A right that is held gets as far as the stale etag and the group's state.
        (Role::Viewer, 200, 403, 403),
        (Role::Operator, 200, 409, 403),
        (Role::Failover, 200, 403, 400),
        (Role::Admin, 200, 409, 400),
    ] {
        let (view, token) = served.control.create_token("admin", "someone", role).await.expect("made");
        let token = Some(token.expose());
        let stale = format!("{path}?etag=old");
        assert_eq!(served.raw(Method::GET, &path, token, None).await.status(), read, "{role} reads");
        assert_eq!(served.raw(Method::DELETE, &stale, token, None).await.status(), delete, "{role} deletes");
        assert_eq!(served.raw(Method::POST, &failover, token, west.clone()).await.status(), fail_over, "{role}");
        served.control.revoke_token("admin", &view.id).await.expect("revoked");
        assert_eq!(served.raw(Method::GET, &path, token, None).await.status(), 401, "a revoked token");
    }
    served.end().await;
}

#[tokio::test]
async fn a_client_logs_in_and_its_access_tokens_end_with_it() {
    let served = Served::start(&[]).await;
    let (client, secret) = served.control.create_client("admin", "robot", Role::Viewer).await.expect("made");
    let config: Value =
        served.raw(Method::GET, "/.well-known/databricks-config", None, None).await.json().await.expect("JSON");
    let base = config["oidc_endpoint"].as_str().expect("a base");
    assert!(base.starts_with(served.server.url()) && config["account_id"] == ACCOUNT);
    let discovery = served.client.get(format!("{base}/.well-known/oauth-authorization-server"));
    let discovery: Value = discovery.send().await.expect("an answer").json().await.expect("JSON");
    let log_in = |secret: String, form: &'static str| {
        let request = served.client.post(discovery["token_endpoint"].as_str().expect("an endpoint"));
        request.basic_auth(&client.id, Some(secret)).body(form).send()
    };
    let form = "grant_type=client_credentials&scope=all-apis";
    let given: Value = log_in(secret.expose().to_owned(), form).await.expect("an answer").json().await.expect("JSON");
    let token = given["access_token"].as_str().expect("a token");
    assert_eq!((given["token_type"].as_str(), given["expires_in"].as_i64()), (Some("Bearer"), Some(3600)));
    let workspaces = format!("/api/2.0/accounts/{ACCOUNT}/workspaces");
    let all: Value = served.raw(Method::GET, &workspaces, Some(token), None).await.json().await.expect("JSON");
    assert_eq!(all[0]["workspace_id"], 1);
    assert_eq!(all[1]["workspace_name"], "analytics-west");

    let wrong = log_in("wrong".to_owned(), form).await.expect("an answer");
    assert_eq!(wrong.status(), 401);
    assert_eq!(wrong.json::<Value>().await.expect("JSON")["error"], "invalid_client");
    let other = log_in(secret.expose().to_owned(), "grant_type=password").await.expect("an answer");
    assert_eq!(other.status(), 400);
    served.control.revoke_token("admin", &client.id).await.expect("revoked");
    assert_eq!(served.raw(Method::GET, &workspaces, Some(token), None).await.status(), 401);
    served.end().await;
}

#[tokio::test]
async fn a_body_that_is_too_long_and_a_token_that_calls_too_often_are_told_so() {
    let served = Served::with(&[], ApiOptions { calls_per_second: 5, ..ApiOptions::default() }).await;
    let path = format!("/api/disaster-recovery/v1/accounts/{ACCOUNT}/failover-groups");
    let long = Some(vec![b' '; (1 << 20) + 1]);
    assert_eq!(
        served.raw(Method::POST, &format!("{path}?failover_group_id=x"), Some(&served.token), long).await.status(),
        413
    );
    let sent = longer_than_is_read(&served, &path).await;
    assert!(sent.starts_with("HTTP/1.1 413 "), "a client that sends all before it reads is told too: {sent}");
    let mut last = served.raw(Method::GET, &path, Some(&served.token), None).await;
    for _ in 0..50 {
        if last.status() == 429 {
            break;
        }
        last = served.raw(Method::GET, &path, Some(&served.token), None).await;
    }
    assert_eq!((last.status().as_u16(), last.headers()["retry-after"].to_str().ok()), (429, Some("1")));
    served.end().await;
}

/// Sends eight megabytes, all of them before the answer is looked at.
async fn longer_than_is_read(served: &Served, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = served.server.url().trim_start_matches("http://");
    let body = vec![b' '; 8 << 20];
    let head = format!(
        "POST {path}?failover_group_id=x HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
        served.token,
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connects");
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(&body).await.expect("all of it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[tokio::test]
async fn a_stable_url_follows_its_group_and_leads_there_still_when_detached() {
    let served = Served::start(&["core"]).await;
    let create = |id: &str, query: &str| {
        let path = format!("stable-urls?stable_url_id={id}{query}");
        let served = &served;
        async move { served.call(Method::POST, &path, Some(json!({"initial_workspace_id": "2"}))).await }
    };
    assert_eq!(create("shop", "&validate_only=true").await.0, 200);
    assert_eq!(refusal(served.call(Method::GET, "stable-urls/shop", None).await), is(404, "NOT_FOUND"));
    let (status, made) = create("shop", "").await;
    assert_eq!((status, &made["effective_workspace_id"]), (StatusCode::OK, &json!("2")));
    let id = made["stable_workspace_id"].as_str().expect("an id");
    assert_eq!(made["url"], format!("https://localhost/?w={id}"));
    assert_eq!(refusal(create("shop", "").await), is(409, "ALREADY_EXISTS"));

    // No region answers, so the workspaces' add-on is unknown and a change of the group would be refused for it.
    let mut attached = group("web");
    attached.spec.workspace_sets[0].stable_url_names = vec!["accounts/acc-1/stable-urls/shop".to_owned()];
    let dir = tempfile::tempdir().expect("a temp dir");
    let path = dir.path().join("state.db");
    let store = Store::open(&path).expect("a store");
    let record = crate::domain::StableUrl {
        id: "shop".to_owned(),
        stable_workspace_id: id.to_owned(),
        url: "https://localhost/".to_owned(),
        effective_workspace_id: WorkspaceId::new("2"),
    };
    store
        .run_blocking(|tx| {
            tx.put_group(&attached, DateTime::UNIX_EPOCH)?;
            tx.put_stable_url(&record)
        })
        .expect("stored");
    drop(store);
    let control = control(&path).await;
    let shown = control.stable_url("shop").expect("there");
    assert_eq!(
        (shown.effective_workspace_id.as_str(), shown.group.map(|g| g.to_string())),
        ("1", Some("web".to_owned()))
    );
    let refused = control.delete_stable_url("ada", "shop").await.expect_err("attached");
    assert!(refused.to_string().contains("attached to failover group web"), "{refused}");
    let kept = control.detached(&attached, None);
    assert_eq!(kept.iter().map(|url| url.effective_workspace_id.as_str()).collect::<Vec<_>>(), ["1"]);
    control.stop().await;

    assert_eq!(served.call(Method::DELETE, "stable-urls/shop", None).await.0, 200);
    let view = served.control.view();
    let line = view.activity.iter().find(|line| line.action == "stable_url.delete").expect("in the audit log");
    assert!(
        line.actor == "account-token" && line.after.is_none() && line.before.as_ref().is_some_and(|b| b.contains(id))
    );
    served.end().await;
}

#[tokio::test]
async fn the_token_file_is_its_owners_alone_and_the_store_holds_no_secret() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a temp dir");
    let path = dir.path().join("state.db");
    let control_1 = control(&path).await;
    let files = control_1.keep_credentials(dir.path()).await.expect("written");
    let token = std::fs::read_to_string(&files.token).expect("read");
    for file in [&files.token, &files.client] {
        assert_eq!(std::fs::metadata(file).expect("there").permissions().mode() & 0o777, 0o600);
    }
    let secret = token.trim().rsplit('-').next().expect("a secret").to_owned();
    assert_eq!(secret.len(), 64);
    control_1.stop().await;
    drop(control_1);
    for file in std::fs::read_dir(dir.path()).expect("listed").flatten() {
        if file.path() != files.token {
            let bytes = std::fs::read(file.path()).expect("read");
            assert!(!bytes.windows(64).any(|part| part == secret.as_bytes()), "{:?} holds the secret", file.path());
        }
    }
    let control_2 = control(&path).await;
    control_2.keep_credentials(dir.path()).await.expect("kept");
    assert_eq!(std::fs::read_to_string(&files.token).expect("read"), token, "the token is kept");
    std::fs::remove_file(&files.token).expect("removed");
    control_2.keep_credentials(dir.path()).await.expect("made again");
    assert!(control_2.authenticate(token.trim()).is_none(), "a lost token is revoked");
    let again = std::fs::read_to_string(&files.token).expect("read");
    assert!(control_2.authenticate(again.trim()).is_some_and(|caller| caller.role == Role::Admin));
    control_2.stop().await;
}

#[test]
fn an_address_that_others_reach_needs_a_word_of_consent() {
    let listen = "0.0.0.0:0".parse().expect("an address");
    let open = ApiOptions { listen, ..ApiOptions::default() };
    assert!(matches!(check_options(&open), Err(ServeError::PlainHttp { .. })));
    assert!(check_options(&ApiOptions { allow_plain_http: true, ..open }).is_ok());
    assert!(check_options(&ApiOptions::default()).is_ok());
}

#[tokio::test]
async fn a_group_that_waits_for_a_region_is_deleted_only_by_whoever_gives_the_region_up() {
    let served = Served::start(&["waiting"]).await;
    let (status, body) = served.call(Method::DELETE, "failover-groups/waiting", None).await;
    assert_eq!((status.as_u16(), body["error_code"].as_str()), (400, Some("INVALID_STATE")), "{body}");
    assert!(body["message"].as_str().is_some_and(|m| m.contains("given_up_region=west")), "{body}");
    let wrong = served.call(Method::DELETE, "failover-groups/waiting?given_up_region=east", None).await;
    assert_eq!(
        (wrong.0.as_u16(), wrong.1["error_code"].as_str()),
        (400, Some("INVALID_PARAMETER_VALUE")),
        "{}",
        wrong.1
    );
    assert_eq!(served.call(Method::DELETE, "failover-groups/waiting?given_up_region=west", None).await.0, 200);
    let (_, group) = served.call(Method::GET, "failover-groups/waiting", None).await;
    assert_eq!(group["state"], "DELETING");
    served.end().await;
}

#[tokio::test]
async fn every_call_that_the_document_describes_is_served() {
    let served = Served::start(&[]).await;
    let document: Value = served.raw(Method::GET, "/openapi.json", None, None).await.json().await.expect("JSON");
    let mut calls = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{account_id}", ACCOUNT).replace(['{', '}'], "");
        for method in methods.as_object().expect("methods").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let response = served.raw(method.clone(), &path, Some(&served.token), None).await;
            let (status, body) = (response.status(), response.text().await.expect("a body"));
            assert!(
                status != 405 && !body.contains("There is nothing at") && !status.is_server_error(),
                "{method} {path}: {body}"
            );
            calls += 1;
        }
    }
    assert_eq!(calls, 51);
    served.end().await;
}
