//! Room for a listener's connections. When it is full, the one that has waited longest for its client makes way.
//!
//! This keeps the listener open to others: a client that opens thousands of connections and sends nothing, or half a request, or never
//! reads an answer, loses its own oldest ones to the next client.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// `since` of a connection that the server works for.
const WORKS: u64 = 0;
/// `since` of one that had to make way.
const ENDED: u64 = u64::MAX;
/// Connections that are found at a time to make way, because finding them takes a look at all.
const FOUND: usize = 64;

/// The open connections of one listener.
#[derive(Debug, Clone)]
pub struct Connections {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    most: usize,
    /// Counts up, so that what is smaller was earlier.
    clock: AtomicU64,
    state: Mutex<State>,
    /// Rings when a connection ends or begins to wait.
    eased: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<u64, Arc<Slot>>,
    /// Those that had waited longest when all were last looked at, in their order, with the `since` of then.
    longest: VecDeque<(u64, u64)>,
}

/// One connection; each request changes it twice, so that takes no lock.
#[derive(Debug)]
struct Slot {
    /// When it began to wait for its client.
    since: AtomicU64,
    /// Rings when it has to end.
    end: Notify,
}

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It has to make way for another one, at once.
    MakeWay,
    /// The server stops: it takes no more requests, and those that run may end.
    Finish,
}

