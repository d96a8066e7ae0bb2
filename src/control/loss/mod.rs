//! What a forced failover would lose: the source is asked while it answers, and estimated from what was known when not.

mod ask;
mod likely;

use super::group::AskProgress;
use super::view::LossEstimate;
use super::{Control, ControlError};
use crate::domain::GroupId;
use std::sync::Arc;
use std::time::Duration;

impl Control {
    /// Finds out what a forced failover of a group would lose now, and shows it.
    pub async fn estimate_loss(&self, id: &GroupId) -> Result<LossEstimate, ControlError> {
        let handle = self.handle(id)?;
        let mut access = handle.asking.lock().await;
        let group = handle.group();
        let primary = group.effective_primary_region.clone();
        if self.away_since(&primary).is_none() {
            let progress = Arc::new(AskProgress::default());
            handle.record().loss.asking = Some(progress.clone());
            let asked = {
                let asking = self.ask_source(&group, &mut access, &progress);
                tokio::pin!(asking);
                loop {
                    tokio::select! {
                        asked = &mut asking => break Some(asked),
                        () = tokio::time::sleep(Duration::from_millis(250)) => self.touch(),
                    }
                    // A call to a region that hangs may take a minute to fail, and the dialog waits.
                    if self.away_since(&primary).is_some() {
                        break None;
                    }
                }
            };
            handle.record().loss.asking = None;
            match asked {
                Some(Ok(loss)) => handle.record().loss.asked = Some(loss),
                None => *access = Default::default(),
                Some(Err(error)) => {
                    *access = Default::default();
                    let mut record = handle.record();
                    record.loss.asked = None;
                    if !error.is_unreachable() {
                        let unknown = vec![error.to_string()];
                        record.loss.asked =
                            Some(LossEstimate { as_of: Some(self.now()), unknown, ..LossEstimate::default() });
                    }
                }
            }
        }
        let now = self.now();
        if self.away_since(&primary).is_some() {
            let since = handle.record().loss.newest(now, true).as_of.or(group.replication_point);
            let likely = self.likely_loss(&group, since).await;
            handle.record().loss.likely = likely;
        }
        self.touch();
        let loss = handle.record().loss.view(self.now(), self.away_since(&primary).is_some());
        Ok(loss)
    }
}
