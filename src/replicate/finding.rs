//! What is found out about objects, once for cycle and comparison: kind, status, class and sentence.

use super::{Endpoint, Inventory, ObjectRecord, unsupported};
use crate::domain::same_name;
use crate::domain::{
    AssetKey, AssetKind, AssetName, Clock, ErrorClass, LeftBehind, ObjectError, ObjectStatus, Shortfall,
};
use crate::wire::unity_catalog::{TABLE_VIEW, TableInfo};
use std::collections::{BTreeMap, BTreeSet};

/// Says in an error's parameters that the object holds no data of its own in the region.
const WITHOUT_DATA: &str = "without_data";

/// A table object's name in parts.
pub fn asset_of(info: &TableInfo) -> AssetName {
    AssetName::leaf(&info.catalog_name, &info.schema_name, &info.name)
}

/// Table or view.
pub fn kind_of(info: &TableInfo) -> AssetKind {
    if info.table_type == TABLE_VIEW { AssetKind::View } else { AssetKind::Table }
}

/// An object that cannot be replicated; None when it can.
pub fn unsupported(info: &TableInfo, clock: &dyn Clock) -> Option<ObjectRecord> {
    let sentence = unsupported::reason(info)?;
    let mut parameters = BTreeMap::from([("table_type".to_owned(), info.table_type.clone())]);
    if !unsupported::holds_data(info) {
        parameters.insert(WITHOUT_DATA.to_owned(), "true".to_owned());
    }
    let class = ErrorClass::UnsupportedObject;
    Some(ObjectRecord::failed(kind_of(info), &asset_of(info), class, parameters, sentence, clock))
}

/// A catalog in the scope that the source doesn't show.
pub fn catalog_not_shown(name: &str, source: &Endpoint, clock: &dyn Clock) -> ObjectRecord {
    let message = format!(
        "Catalog {name} is in the scope, but {} has no catalog of that name. Create it there, or remove it from the scope.",
        source.region
    );
    let class = ErrorClass::CatalogRefused;
    ObjectRecord::failed(AssetKind::Catalog, &AssetName::catalog(name), class, BTreeMap::new(), message, clock)
}

/// An object whose name an object of another kind has at the destination, which replication did not make.
pub fn taken(info: &TableInfo, destination: &Endpoint, clock: &dyn Clock) -> ObjectRecord {
    let asset = asset_of(info);
    let message = format!(
        "{} has an object of another kind named {asset} that replication didn't create. Drop or rename it there.",
        destination.region
    );
    ObjectRecord::failed(kind_of(info), &asset, ErrorClass::Drift, BTreeMap::new(), message, clock)
}

/// What the destination's catalogs hold and the source's don't. What replication made itself, which is in `ours`, is
/// only behind.
pub fn unmanaged(
    at_source: &Inventory,
    at_destination: &Inventory,
    ours: &BTreeSet<AssetKey>,
    (source, destination): (&Endpoint, &Endpoint),
    clock: &dyn Clock,
) -> Vec<ObjectRecord> {
    let record = |kind, asset: AssetName| {
        if ours.contains(&AssetKey::new(kind, asset.clone())) {
            let note =
                format!("{asset} was dropped in {}. The next cycle drops it in {}.", source.region, destination.region);
            return ObjectRecord { note: Some(note), ..ObjectRecord::new(kind, &asset, ObjectStatus::Lagging) };
        }
        let message = format!(
            "{asset} exists only in {}. {}, the primary, doesn't have it, and replication didn't create it. Replication leaves it unchanged.",
            destination.region, source.region
        );
        ObjectRecord::failed(kind, &asset, ErrorClass::UnmanagedObject, BTreeMap::new(), message, clock)
    };
    let mut records = Vec::new();
    // Of a catalog that the source doesn't show, nothing is known there.
    for (catalog, item) in at_destination.catalogs.iter().filter(|(name, _)| at_source.catalogs.contains_key(*name)) {
        for (schema, (_, tables)) in &item.schemas {
            if at_source.catalogs.get(catalog).is_some_and(|at_source| !at_source.schemas.contains_key(schema)) {
                records.push(record(AssetKind::Schema, AssetName::schema(catalog.as_str(), schema.as_str())));
            }
            for table in tables.values().filter(|t| at_source.table(catalog, schema, &t.name).is_none()) {
                records.push(record(kind_of(table), asset_of(table)));
            }
        }
    }
    records
}

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
            (_, ErrorClass::UnmanagedObject) => false,
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
    let has_tables =
        |catalog: &str| objects.iter().any(|o| o.kind == AssetKind::Table && o.name.split('.').next() == Some(catalog));
    found.retain(|lost| lost.kind != AssetKind::Catalog || !has_tables(&lost.object));
    found
}