impl Slot {
    fn change(&self, from: u64, to: u64) -> bool {
        self.since.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl State {
    /// Ends the connection that has waited longest; whether there was one.
    fn shed(&mut self) -> bool {
        loop {
            while let Some((since, id)) = self.longest.pop_front() {
                // One that was worked for since isn't the longest any more.
                if let Some(slot) = self.open.get(&id).filter(|slot| slot.change(since, ENDED)) {
                    slot.end.notify_one();
                    self.open.remove(&id);
                    return true;
                }
            }
            let waits = |(id, slot): (&u64, &Arc<Slot>)| match slot.since.load(Ordering::Acquire) {
                WORKS | ENDED => None,
                since => Some((since, *id)),
            };
            let mut waiting: Vec<(u64, u64)> = self.open.iter().filter_map(waits).collect();
            if waiting.is_empty() {
                return false;
            }
            if waiting.len() > FOUND {
                waiting.select_nth_unstable(FOUND);
                waiting.truncate(FOUND);
            }
            waiting.sort_unstable();
            self.longest = waiting.into();
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Connections {
    /// Room for `most` connections at a time, at least one.
    pub fn new(most: usize) -> Self {
        let (most, clock) = (most.max(1), AtomicU64::new(WORKS));
        Self { inner: Arc::new(Inner { most, clock, state: Mutex::default(), eased: Notify::new() }) }
    }

    /// Takes a connection in, as one that waits for its client. Waits for room only while the server works for all others.
    pub async fn admit(&self) -> Arc<Connection> {
        loop {
            let eased = self.inner.eased.notified();
            if let Some(connection) = self.try_admit() {
                return connection;
            }
            eased.await;
        }
    }

    fn try_admit(&self) -> Option<Arc<Connection>> {
        let mut state = self.inner.state();
        if state.open.len() >= self.inner.most && !state.shed() {
            return None;
        }
        let (id, since) = (self.inner.number(), AtomicU64::new(self.inner.number()));
        let slot = Arc::new(Slot { since, end: Notify::new() });
        state.open.insert(id, slot.clone());
        Some(Arc::new(Connection { inner: self.inner.clone(), id, slot }))
    }

    /// Ends the connection that has waited longest for its client, as when the process is out of file descriptors.
    pub fn shed(&self) -> bool {
        self.inner.state().shed()
    }

    /// Tells every connection that the server stops.
    pub fn finish(&self) {
        self.inner.state().open.values().for_each(|slot| slot.end.notify_one());
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.inner.state().open.len()
    }
}

/// One open connection; its room is free again when this is dropped.
#[derive(Debug)]
pub struct Connection {
    inner: Arc<Inner>,
    id: u64,
    slot: Arc<Slot>,
}

impl Connection {
    /// The server works for it now, so it doesn't make way for others.
    pub fn works(&self) {
        let since = self.slot.since.load(Ordering::Acquire);
        if since != WORKS && since != ENDED {
            // Where this fails, it has to make way at this moment.
            self.slot.change(since, WORKS);
        }
    }

    /// It waits for its client from now on: for a request, for the rest of one, or for an answer to be taken.
    pub fn waits(&self) {
        if self.slot.since.load(Ordering::Acquire) == WORKS && self.slot.change(WORKS, self.inner.number()) {
            self.inner.eased.notify_one();
        }
    }

    /// Returns when it has to end.
    pub async fn told(&self) -> Told {
        self.slot.end.notified().await;
        if self.slot.since.load(Ordering::Acquire) == ENDED { Told::MakeWay } else { Told::Finish }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.inner.state().open.remove(&self.id);
        self.inner.eased.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn is_told_to_end(connection: &Connection) -> bool {
        connection.told().now_or_never() == Some(Told::MakeWay)
    }

    fn admit(room: &Connections) -> Option<Arc<Connection>> {
        room.admit().now_or_never()
    }

    #[test]
    fn the_one_that_has_waited_longest_makes_way() {
        let room = Connections::new(3);
        let [first, second, third] = [(); 3].map(|()| admit(&room).expect("there is room"));
        // The first one asked something since, so the second has waited longest.
        first.works();
        first.waits();
        let fourth = admit(&room).expect("it gets the second's room");
        assert_eq!([&first, &second, &third, &fourth].map(|c| is_told_to_end(c)), [false, true, false, false]);
        assert_eq!(room.open(), 3);
        drop(second);
        assert_eq!(room.open(), 3, "its room was given away already");
        drop(first);
        assert_eq!(room.open(), 2);
    }

    #[test]
    fn many_make_way_in_the_order_in_which_they_began_to_wait() {
        let many = 3 * FOUND as u64;
        let room = Connections::new(many as usize);
        let all: Vec<_> = (0..many).map(|_| admit(&room).expect("room")).collect();
        // Every third one asks something, in the reverse order.
        for connection in all.iter().rev().step_by(3) {
            connection.works();
            connection.waits();
        }
        let asked = |n: u64| (many - 1 - n).is_multiple_of(3);
        let order = (0..many).filter(|n| !asked(*n)).chain((0..many).rev().filter(|n| asked(*n)));
        for next in order {
            assert!(room.shed());
            let ended: Vec<u64> = (0..many).filter(|n| is_told_to_end(&all[*n as usize])).collect();
            assert_eq!(ended, [next]);
        }
        assert!(!room.shed());
    }

    #[test]
    fn one_that_is_worked_for_never_makes_way_and_a_new_one_waits_until_it_is_done() {
        let room = Connections::new(2);
        let (busy, done) = (admit(&room).expect("room"), admit(&room).expect("room"));
        busy.works();
        done.works();
        let mut next = Box::pin(room.admit());
        assert!(next.as_mut().now_or_never().is_none(), "all are worked for");
        done.waits();
        assert!(next.now_or_never().is_some());
        assert!(is_told_to_end(&done) && !is_told_to_end(&busy));
    }

    #[test]
    fn a_server_that_stops_tells_every_connection_and_one_may_still_have_to_make_way() {
        let room = Connections::new(3);
        let all = [(); 3].map(|()| admit(&room).expect("there is room"));
        room.finish();
        for connection in &all {
            assert_eq!(connection.told().now_or_never(), Some(Told::Finish));
            assert_eq!(connection.told().now_or_never(), None, "it is told once");
        }
        assert!(room.shed());
        assert_eq!(all.map(|connection| is_told_to_end(&connection)), [true, false, false]);
    }

    #[test]
    fn room_is_free_again_when_a_connection_ends() {
        let room = Connections::new(1);
        let only = admit(&room).expect("room");
        only.works();
        let mut next = Box::pin(room.admit());
        assert!(next.as_mut().now_or_never().is_none());
        drop(only);
        assert!(next.now_or_never().is_some());
        assert_eq!(room.open(), 0, "that one ended too");
        assert!(!room.shed(), "there is none to end");
    }
}
