//! What groups should reach: kept with the group, so that every window, `serve` and the API agree.

use super::group::GroupChange;
use super::{Control, ControlError, audit};
use crate::domain::{GroupId, Targets};
use std::collections::BTreeMap;

impl Control {
    /// What a group should reach.
    pub fn targets(&self, id: &GroupId) -> Result<Targets, ControlError> {
        Ok(self.handle(id)?.record().targets)
    }

    /// Sets what a group should reach. `edit` gets what is set at this moment, so that two who change one target each both
    /// succeed.
    pub async fn set_targets(
        &self,
        actor: &str,
        id: &GroupId,
        edit: impl FnOnce(Targets) -> Targets + Send,
    ) -> Result<String, ControlError> {
        let handle = self.handle(id)?;
        let mut change = GroupChange::of(&handle).await;
        let before = change.targets;
        let targets = edit(before);
        if let Some(sentence) = targets.problem() {
            return Err(ControlError::BadArgument { sentence });
        }
        if before == targets {
            return Ok(format!("The targets of {id} are as they were: {}.", targets.words()));
        }
        change.targets = targets;
        let message = format!("{actor} set the targets of {id}: {}.", targets.words());
        let mut line = audit::line(self.now(), actor, "failover_group.set_targets", id.as_str(), message.clone());
        audit::show_change(&mut line, Some(&before), Some(&targets));
        change.log(line);
        change.commit(self).await?;
        Ok(message)
    }

    /// Takes up targets that an earlier version kept with the window; a group that has targets keeps its own.
    pub async fn adopt_targets(&self, kept: &BTreeMap<String, Targets>) -> Result<(), ControlError> {
        for (id, targets) in kept {
            let Ok(id) = GroupId::new(id.as_str()) else { continue };
            let known = self.targets(&id).is_ok_and(|known| known == Targets::default());
            if known && targets.problem().is_none() {
                self.set_targets("console", &id, |_| *targets).await?;
            }
        }
        Ok(())
    }
}
