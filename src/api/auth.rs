//! One call: who makes it, on which resource, with which query; and its body within limits.

use super::context::Api;
use super::query::Query;
use super::reply::{Rejection, bad};
use crate::control::Caller;
use crate::domain::{Asker, Right};
use crate::net::{BodyFault, BodyLimits};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::{HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a body at most: several times the largest group that the limits of an account allow.
pub const MOST_BYTES: usize = 1 << 20;
/// Bytes of a login's body at most.
const MOST_FORM_BYTES: usize = 16 << 10;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(15);
/// Query parameters that some call knows.
const PARAMETERS: [&str; 8] = [
    "failover_group_id",
    "stable_url_id",
    "validate_only",
    "page_size",
    "page_token",
    "update_mask",
    "etag",
    "given_up_region",
];

/// A call by someone who is known, on this account.
pub struct Call {
    /// Who makes it.
    pub caller: Caller,
    /// The query.
    pub query: Query,
    /// The last part of the resource's name; empty on a collection.
    pub id: String,
}

impl Call {
    /// Refuses a caller whose role doesn't have the right.
    pub fn needs(&self, right: Right) -> Result<(), Rejection> {
        if self.caller.role.may(right) {
            return Ok(());
        }
        Err(Rejection::Forbidden { name: self.caller.name.clone(), role: self.caller.role.as_str(), right })
    }

    /// Who makes the call, for what needs a second person.
    pub fn asker(&self) -> Asker {
        Asker { id: self.caller.id.clone(), name: self.caller.name.clone() }
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
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Rejection> {
        let token = bearer(&parts.headers);
        let Some(caller) = token.and_then(|token| api.control.authenticate(token)) else {
            api.limit.take("", Instant::now())?;
            return Err(Rejection::Unauthenticated { given: parts.headers.contains_key(header::AUTHORIZATION) });
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
            return Err(Rejection::UnknownAccount { account });
        }
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        if let Some(name) = query.repeated(&PARAMETERS) {
            return Err(bad(format!("The query parameter {name} comes more than once. Give it once.")));
        }
        Ok(Self { caller, query, id })
    }
}

/// A body as bytes, within the limits of size, time and memory.
pub struct Bytes(pub Vec<u8>);

impl FromRequest<Arc<Api>> for Bytes {
    type Rejection = Rejection;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Rejection> {
        read(api, request, MOST_BYTES).await.map(Self)
    }
}

/// The body of a login as bytes. The sender isn't known yet, so it must be short.
pub struct Form(pub Vec<u8>);

impl FromRequest<Arc<Api>> for Form {
    type Rejection = Rejection;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Rejection> {
        read(api, request, MOST_FORM_BYTES).await.map(Self)
    }
}

async fn read(api: &Api, request: Request, limit: usize) -> Result<Vec<u8>, Rejection> {
    let (parts, body) = request.into_parts();
    let limits = BodyLimits { bytes: limit, time: BODY_TIME };
    api.bodies.read(&parts.headers, body, limits).await.map_err(|fault| match fault {
        BodyFault::TooLong => Rejection::TooLong { limit },
        BodyFault::TooSlow => Rejection::TooSlow,
        BodyFault::Broken => bad("The body ended early. Send it again."),
        BodyFault::NoRoom => Rejection::Crowded,
    })
}

/// A JSON object, read as `T`.
pub fn json<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Rejection> {
    super::json::object(&bytes.0)
}
