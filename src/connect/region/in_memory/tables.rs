//! Tables, views, staged tables, and which locations they may have.

use super::{InMemoryRegion, Known, Refusal, checked_name, split};
use crate::domain::StorageUri;
use crate::wire::unity_catalog as uc;

/// The property by which a client says the staging table that it filled.
const TABLE_ID_PROPERTY: &str = "io.unitycatalog.tableId";

/// The names of a new object of a schema.
pub(super) struct Seat {
    pub catalog_name: String,
    pub schema_name: String,
    pub name: String,
    pub full_name: String,
}

pub(super) fn place(uri: &str) -> Result<StorageUri, Refusal> {
    StorageUri::parse(uri).map_err(|error| Refusal::invalid(format!("{uri:?} is not a storage location: {error}.")))
}

impl InMemoryRegion {
    /// Where the metastore keeps what has no storage root of its own.
    pub(super) fn metastore_root(&self) -> String {
        format!("{}/managed", self.shared.storage_root)
    }

    /// `uri` in its one spelling, if an external location holds it.
    pub(super) fn covered(&self, known: &Known, uri: &str) -> Result<String, Refusal> {
        let wanted = place(uri)?;
        let covers = |location: &uc::ExternalLocationInfo| place(&location.url).is_ok_and(|l| wanted.is_within(&l));
        if known.external_locations.iter().any(covers) {
            return Ok(wanted.to_string());
        }
        Err(Refusal::denied(format!("No external location of this metastore covers '{uri}'.")))
    }

    /// The same for managed tables, which the metastore's own root holds too.
    pub(super) fn managed(&self, known: &Known, uri: &str) -> Result<String, Refusal> {
        let wanted = place(uri)?;
        let in_metastore = place(&self.metastore_root()).is_ok_and(|root| wanted.is_within(&root));
        if in_metastore { Ok(wanted.to_string()) } else { self.covered(known, uri) }
    }

