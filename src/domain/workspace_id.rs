//! The id of a workspace.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A workspace's id, as the account API spells it: a string of digits.
///
/// A group's spec may hold any text here; only an id that the account has passes the rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkspaceId(String);

/// Says why a text isn't a workspace's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The workspace id {id:?} is not a number. Give the number after ?o= in the workspace's URL.")]
pub struct InvalidWorkspaceId {
    /// The text.
    pub id: String,
}

impl WorkspaceId {
    /// Wraps an id as the API spells it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As the account API spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a catalog's bindings spell it.
    pub fn number(&self) -> Result<i64, InvalidWorkspaceId> {
        self.0.parse().map_err(|_| InvalidWorkspaceId { id: self.0.clone() })
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_no_number_is_an_error_and_no_missing_binding() {
        assert_eq!(WorkspaceId::new("123").number(), Ok(123));
        let error = WorkspaceId::new("12a").number().expect_err("not a number");
        assert!(error.to_string().contains("\"12a\""), "{error}");
    }
}
