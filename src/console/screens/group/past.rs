//! Which stretch of time the charts show, and what of it the snapshot does not hold.

use crate::control::view::{GroupView, LagSample, Mark, OperationView};
use crate::domain::{GroupId, GroupState, Timestamp};
use crate::runtime::{GroupHistory, Intent, IntentError};
use chrono::TimeDelta;
use std::borrow::Cow;

/// A stretch of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Range {
    /// 10 minutes.
    TenMinutes,
    /// An hour.
    #[default]
    Hour,
    /// 6 hours.
    SixHours,
    /// A day.
    Day,
    /// A week.
    Week,
    /// 30 days.
    Month,
    /// A year.
    Year,
}

impl Range {
    /// Every range with its word.
    pub const EVERY: [(Self, &'static str); 7] = [
        (Self::TenMinutes, "10 min"),
        (Self::Hour, "1 h"),
        (Self::SixHours, "6 h"),
        (Self::Day, "1 d"),
        (Self::Week, "7 d"),
        (Self::Month, "30 d"),
        (Self::Year, "1 y"),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        Self::EVERY.iter().find(|(range, _)| *range == self).map_or("", |(_, word)| *word)
    }

    /// Its length in words: `last hour`.
    pub fn words(self) -> &'static str {
        match self {
            Self::TenMinutes => "last 10 minutes",
            Self::Hour => "last hour",
            Self::SixHours => "last 6 hours",
            Self::Day => "last day",
            Self::Week => "last 7 days",
            Self::Month => "last 30 days",
            Self::Year => "last year",
        }
    }

    /// Its length.
    pub fn length(self) -> TimeDelta {
        match self {
            Self::TenMinutes => TimeDelta::minutes(10),
            Self::Hour => TimeDelta::hours(1),
            Self::SixHours => TimeDelta::hours(6),
            Self::Day => TimeDelta::days(1),
            Self::Week => TimeDelta::days(7),
            Self::Month => TimeDelta::days(30),
            Self::Year => TimeDelta::days(365),
        }
    }

    /// Whether the snapshot holds all of it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::TenMinutes | Self::Hour)
    }

    /// Two samples farther apart, in seconds, are not joined: nothing was known between them.
    pub fn patience_s(self) -> f64 {
        // The table has a row every 30 s, and what was read is thinned to 1,500 stretches.
        if self.is_live() { 15.0 } else { (self.length().num_seconds() as f64 / 1_500.0 * 2.5).max(90.0) }
    }
}

/// The range that is shown, and what was read for it.
#[derive(Debug, Default)]
pub struct Past {
    range: Range,
    asked: Option<(Range, Timestamp)>,
    read: Option<(Range, Box<GroupHistory>)>,
    refusal: Option<String>,
    /// Whether the same time of the day before is drawn too.
    compares: bool,
    asked_before: Option<(Range, Timestamp)>,
    read_before: Option<(Range, Result<Box<GroupHistory>, String>)>,
    /// A picture of the chart that is awaited.
    pub shot: Option<super::shot::Shot>,
}

/// How far back the time lies that is compared.
pub const A_DAY: TimeDelta = TimeDelta::days(1);

/// What a group was at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was being filled.
    Filling,
    /// Replication went on.
    Replicating,
    /// A failover ran.
    FailingOver,
    /// No one was there to write it down.
    Unknown,
}

/// A stretch of time with what the group was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
    /// What it was.
    pub standing: Standing,
}

impl Past {
    /// The range that is shown.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Shows another range.
    pub fn choose(&mut self, range: Range) {
        self.range = range;
        self.refusal = None;
    }

    /// Whether the same time of the day before can be drawn beside the range.
    pub fn can_compare(&self) -> bool {
        self.range.length() <= A_DAY
    }

    /// Whether it is drawn.
    pub fn compares(&self) -> bool {
        self.compares && self.can_compare()
    }

