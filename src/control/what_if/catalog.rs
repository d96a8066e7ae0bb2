//! A catalog of the scope that gets another name in the primary.

use super::{Asked, Found, counted, no_such, size};
use crate::control::ControlError;
use crate::domain::{AssetKind, AssetName, CatalogName, Consequence, ErrorClass, Weight};
use crate::replicate::{self, rename_bytes};
use std::collections::BTreeSet;

impl Asked<'_> {
    pub(super) async fn rename(&self, catalog: &CatalogName, new_name: &CatalogName) -> Result<Found, ControlError> {
        let (group, mut found) = (&self.group, Found::default());
        let id = &group.spec.id;
        let (primary, secondary) = (&group.effective_primary_region, group.effective_secondary_region());
        let Some(catalog) = group.catalogs().iter().find(|known| *known == catalog).cloned() else {
            return Err(no_such(format!("{catalog} isn't in the scope of {id}. Name one of its catalogs.")));
        };
        if catalog == *new_name {
            return Err(no_such(format!("{new_name} is its name already. Enter another one.")));
        }
        // The scope names catalogs, so one that has another name is one that the primary doesn't show.
        if ErrorClass::CatalogRefused.blocks_replication_point() {
            let sentence = format!(
                "{id} names {catalog} in its scope, and {primary} has no such catalog then. That error holds the replication point of the whole group until the scope is changed."
            );
            found.say(Consequence::new(Weight::Fails, sentence));
        }
        let sentence = format!(
            "The replica of {catalog} stays in {secondary} as it is. Replication never drops a catalog, nor what lies in one that it can't see."
        );
        found.say(Consequence::new(Weight::Stays, sentence));
        for region in [primary, secondary] {
            match self.control.inner.deployment.endpoint(group, region).await {
                Err(error) => found.say(Consequence::new(
                    Weight::Unknown,
                    format!("Whether {region} has a catalog named {new_name} isn't known. {error}"),
                )),
                Ok(endpoint) => match endpoint.client.catalog(new_name.as_str()).await {
                    Ok(Some(_)) if region == primary => {
                        let sentence =
                            format!("{primary} has a catalog named {new_name} already, so it refuses the new name.");
                        found.say(Consequence::new(Weight::Fails, sentence));
                    }
                    Ok(Some(_)) => {
                        let sentence = format!(
                            "{secondary} has a catalog named {new_name} already, so it can't be added to the scope until that one is gone."
                        );
                        found.say(Consequence::new(Weight::Fails, sentence));
                    }
                    Ok(None) => {}
                    Err(error) => found.say(Consequence::new(
                        Weight::Unknown,
                        format!("Whether {region} has a catalog named {new_name} isn't known. {error}"),
                    )),
                },
            }
        }
        self.say_cost(&mut found, &catalog, new_name).await;
        self.say_views(&mut found, |name| catalog.holds(name), |view| !catalog.holds(view), catalog.as_str()).await;
        Ok(found)
    }

    /// What it would ship again once the new name is in the scope.
    async fn say_cost(&self, found: &mut Found, catalog: &CatalogName, new_name: &CatalogName) {
        let group = &self.group;
        let within: Vec<_> = self.ledger.iter().filter(|(name, _)| catalog.holds(&AssetName::parse(name))).collect();
        let mut bytes = 0_u64;
        let mut shipped = Vec::new();
        match self.ends().await {
            Ok((source, destination, mappings)) => {
                let inventory = replicate::read_inventory(&source, std::slice::from_ref(catalog)).await;
                let tables = inventory.as_ref().ok().into_iter().flat_map(|inventory| inventory.tables());
                let infos: std::collections::BTreeMap<String, _> =
                    tables.map(|info| (info.full_name(), info)).collect();
                for (name, row) in &within {
                    let cost = match infos.get(*name) {
                        Some(info) => rename_bytes(info, row, &mappings, &source.region, &destination),
                        None => row.bytes,
                    };
                    bytes = bytes.saturating_add(cost);
                    if cost > 0 {
                        shipped.push((*name).clone());
                    }
                }
            }
            Err(error) => {
                bytes = within.iter().map(|(_, row)| row.bytes).sum();
                shipped = within.iter().map(|(name, _)| (*name).clone()).collect();
                let sentence =
                    format!("Which replicas could keep their place isn't known, so all bytes are counted. {error}");
                found.say(Consequence::new(Weight::Unknown, sentence));
            }
        }
        (found.tables, found.bytes) = (shipped.len() as u64, bytes);
        let limit = group.spec.rules.rename_limit();
        if bytes == 0 {
            let sentence = format!(
                "With {new_name} in the scope, no data is shipped again: the replicas could keep their places."
            );
            found.say(Consequence::new(Weight::Stays, sentence));
            return;
        }
        let sentence = format!(
            "With {new_name} in the scope, at most {} are shipped again for {}, because a renamed table is a new one to a replica.",
            size(bytes),
            counted(shipped.len(), "table", "tables")
        );
        found.say(Consequence::new(Weight::Costs, sentence).of(shipped));
        if bytes > limit {
            let sentence = format!(
                "That is more than the group's rename limit of {}. While {catalog} is still in the scope too, shipping waits until you approve it.",
                size(limit)
            );
            found.say(Consequence::new(Weight::Waits, sentence));
        }
    }

    /// Names the views that read something of a name, by the rules with which replication names missing catalogs.
    pub(super) async fn say_views(
        &self,
        found: &mut Found,
        reads: impl Fn(&AssetName) -> bool,
        counts: impl Fn(&AssetName) -> bool,
        what: &str,
    ) {
        let read = async {
            let source =
                self.control.inner.deployment.endpoint(&self.group, &self.group.effective_primary_region).await?;
            let inventory = replicate::read_inventory(&source, self.group.catalogs()).await?;
            Ok::<_, ControlError>(replicate::view_reads(&source, &inventory).await?)
        };
        match read.await {
            Ok(all) => {
                let reading = all.iter().filter(|(view, names)| {
                    view.kind == AssetKind::View
                        && counts(&view.name)
                        && names.iter().any(|name| reads(&AssetName::parse(name)))
                });
                let views: BTreeSet<String> = reading.map(|(view, _)| view.to_string()).collect();
                let sentence = match views.len() {
                    0 => format!("No view of the scope reads {what}, as far as their definitions tell."),
                    n => format!(
                        "{} of the scope can't be computed any more in either region, because they read {what}.",
                        counted(n, "view", "views")
                    ),
                };
                let weight = if views.is_empty() { Weight::Stays } else { Weight::Fails };
                found.say(Consequence::new(weight, sentence).of(views.into_iter().collect()));
            }
            Err(error) => {
                let sentence = format!("Which views read {what} isn't known. {error}");
                found.say(Consequence::new(Weight::Unknown, sentence));
            }
        }
    }
}
