//! What keeps an asset from being replicated, and what only the destination has: once for cycle and comparison.

use super::asset_type::AssetType;
use crate::domain::{AssetKey, CatalogName, Clock, ErrorClass, ObjectStatus, ScopeRules};
use crate::replicate::coverage::Failure;
use crate::replicate::{Asset, Endpoint, Inventory, ObjectRecord};
use std::collections::{BTreeMap, BTreeSet};

/// Both ends, for sentences.
pub struct Sides<'a> {
    pub source: &'a Endpoint,
    pub destination: &'a Endpoint,
    pub clock: &'a dyn Clock,
    pub rules: &'a ScopeRules,
}

/// What is to be done about an asset of the source.
pub enum Verdict {
    /// Nothing: the record says why.
    Flagged(ObjectRecord),
    /// An asset of another kind, which replication made, has its name until the next cycle drops it.
    Replaces(AssetKey),
    /// It is to be compared or replicated.
    Due,
}

impl Sides<'_> {
    /// Judges an asset of the source. `broken` names containers that could not be made, `owned` what replication made.
    pub fn judge(
        &self,
        kind: &dyn AssetType,
        (key, asset): (&AssetKey, &Asset),
        at_destination: &Inventory,
        broken: &BTreeMap<AssetKey, Failure>,
        owned: &BTreeSet<AssetKey>,
    ) -> Verdict {
        if self.rules.excludes(&key.name) {
            let note =
                Some(format!("{key} was taken out of the scope by name. Replication leaves it alone in both regions."));
            return Verdict::Flagged(ObjectRecord { note, ..ObjectRecord::new(key, ObjectStatus::Excluded) });
        }
        if let Some(why) = kind.why_not(asset) {
            let failure = (why.class, why.parameters, why.sentence);
            return Verdict::Flagged(ObjectRecord::failed(key, failure, self.clock));
        }
        let mut above = std::iter::successors(key.parent(), AssetKey::parent);
        if !broken.is_empty()
            && let Some(failure) = above.find_map(|container| broken.get(&container))
        {
            return Verdict::Flagged(ObjectRecord::failed(key, failure.clone(), self.clock));
        }
        let rivals = kind.rivals().iter().map(|rival| AssetKey::new(*rival, key.name.clone()));
        match rivals.into_iter().find(|rival| at_destination.contains(rival)) {
            None => Verdict::Due,
            Some(rival) if owned.contains(&rival) => Verdict::Replaces(rival),
            Some(_) => Verdict::Flagged(self.taken(key)),
        }
    }

    /// An asset whose name an object of another kind has at the destination, which replication did not make.
    fn taken(&self, key: &AssetKey) -> ObjectRecord {
        let message = format!(
            "{} has an object of another kind named {key} that replication didn't create. Drop or rename it there.",
            self.destination.region
        );
        ObjectRecord::failed(key, (ErrorClass::Drift, BTreeMap::new(), message), self.clock)
    }

    /// Catalogs of the scope that the source doesn't show.
    pub fn not_shown(&self, catalogs: &[CatalogName], at_source: &Inventory) -> Vec<ObjectRecord> {
        let keys = catalogs.iter().map(|name| AssetKey::catalog(name.as_str()));
        let record = |key: AssetKey| {
            let message = format!(
                "Catalog {key} is in the scope, but {} has no catalog of that name. Create it there, or remove it from the scope.",
                self.source.region
            );
            ObjectRecord::failed(&key, (ErrorClass::CatalogRefused, BTreeMap::new(), message), self.clock)
        };
        keys.filter(|key| !at_source.contains(key)).map(record).collect()
    }

    /// What the destination's catalogs hold and the source's don't. What replication made itself, which is in `owned`, is
    /// only behind, and what is in `kept` stays for the reason given there.
    pub fn unmanaged(
        &self,
        kinds: &[&dyn AssetType],
        at_source: &Inventory,
        at_destination: &Inventory,
        owned: &BTreeSet<AssetKey>,
        kept: &BTreeMap<AssetKey, &'static str>,
    ) -> Vec<ObjectRecord> {
        let (source, destination) = (&self.source.region, &self.destination.region);
        let record = |key: &AssetKey| {
            if owned.contains(key) {
                let note = format!(
                    "{key} was dropped in {source}. The next cycle drops it in {destination}. UNDROP isn't propagated: what you bring back there is replicated again as a new object."
                );
                return ObjectRecord { note: Some(note), ..ObjectRecord::new(key, ObjectStatus::Lagging) };
            }
            if let Some(why) = kept.get(key) {
                let message = format!("{key} was dropped in {source}. It stays in {destination}, because {why}.");
                return ObjectRecord::failed(key, (ErrorClass::UnmanagedObject, BTreeMap::new(), message), self.clock);
            }
            let message = format!(
                "{key} exists only in {destination}. {source}, the primary, doesn't have it, and replication didn't create it. Replication leaves it unchanged."
            );
            ObjectRecord::failed(key, (ErrorClass::UnmanagedObject, BTreeMap::new(), message), self.clock)
        };
        let mut records = Vec::new();
        for kind in kinds {
            for (key, _) in at_destination.of_kind(kind.kind()) {
                let of = |kind| AssetKey::new(kind, key.name.clone());
                // Of a catalog that the source doesn't show, nothing is known there.
                let is_shown = at_source.contains(&AssetKey::catalog(key.name.catalog.as_str()));
                let is_known =
                    at_source.contains(key) || kind.rivals().iter().any(|rival| at_source.contains(&of(*rival)));
                if is_shown && !is_known && !self.rules.excludes(&key.name) {
                    records.push(record(key));
                }
            }
        }
        records
    }
}
