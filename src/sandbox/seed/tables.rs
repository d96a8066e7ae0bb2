//! Seeded tables on the disk and in the catalog.

use super::shapes::{self, TablePlan};
use crate::sandbox::SandboxError;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::region::Region;
use crate::sandbox::unity_catalog::columns;
use crate::sandbox::writer::{self, Durability, TableSpec, TableWriter, latest_metadata};
use crate::wire::unity_catalog::{FORMAT_DELTA, TABLE_MANAGED, TableInfo};
use serde_json::Value;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A table to be seeded: where it lies and what it is called.
pub struct Seat {
    pub catalog: String,
    pub schema: String,
    pub name: String,
    pub folder: PathBuf,
    pub location: String,
}

impl Seat {
    /// The seat of `catalog.schema.name` in an external location of the region.
    pub fn new(region: &Region, location: &str, catalog: &str, schema: &str, name: &str) -> Self {
        let inside = format!("{location}/{catalog}/{schema}/{name}");
        Self {
            catalog: catalog.to_owned(),
            schema: schema.to_owned(),
            name: name.to_owned(),
            folder: region.folder.join("storage").join(&inside),
            location: format!("{}/{inside}", region.identity.storage_root),
        }
    }

    pub fn full_name(&self) -> String {
        format!("{}.{}.{}", self.catalog, self.schema, self.name)
    }

    /// The catalog's entry of the Delta table that lies there.
    pub fn entry(&self, region: &Region) -> Result<TableInfo, SandboxError> {
        let metadata = latest_metadata(&self.folder)?.map(|(_, metadata)| metadata).unwrap_or(Value::Null);
        Ok(self.entry_with(region, &metadata))
    }

    fn entry_with(&self, region: &Region, metadata: &Value) -> TableInfo {
        let configuration = metadata["configuration"].as_object().cloned().unwrap_or_default();
        let properties = configuration.into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned()))).collect();
        TableInfo {
            table_type: TABLE_MANAGED.to_owned(),
            table_id: Some(Uuid::new_v4().to_string()),
            data_source_format: Some(FORMAT_DELTA.to_owned()),
            columns: columns(metadata),
            storage_location: Some(self.location.clone()),
            properties,
            ..self.bare_entry(region)
        }
    }

    /// An entry with its names alone.
    pub fn bare_entry(&self, region: &Region) -> TableInfo {
        TableInfo {
            name: self.name.clone(),
            catalog_name: self.catalog.clone(),
            schema_name: self.schema.clone(),
            full_name: Some(self.full_name()),
            owner: Some(region.identity.admin_name.clone()),
            created_at: Some(region.now_ms()),
            updated_at: Some(region.now_ms()),
            ..TableInfo::default()
        }
    }
}

/// Makes a Delta table with `commits` commits, without syncing: the seed is synced as a whole.
pub fn write_table(
    region: &Region,
    seat: &Seat,
    spec: &TableSpec,
    commits: u32,
    seed: u64,
) -> Result<(), SandboxError> {
    let temporary = region.folder.join("tmp");
    let mut writer = TableWriter::new(seat.folder.clone(), temporary, seed, &seat.full_name()).with(Durability::Later);
    writer.create(spec, region.now_ms())?;
    for _ in 0..commits {
        writer.commit(region.now_ms())?;
    }
    Ok(())
}

/// Makes the shaped tables, two at a time.
pub fn write_shaped(region: &Region, tables: &[(Seat, &TablePlan)], seed: u64) -> Result<(), SandboxError> {
    let halves: Vec<_> = tables.chunks(tables.len().div_ceil(2).max(1)).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = halves
            .into_iter()
            .map(|half| {
                scope.spawn(move || {
                    half.iter().try_for_each(|(seat, plan)| write_table(region, seat, &plan.spec, plan.commits, seed))
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or(Err(SandboxError::TaskLost { task: "seeding of tables" })))
    })
}

/// Makes many small tables, all with the same data file, and puts their entries.
pub fn write_small(region: &Region, writing: &mut Writing<'_>, seats: &[Seat], seed: u64) -> Result<(), SandboxError> {
    let spec = &shapes::SMALL;
    let now = region.now_ms();
    let (file, bytes, add) = writer::first_file(spec, seed, now)?;
    for seat in seats {
        let mut lines = writer::creation_lines(spec, now);
        lines.push(add.clone());
        let log = seat.folder.join("_delta_log");
        std::fs::create_dir_all(&log).map_err(SandboxError::disk("created", &log))?;
        put(&seat.folder.join(&file), &bytes)?;
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        put(&log.join(format!("{:020}.json", 0)), text.as_bytes())?;
        let metadata = lines.iter().find_map(|line| line.get("metaData")).cloned().unwrap_or(Value::Null);
        writing.put(Kind::Table, seat.full_name(), &seat.entry_with(region, &metadata));
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), SandboxError> {
    std::fs::write(path, bytes).map_err(SandboxError::disk("written", path))
}
