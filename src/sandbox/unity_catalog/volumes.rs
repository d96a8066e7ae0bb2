//! Volumes.

use super::in_schema::Family;
use super::places;
use super::securable::Type;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{CatalogInfo, SchemaInfo, VOLUME_EXTERNAL, VOLUME_MANAGED, VolumeInfo};
use serde_json::{Map, Value};

pub const VOLUMES: Family = Family {
    of: Type::Volume,
    plural: "volumes",
    id_field: Some("volume_id"),
    mutable: &["new_name", "owner", "comment"],
};

pub fn create(region: &Region, call: &Call) -> Answer {
    VOLUMES.create(region, call, &call.body, |full_name, volume| {
        let location = match volume.get("volume_type").and_then(Value::as_str) {
            Some(VOLUME_MANAGED) => match volume.get("storage_location").and_then(Value::as_str) {
                // A region that keeps ids takes a managed volume's place too.
                Some(location) => places::managed(region, location)?,
                None => managed_location(region, volume)?,
            },
            Some(VOLUME_EXTERNAL) => {
                let location = volume.get("storage_location").and_then(Value::as_str).unwrap_or_default();
                places::covered(&region.records, location)?
            }
            other => {
                return Err(Refusal::invalid(format!(
                    "The volume_type {:?} is unknown. Use {VOLUME_MANAGED} or {VOLUME_EXTERNAL}.",
                    other.unwrap_or_default()
                )));
            }
        };
        refuse_overlap(region, &location, full_name)?;
        if let Some(folder) = places::folder_of(&location) {
            let made = std::fs::create_dir_all(&folder);
            made.map_err(crate::sandbox::SandboxError::disk("created", &folder))?;
        }
        volume.insert("storage_location".to_owned(), location.into());
        Ok(())
    })
}

/// Where a managed volume's files lie when no one says it.
fn managed_location(region: &Region, volume: &Map<String, Value>) -> Result<String, Refusal> {
    let field = |name: &str| volume.get(name).and_then(Value::as_str).unwrap_or_default();
    let (catalog, schema) = (field("catalog_name"), field("schema_name"));
    let of_catalog: CatalogInfo =
        region.records.get(Kind::Catalog, catalog).ok_or_else(|| Refusal::missing("CATALOG", catalog))?;
    let of_schema: Option<SchemaInfo> = region.records.get(Kind::Schema, &format!("{catalog}.{schema}"));
    let root = of_schema.and_then(|schema| schema.storage_root).or(of_catalog.storage_root);
    let root = root.unwrap_or_else(|| places::metastore_root(region));
    Ok(format!("{root}/__volumes/{}", field("volume_id")))
}

/// A volume shares no files with a table or another volume.
fn refuse_overlap(region: &Region, location: &str, full_name: &str) -> Result<(), Refusal> {
    let volumes: Vec<VolumeInfo> = region.records.all(Kind::Volume, "");
    let around =
        |volume: &VolumeInfo| volume.storage_location.as_deref().is_some_and(|at| places::overlap(at, location));
    let volume = volumes.into_iter().find(around).map(|volume| volume.full_name.unwrap_or_default());
    let table = region.records.tables_around(location).into_iter().map(|(_, name)| name).next();
    match volume.or(table).filter(|other| other != full_name) {
        Some(other) => Err(Refusal::new(
            400,
            "LOCATION_OVERLAP",
            format!("The location '{location}' overlaps with that of '{other}'. Choose another one."),
        )),
        None => Ok(()),
    }
}
