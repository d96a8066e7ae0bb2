//! A region that is lost now.

use super::{Asked, Found, counted, size};
use crate::control::ControlError;
use crate::control::view::{LossEstimate, OperationOutcome};
use crate::domain::{Consequence, FailoverKind, GroupState, ObjectStatus, Region, Timestamp, Weight};
use crate::replicate::ObjectRecord;
use chrono::TimeDelta;

fn utc(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Why a group's secondary isn't a whole replica, as the middle of a sentence; None where it is one as of a point.
fn why_not_whole(state: GroupState, has_point: bool) -> Option<String> {
    match (state, has_point) {
        (GroupState::Active, true) => None,
        (GroupState::Active, false) => Some("has no replication point yet".to_owned()),
        (state, _) => Some(format!("is {state}")),
    }
}

impl Asked<'_> {
    pub(super) async fn lose(&self, region: &Region) -> Result<Found, ControlError> {
        let group = &self.group;
        if *region != group.effective_primary_region && region != group.effective_secondary_region() {
            let sentence = format!("{region} isn't a region of {}. Name one of its two.", group.spec.id);
            return Err(ControlError::BadArgument { sentence });
        }
        if *region == group.effective_primary_region {
            self.lose_primary(region).await
        } else {
            self.lose_secondary(region)
        }
    }

    async fn lose_primary(&self, region: &Region) -> Result<Found, ControlError> {
        let (group, mut found) = (&self.group, Found::default());
        let (id, secondary) = (&group.spec.id, group.effective_secondary_region());
        if let Some(why) = why_not_whole(group.state, group.replication_point.is_some()) {
            let sentence = format!(
                "{id} {why}, so {secondary} isn't a whole replica. A forced failover would promote what has arrived so far."
            );
            found.say(Consequence::new(Weight::Fails, sentence));
        }
        let loss = self.control.estimate_loss(id).await?;
        self.say_loss(&mut found, secondary, &loss);
        let handle = self.control.handle(id)?;
        let (objects, policy, history) = {
            let record = handle.record();
            (record.objects.clone(), record.approval.policy, record.history.clone())
        };
        let is_usable = |object: &ObjectRecord| {
            use ObjectStatus::{Excluded, InSync, Lagging, Unverifiable};
            matches!(object.status, InSync | Lagging | Excluded | Unverifiable) || object.is_only_in_secondary()
        };
        let missing: Vec<String> = objects.iter().filter(|o| !is_usable(o)).map(|o| o.name.clone()).collect();
        if !missing.is_empty() {
            let sentence = format!(
                "{} of the scope wouldn't be usable in {secondary}, because they are flagged now. See their errors.",
                counted(missing.len(), "object", "objects")
            );
            found.say(Consequence::new(Weight::Fails, sentence).of(missing));
        }
        self.say_workloads(&mut found, region, secondary);
        if policy.covers(FailoverKind::Forced) {
            let sentence = format!("A forced failover of {id} waits until a second person approves it.");
            found.say(Consequence::new(Weight::Waits, sentence));
        }
        let mut took: Vec<f64> = history
            .iter()
            .filter(|o| o.kind == FailoverKind::Forced && o.outcome == OperationOutcome::Succeeded)
            .filter_map(|o| o.rto_seconds)
            .collect();
        took.sort_by(f64::total_cmp);
        found.say(match took.get(took.len() / 2) {
            Some(median) => Consequence::new(
                Weight::Waits,
                format!(
                    "Earlier forced failovers of {id} took {median:.1} s until the new primary accepted writes (median of {}).",
                    took.len()
                ),
            ),
            None => Consequence::new(
                Weight::Unknown,
                format!("No forced failover of {id} has been measured yet, so nothing tells how long it would take."),
            ),
        });
        let sentence = format!(
            "After the failover {id} has no replica until {region} responds again. What arrives there too late is salvaged then, never merged."
        );
        found.say(Consequence::new(Weight::Waits, sentence));
        let urls: Vec<String> = group
            .spec
            .workspace_sets
            .iter()
            .flat_map(|set| &set.stable_url_names)
            .filter_map(|name| name.rsplit('/').next().map(str::to_owned))
            .collect();
        if !urls.is_empty() {
            let sentence = format!("Stable URLs keep their address and lead to {secondary} after the failover.");
            found.say(Consequence::new(Weight::Stays, sentence).of(urls));
        }
        Ok(found)
    }

    fn say_loss(&self, found: &mut Found, secondary: &Region, loss: &LossEstimate) {
        let at = loss.as_of.map(|at| format!(" as of {}", utc(at))).unwrap_or_default();
        match (loss.commits, loss.seconds) {
            (Some(0), _) if loss.unknown.is_empty() => {
                let sentence =
                    format!("Every commit had arrived in {secondary}{at}. What is written later is at risk.");
                found.say(Consequence::new(Weight::Stays, sentence));
            }
            (Some(commits), seconds) if commits > 0 => {
                let bytes = loss.bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
                let seconds = seconds.map(|s| format!(" The oldest is {s:.1} s old.")).unwrap_or_default();
                let sentence = format!(
                    "A forced failover would lose {}{bytes} in {}{at}.{seconds}",
                    counted(commits as usize, "commit", "commits"),
                    counted(loss.tables.len(), "table", "tables")
                );
                found.say(Consequence::new(Weight::Fails, sentence).of(loss.tables.clone()));
            }
            _ => {
                let sentence = "How much a forced failover would lose isn't known.";
                found.say(Consequence::new(Weight::Unknown, sentence));
            }
        }
        for sentence in &loss.unknown {
            found.say(Consequence::new(Weight::Unknown, sentence.clone()));
        }
    }

    /// What runs in a region stops with it.
    fn say_workloads(&self, found: &mut Found, region: &Region, secondary: &Region) {
        let view = self.control.view();
        let regions = view.regions.iter().filter(|known| known.name == *region);
        let running: Vec<String> = regions
            .flat_map(|known| &known.workloads)
            .filter(|workload| workload.running)
            .map(|workload| workload.name.clone())
            .collect();
        if !running.is_empty() {
            let sentence = format!(
                "{} stop with {region}: schedules, clusters and warehouses. One click after the failover starts those that {secondary} has.",
                counted(running.len(), "workload", "workloads")
            );
            found.say(Consequence::new(Weight::Costs, sentence).of(running));
        }
    }

    fn lose_secondary(&self, region: &Region) -> Result<Found, ControlError> {
        let (group, mut found) = (&self.group, Found::default());
        let (id, primary) = (&group.spec.id, &group.effective_primary_region);
        let sentence = format!("{primary} stays the primary. Its jobs, tables and stable URLs go on.");
        found.say(Consequence::new(Weight::Stays, sentence));
        let sentence = format!("{region} can't take over until it responds again, so {id} is unprotected.");
        found.say(Consequence::new(Weight::Fails, sentence));
        let targets = self.control.targets(id)?;
        match (group.replication_point, targets.rpo_s) {
            (Some(point), Some(target)) => {
                let breach = point + TimeDelta::seconds(i64::from(target));
                let sentence = if breach <= self.at {
                    format!(
                        "The replication point stays at {}. The RPO target of {target} s is missed already.",
                        utc(point)
                    )
                } else {
                    format!(
                        "The replication point stays at {}. The RPO target of {target} s is missed from {} on.",
                        utc(point),
                        utc(breach)
                    )
                };
                found.say(Consequence::new(Weight::Fails, sentence));
            }
            (Some(point), None) => {
                let sentence = format!("The replication point stays at {}. {id} has no RPO target.", utc(point));
                found.say(Consequence::new(Weight::Waits, sentence));
            }
            (None, _) => {
                let sentence = format!("{id} has no replication point yet, and gets none until {region} responds.");
                found.say(Consequence::new(Weight::Waits, sentence));
            }
        }
        let sentence =
            format!("Replication goes on from there by itself when {region} responds. Nothing is shipped twice.");
        found.say(Consequence::new(Weight::Waits, sentence));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_secondary_from_being_whole_is_said() {
        assert_eq!(why_not_whole(GroupState::Active, true), None);
        assert_eq!(why_not_whole(GroupState::Active, false).as_deref(), Some("has no replication point yet"));
        assert_eq!(why_not_whole(GroupState::InitialReplication, true).as_deref(), Some("is INITIAL_REPLICATION"));
    }
}
