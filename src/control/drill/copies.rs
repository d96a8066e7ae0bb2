//! The copy of an isolated drill: where it lies, how it is made, and that nothing of it stays.

use super::full::refused;
use super::run::End;
use crate::connect::TablePlace;
use crate::control::{Control, ControlError};
use crate::delta::{self, TableRoot};
use crate::domain::{AssetName, CatalogName, Drill, DrilledTable};
use crate::replicate::{self, Endpoint};
use crate::wire::unity_catalog as uc;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

/// Tables whose places are written down in one go.
const AT_A_TIME: usize = 16;
/// Tables that are copied at a time.
const PARALLEL_COPIES: usize = 4;
/// The folder below an external location that holds copies.
const FOLDER: &str = "_drills";

/// The region in which a drill's copy lies: the one that was secondary when it started.
pub async fn endpoint(control: &Control, drill: &Drill) -> Result<Endpoint, ControlError> {
    if let Ok(group) = control.group(&drill.group) {
        return control.inner.deployment.endpoint(&group, &drill.secondary).await;
    }
    // The group was deleted meanwhile. The copy must be removed too.
    let gone = || refused(format!("No workspace of {} is known any more.", drill.secondary));
    let workspaces = &control.inner.deployment.workspaces;
    let workspace = workspaces.iter().find(|workspace| workspace.region == drill.secondary).ok_or_else(gone)?;
    Ok(Endpoint::connect(&workspace.region, &workspace.id, workspace.client.clone()).await?)
}

/// Opens a copy.
pub async fn root(
    control: &Control,
    endpoint: &Endpoint,
    table: &DrilledTable,
    write: bool,
) -> Result<TableRoot, ControlError> {
    let location = table.location.as_deref().ok_or_else(|| refused(format!("{} has no place yet.", table.copy)))?;
    let place = TablePlace::new(location, table.id.as_deref());
    Ok(replicate::root_of(endpoint, &place, write, control.inner.clock.as_ref()).await?.root)
}

pub async fn choose_point(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let report = control.point(&drill.group, drill.started).await?;
    let Some(point) = report.point else { return Err(refused("The group has no replication point yet.")) };
    let mut tables = Vec::new();
    for table in report.tables {
        let Some(version) = table.version.filter(|_| table.held == Some(true)) else {
            let why = table.message.unwrap_or_default();
            drill.problems.push(format!("{} can't be read at the replication point. {why}", table.name));
            continue;
        };
        let name = AssetName::parse(&table.name);
        let copy = format!("{}.{}", catalog_of(drill, &name.catalog), rest_of(&table.name));
        tables.push(DrilledTable {
            name: table.name,
            version,
            replica: table.location,
            copy,
            location: None,
            id: None,
            created: false,
            files: 0,
            bytes: 0,
            shared_bytes: 0,
            rows: None,
        });
    }
    (drill.point, drill.tables) = (Some(point), tables);
    let behind = (drill.started - point).num_milliseconds().max(0) as f64 / 1000.0;
    drill.rpo_seconds = Some(behind);
    Ok(End::Done(format!(
        "{} tables at {}, {behind:.1} s before the drill started.",
        drill.tables.len(),
        point.format("%Y-%m-%d %H:%M:%S%.3f UTC")
    )))
}

/// The name of the catalog that holds the copies of a catalog's tables.
fn catalog_of(drill: &Drill, catalog: &str) -> CatalogName {
    CatalogName::new(format!("drill_{}_{catalog}", drill.id.get(..8).unwrap_or(&drill.id)))
}

/// A full name without its catalog.
fn rest_of(full_name: &str) -> &str {
    full_name.split_once('.').map_or(full_name, |(_, rest)| rest)
}

pub async fn make_catalogs(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let end = endpoint(control, drill).await?;
    if !end.capabilities.staging_tables {
        return Err(refused(format!("{} can't create managed tables over its REST API.", drill.secondary)));
    }
    let locations = end.client.external_locations().await?;
    let catalogs = control.group(&drill.group)?.catalogs().to_vec();
    for catalog in catalogs {
        let name = catalog_of(drill, catalog.as_str());
        if !drill.catalogs.contains(&name) {
            drill.catalogs.push(name.clone());
            // Written down before it is made, so that it is removed whatever happens.
            control.keep_drill(drill.clone(), None).await?;
        }
        if end.client.catalog(name.as_str()).await?.is_some() {
            continue;
        }
        let replica = end.client.catalog(catalog.as_str()).await?;
        let storage_root = replica.and_then(|replica| replica.storage_root).and_then(|root| {
            let holds = |url: &str| root.starts_with(url.trim_end_matches('/'));
            let location = locations.iter().filter(|location| holds(&location.url)).max_by_key(|l| l.url.len())?;
            Some(format!("{}/{FOLDER}/{}/{name}", location.url.trim_end_matches('/'), drill.id))
        });
        let comment =
            Some(format!("A copy for the drill of {} on {}. It is removed again.", drill.group, drill.started));
        let create =
            uc::CreateCatalog { name: name.to_string(), comment, storage_root, ..uc::CreateCatalog::default() };
        end.client.create_catalog(&create).await?;
    }
    Ok(End::Done(format!("Created {} in {}.", CatalogName::list(&drill.catalogs), drill.secondary)))
}

