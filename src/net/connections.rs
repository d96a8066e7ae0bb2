//! Room for a listener's connections. When it is full, the one that has waited longest for its client makes way.
//!
//! This keeps the listener open to others: a client that opens thousands of connections and sends nothing, or half a request, or never
//! reads an answer, loses its own oldest ones to the next client.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The open connections of one listener.
#[derive(Debug, Clone)]
pub struct Connections {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    most: usize,
    state: Mutex<State>,
    /// Rings when a connection ends or begins to wait.
    eased: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: HashMap<u64, Slot>,
    /// Connections that wait for their client, by when they began to.
    waiting: BTreeMap<u64, u64>,
}

#[derive(Debug)]
struct Slot {
    /// Its key in `waiting`; None while the server works for it.
    waits: Option<u64>,
    end: Arc<Notify>,
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Ends the connection that has waited longest; whether there was one.
    fn shed(&mut self) -> bool {
        let Some((_, id)) = self.waiting.pop_first() else { return false };
        if let Some(slot) = self.open.remove(&id) {
            slot.end.notify_one();
        }
        true
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    /// Room for `most` connections at a time, at least one.
    pub fn new(most: usize) -> Self {
        Self { inner: Arc::new(Inner { most: most.max(1), state: Mutex::default(), eased: Notify::new() }) }
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
        let (id, since, end) = (state.number(), state.number(), Arc::new(Notify::new()));
        state.waiting.insert(since, id);
        state.open.insert(id, Slot { waits: Some(since), end: end.clone() });
        Some(Arc::new(Connection { inner: self.inner.clone(), id, end }))
    }

    /// Ends the connection that has waited longest for its client, as when the process is out of file descriptors.
    pub fn shed(&self) -> bool {
        self.inner.state().shed()
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
    end: Arc<Notify>,
}

impl Connection {
    /// The server works for it now, so it doesn't make way for others.
    pub fn works(&self) {
        let mut state = self.inner.state();
        let since = state.open.get_mut(&self.id).and_then(|slot| slot.waits.take());
        if let Some(since) = since {
            state.waiting.remove(&since);
        }
    }

    /// It waits for its client from now on: for a request, for the rest of one, or for an answer to be taken.
    pub fn waits(&self) {
        let mut state = self.inner.state();
        let since = state.number();
        let State { open, waiting, .. } = &mut *state;
        if let Some(slot) = open.get_mut(&self.id)
            && slot.waits.is_none()
        {
            slot.waits = Some(since);
            waiting.insert(since, self.id);
            self.inner.eased.notify_one();
        }
    }

    /// Returns when it has to make way for another one.
    pub async fn must_end(&self) {
        self.end.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.inner.state();
        if let Some(since) = state.open.remove(&self.id).and_then(|slot| slot.waits) {
            state.waiting.remove(&since);
        }
        self.inner.eased.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn is_told_to_end(connection: &Connection) -> bool {
        connection.must_end().now_or_never().is_some()
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
