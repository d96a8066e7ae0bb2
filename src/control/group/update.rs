//! Changing a failover group: its scope, its mappings, and what follows its workspace sets.

use super::GroupChange;
use super::released::{left_replica_key, raise_epoch_floor};
use crate::control::{Control, ControlError, audit, provisional};
use crate::domain::{
    AssetName, CatalogName, Event, FailoverGroup, FailoverGroupSpec, GroupId, GroupState, LocationMapping,
    UnityCatalogAssets, WorkspaceSet, validate_spec,
};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// What is to change; what is None stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupPatch {
    /// The catalogs in scope and all that belongs to them; `Some(None)` takes every catalog out.
    pub unity_catalog_assets: Option<Option<UnityCatalogAssets>>,
    /// The catalogs in scope.
    pub catalogs: Option<Vec<CatalogName>>,
    /// The storage mappings.
    pub location_mappings: Option<Vec<LocationMapping>>,
    /// The workspace set that data replicates through; it can be repeated, not changed.
    pub data_replication_workspace_set: Option<String>,
    /// Decisions about single objects.
    pub rules: Box<RulesPatch>,
    /// Every workspace set; their workspaces can be repeated, not changed.
    pub workspace_sets: Option<Vec<WorkspaceSet>>,
    /// Single properties of workspace sets.
    pub sets: Vec<SetPatch>,
}

/// Which decisions about single objects are to change; what is None stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RulesPatch {
    /// Names that are taken out of the scope.
    pub excluded: Option<Vec<String>>,
    /// Renames that may be shipped again.
    pub approved_renames: Option<Vec<String>>,
    /// Bytes that renames may ship again; `Some(None)` for the usual limit.
    pub rename_limit_bytes: Option<Option<u64>>,
}

/// What is to change in one workspace set; what is None stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SetPatch {
    /// The set.
    pub name: String,
    /// Whether notebooks, jobs and the like replicate too.
    pub replicate_workspace_assets: Option<bool>,
    /// Full names of the stable URLs that follow the set.
    pub stable_url_names: Option<Vec<String>>,
}

impl GroupPatch {
    /// The spec with the change made; an error names what cannot change.
    fn apply(self, spec: &FailoverGroupSpec) -> Result<FailoverGroupSpec, ControlError> {
        let mut changed = spec.clone();
        let rules = &mut changed.rules;
        let sorted = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        rules.excluded = self.rules.excluded.map_or(std::mem::take(&mut rules.excluded), sorted);
        rules.approved_renames =
            self.rules.approved_renames.map_or(std::mem::take(&mut rules.approved_renames), sorted);
        rules.rename_limit_bytes = self.rules.rename_limit_bytes.unwrap_or(rules.rename_limit_bytes);
        let set_name = spec.unity_catalog_assets.as_ref().map(|assets| assets.data_replication_workspace_set.clone());
        if let Some(assets) = self.unity_catalog_assets {
            changed.unity_catalog_assets = assets;
        }
        if self.catalogs.is_some() || self.location_mappings.is_some() || self.data_replication_workspace_set.is_some()
        {
            let assets = changed.unity_catalog_assets.get_or_insert_with(|| UnityCatalogAssets {
                catalogs: Vec::new(),
                data_replication_workspace_set: spec
                    .workspace_sets
                    .first()
                    .map(|set| set.name.clone())
                    .unwrap_or_default(),
                location_mappings: Vec::new(),
            });
            assets.catalogs = self.catalogs.unwrap_or(std::mem::take(&mut assets.catalogs));
            assets.location_mappings = self.location_mappings.unwrap_or(std::mem::take(&mut assets.location_mappings));
            if let Some(name) = self.data_replication_workspace_set {
                assets.data_replication_workspace_set = name;
            }
        }
        if let (Some(old), Some(assets)) = (set_name, &mut changed.unity_catalog_assets) {
            if assets.data_replication_workspace_set.is_empty() {
                assets.data_replication_workspace_set = old;
            } else if assets.data_replication_workspace_set != old {
                return Err(immutable(&format!("The data replication workspace set is {old:?} and can't be changed.")));
            }
        }
        if let Some(sets) = self.workspace_sets {
            changed.workspace_sets = same_workspaces(&spec.workspace_sets, sets)?;
        }
        for patch in self.sets {
            let Some(set) = changed.workspace_sets.iter_mut().find(|set| set.name == patch.name) else {
                return Err(ControlError::BadArgument {
                    sentence: format!("The group has no workspace set named {:?}. Name one that it has.", patch.name),
                });
            };
            set.replicate_workspace_assets = patch.replicate_workspace_assets.unwrap_or(set.replicate_workspace_assets);
            if let Some(names) = patch.stable_url_names {
                set.stable_url_names = names;
            }
        }
        Ok(changed)
    }
}

