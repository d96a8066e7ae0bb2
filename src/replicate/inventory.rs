//! What a region's catalog holds of a scope, by kind and name.

use crate::domain::{AssetKey, AssetKind, AssetName, same_name};
use crate::wire::unity_catalog::{CatalogInfo, SchemaInfo, TableInfo};
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One asset as its region describes it. Which type the description has is known to the asset's kind.
#[derive(Clone)]
pub struct Asset {
    /// The id that the region gave it, where it tells one.
    pub id: Option<String>,
    info: Arc<dyn Any + Send + Sync>,
}

impl Asset {
    pub fn new<T: Any + Send + Sync>(id: Option<&str>, info: T) -> Self {
        Self { id: id.filter(|id| !id.is_empty()).map(str::to_owned), info: Arc::new(info) }
    }

    /// The description; None where it has another type.
    pub fn info<T: Any>(&self) -> Option<&T> {
        self.info.downcast_ref()
    }
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asset").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Catalogs of a region with all below them.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    assets: BTreeMap<AssetKey, Asset>,
}

impl Inventory {
    pub fn get(&self, key: &AssetKey) -> Option<&Asset> {
        self.assets.get(key)
    }

    pub fn contains(&self, key: &AssetKey) -> bool {
        self.assets.contains_key(key)
    }

    /// Everything, by kind and name.
    pub fn keys(&self) -> impl Iterator<Item = &AssetKey> {
        self.assets.keys()
    }

    /// Everything with its description, by kind and name.
    pub fn all(&self) -> impl Iterator<Item = (&AssetKey, &Asset)> {
        self.assets.iter()
    }

    /// Everything of one kind, by name.
    pub fn of_kind(&self, kind: AssetKind) -> impl Iterator<Item = (&AssetKey, &Asset)> {
        let first = AssetKey::new(kind, AssetName::catalog(""));
        self.assets.range(first..).take_while(move |(key, _)| key.kind == kind)
    }

    /// Everything of one kind that lies in a catalog or schema, however deep, by name.
    pub fn within<'a>(
        &'a self,
        kind: AssetKind,
        container: &'a AssetName,
    ) -> impl Iterator<Item = (&'a AssetKey, &'a Asset)> {
        let (catalog, schema) = (container.catalog.as_str(), container.schema.as_deref());
        let first = match schema {
            None => AssetName::schema(catalog, ""),
            Some(schema) => AssetName::leaf(catalog, schema, ""),
        };
        let lies_in = move |name: &AssetName| {
            same_name(&name.catalog, catalog)
                && schema.is_none_or(|schema| name.schema.as_deref().is_some_and(|of| same_name(of, schema)))
        };
        let from_first = self.assets.range(AssetKey::new(kind, first)..);
        from_first.take_while(move |(key, _)| key.kind == kind && lies_in(&key.name))
    }

    /// Whether something lies in a catalog or schema, as far as it was listed.
    pub fn has_children(&self, key: &AssetKey) -> bool {
        let is_container = key.name.name.is_none();
        is_container && AssetKind::ALL.iter().any(|kind| self.within(*kind, &key.name).next().is_some())
    }

    /// Adds an asset, or puts it in the place of what was known under its key.
    pub fn insert(&mut self, key: AssetKey, asset: Asset) {
        // The key with the region's latest spelling of the name.
        self.assets.remove(&key);
        self.assets.insert(key, asset);
    }

    pub fn retain(&mut self, keeps: impl Fn(&AssetKey) -> bool) {
        self.assets.retain(|key, _| keeps(key));
    }

    pub fn remove(&mut self, key: &AssetKey) {
        self.assets.remove(key);
    }

    /// Every catalog.
    pub fn catalogs(&self) -> impl Iterator<Item = &CatalogInfo> {
        self.of_kind(AssetKind::Catalog).filter_map(|(_, asset)| asset.info())
    }

    /// The catalog of this name.
    pub fn catalog(&self, name: &str) -> Option<&CatalogInfo> {
        self.get(&AssetKey::catalog(name))?.info()
    }

    /// Every schema of every catalog.
    pub fn schemas(&self) -> impl Iterator<Item = &SchemaInfo> {
        self.of_kind(AssetKind::Schema).filter_map(|(_, asset)| asset.info())
    }

    /// The schemas of one catalog.
    pub fn schemas_in<'a>(&'a self, catalog: &'a AssetName) -> impl Iterator<Item = &'a SchemaInfo> {
        self.within(AssetKind::Schema, catalog).filter_map(|(_, asset)| asset.info())
    }

    /// Every table, then every view.
    pub fn tables(&self) -> impl Iterator<Item = &TableInfo> {
        let of_kind = |kind| self.of_kind(kind).filter_map(|(_, asset)| asset.info());
        of_kind(AssetKind::Table).chain(of_kind(AssetKind::View))
    }

    /// The tables, then the views of one catalog or schema.
    pub fn tables_in<'a>(&'a self, container: &'a AssetName) -> impl Iterator<Item = &'a TableInfo> {
        let of_kind = |kind| self.within(kind, container).filter_map(|(_, asset)| asset.info());
        of_kind(AssetKind::Table).chain(of_kind(AssetKind::View))
    }

    /// The table or view with this full name.
    pub fn table(&self, catalog: &str, schema: &str, name: &str) -> Option<&TableInfo> {
        self.relation(&AssetName::leaf(catalog, schema, name))
    }

    /// The table or view with this name.
    pub fn relation(&self, name: &AssetName) -> Option<&TableInfo> {
        let of_kind = |kind| self.get(&AssetKey::new(kind, name.clone()));
        of_kind(AssetKind::Table).or_else(|| of_kind(AssetKind::View))?.info()
    }
}

