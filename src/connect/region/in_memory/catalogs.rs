//! Catalogs, their bindings, and schemas.

use super::{Caller, InMemoryRegion, Known, Refusal, checked_name, split};
use crate::wire::unity_catalog as uc;

/// Schemas that every catalog has from the start.
const BUILT_IN_SCHEMAS: [&str; 2] = ["default", "information_schema"];

/// What a workspace may do in a catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
    Unbound,
}

impl InMemoryRegion {
    /// What the handle's workspace may do in a catalog.
    pub(super) fn access(&self, known: &Known, catalog: &uc::CatalogInfo) -> Access {
        if catalog.isolation_mode.as_deref() != Some(uc::ISOLATION_ISOLATED) {
            return Access::ReadWrite;
        }
        let bound = known.bindings.get(&catalog.name).into_iter().flatten();
        match bound.into_iter().find(|binding| binding.workspace_id == self.workspace_id) {
            None => Access::Unbound,
            Some(binding) if binding.is_read_only() => Access::ReadOnly,
            Some(_) => Access::ReadWrite,
        }
    }

    pub(super) fn unbound(&self, catalog: &str) -> Refusal {
        Refusal::denied(format!(
            "Catalog '{catalog}' is not accessible in workspace {}. Ask its owner to bind it to this workspace.",
            self.workspace_id
        ))
    }

    pub(super) fn read_only(&self, catalog: &str, consequence: &str) -> Refusal {
        Refusal::denied(format!(
            "Catalog '{catalog}' is bound to workspace {} as read-only, so {consequence} from here.",
            self.workspace_id
        ))
    }

    /// A catalog that the caller may see.
    pub(super) fn seen(&self, known: &Known, name: &str) -> Result<uc::CatalogInfo, Refusal> {
        let catalog = known.catalogs.get(name).ok_or_else(|| Refusal::missing("CATALOG", name))?;
        if self.caller == Caller::User && self.access(known, catalog) == Access::Unbound {
            return Err(self.unbound(name));
        }
        Ok(catalog.clone())
    }

    /// A catalog whose metadata the caller may change.
    pub(super) fn writable(&self, known: &Known, name: &str) -> Result<uc::CatalogInfo, Refusal> {
        let catalog = self.seen(known, name)?;
        if self.caller == Caller::User && self.access(known, &catalog) == Access::ReadOnly {
            return Err(self.read_only(name, "nothing in it can be created, changed or dropped"));
        }
        Ok(catalog)
    }

    pub(super) fn list_catalogs(&self) -> Vec<uc::CatalogInfo> {
        let known = self.known();
        known.catalogs.values().filter(|catalog| self.access(&known, catalog) != Access::Unbound).cloned().collect()
    }

    pub(super) fn get_catalog(&self, name: &str) -> Result<uc::CatalogInfo, Refusal> {
        self.seen(&self.known(), &name.to_lowercase())
    }

    pub(super) fn put_catalog(&self, wanted: &uc::CreateCatalog) -> Result<uc::CatalogInfo, Refusal> {
        let name = checked_name(&wanted.name)?;
        let mut known = self.known();
        let storage_root = match &wanted.storage_root {
            Some(root) => Some(self.covered(&known, root)?),
            None => None,
        };
        if known.catalogs.contains_key(&name) {
            return Err(Refusal::exists("CATALOG", &name));
        }
        let id = match &wanted.id {
            Some(id) if self.offered().keeps_ids => id.clone(),
            _ => known.new_id(),
        };
        let catalog = uc::CatalogInfo {
            name: name.clone(),
            id: Some(id),
            comment: wanted.comment.clone(),
            properties: wanted.properties.clone(),
            options: wanted.options.clone(),
            catalog_type: Some("MANAGED_CATALOG".to_owned()),
            isolation_mode: Some(uc::ISOLATION_OPEN.to_owned()),
            storage_root,
            owner: Some(self.my_name()),
            ..uc::CatalogInfo::default()
        };
        for schema in BUILT_IN_SCHEMAS {
            let schema_id = Some(known.new_id());
            let info = uc::SchemaInfo {
                name: schema.to_owned(),
                catalog_name: name.clone(),
                full_name: Some(format!("{name}.{schema}")),
                schema_id,
                owner: Some(self.my_name()),
                ..uc::SchemaInfo::default()
            };
            known.schemas.insert(format!("{name}.{schema}"), info);
        }
        known.catalogs.insert(name, catalog.clone());
        Ok(catalog)
    }

