//! Who may do what: owners, grants that are handed down, and the calls that they allow.
//!
//! The account's admin and the product's service principal are metastore admins, and may do everything.

use super::securable::{Securable, Type};
use super::{places, tags};
use crate::sandbox::call::{Call, Caller};
use crate::sandbox::principals;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use axum::http::Method;
use serde_json::Value;

/// Privileges that `ALL_PRIVILEGES` leaves out.
const APART: [&str; 3] = ["MANAGE", "EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"];

const IN_METASTORE: &[&str] = &[
    "CREATE_CATALOG",
    "CREATE_CLEAN_ROOM",
    "CREATE_CONNECTION",
    "CREATE_EXTERNAL_LOCATION",
    "CREATE_PROVIDER",
    "CREATE_RECIPIENT",
    "CREATE_SERVICE_CREDENTIAL",
    "CREATE_SHARE",
    "CREATE_STORAGE_CREDENTIAL",
    "MANAGE_ALLOWLIST",
    "SET_SHARE_PERMISSION",
    "USE_MARKETPLACE_ASSETS",
    "USE_PROVIDER",
    "USE_RECIPIENT",
    "USE_SHARE",
    "USE_CONNECTION",
];
const IN_TABLE: &[&str] = &["ALL_PRIVILEGES", "APPLY_TAG", "MANAGE", "MODIFY", "SELECT"];
const IN_VOLUME: &[&str] = &["ALL_PRIVILEGES", "APPLY_TAG", "MANAGE", "READ_VOLUME", "WRITE_VOLUME"];
const IN_FUNCTION: &[&str] = &["ALL_PRIVILEGES", "EXECUTE", "MANAGE"];
const IN_MODEL: &[&str] = &["ALL_PRIVILEGES", "APPLY_TAG", "CREATE_MODEL_VERSION", "EXECUTE", "MANAGE"];
const IN_SCHEMA: &[&str] = &[
    "CREATE_FUNCTION",
    "CREATE_MATERIALIZED_VIEW",
    "CREATE_MODEL",
    "CREATE_TABLE",
    "CREATE_VOLUME",
    "EXTERNAL_USE_SCHEMA",
    "REFRESH",
    "USE_SCHEMA",
];
const IN_CATALOG: &[&str] = &["BROWSE", "CREATE_SCHEMA", "USE_CATALOG"];
const IN_LOCATION: &[&str] = &[
    "ALL_PRIVILEGES",
    "BROWSE",
    "CREATE_EXTERNAL_TABLE",
    "CREATE_EXTERNAL_VOLUME",
    "CREATE_FOREIGN_SECURABLE",
    "CREATE_MANAGED_STORAGE",
    "EXTERNAL_USE_LOCATION",
    "MANAGE",
    "READ_FILES",
    "WRITE_FILES",
];
const IN_CREDENTIAL: &[&str] =
    &["ALL_PRIVILEGES", "CREATE_EXTERNAL_LOCATION", "CREATE_EXTERNAL_TABLE", "MANAGE", "READ_FILES", "WRITE_FILES"];

/// Whether a privilege can be granted on this type. A schema and a catalog hand theirs down.
pub fn fits(of: Type, privilege: &str) -> bool {
    let lists: &[&[&str]] = match of {
        Type::Metastore => &[IN_METASTORE],
        Type::Table => &[IN_TABLE],
        Type::Volume => &[IN_VOLUME],
        Type::Function => &[IN_FUNCTION],
        Type::Model => &[IN_MODEL],
        Type::Schema => &[IN_SCHEMA, IN_TABLE, IN_VOLUME, IN_FUNCTION, IN_MODEL],
        Type::Catalog => &[IN_CATALOG, IN_SCHEMA, IN_TABLE, IN_VOLUME, IN_FUNCTION, IN_MODEL],
        Type::ExternalLocation => &[IN_LOCATION],
        Type::StorageCredential => &[IN_CREDENTIAL],
    };
    lists.iter().any(|list| list.contains(&privilege))
}

/// A caller whose privileges count, with every name that it is granted them under.
struct Asker<'a> {
    region: &'a Region,
    names: Vec<String>,
}

impl<'a> Asker<'a> {
    /// None for those who may do everything.
    fn of(region: &'a Region, caller: Caller) -> Option<Self> {
        matches!(caller, Caller::Principal(_)).then(|| Self { region, names: principals::names_of(region, caller) })
    }

