//! How many calls a second a token may make.

use super::reply::Rejection;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// Buckets that are kept; above it, full ones are dropped, which changes nothing for their owners.
const MOST_BUCKETS: usize = 10_000;

/// A bucket of calls for each token, filled at a steady rate up to one second's worth.
pub struct RateLimit {
    per_second: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    calls: f64,
    filled: Instant,
}

impl RateLimit {
    /// A limit of `per_second` calls for each token.
    pub fn new(per_second: u32) -> Self {
        Self { per_second: per_second.max(1), buckets: Mutex::default() }
    }

    /// Takes one call out of the token's bucket at `now`.
    pub fn take(&self, token: &str, now: Instant) -> Result<(), Rejection> {
        let full = f64::from(self.per_second);
        let mut buckets = self.buckets.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let level = |bucket: &Bucket| {
            (bucket.calls + now.saturating_duration_since(bucket.filled).as_secs_f64() * full).min(full)
        };
        if buckets.len() >= MOST_BUCKETS {
            buckets.retain(|_, bucket| level(bucket) < full);
        }
        if !buckets.contains_key(token) {
            buckets.insert(token.to_owned(), Bucket { calls: full, filled: now });
        }
        let Some(bucket) = buckets.get_mut(token) else { return Ok(()) };
        bucket.calls = level(bucket);
        bucket.filled = now;
        if bucket.calls < 1.0 {
            return Err(Rejection::TooMany { retry_after: 1, limit: self.per_second });
        }
        bucket.calls -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_token_may_make_so_many_calls_a_second_and_another_is_not_held_up_by_it() {
        let limit = RateLimit::new(10);
        let now = Instant::now();
        let allowed = |token, at| (0..100).filter(|_| limit.take(token, at).is_ok()).count();
        assert_eq!(allowed("a", now), 10);
        assert_eq!(allowed("b", now), 10);
        assert_eq!(allowed("a", now + Duration::from_millis(500)), 5);
        assert_eq!(allowed("a", now + Duration::from_secs(60)), 10);
    }
}
