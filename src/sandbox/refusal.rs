//! An answer that says no: status, code and a sentence.

use super::SandboxError;
use crate::wire::error::{self, ErrorBody};
use crate::wire::scim::SCHEMA_ERROR;
use serde_json::json;

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    pub body: ErrorBody,
    /// Seconds after which the call may be sent again.
    pub retry_after: Option<u32>,
    /// Whether the body is written as SCIM has it.
    is_scim: bool,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, body: ErrorBody::new(code, message), retry_after: None, is_scim: false }
    }

    /// A refusal of the SCIM calls, whose errors have a form of their own.
    pub fn scim(status: u16, message: impl Into<String>) -> Self {
        Self { is_scim: true, ..Self::new(status, "", message) }
    }

    /// The body as JSON text.
    pub fn text(&self) -> String {
        if self.is_scim {
            let (status, detail) = (self.status.to_string(), &self.body.message);
            return json!({"schemas": [SCHEMA_ERROR], "status": status, "detail": detail}).to_string();
        }
        serde_json::to_string(&self.body).unwrap_or_default()
    }

    /// An argument that can't be right.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, error::INVALID_PARAMETER_VALUE, message)
    }

    /// Something that isn't there. `what` is the kind as the error code spells it, such as `TABLE`.
    pub fn missing(what: &str, name: &str) -> Self {
        let kind = what.replace('_', " ").to_lowercase();
        Self::new(404, &format!("{what}_DOES_NOT_EXIST"), format!("The {kind} '{name}' does not exist."))
    }

    /// Something that is there already.
    pub fn exists(what: &str, name: &str) -> Self {
        let kind = what.replace('_', " ").to_lowercase();
        Self::new(409, error::ALREADY_EXISTS, format!("The {kind} '{name}' already exists."))
    }

    /// Something that this caller may not do.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(403, error::PERMISSION_DENIED, message)
    }

    /// Something that can't be done as things stand.
    pub fn state(message: impl Into<String>) -> Self {
        Self::new(400, error::INVALID_STATE, message)
    }
}

impl From<SandboxError> for Refusal {
    fn from(source: SandboxError) -> Self {
        tracing::error!(error = %source, "a sandbox region failed");
        Self::new(500, error::INTERNAL_ERROR, source.to_string())
    }
}
