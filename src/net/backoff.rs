//! Waits between tries that grow.

use std::time::Duration;

/// Waits that double from the first up to the longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// Waits that begin with `first`; none is longer than `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest }
    }

    /// The wait after `failures` failed tries; the one after the first is `first`.
    pub fn steady(&self, failures: u32) -> Duration {
        let factor = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// As [`Self::steady`], with half of it drawn at random, so that many who failed together don't come back together.
    pub fn drawn(&self, failures: u32) -> Duration {
        self.steady(failures).mul_f64(0.5 + 0.5 * rand::random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAITS: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<_> = (1..=8).map(|failures| WAITS.steady(failures).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(WAITS.steady(0), WAITS.steady(1), "nothing failed yet: the first wait");
        assert_eq!(WAITS.steady(u32::MAX), Duration::from_secs(5));
    }

    #[test]
    fn a_drawn_wait_is_at_least_half_and_at_most_the_whole() {
        for failures in [1, 3, 60] {
            let (drawn, whole) = (WAITS.drawn(failures), WAITS.steady(failures));
            assert!((whole / 2..=whole).contains(&drawn), "{drawn:?} after {failures}");
        }
    }
}
