//! The bearer token of a call: a fixed one, or one fetched with client credentials and renewed in time.

use super::body;
use crate::connect::error::{Asked, ConnectError};
use crate::connect::settings::Auth;
use crate::wire::Secret;
use reqwest::StatusCode;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// A token is renewed this long before it ends, or after three quarters of a shorter life.
const MARGIN: Duration = Duration::from_secs(60);

/// Gives the bearer token.
pub(super) enum Login {
    /// One that was given.
    Token(Secret),
    /// One that is fetched.
    ClientCredentials { client_id: String, client_secret: Secret, token_url: Url, current: Mutex<Option<Fetched>> },
}

/// A fetched token and when to fetch the next.
pub(super) struct Fetched {
    token: Secret,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: Secret,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Login {
    /// `base` is the workspace or account host that issues tokens when the login names no other.
    pub fn new(auth: &Auth, base: &Url) -> Self {
        match auth {
            // Token files end in a line break.
            Auth::Token(token) => Self::Token(Secret::new(token.expose().trim())),
            Auth::ClientCredentials { client_id, client_secret, account_id } => {
                let mut token_url = base.clone();
                token_url.set_path(&match account_id {
                    Some(account) => format!("/oidc/accounts/{account}/v1/token"),
                    None => "/oidc/v1/token".to_owned(),
                });
                Self::ClientCredentials {
                    client_id: client_id.clone(),
                    client_secret: client_secret.clone(),
                    token_url,
                    current: Mutex::new(None),
                }
            }
        }
    }

    /// The token to send now.
    pub async fn token(&self, http: &reqwest::Client, asked: Asked<'_>) -> Result<Secret, ConnectError> {
        let (client_id, client_secret, token_url, current) = match self {
            Self::Token(token) => return Ok(token.clone()),
            Self::ClientCredentials { client_id, client_secret, token_url, current } => {
                (client_id, client_secret, token_url, current)
            }
        };
        // Held across the fetch, so that calls that start together fetch once.
        let mut current = current.lock().await;
        if let Some(fetched) = current.as_ref().filter(|fetched| Instant::now() < fetched.renew_at) {
            return Ok(fetched.token.clone());
        }
        let fetched = fetch(http, client_id, client_secret, token_url, asked).await?;
        let token = fetched.token.clone();
        *current = Some(fetched);
        Ok(token)
    }

    /// Drops a fetched token, because the server refused it. Says whether another can be fetched.
    pub async fn discard(&self) -> bool {
        match self {
            Self::Token(_) => false,
            Self::ClientCredentials { current, .. } => current.lock().await.take().is_some(),
        }
    }
}

async fn fetch(
    http: &reqwest::Client,
    client_id: &str,
    client_secret: &Secret,
    token_url: &Url,
    asked: Asked<'_>,
) -> Result<Fetched, ConnectError> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", "all-apis")
        .finish();
    let response = http
        .post(token_url.clone())
        .basic_auth(client_id, Some(client_secret.expose()))
        .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .map_err(|error| asked.failed(&error))?;
    let status = response.status();
    let bytes = body::read(response, body::SMALL).await.map_err(|error| asked.failed(&error))?;
    let bytes = bytes.ok_or_else(|| asked.bad_answer(body::too_long(body::SMALL)))?;
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(ConnectError::RateLimited {
            region: asked.region.to_owned(),
            call: asked.call.to_owned(),
            waited: Duration::ZERO,
        });
    }
    if status.is_client_error() {
        return Err(ConnectError::Unauthenticated {
            region: asked.region.to_owned(),
            message: format!("the token endpoint answers {status} to the client credentials."),
        });
    }
    if !status.is_success() {
        return Err(asked.refused(status, &String::from_utf8_lossy(&bytes)));
    }
    // The parser's message may quote the answer, which holds the token.
    let answer: TokenAnswer =
        serde_json::from_slice(&bytes).map_err(|_| asked.bad_answer("the token endpoint returned no access_token"))?;
    let lifetime = Duration::from_secs(answer.expires_in.unwrap_or(3600));
    Ok(Fetched { token: answer.access_token, renew_at: Instant::now() + lifetime - MARGIN.min(lifetime / 4) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::ConnectSettings;
    use crate::connect::http::Call;
    use crate::connect::rest::RegionClient;
    use crate::connect::testing::{EAGER, refusal, serve, settings};
    use crate::wire::workspace::{ME_PATH, Me};
    use axum::Router;
    use axum::http::HeaderMap;
    use axum::response::{IntoResponse, Json};
    use axum::routing::{get, post};
    use serde_json::json;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A workspace that knows one client and accepts only the newest token that it gave out.
    fn workspace(given: Arc<AtomicUsize>, accepted: Arc<AtomicUsize>) -> Router {
        Router::new()
            .route(
                "/oidc/v1/token",
                post(move |headers: HeaderMap, body: String| {
                    let given = given.clone();
                    async move {
                        let basic = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
                        // base64 of app:hunter2
                        if basic != "Basic YXBwOmh1bnRlcjI=" || body != "grant_type=client_credentials&scope=all-apis" {
                            return refusal(401, "invalid_client", "who?");
                        }
                        let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                        Json(json!({"access_token": format!("t{number}"), "token_type": "Bearer", "expires_in": 3600}))
                            .into_response()
                    }
                }),
            )
            .route(
                "/api/2.0/preview/scim/v2/Me",
                get(move |headers: HeaderMap| {
                    let accepted = accepted.clone();
                    async move {
                        let wanted = format!("Bearer t{}", accepted.load(Ordering::SeqCst));
                        if headers.get("authorization").and_then(|v| v.to_str().ok()) != Some(wanted.as_str()) {
                            return refusal(401, "UNAUTHENTICATED", "Token is not valid");
                        }
                        Json(json!({"id": "7", "userName": "app"})).into_response()
                    }
                }),
            )
    }

    async fn me(client: &RegionClient) -> Result<Me, ConnectError> {
        client.transport.send(Call::get(ME_PATH, &[])).await
    }

    fn with_client(url: &str, secret: &str) -> RegionClient {
        let auth =
            Auth::ClientCredentials { client_id: "app".to_owned(), client_secret: secret.into(), account_id: None };
        RegionClient::new(ConnectSettings { auth, ..settings(url, EAGER) }).expect("the settings are good")
    }

    #[tokio::test]
    async fn calls_that_start_together_fetch_one_token() {
        let given = Arc::new(AtomicUsize::new(0));
        let url = serve(workspace(given.clone(), Arc::new(AtomicUsize::new(1)))).await;
        let client = with_client(&url, "hunter2");
        let answers = futures::future::join_all((0..8).map(|_| me(&client))).await;
        assert!(answers.iter().all(|me| me.as_ref().is_ok_and(|me| me.user_name == "app")), "{answers:?}");
        assert_eq!(given.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_token_that_is_refused_is_fetched_anew_once() {
        let (given, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
        let url = serve(workspace(given.clone(), accepted.clone())).await;
        let client = with_client(&url, "hunter2");
        me(&client).await.expect("the first token is good");
        accepted.store(2, Ordering::SeqCst);
        me(&client).await.expect("the second token is good");
        accepted.store(9, Ordering::SeqCst);
        assert!(matches!(me(&client).await, Err(ConnectError::Unauthenticated { .. })));
        assert_eq!(given.load(Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn wrong_client_credentials_are_said_without_showing_them() {
        let url = serve(workspace(Arc::default(), Arc::default())).await;
        let error = me(&with_client(&url, "hunter9")).await.expect_err("the secret is wrong");
        assert!(matches!(error, ConnectError::Unauthenticated { .. }), "{error}");
        assert!(!error.to_string().contains("hunter9"));
    }
}
