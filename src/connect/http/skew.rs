//! How far a region's clock is from this machine's, by the `Date` of its answers.

use crate::domain::{Clock, ClockSkew, SystemClock, Timestamp};
use reqwest::header::{DATE, HeaderMap};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// An older answer tells nothing more: clocks are set and drift.
const FRESH: Duration = Duration::from_secs(60);

/// A call on its way.
pub(super) struct Sent {
    wall: Timestamp,
    watch: Instant,
}

impl Sent {
    pub fn now() -> Self {
        Self { wall: SystemClock.now(), watch: Instant::now() }
    }
}

/// What a region's answers told of its clock.
#[derive(Debug, Default)]
pub(super) struct SkewGauge(Mutex<Option<(ClockSkew, Instant)>>);

impl SkewGauge {
    /// Takes what an answer tells.
    pub fn note(&self, headers: &HeaderMap, sent: &Sent) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let Some(date) = date.and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok()) else { return };
        let took = sent.watch.elapsed();
        // By the monotonic clock: a jump of the wall clock during the call would look like the region's fault.
        let received = sent.wall + chrono::TimeDelta::from_std(took).unwrap_or_default();
        let found = ClockSkew::of_answer(date.to_utc(), sent.wall, received);
        let mut known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let before = known.filter(|(_, at)| at.elapsed() < FRESH);
        *known = match before.and_then(|(before, at)| Some((before.and(found)?, at))) {
            Some(narrowed) => Some(narrowed),
            None => Some((found, Instant::now())),
        };
    }

    /// What is known, where an answer came not long ago.
    pub fn skew(&self) -> Option<ClockSkew> {
        let known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        known.filter(|(_, at)| at.elapsed() < FRESH * 2).map(|(skew, _)| skew)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::rest::RegionClient;
    use crate::connect::testing::serve;
    use crate::connect::{ConnectSettings, Secret};
    use axum::Router;
    use axum::routing::get;

    #[tokio::test]
    async fn the_clock_of_a_region_is_held_against_this_machines() {
        for (hours, expected) in [(0, None), (2, Some(7_200)), (-1, Some(-3_600))] {
            let answer = move || async move {
                let date = SystemClock.now() + chrono::TimeDelta::hours(hours);
                ([(DATE, date.format("%a, %d %b %Y %H:%M:%S GMT").to_string())], r#"{"name":"main"}"#)
            };
            let url = serve(Router::new().fallback(get(answer))).await;
            let settings = ConnectSettings::new("us-east-1", &url, Secret::new("token"));
            let client = RegionClient::new(settings).expect("a client");
            assert!(client.clock_skew().is_none(), "nothing was asked yet");
            client.catalog("main").await.expect("answers");
            let seconds = client.clock_skew().and_then(ClockSkew::seconds);
            let close = |(seen, expected): (i64, i64)| (seen - expected).abs() <= 1;
            assert!(seconds.zip(expected).map_or(seconds == expected, close), "{seconds:?}, not {expected:?}");
        }
    }
}
