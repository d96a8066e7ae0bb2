//! The readiness check of a group: on demand, before it is created, and again and again while it replicates.

use super::group::GroupHandle;
use super::{Control, ControlError, audit};
use crate::control::view::ObjectView;
use crate::domain::readiness::{self, Confirmation, ReadinessReport, TO_CONFIRM, lines_of_rules, to_confirm, warning};
use crate::domain::{AssetKind, Facts, FailoverGroup, FailoverGroupSpec, GroupId};
use crate::store::ErrorRow;
use crate::wire::unity_catalog::Leftover;
use futures::{StreamExt, stream};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How often a group that replicates is checked. A check lists the whole scope.
pub const PAUSE: Duration = Duration::from_secs(900);
/// Schemas that are asked for models at a time.
const PARALLEL: usize = 8;
/// Errors over time that are listed.
const MOST_ERRORS: usize = 10_000;
/// Names that a sentence holds.
const NAMED: usize = 5;

fn confirmed_key(id: &GroupId, line: &str) -> String {
    format!("readiness.{line}.{id}")
}

impl Control {
    /// Checks a group that doesn't exist yet.
    pub async fn check_readiness(&self, spec: &FailoverGroupSpec) -> Result<ReadinessReport, ControlError> {
        let mut spec = spec.clone();
        let facts = self.facts(&spec).await;
        facts.spell_as_known(&mut spec);
        let principals = (
            "principals",
            None,
            "Principals that the secondary doesn't know are listed with each object after the first cycle.",
        );
        self.report(&spec, &facts, principals).await
    }

    /// A group's errors over time: those that last, then those that ended within a year.
    pub async fn error_history(&self, id: &GroupId) -> Result<Vec<ErrorRow>, ControlError> {
        self.handle(id)?;
        let id = id.clone();
        Ok(self.inner.store.run(move |tx| tx.errors(&id, MOST_ERRORS)).await?)
    }

    /// Checks a group as it is, and shows what was found with it.
    pub async fn readiness(&self, id: &GroupId) -> Result<ReadinessReport, ControlError> {
        let handle = self.handle(id)?;
        let group = handle.group();
        let (spec, facts) = self.as_it_is(&group).await;
        let unknown: BTreeSet<String> =
            handle.record().objects.iter().flat_map(|object| object.unknown_principals.iter().cloned()).collect();
        let secondary = group.effective_secondary_region();
        let missing = unknown_sentence(&unknown, secondary.as_str());
        let principals =
            ("principals", missing, "The secondary knows every owner and grantee that was looked at so far.");
        let report = self.report(&spec, &facts, principals).await?;
        handle.record().readiness = Some(Arc::new(report.clone()));
        self.touch();
        Ok(report)
    }

    /// Notes that a person looked at what no API tells.
    pub async fn confirm_readiness(
        &self,
        actor: &str,
        id: &GroupId,
        line: &str,
    ) -> Result<ReadinessReport, ControlError> {
        self.handle(id)?;
        let Some((known, what, _)) = TO_CONFIRM.into_iter().find(|(known, ..)| *known == line) else {
            let names: Vec<&str> = TO_CONFIRM.iter().map(|(name, ..)| *name).collect();
            return Err(ControlError::BadArgument {
                sentence: format!("{line:?} isn't a line that can be confirmed. Name one of {}.", names.join(", ")),
            });
        };
        let confirmation = Confirmation { by: actor.to_owned(), at: self.now() };
        let text = serde_json::to_string(&confirmation).unwrap_or_default();
        let message = format!("{actor} confirmed for {id}: {what}");
        let entry = audit::line(self.now(), actor, "failover_group.confirm_readiness", id.as_str(), message);
        let (key, stored) = (confirmed_key(id, known), entry.clone());
        self.inner
            .store
            .run(move |tx| {
                tx.set_value(&key, &text)?;
                tx.add_activity(&stored)
            })
            .await?;
        self.show_activity(entry);
        self.readiness(id).await
    }

    /// What the rules say of a group that exists: what itself brought about is no obstacle.
    async fn as_it_is(&self, group: &FailoverGroup) -> (FailoverGroupSpec, Facts) {
        let first = group.spec.initial_primary_region.clone();
        let spec =
            FailoverGroupSpec { initial_primary_region: group.effective_primary_region.clone(), ..group.spec.clone() };
        let mut facts = self.facts(&spec).await;
        facts.first_primary = Some(first);
        facts.group_ids.retain(|known| known != spec.id.as_str());
        if let Some(existing) = &mut facts.secondary_catalogs {
            existing.retain(|catalog| !group.catalogs().contains(catalog));
        }
        (spec, facts)
    }

