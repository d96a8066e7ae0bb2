//! Grants, owners, tags and policies.

use super::{Caller, InMemoryRegion, Known, Refusal, split};
use crate::connect::region::{AccessApi, Answer};
use crate::wire::error;
use crate::wire::unity_catalog::{
    self as uc, EntityTagAssignment, Leftover, PolicyInfo, PrivilegeAssignment, Securable, UpdatePermissions,
};
use std::collections::{BTreeMap, BTreeSet};

/// What is kept beside the objects themselves.
#[derive(Debug, Default)]
pub(super) struct Guards {
    /// Users, groups and service principals that the workspace knows.
    pub(super) principals: BTreeSet<String>,
    /// By object, then principal.
    grants: BTreeMap<(Securable, String), BTreeMap<String, BTreeSet<String>>>,
    /// By entity type, entity and key.
    tags: BTreeMap<(String, String, String), Option<String>>,
    /// By object.
    policies: BTreeMap<(Securable, String), Vec<String>>,
    /// Calls that the region doesn't serve, by the first part of their path.
    unserved: BTreeSet<String>,
}

impl Guards {
    pub(super) fn of(region: &str) -> Self {
        let principals = [format!("console@{region}"), format!("user@{region}"), "account users".to_owned()];
        Self { principals: principals.into(), ..Self::default() }
    }

    /// Nothing is kept of an object that is gone, nor of what lay in it.
    pub(super) fn forget(&mut self, of: Securable, name: &str) {
        let prefix = format!("{name}.");
        let is_gone = |kind: Securable, known: &str| known == name && kind == of || known.starts_with(&prefix);
        self.grants.retain(|(kind, known), _| !is_gone(*kind, known));
        self.policies.retain(|(kind, known), _| !is_gone(*kind, known));
        let entity = of.entity_type();
        self.tags.retain(|(kind, known, _), _| {
            !(Some(kind.as_str()) == entity && known == name || known.starts_with(&prefix))
        });
    }
}

/// Whether a privilege can be granted on this type.
fn fits(of: Securable, privilege: &str) -> bool {
    let own: &[&str] = match of {
        Securable::Table => &["SELECT", "MODIFY", "APPLY_TAG"],
        Securable::Volume => &["READ_VOLUME", "WRITE_VOLUME", "APPLY_TAG"],
        Securable::Function => &["EXECUTE"],
        Securable::Schema => &["USE_SCHEMA", "CREATE_TABLE", "SELECT", "MODIFY", "EXECUTE", "READ_VOLUME"],
        Securable::Catalog => &["USE_CATALOG", "USE_SCHEMA", "CREATE_SCHEMA", "SELECT", "MODIFY", "BROWSE"],
        Securable::ExternalLocation => &["READ_FILES", "WRITE_FILES", "CREATE_EXTERNAL_TABLE"],
    };
    ["ALL_PRIVILEGES", "MANAGE"].contains(&privilege) || own.contains(&privilege)
}

impl InMemoryRegion {
    /// The principal of the handle's caller.
    pub(super) fn my_name(&self) -> String {
        let who = if self.caller == Caller::Replication { "console" } else { "user" };
        format!("{who}@{}", self.shared.region)
    }

    /// Lets the workspace know a user, group or service principal.
    pub fn add_principal(&self, name: &str) {
        self.known().guards.principals.insert(name.to_owned());
    }

    /// Puts attribute policies on an object, or takes them away with none.
    pub fn put_policies(&self, of: Securable, name: &str, policies: &[&str]) {
        let policies = policies.iter().map(|name| (*name).to_owned()).collect();
        self.known().guards.policies.insert((of, name.to_owned()), policies);
    }

    /// Renames a table or view within its schema, as SQL does: id, location, grants and tags stay.
    pub fn rename_table(&self, full_name: &str, new_name: &str) {
        let mut known = self.known();
        let Some(mut table) = known.tables.remove(full_name) else { return };
        table.name = new_name.to_owned();
        let after = format!("{}.{}.{new_name}", table.catalog_name, table.schema_name);
        table.full_name = Some(after.clone());
        known.tables.insert(after.clone(), table);
        if let Some(granted) = known.guards.grants.remove(&(Securable::Table, full_name.to_owned())) {
            known.guards.grants.insert((Securable::Table, after), granted);
        }
    }

