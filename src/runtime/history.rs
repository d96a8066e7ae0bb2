//! A group's past, read from the system table of states when a chart asks for it.

use super::{IntentError, NoticeDetail};
use crate::control::view::{LagSample, Mark};
use crate::domain::{GroupId, Timestamp};
use crate::system_tables::{StateKind, StatePoint, StateRow, SystemTableError, Table, states_since};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Stretches of time that a chart can tell apart; of each the lowest and the highest lag is kept.
const BUCKETS: i64 = 1_500;

/// A group's past.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupHistory {
    /// Lag, oldest first, thinned so that no peak is lost.
    pub samples: Vec<LagSample>,
    /// From when on the replica was being filled, or no longer: `(when, whether)`.
    pub filling: Vec<(Timestamp, bool)>,
    /// Failovers: confirmed, and ended where that is told.
    pub failovers: Vec<(Timestamp, Option<Timestamp>)>,
    /// Creations, changes and failovers.
    pub marks: Vec<Mark>,
}

/// Reads what the table in `states` tells of a group since an instant.
pub(super) async fn read_history(
    states: PathBuf,
    id: GroupId,
    since: Timestamp,
    now: Timestamp,
) -> Result<NoticeDetail, IntentError> {
    let told = tokio::task::spawn_blocking(move || told_of(&states, &id, since, now)).await;
    match told {
        Ok(Ok(history)) => Ok(NoticeDetail::History(Box::new(history))),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(_) => Err(refused("Reading the system table broke off. Try again.".to_owned())),
    }
}

/// Writes a new file; one that is there stays as it is.
pub(super) async fn save_new(path: String, contents: Arc<Vec<u8>>) -> Result<NoticeDetail, IntentError> {
    let place = PathBuf::from(&path);
    if !place.is_absolute() {
        return Err(refused(format!("{path} is not a full path. Begin with a slash.")));
    }
    let written = tokio::task::spawn_blocking(move || put_new(&place, &contents)).await;
    match written {
        Ok(Ok(())) => Ok(NoticeDetail::Done(format!("Saved {path}."))),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(refused(format!("{path} is there already. Choose another name.")))
        }
        Ok(Err(error)) => {
            Err(refused(format!("{path} couldn't be written: {error}. Check the folder and its rights.")))
        }
        Err(_) => Err(refused(format!("Writing {path} broke off. Try again."))),
    }
}

fn put_new(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(contents)?;
    file.sync_all()
}

fn refused(sentence: String) -> IntentError {
    IntentError { sentence, violations: Vec::new(), stale: false }
}

fn told_of(states: &Path, id: &GroupId, since: Timestamp, now: Timestamp) -> Result<GroupHistory, SystemTableError> {
    let Some(table) = Table::open_to_read::<StateRow>(states)? else { return Ok(GroupHistory::default()) };
    Ok(history_of(&states_since(&table, id.as_str(), since)?, since, now))
}

fn history_of(points: &[StatePoint], since: Timestamp, now: Timestamp) -> GroupHistory {
    let mut history = GroupHistory { samples: thinned(points, since, now), ..GroupHistory::default() };
    for point in points {
        let mut mark = |label: &str| history.marks.push(Mark { at: point.at, label: label.to_owned() });
        match point.kind {
            StateKind::Initializing | StateKind::Replicating => {
                let filling = point.kind == StateKind::Initializing;
                if history.filling.last().is_none_or(|(_, last)| *last != filling) {
                    history.filling.push((point.at, filling));
                }
            }
            StateKind::Created => mark("Created"),
            StateKind::Updated => mark("Changed"),
            StateKind::Deleted => mark("Deleted"),
            StateKind::FailoverStarted => {
                mark("Failover");
                history.failovers.push((point.at, None));
            }
            StateKind::FailoverFinished | StateKind::FailoverAborted => {
                if let Some((_, ended)) = history.failovers.last_mut() {
                    *ended = Some(point.at);
                }
            }
        }
    }
    history
}

/// The lowest and the highest lag of each bucket, in the order in which they came.
fn thinned(points: &[StatePoint], since: Timestamp, now: Timestamp) -> Vec<LagSample> {
    let width = ((now - since).num_milliseconds() / BUCKETS).max(1);
    let told = points.iter().filter(|point| matches!(point.kind, StateKind::Initializing | StateKind::Replicating));
    let samples: Vec<LagSample> = told.map(|point| LagSample { at: point.at, lag_ms: point.lag_ms }).collect();
    let bucket = |sample: &LagSample| (sample.at - since).num_milliseconds().div_euclid(width);
    let mut kept = Vec::new();
    for chunk in samples.chunk_by(|a, b| bucket(a) == bucket(b)) {
        // What was not known is None, which is below every lag: a bucket that holds both keeps both.
        let lowest = chunk.iter().min_by_key(|sample| sample.lag_ms);
        let highest = chunk.iter().max_by_key(|sample| sample.lag_ms);
        let (Some(lowest), Some(highest)) = (lowest, highest) else { continue };
        let (first, second) = if lowest.at <= highest.at { (lowest, highest) } else { (highest, lowest) };
        kept.push(*first);
        if second.at != first.at {
            kept.push(*second);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeDelta, TimeZone, Utc};

    fn at(seconds: i64) -> Timestamp {
        Utc.timestamp_opt(1_800_000_000 + seconds, 0).single().expect("a time")
    }

    fn point(seconds: i64, kind: StateKind, lag_ms: Option<u64>) -> StatePoint {
        StatePoint { at: at(seconds), kind, lag_ms }
    }

    #[test]
    fn a_year_is_thinned_and_keeps_every_peak() {
        let mut points: Vec<StatePoint> =
            (0..100_000).map(|n| point(n * 300, StateKind::Replicating, Some(400))).collect();
        points[70_000].lag_ms = Some(90_000);
        let history = history_of(&points, at(0), at(0) + TimeDelta::days(365));
        assert!(history.samples.len() <= 2 * BUCKETS as usize + 2, "{}", history.samples.len());
        assert_eq!(history.samples.iter().filter_map(|sample| sample.lag_ms).max(), Some(90_000));
        assert!(history.samples.is_sorted_by_key(|sample| sample.at));
    }

    #[test]
    fn states_and_failovers_are_told_by_their_times() {
        let points = [
            point(0, StateKind::Created, None),
            point(1, StateKind::Initializing, None),
            point(31, StateKind::Replicating, Some(5)),
            point(61, StateKind::Replicating, Some(5)),
            point(70, StateKind::FailoverStarted, None),
            point(79, StateKind::FailoverFinished, None),
            point(91, StateKind::Initializing, Some(9)),
        ];
        let history = history_of(&points, at(0), at(100));
        assert_eq!(history.filling, [(at(1), true), (at(31), false), (at(91), true)]);
        assert_eq!(history.failovers, [(at(70), Some(at(79)))]);
        assert_eq!(history.marks.len(), 2);
        assert_eq!(history.samples.len(), 4);
    }

    #[tokio::test]
    async fn a_file_is_written_once_and_never_over_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/lag.csv").display().to_string();
        assert!(save_new(path.clone(), b"a,b\n".to_vec().into()).await.is_ok());
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "a,b\n");
        let again = save_new(path.clone(), b"c".to_vec().into()).await.expect_err("it is there already");
        assert!(again.sentence.ends_with("is there already. Choose another name."), "{}", again.sentence);
        let relative = save_new("lag.csv".to_owned(), Arc::default()).await.expect_err("no full path");
        assert!(relative.sentence.contains("Begin with a slash"), "{}", relative.sentence);
    }
}
