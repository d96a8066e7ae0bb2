//! What a forced failover would lose: the source is asked while it answers, and estimated from what was known when not.

mod ask;
mod likely;

use super::{Control, ControlError};
use crate::domain::{GroupId, ObjectStatus, Timestamp};
use crate::replicate::ObjectRecord;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a forced failover would lose. None is unknown, never zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LossEstimate {
    /// When the source was looked at; None where it was not since the process started.
    pub as_of: Option<Timestamp>,
    /// Seconds from the first commit that has not arrived to then.
    pub seconds: Option<f64>,
    /// Commits at the source and not at the replica.
    pub commits: Option<u64>,
    /// Rows in the files that they add, where statistics tell.
    pub rows: Option<u64>,
    /// Bytes in the files that they add.
    pub bytes: Option<u64>,
    /// Tables that they belong to.
    pub tables: Vec<String>,
    /// What isn't in these numbers, and why, as sentences; with any of them the numbers are the least that is lost.
    pub unknown: Vec<String>,
    /// What was probably committed since, where the source can't be asked.
    pub likely: Option<LikelyLoss>,
    /// Tables asked so far and tables to ask, while the source is being asked.
    pub asking: Option<(u64, u64)>,
}

/// How fast commits came in the hour before the source was last looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct LikelyLoss {
    /// When the source was last looked at, or the replication point where it was not since the start.
    pub since: Timestamp,
    /// Seconds before that from which the rates are: an hour, or less where the group is younger.
    pub span: f64,
    /// Commits a second.
    pub commits: f64,
    /// Rows a second, where statistics tell.
    pub rows: Option<f64>,
    /// Bytes a second, where the replica's log could be read.
    pub bytes: Option<f64>,
}

impl LikelyLoss {
    /// Seconds, commits, rows and bytes that this makes likely up to `now`.
    pub fn at(&self, now: Timestamp) -> (f64, u64, Option<u64>, Option<u64>) {
        let seconds = ((now - self.since).num_milliseconds().max(0)) as f64 / 1000.0;
        let grown = |rate: f64| (rate * seconds).round() as u64;
        (seconds, grown(self.commits), self.rows.map(grown), self.bytes.map(grown))
    }
}

impl LossEstimate {
    /// What a cycle that ended knows: everything up to its cut has arrived, but for the objects that are flagged.
    pub fn of_cycle(cut: Timestamp, objects: &[ObjectRecord]) -> Self {
        let whole = |o: &&ObjectRecord| {
            matches!(o.status, ObjectStatus::InSync | ObjectStatus::Unverifiable | ObjectStatus::Unsupported)
        };
        let behind = objects.iter().filter(|o| !whole(o));
        let unknown = behind.map(|o| match o.message() {
            Some(message) => message.to_owned(),
            None => format!("{} had not arrived yet.", o.name),
        });
        Self {
            as_of: Some(cut),
            seconds: Some(0.0),
            commits: Some(0),
            rows: Some(0),
            bytes: Some(0),
            unknown: unknown.collect(),
            ..Self::default()
        }
    }
}

/// What is known from earlier looks at a group's source.
#[derive(Debug, Clone, Default)]
pub struct LossRecord {
    /// What the last cycle knew.
    pub looked: LossEstimate,
    /// What the source said when it was last asked.
    pub asked: Option<LossEstimate>,
    /// How fast commits came before the source went away, and what can't be told of that.
    likely: (Option<LikelyLoss>, Vec<String>),
    /// How far the asking is that goes on now.
    asking: Option<Arc<Asked>>,
}

/// How far asking is.
#[derive(Debug, Default)]
struct Asked {
    done: AtomicU64,
    total: AtomicU64,
}

/// For how long an answer of the source is shown in place of what newer cycles know: a cycle ships what it finds, so it
/// never has anything to count.
const ASKED_FRESH_SECONDS: i64 = 15;

impl LossRecord {
    /// The look at the source that says most: the newest, or the newest that was asked for while it answers.
    fn newest(&self, now: Timestamp, away: bool) -> &LossEstimate {
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

impl Control {
    /// Finds out what a forced failover of a group would lose now, and shows it.
    pub async fn estimate_loss(&self, id: &GroupId) -> Result<LossEstimate, ControlError> {
        let handle = self.handle(id)?;
        let mut access = handle.asking.lock().await;
        let group = handle.group();
        let primary = group.effective_primary_region.clone();
        if self.away_since(&primary).is_none() {
            let progress = Arc::new(Asked::default());
            handle.record().loss.asking = Some(progress.clone());
            let asked = {
                let asking = self.ask_source(&group, &mut access, &progress);
                tokio::pin!(asking);
                loop {
                    tokio::select! {
                        asked = &mut asking => break asked,
                        () = tokio::time::sleep(Duration::from_millis(250)) => self.touch(),
                    }
                }
            };
            handle.record().loss.asking = None;
            match asked {
                Ok(loss) => handle.record().loss.asked = Some(loss),
                Err(error) => {
                    *access = Default::default();
                    let mut record = handle.record();
                    record.loss.asked = None;
                    if !error.is_unreachable() {
                        let unknown = vec![error.to_string()];
                        record.loss.asked =
                            Some(LossEstimate { as_of: Some(self.now()), unknown, ..LossEstimate::default() });
                    }
                }
            }
        }
        let now = self.now();
        if self.away_since(&primary).is_some() {
            let since = handle.record().loss.newest(now, true).as_of.or(group.replication_point);
            let likely = self.likely_loss(&group, since).await;
            handle.record().loss.likely = likely;
        }
        self.touch();
        let loss = handle.record().loss.view(self.now(), self.away_since(&primary).is_some());
        Ok(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AssetKind, AssetName};
    use chrono::{TimeZone, Utc};

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
        let name = AssetName::leaf("main", "sales", "orders");
        let whole = ObjectRecord::new(AssetKind::Table, &name, ObjectStatus::InSync);
        let late = ObjectRecord::new(AssetKind::Table, &name, ObjectStatus::Lagging);
        assert!(LossEstimate::of_cycle(at(0), &[whole]).unknown.is_empty());
        assert_eq!(LossEstimate::of_cycle(at(0), &[late]).unknown, ["main.sales.orders had not arrived yet."]);
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
