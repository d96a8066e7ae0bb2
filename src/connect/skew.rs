//! How far a region's clock is from this machine's, by the `Date` of its answers.

use crate::domain::{Clock, ClockSkew, Instant, SystemClock};
use reqwest::header::{DATE, HeaderMap};
use std::sync::Mutex;
use std::time::{Duration, Instant as Stopwatch};

/// An older answer tells nothing more: clocks are set and drift.
const FRESH: Duration = Duration::from_secs(60);

/// A call on its way.
pub(super) struct Sent {
    wall: Instant,
    watch: Stopwatch,
}

impl Sent {
    pub fn now() -> Self {
        Self { wall: SystemClock.now(), watch: Stopwatch::now() }
    }
}

/// What a region's answers told of its clock.
#[derive(Debug, Default)]
pub(super) struct SkewGauge(Mutex<Option<(ClockSkew, Stopwatch)>>);

impl SkewGauge {
    /// Takes what an answer tells.
    pub fn note(&self, headers: &HeaderMap, sent: &Sent) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let Some(date) = date.and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok()) else { return };
        let took = sent.watch.elapsed();
        // By the clock that nobody sets: a wall clock that jumped meanwhile would be taken for the region's fault.
        let received = sent.wall + chrono::TimeDelta::from_std(took).unwrap_or_default();
        let found = ClockSkew::of_answer(date.to_utc(), sent.wall, received);
        let mut known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let before = known.filter(|(_, at)| at.elapsed() < FRESH);
        *known = match before.and_then(|(before, at)| Some((before.and(found)?, at))) {
            Some(narrowed) => Some(narrowed),
            None => Some((found, Stopwatch::now())),
        };
    }

    /// What is known, where an answer came not long ago.
    pub fn skew(&self) -> Option<ClockSkew> {
        let known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.filter(|(_, at)| at.elapsed() < FRESH * 2).map(|(skew, _)| skew)
    }
}