    /// Draws the day before too, or no longer.
    pub fn compare(&mut self, on: bool) {
        self.compares = on;
    }

    /// Lag at the same time of the day before, each sample with the time it is drawn at, a day later.
    pub fn day_before(&self, view: &GroupView, now: Timestamp) -> Vec<LagSample> {
        let Some(Ok(history)) = self.before() else { return Vec::new() };
        let from = self.begins(view, now);
        let later = history.samples.iter().map(|sample| LagSample { at: sample.at + A_DAY, ..*sample });
        later.filter(|sample| (from..=now).contains(&sample.at)).collect()
    }

    fn before(&self) -> Option<&Result<Box<GroupHistory>, String>> {
        self.read_before.as_ref().filter(|(range, _)| *range == self.range).map(|(_, read)| read)
    }

    /// Why the day before isn't known yet, as words that follow its name; None once it was read.
    pub fn not_read_before(&self) -> Option<String> {
        match self.before() {
            None => Some("is being read".to_owned()),
            Some(Err(refusal)) => Some(format!("couldn't be read. {refusal}")),
            Some(Ok(_)) => None,
        }
    }

    /// What to ask the runtime for the day before; None while nothing is missing.
    pub fn wants_before(&mut self, id: &GroupId, now: Timestamp) -> Option<Intent> {
        let is_fresh =
            |(range, at): (Range, Timestamp)| range == self.range && now - at < self.range.length().max(A_DAY / 24);
        if !self.compares() || self.asked_before.is_some_and(is_fresh) {
            return None;
        }
        self.asked_before = Some((self.range, now));
        Some(Intent::ReadHistory { id: id.clone(), since: since_before(self.range, now) })
    }

    /// What to ask the runtime for now; None while nothing is missing.
    pub fn wants(&mut self, id: &GroupId, now: Timestamp) -> Option<Intent> {
        if self.range.is_live() {
            return None;
        }
        // A point of the chart is a fraction of its range wide, so it need not be newer than that.
        let fresh = (self.range.length() / 700).max(TimeDelta::seconds(30));
        if self.asked.is_some_and(|(range, at)| range == self.range && now - at < fresh) {
            return None;
        }
        self.asked = Some((self.range, now));
        Some(Intent::ReadHistory { id: id.clone(), since: now - self.range.length() })
    }

    /// Takes what was read since an instant; the answer to an older question is left.
    pub fn answered(&mut self, since: Timestamp, answer: Result<&GroupHistory, &IntentError>) {
        let before = self.asked_before.filter(|(range, at)| since_before(*range, *at) == since);
        if let Some((range, _)) = before {
            let read = answer.map(|history| Box::new(history.clone())).map_err(|error| error.sentence.clone());
            self.read_before = Some((range, read));
            return;
        }
        let Some((range, _)) = self.asked.filter(|(range, at)| *at - range.length() == since) else { return };
        match answer {
            Ok(history) => {
                self.refusal = None;
                self.read = Some((range, Box::new(history.clone())));
            }
            Err(error) => self.refusal = Some(error.sentence.clone()),
        }
    }

