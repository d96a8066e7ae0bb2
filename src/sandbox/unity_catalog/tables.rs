use super::columns::fill_from_log;
use super::securable::{Securable, Type};
use super::{places, privileges};
use crate::sandbox::call::{Answer, Call, answer, checked_name, done, page};
use crate::sandbox::principals;
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{
    CatalogInfo, CreateStagingTable, CreateTable, FORMAT_DELTA, SchemaInfo, StagingTableInfo, TABLE_EXTERNAL,
    TABLE_MANAGED, TABLE_VIEW, TableInfo,
};
use serde_json::json;
use uuid::Uuid;

/// The property by which clients of open-source Unity Catalog say the staging table that they filled.
const TABLE_ID_PROPERTIES: [&str; 2] = ["io.unitycatalog.tableId", "ucTableId"];

pub fn list(region: &Region, call: &Call) -> Answer {
    let catalog = call.required("catalog_name")?.to_lowercase();
    let schema = call.required("schema_name")?.to_lowercase();
    region.catalog(call.caller, &catalog)?;
    if region.records.text(Kind::Schema, &format!("{catalog}.{schema}")).is_none() {
        return Err(Refusal::missing("SCHEMA", &format!("{catalog}.{schema}")));
    }
    let (no_columns, no_properties) = (call.flag("omit_columns"), call.flag("omit_properties"));
    let prefix = format!("{catalog}.{schema}.");
    page(&region.records, call, Kind::Table, &prefix, "tables", |body| {
        if !privileges::shows(region, call.caller, Type::Table, body) {
            return None;
        }
        // A list leaves out what takes long to compute.
        if !no_columns && !no_properties && !body.contains("view_dependencies") {
            return Some(body.to_owned());
        }
        let mut table: TableInfo = serde_json::from_str(body).ok()?;
        table.view_dependencies = None;
        if no_columns {
            table.columns.clear();
        }
        if no_properties {
            table.properties.clear();
        }
        serde_json::to_string(&table).ok()
    })
}

/// Splits `catalog.schema.table`.
fn split(full_name: &str) -> Result<(String, String, String), Refusal> {
    let full_name = full_name.to_lowercase();
    match full_name.split('.').collect::<Vec<_>>().as_slice() {
        [catalog, schema, table] => Ok(((*catalog).to_owned(), (*schema).to_owned(), (*table).to_owned())),
        _ => Err(Refusal::invalid(format!("'{full_name}' is no full name of a table. Use catalog.schema.table."))),
    }
}

pub fn get(region: &Region, call: &Call, full_name: &str) -> Answer {
    let (catalog, ..) = split(full_name)?;
    region.catalog(call.caller, &catalog)?;
    let full_name = full_name.to_lowercase();
    let mut table: TableInfo =
        region.records.get(Kind::Table, &full_name).ok_or_else(|| Refusal::missing("TABLE", &full_name))?;
    // Registered before its first commit was there.
    if table.columns.is_empty() {
        fill_from_log(&mut table)?;
    }
    answer(&table)
}

pub fn exists(region: &Region, call: &Call, full_name: &str) -> Answer {
    let (catalog, ..) = split(full_name)?;
    region.catalog(call.caller, &catalog)?;
    let found = region.records.text(Kind::Table, &full_name.to_lowercase()).is_some();
    answer(&json!({"table_exists": found}))
}

/// Where a managed table goes when no one says it.
fn default_location(region: &Region, catalog: &CatalogInfo, schema: &SchemaInfo, name: &str) -> String {
    let base = match (&schema.storage_root, &catalog.storage_root) {
        (Some(root), _) => root.clone(),
        (None, Some(root)) => format!("{root}/{}", places::folder_name(&schema.name)),
        (None, None) => {
            let (catalog, schema) = (places::folder_name(&catalog.name), places::folder_name(&schema.name));
            format!("{}/{catalog}/{schema}", places::metastore_root(region))
        }
    };
    let plain = format!("{base}/{}", places::folder_name(name));
    let free = region.records.tables_around(&plain).is_empty()
        && places::folder_of(&plain).is_some_and(|folder| !folder.exists());
    // Files of a table that was dropped stay on the disk; a new one must not meet them.
    if free { plain } else { format!("{plain}-{}", Uuid::new_v4().simple()) }
}

