//! Names of groups and of securable objects.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A failover group's short id, the last part of its resource name.
///
/// One to 63 characters: ASCII letters, digits, `-` and `_`, starting with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GroupId(String);

/// Says why a text isn't a group id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGroupId {
    /// Nothing was given.
    #[error("A failover group needs a name. Give it one of up to 63 letters, digits, hyphens or underscores.")]
    Empty,
    /// More than 63 characters.
    #[error("The failover group name is {length} characters long. Shorten it to 63 or fewer.")]
    TooLong {
        /// Characters given.
        length: usize,
    },
    /// A character outside the alphabet, or a first character that isn't a letter or digit.
    #[error(
        "A failover group name can't contain {character:?} there. Use letters, digits, hyphens and underscores, and start with a letter or digit."
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

/// Compares two names as the catalog does.
pub(super) fn compare_names(one: &str, other: &str) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    if one.is_ascii() && other.is_ascii() {
        fn small(name: &str) -> impl Iterator<Item = u8> {
            name.bytes().map(|byte| byte.to_ascii_lowercase())
        }
        return small(one).cmp(small(other));
    }
    folded(one).cmp(&folded(other))
}

/// A securable object's name: a catalog, a schema in it, or something in that schema.
///
/// It keeps its spelling, and is compared as the catalog compares names: without regard to case.
#[derive(Debug, Clone)]
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

    /// Reads a name that is written with dots. Neither a catalog nor a schema has a dot in its name.
    pub fn parse(full_name: &str) -> Self {
        let mut parts = full_name.splitn(3, '.').map(str::to_owned);
        Self { catalog: parts.next().unwrap_or_default(), schema: parts.next(), name: parts.next() }
    }

    /// The object that it lies in: a schema's catalog, a table's schema; None for a catalog.
    pub fn parent(&self) -> Option<Self> {
        let (schema, catalog) = (self.schema.clone()?, self.catalog.clone());
        let schema = self.name.is_some().then_some(schema);
        Some(Self { catalog, schema, name: None })
    }

    fn parts(&self) -> [Option<&str>; 3] {
        [Some(&self.catalog), self.schema.as_deref(), self.name.as_deref()]
    }
}

impl Ord for AssetName {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = self.parts().into_iter().zip(other.parts());
        let mut each = parts.map(|parts| match parts {
            (Some(one), Some(other)) => compare_names(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        });
        each.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for AssetName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for AssetName {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for AssetName {}

impl Hash for AssetName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for part in self.parts() {
            part.map(folded).hash(state);
        }
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
    use std::collections::HashSet;

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
    fn an_asset_name_keeps_its_spelling_and_is_compared_as_the_catalog_does() {
        let (one, other) = (AssetName::leaf("Main", "sales", "Ärger"), AssetName::leaf("main", "SALES", "äRGER"));
        assert_eq!(one, other);
        assert_eq!(one.to_string(), "Main.sales.Ärger");
        assert_eq!(HashSet::from([one.clone(), other]).len(), 1);
        assert!(AssetName::catalog("B") > AssetName::catalog("a") && AssetName::catalog("main") < one);
        assert!(AssetName::leaf("main", "a", "z") < AssetName::leaf("main", "b", "a"));
        assert_ne!(AssetName::catalog("a"), AssetName::schema("a", "a"));
    }

    #[test]
    fn an_asset_name_is_read_from_dots_and_knows_what_it_lies_in() {
        for name in ["main", "main.sales", "main.sales.orders", "main.sales.odd.name"] {
            assert_eq!(AssetName::parse(name).to_string(), name);
        }
        let parents: Vec<String> = std::iter::successors(AssetName::parse("a.b.c").parent(), AssetName::parent)
            .map(|n| n.to_string())
            .collect();
        assert_eq!(parents, ["a.b", "a"]);
    }

    #[test]
    fn names_are_written_with_dots() {
        assert_eq!(AssetName::leaf("main", "sales", "orders").to_string(), "main.sales.orders");
        assert_eq!(AssetName::catalog("main").to_string(), "main");
    }
}