    /// Gives a table columns, as its log would.
    pub fn describe(&self, table: &str, columns: &[&str]) {
        let column = |name: &&str| uc::ColumnInfo { name: (*name).to_owned(), ..uc::ColumnInfo::default() };
        if let Some(info) = self.known().tables.get_mut(table) {
            info.columns = columns.iter().map(column).collect();
        }
    }

    /// From now on the region has no call whose path begins so, such as `permissions`.
    pub fn do_not_serve(&self, path: &str) {
        self.known().guards.unserved.insert(path.to_owned());
    }

    pub(super) fn served(&self, known: &Known, path: &str) -> Result<(), Refusal> {
        match known.guards.unserved.contains(path) {
            true => Err(Refusal::new(404, "ENDPOINT_NOT_FOUND", format!("No API found for '{path}'."))),
            false => Ok(()),
        }
    }

    fn principal(&self, known: &Known, name: &str) -> Result<(), Refusal> {
        match known.guards.principals.contains(name) {
            true => Ok(()),
            false => {
                let sentence = format!("Could not find principal with name {name}.");
                Err(Refusal::new(404, error::PRINCIPAL_DOES_NOT_EXIST, sentence))
            }
        }
    }

    /// The object's key; a refusal where there is none.
    fn securable(&self, known: &Known, of: Securable, name: &str) -> Result<(Securable, String), Refusal> {
        let name = name.to_lowercase();
        let (what, is_there) = match of {
            Securable::Catalog => ("CATALOG", known.catalogs.contains_key(&name)),
            Securable::Schema => ("SCHEMA", known.schemas.contains_key(&name)),
            Securable::Table => ("TABLE", known.tables.contains_key(&name)),
            Securable::Volume => ("VOLUME", known.volumes.contains_key(&name)),
            Securable::Function => ("FUNCTION", known.functions.contains_key(&name)),
            Securable::ExternalLocation => {
                ("EXTERNAL_LOCATION", known.external_locations.iter().any(|location| location.name == name))
            }
        };
        if is_there { Ok((of, name)) } else { Err(Refusal::missing(what, &name)) }
    }

    fn list_grants(&self, of: Securable, name: &str) -> Result<Vec<PrivilegeAssignment>, Refusal> {
        let known = self.known();
        self.served(&known, "permissions")?;
        let at = self.securable(&known, of, name)?;
        let granted = known.guards.grants.get(&at).into_iter().flatten();
        let assignment = |(principal, privileges): (&String, &BTreeSet<String>)| PrivilegeAssignment {
            principal: principal.clone(),
            privileges: privileges.iter().cloned().collect(),
        };
        Ok(granted.map(assignment).collect())
    }

    fn change_grants(&self, of: Securable, name: &str, change: &UpdatePermissions) -> Result<(), Refusal> {
        let mut known = self.known();
        self.served(&known, "permissions")?;
        let at = self.securable(&known, of, name)?;
        for change in &change.changes {
            if !change.add.is_empty() {
                self.principal(&known, &change.principal)?;
            }
            if let Some(wrong) = change.add.iter().find(|privilege| !fits(of, privilege)) {
                return Err(Refusal::invalid(format!("Privilege {wrong} is not applicable to this entity {name}.")));
            }
        }
        let granted = known.guards.grants.entry(at).or_default();
        for change in &change.changes {
            let held = granted.entry(change.principal.clone()).or_default();
            held.retain(|privilege| !change.remove.contains(privilege));
            held.extend(change.add.iter().cloned());
        }
        granted.retain(|_, held| !held.is_empty());
        Ok(())
    }

