//! Servers on loopback for the tests of this folder.

use super::rest::RegionClient;
use super::{ConnectSettings, RegionApi, RetryPolicy, SandboxRegion};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Tries again at once, a few times a test at most.
pub const EAGER: RetryPolicy = RetryPolicy {
    first_wait: Duration::from_millis(1),
    longest_wait: Duration::from_millis(1),
    total: Duration::from_secs(20),
    jitter: 0.0,
};

/// Serves `router` until the test's runtime ends, and tells its URL.
pub async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Settings for `url` with the token `hunter2`.
pub fn settings(url: &str, retry: RetryPolicy) -> ConnectSettings {
    ConnectSettings { retry, ..ConnectSettings::new("us-east-1", url, "hunter2".into()) }
}

/// The public REST APIs of a served router.
pub async fn client_of(router: Router) -> RegionClient {
    RegionClient::new(settings(&serve(router).await, EAGER)).expect("the settings are good")
}

/// The region that a served router is, as the layers above see it.
pub async fn region_of(router: Router) -> Arc<dyn RegionApi> {
    SandboxRegion::connect(settings(&serve(router).await, EAGER)).expect("the settings are good")
}

/// An error answer of the API.
pub fn refusal(status: u16, code: &str, message: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(json!({"error_code": code, "message": message}))).into_response()
}
