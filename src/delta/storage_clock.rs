//! The clock of a storage, by the time that it gives to a file which was just written.

use super::place::{Place, Sink};
use crate::domain::{Clock, ClockSkew, SystemClock};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often one is looked at.
const PAUSE: Duration = Duration::from_secs(30);

/// What was found out about one storage's clock.
#[derive(Debug, Default)]
pub struct StorageClock(Mutex<Option<(ClockSkew, Instant)>>);

impl StorageClock {
    /// How far it is from this machine's, where a file was written lately.
    pub fn skew(&self) -> Option<ClockSkew> {
        self.known().map(|(skew, _)| skew)
    }

    /// Looks at the time of a file on a disk, right after its last byte was written.
    pub(super) fn look_at_written(&self, sink: &dyn Sink) {
        if self.is_due()
            && let Some(ms) = sink.written_ms()
        {
            self.note(ms, Duration::ZERO);
        }
    }

    /// Looks at the time of an object that was put there `took` ago; a disk keeps the source's times.
    pub(super) fn look_at_put(&self, place: &dyn Place, rel: &str, since: Instant) {
        if place.local().is_none()
            && self.is_due()
            && let Ok(Some(stamp)) = place.stat(rel)
        {
            self.note(stamp.modified_ms(), since.elapsed());
        }
    }

    fn note(&self, written_ms: i64, took: Duration) {
        let Some(date) = DateTime::<Utc>::from_timestamp_millis(written_ms) else { return };
        let received = SystemClock.now();
        let sent = received - TimeDelta::from_std(took).unwrap_or_default();
        let skew = ClockSkew::of_answer(date, sent, received);
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some((skew, Instant::now()));
    }

    fn is_due(&self) -> bool {
        self.known().is_none_or(|(_, at)| at.elapsed() >= PAUSE)
    }

    fn known(&self) -> Option<(ClockSkew, Instant)> {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::TableRoot;
    use crate::delta::place;

    #[test]
    fn a_file_that_was_just_written_tells_the_clock_of_its_disk() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = place::open(&TableRoot::Local(dir.path().to_owned()));
        let clock = StorageClock::default();
        let mut sink = target.create("a.json", 2).expect("created");
        sink.write(b"{}").expect("written");
        clock.look_at_written(&*sink);
        let skew = clock.skew().expect("looked at");
        assert_eq!(skew.seconds(), None, "one machine has one clock");
    }

    #[test]
    fn a_storage_whose_clock_is_an_hour_ahead_is_found() {
        let clock = StorageClock::default();
        clock.note(SystemClock.now().timestamp_millis() + 3_600_000, Duration::from_millis(40));
        assert!(clock.skew().and_then(ClockSkew::seconds).is_some_and(|seconds| (seconds - 3_600).abs() <= 1));
        assert!(!clock.is_due());
    }
}
