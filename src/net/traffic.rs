//! What went through one stable URL: counts, times, and when it was led elsewhere.

use super::seen::{LoginKind, SeenClient, SeenClients};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Requests a second are the mean of so many whole seconds.
const SECONDS: usize = 5;
/// Times are told of the last one to two of these.
const WINDOW: Duration = Duration::from_secs(60);
/// Buckets of times: four for each doubling, from 16 µs on.
const BUCKETS: usize = 96;
/// Switches that are kept.
const SWITCHES: usize = 20;

/// Counts of one stable URL; each is kept where it happens, so that the way of a request takes no lock but one.
#[derive(Debug)]
pub struct Traffic {
    running: AtomicU64,
    held: AtomicU64,
    requests: AtomicU64,
    errors: AtomicU64,
    late: AtomicU64,
    recent: Mutex<Recent>,
    clients: Mutex<SeenClients>,
}

#[derive(Debug)]
struct Recent {
    begun: Instant,
    /// Requests of each of the last seconds, with the second.
    seconds: [(u64, u64); SECONDS + 1],
    window: Instant,
    now: [u32; BUCKETS],
    before: [u32; BUCKETS],
    switches: VecDeque<Switch>,
}

/// One time that a stable URL was led elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// When.
    pub at: crate::domain::Timestamp,
    /// The region that it led to before.
    pub from_region: String,
    /// The region that it leads to since.
    pub to_region: String,
    /// Requests that waited at that moment.
    pub held: u64,
}

/// The counts at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrafficView {
    /// Requests that a region works on now.
    pub running: u64,
    /// Requests that wait for a switch or for a region now.
    pub held: u64,
    /// Requests since the gateway started.
    pub requests: u64,
    /// Requests a second over the last five.
    pub per_second: f64,
    /// Answers of status 500 and above, the gateway's own ones too, and answers that broke off.
    pub errors: u64,
    /// Requests that a region answered after the URL was led elsewhere; never anything but 0.
    pub late: u64,
    /// Half of the recent answers began within so many milliseconds; None while there is none.
    pub p50_ms: Option<f64>,
    /// 99 of 100 did.
    pub p99_ms: Option<f64>,
    /// When it was led elsewhere, newest first.
    pub switches: Vec<Switch>,
    /// Who called it since the gateway started, those with the most requests first.
    pub clients: Vec<SeenClient>,
    /// Requests of clients that were too many to be told apart.
    pub other_clients: u64,
}

impl Default for Traffic {
    fn default() -> Self {
        let begun = Instant::now();
        Self {
            running: AtomicU64::new(0),
            held: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            late: AtomicU64::new(0),
            recent: Mutex::new(Recent {
                begun,
                seconds: [(0, 0); SECONDS + 1],
                window: begun,
                now: [0; BUCKETS],
                before: [0; BUCKETS],
                switches: VecDeque::new(),
            }),
            clients: Mutex::default(),
        }
    }
}

impl Traffic {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Requests that a region works on now.
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Acquire)
    }

    /// Requests that wait now.
    pub fn held(&self) -> u64 {
        self.held.load(Ordering::Acquire)
    }

    /// The counter of [`Self::running`].
    pub(super) fn running_counter(&self) -> &AtomicU64 {
        &self.running
    }

    /// The counter of [`Self::held`].
    pub(super) fn held_counter(&self) -> &AtomicU64 {
        &self.held
    }

    /// Notes a request that came in.
    pub fn came(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.recent().came(Instant::now());
    }

    /// Notes who sent a request.
    pub fn seen(&self, user_agent: &str, login: LoginKind) {
        self.clients.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).came(user_agent, login);
    }

    /// Notes that an answer began, `after` the request came.
    pub fn answered(&self, after: Duration, failed: bool) {
        if failed {
            self.failed();
        }
        self.recent().answered(Instant::now(), after);
    }

    /// Notes an answer that failed or broke off.
    pub fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a request that the wrong region answered.
    pub fn late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that the URL leads elsewhere now.
    pub fn switched(&self, switch: Switch) {
        let mut recent = self.recent();
        recent.switches.push_front(switch);
        recent.switches.truncate(SWITCHES);
    }

    /// The counts now.
    pub fn view(&self) -> TrafficView {
        let mut recent = self.recent();
        let now = Instant::now();
        recent.turn(now);
        let (clients, other_clients) = self.clients.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).view();
        TrafficView {
            clients,
            other_clients,
            running: self.running(),
            held: self.held(),
            requests: self.requests.load(Ordering::Relaxed),
            per_second: recent.per_second(now),
            errors: self.errors.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            p50_ms: recent.quantile(0.5),
            p99_ms: recent.quantile(0.99),
            switches: recent.switches.iter().cloned().collect(),
        }
    }
}

