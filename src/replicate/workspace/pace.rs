//! A rate of requests that a workspace's pass keeps to.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Requests that may come at once after a rest, as seconds of the rate.
const BURST_SECONDS: f64 = 2.0;

/// Lets at most so many requests a second through, whoever asks.
#[derive(Debug)]
pub struct Pace {
    per_second: f64,
    /// Requests that may go at once, and when that was so.
    state: Mutex<(f64, Option<Instant>)>,
}

impl Pace {
    /// At least one request a second.
    pub fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, state: Mutex::new((per_second * BURST_SECONDS, None)) }
    }

    /// Waits until the next request may go. Those who wait go in the order in which they came.
    pub async fn turn(&self) {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let (left, at) = *state;
        let rested = at.map_or(0.0, |at| now.duration_since(at).as_secs_f64());
        let left = (left + rested * self.per_second).min(self.per_second * BURST_SECONDS) - 1.0;
        *state = (left, Some(now));
        if left < 0.0 {
            tokio::time::sleep(Duration::from_secs_f64(-left / self.per_second)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
        let (pace, started) = (Pace::new(15), Instant::now());
        for _ in 0..30 {
            pace.turn().await;
        }
        assert_eq!(started.elapsed(), Duration::ZERO);
        for _ in 0..150 {
            pace.turn().await;
        }
        let took = started.elapsed().as_secs_f64();
        assert!((9.9..10.2).contains(&took), "{took}");
    }
}