    async fn report(
        &self,
        spec: &FailoverGroupSpec,
        facts: &Facts,
        (id, missing, good): (&'static str, Option<(String, String)>, &str),
    ) -> Result<ReadinessReport, ControlError> {
        let mut lines = lines_of_rules(spec, facts);
        lines.push(warning(id, missing, good));
        let listed = self.not_replicated(spec).await;
        lines.push(warning("not_replicated", listed, "The primary has nothing that isn't replicated."));
        let mut told = self.told(spec).await;
        for line in TO_CONFIRM {
            if let Some(found) = told.remove(line.0) {
                lines.push(readiness::told(line.0, line.2, found));
                continue;
            }
            let known = self.setting(&confirmed_key(&spec.id, line.0)).await?;
            lines.push(to_confirm(line, known.and_then(|text| serde_json::from_str(&text).ok())));
        }
        Ok(ReadinessReport { checked_at: self.now(), lines })
    }

    /// What the primary holds that no cycle replicates, by name and count, and what it can't be asked for.
    async fn not_replicated(&self, spec: &FailoverGroupSpec) -> Option<(String, String)> {
        let endpoint = self.end_of(spec, &spec.initial_primary_region).await?;
        let (mut found, mut unserved): (Vec<(&str, Vec<String>)>, Vec<&str>) = Default::default();
        for what in Leftover::ALL {
            match endpoint.client.leftovers(what).await {
                Ok(names) => found.push((what.label(), names)),
                Err(error) if error.is_not_served() => unserved.push(what.label()),
                Err(_) => {}
            }
        }
        let catalogs = spec.unity_catalog_assets.as_ref().map_or(&[][..], |assets| &assets.catalogs);
        let mut models = Vec::new();
        'all: for catalog in catalogs {
            let schemas = endpoint.client.schemas(catalog.as_str()).await.unwrap_or_default();
            let calls: Vec<_> =
                schemas.iter().map(|schema| endpoint.client.models(catalog.as_str(), &schema.name)).collect();
            let mut answers = stream::iter(calls).buffered(PARALLEL);
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(names) => models.extend(names),
                    Err(error) if error.is_not_served() => {
                        unserved.push("models");
                        break 'all;
                    }
                    Err(_) => {}
                }
            }
        }
        found.push(("models", models));
        if let Ok(handle) = self.handle(&spec.id) {
            found.extend(of_objects(&handle.record().objects));
        }
        found.retain(|(_, names)| !names.is_empty());
        if found.is_empty() {
            return None;
        }
        let listed: Vec<String> = found.iter().map(|(label, names)| named(label, names)).collect();
        let silent = match unserved.as_slice() {
            [] => String::new(),
            all => format!(" {} has no API that lists {}.", spec.initial_primary_region, all.join(", ")),
        };
        let remedy = "Recreate what you need in the secondary by other means.".to_owned();
        Some((format!("Not replicated: {}.{silent}", listed.join("; ")), remedy))
    }

    /// Checks a group in the background.
    pub(in crate::control) fn check_in_background(&self, handle: &Arc<GroupHandle>) {
        let (control, id) = (self.clone(), handle.id.clone());
        tokio::spawn(async move {
            if let Err(error) = control.readiness(&id).await {
                tracing::debug!(group = %id, %error, "readiness was not checked");
            }
        });
    }
}

/// A label, how many there are, and the first of them.
fn named(label: &str, names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{label} {} ({}{more})", names.len(), first.join(", "))
}

/// Objects of the scope that aren't replicated, or only without their data.
fn of_objects(objects: &[ObjectView]) -> Vec<(&'static str, Vec<String>)> {
    let of_type = |table_type: &str| {
        let is_one = |object: &&ObjectView| {
            object.error.as_ref().is_some_and(|e| e.parameters.get("table_type").is_some_and(|of| of == table_type))
        };
        objects.iter().filter(is_one).map(|object| object.name.clone()).collect()
    };
    let is_managed = |object: &&ObjectView| {
        object.kind == AssetKind::Volume && object.note.as_ref().is_some_and(|note| note.contains("managed volume"))
    };
    vec![
        ("materialized views", of_type("MATERIALIZED_VIEW")),
        ("streaming tables", of_type("STREAMING_TABLE")),
        ("metric views", of_type("METRIC_VIEW")),
        ("files of managed volumes", objects.iter().filter(is_managed).map(|object| object.name.clone()).collect()),
    ]
}

fn unknown_sentence(unknown: &BTreeSet<String>, secondary: &str) -> Option<(String, String)> {
    let first: Vec<&str> = unknown.iter().take(NAMED).map(String::as_str).collect();
    let more = unknown.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!first.is_empty()).then(|| {
        (
            format!("{secondary} doesn't know {}{more}. Their grants aren't replicated.", first.join(", ")),
            format!("Add them to the workspace in {secondary}. Replication grants the rest by itself."),
        )
    })
}
