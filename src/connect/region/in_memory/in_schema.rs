//! Volumes and functions.

use super::tables::Seat;
use super::{InMemoryRegion, Refusal, split};
use crate::wire::unity_catalog as uc;
use serde_json::json;

impl InMemoryRegion {
    pub(super) fn list_volumes(&self, catalog: &str, schema: &str) -> Result<Vec<uc::VolumeInfo>, Refusal> {
        let (known, catalog, schema) = (self.known(), catalog.to_lowercase(), schema.to_lowercase());
        self.seen(&known, &catalog)?;
        self.schema_of(&known, &catalog, &schema)?;
        let of_schema = |volume: &&uc::VolumeInfo| volume.catalog_name == catalog && volume.schema_name == schema;
        Ok(known.volumes.values().filter(of_schema).cloned().collect())
    }

    pub(super) fn put_volume(&self, wanted: &uc::CreateVolume) -> Result<uc::VolumeInfo, Refusal> {
        let mut known = self.known();
        let Seat { catalog_name, schema_name, name, full_name } =
            self.seat(&known, [&wanted.catalog_name, &wanted.schema_name, &wanted.name])?;
        if known.volumes.contains_key(&full_name) {
            return Err(Refusal::exists("VOLUME", &full_name));
        }
        let id = match &wanted.volume_id {
            Some(id) if self.offered().keeps_ids => id.clone(),
            _ => known.new_id(),
        };
        let location = match (wanted.volume_type.as_str(), &wanted.storage_location) {
            (uc::VOLUME_MANAGED, Some(location)) => self.managed(&known, location)?,
            (uc::VOLUME_MANAGED, None) => format!("{}/__volumes/{id}", self.metastore_root()),
            (uc::VOLUME_EXTERNAL, location) => self.covered(&known, location.as_deref().unwrap_or_default())?,
            (other, _) => return Err(Refusal::invalid(format!("The volume_type {other:?} is unknown."))),
        };
        self.refuse_overlap(&known, &location, &full_name)?;
        let volume = uc::VolumeInfo {
            name,
            catalog_name,
            schema_name,
            volume_type: wanted.volume_type.clone(),
            volume_id: Some(id),
            full_name: Some(full_name.clone()),
            storage_location: Some(location),
            comment: wanted.comment.clone(),
            owner: Some(self.my_name()),
            ..uc::VolumeInfo::default()
        };
        known.volumes.insert(full_name, volume.clone());
        Ok(volume)
    }

    pub(super) fn change_volume(&self, full_name: &str, change: &uc::UpdateVolume) -> Result<uc::VolumeInfo, Refusal> {
        let [catalog, ..] = split::<3>(full_name)?;
        let mut known = self.known();
        self.writable(&known, &catalog)?;
        let volume = known.volumes.get_mut(&full_name.to_lowercase());
        let volume = volume.ok_or_else(|| Refusal::missing("VOLUME", full_name))?;
        volume.comment = change.comment.clone().or(volume.comment.take());
        Ok(volume.clone())
    }

    pub(super) fn drop_volume(&self, full_name: &str) -> Result<(), Refusal> {
        let [catalog, ..] = split::<3>(full_name)?;
        let mut known = self.known();
        self.writable(&known, &catalog)?;
        known.guards.forget(uc::Securable::Volume, &full_name.to_lowercase());
        let gone = known.volumes.remove(&full_name.to_lowercase());
        gone.map(drop).ok_or_else(|| Refusal::missing("VOLUME", full_name))
    }

    pub(super) fn list_functions(&self, catalog: &str, schema: &str) -> Result<Vec<uc::FunctionInfo>, Refusal> {
        let (known, catalog, schema) = (self.known(), catalog.to_lowercase(), schema.to_lowercase());
        self.seen(&known, &catalog)?;
        self.schema_of(&known, &catalog, &schema)?;
        let of_schema =
            |function: &&uc::FunctionInfo| function.catalog_name == catalog && function.schema_name == schema;
        Ok(known.functions.values().filter(of_schema).cloned().collect())
    }

    pub(super) fn put_function(&self, wanted: &uc::FunctionInfo) -> Result<uc::FunctionInfo, Refusal> {
        let mut known = self.known();
        let Seat { catalog_name, schema_name, name, full_name } =
            self.seat(&known, [&wanted.catalog_name, &wanted.schema_name, &wanted.name])?;
        if known.functions.contains_key(&full_name) {
            return Err(Refusal::exists("FUNCTION", &full_name));
        }
        if wanted.routine_definition.is_none() || !wanted.other.contains_key("routine_body") {
            return Err(Refusal::invalid("A function needs a routine_body and a routine_definition."));
        }
        let mut function = wanted.clone();
        let id = match wanted.id() {
            Some(id) if self.offered().keeps_ids => id.to_owned(),
            _ => known.new_id(),
        };
        function.other.insert("function_id".to_owned(), json!(id));
        function.other.insert("owner".to_owned(), json!(self.my_name()));
        function.other.insert("created_at".to_owned(), json!(known.next_id));
        (function.catalog_name, function.schema_name, function.name) = (catalog_name, schema_name, name);
        function.full_name = Some(full_name.clone());
        known.functions.insert(full_name, function.clone());
        Ok(function)
    }

    pub(super) fn drop_function(&self, full_name: &str) -> Result<(), Refusal> {
        let [catalog, ..] = split::<3>(full_name)?;
        let mut known = self.known();
        self.writable(&known, &catalog)?;
        known.guards.forget(uc::Securable::Function, &full_name.to_lowercase());
        let gone = known.functions.remove(&full_name.to_lowercase());
        gone.map(drop).ok_or_else(|| Refusal::missing("FUNCTION", full_name))
    }
}
