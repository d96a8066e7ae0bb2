//! The copy of an isolated drill: where it lies, how it is made, and that nothing of it stays.

use super::full::refused;
use super::run::End;
use crate::connect::TablePlace;
use crate::control::{Control, ControlError};
use crate::delta::{self, TableRoot};
use crate::domain::{AssetName, Drill, DrilledTable};
use crate::replicate::{self, Endpoint};
use crate::wire::unity_catalog as uc;

/// The folder below an external location that holds copies.
const FOLDER: &str = "_drills";

/// The region in which a drill's copy lies: the one that was secondary when it started.
pub async fn endpoint(control: &Control, drill: &Drill) -> Result<Endpoint, ControlError> {
    if let Ok(group) = control.group(&drill.group) {
        return control.inner.deployment.endpoint(&group, &drill.secondary).await;
    }
    // The group was deleted meanwhile; the copy is removed all the same.
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
fn catalog_of(drill: &Drill, catalog: &str) -> String {
    format!("drill_{}_{catalog}", drill.id.get(..8).unwrap_or(&drill.id))
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
        let name = catalog_of(drill, &catalog);
        if !drill.catalogs.contains(&name) {
            drill.catalogs.push(name.clone());
            // Written down before it is made, so that it is removed whatever happens.
            control.keep_drill(drill.clone(), None).await?;
        }
        if end.client.catalog(&name).await?.is_some() {
            continue;
        }
        let replica = end.client.catalog(&catalog).await?;
        let storage_root = replica.and_then(|replica| replica.storage_root).and_then(|root| {
            let holds = |url: &str| root.starts_with(url.trim_end_matches('/'));
            let location = locations.iter().filter(|location| holds(&location.url)).max_by_key(|l| l.url.len())?;
            Some(format!("{}/{FOLDER}/{}/{name}", location.url.trim_end_matches('/'), drill.id))
        });
        let comment =
            Some(format!("A copy for the drill of {} on {}. It is removed again.", drill.group, drill.started));
        let create = uc::CreateCatalog { name: name.clone(), comment, storage_root, ..uc::CreateCatalog::default() };
        end.client.create_catalog(&create).await?;
    }
    Ok(End::Done(format!("Created {} in {}.", drill.catalogs.join(", "), drill.secondary)))
}

pub async fn copy_tables(control: &Control, drill: &mut Drill) -> Result<End, ControlError> {
    let end = endpoint(control, drill).await?;
    let mut replicas = std::collections::BTreeMap::new();
    for table in control.point(&drill.group, drill.started).await?.tables {
        replicas.insert(table.name, table.location);
    }
    for index in 0..drill.tables.len() {
        let Some(table) = drill.tables.get(index).filter(|table| !table.created).cloned() else { continue };
        let name = table.name.clone();
        let Some(location) = replicas.get(&name).cloned() else {
            return Err(refused(format!("{name} is no longer in the group.")));
        };
        let done = copy_table(control, &end, drill, index, table, &location).await?;
        if let Some(slot) = drill.tables.get_mut(index) {
            *slot = done;
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

async fn copy_table(
    control: &Control,
    end: &Endpoint,
    drill: &mut Drill,
    index: usize,
    mut table: DrilledTable,
    replica: &str,
) -> Result<DrilledTable, ControlError> {
    let name = AssetName::parse(&table.copy);
    let parts: Vec<&str> = table.copy.splitn(3, '.').collect();
    let [catalog, schema, short] = parts.as_slice() else {
        return Err(refused(format!("{name} is no table's name.")));
    };
    if end.client.schema(&format!("{catalog}.{schema}")).await?.is_none() {
        let create = uc::CreateSchema {
            name: (*schema).to_owned(),
            catalog_name: (*catalog).to_owned(),
            ..uc::CreateSchema::default()
        };
        end.client.create_schema(&create).await?;
    }
    if table.location.is_none() {
        let staging = uc::CreateStagingTable {
            catalog_name: (*catalog).to_owned(),
            schema_name: (*schema).to_owned(),
            name: (*short).to_owned(),
            ..uc::CreateStagingTable::default()
        };
        let staged = end.client.create_staging_table(&staging).await?;
        (table.location, table.id) = (Some(staged.staging_location), Some(staged.id));
        // Where files will lie is written down before the first one.
        if let Some(slot) = drill.tables.get_mut(index) {
            *slot = table.clone();
        }
        control.keep_drill(drill.clone(), None).await?;
    }
    let source = TablePlace::new(replica, None);
    let source = replicate::root_of(end, &source, false, control.inner.clock.as_ref()).await?.root;
    let target = root(control, end, &table, true).await?;
    let copied = delta::copy_version(&source, &target, table.version).await?;
    (table.files, table.bytes, table.shared_bytes) = (copied.files, copied.bytes, copied.shared_bytes);
    if end.client.table(&table.copy).await?.is_none() {
        let create = uc::CreateTable {
            name: (*short).to_owned(),
            catalog_name: (*catalog).to_owned(),
            schema_name: (*schema).to_owned(),
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
            // Without a table there is nobody to ask for a key to its folder any more.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    for catalog in &drill.catalogs {
        if end.client.catalog(catalog).await?.is_some() {
            end.client.delete_catalog(catalog, true).await?;
        }
    }
    drill.tables_verified = if drill.problems.is_empty() { drill.tables.len() as u64 } else { drill.tables_verified };
    Ok(End::Done(format!("Removed {files} files and {} catalogs.", drill.catalogs.len())))
}
