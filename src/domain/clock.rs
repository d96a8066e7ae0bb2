//! Where the time comes from, so that tests can say what time it is.

use super::Timestamp;
use chrono::{FixedOffset, Local, Offset, SubsecRound, TimeDelta, Utc};
use std::sync::Mutex;
use std::time::Duration;

/// Tells the time in UTC, in whole milliseconds.
pub trait Clock: Send + Sync + 'static {
    /// The current instant, as the wall clock says.
    fn now(&self) -> Timestamp;

    /// The time since some moment in the past, by a clock that can't be set; it only grows.
    fn monotonic(&self) -> Duration;

    /// How far the people who read this clock are from UTC at an instant.
    fn local_offset(&self, at: Timestamp) -> FixedOffset {
        at.with_timezone(&Local).offset().fix()
    }
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Delta commits and the API speak milliseconds; a finer clock would make a point newer than its own commit.
        Utc::now().trunc_subsecs(3)
    }

    fn monotonic(&self) -> Duration {
        // The one that goes on while a laptop sleeps: its wall clock then moved by as much and did not jump.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let id = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let id = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(id);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    }
}

/// A clock that stands still until it is told to move.
#[derive(Debug)]
pub struct ManualClock(Mutex<(Timestamp, Duration)>);

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new((start, Duration::from_secs(1000))))
    }

    /// Lets time pass.
    pub fn advance(&self, by: TimeDelta) {
        let mut clock = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        clock.0 += by;
        clock.1 += by.to_std().unwrap_or_default();
    }

    /// Sets the wall clock forward or back, as someone or something that sets a machine's clock does.
    pub fn jump(&self, by: TimeDelta) {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0 += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).0
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).1
    }

    /// None, so that what is drawn doesn't depend on where it is drawn.
    fn local_offset(&self, _at: Timestamp) -> FixedOffset {
        Utc.fix()
    }
}
