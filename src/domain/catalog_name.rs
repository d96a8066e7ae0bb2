//! The name of a catalog.

use super::AssetName;
use super::names::{compare_names, folded};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Most characters of a name in Unity Catalog.
const LONGEST: usize = 255;

/// A catalog's name as it was spelled. Two are equal when the catalog takes them for one: without regard to case.
///
/// A group's spec may hold any text here; [`Self::check`] says what can't be a name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CatalogName(String);

/// Says why a text isn't a catalog's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCatalogName {
    #[error("A catalog in the scope has no name. Name it.")]
    Empty,
    #[error("{name:?} can't be a catalog's name, because it contains {character:?}. Correct it.")]
    BadCharacter { name: String, character: char },
    #[error("A catalog's name is {length} characters long. No name is longer than {LONGEST}.")]
    TooLong { length: usize },
}

impl CatalogName {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the catalog keeps it when nothing else is known of its spelling.
    pub fn in_small_letters(&self) -> Self {
        Self(folded(&self.0).into_owned())
    }

    /// Refuses what can't be the name of any catalog.
    pub fn check(&self) -> Result<(), InvalidCatalogName> {
        if self.0.is_empty() {
            return Err(InvalidCatalogName::Empty);
        }
        let length = self.0.chars().count();
        if length > LONGEST {
            return Err(InvalidCatalogName::TooLong { length });
        }
        let is_bad = |character: &char| matches!(character, '.' | '/' | ' ') || character.is_control();
        match self.0.chars().find(is_bad) {
            Some(character) => Err(InvalidCatalogName::BadCharacter { name: self.0.clone(), character }),
            None => Ok(()),
        }
    }

    /// Whether `asset` is this catalog or lies in it.
    pub fn holds(&self, asset: &AssetName) -> bool {
        *self == asset.catalog.as_str()
    }

    /// Names as a list for people.
    pub fn list<'a>(names: impl IntoIterator<Item = &'a Self>) -> String {
        names.into_iter().map(Self::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for CatalogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Ord for CatalogName {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_names(&self.0, &other.0)
    }
}

impl PartialOrd for CatalogName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for CatalogName {
    fn eq(&self, other: &Self) -> bool {
        *self == *other.0
    }
}

impl Eq for CatalogName {}

impl Hash for CatalogName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        folded(&self.0).hash(state);
    }
}

impl PartialEq<str> for CatalogName {
    fn eq(&self, other: &str) -> bool {
        compare_names(&self.0, other).is_eq()
    }
}

impl PartialEq<&str> for CatalogName {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_name_keeps_its_spelling_and_is_compared_as_the_catalog_does() {
        let (one, other) = (CatalogName::new("Ärger"), CatalogName::new("äRGER"));
        assert_eq!(one, other);
        assert_eq!(HashSet::from([one.clone(), other]).len(), 1);
        assert!(one == "ÄRGER" && one != "arger" && CatalogName::new("B") > CatalogName::new("a"));
        assert_eq!(serde_json::to_string(&one).ok().as_deref(), Some("\"Ärger\""));
        assert!(CatalogName::new("Main").holds(&AssetName::parse("main.sales.orders")));
        assert!(!CatalogName::new("main").holds(&AssetName::parse("main2.sales")));
    }

    #[test]
    fn what_cannot_be_a_catalogs_name_is_said() {
        assert_eq!(CatalogName::new("main_2-ä").check(), Ok(()));
        for (text, character) in [("a.b", '.'), ("a/b", '/'), ("a b", ' '), ("a\n", '\n')] {
            let error = CatalogName::new(text).check().expect_err(text);
            assert_eq!(error, InvalidCatalogName::BadCharacter { name: text.to_owned(), character });
        }
        assert_eq!(CatalogName::new("").check(), Err(InvalidCatalogName::Empty));
        assert_eq!(CatalogName::new("x".repeat(256)).check(), Err(InvalidCatalogName::TooLong { length: 256 }));
    }
}