    fn owns(&self, securable: &Securable) -> bool {
        securable.owner(self.region).is_some_and(|owner| self.names.contains(&owner))
    }

    fn granted(&self, on: &Securable, allows: impl Fn(&str) -> bool) -> bool {
        let grants = on.grants(self.region).privilege_assignments.into_iter();
        grants.filter(|a| self.names.contains(&a.principal)).any(|a| a.privileges.iter().any(|p| allows(p)))
    }

    /// Whether it holds the privilege there, by a grant on it or on what holds it, or as its owner.
    fn holds(&self, on: &Securable, privilege: &str) -> bool {
        let allows = |held: &str| held == privilege || held == "ALL_PRIVILEGES" && !APART.contains(&privilege);
        self.owns(on) || on.chain(self.region).iter().any(|from| self.granted(from, allows))
    }

    /// Whether it may change and drop it, and grant on it.
    fn manages(&self, on: &Securable) -> bool {
        let chain = on.chain(self.region);
        chain
            .iter()
            .any(|from| from.of != Type::Metastore && (self.owns(from) || self.granted(from, |p| p == "MANAGE")))
    }

    /// Whether it holds anything there that this type can be granted.
    fn sees(&self, on: &Securable) -> bool {
        self.manages(on)
            || self.granted(on, |_| true)
            || on.chain(self.region).iter().any(|from| {
                from.of != Type::Metastore
                    && self.granted(from, |p| p == "BROWSE" || p == "ALL_PRIVILEGES" || from != on && fits(on.of, p))
            })
    }

    fn lacks(&self, on: &Securable, privilege: &str) -> Refusal {
        Refusal::denied(format!(
            "User does not have {} on {} '{}'.",
            privilege.replace('_', " "),
            on.of.words(),
            on.name
        ))
    }

    fn need(&self, on: &Securable, privilege: &str) -> Result<(), Refusal> {
        self.need_use(on)?;
        if self.holds(on, privilege) { Ok(()) } else { Err(self.lacks(on, privilege)) }
    }

    /// What holds a securable must be open to a caller that asks for something in it.
    fn need_use(&self, on: &Securable) -> Result<(), Refusal> {
        for from in on.chain(self.region).iter().skip(1) {
            let privilege = match from.of {
                Type::Catalog => "USE_CATALOG",
                Type::Schema => "USE_SCHEMA",
                _ => continue,
            };
            if !self.holds(from, privilege) {
                return Err(self.lacks(from, privilege));
            }
        }
        Ok(())
    }

    fn need_manage(&self, on: &Securable) -> Result<(), Refusal> {
        if self.manages(on) { Ok(()) } else { Err(self.lacks(on, "MANAGE")) }
    }

    fn need_see(&self, on: &Securable) -> Result<(), Refusal> {
        if self.sees(on) { Ok(()) } else { Err(self.lacks(on, "BROWSE")) }
    }
}

/// Whether a list shows the caller this record of a type.
pub fn shows(region: &Region, caller: Caller, of: Type, body: &str) -> bool {
    let Some(asker) = Asker::of(region, caller) else { return true };
    let record: Value = serde_json::from_str(body).unwrap_or_default();
    let name = record["full_name"].as_str().or_else(|| record["name"].as_str()).unwrap_or_default();
    asker.sees(&Securable::new(of, name))
}

