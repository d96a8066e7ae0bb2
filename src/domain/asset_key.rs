//! What stands for one asset wherever assets of several kinds are told apart.

use super::{AssetKind, AssetName};
use std::fmt;

/// An asset: what it is, and its name. Two keys are equal when the catalog takes their names for one.
///
/// Keys are ordered by kind first, in the order in which kinds are replicated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetKey {
    pub kind: AssetKind,
    pub name: AssetName,
}

impl AssetKey {
    pub fn new(kind: AssetKind, name: AssetName) -> Self {
        Self { kind, name }
    }

    pub fn catalog(name: impl Into<String>) -> Self {
        Self::new(AssetKind::Catalog, AssetName::catalog(name))
    }

    pub fn schema(catalog: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(AssetKind::Schema, AssetName::schema(catalog, name))
    }

    /// The container that the asset lies in; None for a catalog.
    pub fn parent(&self) -> Option<Self> {
        let name = self.name.parent()?;
        let kind = if name.schema.is_some() { AssetKind::Schema } else { AssetKind::Catalog };
        Some(Self { kind, name })
    }
}

/// The name alone, with dots, as messages write it.
impl fmt::Display for AssetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_by_kind_and_know_their_container() {
        let leaf = |kind| AssetKey::new(kind, AssetName::parse("main.sales.orders"));
        assert_ne!(leaf(AssetKind::Table), leaf(AssetKind::View));
        assert_eq!(leaf(AssetKind::View).parent(), Some(AssetKey::schema("MAIN", "Sales")));
        assert_eq!(AssetKey::schema("main", "sales").parent(), Some(AssetKey::catalog("main")));
        assert_eq!(AssetKey::catalog("main").parent(), None);
        assert!(AssetKey::schema("z", "z") < leaf(AssetKind::Table));
    }
}
