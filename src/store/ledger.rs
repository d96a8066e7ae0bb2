//! The ledger: what has arrived, commit by commit and file by file, with the sha256 taken while it was copied.

use super::groups::instant;
use super::{Tx, from_json, to_json};
use crate::domain::{GroupId, Instant};
use rusqlite::OptionalExtension;
use serde::{Serialize, de::DeserializeOwned};

/// One commit that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitRow {
    /// Its version.
    pub version: i64,
    /// The sha256 of the commit file, in hex.
    pub sha256: String,
    /// Its commit time at the source, in milliseconds since 1970.
    pub time_ms: i64,
}

/// One file that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Its decoded path below the table's root.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its sha256, in hex.
    pub sha256: String,
}

/// One table of a group as it lies in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRow<T> {
    /// Its full name.
    pub name: String,
    /// What is remembered of it.
    pub body: T,
}

impl Tx<'_> {
    /// What is remembered of every table of a group, by name.
    pub fn tables<T: DeserializeOwned>(&self, group: &GroupId) -> rusqlite::Result<Vec<TableRow<T>>> {
        self.tx
            .prepare_cached("SELECT name, body FROM tables WHERE group_id = ?1 ORDER BY name")?
            .query_map([group.as_str()], |row| {
                Ok(TableRow { name: row.get(0)?, body: from_json(&row.get::<_, String>(1)?)? })
            })?
            .collect()
    }

    /// What is remembered of one table.
    pub fn table<T: DeserializeOwned>(&self, group: &GroupId, name: &str) -> rusqlite::Result<Option<T>> {
        self.tx
            .prepare_cached("SELECT body FROM tables WHERE group_id = ?1 AND name = ?2")?
            .query_row((group.as_str(), name), |row| from_json(&row.get::<_, String>(0)?))
            .optional()
    }

    /// Remembers a table.
    pub fn put_table<T: Serialize>(&self, group: &GroupId, name: &str, body: &T) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO tables (group_id, name, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (group_id, name) DO UPDATE SET body = ?3",
            )?
            .execute((group.as_str(), name, to_json(body)?))?;
        Ok(())
    }

    /// Forgets a table with its commits and files.
    pub fn forget_table(&self, group: &GroupId, name: &str) -> rusqlite::Result<()> {
        for table in ["tables", "commits", "files"] {
            self.tx
                .execute(&format!("DELETE FROM {table} WHERE group_id = ?1 AND name = ?2"), (group.as_str(), name))?;
        }
        Ok(())
    }

    /// Adds commits that have arrived.
    pub fn add_commits(&self, group: &GroupId, name: &str, commits: &[CommitRow]) -> rusqlite::Result<()> {
        let mut insert = self.tx.prepare_cached(
            "INSERT OR REPLACE INTO commits (group_id, name, version, sha256, time) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for commit in commits {
            insert.execute((group.as_str(), name, commit.version, &commit.sha256, commit.time_ms))?;
        }
        Ok(())
    }

    /// Adds files that have arrived.
    pub fn add_files(&self, group: &GroupId, name: &str, files: &[FileRow]) -> rusqlite::Result<()> {
        let mut insert = self.tx.prepare_cached(
            "INSERT OR REPLACE INTO files (group_id, name, path, size, sha256) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for file in files {
            insert.execute((group.as_str(), name, &file.path, file.size as i64, &file.sha256))?;
        }
        Ok(())
    }

    /// The files of one table that have arrived.
    pub fn files(&self, group: &GroupId, name: &str) -> rusqlite::Result<Vec<FileRow>> {
        self.tx
            .prepare_cached("SELECT path, size, sha256 FROM files WHERE group_id = ?1 AND name = ?2")?
            .query_map((group.as_str(), name), |row| {
                Ok(FileRow { path: row.get(0)?, size: row.get::<_, i64>(1)?.max(0) as u64, sha256: row.get(2)? })
            })?
            .collect()
    }

    /// Records a replication point; one that is recorded already stays.
    pub fn add_point(&self, group: &GroupId, epoch: u64, time: Instant) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("INSERT OR IGNORE INTO points (group_id, epoch, time) VALUES (?1, ?2, ?3)")?
            .execute((group.as_str(), epoch as i64, time.timestamp_millis()))?;
        Ok(())
    }

    /// The newest recorded point not after `at`, with its epoch.
    pub fn point_at(&self, group: &GroupId, at: Instant) -> rusqlite::Result<Option<(u64, Instant)>> {
        self.tx
            .prepare_cached(
                "SELECT epoch, time FROM points WHERE group_id = ?1 AND time <= ?2 ORDER BY time DESC LIMIT 1",
            )?
            .query_row((group.as_str(), at.timestamp_millis()), |row| {
                Ok((row.get::<_, i64>(0)?.max(0) as u64, instant(row.get(1)?)))
            })
            .optional()
    }

    /// The version vector at a recorded point: each table's newest arrived commit not after `time`.
    pub fn versions_at(&self, group: &GroupId, time: Instant) -> rusqlite::Result<Vec<(String, CommitRow)>> {
        self.tx
            .prepare_cached(
                "SELECT name, MAX(version), sha256, time FROM commits WHERE group_id = ?1 AND time <= ?2
                 GROUP BY name ORDER BY name",
            )?
            .query_map((group.as_str(), time.timestamp_millis()), |row| {
                Ok((row.get(0)?, CommitRow { version: row.get(1)?, sha256: row.get(2)?, time_ms: row.get(3)? }))
            })?
            .collect()
    }

    /// Lists what a forced failover left behind on one table; listing it again replaces the entry.
    pub fn put_salvage<T: Serialize>(&self, group: &GroupId, epoch: u64, name: &str, body: &T) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO salvage (group_id, epoch, name, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (group_id, epoch, name) DO UPDATE SET body = ?4",
            )?
            .execute((group.as_str(), epoch as i64, name, to_json(body)?))?;
        Ok(())
    }

    /// What forced failovers of a group left behind, newest first.
    pub fn salvage<T: DeserializeOwned>(&self, group: &GroupId) -> rusqlite::Result<Vec<T>> {
        self.tx
            .prepare_cached("SELECT body FROM salvage WHERE group_id = ?1 ORDER BY epoch DESC, name")?
            .query_map([group.as_str()], |row| from_json(&row.get::<_, String>(0)?))?
            .collect()
    }
}
