//! Growing pauses between attempts at something that keeps failing.

use crate::domain::Timestamp;
use crate::net;
use chrono::TimeDelta;
use std::time::Duration;

/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// When the next attempt is due.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Backoff {
    failures: u32,
    due: Option<Timestamp>,
}

impl Backoff {
    /// Whether an attempt is due.
    pub fn is_due(&self, now: Timestamp) -> bool {
        // A clock that was set back makes no wait longer than the longest pause.
        self.due.is_none_or(|due| now >= due || (due - now).to_std().is_ok_and(|left| left > LONGEST))
    }

    /// Notes a failed attempt; the pause after the first one is `first`, and every further one is twice as long.
    pub fn failed(&mut self, now: Timestamp, first: Duration) {
        self.failures = self.failures.saturating_add(1);
        let pause = net::Backoff::new(first, LONGEST).steady(self.failures);
        self.due = Some(now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    #[test]
    fn pauses_double_up_to_a_minute_and_the_first_attempt_waits_for_nothing() {
        let start = Utc.timestamp_opt(1_800_000_000, 0).single().expect("a time");
        let mut backoff = Backoff::default();
        assert!(backoff.is_due(start));
        let mut waited = Vec::new();
        let mut now = start;
        for _ in 0..9 {
            backoff.failed(now, Duration::from_millis(500));
            let failed = now;
            while !backoff.is_due(now) {
                now += TimeDelta::milliseconds(250);
            }
            waited.push((now - failed).num_milliseconds());
        }
        assert!(backoff.is_due(now - TimeDelta::hours(2)), "the clock was set back");
        assert_eq!(waited, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    }
}