/// How an inventory is filled by hand, as tests do.
impl FromIterator<(AssetKey, Asset)> for Inventory {
    fn from_iter<I: IntoIterator<Item = (AssetKey, Asset)>>(assets: I) -> Self {
        Self { assets: assets.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(info: &'static str) -> Asset {
        Asset::new(Some(info), info)
    }

    #[test]
    fn assets_are_found_by_kind_and_by_any_spelling_of_their_name() {
        let leaf = |kind, name| AssetKey::new(kind, AssetName::parse(name));
        let mut inventory: Inventory = [
            (AssetKey::catalog("main"), asset("catalog")),
            (AssetKey::schema("main", "sales"), asset("schema")),
            (leaf(AssetKind::Table, "main.sales.b"), asset("b")),
            (leaf(AssetKind::Table, "main.sales.a"), asset("a")),
            (leaf(AssetKind::View, "main.sales.c"), asset("c")),
        ]
        .into_iter()
        .collect();
        let names: Vec<String> = inventory.of_kind(AssetKind::Table).map(|(key, _)| key.to_string()).collect();
        assert_eq!(names, ["main.sales.a", "main.sales.b"]);
        assert_eq!(inventory.of_kind(AssetKind::Function).count(), 0);
        assert!(inventory.contains(&leaf(AssetKind::View, "MAIN.sales.C")));
        assert!(!inventory.contains(&leaf(AssetKind::Table, "main.sales.c")));
        assert!(inventory.has_children(&AssetKey::schema("Main", "sales")));
        assert!(inventory.has_children(&AssetKey::catalog("MAIN")));
        for empty in [AssetKey::schema("main", "sale"), AssetKey::schema("main", "saless"), AssetKey::catalog("mai")] {
            assert!(!inventory.has_children(&empty), "{empty}");
        }
        assert_eq!(inventory.within(AssetKind::Table, &AssetName::catalog("main")).count(), 2);
        inventory.insert(leaf(AssetKind::View, "main.sales.C"), asset("again"));
        let (key, view) = inventory.of_kind(AssetKind::View).next().expect("the view");
        assert_eq!((key.to_string().as_str(), view.info()), ("main.sales.C", Some(&"again")));
        assert_eq!(view.info::<u8>(), None, "it is described by a text");
    }
}
