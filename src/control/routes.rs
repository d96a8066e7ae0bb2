//! Where stable URLs lead, for the gateway: read off the groups and their failovers, so that a restart finds the same.

use super::lock::lock;
use super::{Control, stable_urls::Attached};
use crate::domain::{GroupId, StableUrl};
use crate::net::{Admission, Gate, RouteTable, Target, TrafficView};
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

impl Control {
    /// Where stable URLs lead, and every change of that.
    pub fn routes(&self) -> watch::Receiver<Arc<RouteTable>> {
        self.inner.routing.table.subscribe()
    }

    /// Says that a gateway serves the stable URLs at `origin`, or that none does any more.
    pub fn set_gateway(&self, origin: Option<&str>) {
        *lock(&self.inner.routing.origin) = origin.map(str::to_owned);
        self.touch();
    }

    /// Tells the watchers of the view that a gateway's counts have changed.
    pub fn show_traffic(&self) {
        self.touch();
    }

    /// A stable URL's address: the gateway's, where one runs.
    pub(super) fn address_of(&self, url: &StableUrl) -> String {
        let origin = lock(&self.inner.routing.origin);
        origin.as_ref().map_or_else(|| url.url.clone(), |origin| format!("{origin}/?w={}", url.stable_workspace_id))
    }

    /// What the gateway counted for a stable URL; None where no gateway runs.
    pub(super) fn traffic_of(&self, id: &str) -> Option<TrafficView> {
        lock(&self.inner.routing.origin).as_ref()?;
        lock(&self.inner.routing.gates).get(id).map(|gate| gate.traffic().view())
    }

    /// The gates of the stable URLs that follow a group.
    pub(super) fn gates_of(&self, group: &GroupId) -> Vec<Arc<Gate>> {
        let attached = self.attachments();
        let urls: Vec<String> = lock(&self.inner.stable_urls).keys().cloned().collect();
        let of_group = |id: &&String| attached.get(&self.url_name(id)).is_some_and(|a| a.group == *group);
        let gates = lock(&self.inner.routing.gates);
        urls.iter().filter(of_group).filter_map(|id| gates.get(id).cloned()).collect()
    }

    /// Leads every gate to where its stable URL leads now.
    pub(super) fn lead_gates(&self) {
        // One at a time, so that an older picture never replaces a newer one.
        let mut gates = lock(&self.inner.routing.gates);
        let urls = lock(&self.inner.stable_urls).clone();
        if urls.is_empty() && gates.is_empty() {
            return;
        }
        let (attached, now) = (self.attachments(), self.now());
        let before = gates.len();
        gates.retain(|id, gate| urls.get(id).is_some_and(|url| url.stable_workspace_id == gate.stable_workspace_id));
        let mut renewed = gates.len() != before;
        for url in urls.values() {
            let gate = gates.entry(url.id.clone()).or_insert_with(|| {
                renewed = true;
                Arc::new(Gate::new(&url.id, &url.stable_workspace_id))
            });
            let follows = attached.get(&self.url_name(&url.id));
            gate.lead(self.target(url, follows), follows.map_or(Admission::Open, |a| a.admission), now);
        }
        if renewed {
            self.inner.routing.table.send_replace(Arc::new(RouteTable::new(gates.values().cloned())));
        }
    }

    fn target(&self, url: &StableUrl, follows: Option<&Attached>) -> Option<Target> {
        let id = follows.and_then(|a| a.workspace.as_ref()).unwrap_or(&url.effective_workspace_id);
        let workspace = self.inner.deployment.workspace(id).ok()?;
        let (epoch, region) = (follows.map_or(0, |a| a.epoch), workspace.region.to_string());
        let moved = follows.map(|a| self.moved_ids(&a.group, &a.set, a.side)).unwrap_or_default();
        let address = Url::parse(&workspace.url).ok()?;
        let exchange = self.token_exchange(&url.stable_workspace_id, id);
        Some(Target { moved, exchange, ..Target::new(epoch, &region, workspace.id.as_str(), address) })
    }
}

/// Leads the gates whenever something changed, until the runtime stops.
pub async fn keep_leading(control: Control) {
    let (mut changes, mut stopping) = (control.changes(), control.stopping());
    loop {
        changes.mark_unchanged();
        control.read_moved_ids().await;
        control.lead_gates();
        tokio::select! {
            news = changes.changed() => if news.is_err() { return },
            _ = stopping.wait_for(|stop| *stop) => return,
        }
    }
}