pub fn stage(region: &Region, call: &Call) -> Answer {
    let wanted: CreateStagingTable = call.body()?;
    let (catalog_name, schema_name) = (checked_name(&wanted.catalog_name)?, checked_name(&wanted.schema_name)?);
    let name = checked_name(&wanted.name)?;
    let full_name = format!("{catalog_name}.{schema_name}.{name}");
    let place = || -> Result<_, Refusal> {
        let catalog = region.writable_catalog(call.caller, &catalog_name)?;
        let schema: SchemaInfo = region
            .records
            .get(Kind::Schema, &format!("{catalog_name}.{schema_name}"))
            .ok_or_else(|| Refusal::missing("SCHEMA", &format!("{catalog_name}.{schema_name}")))?;
        Ok((catalog, schema))
    };
    // The disk is looked at before the lock is taken, and what was found is checked under it.
    let (catalog, schema) = place()?;
    let free = default_location(region, &catalog, &schema, &name);
    let mut writing = region.records.write();
    place()?;
    if region.records.text(Kind::Table, &full_name).is_some() {
        return Err(Refusal::exists("TABLE", &full_name));
    }
    let asked = match &wanted.storage_location {
        Some(location) => Some(places::managed(region, location)?),
        None => None,
    };
    // Asking again isn't a second table: an answer that was lost must not strand a location.
    let before: Option<StagingTableInfo> = region.records.get(Kind::StagingTable, &full_name);
    if let Some(before) = before {
        let same_place = asked.as_ref().is_none_or(|location| places::same(location, &before.staging_location));
        let same_id = wanted.table_id.as_ref().is_none_or(|id| *id == before.id);
        if same_place && same_id {
            return answer(&before);
        }
    }
    let staging_location = asked.unwrap_or(free);
    refuse_overlap(region, &staging_location, &full_name)?;
    let id = wanted.table_id.unwrap_or_else(|| Uuid::new_v4().to_string());
    if let Some((_, other)) = region.records.table_by_id(&id).filter(|(_, other)| *other != full_name) {
        return Err(Refusal::invalid(format!("The table id {id} belongs to '{other}'.")));
    }
    let staging = StagingTableInfo { id, staging_location, catalog_name, schema_name, name };
    writing.put(Kind::StagingTable, full_name, &staging);
    writing.commit()?;
    answer(&staging)
}

/// Two tables never share files: a location must not hold another table's, nor lie in one.
fn refuse_overlap(region: &Region, location: &str, full_name: &str) -> Result<(), Refusal> {
    match region.records.tables_around(location).into_iter().find(|(_, name)| name != full_name) {
        Some((_, other)) => Err(Refusal::new(
            400,
            "LOCATION_OVERLAP",
            format!("The location '{location}' overlaps with that of table '{other}'. Choose another one."),
        )),
        None => Ok(()),
    }
}

pub fn create(region: &Region, call: &Call) -> Answer {
    let wanted: CreateTable = call.body()?;
    // The table's log is read without a lock, because a storage may take its time; then everything is checked once more.
    let mut table = drafted(region, call, &wanted)?;
    if wanted.table_type != TABLE_VIEW {
        fill_from_log(&mut table)?;
    }
    let mut writing = region.records.write();
    let again = drafted(region, call, &wanted)?;
    let full_name = again.full_name.unwrap_or_default();
    if again.storage_location != table.storage_location {
        return Err(Refusal::state(format!("The place of '{full_name}' changed while it was created. Try again.")));
    }
    if wanted.table_type == TABLE_MANAGED {
        table.table_id = again.table_id;
        writing.delete(Kind::StagingTable, &full_name);
    }
    writing.put(Kind::Table, full_name, &table);
    writing.commit()?;
    answer(&table)
}

