//! Starting: groups are loaded from the store, and whatever a crash interrupted goes on.

use super::drill;
use super::drills::Drills;
use super::group::{GroupHandle, Record, Stored};
use super::handle::{ACTIVITY_SHOWN, Start};
use super::keyring::Keyring;
use super::{Control, ControlError, ControlSettings, Deployment, alerts, clock, health, regions, routes, worker};
use crate::domain::Clock;
use crate::store::{Store, Tx};
use std::sync::Arc;

impl Control {
    /// Loads every group from the store and goes on with whatever a crash interrupted.
    pub async fn start(
        deployment: Deployment,
        store: Store,
        clock: Arc<dyn Clock>,
        settings: ControlSettings,
    ) -> Result<Self, ControlError> {
        let (groups, activity) = store.run(|tx| Ok((tx.groups()?, tx.activity(ACTIVITY_SHOWN)?))).await?;
        let drills = Drills::new(store.run(|tx| tx.drills()).await?);
        let (stable_urls, tokens) = store.run(|tx| Ok((tx.stable_urls()?, tx.tokens()?))).await?;
        let control = Self::new(Start {
            regions: regions::unread(&deployment),
            keyring: Keyring::new(tokens),
            clock: clock::steady(clock),
            worker: |control, handle| Box::pin(worker::run(control, handle)),
            deployment,
            store,
            settings,
            stable_urls,
            drills,
            activity,
        });
        regions::recall_workloads(&control).await?;
        control.recall_transfer_limit().await?;
        control.recall_alerts().await?;
        let read_only = control.inner.settings.read_only;
        for (group, since) in groups {
            let read = move |tx: &Tx<'_>| Stored::read(tx, group, since, read_only);
            let (stored, operations) = control.inner.store.run(read).await?;
            control.recall_drills(&stored.group.spec.id).await?;
            control.adopt(GroupHandle::new(Record::new(stored, &operations)));
        }
        if read_only {
            return Ok(control);
        }
        for drill in control.running_drills() {
            control.spawn(drill::go_on(control.clone(), drill));
        }
        control.spawn(drill::keep_to_schedules(control.clone()));
        control.recall_token_pairs()?;
        control.read_moved_ids().await;
        control.spawn(alerts::keep_watching(control.clone()));
        control.spawn(alerts::keep_delivering(control.clone()));
        control.lead_gates();
        control.spawn(routes::keep_leading(control.clone()));
        for workspace in &control.inner.deployment.workspaces {
            control.spawn(health::keep_telling(control.clone(), workspace.clone()));
            control.spawn(health::keep_probing(control.clone(), workspace.clone()));
            control.spawn(regions::keep_reading(control.clone(), workspace.clone()));
        }
        Ok(control)
    }
}
