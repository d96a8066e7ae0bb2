//! The error body that all three APIs answer with.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A name that the server doesn't know: 404.
pub const NOT_FOUND: &str = "NOT_FOUND";
/// A user, group or service principal that the workspace doesn't know: 404.
pub const PRINCIPAL_DOES_NOT_EXIST: &str = "PRINCIPAL_DOES_NOT_EXIST";
/// A name that is taken: 409.
pub const ALREADY_EXISTS: &str = "ALREADY_EXISTS";
/// A stale etag, or a change that lost a race: 409.
pub const ABORTED: &str = "ABORTED";
/// An argument that makes no sense: 400.
pub const INVALID_PARAMETER_VALUE: &str = "INVALID_PARAMETER_VALUE";
/// A call that the object's state doesn't allow: 400.
pub const INVALID_STATE: &str = "INVALID_STATE";
/// No token or a wrong one: 401.
pub const UNAUTHENTICATED: &str = "UNAUTHENTICATED";
/// A token without the privilege: 403.
pub const PERMISSION_DENIED: &str = "PERMISSION_DENIED";
/// Too many calls: 429.
pub const RESOURCE_EXHAUSTED: &str = "RESOURCE_EXHAUSTED";
/// A service that can't answer now: 503.
pub const TEMPORARILY_UNAVAILABLE: &str = "TEMPORARILY_UNAVAILABLE";
/// A call that this server doesn't serve: 501.
pub const NOT_IMPLEMENTED: &str = "NOT_IMPLEMENTED";
/// A defect of the server: 500.
pub const INTERNAL_ERROR: &str = "INTERNAL_ERROR";

/// What a refused call answers with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error's code, such as `NOT_FOUND`.
    #[serde(default)]
    pub error_code: String,
    /// A sentence.
    #[serde(default)]
    pub message: String,
    /// Structured details, empty for most errors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<Value>,
}

impl ErrorBody {
    /// A body without details.
    pub fn new(error_code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_code: error_code.into(), message: message.into(), details: Vec::new() }
    }
}
