//! How much all transfers of this process may do together.

use crate::domain::{Bandwidth, TransferLimit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Time that no one used counts for at most this long, so a pause isn't a licence for a flood.
const BURST: Duration = Duration::from_millis(250);
/// How long a waiting transfer goes without looking whether it must stop.
const LOOK: Duration = Duration::from_millis(100);

/// How much all transfers of this process may do together. Can be changed while they run.
pub struct TransferLimits {
    begun: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    limit: TransferLimit,
    running: usize,
    bucket: Bucket,
}

/// When bytes may pass: each takes its time, one after another.
#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    paid_until: Duration,
}

impl Bucket {
    /// Takes the time of `bytes` at `now`; returns how long to wait before the next ones.
    fn take(&mut self, bytes: u64, bandwidth: Bandwidth, now: Duration) -> Duration {
        let cost = Duration::from_secs_f64(bytes as f64 / bandwidth.bytes_per_second() as f64);
        self.paid_until = self.paid_until.max(now.saturating_sub(BURST)) + cost;
        self.paid_until.saturating_sub(now)
    }
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self::new(TransferLimit::default())
    }
}

impl std::fmt::Debug for TransferLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TransferLimits").field(&self.get()).finish()
    }
}

/// The right to move one file; given back when dropped.
pub(super) struct Turn<'a> {
    limits: &'a TransferLimits,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.limits.state().running -= 1;
        self.limits.changed.notify_all();
    }
}

impl TransferLimits {
    /// Limits to begin with.
    pub fn new(limit: TransferLimit) -> Self {
        let state = State { limit, running: 0, bucket: Bucket::default() };
        Self { begun: Instant::now(), state: Mutex::new(state), changed: Condvar::new() }
    }

    /// What holds now.
    pub fn get(&self) -> TransferLimit {
        self.state().limit
    }

    /// Changes the limits; transfers that wait go by the new ones.
    pub fn set(&self, limit: TransferLimit) {
        let mut state = self.state();
        state.limit = limit;
        state.bucket = Bucket::default();
        self.changed.notify_all();
    }

    /// Files moved at a time.
    pub fn parallel(&self) -> usize {
        self.get().parallel.get()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits until one file more may be moved.
    pub(super) fn turn(&self) -> Turn<'_> {
        let full = |state: &mut State| state.running >= state.limit.parallel.get();
        let mut state = self.changed.wait_while(self.state(), full).unwrap_or_else(|poisoned| poisoned.into_inner());
        state.running += 1;
        Turn { limits: self }
    }

    /// Waits until `bytes` may pass; false once `stop` is set.
    pub(super) fn pass(&self, bytes: u64, stop: &AtomicBool) -> bool {
        let mut state = self.state();
        let limit = state.limit;
        if let Some(bandwidth) = limit.bandwidth {
            let until = self.begun.elapsed();
            let until = until + state.bucket.take(bytes, bandwidth, until);
            // A changed limit lets everybody go: what is owed was counted by the old one.
            while state.limit == limit && !stop.load(Ordering::Relaxed) {
                let Some(left) = until.checked_sub(self.begun.elapsed()).filter(|left| !left.is_zero()) else { break };
                let waited = self.changed.wait_timeout(state, left.min(LOOK));
                state = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state);
            }
        }
        !stop.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;
    use std::sync::atomic::AtomicUsize;

    /// Bytes that several transfers move in `seconds` when each waits as it is told.
    fn moved(bandwidth: Bandwidth, transfers: usize, chunk: u64, seconds: u64) -> u64 {
        let mut bucket = Bucket::default();
        let end = Duration::from_secs(seconds);
        let mut ready = vec![Duration::ZERO; transfers];
        let mut bytes = 0;
        loop {
            // The one that waited longest goes next; moving takes no time, so only the limit holds it back.
            let Some(next) = ready.iter_mut().min() else { return bytes };
            let now = *next;
            if now >= end {
                return bytes;
            }
            *next = now + bucket.take(chunk, bandwidth, now);
            bytes += chunk;
        }
    }

    #[test]
    fn all_transfers_together_keep_to_the_bandwidth() {
        let bandwidth: Bandwidth = "50 MiB/s".parse().expect("a bandwidth");
        let rate = bandwidth.bytes_per_second();
        for transfers in [1, 4, 32] {
            let (chunk, seconds) = (256 << 10, 60);
            let bytes = moved(bandwidth, transfers, chunk, seconds);
            // What is on its way when the time ends was let go before.
            let most = rate * seconds + rate / 4 + chunk * transfers as u64;
            assert!(bytes <= most, "{transfers} transfers moved {bytes}");
            assert!(bytes >= rate * seconds * 99 / 100, "{transfers} transfers moved only {bytes}");
        }
    }

    #[test]
    fn a_pause_is_no_licence_for_a_flood() {
        let bandwidth: Bandwidth = "1MB/s".parse().expect("a bandwidth");
        let mut bucket = Bucket::default();
        let hour = Duration::from_secs(3_600);
        assert_eq!(bucket.take(250_000, bandwidth, hour), Duration::ZERO);
        assert_eq!(bucket.take(500_000, bandwidth, hour), Duration::from_millis(500));
    }

    #[test]
    fn no_more_files_move_at_a_time_than_allowed() {
        let limits = TransferLimits::new(TransferLimit {
            parallel: NonZeroUsize::MIN.saturating_add(2),
            ..TransferLimit::default()
        });
        let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        super::super::pool::each(&[(); 64], 16, |()| {
            let _turn = limits.turn();
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
        });
        assert!(most.into_inner() <= 3);
    }

    #[test]
    fn a_waiting_transfer_goes_on_when_the_limit_is_lifted_and_ends_when_stopped() {
        let slow = TransferLimit { bandwidth: "1KB/s".parse().ok(), ..TransferLimit::default() };
        let (limits, stop) = (TransferLimits::new(slow), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| limits.pass(1 << 40, &stop));
            while limits.state().bucket.paid_until.is_zero() {
                std::thread::yield_now();
            }
            limits.set(TransferLimit::default());
            assert!(waiting.join().expect("a thread"));
            limits.set(slow);
            let waiting = scope.spawn(|| limits.pass(1 << 40, &stop));
            while limits.state().bucket.paid_until.is_zero() {
                std::thread::yield_now();
            }
            stop.store(true, Ordering::Relaxed);
            assert!(!waiting.join().expect("a thread"));
        });
    }
}
