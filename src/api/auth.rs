//! One call: who makes it, on which resource, with which query; and its body within limits.

use super::query::Query;
use super::reply::{Refusal, bad};
use super::server::Api;
use crate::control::Caller;
use crate::domain::Right;
use axum::body::{Body, BodyDataStream};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, header, request::Parts};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a body at most: several times the largest group that the limits of an account allow.
pub const MOST_BYTES: usize = 1 << 20;
/// Bytes of a longer body that are still taken and thrown away: most clients read no answer before they have sent all.
const MOST_DRAINED: usize = 32 << 20;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(15);
/// Query parameters that some call knows.
const PARAMETERS: [&str; 7] =
    ["failover_group_id", "stable_url_id", "validate_only", "page_size", "page_token", "update_mask", "etag"];

/// A call by somebody who is known, on this account.
pub struct Call {
    /// Who makes it.
    pub caller: Caller,
    /// The query.
    pub query: Query,
    /// The last part of the resource's name; empty on a collection.
    pub id: String,
}

impl Call {
    /// Refuses a caller whose role lacks the right.
    pub fn needs(&self, right: Right) -> Result<(), Refusal> {
        if self.caller.role.may(right) {
            return Ok(());
        }
        Err(Refusal::Forbidden { name: self.caller.name.clone(), role: self.caller.role.as_str(), right })
    }

    /// An etag to be matched, where one is given.
    pub fn etag(&self) -> Option<String> {
        self.query.text("etag").filter(|etag| !etag.is_empty()).map(str::to_owned)
    }
}

/// The bearer token in the headers.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<Arc<Api>> for Call {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Refusal> {
        let token = bearer(&parts.headers);
        let Some(caller) = token.and_then(|token| api.control.authenticate(token)) else {
            api.limit.take("", Instant::now())?;
            return Err(Refusal::Unauthenticated { given: parts.headers.contains_key(header::AUTHORIZATION) });
        };
        api.limit.take(&caller.id, Instant::now())?;
        let names = RawPathParams::from_request_parts(parts, api)
            .await
            .map_err(|_| bad("The path is not UTF-8. Write names as letters, digits, hyphens and underscores."))?;
        let (mut account, mut id) = (String::new(), String::new());
        for (name, value) in &names {
            match name {
                "account_id" => account = value.to_owned(),
                _ => id = value.to_owned(),
            }
        }
        if account != api.control.account_id() {
            return Err(Refusal::UnknownAccount { account });
        }
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        if let Some(name) = query.repeated(&PARAMETERS) {
            return Err(bad(format!("The query parameter {name} comes more than once. Give it once.")));
        }
        Ok(Self { caller, query, id })
    }
}

/// A body as bytes, within the limits of size and time.
pub struct Bytes(pub Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Bytes {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        let body = request.into_body();
        if announced.is_some_and(|length: u64| length > MOST_BYTES as u64) {
            let _ = tokio::time::timeout(BODY_TIME, drain(body.into_data_stream())).await;
            return Err(Refusal::TooLong { limit: MOST_BYTES });
        }
        match tokio::time::timeout(BODY_TIME, read(body)).await {
            Ok(bytes) => bytes.map(Self),
            Err(_) => Err(Refusal::TooSlow),
        }
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Refusal> {
    let (mut stream, mut bytes) = (body.into_data_stream(), Vec::new());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| bad("The body broke off. Send it again."))?;
        if bytes.len() + chunk.len() > MOST_BYTES {
            drop(bytes);
            drain(stream).await;
            return Err(Refusal::TooLong { limit: MOST_BYTES });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn drain(mut stream: BodyDataStream) {
    let mut taken = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        taken += chunk.len();
        if taken > MOST_DRAINED {
            return;
        }
    }
}

/// A JSON object, read as `T`. Null counts as absent and unknown fields are let pass, as everywhere in this API.
pub fn json<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    let value: Value = match bytes.0.is_empty() {
        true => Value::Object(serde_json::Map::new()),
        false => serde_json::from_slice(&bytes.0)
            .map_err(|problem| bad(format!("The body is not JSON: {problem}. Send one JSON object.")))?,
    };
    if !value.is_object() {
        return Err(bad("The body is JSON, but not an object. Send one in braces."));
    }
    serde_json::from_value(without_nulls(value))
        .map_err(|problem| bad(format!("A field of the body has the wrong type: {problem}. See /openapi.json.")))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}
