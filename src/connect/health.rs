//! Whether a workspace answers: one record, fed by every call and read by everybody.

use crate::domain::{Clock, SystemClock, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What the calls so far tell of a workspace. Pure: the caller passes the time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// Answers so far. A refusal counts: a region that refuses is there.
    pub answers: u64,
    /// Calls so far that may have changed what the workspace shows.
    pub changes: u64,
    /// When it answered last.
    pub last_answer: Option<Timestamp>,
    /// When the first call failed since its last answer; None while it answers.
    pub away_since: Option<Timestamp>,
    /// What that call said.
    pub cause: Option<String>,
}

impl Health {
    /// Takes in an answer. One is enough to be back.
    pub fn answered(&mut self, now: Timestamp) {
        self.answers += 1;
        self.last_answer = Some(now);
        self.away_since = None;
        self.cause = None;
    }

    /// Takes in a call that got no answer. `answers` is how many there were when the call began: if someone else got
    /// one in the meantime, the call was only slow, and says nothing.
    pub fn failed(&mut self, answers: u64, now: Timestamp, cause: &str) {
        if self.answers > answers {
            return;
        }
        self.away_since.get_or_insert(now);
        self.cause = Some(cause.to_owned());
    }
}

/// The record of one workspace's health. Clones share it.
#[derive(Clone)]
pub struct RegionHealth(Arc<Shared>);

struct Shared {
    clock: Arc<dyn Clock>,
    health: Mutex<Health>,
    /// Ticks when it goes away, comes back, or is changed; not at every answer.
    news: watch::Sender<u64>,
}

impl std::fmt::Debug for RegionHealth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RegionHealth").field(&self.now()).finish()
    }
}

impl Default for RegionHealth {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock))
    }
}

impl RegionHealth {
    /// A record of a workspace before its first call; it counts as answering until a call fails.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared { clock, health: Mutex::default(), news: watch::Sender::new(0) }))
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known now.
    pub fn now(&self) -> Health {
        self.health().clone()
    }

    /// Since when it has not answered; None while it does.
    pub fn away_since(&self) -> Option<Timestamp> {
        self.health().away_since
    }

    /// Answers so far; a call that fails is held against the number from when it began.
    pub fn answers(&self) -> u64 {
        self.health().answers
    }

    /// Ticks when the workspace goes away, comes back, or is changed by a call.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    /// Takes in an answer; `changed` where the call may have changed what the workspace shows.
    pub fn answered(&self, changed: bool) {
        let now = self.0.clock.now();
        let news = {
            let mut health = self.health();
            let was_away = health.away_since.is_some();
            health.answered(now);
            health.changes += u64::from(changed);
            was_away || changed
        };
        if news {
            self.0.news.send_modify(|count| *count += 1);
        }
    }

    /// Takes in a call that got no answer; see [`Health::failed`].
    pub fn failed(&self, answers: u64, cause: &str) {
        let now = self.0.clock.now();
        let news = {
            let mut health = self.health();
            let was_away = health.away_since.is_some();
            health.failed(answers, now, cause);
            !was_away && health.away_since.is_some()
        };
        if news {
            self.0.news.send_modify(|count| *count += 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Utc.with_ymd_and_hms(2026, 7, 1, 12, 0, 0).single().expect("a time")))
    }

    #[test]
    fn the_first_failure_dates_the_outage_and_one_answer_ends_it() {
        let clock = clock();
        let health = RegionHealth::new(clock.clone());
        let began = clock.now();
        health.failed(health.answers(), "refused");
        clock.advance(TimeDelta::seconds(5));
        health.failed(health.answers(), "timed out");
        let known = health.now();
        assert_eq!((known.away_since, known.cause.as_deref()), (Some(began), Some("timed out")));
        health.answered(false);
        let known = health.now();
        assert_eq!((known.away_since, known.last_answer), (None, Some(clock.now())));
    }

    #[test]
    fn a_slow_call_that_fails_says_nothing_after_another_one_was_answered() {
        let health = RegionHealth::new(clock());
        let slow = health.answers();
        health.answered(false);
        health.failed(slow, "no answer in time");
        assert_eq!(health.away_since(), None);
    }

    #[test]
    fn news_is_going_away_coming_back_and_being_changed() {
        let health = RegionHealth::new(clock());
        let mut news = health.news();
        let mut ticked = || {
            let ticked = news.has_changed().expect("the record is there");
            news.mark_unchanged();
            ticked
        };
        health.answered(false);
        assert!(!ticked(), "it answered before as well");
        health.failed(health.answers(), "refused");
        assert!(ticked());
        health.failed(health.answers(), "refused");
        assert!(!ticked(), "it was away before as well");
        health.answered(false);
        assert!(ticked());
        health.answered(true);
        assert!(ticked());
        assert_eq!(health.now().changes, 1);
    }
}
