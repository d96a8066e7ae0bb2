//! Where each stable URL leads, and whether requests may pass: set by a failover, obeyed by the gateway.

use super::exchange::TokenExchange;
use super::moved_ids::MovedIds;
use super::traffic::{Switch, Traffic};
use crate::domain;
use hyper::header::HeaderValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use url::Url;

/// Whether requests pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// They pass.
    Open,
    /// They wait until it is open again.
    Hold,
    /// They are refused.
    Shut,
}

/// The workspace that a stable URL leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The epoch of the group that it follows; 0 where it follows none.
    pub epoch: u64,
    /// The workspace's region.
    pub region: String,
    /// The workspace's id.
    pub workspace_id: String,
    /// The workspace's own URL; only scheme, host and port count.
    pub url: Url,
    /// Host and port as `Host` has them: the port only where it isn't the scheme's own. None where no header can hold them.
    pub authority: Option<HeaderValue>,
    /// Ids of assets that are other ones in this workspace.
    pub moved: MovedIds,
    /// Tokens that this workspace knows in the place of others.
    pub exchange: TokenExchange,
}

impl Target {
    /// A workspace whose assets have the same ids everywhere, and where no token is exchanged.
    pub fn new(epoch: u64, region: &str, workspace_id: &str, url: Url) -> Self {
        let (region, workspace_id) = (region.to_owned(), workspace_id.to_owned());
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let authority = HeaderValue::from_str(&authority).ok();
        Self {
            epoch,
            region,
            workspace_id,
            url,
            authority,
            moved: MovedIds::default(),
            exchange: TokenExchange::default(),
        }
    }
}

/// What a gate says now.
#[derive(Debug, Clone, PartialEq)]
pub struct GateState {
    /// Where it leads; None where that is not known, and then it is shut.
    pub target: Option<Arc<Target>>,
    /// Whether requests pass.
    pub admission: Admission,
    /// Counts up whenever requests that run and those that come must be told apart.
    generation: u64,
    /// Requests of generations before this one have to end.
    ended_before: u64,
}

/// The gate of one stable URL.
#[derive(Debug)]
pub struct Gate {
    /// The stable URL's short id.
    pub id: String,
    /// The stable URL's own workspace id.
    pub stable_workspace_id: String,
    state: watch::Sender<GateState>,
    traffic: Traffic,
}

/// What came of asking for passage.
#[derive(Debug)]
pub enum Entry {
    /// The request passes.
    Passed(Pass),
    /// It has to wait.
    Held,
    /// It is refused.
    Shut,
}

/// A request that passed a gate: it counts as running there until this is dropped.
#[derive(Debug)]
pub struct Pass {
    /// Where it goes.
    pub target: Arc<Target>,
    generation: u64,
    gate: Arc<Gate>,
}

/// A request that waits: it counts as held at its gate until this is dropped.
#[derive(Debug)]
pub struct Waiting(Arc<Gate>);

impl Gate {
    /// A gate that is shut until it is led somewhere.
    pub fn new(id: &str, stable_workspace_id: &str) -> Self {
        let state = GateState { target: None, admission: Admission::Shut, generation: 0, ended_before: 0 };
        Self {
            id: id.to_owned(),
            stable_workspace_id: stable_workspace_id.to_owned(),
            state: watch::Sender::new(state),
            traffic: Traffic::default(),
        }
    }

    /// What went through it.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// What it says, and every change of that.
    pub fn watch(&self) -> watch::Receiver<GateState> {
        self.state.subscribe()
    }

    /// Leads it to `target` from `at` on. Requests that run go on until [`Self::end_running`].
    pub fn lead(&self, target: Option<Target>, admission: Admission, at: domain::Timestamp) {
        let admission = if target.is_none() { Admission::Shut } else { admission };
        self.state.send_if_modified(|state| {
            let same_target = state.target.as_deref() == target.as_ref();
            if same_target && state.admission == admission {
                return false;
            }
            if !same_target || admission != Admission::Open {
                state.generation += 1;
            }
            if !same_target {
                if let (Some(from), Some(to)) = (state.target.as_deref(), &target)
                    && from.workspace_id != to.workspace_id
                {
                    // Whatever still runs runs in the wrong place.
                    state.ended_before = state.generation;
                    self.traffic.switched(Switch {
                        at,
                        from_region: from.region.clone(),
                        to_region: to.region.clone(),
                        held: self.traffic.held(),
                    });
                }
                state.target = target.map(Arc::new);
            }
            state.admission = admission;
            true
        });
    }

    /// Ends the requests that passed before it began to hold.
    pub fn end_running(&self) {
        self.state.send_if_modified(|state| {
            let moved = state.ended_before < state.generation;
            state.ended_before = state.generation;
            moved
        });
    }

    /// Asks for passage.
    pub fn enter(self: &Arc<Self>) -> Entry {
        // Counted under the state's lock: once a gate holds, no request that it does not count is on its way.
        let state = self.state.borrow();
        match (state.admission, &state.target) {
            (Admission::Open, Some(target)) => {
                self.traffic.running_counter().fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                Entry::Passed(Pass { target: target.clone(), generation: state.generation, gate: self.clone() })
            }
            (Admission::Hold, Some(_)) => Entry::Held,
            _ => Entry::Shut,
        }
    }

    /// Counts a request as held.
    pub fn wait(self: &Arc<Self>) -> Waiting {
        self.traffic.held_counter().fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        Waiting(self.clone())
    }
}

