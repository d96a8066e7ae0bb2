//! What a failover group should reach.

use serde::{Deserialize, Serialize};

/// The longest target, in seconds: a year.
pub const LONGEST_TARGET_S: u32 = 365 * 86_400;

/// What a failover group should reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Targets {
    /// The most that the replica may be behind, in seconds.
    pub rpo_s: Option<u32>,
    /// The longest that a failover may take until the new primary accepts writes, in seconds.
    pub rto_s: Option<u32>,
}

impl Targets {
    /// Whether a lag of so many milliseconds is over the target.
    pub fn is_breached_by(self, lag_ms: u64) -> bool {
        self.rpo_s.is_some_and(|target| lag_ms > u64::from(target) * 1000)
    }

    /// What is wrong with them, as a sentence.
    pub fn problem(self) -> Option<String> {
        let is_wrong = |target: Option<u32>| target.is_some_and(|target| !(1..=LONGEST_TARGET_S).contains(&target));
        (is_wrong(self.rpo_s) || is_wrong(self.rto_s))
            .then(|| format!("A target is 1 to {LONGEST_TARGET_S} seconds. Enter such a number, or none."))
    }

    /// What they ask, to follow a colon.
    pub fn words(self) -> String {
        let of = |name: &str, target: Option<u32>| target.map(|target| format!("{name} {target} s"));
        match [of("RPO", self.rpo_s), of("RTO", self.rto_s)].into_iter().flatten().collect::<Vec<_>>() {
            all if all.is_empty() => "none".to_owned(),
            all => all.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_breached_only_past_it() {
        let targets = Targets { rpo_s: Some(5), rto_s: None };
        assert!(!targets.is_breached_by(5_000) && targets.is_breached_by(5_001));
        assert!(!Targets::default().is_breached_by(u64::MAX));
    }

    #[test]
    fn a_target_is_between_a_second_and_a_year() {
        let rpo = |rpo_s| Targets { rpo_s: Some(rpo_s), rto_s: None };
        assert!(rpo(1).problem().is_none() && rpo(LONGEST_TARGET_S).problem().is_none());
        assert!(rpo(0).problem().is_some() && rpo(LONGEST_TARGET_S + 1).problem().is_some());
        assert_eq!(Targets { rpo_s: Some(5), rto_s: Some(60) }.words(), "RPO 5 s, RTO 60 s");
    }
}
