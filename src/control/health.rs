//! Which regions answer: every call tells it, a probe asks where no other call does, and what follows from it is done here.

use super::Control;
use super::deployment::Workspace;
use super::lock::lock;
use crate::domain::{Region, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// A workspace that has not answered for this long is probed.
const PROBE_PAUSE: Duration = Duration::from_millis(500);
/// How long a probe may take. With the pause twice it stays below the two seconds within which an outage is known.
const PROBE_PATIENCE: Duration = Duration::from_millis(900);

/// Probes a workspace whenever no call of anybody was answered since the last look.
pub async fn keep_probing(control: Control, workspace: Workspace) {
    let health = workspace.client.health().clone();
    let mut stopping = control.stopping();
    let mut heard = None;
    loop {
        let answers = health.answers();
        let probe = async {
            if heard == Some(answers) {
                workspace.client.probe(PROBE_PATIENCE).await;
            }
            tokio::time::sleep(PROBE_PAUSE).await;
        };
        tokio::select! {
            () = probe => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        heard = Some(answers);
    }
}

/// Shows at once when a region goes away or comes back, and wakes the workers that wait for it.
pub async fn keep_telling(control: Control, workspace: Workspace) {
    let mut news = workspace.client.health().news();
    let mut stopping = control.stopping();
    loop {
        tell(&control, &workspace.region);
        tokio::select! {
            heard = news.changed() => if heard.is_err() { return },
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

fn tell(control: &Control, region: &Region) {
    let away_since = control.away_since(region);
    {
        let mut regions = lock(&control.inner.regions);
        let Some(index) = regions.iter().position(|r| r.name == *region && r.unreachable_since != away_since) else {
            return;
        };
        if let Some(shown) = Arc::make_mut(&mut regions).get_mut(index) {
            shown.unreachable_since = away_since;
        }
    }
    match away_since {
        Some(_) => tracing::warn!(%region, "the region doesn't respond"),
        None => tracing::info!(%region, "the region responds again"),
    }
    for handle in control.handles() {
        if handle.group().spec.regions.contains(region) {
            handle.wake.notify_one();
        }
    }
    control.touch();
}

impl Control {
    /// Since when a region has not answered: none of its workspaces does. None while one does.
    pub fn away_since(&self, region: &Region) -> Option<Timestamp> {
        let workspaces = self.inner.deployment.workspaces.iter().filter(|w| w.region == *region);
        let since: Option<Vec<Timestamp>> = workspaces.map(|w| w.client.health().away_since()).collect();
        since?.into_iter().max()
    }

    /// When a region answered last.
    pub fn last_answer(&self, region: &Region) -> Option<Timestamp> {
        let workspaces = self.inner.deployment.workspaces.iter().filter(|w| w.region == *region);
        workspaces.filter_map(|w| w.client.health().now().last_answer).max()
    }
}