pub async fn copy_tables(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let end = endpoint(control, drill).await?;
    for from in (0..drill.tables.len()).step_by(AT_A_TIME) {
        let part = from..(from + AT_A_TIME).min(drill.tables.len());
        if drill.tables.get(part.clone()).is_some_and(|tables| tables.iter().all(|table| table.created)) {
            continue;
        }
        for table in drill.tables.get_mut(part.clone()).into_iter().flatten().filter(|table| table.location.is_none()) {
            give_place(&end, table).await?;
        }
        // Where files will lie is written down before the first one.
        control.keep_drill(drill.clone(), None).await?;
        let tables = drill.tables.get(part.clone()).unwrap_or_default().iter();
        let copying: Vec<_> = tables.map(|table| copy_table(control, &end, table).boxed()).collect();
        let copied: Vec<DrilledTable> = stream::iter(copying).buffered(PARALLEL_COPIES).try_collect().await?;
        for (slot, table) in drill.tables.get_mut(part).into_iter().flatten().zip(copied) {
            *slot = table;
        }
        control.keep_drill(drill.clone(), None).await?;
    }
    let sum = |of: fn(&DrilledTable) -> u64| drill.tables.iter().map(of).sum::<u64>();
    let (files, bytes, shared) = (sum(|t| t.files), sum(|t| t.bytes), sum(|t| t.shared_bytes));
    Ok(End::Done(format!(
        "{} tables, {files} files, {bytes} bytes. {shared} bytes are shared with the replica and took no room.",
        drill.tables.len()
    )))
}

/// The catalog, schema and name of a copy.
fn parts_of(copy: &str) -> Result<[String; 3], ControlError> {
    let parts: Vec<String> = copy.splitn(3, '.').map(str::to_owned).collect();
    parts.try_into().map_err(|_| refused(format!("{copy} is no table's name.")))
}

/// Asks the region for a place for a copy, with a schema around it.
async fn give_place(end: &Endpoint, table: &mut DrilledTable) -> Result<(), ControlError> {
    let [catalog, schema, name] = parts_of(&table.copy)?;
    if end.client.schema(&format!("{catalog}.{schema}")).await?.is_none() {
        let create =
            uc::CreateSchema { name: schema.clone(), catalog_name: catalog.clone(), ..uc::CreateSchema::default() };
        end.client.create_schema(&create).await?;
    }
    let staging = uc::CreateStagingTable {
        catalog_name: catalog,
        schema_name: schema,
        name,
        ..uc::CreateStagingTable::default()
    };
    let staged = end.client.create_staging_table(&staging).await?;
    (table.location, table.id) = (Some(staged.staging_location), Some(staged.id));
    Ok(())
}

/// Copies a table to its place and makes it a table there; what became of it.
async fn copy_table(control: &Control, end: &Endpoint, table: &DrilledTable) -> Result<DrilledTable, ControlError> {
    let mut table = table.clone();
    if table.created {
        return Ok(table);
    }
    let [catalog, schema, name] = parts_of(&table.copy)?;
    let source = TablePlace::new(&table.replica, None);
    let source = replicate::root_of(end, &source, false, control.inner.clock.as_ref()).await?.root;
    let target = root(control, end, &table, true).await?;
    let copied = delta::copy_version(&source, &target, table.version).await?;
    (table.files, table.bytes, table.shared_bytes) = (copied.files, copied.bytes, copied.shared_bytes);
    if end.client.table(&table.copy).await?.is_none() {
        let create = uc::CreateTable {
            name,
            catalog_name: catalog,
            schema_name: schema,
            table_type: uc::TABLE_MANAGED.to_owned(),
            data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
            storage_location: table.location.clone(),
            ..uc::CreateTable::default()
        };
        end.client.create_table(&create).await?;
    }
    table.created = true;
    Ok(table)
}

/// Removes the copy's files, then its tables and catalogs. What is gone already is no error.
pub async fn clean_up(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let end = endpoint(control, drill).await?;
    let mut files = 0;
    for table in drill.tables.iter().filter(|table| table.location.is_some()) {
        match root(control, &end, table, true).await {
            Ok(root) => files += delta::remove_copy(&root).await?,
            // The region has no such table any more, so it gives no credentials for its folder.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    for catalog in &drill.catalogs {
        if end.client.catalog(catalog.as_str()).await?.is_some() {
            end.client.delete_catalog(catalog.as_str(), true).await?;
        }
    }
    drill.tables_verified = if drill.problems.is_empty() { drill.tables.len() as u64 } else { drill.tables_verified };
    Ok(End::Done(format!("Removed {files} files and {} catalogs.", drill.catalogs.len())))
}
