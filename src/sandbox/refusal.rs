//! An answer that says no: status, code and a sentence.

use super::SandboxError;
use crate::wire::error::{self, ErrorBody};

/// Why a call is refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub status: u16,
    pub body: ErrorBody,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, body: ErrorBody::new(code, message) }
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
