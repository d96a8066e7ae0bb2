//! What a region holds when it is new: everything in the primary, and in the secondary the same jobs, at rest.

mod every_kind;
mod identities;
mod shapes;
mod tables;
mod unsupported;
mod workspace;

use super::SandboxError;
use super::records::{Kind, Writing};
use super::region::Region;
use super::roles::MISSION_CRITICAL;
use super::unity_catalog::seed_catalog;
use crate::wire::sandbox::MissionCritical;
use crate::wire::unity_catalog::{
    ExternalLocationInfo, FunctionInfo, ISOLATION_MODE_OPEN, Permissions, PrivilegeAssignment, SchemaInfo,
    StorageCredentialInfo, TABLE_VIEW, TableInfo, VolumeInfo,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shapes::{CATALOGS, CatalogPlan, LOCATIONS, TABLES, TablePlan, VIEWS};
use std::collections::HashSet;
use tables::Seat;
use uuid::Uuid;

/// How much is seeded. Counts only once.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct SeedPlan {
    pub tables: Option<usize>,
    pub catalogs: Option<usize>,
    pub seed: u64,
    #[serde(default)]
    pub every_kind: bool,
}

/// Key of the setting that says that the seed is complete.
pub(super) const SEEDED: &str = "seeded";
/// At least this many managed tables.
const FEWEST_TABLES: usize = 12;
/// The schema that holds the small tables.
const SMALL_SCHEMA: &str = "archive";
const CONVERTER: &str = "finance.ledger.to_eur";

/// Fills a region that is not seeded yet, whatever an earlier try left behind.
pub(super) fn seed(region: &Region, plan: &SeedPlan, primary: bool) -> Result<(), SandboxError> {
    for folder in ["storage", "tmp"].map(|name| region.folder.join(name)) {
        match std::fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(SandboxError::disk("emptied", &folder)(e));
            }
            _ => std::fs::create_dir_all(&folder).map_err(SandboxError::disk("created", &folder))?,
        }
    }
    let mut writing = region.records.write();
    writing.clear_but(Kind::Setting);
    seed_storage(region, &mut writing)?;
    let mut names = HashSet::new();
    if primary {
        names = seed_catalogs(region, &mut writing, plan)?;
    }
    identities::seed(region, &mut writing, primary);
    match (plan.every_kind, primary) {
        (true, false) => every_kind::seed_secondary(region, &mut writing),
        (more, _) => {
            workspace::seed(region, &mut writing, primary, &|name| !primary || names.contains(name));
            if more {
                every_kind::seed_primary(region, &mut writing, plan.seed)?;
            }
        }
    }
    writing.put(Kind::Setting, MISSION_CRITICAL, &MissionCritical { enabled: true });
    // One sync for all files; the record that says so comes after them.
    sync_all(region)?;
    writing.put(Kind::Setting, SEEDED, &true);
    writing.commit()
}

/// Adds what a region that an earlier version made has not got yet.
pub(super) fn complete(region: &Region, primary: bool) -> Result<(), SandboxError> {
    if region.records.any(Kind::Principal, "") {
        return Ok(());
    }
    let mut writing = region.records.write();
    identities::seed(region, &mut writing, primary);
    if region.records.text(Kind::Function, CONVERTER).is_some() {
        writing.put(Kind::Function, CONVERTER, &converter());
    }
    writing.commit()
}

fn sync_all(region: &Region) -> Result<(), SandboxError> {
    let folder = std::fs::File::open(&region.folder).map_err(SandboxError::disk("read", &region.folder))?;
    rustix::fs::syncfs(folder).map_err(|e| SandboxError::disk("synced", &region.folder)(e.into()))
}

