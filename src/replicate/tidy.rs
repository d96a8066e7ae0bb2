//! Dropping from the ledger what no log holds any more, and thinning out old replication points.

use super::{CycleError, Endpoint, ReplicaState, root_of};
use crate::delta;
use crate::domain::{Clock, GroupId, Timestamp};
use crate::store::Store;
use chrono::{DateTime, TimeDelta, Utc};

/// Tables looked at in one round, so that a round is short however many there are.
const TABLES: usize = 16;
/// Rows removed in one transaction: others wait for the store in the meantime.
const ROWS: usize = 500;
/// How long points are kept at all.
const KEEP_POINTS: TimeDelta = TimeDelta::days(365);
/// From which age on one point is left of how long a stretch, and how much time is thinned out in one transaction.
const THINNING: [(TimeDelta, TimeDelta, TimeDelta); 2] = [
    (TimeDelta::days(1), TimeDelta::minutes(1), TimeDelta::hours(1)),
    (TimeDelta::days(30), TimeDelta::hours(1), TimeDelta::days(1)),
];
/// Transactions of one kind of thinning in one round.
const STRETCHES: usize = 48;

/// One round of tidying up for one group.
pub struct TidyRound<'a> {
    /// The group.
    pub group: &'a GroupId,
    /// One end.
    pub source: &'a Endpoint,
    /// The other.
    pub destination: &'a Endpoint,
    /// The ledger.
    pub store: &'a Store,
    /// The time.
    pub clock: &'a dyn Clock,
}

impl TidyRound<'_> {
    /// Looks at the next few tables and the oldest points, and remembers how far it came.
    pub async fn run(&self) -> Result<(), CycleError> {
        self.points().await?;
        let key = format!("tidied.{}", self.group);
        let (group, of) = (self.group.clone(), key.clone());
        let names = self
            .store
            .run(move |tx| {
                let after = tx.value(&of)?.unwrap_or_default();
                tx.table_names(&group, &after, TABLES)
            })
            .await?;
        // After the last table the first one's turn comes again.
        let next = if names.len() < TABLES { String::new() } else { names.last().cloned().unwrap_or_default() };
        for name in names {
            self.table(&name).await?;
        }
        Ok(self.store.run(move |tx| tx.set_value(&key, &next)).await?)
    }

    /// Drops a table's commits below what either log holds, and the files that only those named.
    async fn table(&self, name: &str) -> Result<(), CycleError> {
        let (group, of) = (self.group.clone(), name.to_owned());
        let Some(table) = self.store.run(move |tx| tx.table::<ReplicaState>(&group, &of)).await? else { return Ok(()) };
        let (at_source, at_destination) = if table.source_region == self.source.region {
            (self.source, self.destination)
        } else {
            (self.destination, self.source)
        };
        let (Ok(ours), Ok(theirs)) = (
            root_of(at_source, &table.source(), false, self.clock).await,
            root_of(at_destination, &table.replica(), false, self.clock).await,
        ) else {
            return Ok(());
        };
        let (ours, theirs) = (ours.root, theirs.root);
        let (Ok(Some(source)), Ok(Some(replica))) =
            (delta::oldest_version(&ours).await, delta::oldest_version(&theirs).await)
        else {
            return Ok(());
        };
        let below = source.min(replica);
        let mut removed = 0;
        loop {
            let (group, of) = (self.group.clone(), name.to_owned());
            let now = self.store.run(move |tx| tx.remove_commits(&group, &of, below, ROWS)).await?;
            removed += now;
            if now < ROWS {
                break;
            }
        }
        if removed == 0 {
            return Ok(());
        }
        let (Ok(mut named), Ok(also)) = (delta::named_files(&ours).await, delta::named_files(&theirs).await) else {
            return Ok(());
        };
        named.extend(also);
        let (group, of) = (self.group.clone(), name.to_owned());
        let kept = self.store.run(move |tx| tx.files(&group, &of)).await?;
        let stale: Vec<String> = kept.into_iter().map(|file| file.path).filter(|path| !named.contains(path)).collect();
        for paths in stale.chunks(ROWS) {
            let (group, of, paths) = (self.group.clone(), name.to_owned(), paths.to_vec());
            self.store.run(move |tx| tx.remove_files(&group, &of, &paths)).await?;
        }
        Ok(())
    }

    /// Drops points that are too old or name nothing any more, and thins out old ones.
    async fn points(&self) -> Result<(), CycleError> {
        let now = self.clock.now();
        let group = self.group.clone();
        let first_commit = self.store.run(move |tx| tx.first_commit_time(&group)).await?;
        let useless = first_commit.unwrap_or(now).max(now - KEEP_POINTS);
        loop {
            let group = self.group.clone();
            if self.store.run(move |tx| tx.remove_points(&group, useless, ROWS)).await? < ROWS {
                break;
            }
        }
        for (age, width, stretch) in THINNING {
            self.thin(now - age, width, stretch).await?;
        }
        Ok(())
    }

    /// Leaves one point of every `width` before `until`, a `stretch` at a time, going on where the last round ended.
    async fn thin(&self, until: Timestamp, width: TimeDelta, stretch: TimeDelta) -> Result<(), CycleError> {
        let width_ms = width.num_milliseconds();
        let whole = |time: Timestamp| {
            let millis = time.timestamp_millis();
            DateTime::<Utc>::from_timestamp_millis(millis - millis.rem_euclid(width_ms)).unwrap_or(time)
        };
        let key = format!("points.thinned.{width_ms}.{}", self.group);
        for _ in 0..STRETCHES {
            let (group, of) = (self.group.clone(), key.clone());
            let from = self
                .store
                .run(move |tx| {
                    let thinned = tx.value(&of)?.and_then(|text| text.parse().ok());
                    let thinned = thinned.and_then(DateTime::<Utc>::from_timestamp_millis);
                    Ok(tx.first_point(&group)?.map(|first| thinned.map_or(first, |thinned| thinned.max(first))))
                })
                .await?;
            let Some(from) = from.map(whole) else { return Ok(()) };
            let to = whole(until).min(from + stretch);
            if to <= from {
                return Ok(());
            }
            let (group, of) = (self.group.clone(), key.clone());
            self.store
                .run(move |tx| {
                    tx.thin_points(&group, from, to, width_ms)?;
                    tx.set_value(&of, &to.timestamp_millis().to_string())
                })
                .await?;
        }
        Ok(())
    }
}