    /// Two tables or volumes never share files: a location must not hold another one's, nor lie in one.
    pub(super) fn refuse_overlap(&self, known: &Known, location: &str, full_name: &str) -> Result<(), Refusal> {
        let wanted = place(location)?;
        let tables = known.tables.iter().filter_map(|(name, table)| Some((name, table.storage_location.as_ref()?)));
        let staged = known.staged.iter().map(|(name, staged)| (name, &staged.staging_location));
        let volumes = known.volumes.iter().filter_map(|(name, volume)| Some((name, volume.storage_location.as_ref()?)));
        let other = tables.chain(staged).chain(volumes).find(|(name, location)| {
            name.as_str() != full_name && place(location).is_ok_and(|other| other.overlaps(&wanted))
        });
        match other {
            Some((other, _)) => Err(Refusal::new(
                400,
                "LOCATION_OVERLAP",
                format!("The location '{location}' overlaps with that of table '{other}'. Choose another one."),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn schema_of(&self, known: &Known, catalog: &str, schema: &str) -> Result<uc::SchemaInfo, Refusal> {
        let full_name = format!("{catalog}.{schema}");
        known.schemas.get(&full_name).cloned().ok_or_else(|| Refusal::missing("SCHEMA", &full_name))
    }

    /// Where a new object of a schema goes: valid names, in a schema that is there and may be changed.
    pub(super) fn seat(&self, known: &Known, names: [&str; 3]) -> Result<Seat, Refusal> {
        let [catalog_name, schema_name, name] = names;
        let (catalog_name, schema_name) = (checked_name(catalog_name)?, checked_name(schema_name)?);
        let name = checked_name(name)?;
        self.writable(known, &catalog_name)?;
        self.schema_of(known, &catalog_name, &schema_name)?;
        Ok(Seat { full_name: format!("{catalog_name}.{schema_name}.{name}"), catalog_name, schema_name, name })
    }

    pub(super) fn list_tables(&self, catalog: &str, schema: &str) -> Result<Vec<uc::TableInfo>, Refusal> {
        let (known, catalog, schema) = (self.known(), catalog.to_lowercase(), schema.to_lowercase());
        self.seen(&known, &catalog)?;
        self.schema_of(&known, &catalog, &schema)?;
        let prefix = format!("{catalog}.{schema}.");
        let listed = known.tables.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        // A list leaves out what takes long to compute.
        Ok(listed.map(|(_, table)| uc::TableInfo { view_dependencies: None, ..table.clone() }).collect())
    }

    pub(super) fn get_table(&self, full_name: &str) -> Result<uc::TableInfo, Refusal> {
        let ([catalog, ..], known) = (split::<3>(full_name)?, self.known());
        self.seen(&known, &catalog)?;
        let full_name = full_name.to_lowercase();
        known.tables.get(&full_name).cloned().ok_or_else(|| Refusal::missing("TABLE", &full_name))
    }

    pub(super) fn stage(&self, wanted: &uc::CreateStagingTable) -> Result<uc::StagingTableInfo, Refusal> {
        if !self.offered().staging_tables {
            return Err(Refusal::new(404, "ENDPOINT_NOT_FOUND", "No API found for 'POST /staging-tables'."));
        }
        let (catalog_name, schema_name) = (checked_name(&wanted.catalog_name)?, checked_name(&wanted.schema_name)?);
        let name = checked_name(&wanted.name)?;
        let full_name = format!("{catalog_name}.{schema_name}.{name}");
        let mut known = self.known();
        let catalog = self.writable(&known, &catalog_name)?;
        let schema = self.schema_of(&known, &catalog_name, &schema_name)?;
        if known.tables.contains_key(&full_name) {
            return Err(Refusal::exists("TABLE", &full_name));
        }
        let keeps_ids = self.offered().keeps_ids;
        let asked = match wanted.storage_location.as_deref().filter(|_| keeps_ids) {
            Some(location) => Some(self.managed(&known, location)?),
            None => None,
        };
        let asked_id = wanted.table_id.clone().filter(|_| keeps_ids);
        // Asking again isn't a second table: an answer that was lost must not strand a location.
        if let Some(before) = known.staged.get(&full_name)
            && asked.as_ref().is_none_or(|location| *location == before.staging_location)
            && asked_id.as_ref().is_none_or(|id| *id == before.id)
        {
            return Ok(before.clone());
        }
        let id = asked_id.unwrap_or_else(|| known.new_id());
        let staging_location = asked.unwrap_or_else(|| {
            let root = match (schema.storage_root, catalog.storage_root) {
                (Some(root), _) => root,
                (None, Some(root)) => format!("{root}/{schema_name}"),
                (None, None) => format!("{}/{catalog_name}/{schema_name}", self.metastore_root()),
            };
            format!("{root}/{name}-{}", &id[id.len() - 4..])
        });
        self.refuse_overlap(&known, &staging_location, &full_name)?;
        let of_another =
            known.tables.iter().find(|(other, table)| table.table_id.as_deref() == Some(&id) && **other != full_name);
        if let Some((other, _)) = of_another {
            return Err(Refusal::invalid(format!("The table id {id} belongs to '{other}'.")));
        }
        let staged = uc::StagingTableInfo { id, staging_location, catalog_name, schema_name, name };
        known.staged.insert(full_name, staged.clone());
        Ok(staged)
    }

    pub(super) fn put_table(&self, wanted: &uc::CreateTable) -> Result<uc::TableInfo, Refusal> {
        let mut known = self.known();
        let Seat { catalog_name, schema_name, name, full_name } =
            self.seat(&known, [&wanted.catalog_name, &wanted.schema_name, &wanted.name])?;
        if known.tables.contains_key(&full_name) {
            return Err(Refusal::exists("TABLE", &full_name));
        }
        let asked_id = wanted.table_id.clone().filter(|_| self.offered().keeps_ids);
        let mut table = uc::TableInfo {
            name,
            catalog_name,
            schema_name,
            table_type: wanted.table_type.clone(),
            full_name: Some(full_name.clone()),
            columns: wanted.columns.clone(),
            properties: wanted.properties.clone(),
            comment: wanted.comment.clone(),
            owner: Some(self.my_name()),
            ..uc::TableInfo::default()
        };
        match wanted.table_type.as_str() {
            uc::TABLE_MANAGED => {
                let staged = self.staged(&known, wanted, &full_name)?;
                table.table_id = Some(staged.id);
                table.storage_location = Some(staged.staging_location);
                table.data_source_format = Some(uc::FORMAT_DELTA.to_owned());
                known.staged.remove(&full_name);
            }
            uc::TABLE_EXTERNAL => {
                if wanted.data_source_format.as_deref() != Some(uc::FORMAT_DELTA) {
                    return Err(Refusal::invalid(
                        "An external table is made over REST only with data_source_format DELTA.",
                    ));
                }
                let location = self.covered(&known, wanted.storage_location.as_deref().unwrap_or_default())?;
                self.refuse_overlap(&known, &location, &full_name)?;
                table.table_id = Some(asked_id.unwrap_or_else(|| known.new_id()));
                table.storage_location = Some(location);
                table.data_source_format = wanted.data_source_format.clone();
            }
            uc::TABLE_VIEW if self.offered().staging_tables => {
                if wanted.view_definition.as_deref().is_none_or(str::is_empty) {
                    return Err(Refusal::invalid(format!("The view '{full_name}' needs a view_definition.")));
                }
                table.table_id = Some(asked_id.unwrap_or_else(|| known.new_id()));
                table.view_definition = wanted.view_definition.clone();
            }
            other => {
                return Err(Refusal::invalid(format!("A table of type {other} cannot be created over REST. Use SQL.")));
            }
        }
        known.tables.insert(full_name, table.clone());
        Ok(table)
    }

    /// The staging table that a managed table is made of.
    fn staged(
        &self,
        known: &Known,
        wanted: &uc::CreateTable,
        full_name: &str,
    ) -> Result<uc::StagingTableInfo, Refusal> {
        let staged = known.staged.get(full_name).cloned().ok_or_else(|| {
            Refusal::invalid(format!(
                "The managed table '{full_name}' has no staging table. Call POST /staging-tables first and fill its location."
            ))
        })?;
        if let Some(location) = &wanted.storage_location
            && place(location)? != place(&staged.staging_location)?
        {
            return Err(Refusal::invalid(format!(
                "The managed table '{full_name}' was staged at '{}', so it cannot be created elsewhere.",
                staged.staging_location
            )));
        }
        let ids = wanted.table_id.iter().chain(wanted.properties.get(TABLE_ID_PROPERTY));
        if let Some(id) = ids.into_iter().find(|id| **id != staged.id) {
            return Err(Refusal::invalid(format!(
                "The managed table '{full_name}' was staged with the id {}, not {id}.",
                staged.id
            )));
        }
        Ok(staged)
    }

    pub(super) fn drop_table(&self, full_name: &str) -> Result<(), Refusal> {
        let [catalog, ..] = split::<3>(full_name)?;
        let full_name = full_name.to_lowercase();
        let mut known = self.known();
        self.writable(&known, &catalog)?;
        known.guards.forget(uc::Securable::Table, &full_name);
        // The files stay where they are.
        known.tables.remove(&full_name).map(drop).ok_or_else(|| Refusal::missing("TABLE", &full_name))
    }
}