    pub(super) fn change_catalog(&self, name: &str, change: &uc::UpdateCatalog) -> Result<uc::CatalogInfo, Refusal> {
        let name = name.to_lowercase();
        let mut known = self.known();
        // Its owner brings an unbound catalog back from any workspace.
        let mut catalog = known.catalogs.get(&name).cloned().ok_or_else(|| Refusal::missing("CATALOG", &name))?;
        if change.new_name.is_some() {
            return Err(Refusal::invalid(format!("Catalogs are not renamed here; '{name}' stays.")));
        }
        match change.isolation_mode.as_deref() {
            None => {}
            Some(uc::ISOLATION_OPEN) => catalog.isolation_mode = change.isolation_mode.clone(),
            Some(uc::ISOLATION_ISOLATED) => {
                catalog.isolation_mode = change.isolation_mode.clone();
                // The workspace that isolates a catalog stays bound to it.
                let bound = known.bindings.entry(name.clone()).or_default();
                if !bound.iter().any(|binding| binding.workspace_id == self.workspace_id) {
                    bound.push(uc::WorkspaceBinding::read_write(self.workspace_id));
                }
            }
            Some(other) => {
                return Err(Refusal::invalid(format!(
                    "The isolation_mode {other:?} is unknown. Use OPEN or ISOLATED."
                )));
            }
        }
        catalog.comment = change.comment.clone().or(catalog.comment);
        catalog.owner = change.owner.clone().or(catalog.owner);
        catalog.properties = change.properties.clone().unwrap_or(catalog.properties);
        known.catalogs.insert(name, catalog.clone());
        Ok(catalog)
    }

    pub(super) fn list_bindings(&self, catalog: &str) -> Result<Vec<uc::WorkspaceBinding>, Refusal> {
        let (known, name) = (self.known(), catalog.to_lowercase());
        if !known.catalogs.contains_key(&name) {
            return Err(Refusal::missing("CATALOG", &name));
        }
        Ok(known.bindings.get(&name).cloned().unwrap_or_default())
    }

    pub(super) fn change_bindings(
        &self,
        catalog: &str,
        change: &uc::UpdateBindings,
    ) -> Result<Vec<uc::WorkspaceBinding>, Refusal> {
        let mut bound = self.list_bindings(catalog)?;
        bound.retain(|binding| !change.remove.iter().any(|removed| removed.workspace_id == binding.workspace_id));
        for added in &change.add {
            let kind = added.binding_type.as_deref().unwrap_or(uc::BINDING_READ_WRITE);
            if ![uc::BINDING_READ_WRITE, uc::BINDING_READ_ONLY].contains(&kind) {
                return Err(Refusal::invalid(format!("The binding_type {kind:?} is unknown.")));
            }
            bound.retain(|binding| binding.workspace_id != added.workspace_id);
            bound.push(uc::WorkspaceBinding { binding_type: Some(kind.to_owned()), ..added.clone() });
        }
        self.known().bindings.insert(catalog.to_lowercase(), bound.clone());
        Ok(bound)
    }

    pub(super) fn list_schemas(&self, catalog: &str) -> Result<Vec<uc::SchemaInfo>, Refusal> {
        let (known, catalog) = (self.known(), catalog.to_lowercase());
        self.seen(&known, &catalog)?;
        Ok(known.schemas.values().filter(|schema| schema.catalog_name == catalog).cloned().collect())
    }

    pub(super) fn get_schema(&self, full_name: &str) -> Result<uc::SchemaInfo, Refusal> {
        let ([catalog, _], known) = (split::<2>(full_name)?, self.known());
        self.seen(&known, &catalog)?;
        let full_name = full_name.to_lowercase();
        known.schemas.get(&full_name).cloned().ok_or_else(|| Refusal::missing("SCHEMA", &full_name))
    }