    fn change_owner(&self, of: Securable, name: &str, owner: &str) -> Result<(), Refusal> {
        let mut known = self.known();
        let (_, name) = self.securable(&known, of, name)?;
        self.principal(&known, owner)?;
        let owner = Some(owner.to_owned());
        match of {
            Securable::Catalog => set(known.catalogs.get_mut(&name).map(|info| &mut info.owner), owner),
            Securable::Schema => set(known.schemas.get_mut(&name).map(|info| &mut info.owner), owner),
            Securable::Table => set(known.tables.get_mut(&name).map(|info| &mut info.owner), owner),
            Securable::Volume => set(known.volumes.get_mut(&name).map(|info| &mut info.owner), owner),
            Securable::Function => {
                let function = known.functions.get_mut(&name);
                function.map(|info| info.other.insert("owner".to_owned(), owner.into()));
                Ok(())
            }
            Securable::ExternalLocation => {
                let location = known.external_locations.iter_mut().find(|location| location.name == name);
                set(location.map(|info| &mut info.owner), owner)
            }
        }
    }

    /// The key of an entity's tags; a refusal where there is no such entity.
    fn entity(&self, known: &Known, entity_type: &str, name: &str) -> Result<(String, String), Refusal> {
        let name = name.to_lowercase();
        let of = match entity_type {
            "catalogs" => Securable::Catalog,
            "schemas" => Securable::Schema,
            "tables" => Securable::Table,
            "volumes" => Securable::Volume,
            uc::ENTITY_COLUMNS => {
                let [catalog, schema, table, column] = split::<4>(&name)?;
                let table = known.tables.get(&format!("{catalog}.{schema}.{table}"));
                let has = |info: &uc::TableInfo| info.columns.iter().any(|c| c.name.eq_ignore_ascii_case(&column));
                return match table.is_some_and(has) {
                    true => Ok((entity_type.to_owned(), name)),
                    false => Err(Refusal::missing("COLUMN", &name)),
                };
            }
            other => return Err(Refusal::invalid(format!("The entity_type {other:?} is unknown."))),
        };
        self.securable(known, of, &name)?;
        Ok((entity_type.to_owned(), name))
    }

    fn list_tags(&self, entity_type: &str, name: &str) -> Result<Vec<EntityTagAssignment>, Refusal> {
        let known = self.known();
        self.served(&known, "entity-tag-assignments")?;
        let (kind, name) = self.entity(&known, entity_type, name)?;
        let of_entity = known.guards.tags.iter().filter(|((k, n, _), _)| *k == kind && *n == name);
        let tag = |((entity_type, entity_name, key), value): (&(String, String, String), &Option<String>)| {
            let (entity_type, entity_name) = (entity_type.clone(), entity_name.clone());
            EntityTagAssignment {
                entity_type,
                entity_name,
                tag_key: key.clone(),
                tag_value: value.clone(),
                ..EntityTagAssignment::default()
            }
        };
        Ok(of_entity.map(tag).collect())
    }

    /// Puts a tag where one of its key is there or not, as `is_new` says.
    fn put_tag(&self, tag: &EntityTagAssignment, is_new: bool) -> Result<(), Refusal> {
        let mut known = self.known();
        self.served(&known, "entity-tag-assignments")?;
        let (kind, name) = self.entity(&known, &tag.entity_type, &tag.entity_name)?;
        let at = (kind, name, tag.tag_key.clone());
        match (known.guards.tags.contains_key(&at), is_new) {
            (true, true) => Err(Refusal::exists("TAG_ASSIGNMENT", &tag.tag_key)),
            (false, false) => Err(Refusal::new(404, error::NOT_FOUND, "The tag is not assigned.")),
            _ => {
                known.guards.tags.insert(at, tag.tag_value.clone());
                Ok(())
            }
        }
    }

    fn drop_tag(&self, entity_type: &str, name: &str, key: &str) -> Result<(), Refusal> {
        let mut known = self.known();
        let (kind, name) = self.entity(&known, entity_type, name)?;
        let gone = known.guards.tags.remove(&(kind, name, key.to_owned()));
        gone.map(drop).ok_or_else(|| Refusal::new(404, error::NOT_FOUND, "The tag is not assigned."))
    }

