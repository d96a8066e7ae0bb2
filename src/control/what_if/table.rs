//! A table of the scope that is dropped in the primary.

use super::{Asked, Found, no_such, size};
use crate::control::ControlError;
use crate::domain::{AssetKind, AssetName, Consequence, MappingTable, Weight};
use crate::replicate::Endpoint;

impl Asked<'_> {
    pub(super) async fn drop_table(&self, table: &str) -> Result<Found, ControlError> {
        let (group, mut found) = (&self.group, Found::default());
        let (id, name) = (&group.spec.id, AssetName::parse(table));
        let (primary, secondary) = (&group.effective_primary_region, group.effective_secondary_region());
        let handle = self.control.handle(id)?;
        let record = {
            let record = handle.record();
            let mut tables = record.objects.iter().filter(|object| object.kind == AssetKind::Table);
            tables.find(|object| AssetName::parse(&object.name) == name).cloned()
        };
        let arrived = self.ledger.iter().find(|(known, _)| AssetName::parse(known) == name);
        if record.is_none() && arrived.is_none() {
            return Err(no_such(format!(
                "{table} isn't a table in the scope of {id}, as last looked at. Check its name."
            )));
        }
        let is_held = {
            let record = handle.record();
            let waits = record.pending_salvage.iter().map(|pending| pending.error.object.as_str());
            let left = record.left.iter().map(|left| left.lost.object.as_str());
            waits.chain(left).any(|object| AssetName::parse(object) == name)
        };
        if group.spec.rules.excludes(&name) {
            let sentence =
                format!("{table} was taken out of the scope by name, so replication leaves it alone in {secondary}.");
            found.say(Consequence::new(Weight::Stays, sentence));
        } else if is_held {
            let sentence = format!(
                "What a failover left behind of {table} waits for a person. Replication drops nothing of it until it is released."
            );
            found.say(Consequence::new(Weight::Waits, sentence));
        } else if let Some((_, row)) = arrived {
            let sentence = format!(
                "The next cycle drops {table} in {secondary} too: replication made it there. It holds {}, and {secondary} decides whether it keeps the files for a while.",
                size(row.bytes)
            );
            found.say(Consequence::new(Weight::Fails, sentence));
            let sentence = format!(
                "Its versions leave the ledger, so neither a point in time nor a failover as of an instant brings {table} back."
            );
            found.say(Consequence::new(Weight::Fails, sentence));
            let sentence = format!("Creating it anew in {primary} ships its data whole.");
            found.say(Consequence::new(Weight::Costs, sentence));
        } else {
            let sentence = format!("{table} never arrived in {secondary}, so nothing is dropped there.");
            found.say(Consequence::new(Weight::Stays, sentence));
        }
        let blocks = record.as_ref().is_some_and(|object| object.blocks());
        let sentence = match blocks {
            true => "Its error ends with it, and no longer holds the replication point.",
            false => "The replication point isn't held by a drop.",
        };
        found.say(Consequence::new(Weight::Stays, sentence));
        self.say_views(&mut found, |read| *read == name, |_| true, table).await;
        Ok(found)
    }

    /// Both ends and the mappings between them, as a cycle has them.
    pub(super) async fn ends(&self) -> Result<(Endpoint, Endpoint, MappingTable), ControlError> {
        let (group, deployment) = (&self.group, &self.control.inner.deployment);
        let source = deployment.endpoint(group, &group.effective_primary_region).await?;
        let destination = deployment.endpoint(group, group.effective_secondary_region()).await?;
        let mappings = crate::control::worker_cache::mappings_of(group, [&source, &destination]);
        Ok((source, destination, mappings))
    }
}
