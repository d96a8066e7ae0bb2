//! Comparing every table of a group with its replica.

use super::access::root_of;
use super::{CycleError, Inventory, Link, ObjectRecord, TableMemory, read_inventory, unsupported};
use crate::delta::{self, CompareOptions, FileRecord};
use crate::domain::{AssetKind, AssetName, Clock, ErrorClass, GroupId, ObjectError, ObjectStatus};
use crate::store::Store;
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, HashMap};

/// Tables compared at a time.
const PARALLEL_COMPARES: usize = 4;

/// What a comparison found.
#[derive(Debug, Clone, Default)]
pub struct CompareReport {
    /// Every object compared, by kind and name.
    pub objects: Vec<ObjectRecord>,
}

impl CompareReport {
    /// Tables that were compared: those in sync, and those whose bytes are equal but cannot be read here.
    pub fn verified(&self) -> usize {
        self.tables().filter(|o| matches!(o.status, ObjectStatus::InSync | ObjectStatus::Unverifiable)).count()
    }

    /// Tables that differ.
    pub fn differing(&self) -> Vec<&ObjectRecord> {
        self.tables().filter(|o| o.status.is_difference()).collect()
    }

    fn tables(&self) -> impl Iterator<Item = &ObjectRecord> {
        self.objects.iter().filter(|o| o.kind == AssetKind::Table)
    }
}

/// Compares every table and view in `catalogs`: version, commits, file list, sizes, and the sha256 kept when copied.
///
/// `deep` reads every file of the replica again and hashes it.
pub async fn compare_tables(
    group: &GroupId,
    catalogs: &[String],
    source: &Link,
    destination: &Link,
    store: &Store,
    clock: &dyn Clock,
    deep: bool,
) -> Result<CompareReport, CycleError> {
    let here = read_inventory(source, catalogs).await?;
    let there = read_inventory(destination, catalogs).await?;
    let kept = |name: String| {
        let group = group.clone();
        async move { store.run(move |tx| tx.files(&group, &name)).await }
    };
    let known = {
        let group = group.clone();
        store.run(move |tx| tx.tables::<TableMemory>(&group)).await?
    };
    let bytes: HashMap<String, u64> = known.into_iter().map(|row| (row.name, row.body.bytes)).collect();
    let each: Vec<_> =
        here.tables().map(|info| compare_one(info, source, destination, &there, clock, deep, &kept)).collect();
    let compared: Vec<Result<ObjectRecord, CycleError>> =
        stream::iter(each).buffered(PARALLEL_COMPARES).collect().await;
    let mut objects = compared.into_iter().collect::<Result<Vec<_>, _>>()?;
    for object in &mut objects {
        object.bytes = bytes.get(&object.name).copied();
    }
    for name in catalogs {
        objects.push(container(
            AssetKind::Catalog,
            AssetName::catalog(name.as_str()),
            here.catalogs.contains_key(name),
            there.catalogs.contains_key(name),
        ));
        for schema in here.catalogs.get(name).map(|c| c.schemas.keys()).into_iter().flatten() {
            let present = there.catalogs.get(name).is_some_and(|c| c.schemas.contains_key(schema));
            objects.push(container(
                AssetKind::Schema,
                AssetName::schema(name.as_str(), schema.as_str()),
                true,
                present,
            ));
        }
    }
    objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(CompareReport { objects })
}

fn container(kind: AssetKind, name: AssetName, here: bool, there: bool) -> ObjectRecord {
    ObjectRecord::new(kind, &name, if here && there { ObjectStatus::InSync } else { ObjectStatus::Missing })
}

async fn compare_one<F, Fut>(
    info: &TableInfo,
    source: &Link,
    destination: &Link,
    there: &Inventory,
    clock: &dyn Clock,
    deep: bool,
    kept: &F,
) -> Result<ObjectRecord, CycleError>
where
    F: Fn(String) -> Fut,
    Fut: Future<Output = Result<Vec<crate::store::FileRow>, crate::store::StoreError>>,
{
    let asset = AssetName::leaf(&info.catalog_name, &info.schema_name, &info.name);
    let kind = if info.table_type == TABLE_VIEW { AssetKind::View } else { AssetKind::Table };
    if let Some(sentence) = unsupported::reason(info) {
        return Ok(ObjectRecord::failed(kind, &asset, ErrorClass::UnsupportedObject, BTreeMap::new(), sentence, clock));
    }
    let Some(replica) = there.table(&info.catalog_name, &info.schema_name, &info.name) else {
        return Ok(ObjectRecord::new(kind, &asset, ObjectStatus::Missing));
    };
    if kind == AssetKind::View {
        let same = replica.view_definition == info.view_definition;
        let status = if same { ObjectStatus::InSync } else { ObjectStatus::Drifted };
        return Ok(ObjectRecord::new(kind, &asset, status));
    }
    let (Some(from), Some(to)) = (&info.storage_location, &replica.storage_location) else {
        return Ok(ObjectRecord::new(kind, &asset, ObjectStatus::Unknown));
    };
    let from = root_of(source, from, false, clock).await.map_err(|e| CycleError::at(&source.region, e))?.0;
    let to = root_of(destination, to, false, clock).await.map_err(|e| CycleError::at(&destination.region, e))?.0;
    let name = asset.to_string();
    let kept: HashMap<String, FileRecord> = kept(name.clone())
        .await?
        .into_iter()
        .map(|f| (f.path.clone(), FileRecord { path: f.path, size: f.size, sha256: f.sha256 }))
        .collect();
    let found = delta::compare(&from, &to, &kept, CompareOptions { up_to: None, deep }).await;
    let mut record = ObjectRecord::new(kind, &asset, found.status);
    record.source_version = found.source_version;
    record.replica_version = found.replica_version;
    record.error = found.message.map(|message| ObjectError {
        class: found.class.unwrap_or(ErrorClass::Drift),
        parameters: found.parameters,
        message,
        kind,
        object: name,
        since: clock.now(),
    });
    Ok(record)
}
