use super::securable::{Securable, Type};
use super::{places, privileges, rename};
use crate::sandbox::call::{Answer, Call, answer, checked_name, done, page};
use crate::sandbox::principals;
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{CreateSchema, SchemaInfo, UpdateSchema};
use uuid::Uuid;

pub fn list(region: &Region, call: &Call) -> Answer {
    let catalog = call.required("catalog_name")?.to_lowercase();
    region.catalog(call.caller, &catalog)?;
    page(&region.records, call, Kind::Schema, &format!("{catalog}."), "schemas", |body| {
        privileges::shows(region, call.caller, Type::Schema, body).then(|| body.to_owned())
    })
}

/// Splits `catalog.schema`.
fn split(full_name: &str) -> Result<(String, String), Refusal> {
    let full_name = full_name.to_lowercase();
    match full_name.split_once('.') {
        Some((catalog, schema)) if !schema.contains('.') => Ok((catalog.to_owned(), schema.to_owned())),
        _ => Err(Refusal::invalid(format!("'{full_name}' is no full name of a schema. Use catalog.schema."))),
    }
}

pub fn get(region: &Region, call: &Call, full_name: &str) -> Answer {
    let (catalog, _) = split(full_name)?;
    region.catalog(call.caller, &catalog)?;
    let full_name = full_name.to_lowercase();
    let schema: SchemaInfo =
        region.records.get(Kind::Schema, &full_name).ok_or_else(|| Refusal::missing("SCHEMA", &full_name))?;
    answer(&schema)
}

pub fn create(region: &Region, call: &Call) -> Answer {
    let wanted: CreateSchema = call.body()?;
    let catalog = checked_name(&wanted.catalog_name)?;
    let name = checked_name(&wanted.name)?;
    let storage_root = match &wanted.storage_root {
        Some(root) => Some(places::covered(&region.records, root)?),
        None => None,
    };
    let mut writing = region.records.write();
    region.writable_catalog(call.caller, &catalog)?;
    let full_name = format!("{catalog}.{name}");
    if region.records.text(Kind::Schema, &full_name).is_some() {
        return Err(Refusal::exists("SCHEMA", &full_name));
    }
    let now = region.now_ms();
    let schema = SchemaInfo {
        name,
        catalog_name: catalog,
        full_name: Some(full_name.clone()),
        schema_id: Some(wanted.schema_id.unwrap_or_else(|| Uuid::new_v4().to_string())),
        comment: wanted.comment,
        properties: wanted.properties,
        owner: Some(region.user(call.caller)),
        storage_root,
        created_at: Some(now),
        updated_at: Some(now),
        ..SchemaInfo::default()
    };
    writing.put(Kind::Schema, full_name, &schema);
    writing.commit()?;
    answer(&schema)
}

pub fn update(region: &Region, call: &Call, full_name: &str) -> Answer {
    let wanted: UpdateSchema = call.body()?;
    let (catalog, _) = split(full_name)?;
    let full_name = full_name.to_lowercase();
    wanted.owner.iter().try_for_each(|owner| principals::check(&region.records, owner))?;
    let mut writing = region.records.write();
    region.writable_catalog(call.caller, &catalog)?;
    let mut schema: SchemaInfo =
        region.records.get(Kind::Schema, &full_name).ok_or_else(|| Refusal::missing("SCHEMA", &full_name))?;
    schema.comment = wanted.comment.or(schema.comment);
    schema.owner = wanted.owner.or(schema.owner);
    schema.properties = wanted.properties.unwrap_or(schema.properties);
    schema.updated_at = Some(region.now_ms());
    match wanted.new_name.filter(|new_name| !new_name.eq_ignore_ascii_case(&schema.name)) {
        None => writing.put(Kind::Schema, full_name, &schema),
        Some(new_name) => {
            schema.name = checked_name(&new_name)?;
            let new_full_name = format!("{catalog}.{}", schema.name);
            if region.records.text(Kind::Schema, &new_full_name).is_some() {
                return Err(Refusal::exists("SCHEMA", &new_full_name));
            }
            schema.full_name = Some(new_full_name.clone());
            writing.delete(Kind::Schema, &full_name);
            writing.put(Kind::Schema, &new_full_name, &schema);
            rename::with_contents(region, &mut writing, &Securable::new(Type::Schema, &full_name), &new_full_name);
        }
    }
    writing.commit()?;
    answer(&schema)
}

pub fn delete(region: &Region, call: &Call, full_name: &str) -> Answer {
    let (catalog, schema) = split(full_name)?;
    let full_name = full_name.to_lowercase();
    let mut writing = region.records.write();
    region.writable_catalog(call.caller, &catalog)?;
    if region.records.text(Kind::Schema, &full_name).is_none() {
        return Err(Refusal::missing("SCHEMA", &full_name));
    }
    if schema == "information_schema" {
        return Err(Refusal::invalid("The schema information_schema belongs to the catalog and cannot be dropped."));
    }
    let prefix = format!("{full_name}.");
    let kinds = [Kind::Table, Kind::Volume, Kind::Function, Kind::Model];
    if !call.flag("force") && kinds.iter().any(|kind| region.records.any(*kind, &prefix)) {
        return Err(Refusal::new(
            400,
            "SCHEMA_NOT_EMPTY",
            format!("The schema '{full_name}' is not empty. Drop what is in it first, or use force=true."),
        ));
    }
    rename::drop_contents(region, &mut writing, &full_name);
    Securable::new(Type::Schema, &full_name).forget(region, &mut writing);
    writing.delete(Kind::Schema, full_name);
    writing.commit()?;
    done()
}