fn seed_storage(region: &Region, writing: &mut Writing<'_>) -> Result<(), SandboxError> {
    let owner = Some(region.identity.admin_name.clone());
    let credential = format!("{}-storage", region.name());
    let id = Uuid::new_v4().to_string();
    writing.put(
        Kind::StorageCredential,
        &credential,
        &StorageCredentialInfo {
            name: credential.clone(),
            id: Some(id.clone()),
            isolation_mode: Some(ISOLATION_MODE_OPEN.to_owned()),
            owner: owner.clone(),
            ..StorageCredentialInfo::default()
        },
    );
    for (name, comment) in LOCATIONS {
        let folder = region.folder.join("storage").join(name);
        std::fs::create_dir_all(&folder).map_err(SandboxError::disk("created", &folder))?;
        let location = ExternalLocationInfo {
            name: name.to_owned(),
            url: format!("{}/{name}", region.identity.storage_root),
            credential_name: Some(credential.clone()),
            credential_id: Some(id.clone()),
            isolation_mode: Some(ISOLATION_MODE_OPEN.to_owned()),
            read_only: Some(false),
            comment: Some(comment.to_owned()),
            owner: owner.clone(),
        };
        writing.put(Kind::ExternalLocation, name, &location);
    }
    Ok(())
}

/// Seeds the catalogs and returns the names of their managed tables.
fn seed_catalogs(region: &Region, writing: &mut Writing<'_>, plan: &SeedPlan) -> Result<HashSet<String>, SandboxError> {
    for catalog in &CATALOGS {
        put_catalog(region, writing, catalog);
    }
    let extra: Vec<String> = (CATALOGS.len()..plan.catalogs.unwrap_or_default())
        .map(|number| format!("business_unit_{:03}", number + 1 - CATALOGS.len()))
        .collect();
    for name in &extra {
        seed_catalog(region, writing, name, "A business unit", format!("{}/lake/{name}", region.identity.storage_root));
        put_schema(region, writing, name, SMALL_SCHEMA);
    }

    // Without a number each further catalog gets one small table.
    let total = plan.tables.map_or(TABLES.len() + extra.len(), |tables| tables.max(FEWEST_TABLES));
    let shaped: Vec<(Seat, &TablePlan)> = TABLES
        .iter()
        .take(total)
        .map(|table| (Seat::new(region, location_of(table.catalog), table.catalog, table.schema, table.name), table))
        .collect();
    tables::write_shaped(region, &shaped, plan.seed)?;
    fail::fail_point!("sandbox.mid_seed");
    for (seat, _) in &shaped {
        writing.put(Kind::Table, seat.full_name(), &seat.entry(region)?);
    }

    let small = small_seats(region, writing, &extra, total - shaped.len());
    tables::write_small(region, writing, &small, plan.seed)?;
    seed_views(region, writing);
    seed_other(region, writing);
    unsupported::seed(region, writing, plan.seed)?;
    Ok(shaped.iter().map(|(seat, _)| seat).chain(&small).map(Seat::full_name).collect())
}

fn location_of(catalog: &str) -> &'static str {
    CATALOGS.iter().find(|c| c.name == catalog).map_or("lake", |c| c.location)
}

fn put_catalog(region: &Region, writing: &mut Writing<'_>, plan: &CatalogPlan) {
    let root = format!("{}/{}/{}", region.identity.storage_root, plan.location, plan.name);
    seed_catalog(region, writing, plan.name, plan.comment, root);
    for schema in plan.schemas {
        put_schema(region, writing, plan.name, schema);
    }
}

fn put_schema(region: &Region, writing: &mut Writing<'_>, catalog: &str, name: &str) {
    let full_name = format!("{catalog}.{name}");
    let schema = SchemaInfo {
        name: name.to_owned(),
        catalog_name: catalog.to_owned(),
        full_name: Some(full_name.clone()),
        schema_id: Some(Uuid::new_v4().to_string()),
        owner: Some(region.identity.admin_name.clone()),
        created_at: Some(region.now_ms()),
        updated_at: Some(region.now_ms()),
        ..SchemaInfo::default()
    };
    writing.put(Kind::Schema, full_name, &schema);
}