    /// Why nothing could be read.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    fn history(&self) -> Option<&GroupHistory> {
        self.read.as_ref().filter(|(range, _)| *range == self.range).map(|(_, history)| &**history)
    }

    /// Whether the range is still being read for the first time.
    pub fn is_reading(&self) -> bool {
        !self.range.is_live() && self.history().is_none() && self.refusal.is_none()
    }

    /// Lag in the range, oldest first.
    pub fn samples<'a>(&'a self, view: &'a GroupView, now: Timestamp) -> Cow<'a, [LagSample]> {
        let from = self.begins(view, now);
        let live = |from: Timestamp| {
            let begins = view.lag_history.partition_point(|sample| sample.at < from);
            view.lag_history.get(begins..).unwrap_or_default()
        };
        let Some(history) = self.history() else {
            return Cow::Borrowed(if self.range.is_live() { live(from) } else { &[] });
        };
        // The table is some seconds behind; what the snapshot knows is newer.
        let newest = history.samples.last().map_or(from, |sample| sample.at);
        let begins = history.samples.partition_point(|sample| sample.at < from);
        let mut samples = history.samples.get(begins..).unwrap_or_default().to_vec();
        let width = self.range.length() / 1_500;
        let mut last = newest;
        for sample in live(newest) {
            if sample.at - last >= width {
                samples.push(*sample);
                last = sample.at;
            }
        }
        Cow::Owned(samples)
    }

    /// Marks in the range.
    pub fn marks<'a>(&'a self, view: &'a GroupView) -> Cow<'a, [Mark]> {
        match self.history() {
            Some(history) => Cow::Borrowed(&history.marks),
            None => Cow::Borrowed(view.marks.as_slice()),
        }
    }

    /// Where the charts begin: with the range, or with the group where it is younger.
    pub fn begins(&self, view: &GroupView, now: Timestamp) -> Timestamp {
        let least = TimeDelta::seconds(60);
        (now - self.range.length()).max(view.group.create_time.min(now - least))
    }

    /// What the group was, from the beginning of the charts until now, without holes.
    pub fn stretches(&self, view: &GroupView, now: Timestamp) -> Vec<Stretch> {
        let from = self.begins(view, now);
        let samples = self.samples(view, now);
        let filling: Vec<(Timestamp, bool)> = match self.history() {
            Some(history) => history.filling.clone(),
            None => filling_of(&samples, view),
        };
        let known: Vec<(Timestamp, Option<Timestamp>)> = match self.history() {
            Some(history) => history.failovers.clone(),
            None => failovers_of(view),
        };
        let patience = TimeDelta::milliseconds((self.range.patience_s() * 1000.0) as i64);
        let mut found = Vec::new();
        let mut at = from;
        let mut add = |from: Timestamp, until: Timestamp, standing| {
            if until > from {
                found.push(Stretch { from, until, standing });
            }
        };
        for sample in samples.iter() {
            if sample.at - at > patience {
                add(at, sample.at, Standing::Unknown);
            } else {
                let before = filling.partition_point(|(when, _)| *when <= sample.at);
                let fills = before.checked_sub(1).and_then(|index| filling.get(index)).is_some_and(|(_, fills)| *fills);
                add(at, sample.at, if fills { Standing::Filling } else { Standing::Replicating });
            }
            at = sample.at;
        }
        let rest = if now - at > patience { Standing::Unknown } else { standing_now(view) };
        add(at, now, rest);
        let failovers = known.into_iter().map(|(began, ended)| (began.max(from), ended.unwrap_or(now).min(now)));
        over(joined(found), failovers.filter(|(began, ended)| began < ended))
    }
}

/// From when the day before is asked for.
fn since_before(range: Range, asked: Timestamp) -> Timestamp {
    asked - A_DAY - range.length()
}

fn standing_now(view: &GroupView) -> Standing {
    match view.group.state {
        GroupState::Creating | GroupState::InitialReplication => Standing::Filling,
        GroupState::FailingOver => Standing::FailingOver,
        _ => Standing::Replicating,
    }
}

/// What the snapshot tells of filling: what was never whole has no lag, and the newest state began at a known time.
fn filling_of(samples: &[LagSample], view: &GroupView) -> Vec<(Timestamp, bool)> {
    let mut told: Vec<(Timestamp, bool)> = Vec::new();
    for sample in samples.iter().filter(|sample| sample.at < view.state_since) {
        let fills = sample.lag_ms.is_none();
        if told.last().is_none_or(|(_, last)| *last != fills) {
            told.push((sample.at, fills));
        }
    }
    told.push((view.state_since, standing_now(view) == Standing::Filling));
    told
}

