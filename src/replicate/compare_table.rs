//! Comparing a table with its replica: version, commits, file list, sizes, and the sha256 kept when copied.

use super::access::root_of;
use super::engine::{Compared, Comparison, Damage, Due};
use super::ledger::file_record;
use super::{Asset, CycleError, Endpoint, ObjectRecord};
use crate::connect::TablePlace;
use crate::delta::{self, CompareOptions, Kept, TableRoot};
use crate::domain::{AssetKey, ErrorClass, GroupId, ObjectError, ObjectStatus};
use crate::store::{Store, StoreError};
use crate::wire::unity_catalog::TableInfo;

/// What the ledger keeps of a table.
pub async fn kept_of(store: &Store, group: &GroupId, table: &str) -> Result<Kept, StoreError> {
    let (group, table) = (group.clone(), table.to_owned());
    let (files, commits) = store.run(move |tx| Ok((tx.files(&group, &table)?, tx.commits(&group, &table)?))).await?;
    let files = files.into_iter().map(file_record);
    Ok(Kept {
        files: files.map(|file| (file.path.clone(), file)).collect(),
        commits: commits.into_iter().map(|c| (c.version, c.sha256)).collect(),
    })
}

/// Compares one table. `depth` in the comparison says whether files are read and hashed again, and against what.
pub async fn compare(
    comparison: &Comparison<'_>,
    Due { key, asset }: Due<'_>,
    replica: Option<&Asset>,
) -> Result<Compared, CycleError> {
    let place = |asset: &Asset| asset.info::<TableInfo>().and_then(TablePlace::of);
    let Some(replica) = replica else {
        return absent(comparison, key, place(asset)).await;
    };
    let (Some(from), Some(to)) = (place(asset), place(replica)) else {
        let message = format!("A catalog names no storage location for table {key}. Check the table there.");
        return Ok(comparison.failed(key, ErrorClass::CatalogRefused, message).into());
    };
    let ours = match root(comparison, comparison.source, &from).await? {
        Ok(root) => root,
        Err((class, message)) => return Ok(comparison.failed(key, class, message).into()),
    };
    let theirs = match root(comparison, comparison.destination, &to).await? {
        Ok(root) => root,
        Err((class, message)) => return Ok(comparison.failed(key, class, message).into()),
    };
    let name = key.to_string();
    let kept = kept_of(comparison.store, comparison.group, &name).await?;
    let options = CompareOptions { up_to: None, depth: comparison.depth };
    let found = delta::compare(&ours, &theirs, &kept, options).await;
    let mut record = ObjectRecord::new(key, found.status);
    record.source_version = found.source_version;
    record.replica_version = found.replica_version;
    match (found.class, found.message) {
        (Some(class), Some(message)) => {
            let (parameters, since) = (found.parameters, comparison.clock.now());
            let (kind, object) = (key.kind, name.clone());
            record.error = Some(ObjectError { class, parameters, message, kind, object, since });
        }
        (_, message) => record.note = message,
    }
    let damaged = found.strayed || !found.damaged.is_empty();
    let damage = Damage { table: name, source: from, replica: to, files: found.damaged, strayed: found.strayed };
    Ok(Compared { record, damage: damaged.then_some(damage) })
}

/// A table that the destination's catalog doesn't have: it has not arrived yet, or there is a reason.
async fn absent(
    comparison: &Comparison<'_>,
    key: &AssetKey,
    place: Option<TablePlace>,
) -> Result<Compared, CycleError> {
    let mut record = comparison.missing(key);
    let Some(place) = place else { return Ok(record.into()) };
    let root = match root(comparison, comparison.source, &place).await? {
        Ok(root) => root,
        Err((class, message)) => return Ok(comparison.failed(key, class, message).into()),
    };
    match delta::newest_whole_version(&root).await {
        Ok(version) => record.source_version = Some(version),
        Err(fault) => {
            let status = if fault.class.is_transient() { ObjectStatus::Unknown } else { ObjectStatus::Failed };
            let failure = (fault.class, fault.parameters, fault.message);
            record = ObjectRecord { status, ..ObjectRecord::failed(key, failure, comparison.clock) };
        }
    }
    Ok(record.into())
}

/// The storage of a table; a refusal concerns one table, a region that is away all of them.
async fn root(
    comparison: &Comparison<'_>,
    endpoint: &Endpoint,
    place: &TablePlace,
) -> Result<Result<TableRoot, (ErrorClass, String)>, CycleError> {
    match root_of(endpoint, place, false, comparison.clock).await {
        Ok(granted) => Ok(Ok(granted.root)),
        Err(error) if error.is_unreachable() => Err(CycleError::at(&endpoint.region, error)),
        Err(error) => Ok(Err((error.class(), error.to_string()))),
    }
}
