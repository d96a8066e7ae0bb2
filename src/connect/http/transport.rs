//! One call: login, try, read the answer, try again where that helps.

use super::base_url::{parse_base, workspace_in};
use super::body;
use super::call::Call;
use super::login::Login;
use super::retry::{RetryPolicy, retry_after};
use super::skew::{Sent, SkewGauge};
use crate::connect::error::{Asked, ConnectError, innermost};
use crate::connect::health::RegionHealth;
use crate::connect::settings::ConnectSettings;
use crate::domain::ClockSkew;
use crate::domain::Region;
use crate::net::HttpClient;
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// The HTTP side of a client.
pub(crate) struct Transport {
    http: reqwest::Client,
    base: Url,
    /// The base as errors show it.
    shown_url: String,
    region: Region,
    login: Login,
    /// The workspace that the calls are for, where the URL names one of several at its host.
    workspace: Option<HeaderValue>,
    /// The workspace's id, once an answer told it.
    told_workspace: OnceLock<String>,
    retry: RetryPolicy,
    health: RegionHealth,
    skew: SkewGauge,
}

enum Outcome {
    /// The answer's bytes.
    Answer(bytes::Bytes),
    /// 429 or 503: worth another try.
    Busy { asked_for: Option<Duration>, error: ConnectError },
    /// The token was refused; a fresh one may do.
    LoginRefused(ConnectError),
    /// The connection broke after the request was sent.
    Broken(ConnectError),
}

impl Transport {
    pub fn new(settings: &ConnectSettings) -> Result<Self, ConnectError> {
        let bad = |problem: String| ConnectError::BadSettings { region: Region::new(settings.region_name()), problem };
        let base = parse_base(&settings.url).map_err(bad)?;
        let http = HttpClient::new()
            .user_agent(&settings.user_agent)
            .in_all(settings.timeout)
            .connecting(settings.connect_timeout.min(settings.timeout))
            .only_for(&base)
            .build()
            .map_err(|error| bad(innermost(&error)))?;
        let login = Login::new(&settings.auth, &base);
        let shown_url = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            http,
            base,
            shown_url,
            region: Region::new(settings.region_name()),
            login,
            workspace: workspace_in(&settings.url).and_then(|id| HeaderValue::try_from(id).ok()),
            told_workspace: OnceLock::new(),
            retry: settings.retry,
            health: settings.health.clone(),
            skew: SkewGauge::default(),
        })
    }

    /// The workspace's URL, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.shown_url
    }

    /// The region's name.
    pub fn region(&self) -> &str {
        self.region.as_str()
    }

    /// Whether the workspace answers.
    pub fn health(&self) -> &RegionHealth {
        &self.health
    }

    /// How far the region's clock is from this machine's, as far as its answers tell.
    pub fn skew(&self) -> Option<ClockSkew> {
        self.skew.skew()
    }

    /// The workspace's id, as its URL or its answers so far tell it.
    pub fn workspace_id(&self) -> Option<String> {
        let in_url = || self.workspace.as_ref().and_then(|id| id.to_str().ok()).map(str::to_owned);
        self.told_workspace.get().cloned().or_else(in_url)
    }

    pub fn asked<'a>(&'a self, call: &'a str) -> Asked<'a> {
        Asked { region: &self.region, url: &self.shown_url, call }
    }

    /// Sends a call and reads its JSON answer; an empty answer reads as `{}`.
    pub async fn send<T: DeserializeOwned>(&self, call: Call) -> Result<T, ConnectError> {
        self.send_counted(call).await.map(|(answer, _)| answer)
    }

    /// [`Transport::send`], with the bytes of the answer.
    pub async fn send_counted<T: DeserializeOwned>(&self, call: Call) -> Result<(T, usize), ConnectError> {
        let name = call.name();
        let bytes = self.send_raw(&call, &name, self.retry).await?;
        let text: &[u8] = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { &bytes };
        let answer = serde_json::from_slice(text);
        answer.map(|answer| (answer, bytes.len())).map_err(|error| self.asked(&name).bad_answer(error.to_string()))
    }

    /// Sends a call whose answer holds nothing of interest.
    pub async fn send_for_nothing(&self, call: Call) -> Result<(), ConnectError> {
        let name = call.name();
        self.send_raw(&call, &name, self.retry).await.map(|_| ())
    }

    /// Sends a call without ever waiting to try again; its answer is of no interest.
    pub async fn send_once(&self, call: Call) -> Result<(), ConnectError> {
        let name = call.name();
        self.send_raw(&call, &name, RetryPolicy::NEVER).await.map(|_| ())
    }

    /// Sends a call and tells the health how it went.
    async fn send_raw(&self, call: &Call, name: &str, retry: RetryPolicy) -> Result<bytes::Bytes, ConnectError> {
        let answers = self.health.answers();
        let answer = self.send_patiently(call, name, retry).await;
        match &answer {
            Ok(_) => self.health.answered(call.changes()),
            Err(ConnectError::Unreachable { cause, .. }) => self.health.failed(answers, cause),
            // Nothing was sent.
            Err(ConnectError::BadSettings { .. }) => {}
            // A region that refuses is there.
            Err(_) => self.health.answered(false),
        }
        answer
    }

    async fn send_patiently(&self, call: &Call, name: &str, retry: RetryPolicy) -> Result<bytes::Bytes, ConnectError> {
        let started = Instant::now();
        let (mut retries, mut mended, mut renewed) = (0, false, false);
        loop {
            match self.try_once(call, name).await? {
                Outcome::Answer(bytes) => return Ok(bytes),
                Outcome::Busy { asked_for, error } => match retry.wait(retries, asked_for, started.elapsed()) {
                    Some(wait) => {
                        retries += 1;
                        tokio::time::sleep(wait).await;
                    }
                    None => return Err(with_waited(error, started.elapsed())),
                },
                Outcome::LoginRefused(error) => {
                    if renewed || !self.login.discard().await {
                        return Err(error);
                    }
                    renewed = true;
                }
                // An idle connection that the server just closed; only a read may be sent twice unasked.
                Outcome::Broken(error) => {
                    if mended || call.method != Method::GET {
                        return Err(error);
                    }
                    mended = true;
                }
            }
        }
    }

    async fn try_once(&self, call: &Call, name: &str) -> Result<Outcome, ConnectError> {
        let asked = self.asked(name);
        if let Some(problem) = &call.body_problem {
            return Err(ConnectError::BadSettings { region: self.region.clone(), problem: problem.clone() });
        }
        let token = match self.login.token(&self.http, asked).await {
            Ok(token) => token,
            Err(error @ ConnectError::RateLimited { .. }) => return Ok(Outcome::Busy { asked_for: None, error }),
            Err(error) => return Err(error),
        };
        let mut request = self.http.request(call.method.clone(), call.url(&self.base));
        // A catalog without logins is asked without one.
        if !token.is_empty() {
            let mut header =
                HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| ConnectError::BadSettings {
                    region: self.region.clone(),
                    problem: "the token contains an invalid character".to_owned(),
                })?;
            header.set_sensitive(true);
            request = request.header(AUTHORIZATION, header);
        }
        if let Some(workspace) = &self.workspace {
            request = request.header(ORG_ID, workspace).header(WORKSPACE_ID, workspace);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let sent = Sent::now();
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_timeout() || error.is_builder() => {
                return Err(asked.failed(&error));
            }
            Err(error) => return Ok(Outcome::Broken(asked.failed(&error))),
        };
        self.skew.note(response.headers(), &sent);
        if let Some(id) = response.headers().get(ORG_ID).and_then(|id| id.to_str().ok()) {
            let _ = self.told_workspace.set(id.to_owned());
        }
        let status = response.status();
        let asked_for = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after(value, chrono::Utc::now()));
        let bytes = match body::read(response, body::ANSWER).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(asked.bad_answer(body::too_long(body::ANSWER))),
            Err(error) if error.is_timeout() => return Err(asked.failed(&error)),
            Err(error) => return Ok(Outcome::Broken(asked.failed(&error))),
        };
        if status.is_success() {
            return Ok(Outcome::Answer(bytes));
        }
        let error = match status {
            StatusCode::TOO_MANY_REQUESTS => {
                ConnectError::RateLimited { region: self.region.clone(), call: name.to_owned(), waited: Duration::ZERO }
            }
            _ => asked.refused(status, &String::from_utf8_lossy(&bytes)),
        };
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Ok(Outcome::Busy { asked_for, error }),
            StatusCode::UNAUTHORIZED if matches!(error, ConnectError::Unauthenticated { .. }) => {
                Ok(Outcome::LoginRefused(error))
            }
            _ => Err(error),
        }
    }
}