fn immutable(what: &str) -> ControlError {
    ControlError::BadArgument { sentence: format!("{what} Send its current value, or create another group.") }
}

/// The new sets in the order of the old ones; their names and workspaces must be the same.
fn same_workspaces(old: &[WorkspaceSet], new: Vec<WorkspaceSet>) -> Result<Vec<WorkspaceSet>, ControlError> {
    let refuse = || immutable("You can't change a group's workspace sets or their workspaces.");
    if old.len() != new.len() {
        return Err(refuse());
    }
    old.iter()
        .map(|old| {
            let found = new.iter().find(|set| set.name == old.name).ok_or_else(refuse)?;
            let (before, after): (BTreeSet<_>, BTreeSet<_>) =
                (old.workspace_ids.iter().collect(), found.workspace_ids.iter().collect());
            if before != after {
                return Err(refuse());
            }
            Ok(WorkspaceSet { workspace_ids: old.workspace_ids.clone(), ..found.clone() })
        })
        .collect()
}

impl Control {
    /// Changes a group; durable when this returns. A change of nothing isn't a change, and keeps the etag.
    pub async fn update_group(
        &self,
        actor: &str,
        id: &GroupId,
        etag: Option<&str>,
        patch: GroupPatch,
    ) -> Result<FailoverGroup, ControlError> {
        // Every change of a spec holds this, so the spec that is checked is the one that is changed.
        let creating = self.inner.creating.clone().lock_owned().await;
        let handle = self.handle(id)?;
        provisional::refuse_while_open(handle.operation().as_ref(), id)?;
        let before = handle.group();
        let fresh = |group: &FailoverGroup| match etag {
            Some(etag) if etag != group.etag => Err(ControlError::Stale { id: id.to_string() }),
            _ => changeable(group),
        };
        fresh(&before)?;
        let spec = patch.apply(&before.spec)?;
        if spec == before.spec {
            return Ok(handle.shown());
        }
        let spec = self.check_change(&before, spec).await?;
        if spec == before.spec {
            return Ok(handle.shown());
        }

        let mut change = GroupChange::of(&handle).await;
        let current = change.group.clone();
        fresh(&current)?;
        // A failover may have gone through while the regions were asked; the change was checked for the other direction.
        provisional::refuse_while_open(change.operation.as_ref(), id)?;
        if current.epoch != before.epoch {
            return Err(ControlError::Stale { id: id.to_string() });
        }
        change.group.spec = spec;
        let missing_in = |other: &FailoverGroup, of: &FailoverGroup| -> Vec<CatalogName> {
            of.catalogs().iter().filter(|catalog| !other.catalogs().contains(catalog)).cloned().collect()
        };
        let (returned, lost) = (missing_in(&current, &change.group), missing_in(&change.group, &current));
        let put_back = current.spec.rules.excluded.iter().any(|name| !change.group.spec.rules.excluded.contains(name));
        let gained = put_back || !returned.is_empty();
        let now = self.now();
        if gained && current.state.replicates() {
            change.apply(Event::ScopeGrew, now)?;
            // A point covers everything in scope, and of the new catalogs nothing has arrived.
            change.group.replication_point = None;
        }
        let message = format!("{actor} changed failover group {id}: {}.", in_words(&current.spec, &change.group.spec));
        change.log(audit::line(now, actor, "failover_group.update", id.as_str(), message));
        change.renew_etag();
        let detached = self.detached(&current, Some(&change.group));
        let (kept, of, secondary) = (detached.clone(), id.clone(), current.effective_secondary_region().to_owned());
        let epoch = current.epoch;
        let rules = change.group.spec.rules.clone();
        change.also(move |tx| {
            kept.iter().try_for_each(|url| tx.put_stable_url(url))?;
            if !lost.is_empty() {
                raise_epoch_floor(tx, epoch)?;
            }
            for catalog in &lost {
                // Its replica stays, read-only, until it is taken up again or released.
                tx.set_value(&left_replica_key(&secondary, catalog), of.as_str())?;
            }
            for catalog in &returned {
                // It may be one that was left before; it is in use again.
                tx.set_value(&left_replica_key(&secondary, catalog), "")?;
            }
            for table in tx.tables::<serde_json::Value>(&of)? {
                let name = AssetName::parse(&table.name);
                if lost.iter().any(|catalog| catalog.holds(&name)) || rules.excludes(&name) {
                    tx.remove_table(&of, &table.name)?;
                }
            }
            // What was taken out by name is no longer replication's own: its replica stays as it is.
            for key in tx.owned(&of)?.into_iter().filter(|key| rules.excludes(&key.name)) {
                tx.remove_owned(&of, &key)?;
            }
            Ok(())
        });
        let scope_changed = change.group.spec.unity_catalog_assets != current.spec.unity_catalog_assets
            || change.group.spec.rules != current.spec.rules;
        let changed = handle.clone();
        change.then(move |control| {
            if scope_changed {
                changed.forget.store(true, Ordering::Relaxed);
                changed.stop.store(true, Ordering::Relaxed);
            }
            control.keep_urls(detached);
            drop(creating);
        });
        change.commit(self).await?;
        Ok(handle.shown())
    }

