//! How long a refused call is tried again.

use crate::net::Backoff;
use std::time::Duration;

/// When to try a call again that was answered with 429 or 503.
///
/// The server's `Retry-After` is kept to; without one, waits double from `first_wait` up to `longest_wait`. A call
/// is given up when the next wait would end later than `total` after the first try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// The first wait where the server names none.
    pub first_wait: Duration,
    /// The longest wait where the server names none.
    pub longest_wait: Duration,
    /// How long to go on in all, waits and answers together.
    pub total: Duration,
    /// Up to this part of a wait is added to it at random, so that clients don't come back together.
    pub jitter: f64,
}

impl RetryPolicy {
    /// What users expect of a client of these APIs: up to 300 s in all.
    pub const STANDARD: RetryPolicy = RetryPolicy {
        first_wait: Duration::from_secs(1),
        longest_wait: Duration::from_secs(30),
        total: Duration::from_secs(300),
        jitter: 0.5,
    };

    /// For a caller that comes back by itself anyway and wants to know a dead region soon.
    pub const BRISK: RetryPolicy = RetryPolicy {
        first_wait: Duration::from_millis(100),
        longest_wait: Duration::from_millis(500),
        total: Duration::from_millis(1500),
        jitter: 0.5,
    };

    /// One try.
    pub const NEVER: RetryPolicy =
        RetryPolicy { first_wait: Duration::ZERO, longest_wait: Duration::ZERO, total: Duration::ZERO, jitter: 0.0 };

    /// The wait before retry number `retry` (from 0), `spent` after the first try; None to give up.
    pub fn wait(&self, retry: u32, asked_for: Option<Duration>, spent: Duration) -> Option<Duration> {
        if self.total.is_zero() {
            return None;
        }
        let own = Backoff::new(self.first_wait, self.longest_wait).steady(retry.saturating_add(1));
        let base = asked_for.unwrap_or(own);
        // Never earlier than asked for, so jitter only adds.
        let wait = base + base.mul_f64((self.jitter * rand::random::<f64>()).clamp(0.0, 1.0));
        (spent + wait <= self.total).then_some(wait)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::STANDARD
    }
}

/// Reads a `Retry-After` header: seconds, or an HTTP date.
pub(super) fn retry_after(header: &str, now: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(header).ok()?;
    Some(date.signed_duration_since(now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    const STEADY: RetryPolicy = RetryPolicy { jitter: 0.0, ..RetryPolicy::STANDARD };

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<_> =
            (0..7).map(|n| STEADY.wait(n, None, Duration::ZERO).expect("there is time").as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(STEADY.wait(200, None, Duration::ZERO), Some(Duration::from_secs(30)));
    }

    #[test]
    fn the_servers_wait_is_kept_to() {
        let asked_for = Some(Duration::from_secs(45));
        assert_eq!(STEADY.wait(0, asked_for, Duration::ZERO), asked_for);
        let jittered = RetryPolicy::STANDARD.wait(0, asked_for, Duration::ZERO).expect("there is time");
        assert!(jittered >= Duration::from_secs(45));
    }

    #[test]
    fn a_wait_that_ends_too_late_is_not_begun() {
        assert_eq!(STEADY.wait(9, None, Duration::from_secs(271)), None);
        assert_eq!(STEADY.wait(0, Some(Duration::from_secs(301)), Duration::ZERO), None);
        assert_eq!(RetryPolicy::NEVER.wait(0, Some(Duration::ZERO), Duration::ZERO), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = chrono::Utc.with_ymd_and_hms(2015, 10, 21, 7, 27, 30).single().expect("a valid time");
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:27:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