fn with_waited(error: ConnectError, spent: Duration) -> ConnectError {
    match error {
        ConnectError::RateLimited { region, call, .. } => ConnectError::RateLimited {
            region,
            call,
            waited: Duration::from_millis(u64::try_from(spent.as_millis()).unwrap_or(u64::MAX)),
        },
        other => other,
    }
}

/// Names the workspace in a call, and in an answer, as drivers and the SDK do.
const ORG_ID: &str = "x-databricks-org-id";
const WORKSPACE_ID: &str = "x-databricks-workspace-id";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::RetryPolicy;
    use crate::connect::rest::RegionClient;
    use crate::connect::testing::{EAGER, client_of, refusal, serve, settings};
    use axum::Router;
    use axum::http::HeaderMap;
    use axum::response::{IntoResponse, Json};
    use axum::routing::get;
    use serde_json::json;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const CATALOG: &str = "/api/2.1/unity-catalog/catalogs/{name}";

    /// A server that answers the first `busy` calls with `status`, then with a catalog.
    async fn busy_for(busy: usize, status: u16, retry: RetryPolicy) -> (RegionClient, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        let handler = move || {
            let call = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                if call < busy {
                    return ([("retry-after", "0")], refusal(status, "REQUEST_LIMIT_EXCEEDED", "slow down"))
                        .into_response();
                }
                Json(json!({"name": "main", "a_field_of_the_future": {"x": 1}})).into_response()
            }
        };
        let url = serve(Router::new().route(CATALOG, get(handler))).await;
        (RegionClient::new(settings(&url, retry)).expect("the settings are good"), calls)
    }

    #[tokio::test]
    async fn a_busy_region_is_asked_again() {
        for status in [429, 503] {
            let (client, calls) = busy_for(3, status, EAGER).await;
            let catalog = client.catalog("main").await.expect("it answers in the end");
            assert_eq!(catalog.map(|c| c.name).as_deref(), Some("main"));
            assert_eq!(calls.load(Ordering::SeqCst), 4);
        }
    }

    #[tokio::test]
    async fn a_region_that_stays_busy_is_given_up() {
        let (client, calls) = busy_for(usize::MAX, 429, RetryPolicy::NEVER).await;
        let error = client.catalog("main").await.expect_err("it never answers");
        assert!(matches!(error, ConnectError::RateLimited { .. }) && error.is_transient(), "{error}");
        assert_eq!(calls.load(Ordering::SeqCst), 1);

        let (client, _) = busy_for(usize::MAX, 503, RetryPolicy::NEVER).await;
        assert!(client.catalog("main").await.is_err_and(|error| error.is_unreachable()));
    }

    #[tokio::test]
    async fn every_call_carries_token_and_product() {
        let handler = |headers: HeaderMap| async move {
            let of = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
            Json(json!({"name": "main", "comment": format!("{} {}", of("authorization"), of("user-agent"))}))
        };
        let client = client_of(Router::new().route(CATALOG, get(handler))).await;
        let comment = client.catalog("main").await.expect("it answers").and_then(|c| c.comment);
        let expected = format!("Bearer hunter2 resilience-console/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(comment.as_deref(), Some(expected.as_str()));
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_missing_object_is_none_and_a_missing_region_is_not() {
        let router =
            Router::new().route(CATALOG, get(|| async { refusal(404, "CATALOG_DOES_NOT_EXIST", "no such catalog") }));
        assert_eq!(client_of(router).await.catalog("main").await, Ok(None));
        // Something else that listens on the port answers 404 to everything.
        assert!(client_of(Router::new()).await.catalog("main").await.is_err());
    }

    #[tokio::test]
    async fn a_closed_port_is_known_at_once_whatever_the_policy() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let client = RegionClient::new(settings(&url, RetryPolicy::STANDARD)).expect("the settings are good");
        // Shorter than the first wait of the policy, so a retry would show.
        let answer = tokio::time::timeout(Duration::from_millis(900), client.catalogs()).await.expect("no retry");
        let error = answer.expect_err("nobody listens");
        assert!(error.is_unreachable(), "{error}");
        assert!(error.to_string().starts_with(&format!("us-east-1 doesn't respond at {url}: Connection refused")));
    }

    #[tokio::test]
    async fn a_region_that_hangs_is_unreachable_after_the_timeout() {
        let router = Router::new().route(CATALOG, get(std::future::pending::<()>));
        let settings = ConnectSettings { timeout: Duration::from_millis(100), ..settings(&serve(router).await, EAGER) };
        let client = RegionClient::new(settings).expect("the settings are good");
        let error = client.catalog("main").await.expect_err("it hangs");
        assert!(error.is_unreachable() && error.to_string().contains("no answer in time"), "{error}");
    }

    #[tokio::test]
    async fn a_refused_token_is_not_tried_again() {
        let router = Router::new().route(CATALOG, get(|| async { refusal(401, "UNAUTHENTICATED", "Token expired") }));
        let error = client_of(router).await.catalog("main").await.expect_err("the token is refused");
        assert_eq!(
            error.to_string(),
            "us-east-1 rejected the login: Token expired. Enter a valid token for this workspace."
        );
    }

    #[tokio::test]
    async fn an_answer_that_isnt_the_apis_is_said_to_be_that() {
        let router = Router::new().route(CATALOG, get(|| async { "<html>Sign in</html>" }));
        let error = client_of(router).await.catalog("main").await.expect_err("HTML is no catalog");
        assert!(matches!(error, ConnectError::BadAnswer { .. }), "{error}");
        assert!(!error.is_transient());
    }

    /// A server that closes its first connection after reading a request, and answers on the later ones.
    async fn closes_the_first_connection() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = [0; 4096];
                if socket.read(&mut request).await.is_err() || counted.fetch_add(1, Ordering::SeqCst) == 0 {
                    continue;
                }
                let body = r#"{"name":"main"}"#;
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        (url, connections)
    }

    #[tokio::test]
    async fn a_read_survives_a_connection_that_breaks_and_a_write_is_not_repeated() {
        let (url, _) = closes_the_first_connection().await;
        let client = RegionClient::new(settings(&url, EAGER)).expect("the settings are good");
        assert!(client.catalog("main").await.expect("the second connection answers").is_some());

        let (url, connections) = closes_the_first_connection().await;
        let client = RegionClient::new(settings(&url, EAGER)).expect("the settings are good");
        assert!(client.create_catalog(&Default::default()).await.is_err_and(|error| error.is_unreachable()));
        assert_eq!(connections.load(Ordering::SeqCst), 1);
    }
}
