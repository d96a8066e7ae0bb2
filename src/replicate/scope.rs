//! Reading what a region's catalog holds.

use super::{CycleError, Endpoint};
use crate::connect::ConnectError;
use crate::domain::{folded, same_name};
use crate::wire::unity_catalog::{CatalogInfo, SchemaInfo, TableInfo};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;

/// Calls to one region at a time.
const PARALLEL_CALLS: usize = 8;

/// Catalogs of a region with all below them. Keys are names as the catalog compares them: in small letters.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Catalogs by name.
    pub catalogs: BTreeMap<String, CatalogItem>,
}

/// One catalog with all below it.
#[derive(Debug, Clone)]
pub struct CatalogItem {
    /// The catalog itself.
    pub info: CatalogInfo,
    /// Schemas by name, each with its tables and views by name.
    pub schemas: BTreeMap<String, (SchemaInfo, BTreeMap<String, TableInfo>)>,
}

impl Inventory {
    /// The catalog of this name.
    pub fn catalog(&self, name: &str) -> Option<&CatalogItem> {
        self.catalogs.get(folded(name).as_ref())
    }

    /// The catalog of this name, to be changed.
    pub fn catalog_mut(&mut self, name: &str) -> Option<&mut CatalogItem> {
        self.catalogs.get_mut(folded(name).as_ref())
    }

    /// The table or view with this full name.
    pub fn table(&self, catalog: &str, schema: &str, name: &str) -> Option<&TableInfo> {
        self.catalog(catalog)?.schemas.get(folded(schema).as_ref())?.1.get(folded(name).as_ref())
    }

    /// The table or view with this full name, written with dots.
    pub fn by_name(&self, full_name: &str) -> Option<&TableInfo> {
        let mut parts = full_name.splitn(3, '.');
        self.table(parts.next()?, parts.next()?, parts.next()?)
    }

    /// Every table and view, in the order of their names.
    pub fn tables(&self) -> impl Iterator<Item = &TableInfo> {
        self.catalogs.values().flat_map(|c| c.schemas.values()).flat_map(|(_, tables)| tables.values())
    }

    /// Notes a table that was just created, so that the catalog need not be read again.
    pub fn insert(&mut self, table: TableInfo) {
        if let Some((_, tables)) =
            self.catalog_mut(&table.catalog_name).and_then(|c| c.schemas.get_mut(folded(&table.schema_name).as_ref()))
        {
            tables.insert(folded(&table.name).into_owned(), table);
        }
    }

    /// Notes that a table is gone.
    pub fn remove(&mut self, catalog: &str, schema: &str, name: &str) {
        let schemas = self.catalog_mut(catalog).map(|catalog| &mut catalog.schemas);
        if let Some((_, tables)) = schemas.and_then(|schemas| schemas.get_mut(folded(schema).as_ref())) {
            tables.remove(folded(name).as_ref());
        }
    }
}

/// Reads the catalogs named by `names` that are there, whole; those that are not there are left out.
pub async fn read_inventory(endpoint: &Endpoint, names: &[String]) -> Result<Inventory, CycleError> {
    let fault = |source: ConnectError| CycleError::at(&endpoint.region, source);
    let wanted = |catalog: &CatalogInfo| names.iter().any(|name| same_name(name, &catalog.name));
    let at_destination: Vec<CatalogInfo> =
        endpoint.client.catalogs().await.map_err(fault)?.into_iter().filter(wanted).collect();
    let with_schemas: Vec<(CatalogInfo, Vec<SchemaInfo>)> = stream::iter(at_destination)
        .map(|catalog| async move {
            let schemas = endpoint.client.schemas(&catalog.name).await?;
            Ok::<_, ConnectError>((catalog, schemas))
        })
        .buffered(PARALLEL_CALLS)
        .try_collect()
        .await
        .map_err(fault)?;
    let mut inventory = Inventory::default();
    let mut all_schemas = Vec::new();
    for (info, schemas) in with_schemas {
        let name = folded(&info.name).into_owned();
        // Every catalog has an information schema of its own; it is made by the catalog, not replicated.
        all_schemas.extend(schemas.into_iter().filter(|s| !same_name(&s.name, "information_schema")));
        inventory.catalogs.insert(name, CatalogItem { info, schemas: BTreeMap::new() });
    }
    let with_tables: Vec<(SchemaInfo, Vec<TableInfo>)> = stream::iter(all_schemas)
        .map(|schema| async move {
            let tables = endpoint.client.tables(&schema.catalog_name, &schema.name).await?;
            Ok::<_, ConnectError>((schema, tables))
        })
        .buffered(PARALLEL_CALLS)
        .try_collect()
        .await
        .map_err(fault)?;
    for (schema, tables) in with_tables {
        if let Some(catalog) = inventory.catalog_mut(&schema.catalog_name) {
            let tables = tables.into_iter().map(|t| (folded(&t.name).into_owned(), t)).collect();
            catalog.schemas.insert(folded(&schema.name).into_owned(), (schema, tables));
        }
    }
    Ok(inventory)
}