/// Spreads `count` small tables over the further catalogs, or over all where there are none.
fn small_seats(region: &Region, writing: &mut Writing<'_>, extra: &[String], count: usize) -> Vec<Seat> {
    let catalogs: Vec<&str> = if extra.is_empty() {
        CATALOGS.iter().map(|c| c.name).collect()
    } else {
        extra.iter().map(String::as_str).collect()
    };
    if extra.is_empty() && count > 0 {
        for catalog in &catalogs {
            put_schema(region, writing, catalog, SMALL_SCHEMA);
        }
    }
    let numbered = catalogs.iter().cycle().zip(0..count);
    numbered
        .map(|(catalog, number)| {
            Seat::new(region, location_of(catalog), catalog, SMALL_SCHEMA, &format!("snapshot_{:05}", number + 1))
        })
        .collect()
}

fn seed_views(region: &Region, writing: &mut Writing<'_>) {
    for (catalog, schema, name, definition) in VIEWS {
        let seat = Seat::new(region, location_of(catalog), catalog, schema, name);
        let source = definition.split_whitespace().skip_while(|word| *word != "FROM").nth(1).unwrap_or_default();
        let view = TableInfo {
            table_type: TABLE_VIEW.to_owned(),
            table_id: Some(Uuid::new_v4().to_string()),
            view_definition: Some(definition.to_owned()),
            view_dependencies: Some(json!({"dependencies": [{"table": {"table_full_name": source}}]})),
            ..seat.bare_entry(region)
        };
        writing.put(Kind::Table, seat.full_name(), &view);
    }
}

/// The seeded function, with all that a region wants to know when a function is created.
fn converter() -> FunctionInfo {
    let parameter = |name: &str, position: u8| {
        json!({"name": name, "position": position, "type_name": "DOUBLE", "type_text": "double",
            "type_json": format!(r#"{{"name":"{name}","type":"double","nullable":true,"metadata":{{}}}}"#)})
    };
    let definition = json!({
        "data_type": "DOUBLE",
        "full_data_type": "DOUBLE",
        "input_params": {"parameters": [parameter("amount", 0), parameter("rate", 1)]},
        "routine_body": "SQL",
        "parameter_style": "S",
        "is_deterministic": true,
        "sql_data_access": "CONTAINS_SQL",
        "is_null_call": true,
        "security_type": "DEFINER",
        "specific_name": "to_eur",
    });
    FunctionInfo {
        name: "to_eur".to_owned(),
        catalog_name: "finance".to_owned(),
        schema_name: "ledger".to_owned(),
        full_name: Some(CONVERTER.to_owned()),
        comment: Some("Converts an amount".to_owned()),
        routine_definition: Some("amount * rate".to_owned()),
        other: definition.as_object().cloned().unwrap_or_default(),
    }
}

/// A volume, a function and some grants.
fn seed_other(region: &Region, writing: &mut Writing<'_>) {
    let owner = Some(region.identity.admin_name.clone());
    let volume = VolumeInfo {
        name: "uploads".to_owned(),
        catalog_name: "sales".to_owned(),
        schema_name: "customers".to_owned(),
        volume_type: "EXTERNAL".to_owned(),
        volume_id: Some(Uuid::new_v4().to_string()),
        full_name: Some("sales.customers.uploads".to_owned()),
        storage_location: Some(format!("{}/landing/uploads", region.identity.storage_root)),
        owner: owner.clone(),
        ..VolumeInfo::default()
    };
    writing.put(Kind::Volume, "sales.customers.uploads", &volume);
    writing.put(Kind::Function, CONVERTER, &converter());
    for (catalog, group) in [("sales", "sales-analysts"), ("finance", "controllers"), ("operations", "plant-engineers")]
    {
        let privileges = ["SELECT", "USE_CATALOG", "USE_SCHEMA"].map(str::to_owned).to_vec();
        let grants = Permissions {
            privilege_assignments: vec![PrivilegeAssignment { principal: group.to_owned(), privileges }],
            ..Permissions::default()
        };
        writing.put(Kind::Grants, format!("catalog/{catalog}"), &grants);
    }
}
