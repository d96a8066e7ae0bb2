//! How official clients log in: discovery, and the client-credentials grant of OAuth 2.0.

use super::auth::Form;
use super::context::{Api, to_the_end};
use super::hosts::Origin;
use super::query::Query;
use super::reply::{Answer, Rejection, ok};
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

/// `GET /.well-known/databricks-config`
pub async fn host(State(api): State<Arc<Api>>, Extension(Origin(origin)): Extension<Origin>) -> Answer {
    api.limit.take("", Instant::now())?;
    let account_id = api.control.account_id();
    ok(&json!({
        "account_id": account_id,
        "oidc_endpoint": format!("{origin}/oidc/accounts/{account_id}"),
        "cloud": "AWS",
    }))
}

/// `GET /oidc/accounts/{account_id}/.well-known/oauth-authorization-server`
pub async fn account_server(
    State(api): State<Arc<Api>>,
    account: Result<Path<String>, axum::extract::rejection::PathRejection>,
    Extension(Origin(origin)): Extension<Origin>,
) -> Answer {
    api.limit.take("", Instant::now())?;
    known_account(&api, account)?;
    let base = format!("{origin}/oidc/accounts/{}", api.control.account_id());
    server(&base)
}

/// `GET /oidc/.well-known/oauth-authorization-server`
pub async fn any_server(State(api): State<Arc<Api>>, Extension(Origin(origin)): Extension<Origin>) -> Answer {
    api.limit.take("", Instant::now())?;
    server(&format!("{origin}/oidc"))
}

fn server(base: &str) -> Answer {
    ok(&json!({
        "issuer": base,
        "token_endpoint": format!("{base}/v1/token"),
        "authorization_endpoint": format!("{base}/v1/authorize"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "scopes_supported": ["all-apis"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }))
}

/// `POST /oidc/accounts/{account_id}/v1/token`
pub async fn account_token(
    State(api): State<Arc<Api>>,
    account: Result<Path<String>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
    bytes: Form,
) -> Answer {
    known_account(&api, account)?;
    token(State(api), headers, bytes).await
}

/// `POST /oidc/v1/token`
pub async fn token(State(api): State<Arc<Api>>, headers: HeaderMap, bytes: Form) -> Answer {
    api.limit.take("", Instant::now())?;
    let refuse = |error, sentence: &str| Rejection::Login { error, sentence: sentence.to_owned() };
    let form = Query::parse(&String::from_utf8_lossy(&bytes.0));
    if let Some(name) = form.repeated(&["grant_type", "scope", "client_id", "client_secret"]) {
        return Err(refuse("invalid_request", &format!("{name} comes more than once. Send it once.")));
    }
    match form.text("grant_type") {
        Some("client_credentials") => {}
        Some(_) => {
            return Err(refuse("unsupported_grant_type", "Only grant_type=client_credentials is served. Send that."));
        }
        None => return Err(refuse("invalid_request", "grant_type is missing. Send grant_type=client_credentials.")),
    }
    let mut scopes = form.text("scope").unwrap_or_default().split_whitespace();
    if scopes.any(|scope| !matches!(scope, "all-apis" | "offline_access")) {
        return Err(refuse("invalid_scope", "Only scope=all-apis is served. Send that, or none."));
    }
    let posted = form.text("client_id").zip(form.text("client_secret"));
    let given = basic(&headers).or_else(|| posted.map(|(id, secret)| (id.to_owned(), secret.to_owned())));
    let Some((id, secret)) = given else {
        return Err(refuse(
            "invalid_client",
            "The client id and secret are missing. Send them with HTTP Basic, or as client_id and client_secret.",
        ));
    };
    let control = api.control.clone();
    match to_the_end(async move { control.log_in(&id, &secret).await }).await? {
        Some(access) => ok(&json!({
            "access_token": access.token.expose(),
            "token_type": "Bearer",
            "expires_in": access.expires_in,
            "scope": "all-apis",
        })),
        None => Err(refuse("invalid_client", "The client id or its secret is wrong, or the client was revoked.")),
    }
}

/// Id and secret from HTTP Basic. Clients differ in whether they percent-encode them first; ours need no encoding.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((plain(id), plain(secret)))
}

fn known_account(
    api: &Api,
    account: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<(), Rejection> {
    let account = account.map(|Path(account)| account).unwrap_or_default();
    if account == api.control.account_id() { Ok(()) } else { Err(Rejection::UnknownAccount { account }) }
}
