//! The one place that decides an answer's status, code and headers.

use crate::control::ControlError;
use crate::domain::{Field, Right};
use crate::wire::error::{
    ABORTED, ALREADY_EXISTS, ErrorBody, INTERNAL_ERROR, INVALID_PARAMETER_VALUE, INVALID_STATE, NOT_FOUND,
    PERMISSION_DENIED, RESOURCE_EXHAUSTED, TEMPORARILY_UNAVAILABLE, UNAUTHENTICATED,
};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// What a handler answers with.
pub type Answer = Result<Response, Rejection>;

/// A call that is refused.
#[derive(Debug)]
pub enum Rejection {
    /// The control handle said no.
    Control(Box<ControlError>),
    /// A path that is not served.
    UnknownPath {
        /// The path.
        path: String,
    },
    /// A path that is served, for other methods.
    WrongMethod,
    /// An account that is not this one.
    UnknownAccount {
        /// The account asked for.
        account: String,
    },
    /// A resource that does not exist, named in a sentence.
    NotFound {
        /// What is not there.
        sentence: String,
    },
    /// A path, query or body that makes no sense.
    BadRequest {
        /// What is wrong and what to do.
        sentence: String,
    },
    /// No token, or a wrong one.
    Unauthenticated {
        /// Whether one was given.
        given: bool,
    },
    /// A token whose role does not allow it.
    Forbidden {
        /// The token's name.
        name: String,
        /// Its role.
        role: &'static str,
        /// What the call needs.
        right: Right,
    },
    /// Too many calls.
    TooMany {
        /// Seconds after which to come back.
        retry_after: u64,
        /// Calls a second that are allowed.
        limit: u32,
    },
    /// A body that is too long.
    TooLong {
        /// Bytes at most.
        limit: usize,
    },
    /// A body that does not arrive.
    TooSlow,
    /// A body for which there is no memory, because many others are arriving.
    Crowded,
    /// A call that names a host which is not this one.
    Misdirected {
        /// The host it names.
        host: String,
    },
    /// A login that is refused, in the words of OAuth.
    Login {
        /// The OAuth error, such as `invalid_client`.
        error: &'static str,
        /// What is wrong and what to do.
        sentence: String,
    },
    /// The process stops while the call runs.
    Stopping,
}

impl From<ControlError> for Rejection {
    fn from(error: ControlError) -> Self {
        Self::Control(Box::new(error))
    }
}

/// A 400 with a sentence.
pub fn bad(sentence: impl Into<String>) -> Rejection {
    Rejection::BadRequest { sentence: sentence.into() }
}

/// A 200 with a body.
pub fn ok(body: &impl Serialize) -> Answer {
    Ok(json_response(StatusCode::OK, body))
}

fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let json = HeaderValue::from_static("application/json");
            // A group's state and a token are both out of date in a cache.
            let no_store = HeaderValue::from_static("no-store");
            (status, [(header::CONTENT_TYPE, json), (header::CACHE_CONTROL, no_store)], bytes).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl Rejection {
    /// The status, the `error_code` and the sentence.
    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::Control(error) => of_control(error),
            Self::UnknownPath { path } => {
                (StatusCode::NOT_FOUND, NOT_FOUND, format!("There is nothing at {path}. See /openapi.json."))
            }
            Self::WrongMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "This path doesn't support that method. The Allow header lists the supported ones.".to_owned(),
            ),
            Self::UnknownAccount { account } => {
                (StatusCode::NOT_FOUND, NOT_FOUND, format!("There is no account {account:?} here."))
            }
            Self::NotFound { sentence } => (StatusCode::NOT_FOUND, NOT_FOUND, sentence.clone()),
            Self::BadRequest { sentence } => (StatusCode::BAD_REQUEST, INVALID_PARAMETER_VALUE, sentence.clone()),
            Self::Unauthenticated { given } => (
                StatusCode::UNAUTHORIZED,
                UNAUTHENTICATED,
                match given {
                    true => "The token isn't valid, has expired, or was revoked. Get a new one.".to_owned(),
                    false => "The call has no token. Send Authorization: Bearer and the token.".to_owned(),
                },
            ),
            Self::Forbidden { name, role, right } => (
                StatusCode::FORBIDDEN,
                PERMISSION_DENIED,
                format!("The token {name} has the role {role}, which can't {}. Use another token.", right.label()),
            ),
            Self::TooMany { limit, .. } => (
                StatusCode::TOO_MANY_REQUESTS,
                RESOURCE_EXHAUSTED,
                format!("This token made more than {limit} calls per second. Retry after Retry-After seconds."),
            ),
            Self::TooLong { limit } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "REQUEST_TOO_LARGE",
                format!("The body is longer than {limit} bytes. Send a shorter one."),
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "REQUEST_TIMEOUT",
                "The body did not arrive in time. Send it again.".to_owned(),
            ),
            Self::Crowded => (
                StatusCode::SERVICE_UNAVAILABLE,
                TEMPORARILY_UNAVAILABLE,
                "Too many long bodies are arriving at the same time. Retry after Retry-After seconds.".to_owned(),
            ),
            Self::Misdirected { host } => (
                StatusCode::MISDIRECTED_REQUEST,
                "MISDIRECTED_REQUEST",
                format!(
                    "This server is not known as {host:?}. Use the address in its URL, or start it with --host-name and that name."
                ),
            ),
            Self::Login { error, sentence } => match *error {
                "invalid_client" => (StatusCode::UNAUTHORIZED, UNAUTHENTICATED, sentence.clone()),
                _ => (StatusCode::BAD_REQUEST, INVALID_PARAMETER_VALUE, sentence.clone()),
            },
            Self::Stopping => (
                StatusCode::SERVICE_UNAVAILABLE,
                TEMPORARILY_UNAVAILABLE,
                "The program is stopping. Retry when it runs again.".to_owned(),
            ),
        }
    }
}