    pub(super) fn put_schema(&self, wanted: &uc::CreateSchema) -> Result<uc::SchemaInfo, Refusal> {
        let (catalog_name, name) = (checked_name(&wanted.catalog_name)?, checked_name(&wanted.name)?);
        let full_name = format!("{catalog_name}.{name}");
        let mut known = self.known();
        let storage_root = match &wanted.storage_root {
            Some(root) => Some(self.covered(&known, root)?),
            None => None,
        };
        self.writable(&known, &catalog_name)?;
        if known.schemas.contains_key(&full_name) {
            return Err(Refusal::exists("SCHEMA", &full_name));
        }
        let id = match &wanted.schema_id {
            Some(id) if self.offered().keeps_ids => id.clone(),
            _ => known.new_id(),
        };
        let schema = uc::SchemaInfo {
            name,
            catalog_name,
            full_name: Some(full_name.clone()),
            schema_id: Some(id),
            comment: wanted.comment.clone(),
            properties: wanted.properties.clone(),
            storage_root,
            owner: Some(self.my_name()),
            ..uc::SchemaInfo::default()
        };
        known.schemas.insert(full_name, schema.clone());
        Ok(schema)
    }

    pub(super) fn change_schema(&self, full_name: &str, change: &uc::UpdateSchema) -> Result<uc::SchemaInfo, Refusal> {
        let [catalog, _] = split::<2>(full_name)?;
        let full_name = full_name.to_lowercase();
        let mut known = self.known();
        self.writable(&known, &catalog)?;
        let schema = known.schemas.get_mut(&full_name).ok_or_else(|| Refusal::missing("SCHEMA", &full_name))?;
        if change.new_name.is_some() {
            return Err(Refusal::invalid(format!("Schemas are not renamed here; '{full_name}' stays.")));
        }
        schema.comment = change.comment.clone().or(schema.comment.take());
        schema.owner = change.owner.clone().or(schema.owner.take());
        if let Some(properties) = &change.properties {
            schema.properties = properties.clone();
        }
        Ok(schema.clone())
    }

    pub(super) fn drop_catalog(&self, name: &str, force: bool) -> Result<(), Refusal> {
        let name = name.to_lowercase();
        let schemas: Vec<String> = {
            let known = self.known();
            self.writable(&known, &name)?;
            if !known.catalogs.contains_key(&name) {
                return Err(Refusal::missing("CATALOG", &name));
            }
            let prefix = format!("{name}.");
            known.schemas.keys().filter(|schema| schema.starts_with(&prefix)).cloned().collect()
        };
        let own: Vec<&String> = schemas.iter().filter(|schema| !schema.ends_with(".information_schema")).collect();
        if !force && own.iter().any(|schema| !schema.ends_with(".default")) {
            let message = format!("The catalog '{name}' is not empty. Drop what is in it first, or use force=true.");
            return Err(Refusal::new(400, "CATALOG_NOT_EMPTY", message));
        }
        for schema in own {
            self.drop_schema(schema, force)?;
        }
        let mut known = self.known();
        known.schemas.retain(|schema, _| !schemas.contains(schema));
        known.catalogs.remove(&name);
        Ok(())
    }

    pub(super) fn drop_schema(&self, full_name: &str, force: bool) -> Result<(), Refusal> {
        let [catalog, name] = split::<2>(full_name)?;
        let full_name = full_name.to_lowercase();
        let mut known = self.known();
        self.writable(&known, &catalog)?;
        if !known.schemas.contains_key(&full_name) {
            return Err(Refusal::missing("SCHEMA", &full_name));
        }
        if name == "information_schema" {
            return Err(Refusal::invalid(
                "The schema information_schema belongs to the catalog and cannot be dropped.",
            ));
        }
        let prefix = format!("{full_name}.");
        let mut contents = known.tables.keys().chain(known.volumes.keys()).chain(known.functions.keys());
        if !force && contents.any(|name| name.starts_with(&prefix)) {
            return Err(Refusal::new(
                400,
                "SCHEMA_NOT_EMPTY",
                format!("The schema '{full_name}' is not empty. Drop what is in it first, or use force=true."),
            ));
        }
        known.tables.retain(|table, _| !table.starts_with(&prefix));
        known.volumes.retain(|volume, _| !volume.starts_with(&prefix));
        known.functions.retain(|function, _| !function.starts_with(&prefix));
        known.staged.retain(|table, _| !table.starts_with(&prefix));
        known.guards.forget(uc::Securable::Schema, &full_name);
        known.schemas.remove(&full_name);
        Ok(())
    }
}
