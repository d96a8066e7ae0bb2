//! Waiting at a gate: how long, and how much may wait.

use super::rescue::Rescue;
use crate::net::{Backoff, Entry, Gate, Pass, Waiting};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Between two tries to reach a region that does not answer; a switch ends the wait sooner.
const WAITS: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));

/// What may wait for a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldLimits {
    /// How long one request may wait in all.
    pub time: Duration,
    /// Requests that may wait at a time, of all URLs together.
    pub requests: usize,
    /// Bytes that they may take together. Their bodies stay with the clients until they are sent.
    pub bytes: usize,
}

impl Default for HoldLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), requests: 10_000, bytes: 64 << 20 }
    }
}

/// Where requests of all URLs wait.
#[derive(Debug)]
pub struct Holding {
    limits: HoldLimits,
    requests: AtomicUsize,
    bytes: AtomicUsize,
    stopping: watch::Receiver<bool>,
}

/// One request's time at its gate, from its arrival on.
pub struct Patience {
    holding: Arc<Holding>,
    gate: Arc<Gate>,
    until: Instant,
    bytes: usize,
    failures: u32,
    room: Option<Room>,
}

/// Room that a waiting request takes until this is dropped.
struct Room {
    holding: Arc<Holding>,
    bytes: usize,
    _waiting: Waiting,
}

impl Holding {
    /// Room for what `limits` allow; none waits any longer once `stopping` says so.
    pub fn new(limits: HoldLimits, stopping: watch::Receiver<bool>) -> Self {
        Self { limits, requests: AtomicUsize::new(0), bytes: AtomicUsize::new(0), stopping }
    }

    /// A request that came now, with a head of so many bytes.
    pub fn patience(self: &Arc<Self>, gate: &Arc<Gate>, bytes: usize) -> Patience {
        let until = Instant::now() + self.limits.time;
        Patience { holding: self.clone(), gate: gate.clone(), until, bytes, failures: 0, room: None }
    }

