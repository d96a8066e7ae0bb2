//! A storage mapping whose two URIs change places: checked as an edit of the group is.

use super::{Asked, Found, counted, no_such};
use crate::control::ControlError;
use crate::domain::{Consequence, Weight};

impl Asked<'_> {
    pub(super) async fn swap(&self, name: &str) -> Result<Found, ControlError> {
        let (group, mut found) = (&self.group, Found::default());
        let mut spec = group.spec.clone();
        let rows = spec.unity_catalog_assets.as_mut().map(|assets| &mut assets.location_mappings);
        let row = rows.into_iter().flatten().find(|row| row.name == name);
        let Some(row) = row else {
            return Err(no_such(format!("{} has no storage mapping named {name:?}. Name one that it has.", spec.id)));
        };
        let regions: Vec<_> = row.uri_by_region.keys().cloned().collect();
        let mut uris: Vec<String> = row.uri_by_region.values().cloned().collect();
        uris.reverse();
        row.uri_by_region = regions.into_iter().zip(uris).collect();
        match self.control.check_change(group, spec).await {
            Err(ControlError::Invalid { violations }) => {
                for violation in violations {
                    found
                        .say(Consequence::new(Weight::Fails, format!("The change is refused. {}", violation.sentence)));
                }
                found.say(Consequence::new(Weight::Stays, "The group keeps its mappings, and replication goes on."));
            }
            Err(error) => return Err(error),
            Ok(_) => {
                let names: Vec<String> = self.ledger.keys().cloned().collect();
                let sentence = format!(
                    "The change is accepted. {} that arrived stay where they are: replication keeps a replica's place, so nothing is shipped again.",
                    counted(names.len(), "table", "tables")
                );
                found.say(Consequence::new(Weight::Stays, sentence).of(names));
                let sentence =
                    "Tables that are created from then on, and those that haven't arrived yet, go to the new place.";
                found.say(Consequence::new(Weight::Costs, sentence));
            }
        }
        Ok(found)
    }
}
