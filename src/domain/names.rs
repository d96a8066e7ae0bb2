//! Names of groups and of securable objects.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A failover group's short id, the last part of its resource name.
///
/// One to 63 characters: ASCII letters, digits, `-` and `_`, starting with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(String);

/// Says why a text is no group id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGroupId {
    /// Nothing was given.
    #[error("A failover group needs a name. Give it one of up to 63 letters, digits, hyphens or underscores.")]
    Empty,
    /// More than 63 characters.
    #[error("The failover group name is {length} characters long. Shorten it to at most 63.")]
    TooLong {
        /// Characters given.
        length: usize,
    },
    /// A character outside the alphabet, or a first character that is no letter or digit.
    #[error(
        "A failover group name cannot contain {character:?} there. Use letters, digits, hyphens and underscores, and start with a letter or digit."
    )]
    BadCharacter {
        /// The first offending character.
        character: char,
    },
}

impl GroupId {
    /// Checks and wraps a short id.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidGroupId> {
        let text = text.into();
        let Some(first) = text.chars().next() else {
            return Err(InvalidGroupId::Empty);
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(character) = text.chars().find(|c| !allowed(*c)) {
            return Err(InvalidGroupId::BadCharacter { character });
        }
        if !first.is_ascii_alphanumeric() {
            return Err(InvalidGroupId::BadCharacter { character: first });
        }
        if text.len() > 63 {
            return Err(InvalidGroupId::TooLong { length: text.len() });
        }
        Ok(Self(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full resource name, `accounts/{account}/failover-groups/{id}`.
    pub fn resource_name(&self, account_id: &str) -> String {
        format!("accounts/{account_id}/failover-groups/{}", self.0)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for GroupId {
    type Error = InvalidGroupId;
    fn try_from(text: String) -> Result<Self, InvalidGroupId> {
        Self::new(text)
    }
}

impl From<GroupId> for String {
    fn from(id: GroupId) -> Self {
        id.0
    }
}

/// A name as the catalog compares it: without regard to case.
pub fn folded(name: &str) -> Cow<'_, str> {
    // Almost every name is in small letters already, and cycles compare many.
    let small = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if small { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}

/// Whether the catalog takes two names for one.
pub fn same_name(one: &str, other: &str) -> bool {
    one == other || folded(one) == folded(other)
}

/// A securable object's name: a catalog, a schema in it, or something in that schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AssetName {
    /// The catalog.
    pub catalog: String,
    /// The schema, absent for a catalog.
    pub schema: Option<String>,
    /// The table, view, volume or function, absent for a schema.
    pub name: Option<String>,
}

impl AssetName {
    /// A catalog's name.
    pub fn catalog(catalog: impl Into<String>) -> Self {
        Self { catalog: catalog.into(), schema: None, name: None }
    }

    /// A schema's name.
    pub fn schema(catalog: impl Into<String>, schema: impl Into<String>) -> Self {
        Self { catalog: catalog.into(), schema: Some(schema.into()), name: None }
    }

    /// The name of something inside a schema.
    pub fn leaf(catalog: impl Into<String>, schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { catalog: catalog.into(), schema: Some(schema.into()), name: Some(name.into()) }
    }
}

/// Written with dots, as Unity Catalog's `full_name` is.
impl fmt::Display for AssetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.catalog)?;
        if let Some(schema) = &self.schema {
            write!(f, ".{schema}")?;
        }
        if let Some(name) = &self.name {
            write!(f, ".{name}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_id_says_what_is_wrong_with_it() {
        assert_eq!(GroupId::new(""), Err(InvalidGroupId::Empty));
        assert_eq!(GroupId::new("a b"), Err(InvalidGroupId::BadCharacter { character: ' ' }));
        assert_eq!(GroupId::new("-a"), Err(InvalidGroupId::BadCharacter { character: '-' }));
        assert_eq!(GroupId::new("x".repeat(64)), Err(InvalidGroupId::TooLong { length: 64 }));
        assert_eq!(GroupId::new("core-1_a").map(|id| id.to_string()), Ok("core-1_a".to_owned()));
    }

    #[test]
    fn names_in_capitals_are_the_same_names() {
        assert!(same_name("ONE", "one") && same_name("Ärger", "äRGER") && same_name("Σ", "σ"));
        assert!(!same_name("one", "one ") && !same_name("o", "ö"));
    }

    #[test]
    fn names_are_written_with_dots() {
        assert_eq!(AssetName::leaf("main", "sales", "orders").to_string(), "main.sales.orders");
        assert_eq!(AssetName::catalog("main").to_string(), "main");
    }
}
