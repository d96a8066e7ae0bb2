//! Where what is in scope lies: what the storage mappings must cover, and what they make of it.

use super::engine::CycleRequest;
use super::{Inventory, unsupported};
use crate::domain::{AssetName, StorageUri, Unmapped};
use crate::wire::unity_catalog::{CatalogInfo, TABLE_VIEW, TableInfo};
use std::collections::BTreeSet;

/// The counterpart of a storage root; None for what has no root of its own and lies under its parent's.
pub fn counterpart(root: Option<&str>, request: &CycleRequest<'_>) -> Result<Option<String>, Unmapped> {
    let (from, to) = (&request.source.region, &request.destination.region);
    root.map(|root| request.mappings.map(root, from, to)).transpose()
}

fn shipped<'a>(inventory: &'a Inventory, catalog: &'a AssetName) -> impl Iterator<Item = &'a TableInfo> {
    let tables = inventory.tables_in(catalog);
    tables.filter(|t| t.table_type != TABLE_VIEW && unsupported::reason(t).is_none())
}

/// Storage roots of the catalog and of its schemas.
fn own_roots<'a>(
    inventory: &'a Inventory,
    catalog: &'a CatalogInfo,
    name: &'a AssetName,
) -> impl Iterator<Item = &'a String> {
    let of_schemas = inventory.schemas_in(name).filter_map(|schema| schema.storage_root.as_ref());
    catalog.storage_root.iter().chain(of_schemas)
}

/// The storage roots and locations of everything in `inventory` that would be replicated.
pub fn locations(inventory: &Inventory) -> Vec<String> {
    let mut all = BTreeSet::new();
    for catalog in inventory.catalogs() {
        let name = AssetName::catalog(&*catalog.name);
        all.extend(own_roots(inventory, catalog, &name).cloned());
        all.extend(shipped(inventory, &name).filter_map(|table| table.storage_location.clone()));
    }
    all.into_iter().collect()
}

/// The few places that hold everything of one catalog: its roots, the metastore's own where it keeps tables there, and
/// the locations of tables outside of all of them.
pub fn roots(inventory: &Inventory, catalog: &CatalogInfo, metastore_root: Option<&str>) -> Vec<String> {
    let parsed = |uri: &str| StorageUri::parse(uri).ok();
    let metastore = metastore_root.and_then(parsed);
    let name = AssetName::catalog(&*catalog.name);
    let mut found: Vec<String> = own_roots(inventory, catalog, &name).cloned().collect();
    let mut places: Vec<StorageUri> = found.iter().filter_map(|uri| parsed(uri)).collect();
    for location in shipped(inventory, &name).filter_map(|table| table.storage_location.as_deref()) {
        let place = parsed(location);
        let within = |outer: &StorageUri| place.as_ref().is_some_and(|place| place.is_within(outer));
        if places.iter().any(within) {
            continue;
        }
        let under = metastore.as_ref().zip(metastore_root).filter(|(root, _)| within(root));
        let (text, root) = under.map_or((location, place.clone()), |(root, text)| (text, Some(root.clone())));
        found.push(text.to_owned());
        places.extend(root);
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AssetKey, AssetKind};
    use crate::replicate::Asset;
    use crate::wire::unity_catalog::{SchemaInfo, TABLE_EXTERNAL, TABLE_MANAGED};

    #[test]
    fn a_catalog_lies_at_its_roots_the_metastores_and_where_its_other_tables_are() {
        let table = |name: &str, kind: &str, location: &str| {
            let info = TableInfo {
                name: name.to_owned(),
                catalog_name: "c".to_owned(),
                schema_name: "s".to_owned(),
                table_type: kind.to_owned(),
                data_source_format: Some("DELTA".to_owned()),
                storage_location: Some(location.to_owned()),
                ..TableInfo::default()
            };
            (AssetKey::new(AssetKind::Table, AssetName::leaf("c", "s", name)), Asset::new(None, info))
        };
        let (name, storage_root) = ("s".to_owned(), Some("s3://e/schema".to_owned()));
        let schema = SchemaInfo { name, catalog_name: "c".to_owned(), storage_root, ..SchemaInfo::default() };
        let tables = [
            table("a", TABLE_MANAGED, "s3://e/cat/s/a"),
            table("b", TABLE_MANAGED, "s3://e/schema/b"),
            table("c", TABLE_MANAGED, "s3://meta/east/c"),
            table("d", TABLE_MANAGED, "s3://meta/east/d"),
            table("e", TABLE_EXTERNAL, "s3://ext/e"),
        ];
        let (name, storage_root) = ("c".to_owned(), Some("s3://e/cat".to_owned()));
        let catalog = CatalogInfo { name, storage_root, ..CatalogInfo::default() };
        let containers = [
            (AssetKey::catalog("c"), Asset::new(None, catalog.clone())),
            (AssetKey::schema("c", "s"), Asset::new(None, schema)),
        ];
        let inventory: Inventory = containers.into_iter().chain(tables).collect();
        let expected = ["s3://e/cat", "s3://e/schema", "s3://ext/e", "s3://meta/east"];
        assert_eq!(roots(&inventory, &catalog, Some("s3://meta/east")), expected);
        assert_eq!(locations(&inventory).len(), 7, "two roots and five tables");
    }
}
