use super::securable::{Securable, Type};
use super::{bindings, places, privileges, rename};
use crate::sandbox::call::{Answer, Call, Caller, answer, checked_name, done, page};
use crate::sandbox::principals;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::{Access, Region};
use crate::wire::unity_catalog::{
    CatalogInfo, CreateCatalog, ISOLATION_ISOLATED, ISOLATION_OPEN, SchemaInfo, UpdateCatalog,
};
use uuid::Uuid;

/// Schemas that every catalog has from the start.
const BUILT_IN_SCHEMAS: [&str; 2] = ["default", "information_schema"];

pub fn list(region: &Region, call: &Call) -> Answer {
    let unbound_too = call.flag("include_unbound");
    page(&region.records, call, Kind::Catalog, "", "catalogs", |body| {
        if !privileges::shows(region, call.caller, Type::Catalog, body) {
            return None;
        }
        if unbound_too || !body.contains(ISOLATION_ISOLATED) {
            return Some(body.to_owned());
        }
        let catalog: CatalogInfo = serde_json::from_str(body).ok()?;
        (region.access(&catalog) != Access::Unbound).then(|| body.to_owned())
    })
}

pub fn get(region: &Region, call: &Call, name: &str) -> Answer {
    answer(&region.catalog(call.caller, &name.to_lowercase())?)
}

pub fn create(region: &Region, call: &Call) -> Answer {
    let wanted: CreateCatalog = call.body()?;
    let name = checked_name(&wanted.name)?;
    let storage_root = match &wanted.storage_root {
        Some(root) => Some(places::covered(&region.records, root)?),
        None => None,
    };
    let mut writing = region.records.write();
    if region.records.text(Kind::Catalog, &name).is_some() {
        return Err(Refusal::exists("CATALOG", &name));
    }
    let catalog = CatalogInfo {
        comment: wanted.comment,
        properties: wanted.properties,
        options: wanted.options,
        owner: Some(region.user(call.caller)),
        storage_root,
        ..new(region, &name, wanted.id)
    };
    put(region, &mut writing, &catalog);
    writing.commit()?;
    answer(&catalog)
}

/// A catalog of this name without anything of its own.
fn new(region: &Region, name: &str, id: Option<String>) -> CatalogInfo {
    let now = region.now_ms();
    CatalogInfo {
        name: name.to_owned(),
        id: Some(id.unwrap_or_else(|| Uuid::new_v4().to_string())),
        catalog_type: Some("MANAGED_CATALOG".to_owned()),
        isolation_mode: Some(ISOLATION_OPEN.to_owned()),
        metastore_id: Some(region.identity.metastore_id.clone()),
        created_at: Some(now),
        updated_at: Some(now),
        ..CatalogInfo::default()
    }
}

/// Puts a new catalog with the schemas that every catalog has.
fn put(region: &Region, writing: &mut Writing<'_>, catalog: &CatalogInfo) {
    writing.put(Kind::Catalog, &catalog.name, catalog);
    for schema in BUILT_IN_SCHEMAS {
        let full_name = format!("{}.{schema}", catalog.name);
        let info = SchemaInfo {
            name: schema.to_owned(),
            catalog_name: catalog.name.clone(),
            full_name: Some(full_name.clone()),
            schema_id: Some(Uuid::new_v4().to_string()),
            comment: Some(format!("{schema} schema (auto-created)")),
            owner: catalog.owner.clone(),
            created_at: Some(region.now_ms()),
            updated_at: Some(region.now_ms()),
            ..SchemaInfo::default()
        };
        writing.put(Kind::Schema, full_name, &info);
    }
}

/// Puts a catalog of the seed.
pub fn seed(region: &Region, writing: &mut Writing<'_>, name: &str, comment: &str, storage_root: String) {
    let catalog = CatalogInfo {
        comment: Some(comment.to_owned()),
        owner: Some(region.identity.admin_name.clone()),
        storage_root: Some(storage_root),
        ..new(region, name, None)
    };
    put(region, writing, &catalog);
}

pub fn update(region: &Region, call: &Call, name: &str) -> Answer {
    let wanted: UpdateCatalog = call.body()?;
    let name = name.to_lowercase();
    wanted.owner.iter().try_for_each(|owner| principals::check(&region.records, owner))?;
    // Waits for commits that were allowed before, should this shut them out.
    let _gate = region.commit_gate.write();
    let mut writing = region.records.write();
    let mut catalog = match region.catalog(call.caller, &name) {
        // Its owner brings an unbound catalog back from any workspace.
        Err(refusal) if refusal.status != 403 => return Err(refusal),
        _ => region.catalog(Caller::Replication, &name)?,
    };
    let before = Securable::new(Type::Catalog, &name);
    if let Some(mode) = &wanted.isolation_mode {
        if ![ISOLATION_OPEN, ISOLATION_ISOLATED].contains(&mode.as_str()) {
            return Err(Refusal::invalid(format!("The isolation_mode {mode:?} is unknown. Use OPEN or ISOLATED.")));
        }
        catalog.isolation_mode = Some(mode.clone());
    }
    catalog.comment = wanted.comment.or(catalog.comment);
    catalog.owner = wanted.owner.or(catalog.owner);
    catalog.properties = wanted.properties.unwrap_or(catalog.properties);
    catalog.updated_at = Some(region.now_ms());
    match wanted.new_name.filter(|new_name| !new_name.eq_ignore_ascii_case(&name)) {
        None => writing.put(Kind::Catalog, &name, &catalog),
        Some(new_name) => {
            catalog.name = checked_name(&new_name)?;
            if region.records.text(Kind::Catalog, &catalog.name).is_some() {
                return Err(Refusal::exists("CATALOG", &catalog.name));
            }
            // What holds its files stays where it is, under the old name.
            writing.delete(Kind::Catalog, &name);
            writing.put(Kind::Catalog, &catalog.name, &catalog);
            rename::with_contents(region, &mut writing, &before, &catalog.name);
        }
    }
    // The workspace that isolates a catalog stays bound to it, as in a real region, whatever its name is then.
    if wanted.isolation_mode.as_deref() == Some(ISOLATION_ISOLATED) {
        bindings::put_own(region, &mut writing, &before, &Securable::new(Type::Catalog, &catalog.name));
    }
    writing.commit()?;
    answer(&catalog)
}

pub fn delete(region: &Region, call: &Call, name: &str) -> Answer {
    let name = name.to_lowercase();
    let mut writing = region.records.write();
    region.writable_catalog(call.caller, &name)?;
    let prefix = format!("{name}.");
    let holds = |kind| region.records.any(kind, &prefix);
    let schemas: Vec<SchemaInfo> = region.records.all(Kind::Schema, &prefix);
    let own_schemas = schemas.iter().any(|schema| !BUILT_IN_SCHEMAS.contains(&schema.name.as_str()));
    if !call.flag("force")
        && (own_schemas || holds(Kind::Table) || holds(Kind::Volume) || holds(Kind::Function) || holds(Kind::Model))
    {
        return Err(Refusal::new(
            400,
            "CATALOG_NOT_EMPTY",
            format!("The catalog '{name}' is not empty. Drop what is in it first, or use force=true."),
        ));
    }
    rename::drop_contents(region, &mut writing, &name);
    Securable::new(Type::Catalog, &name).forget(region, &mut writing);
    writing.delete(Kind::Catalog, &name);
    writing.commit()?;
    done()
}