impl Recent {
    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.begun).as_secs() + 1
    }

    fn came(&mut self, now: Instant) {
        let second = self.second(now);
        let slot = &mut self.seconds[second as usize % (SECONDS + 1)];
        if slot.0 != second {
            *slot = (second, 0);
        }
        slot.1 += 1;
    }

    /// The mean of the whole seconds before this one.
    fn per_second(&self, now: Instant) -> f64 {
        let second = self.second(now);
        let known = (second - 1).min(SECONDS as u64);
        let counted = self.seconds.iter().filter(|(of, _)| *of < second && *of + SECONDS as u64 >= second);
        if known == 0 { 0.0 } else { counted.map(|(_, count)| *count as f64).sum::<f64>() / known as f64 }
    }

    fn turn(&mut self, now: Instant) {
        if now.saturating_duration_since(self.window) >= WINDOW {
            let stale = now.saturating_duration_since(self.window) >= 2 * WINDOW;
            self.before = if stale { [0; BUCKETS] } else { self.now };
            self.now = [0; BUCKETS];
            self.window = now;
        }
    }

    fn answered(&mut self, now: Instant, after: Duration) {
        self.turn(now);
        let bucket = &mut self.now[bucket_of(after)];
        *bucket = bucket.saturating_add(1);
    }

    fn quantile(&self, part: f64) -> Option<f64> {
        let counts: Vec<u64> =
            self.now.iter().zip(&self.before).map(|(now, before)| u64::from(*now) + u64::from(*before)).collect();
        let all: u64 = counts.iter().sum();
        let wanted = (all as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(upper_micros(bucket) / 1000.0)
    }
}

fn bucket_of(time: Duration) -> usize {
    let sixteenths = time.as_micros() as f64 / 16.0;
    if sixteenths <= 1.0 { 0 } else { ((sixteenths.log2() * 4.0).ceil() as usize).min(BUCKETS - 1) }
}

/// The longest time of a bucket, in microseconds.
fn upper_micros(bucket: usize) -> f64 {
    16.0 * (bucket as f64 / 4.0).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_within_a_fifth() {
        for micros in [3, 16, 60, 999, 5_000, 70_000, 9_000_000] {
            let told = upper_micros(bucket_of(Duration::from_micros(micros)));
            let real = (micros as f64).max(16.0);
            assert!(told >= real * 0.999 && told <= real * 1.2, "{micros} µs was told as {told}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_last_minutes() {
        let traffic = Traffic::default();
        assert_eq!(traffic.view().p50_ms, None);
        for millis in 1..=100 {
            traffic.answered(Duration::from_millis(millis), millis == 100);
        }
        let view = traffic.view();
        assert!((50.0..60.0).contains(&view.p50_ms.expect("known")), "{view:?}");
        assert!((99.0..119.0).contains(&view.p99_ms.expect("known")), "{view:?}");
        assert_eq!(view.errors, 1);
        let mut recent = traffic.recent();
        let later = recent.window + 2 * WINDOW;
        recent.turn(later);
        assert_eq!(recent.quantile(0.5), None, "what is two minutes old is gone");
    }

    #[test]
    fn requests_a_second_are_the_mean_of_whole_seconds() {
        let traffic = Traffic::default();
        let mut recent = traffic.recent();
        let at = |millis| recent.begun + Duration::from_millis(millis);
        let (first, second, now) = (at(100), at(1100), at(2500));
        assert_eq!(recent.per_second(first), 0.0, "no second is whole yet");
        for _ in 0..10 {
            recent.came(first);
        }
        for _ in 0..20 {
            recent.came(second);
        }
        assert_eq!(recent.per_second(now), 15.0);
        assert_eq!(recent.per_second(now + Duration::from_secs(30)), 0.0);
    }
}