fn failovers_of(view: &GroupView) -> Vec<(Timestamp, Option<Timestamp>)> {
    let running = view.operation.as_deref().filter(|operation| operation.ended.is_none());
    let span = |operation: &OperationView| (operation.started, operation.ended);
    let ended = view.history.iter().filter(|operation| operation.ended.is_some());
    ended.chain(running).map(span).collect()
}

/// Neighbours that are the same become one.
fn joined(stretches: Vec<Stretch>) -> Vec<Stretch> {
    let mut kept: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match kept.last_mut() {
            Some(last) if last.standing == stretch.standing && last.until == stretch.from => last.until = stretch.until,
            _ => kept.push(stretch),
        }
    }
    kept
}

/// `stretches` with failovers over them.
fn over(mut stretches: Vec<Stretch>, failovers: impl Iterator<Item = (Timestamp, Timestamp)>) -> Vec<Stretch> {
    for (began, ended) in failovers {
        let mut next = Vec::new();
        for stretch in stretches {
            if stretch.until <= began || stretch.from >= ended {
                next.push(stretch);
                continue;
            }
            if stretch.from < began {
                next.push(Stretch { until: began, ..stretch });
            }
            if stretch.until > ended {
                next.push(Stretch { from: ended, ..stretch });
            }
        }
        next.push(Stretch { from: began, until: ended, standing: Standing::FailingOver });
        next.sort_by_key(|stretch| stretch.from);
        stretches = next;
    }
    joined(stretches)
}

/// The samples as a table: time in UTC, and lag in milliseconds, empty where it was not known.
pub fn csv(samples: &[LagSample]) -> String {
    let mut text = String::from("time_utc,lag_ms\n");
    for sample in samples {
        let lag = sample.lag_ms.map_or_else(String::new, |lag| lag.to_string());
        text.push_str(&format!("{},{lag}\n", sample.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    fn at(seconds: i64) -> Timestamp {
        Utc.timestamp_opt(1_800_000_000 + seconds, 0).single().expect("a time")
    }

    #[test]
    fn a_failover_lies_over_what_the_group_was_otherwise() {
        let one = |from, until, standing| Stretch { from: at(from), until: at(until), standing };
        let before = vec![one(0, 50, Standing::Replicating), one(50, 90, Standing::Filling)];
        let found = over(before, [(at(40), at(60))].into_iter());
        let expected =
            [one(0, 40, Standing::Replicating), one(40, 60, Standing::FailingOver), one(60, 90, Standing::Filling)];
        assert_eq!(found, expected);
    }

    #[test]
    fn only_what_the_snapshot_lacks_is_asked_for_and_not_over_and_over() {
        let (mut past, id) = (Past::default(), GroupId::new("core").expect("valid"));
        assert_eq!(past.wants(&id, at(0)), None);
        past.choose(Range::Day);
        let since = at(0) - TimeDelta::days(1);
        assert_eq!(past.wants(&id, at(0)), Some(Intent::ReadHistory { id: id.clone(), since }));
        assert!(past.is_reading());
        assert_eq!(past.wants(&id, at(100)), None);
        assert!(past.wants(&id, at(130)).is_some(), "a minute or two later there is more");
        past.answered(at(0), Ok(&GroupHistory::default()));
        assert!(past.is_reading(), "that was no answer to the last question");
        past.answered(at(130) - TimeDelta::days(1), Ok(&GroupHistory::default()));
        assert!(!past.is_reading());
        past.choose(Range::Year);
        assert!(past.is_reading() && past.wants(&id, at(131)).is_some());
    }

    #[test]
    fn a_table_of_samples_leaves_the_unknown_empty() {
        let samples = [LagSample { at: at(0), lag_ms: Some(420) }, LagSample { at: at(1), lag_ms: None }];
        assert_eq!(csv(&samples), "time_utc,lag_ms\n2027-01-15T08:00:00.000Z,420\n2027-01-15T08:00:01.000Z,\n");
    }
}
