//! How far two clocks are apart, as far as an answer with a time in whole seconds tells.

use super::Timestamp;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A difference below this is none: it is what whole seconds and a round trip leave open.
const NONE: i64 = 1000;

/// Between which bounds another clock differs from this machine's, in milliseconds; ahead is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSkew {
    least: i64,
    most: i64,
}

impl ClockSkew {
    /// What an answer tells that was asked for at `sent`, came at `received`, and gives its time as `date`, cut to a second.
    pub fn of_answer(date: Timestamp, sent: Timestamp, received: Timestamp) -> Self {
        let ms = |span: TimeDelta| span.num_milliseconds();
        Self { least: ms(date - received), most: ms(date - sent) + 1000 }
    }

    /// Both together, where they agree; two answers tell more than one. None where the clock moved between them.
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self { least: self.least.max(other.least), most: self.most.min(other.most) };
        (both.least <= both.most).then_some(both)
    }

    /// The difference in whole seconds, where it is certainly above one.
    pub fn seconds(self) -> Option<i64> {
        let certain = self.least > NONE || self.most < -NONE;
        certain.then(|| (self.least.midpoint(self.most) as f64 / 1000.0).round() as i64)
    }
}

/// What a skew of `seconds` means, as a sentence about `whose` clock.
pub fn in_words(whose: &str, seconds: i64) -> String {
    let way = if seconds < 0 { "behind" } else { "ahead of" };
    let far = super::steady_clock::in_words(seconds.saturating_mul(1000));
    format!(
        "The clock of {whose} is about {far} {way} this machine's clock, so their times can't be compared. Set both by NTP."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    fn at(ms: i64) -> Timestamp {
        Utc.timestamp_millis_opt(1_800_000_000_000 + ms).single().expect("a time")
    }

    #[test]
    fn whole_seconds_and_a_round_trip_are_no_skew_and_what_is_beyond_them_is() {
        let answer = |date, sent, received| ClockSkew::of_answer(at(date), at(sent), at(received));
        assert_eq!(answer(0, 999, 1_040).seconds(), None, "the same second");
        assert_eq!(answer(0, 1_500, 1_600).seconds(), None, "it may be half a second");
        assert_eq!(answer(0, 3_000, 3_100).seconds(), Some(-3));
        assert_eq!(answer(3_600_000, 500, 600).seconds(), Some(3600));
        assert_eq!(answer(5_000, 0, 5_000).seconds(), None, "an answer that took five seconds tells little");
    }

    #[test]
    fn two_answers_narrow_it_down_and_one_after_a_change_replaces_the_other() {
        let early = ClockSkew::of_answer(at(0), at(1_900), at(1_950));
        assert_eq!(early.seconds(), None);
        let late = ClockSkew::of_answer(at(1_000), at(2_100), at(2_150));
        let both = early.and(late).expect("they agree");
        assert!(both.most - both.least < late.most - late.least);
        assert_eq!(early.and(ClockSkew::of_answer(at(60_000), at(0), at(10))), None);
    }

    #[test]
    fn a_skew_is_told_as_a_sentence() {
        let said = in_words("us-west-2", -7_200);
        assert!(said.starts_with("The clock of us-west-2 is about 2 h behind this machine's clock"), "{said}");
    }
}
