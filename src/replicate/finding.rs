//! What is said of objects beyond one cycle or comparison: what a cycle knew, what was left behind, what did not arrive.

use super::ObjectRecord;
use super::unsupported::WITHOUT_DATA;
use crate::domain::{AssetKind, AssetName, ErrorClass, LeftBehind, ObjectError, ObjectStatus, Shortfall, same_name};
use std::collections::BTreeMap;

/// Lets a comparison say what the cycle knows: why something did not arrive.
pub fn explain(compared: &mut [ObjectRecord], known: &[ObjectError]) {
    let known: BTreeMap<(AssetKind, &str), &ObjectError> =
        known.iter().map(|error| ((error.kind, error.object.as_str()), error)).collect();
    for object in compared {
        let Some(error) = known.get(&(object.kind, object.name.as_str())) else { continue };
        // What was compared and found equal, changed or unknown is better known than what a cycle saw before.
        if matches!(object.status, ObjectStatus::Missing | ObjectStatus::Lagging | ObjectStatus::Failed) {
            object.status = error.class.status();
            object.error = Some((*error).clone());
            object.note = None;
        }
        // What keeps the access from being replicated says more than how it differs.
        let is_access = |error: &ObjectError| error.class == ErrorClass::AccessNotReplicated;
        if object.error.as_ref().is_some_and(is_access) && is_access(error) {
            object.error = Some((*error).clone());
        }
    }
}

/// Lists what failovers left behind among the objects: in the place of what else is said of it, but for an error.
pub fn list_left_behind(objects: &mut Vec<ObjectRecord>, left: &[LeftBehind]) {
    for left in left {
        let found = objects.iter_mut().find(|o| o.kind == left.lost.kind && same_name(&o.name, &left.lost.object));
        let mut record = ObjectRecord::named(left.lost.kind, left.lost.object.clone(), ObjectStatus::LeftBehind);
        record.bytes = left.lost.bytes;
        record.error = Some(left.error());
        match found {
            None => objects.push(record),
            Some(object) if object.error.as_ref().is_some_and(|e| e.class == ErrorClass::LeftBehind) => {
                object.status = ObjectStatus::LeftBehind;
            }
            // The table goes on in the new primary, and what it lost is aside.
            Some(object) if !left.is_in_place() && object.error.is_none() => {
                object.status = ObjectStatus::LeftBehind;
                object.error = record.error;
            }
            Some(object) if left.is_in_place() => *object = record,
            Some(_) => {}
        }
    }
    objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
}

/// What the destination does not have, going by what a cycle or a comparison said of each object.
///
/// Every flagged table counts, whatever its class, because it is unknown whether its last commit has arrived. A view has no
/// commits, and what only the destination has loses none.
pub fn shortfalls(objects: &[ObjectRecord]) -> Vec<Shortfall> {
    let lost = |object: &ObjectRecord| {
        let error = object.error.as_ref()?;
        let counts = match (object.kind, error.class) {
            (_, ErrorClass::UnmanagedObject | ErrorClass::AccessNotReplicated) => false,
            (_, ErrorClass::LeftBehind) => error.blocks_replication_point(),
            (AssetKind::Table, _) => !error.parameters.contains_key(WITHOUT_DATA),
            // What lies in a catalog that the source does not show cannot be asked.
            (AssetKind::Catalog, class) => class == ErrorClass::CatalogRefused && object.replica_version.is_none(),
            _ => false,
        };
        counts.then(|| Shortfall {
            object: object.name.clone(),
            kind: object.kind,
            class: error.class,
            why: error.message.clone(),
            location: None,
            first_version: Some(object.replica_version.map_or(0, |version| version + 1)),
            last_version: object.source_version,
            commits: None,
            rows: None,
            bytes: None,
        })
    };
    let mut found: Vec<Shortfall> = objects.iter().filter_map(lost).collect();
    // A catalog that could not be made speaks through its tables.
    let has_tables = |catalog: &str| {
        objects.iter().any(|o| o.kind == AssetKind::Table && AssetName::parse(&o.name).catalog == catalog)
    };
    found.retain(|lost| lost.kind != AssetKind::Catalog || !has_tables(&lost.object));
    found
}