    fn room(self: &Arc<Self>, gate: &Arc<Gate>, bytes: usize) -> Result<Room, Rescue> {
        let requests = self.requests.fetch_add(1, Ordering::AcqRel) + 1;
        let all_bytes = self.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes;
        let room = Room { holding: self.clone(), bytes, _waiting: gate.wait() };
        if requests > self.limits.requests || all_bytes > self.limits.bytes {
            return Err(Rescue::TooManyHeld { id: gate.id.clone() });
        }
        Ok(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.holding.requests.fetch_sub(1, Ordering::AcqRel);
        self.holding.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Patience {
    /// Passes the gate, at once or when it opens.
    pub async fn pass(&mut self) -> Result<Pass, Rescue> {
        // Most requests find it open, and need not hear of its changes.
        if let Entry::Passed(pass) = self.gate.enter() {
            self.room = None;
            return Ok(pass);
        }
        let mut state = self.gate.watch();
        loop {
            state.mark_unchanged();
            match self.gate.enter() {
                Entry::Passed(pass) => {
                    self.room = None;
                    return Ok(pass);
                }
                Entry::Shut => return Err(Rescue::Shut { id: self.gate.id.clone() }),
                Entry::Held => {}
            }
            self.take_room()?;
            let until = self.until;
            if !self.wait(&mut state, until).await? {
                return Err(Rescue::HeldTooLong { id: self.gate.id.clone() });
            }
        }
    }

    /// Waits before the next try to reach a region that did not answer; `too_late` is the answer where none may follow.
    pub async fn retry(&mut self, too_late: Rescue) -> Result<(), Rescue> {
        self.failures += 1;
        let mut state = self.gate.watch();
        self.take_room()?;
        let next = Instant::now() + WAITS.drawn(self.failures);
        if next >= self.until {
            // One more change may come within what is left.
            let until = self.until;
            return if self.wait(&mut state, until).await? { Ok(()) } else { Err(too_late) };
        }
        self.wait(&mut state, next).await?;
        Ok(())
    }

    fn take_room(&mut self) -> Result<(), Rescue> {
        if self.room.is_none() {
            self.room = Some(self.holding.room(&self.gate, self.bytes)?);
        }
        Ok(())
    }

    /// Waits for a change of the gate; false where `until` came first.
    async fn wait(&self, state: &mut watch::Receiver<crate::net::GateState>, until: Instant) -> Result<bool, Rescue> {
        let mut stopping = self.holding.stopping.clone();
        tokio::select! {
            changed = state.changed() => match changed {
                Ok(()) => Ok(true),
                Err(_) => Err(Rescue::Shut { id: self.gate.id.clone() }),
            },
            () = tokio::time::sleep_until(until) => Ok(false),
            _ = stopping.wait_for(|stop| *stop) => Err(Rescue::Stopping),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{Admission, Target};
    use chrono::Utc;
    use url::Url;

    fn lead(gate: &Gate, region: &str, admission: Admission) {
        let url = Url::parse("http://127.0.0.1:1").expect("a URL");
        let target = Target::new(1, region, region, url);
        gate.lead(Some(target), admission, Utc::now());
    }

    struct Held {
        gate: Arc<Gate>,
        holding: Arc<Holding>,
        stop: watch::Sender<bool>,
    }

    fn held(limits: HoldLimits) -> Held {
        let gate = Arc::new(Gate::new("shop", "1001"));
        lead(&gate, "east", Admission::Hold);
        let (stop, stopping) = watch::channel(false);
        Held { gate, holding: Arc::new(Holding::new(limits, stopping)), stop }
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_request_goes_where_the_gate_opens_to() {
        let held = held(HoldLimits::default());
        let mut patience = held.holding.patience(&held.gate, 100);
        let waiting = tokio::spawn(async move { patience.pass().await.map(|pass| pass.target.region.clone()) });
        tokio::task::yield_now().await;
        assert_eq!(held.gate.traffic().held(), 1);
        lead(&held.gate, "west", Admission::Hold);
        tokio::time::sleep(Duration::from_secs(9)).await;
        lead(&held.gate, "west", Admission::Open);
        assert_eq!(waiting.await.expect("it ends").as_deref(), Ok("west"));
        assert_eq!(held.gate.traffic().held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_waits_no_longer_than_it_may_in_all() {
        let held = held(HoldLimits::default());
        let begun = Instant::now();
        let refused = held.holding.patience(&held.gate, 100).pass().await.expect_err("never opened");
        assert_eq!(refused, Rescue::HeldTooLong { id: "shop".to_owned() });
        assert_eq!(begun.elapsed().as_secs(), 10);
        lead(&held.gate, "east", Admission::Open);
        let away = Rescue::Unreachable { region: "east".to_owned() };
        let (begun, mut patience) = (Instant::now(), held.holding.patience(&held.gate, 100));
        while patience.retry(away.clone()).await.is_ok() {}
        assert_eq!(begun.elapsed().as_secs(), 10);
        assert!(patience.failures > 15, "it tries again and again: {}", patience.failures);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_wait_than_there_is_room_for() {
        for limits in
            [HoldLimits { requests: 2, ..HoldLimits::default() }, HoldLimits { bytes: 250, ..HoldLimits::default() }]
        {
            let held = held(limits);
            let mut both = [held.holding.patience(&held.gate, 100), held.holding.patience(&held.gate, 100)];
            for patience in &mut both {
                patience.take_room().expect("there is room");
            }
            let third = held.holding.patience(&held.gate, 100).pass().await.expect_err("no room");
            assert_eq!(third, Rescue::TooManyHeld { id: "shop".to_owned() });
            drop(both);
            assert!(held.holding.patience(&held.gate, 100).take_room().is_ok(), "the room is free again");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_stops_keeps_none_waiting() {
        let held = held(HoldLimits::default());
        held.stop.send_replace(true);
        let refused = held.holding.patience(&held.gate, 100).pass().await.expect_err("stopping");
        assert_eq!(refused, Rescue::Stopping);
    }
}
