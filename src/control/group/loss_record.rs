//! What earlier looks at a group's source told of its likely loss.

use crate::control::view::{LikelyLoss, LossEstimate};
use crate::domain::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is known from earlier looks at a group's source.
#[derive(Debug, Clone, Default)]
pub struct LossRecord {
    /// What the last cycle knew.
    pub looked: LossEstimate,
    /// What the source said when it was last asked.
    pub asked: Option<LossEstimate>,
    /// How fast commits came before the source went away, and what can't be told of that.
    pub likely: (Option<LikelyLoss>, Vec<String>),
    /// How far the asking is that goes on now.
    pub asking: Option<Arc<AskProgress>>,
}

/// How far asking is, in tables.
#[derive(Debug, Default)]
pub struct AskProgress {
    pub done: AtomicU64,
    pub total: AtomicU64,
}

/// For how long an answer of the source is shown in place of what newer cycles know: a cycle ships what it finds, so it
/// never has anything to count.
const ASKED_FRESH_SECONDS: i64 = 15;

impl LossRecord {
    /// The look at the source that says most: the newest, or the newest that was asked for while it answers.
    pub fn newest(&self, now: Timestamp, away: bool) -> &LossEstimate {
        let fresh = |asked: &&LossEstimate| match asked.as_of {
            Some(at) => at >= now - chrono::TimeDelta::seconds(if away { 0 } else { ASKED_FRESH_SECONDS }),
            None => true,
        };
        match &self.asked {
            Some(asked) if asked.as_of >= self.looked.as_of || fresh(&asked) => asked,
            _ => &self.looked,
        }
    }

    /// What the outside sees.
    pub fn view(&self, now: Timestamp, away: bool) -> LossEstimate {
        let mut loss = self.newest(now, away).clone();
        loss.asking = self.asking.as_ref().map(|a| (a.done.load(Ordering::Relaxed), a.total.load(Ordering::Relaxed)));
        if away {
            loss.likely = self.likely.0.clone();
            loss.unknown.extend(self.likely.1.iter().cloned());
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AssetKey, AssetKind, AssetName, ErrorClass, ManualClock, ObjectStatus};
    use crate::replicate::ObjectRecord;
    use chrono::{TimeZone, Utc};
    use std::collections::BTreeMap;

    fn at(second: i64) -> Timestamp {
        Utc.timestamp_opt(1_800_000_000 + second, 0).single().expect("a time")
    }

    #[test]
    fn an_estimate_grows_with_the_time_since_the_last_look() {
        let likely = LikelyLoss { since: at(0), span: 3600.0, commits: 0.5, rows: Some(100.0), bytes: None };
        assert_eq!(likely.at(at(60)), (60.0, 30, Some(6000), None));
        assert_eq!(likely.at(at(-5)), (0.0, 0, Some(0), None));
    }

    #[test]
    fn what_a_cycle_could_not_ship_is_named_and_not_counted() {
        let key = AssetKey::new(AssetKind::Table, AssetName::leaf("main", "sales", "orders"));
        let whole = ObjectRecord::new(&key, ObjectStatus::InSync);
        let late = ObjectRecord::new(&key, ObjectStatus::Lagging);
        assert!(LossEstimate::of_cycle(at(0), &[whole]).unknown.is_empty());
        assert_eq!(LossEstimate::of_cycle(at(0), &[late]).unknown, ["main.sales.orders had not arrived yet."]);
    }

    #[test]
    fn what_only_the_secondary_has_and_what_has_no_commits_leaves_the_counts_sure() {
        let flagged = |kind, class: ErrorClass| {
            let key = AssetKey::new(kind, AssetName::leaf("main", "sales", "orders"));
            let error = (class, BTreeMap::new(), "It has a sentence.".to_owned());
            ObjectRecord::failed(&key, error, &ManualClock::new(at(0)))
        };
        let sure = [
            flagged(AssetKind::Job, ErrorClass::SecondaryOnly),
            flagged(AssetKind::Table, ErrorClass::UnmanagedObject),
            flagged(AssetKind::Table, ErrorClass::AccessNotReplicated),
            flagged(AssetKind::Notebook, ErrorClass::CatalogRefused),
            flagged(AssetKind::View, ErrorClass::MissingDependency),
        ];
        let loss = LossEstimate::of_cycle(at(0), &sure);
        assert_eq!((loss.commits, loss.unknown), (Some(0), Vec::new()));
        let unsure = LossEstimate::of_cycle(at(0), &[flagged(AssetKind::Schema, ErrorClass::PermissionDenied)]);
        assert_eq!(unsure.unknown, ["It has a sentence."]);
    }

    #[test]
    fn an_answer_stays_while_it_is_fresh_and_a_dead_source_is_told_by_the_newest_look() {
        let counted = LossEstimate { as_of: Some(at(0)), commits: Some(3), ..LossEstimate::default() };
        let record =
            LossRecord { looked: LossEstimate::of_cycle(at(5), &[]), asked: Some(counted), ..LossRecord::default() };
        assert_eq!(record.view(at(6), false).commits, Some(3));
        assert_eq!(record.view(at(60), false).commits, Some(0));
        assert_eq!(record.view(at(6), true).as_of, Some(at(5)), "the cycle looked later");
        let never = LossRecord::default().view(at(6), true);
        assert_eq!((never.commits, never.as_of), (None, None), "unknown is never zero");
    }
}