    /// Checks a changed spec as a new one is checked, except for what the group itself brought about; the spec with its
    /// catalogs spelled as the catalog spells them.
    pub(in crate::control) async fn check_change(
        &self,
        before: &FailoverGroup,
        mut spec: FailoverGroupSpec,
    ) -> Result<FailoverGroupSpec, ControlError> {
        let now_primary =
            FailoverGroupSpec { initial_primary_region: before.effective_primary_region.clone(), ..spec.clone() };
        let mut facts = self.facts(&now_primary).await;
        facts.first_primary = Some(spec.initial_primary_region.clone());
        facts.group_ids.retain(|known| known != spec.id.as_str());
        if let Some(existing) = &mut facts.secondary_catalogs {
            existing.retain(|catalog| !before.catalogs().contains(catalog));
        }
        if let Some(existing) = &mut facts.primary_catalogs {
            existing.extend(before.catalogs().iter().cloned());
        }
        facts.spell_as_known(&mut spec);
        let ours = before.catalogs();
        for catalog in spec.unity_catalog_assets.iter_mut().flat_map(|assets| &mut assets.catalogs) {
            // Another spelling must not look like another catalog.
            if let Some(known) = ours.iter().find(|known| *known == catalog) {
                catalog.clone_from(known);
            }
        }
        let now_primary = FailoverGroupSpec { unity_catalog_assets: spec.unity_catalog_assets.clone(), ..now_primary };
        let violations = validate_spec(&now_primary, &facts);
        if violations.is_empty() { Ok(spec) } else { Err(ControlError::Invalid { violations }) }
    }
}

fn changeable(group: &FailoverGroup) -> Result<(), ControlError> {
    if group.salvage_pending {
        return Err(ControlError::Refused {
            sentence: format!(
                "Failover group {} is waiting for its old primary to respond and be reclaimed. Change it when it is ACTIVE.",
                group.spec.id
            ),
        });
    }
    match group.state {
        GroupState::InitialReplication | GroupState::Active | GroupState::CreationFailed => Ok(()),
        state => Err(ControlError::Refused {
            sentence: format!(
                "Failover group {} is in {state}, so it can't be changed now. Change it when it is ACTIVE.",
                group.spec.id
            ),
        }),
    }
}

/// What differs, for the audit log.
fn in_words(before: &FailoverGroupSpec, after: &FailoverGroupSpec) -> String {
    let assets = |spec: &FailoverGroupSpec| spec.unity_catalog_assets.clone();
    let catalogs = |spec| assets(spec).map(|a| a.catalogs).unwrap_or_default();
    let mappings = |spec| assets(spec).map(|a| a.location_mappings).unwrap_or_default();
    let mut changes = Vec::new();
    let list = |names: Vec<String>| names.join(", ");
    let missing = |from: &[String], within: &[String]| -> Vec<String> {
        from.iter().filter(|name| !within.contains(name)).cloned().collect()
    };
    let (old, new) = (catalogs(before), catalogs(after));
    let without = |from: &[CatalogName], within: &[CatalogName]| {
        CatalogName::list(from.iter().filter(|name| !within.contains(name)))
    };
    let (added, removed) = (without(&new, &old), without(&old, &new));
    if !added.is_empty() {
        changes.push(format!("added {added}"));
    }
    if !removed.is_empty() {
        changes.push(format!("took out {removed}"));
    }
    let (out, back) = (
        missing(&after.rules.excluded, &before.rules.excluded),
        missing(&before.rules.excluded, &after.rules.excluded),
    );
    if !out.is_empty() {
        changes.push(format!("took {} out of the scope by name", list(out)));
    }
    if !back.is_empty() {
        changes.push(format!("put {} back into the scope", list(back)));
    }
    let approved = missing(&after.rules.approved_renames, &before.rules.approved_renames);
    if !approved.is_empty() {
        changes.push(format!("approved shipping {} again under their new names", list(approved)));
    }
    if before.rules.rename_limit_bytes != after.rules.rename_limit_bytes {
        changes.push(format!("set the rename limit to {} bytes", after.rules.rename_limit()));
    }
    if mappings(before) != mappings(after) {
        changes.push("changed the storage mappings".to_owned());
    }
    if before.workspace_sets != after.workspace_sets {
        changes.push("changed what follows its workspace sets".to_owned());
    }
    if changes.is_empty() { "reordered its scope".to_owned() } else { changes.join("; ") }
}