    fn list_policies(&self, of: Securable, name: &str) -> Result<Vec<PolicyInfo>, Refusal> {
        let known = self.known();
        self.served(&known, "policies")?;
        let (_, name) = self.securable(&known, of, name)?;
        let above = |known: &str| name == known || name.starts_with(&format!("{known}."));
        let found = known.guards.policies.iter().filter(|((_, on), _)| above(on)).flat_map(|(_, names)| names);
        Ok(found.map(|name| PolicyInfo { name: name.clone(), ..PolicyInfo::default() }).collect())
    }
}

fn set(field: Option<&mut Option<String>>, owner: Option<String>) -> Result<(), Refusal> {
    if let Some(field) = field {
        *field = owner;
    }
    Ok(())
}

fn answer<'a, T: Send + 'a>(
    work: impl FnOnce() -> Result<T, crate::connect::ConnectError> + Send + 'a,
) -> Answer<'a, T> {
    Box::pin(async move { work() })
}

impl AccessApi for InMemoryRegion {
    fn me(&self) -> Answer<'_, String> {
        answer(|| self.call("GET /me", |region| Ok(region.my_name())))
    }

    fn grants<'a>(&'a self, of: Securable, name: &'a str) -> Answer<'a, Vec<PrivilegeAssignment>> {
        answer(move || {
            let call = format!("GET /permissions {} {name}", of.as_str());
            self.call(&call, |region| region.list_grants(of, name))
        })
    }

    fn update_grants<'a>(&'a self, of: Securable, name: &'a str, change: &'a UpdatePermissions) -> Answer<'a, ()> {
        answer(move || {
            let call = format!("PATCH /permissions {} {name}", of.as_str());
            self.call(&call, |region| region.change_grants(of, name, change))
        })
    }

    fn set_owner<'a>(&'a self, of: Securable, name: &'a str, owner: &'a str) -> Answer<'a, ()> {
        answer(move || {
            let call = format!("PATCH /owner {} {name}", of.as_str());
            self.call(&call, |region| region.change_owner(of, name, owner))
        })
    }

    fn tags<'a>(&'a self, entity_type: &'a str, name: &'a str) -> Answer<'a, Vec<EntityTagAssignment>> {
        answer(move || {
            let call = format!("GET /tags {entity_type} {name}");
            self.call(&call, |region| region.list_tags(entity_type, name))
        })
    }

    fn assign_tag<'a>(&'a self, tag: &'a EntityTagAssignment) -> Answer<'a, ()> {
        answer(move || {
            let call = format!("POST /tags {} {}", tag.entity_type, tag.entity_name);
            self.call(&call, |region| region.put_tag(tag, true))
        })
    }

    fn update_tag<'a>(&'a self, tag: &'a EntityTagAssignment) -> Answer<'a, ()> {
        answer(move || {
            let call = format!("PATCH /tags {} {}", tag.entity_type, tag.entity_name);
            self.call(&call, |region| region.put_tag(tag, false))
        })
    }

    fn remove_tag<'a>(&'a self, entity_type: &'a str, name: &'a str, key: &'a str) -> Answer<'a, ()> {
        answer(move || {
            let call = format!("DELETE /tags {entity_type} {name}");
            self.call(&call, |region| region.drop_tag(entity_type, name, key))
        })
    }

    fn leftovers(&self, what: Leftover) -> Answer<'_, Vec<String>> {
        answer(move || {
            self.call(&format!("GET {}", what.path()), |region| {
                region.served(&region.known(), what.field())?;
                Ok(Vec::new())
            })
        })
    }

    fn models<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<String>> {
        answer(move || self.call(&format!("GET /models {catalog}.{schema}"), |_| Ok(Vec::new())))
    }

    fn policies<'a>(&'a self, of: Securable, name: &'a str) -> Answer<'a, Vec<PolicyInfo>> {
        answer(move || {
            let call = format!("GET /policies {} {name}", of.as_str());
            self.call(&call, |region| region.list_policies(of, name))
        })
    }
}
