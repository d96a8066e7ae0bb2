//! Where what is in scope lies: what the storage mappings must cover.

use super::{CatalogItem, Inventory, unsupported};
use crate::domain::StorageUri;
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use std::collections::BTreeSet;

fn shipped(item: &CatalogItem) -> impl Iterator<Item = &TableInfo> {
    let tables = item.schemas.values().flat_map(|(_, tables)| tables.values());
    tables.filter(|t| t.table_type != TABLE_VIEW && unsupported::reason(t).is_none())
}

/// Storage roots of the catalog and of its schemas.
fn own_roots(item: &CatalogItem) -> impl Iterator<Item = &String> {
    item.info.storage_root.iter().chain(item.schemas.values().filter_map(|(schema, _)| schema.storage_root.as_ref()))
}

/// The storage roots and locations of everything in `inventory` that would be replicated.
pub fn locations(inventory: &Inventory) -> Vec<String> {
    let mut all = BTreeSet::new();
    for item in inventory.catalogs.values() {
        all.extend(own_roots(item).cloned());
        all.extend(shipped(item).filter_map(|table| table.storage_location.clone()));
    }
    all.into_iter().collect()
}

/// The few places that hold everything of one catalog: its roots, the metastore's own where it keeps tables there, and
/// the locations of tables outside of all of them.
pub fn roots(item: &CatalogItem, metastore_root: Option<&str>) -> Vec<String> {
    let parsed = |uri: &str| StorageUri::parse(uri).ok();
    let metastore = metastore_root.and_then(parsed);
    let mut found: Vec<String> = own_roots(item).cloned().collect();
    let mut places: Vec<StorageUri> = found.iter().filter_map(|uri| parsed(uri)).collect();
    for location in shipped(item).filter_map(|table| table.storage_location.as_deref()) {
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
    use crate::wire::unity_catalog::{CatalogInfo, SchemaInfo, TABLE_EXTERNAL, TABLE_MANAGED};

    #[test]
    fn a_catalog_lies_at_its_roots_the_metastores_and_where_its_other_tables_are() {
        let table = |name: &str, kind: &str, location: &str| {
            let info = TableInfo {
                name: name.to_owned(),
                table_type: kind.to_owned(),
                data_source_format: Some("DELTA".to_owned()),
                storage_location: Some(location.to_owned()),
                ..TableInfo::default()
            };
            (name.to_owned(), info)
        };
        let schema = SchemaInfo { storage_root: Some("s3://e/schema".to_owned()), ..SchemaInfo::default() };
        let tables = [
            table("a", TABLE_MANAGED, "s3://e/cat/s/a"),
            table("b", TABLE_MANAGED, "s3://e/schema/b"),
            table("c", TABLE_MANAGED, "s3://meta/east/c"),
            table("d", TABLE_MANAGED, "s3://meta/east/d"),
            table("e", TABLE_EXTERNAL, "s3://ext/e"),
        ];
        let info = CatalogInfo { storage_root: Some("s3://e/cat".to_owned()), ..CatalogInfo::default() };
        let item = CatalogItem { info, schemas: [("s".to_owned(), (schema, tables.into()))].into() };
        let expected = ["s3://e/cat", "s3://e/schema", "s3://ext/e", "s3://meta/east"];
        assert_eq!(roots(&item, Some("s3://meta/east")), expected);
        let inventory = Inventory { catalogs: [("c".to_owned(), item)].into() };
        assert_eq!(locations(&inventory).len(), 7, "two roots and five tables");
    }
}