/// The table that is asked for, as far as the region knows without its log; a refusal where it can't be created.
fn drafted(region: &Region, call: &Call, wanted: &CreateTable) -> Result<TableInfo, Refusal> {
    let (catalog_name, schema_name) = (checked_name(&wanted.catalog_name)?, checked_name(&wanted.schema_name)?);
    let name = checked_name(&wanted.name)?;
    let full_name = format!("{catalog_name}.{schema_name}.{name}");
    region.writable_catalog(call.caller, &catalog_name)?;
    if region.records.text(Kind::Schema, &format!("{catalog_name}.{schema_name}")).is_none() {
        return Err(Refusal::missing("SCHEMA", &format!("{catalog_name}.{schema_name}")));
    }
    if region.records.text(Kind::Table, &full_name).is_some() {
        return Err(Refusal::exists("TABLE", &full_name));
    }
    let now = region.now_ms();
    let mut table = TableInfo {
        name,
        catalog_name,
        schema_name,
        table_type: wanted.table_type.clone(),
        full_name: Some(full_name.clone()),
        columns: wanted.columns.clone(),
        properties: wanted.properties.clone(),
        comment: wanted.comment.clone(),
        owner: Some(region.user(call.caller)),
        created_at: Some(now),
        updated_at: Some(now),
        ..TableInfo::default()
    };
    match wanted.table_type.as_str() {
        TABLE_MANAGED => {
            let staging = staged(region, wanted, &full_name)?;
            table.table_id = Some(staging.id);
            table.storage_location = Some(staging.staging_location);
            table.data_source_format = Some(FORMAT_DELTA.to_owned());
        }
        TABLE_EXTERNAL => {
            if wanted.data_source_format.as_deref() != Some(FORMAT_DELTA) {
                return Err(Refusal::invalid(
                    "An external table is made over REST only with data_source_format DELTA.",
                ));
            }
            let location = wanted.storage_location.as_deref().unwrap_or_default();
            let location = places::covered(&region.records, location)?;
            refuse_overlap(region, &location, &full_name)?;
            table.table_id = Some(wanted.table_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string()));
            table.storage_location = Some(location);
            table.data_source_format = wanted.data_source_format.clone();
        }
        TABLE_VIEW => {
            if wanted.view_definition.as_deref().is_none_or(str::is_empty) {
                return Err(Refusal::invalid(format!("The view '{full_name}' needs a view_definition.")));
            }
            table.table_id = Some(wanted.table_id.clone().unwrap_or_else(|| Uuid::new_v4().to_string()));
            table.view_definition = wanted.view_definition.clone();
        }
        other => {
            return Err(Refusal::invalid(format!(
                "A table of type {other} cannot be created over REST. Use MANAGED, EXTERNAL or VIEW, or SQL."
            )));
        }
    }
    Ok(table)
}

/// The staging table that a managed table is made of.
fn staged(region: &Region, wanted: &CreateTable, full_name: &str) -> Result<StagingTableInfo, Refusal> {
    let staging: StagingTableInfo = region.records.get(Kind::StagingTable, full_name).ok_or_else(|| {
        Refusal::invalid(format!(
            "The managed table '{full_name}' has no staging table. Call POST /staging-tables first and fill its location."
        ))
    })?;
    let elsewhere = |location: &str| !places::same(location, &staging.staging_location);
    if wanted.storage_location.as_deref().is_some_and(elsewhere) {
        return Err(Refusal::invalid(format!(
            "The managed table '{full_name}' was staged at '{}', so it cannot be created elsewhere.",
            staging.staging_location
        )));
    }
    let by_property = TABLE_ID_PROPERTIES.iter().filter_map(|key| wanted.properties.get(*key));
    if let Some(id) = wanted.table_id.iter().chain(by_property).find(|id| **id != staging.id) {
        return Err(Refusal::invalid(format!(
            "The managed table '{full_name}' was staged with the id {}, not {id}.",
            staging.id
        )));
    }
    Ok(staging)
}

pub fn update(region: &Region, call: &Call, full_name: &str) -> Answer {
    let (catalog, ..) = split(full_name)?;
    let full_name = full_name.to_lowercase();
    let fields = call.body.as_object().cloned().unwrap_or_default();
    if let Some(other) = fields.keys().find(|key| key.as_str() != "owner") {
        return Err(Refusal::invalid(format!(
            "Of a table only the owner can be changed over REST, not {other}. Use SQL."
        )));
    }
    let owner = call.field("owner")?;
    principals::check(&region.records, &owner)?;
    let mut writing = region.records.write();
    region.writable_catalog(call.caller, &catalog)?;
    let mut table: TableInfo =
        region.records.get(Kind::Table, &full_name).ok_or_else(|| Refusal::missing("TABLE", &full_name))?;
    table.owner = Some(owner);
    table.updated_at = Some(region.now_ms());
    writing.put(Kind::Table, full_name, &table);
    writing.commit()?;
    done()
}

pub fn delete(region: &Region, call: &Call, full_name: &str) -> Answer {
    let (catalog, ..) = split(full_name)?;
    let full_name = full_name.to_lowercase();
    let mut writing = region.records.write();
    region.writable_catalog(call.caller, &catalog)?;
    if region.records.text(Kind::Table, &full_name).is_none() {
        return Err(Refusal::missing("TABLE", &full_name));
    }
    writing.delete(Kind::Table, &full_name);
    Securable::new(Type::Table, &full_name).forget(region, &mut writing);
    writing.commit()?;
    done()
}
