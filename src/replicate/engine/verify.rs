//! Comparing every object of a group with its replica, changing nothing.

use super::asset_type::{AssetType, Compared, Comparison, Damage, Due};
use super::follower::Follower;
use super::listing::read_inventory;
use super::verdict::{Sides, Verdict};
use crate::connect::ConnectError;
use crate::domain::Region;
use crate::domain::{AssetKey, AssetKind, CatalogName, Clock, ObjectError, ObjectStatus};
use crate::replicate::{Asset, CycleError, Inventory, ObjectRecord, ownership};
use futures::{StreamExt, stream};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Objects compared at a time.
const PARALLEL_COMPARES: usize = 4;

/// What a comparison found.
#[derive(Debug, Clone, Default)]
pub struct CompareReport {
    /// Every object of the source, by kind and name.
    pub objects: Vec<ObjectRecord>,
    /// What is in the replica's catalogs and not in the source's.
    pub unmanaged: Vec<ObjectRecord>,
    /// What a repair can mend.
    pub damages: Vec<Damage>,
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

/// Compares everything of `kinds` in `catalogs`, and what `followers` look after. A region that can't be reached ends the comparison, so that nothing is
/// claimed of what it has.
pub async fn compare(
    kinds: &[&dyn AssetType],
    followers: &[&dyn Follower],
    catalogs: &[CatalogName],
    comparison: &Comparison<'_>,
) -> Result<CompareReport, CycleError> {
    // The replica first: what arrives there in the meantime must not look as if someone had made it there.
    let at_destination = read_inventory(kinds, comparison.destination, catalogs).await?;
    let at_source = read_inventory(kinds, comparison.source, catalogs).await?;
    let (owned, tables) = ownership::read_owned(comparison.store, comparison.group).await?;
    let bytes: HashMap<String, u64> = tables.into_iter().map(|row| (row.name, row.body.bytes)).collect();
    let sides = Sides {
        source: comparison.source,
        destination: comparison.destination,
        clock: comparison.clock,
        rules: comparison.rules,
    };
    let pass = Pass { comparison, sides: &sides, at_destination: &at_destination, owned: &owned };
    let due = kinds.iter().flat_map(|kind| at_source.of_kind(kind.kind()).map(move |object| (*kind, object)));
    let each: Vec<_> = due.map(|(kind, object)| pass.one(kind, object)).collect();
    let compared: Vec<Result<Compared, CycleError>> = stream::iter(each).buffered(PARALLEL_COMPARES).collect().await;
    let mut report = CompareReport { objects: sides.not_shown(catalogs, &at_source), ..CompareReport::default() };
    for compared in compared {
        let Compared { mut record, damage } = compared?;
        if record.kind == AssetKind::Table {
            record.bytes = bytes.get(&record.name).copied();
        }
        report.objects.push(record);
        report.damages.extend(damage);
    }
    for follower in followers {
        follower.compare(comparison, &at_source, &at_destination, &mut report.objects).await?;
    }
    report.unmanaged = sides.unmanaged(kinds, &at_source, &at_destination, &owned, &BTreeMap::new());
    report.objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(report)
}

struct Pass<'a> {
    comparison: &'a Comparison<'a>,
    sides: &'a Sides<'a>,
    at_destination: &'a Inventory,
    /// What replication made.
    owned: &'a BTreeSet<AssetKey>,
}

impl Pass<'_> {
    async fn one(&self, kind: &dyn AssetType, (key, asset): (&AssetKey, &Asset)) -> Result<Compared, CycleError> {
        match self.sides.judge(kind, (key, asset), self.at_destination, &BTreeMap::new(), self.owned) {
            Verdict::Flagged(record) => Ok(record.into()),
            Verdict::Replaces(rival) => {
                let message = format!(
                    "{key} is a {} in {} and a {} in {}, until the next cycle.",
                    key.kind.label(),
                    self.sides.source.region,
                    rival.kind.label(),
                    self.sides.destination.region
                );
                Ok(self.comparison.drifted(key, message).into())
            }
            Verdict::Due => kind.compare(self.comparison, Due { key, asset }, self.at_destination.get(key)).await,
        }
    }
}

/// Says of every object in `known` that nothing is claimed, because `region` did not answer.
pub fn unknown_objects(
    known: impl IntoIterator<Item = (AssetKind, String)>,
    region: &Region,
    error: &ConnectError,
    clock: &dyn Clock,
) -> Vec<ObjectRecord> {
    let since = clock.now();
    let mut all: Vec<(AssetKind, String)> = known.into_iter().collect();
    all.sort();
    all.dedup();
    let record = |(kind, name): (AssetKind, String)| {
        let message = format!("The status of {name} is unknown, because {region} didn't respond. {error}");
        let parameters = BTreeMap::from([("region".to_owned(), region.to_string())]);
        let error = ObjectError { class: error.class(), parameters, message, kind, object: name.clone(), since };
        ObjectRecord { error: Some(error), ..ObjectRecord::named(kind, name, ObjectStatus::Unknown) }
    };
    all.into_iter().map(record).collect()
}
