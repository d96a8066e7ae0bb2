//! Replication points: up to when everything had arrived, and which version of each table that was.
//!
//! The vector of a point isn't stored a second time: it is what the ledger's commits say of the point's time, and the
//! point is recorded after them.

use super::groups::instant;
use super::{CommitRow, Tx};
use crate::domain::{GroupId, Timestamp};
use rusqlite::OptionalExtension;

impl Tx<'_> {
    /// Records a replication point; one that is recorded already stays.
    pub fn add_point(&self, group: &GroupId, epoch: u64, time: Timestamp) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO points (group_id, epoch, time) VALUES (?1, ?2, ?3)")?
            .execute((group.as_str(), epoch as i64, time.timestamp_millis()))?;
        Ok(())
    }

    /// The newest recorded point not after `at`, with its epoch.
    pub fn point_at(&self, group: &GroupId, at: Timestamp) -> rusqlite::Result<Option<(u64, Timestamp)>> {
        self.tx
            .prepare_cached(
                "SELECT epoch, time FROM points WHERE group_id = ?1 AND time <= ?2 ORDER BY time DESC LIMIT 1",
            )?
            .query_row((group.as_str(), at.timestamp_millis()), |row| {
                Ok((row.get::<_, i64>(0)?.max(0) as u64, instant(row.get(1)?)))
            })
            .optional()
    }

    /// Removes points after `time`, which a wrong clock recorded; how many were removed.
    pub fn remove_points_after(&self, group: &GroupId, time: Timestamp) -> rusqlite::Result<usize> {
        self.tx
            .prepare_cached("DELETE FROM points WHERE group_id = ?1 AND time > ?2")?
            .execute((group.as_str(), time.timestamp_millis()))
    }

    /// The first recorded point.
    pub fn first_point(&self, group: &GroupId) -> rusqlite::Result<Option<Timestamp>> {
        let first: Option<i64> = self
            .tx
            .prepare_cached("SELECT MIN(time) FROM points WHERE group_id = ?1")?
            .query_row([group.as_str()], |row| row.get(0))?;
        Ok(first.map(instant))
    }

    /// When the oldest commit that the ledger holds was made.
    pub fn first_commit_time(&self, group: &GroupId) -> rusqlite::Result<Option<Timestamp>> {
        let first: Option<i64> = self
            .tx
            .prepare_cached("SELECT MIN(MIN(time, seen)) FROM commits WHERE group_id = ?1")?
            .query_row([group.as_str()], |row| row.get(0))?;
        Ok(first.map(instant))
    }

    /// The version vector at a recorded point: each table's newest arrived commit not after `time`.
    pub fn versions_at(&self, group: &GroupId, time: Timestamp) -> rusqlite::Result<Vec<(String, CommitRow)>> {
        self.tx
            .prepare_cached(
                // A commit counts from when its writer says, at the latest from when it was seen, and never before the
                // commit below it: writers' clocks run ahead and are set back.
                "WITH later AS (
                     SELECT name, MIN(version) AS version FROM commits
                     WHERE group_id = ?1 AND MIN(time, seen) > ?2 GROUP BY name)
                 SELECT commits.name, MAX(commits.version), sha256, time
                 FROM commits LEFT JOIN later ON later.name = commits.name
                 WHERE group_id = ?1 AND (later.version IS NULL OR commits.version < later.version)
                 GROUP BY commits.name ORDER BY commits.name",
            )?
            .query_map((group.as_str(), time.timestamp_millis()), |row| {
                Ok((row.get(0)?, CommitRow { version: row.get(1)?, sha256: row.get(2)?, time_ms: row.get(3)? }))
            })?
            .collect()
    }

    /// How many commits of a group made after `from` and not after `to` have arrived; and the newest of them, at most
    /// `limit`, by table and version.
    pub fn commits_between(
        &self,
        group: &GroupId,
        from: Timestamp,
        to: Timestamp,
        limit: usize,
    ) -> rusqlite::Result<(u64, Vec<(String, i64)>)> {
        let span = (group.as_str(), from.timestamp_millis(), to.timestamp_millis());
        let count: i64 = self
            .tx
            .prepare_cached("SELECT COUNT(*) FROM commits WHERE group_id = ?1 AND time > ?2 AND time <= ?3")?
            .query_row(span, |row| row.get(0))?;
        let newest = self
            .tx
            .prepare_cached(
                "SELECT name, version FROM commits WHERE group_id = ?1 AND time > ?2 AND time <= ?3
                 ORDER BY time DESC LIMIT ?4",
            )?
            .query_map((span.0, span.1, span.2, limit as i64), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        Ok((count.max(0) as u64, newest))
    }

    /// Leaves the newest point of every `width_ms` between `from` and `to`; how many were removed.
    pub fn thin_points(
        &self,
        group: &GroupId,
        from: Timestamp,
        to: Timestamp,
        width_ms: i64,
    ) -> rusqlite::Result<usize> {
        self.tx
            .prepare_cached(
                "DELETE FROM points WHERE group_id = ?1 AND time >= ?2 AND time < ?3 AND EXISTS (
                     SELECT 1 FROM points AS later WHERE later.group_id = ?1 AND later.epoch = points.epoch
                     AND later.time > points.time AND later.time < ?3 AND later.time / ?4 = points.time / ?4)",
            )?
            .execute((group.as_str(), from.timestamp_millis(), to.timestamp_millis(), width_ms))
    }

    /// Removes at most `limit` points before `time`; how many were removed.
    pub fn remove_points(&self, group: &GroupId, time: Timestamp, limit: usize) -> rusqlite::Result<usize> {
        self.tx
            .prepare_cached(
                "DELETE FROM points WHERE group_id = ?1 AND (epoch, time) IN (
                     SELECT epoch, time FROM points WHERE group_id = ?1 AND time < ?2 ORDER BY time LIMIT ?3)",
            )?
            .execute((group.as_str(), time.timestamp_millis(), limit as i64))
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{GroupId, Timestamp};
    use crate::store::{CommitRow, Store};
    use chrono::{TimeDelta, TimeZone, Utc};

    fn at(seconds: i64) -> Timestamp {
        Utc.timestamp_opt(1_800_000_000 + seconds, 0).single().expect("a time")
    }

    fn commit(version: i64, time: Timestamp) -> CommitRow {
        CommitRow { version, sha256: format!("{version:064}"), time_ms: time.timestamp_millis() }
    }

    #[test]
    fn a_point_names_the_version_of_each_table_and_thinning_leaves_the_newest_of_each_minute() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let group = GroupId::new("core").expect("an id");
        store
            .run_blocking(|tx| {
                tx.add_commits(&group, "a.b.c", &[commit(0, at(0)), commit(1, at(90))], at(100))?;
                (0..180).try_for_each(|second| tx.add_point(&group, 1, at(second)))
            })
            .expect("recorded");
        let version = |second| store.run_blocking(|tx| tx.versions_at(&group, at(second))).expect("read")[0].1.version;
        assert_eq!((version(89), version(90)), (0, 1));
        let removed = store.run_blocking(|tx| tx.thin_points(&group, at(0), at(120), 60_000)).expect("thinned");
        assert_eq!(removed, 118);
        let point = |second| store.run_blocking(|tx| tx.point_at(&group, at(second))).expect("read");
        assert_eq!(point(118), Some((1, at(59))));
        assert_eq!(point(119), Some((1, at(119))));
        assert_eq!(point(150), Some((1, at(150))));
        assert_eq!(store.run_blocking(|tx| tx.first_point(&group)).expect("read"), Some(at(59)));
        let old = at(59) + TimeDelta::seconds(1);
        assert_eq!(store.run_blocking(|tx| tx.remove_points(&group, old, 10)).expect("removed"), 1);
        assert_eq!(point(118), None);
    }

    #[test]
    fn a_commit_that_is_timed_ahead_counts_from_when_it_was_seen_and_one_timed_back_from_the_one_below_it() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let group = GroupId::new("core").expect("an id");
        store
            .run_blocking(|tx| {
                tx.add_commits(&group, "a.b.c", &[commit(0, at(0))], at(1))?;
                // The writer's clock is an hour ahead, then two hours back.
                tx.add_commits(&group, "a.b.c", &[commit(1, at(3_610))], at(11))?;
                tx.add_commits(&group, "a.b.c", &[commit(2, at(-7_180))], at(21))
            })
            .expect("recorded");
        let version = |second| {
            let found = store.run_blocking(|tx| tx.versions_at(&group, at(second))).expect("read");
            found.first().map(|(_, commit)| commit.version)
        };
        assert_eq!([version(-8_000), version(0), version(10)], [None, Some(0), Some(0)]);
        assert_eq!(version(11), Some(2), "commit 2 never counts before commit 1");
        // Seen by a wrong clock, seen again by a right one.
        store
            .run_blocking(|tx| {
                tx.add_commits(&group, "d.e.f", &[commit(0, at(9_000))], at(7_200))?;
                tx.see_commits_earlier(&group, at(30), TimeDelta::seconds(7_180))
            })
            .expect("recorded");
        let both = store.run_blocking(|tx| tx.versions_at(&group, at(20))).expect("read");
        assert_eq!(both.len(), 2, "{both:?}");
    }

    #[test]
    fn points_of_a_wrong_clock_are_removed_and_those_before_stay() {
        let dir = tempfile::tempdir().expect("a temp dir");
        let store = Store::open(&dir.path().join("state.db")).expect("created");
        let group = GroupId::new("core").expect("an id");
        let removed = store.run_blocking(|tx| {
            [0, 1, 7_200, 7_201].into_iter().try_for_each(|second| tx.add_point(&group, 1, at(second)))?;
            tx.remove_points_after(&group, at(2))
        });
        assert_eq!(removed.expect("removed"), 2);
        assert_eq!(store.run_blocking(|tx| tx.point_at(&group, at(9_999))).expect("read"), Some((1, at(1))));
    }
}