impl Pass {
    /// The gate that it passed.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Returns when the request has to end, because the switch cannot wait for it any longer. It doesn't hold on to the pass.
    pub fn when_ended(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mut state, mine) = (self.gate.watch(), self.generation);
        async move {
            // A gate that is gone is that of a deleted URL.
            let _ = state.wait_for(|state| state.ended_before > mine).await;
        }
    }

    /// Whether the URL still leads where this request went.
    pub fn is_current(&self) -> bool {
        self.gate.state.borrow().target.as_ref().is_some_and(|now| now.workspace_id == self.target.workspace_id)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.traffic.running_counter().fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.traffic.held_counter().fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
    }
}

/// The gates of all stable URLs.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    gates: BTreeMap<String, Arc<Gate>>,
    names: BTreeMap<String, String>,
}

impl RouteTable {
    /// A table of these gates.
    pub fn new(gates: impl IntoIterator<Item = Arc<Gate>>) -> Self {
        let gates: BTreeMap<_, _> = gates.into_iter().map(|gate| (gate.stable_workspace_id.clone(), gate)).collect();
        let names = gates.values().map(|gate| (host_label(&gate.id), gate.stable_workspace_id.clone())).collect();
        Self { gates, names }
    }

    /// The gate of a stable workspace id.
    pub fn by_workspace_id(&self, id: &str) -> Option<&Arc<Gate>> {
        self.gates.get(id)
    }

    /// The gate of a stable URL whose id stands in a host name.
    pub fn by_label(&self, label: &str) -> Option<&Arc<Gate>> {
        self.gates.get(self.names.get(&host_label(label))?)
    }

    /// Every gate.
    pub fn gates(&self) -> impl Iterator<Item = &Arc<Gate>> {
        self.gates.values()
    }
}

/// A stable URL's id as part of a host name, where letters have no case and an underscore isn't a letter.
pub fn host_label(id: &str) -> String {
    id.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};
    use std::time::Duration;

    fn now() -> domain::Timestamp {
        Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time")
    }

    fn target(epoch: u64, region: &str) -> Target {
        let url = Url::parse(&format!("http://{region}.example.com")).expect("a URL");
        Target::new(epoch, region, &format!("of {region}"), url)
    }

    fn gate() -> Arc<Gate> {
        Arc::new(Gate::new("Shop_1", "42"))
    }

    fn passed(gate: &Arc<Gate>) -> Pass {
        match gate.enter() {
            Entry::Passed(pass) => pass,
            other => panic!("not open: {other:?}"),
        }
    }

    async fn has_ended(pass: &Pass) -> bool {
        tokio::time::timeout(Duration::ZERO, pass.when_ended()).await.is_ok()
    }

    #[tokio::test]
    async fn a_switch_holds_what_comes_ends_what_runs_and_opens_to_the_other_side() {
        let gate = gate();
        assert!(matches!(gate.enter(), Entry::Shut), "it leads nowhere yet");
        gate.lead(Some(target(1, "east")), Admission::Open, now());
        let running = passed(&gate);
        gate.lead(Some(target(1, "east")), Admission::Hold, now());
        assert!(matches!(gate.enter(), Entry::Held));
        assert!(!has_ended(&running).await, "it may end by itself");
        assert_eq!(gate.traffic().running(), 1);
        gate.end_running();
        assert!(has_ended(&running).await);
        drop(running);
        assert_eq!(gate.traffic().running(), 0);

        let waiting = gate.wait();
        gate.lead(Some(target(2, "west")), Admission::Hold, now());
        assert!(matches!(gate.enter(), Entry::Held), "the new primary is not writable yet");
        gate.lead(Some(target(2, "west")), Admission::Open, now());
        drop(waiting);
        let next = passed(&gate);
        assert_eq!((next.target.region.as_str(), next.target.epoch), ("west", 2));
        assert!(!has_ended(&next).await && next.is_current());
        let switches = gate.traffic().view().switches;
        assert_eq!(switches.len(), 1, "{switches:?}");
        assert_eq!((switches[0].from_region.as_str(), switches[0].held), ("east", 1));
    }

    #[tokio::test]
    async fn a_failover_that_stops_opens_the_gate_to_the_old_side_again() {
        let gate = gate();
        gate.lead(Some(target(1, "east")), Admission::Open, now());
        let running = passed(&gate);
        gate.lead(Some(target(1, "east")), Admission::Hold, now());
        gate.end_running();
        gate.lead(Some(target(1, "east")), Admission::Open, now());
        let next = passed(&gate);
        assert!(has_ended(&running).await && !has_ended(&next).await, "only what ran before the hold has to end");
        assert_eq!(next.target.region, "east");
        assert!(gate.traffic().view().switches.is_empty());
    }

    #[tokio::test]
    async fn a_switch_that_holds_nothing_still_ends_what_runs_at_the_old_side() {
        let gate = gate();
        gate.lead(Some(target(1, "east")), Admission::Open, now());
        let running = passed(&gate);
        gate.lead(Some(target(2, "west")), Admission::Open, now());
        assert!(has_ended(&running).await && !running.is_current());
    }

    #[test]
    fn a_gate_is_found_by_workspace_id_and_by_a_host_names_label() {
        let table = RouteTable::new([gate()]);
        assert!(table.by_workspace_id("42").is_some() && table.by_workspace_id("43").is_none());
        assert!(table.by_label("shop-1").is_some() && table.by_label("SHOP_1").is_some());
        assert!(table.by_label("other").is_none());
    }
}