fn of_control(error: &ControlError) -> (StatusCode, &'static str, String) {
    let (status, code) = match error {
        ControlError::Invalid { violations } => {
            let taken: Vec<&str> =
                violations.iter().filter(|v| v.already_exists).map(|v| v.sentence.as_str()).collect();
            if !taken.is_empty() {
                return (StatusCode::CONFLICT, ALREADY_EXISTS, taken.join(" "));
            }
            (StatusCode::BAD_REQUEST, INVALID_PARAMETER_VALUE)
        }
        ControlError::BadArgument { .. } => (StatusCode::BAD_REQUEST, INVALID_PARAMETER_VALUE),
        ControlError::UnknownGroup { .. }
        | ControlError::UnknownWorkspace { .. }
        | ControlError::UnknownStableUrl { .. }
        | ControlError::UnknownDrill { .. }
        | ControlError::UnknownToken { .. } => (StatusCode::NOT_FOUND, NOT_FOUND),
        ControlError::Exists { .. } => (StatusCode::CONFLICT, ALREADY_EXISTS),
        ControlError::Stale { .. } => (StatusCode::CONFLICT, ABORTED),
        ControlError::State(_) | ControlError::Refused { .. } | ControlError::AwaitsApproval { .. } => {
            (StatusCode::BAD_REQUEST, INVALID_STATE)
        }
        ControlError::Region(_) | ControlError::Cycle(_) | ControlError::Table(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, TEMPORARILY_UNAVAILABLE)
        }
        ControlError::Store(_) | ControlError::SecretFile { .. } | ControlError::NoRandomBits => {
            (StatusCode::INTERNAL_SERVER_ERROR, INTERNAL_ERROR)
        }
    };
    (status, code, error.to_string())
}

/// Broken rules by field, as `google.rpc.BadRequest` spells them.
fn details(refusal: &Rejection) -> Vec<serde_json::Value> {
    let Rejection::Control(error) = refusal else { return Vec::new() };
    let ControlError::Invalid { violations } = error.as_ref() else { return Vec::new() };
    let fields: Vec<_> =
        violations.iter().map(|v| json!({"field": field(v.field), "description": v.sentence})).collect();
    vec![json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "field_violations": fields})]
}

fn field(field: Field) -> &'static str {
    match field {
        Field::Name => "failover_group_id",
        Field::Regions => "regions",
        Field::Workspaces => "workspace_sets",
        Field::Scope => "unity_catalog_assets.catalogs",
        Field::Mappings => "unity_catalog_assets.location_mappings",
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), %message, "a call of the account API failed");
        }
        let mut response = match &self {
            // OAuth's own words, and the API's beside them.
            Self::Login { error, .. } => json_response(
                status,
                &json!({"error": error, "error_description": message, "error_code": code, "message": message}),
            ),
            _ => {
                let details = details(&self);
                json_response(status, &ErrorBody { details, ..ErrorBody::new(code, message) })
            }
        };
        let headers = response.headers_mut();
        match self {
            Self::TooMany { retry_after, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            }
            Self::Stopping | Self::Crowded => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
            }
            Self::Unauthenticated { .. } => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Login { error: "invalid_client", .. } => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"account\""));
            }
            Self::TooLong { .. } | Self::TooSlow | Self::Misdirected { .. } => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