/// Fails where the caller may not make this call.
pub fn admit(region: &Region, call: &Call, path: &[&str]) -> Result<(), Refusal> {
    let Some(asker) = Asker::of(region, call.caller) else { return Ok(()) };
    let field = |name: &str| call.body[name].as_str().unwrap_or_default().to_owned();
    let asked = |name: &str| call.query.get(name).cloned().unwrap_or_default();
    let schema = |catalog: String, schema: String| Securable::new(Type::Schema, &format!("{catalog}.{schema}"));
    let is_read = call.method == Method::GET;
    match (&call.method, path) {
        (&Method::POST, ["catalogs"]) => asker.need(&Securable::metastore(region), "CREATE_CATALOG"),
        (&Method::POST, ["schemas"]) => {
            asker.need(&Securable::new(Type::Catalog, &field("catalog_name")), "CREATE_SCHEMA")
        }
        (&Method::GET, ["schemas"]) => asker.need_see(&Securable::new(Type::Catalog, &asked("catalog_name"))),
        (&Method::GET, ["tables" | "volumes" | "functions" | "models"]) => {
            let schema = schema(asked("catalog_name"), asked("schema_name"));
            asker.need(&schema, "USE_SCHEMA").or_else(|refusal| asker.need_see(&schema).map_err(|_| refusal))
        }
        (&Method::POST, ["functions"]) => {
            let info = &call.body["function_info"];
            let part = |name: &str| info[name].as_str().unwrap_or_default().to_owned();
            asker.need(&schema(part("catalog_name"), part("schema_name")), "CREATE_FUNCTION")
        }
        (&Method::POST, [what @ ("tables" | "staging-tables" | "volumes" | "models")]) => {
            let privilege = match *what {
                "volumes" => "CREATE_VOLUME",
                "models" => "CREATE_MODEL",
                _ => "CREATE_TABLE",
            };
            let parent = schema(field("catalog_name"), field("schema_name"));
            asker.need(&parent, "USE_SCHEMA")?;
            asker.need(&parent, privilege)
        }
        (&Method::POST, ["external-locations"]) => {
            asker.need(&Securable::metastore(region), "CREATE_EXTERNAL_LOCATION")?;
            asker.need(&Securable::new(Type::StorageCredential, &field("credential_name")), "CREATE_EXTERNAL_LOCATION")
        }
        (&Method::POST, ["storage-credentials" | "credentials"]) => {
            asker.need(&Securable::metastore(region), "CREATE_STORAGE_CREDENTIAL")
        }
        (&Method::POST, ["policies"]) => {
            asker.need_manage(&Securable::known(region, &field("on_securable_type"), &field("on_securable_fullname"))?)
        }
        (&Method::POST, ["entity-tag-assignments"]) => {
            let (_, securable) = tags::entity(region, &field("entity_type"), &field("entity_name"))?;
            asker.need(&securable, "APPLY_TAG")
        }
        (_, ["entity-tag-assignments", kind, name, ..]) => {
            let (_, securable) = tags::entity(region, kind, name)?;
            if is_read { asker.need_see(&securable) } else { asker.need(&securable, "APPLY_TAG") }
        }
        (&Method::POST, ["temporary-table-credentials"]) => table_credentials(&asker, call),
        (&Method::POST, ["temporary-path-credentials"]) => path_credentials(&asker, call),
        (_, ["permissions" | "effective-permissions" | "bindings" | "policies", kind, name, ..]) => {
            let securable = Securable::known(region, kind, name)?;
            if is_read { asker.need_see(&securable) } else { asker.need_manage(&securable) }
        }
        (_, [plural, name, ..]) => {
            let singular = if *plural == "models" { "registered_model" } else { plural.trim_end_matches('s') };
            match Type::parse(singular) {
                Some(of) if is_read => asker.need_see(&Securable::new(of, name)),
                Some(of) => asker.need_manage(&Securable::new(of, name)),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn table_credentials(asker: &Asker<'_>, call: &Call) -> Result<(), Refusal> {
    let id = call.body["table_id"].as_str().unwrap_or_default();
    let Some((kind, name)) = asker.region.records.table_by_id(id) else { return Ok(()) };
    let table = Securable::new(Type::Table, &name);
    if kind == crate::sandbox::records::Kind::StagingTable {
        return Ok(());
    }
    asker.need(&table, "SELECT")?;
    if call.body["operation"] == "READ_WRITE" {
        asker.need(&table, "MODIFY")?;
    }
    // Clients outside of the workspace need a privilege of its own, which no other one holds.
    match table.parent(asker.region) {
        Some(schema) => asker.need(&schema, "EXTERNAL_USE_SCHEMA"),
        None => Ok(()),
    }
}

fn path_credentials(asker: &Asker<'_>, call: &Call) -> Result<(), Refusal> {
    let url = call.body["url"].as_str().unwrap_or_default();
    let Some(location) = places::covering_location(&asker.region.records, url) else {
        return Err(Refusal::denied(format!("No external location that you may use covers '{url}'.")));
    };
    let location = Securable::new(Type::ExternalLocation, &location.name);
    let privilege = match call.body["operation"].as_str() {
        Some("PATH_READ") => "READ_FILES",
        Some("PATH_CREATE_TABLE") => "CREATE_EXTERNAL_TABLE",
        _ => "WRITE_FILES",
    };
    asker.need(&location, privilege)?;
    asker.need(&location, "EXTERNAL_USE_LOCATION")
}
