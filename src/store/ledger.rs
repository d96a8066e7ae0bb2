//! The ledger: what has arrived, commit by commit and file by file, with the sha256 taken while it was copied.

use super::{Tx, from_json, to_json};
use crate::domain::{GroupId, Timestamp};
use chrono::TimeDelta;
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
    /// What the source's storage told of it when it was copied, as its writer spells it; None in rows of older programs.
    pub stamp: Option<String>,
}

/// One table of a group as it lies in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRow<T> {
    /// Its full name with dots: the rows are found by it, and neither a catalog nor a schema has a dot in its name.
    pub name: String,
    /// What is remembered of it.
    pub body: T,
}

fn file_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<FileRow> {
    let size = row.get::<_, i64>(1)?.max(0) as u64;
    Ok(FileRow { path: row.get(0)?, size, sha256: row.get(2)?, stamp: row.get(3)? })
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
    pub fn remove_table(&self, group: &GroupId, name: &str) -> rusqlite::Result<()> {
        for table in ["tables", "commits", "files"] {
            self.tx
                .execute(&format!("DELETE FROM {table} WHERE group_id = ?1 AND name = ?2"), (group.as_str(), name))?;
        }
        Ok(())
    }

    /// Adds commits that have arrived and were seen at `seen`.
    pub fn add_commits(
        &self,
        group: &GroupId,
        name: &str,
        commits: &[CommitRow],
        seen: Timestamp,
    ) -> rusqlite::Result<()> {
        let mut insert = self.tx.prepare_cached(
            "INSERT INTO commits (group_id, name, version, sha256, time, seen) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (group_id, name, version) DO UPDATE SET sha256 = ?4, time = ?5,
                 seen = CASE WHEN sha256 = ?4 THEN MIN(seen, ?6) ELSE ?6 END",
        )?;
        let seen = seen.timestamp_millis();
        for commit in commits {
            insert.execute((group.as_str(), name, commit.version, &commit.sha256, commit.time_ms, seen))?;
        }
        Ok(())
    }

    /// Says of commits that a wrong clock saw later than `now` that they were seen `ahead` earlier.
    pub fn see_commits_earlier(&self, group: &GroupId, now: Timestamp, ahead: TimeDelta) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached("UPDATE commits SET seen = MIN(seen - ?3, ?2) WHERE group_id = ?1 AND seen > ?2")?
            .execute((group.as_str(), now.timestamp_millis(), ahead.num_milliseconds()))?;
        Ok(())
    }

    /// Adds files that have arrived.
    pub fn add_files(&self, group: &GroupId, name: &str, files: &[FileRow]) -> rusqlite::Result<()> {
        let mut insert = self.tx.prepare_cached(
            "INSERT OR REPLACE INTO files (group_id, name, path, size, sha256, stamp) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for file in files {
            insert.execute((group.as_str(), name, &file.path, file.size as i64, &file.sha256, &file.stamp))?;
        }
        Ok(())
    }

    /// The files of one table that have arrived.
    pub fn files(&self, group: &GroupId, name: &str) -> rusqlite::Result<Vec<FileRow>> {
        self.tx
            .prepare_cached("SELECT path, size, sha256, stamp FROM files WHERE group_id = ?1 AND name = ?2")?
            .query_map((group.as_str(), name), file_row)?
            .collect()
    }

    /// One file of a table that has arrived.
    pub fn file(&self, group: &GroupId, name: &str, path: &str) -> rusqlite::Result<Option<FileRow>> {
        self.tx
            .prepare_cached(
                "SELECT path, size, sha256, stamp FROM files WHERE group_id = ?1 AND name = ?2 AND path = ?3",
            )?
            .query_row((group.as_str(), name, path), file_row)
            .optional()
    }

    /// The commits of one table that have arrived, by version.
    pub fn commits(&self, group: &GroupId, name: &str) -> rusqlite::Result<Vec<CommitRow>> {
        self.tx
            .prepare_cached("SELECT version, sha256, time FROM commits WHERE group_id = ?1 AND name = ?2")?
            .query_map((group.as_str(), name), |row| {
                Ok(CommitRow { version: row.get(0)?, sha256: row.get(1)?, time_ms: row.get(2)? })
            })?
            .collect()
    }

    /// Forgets the commits and files of a table whose place another table has taken.
    pub fn remove_generation(&self, group: &GroupId, name: &str) -> rusqlite::Result<()> {
        for table in ["commits", "files"] {
            self.tx
                .execute(&format!("DELETE FROM {table} WHERE group_id = ?1 AND name = ?2"), (group.as_str(), name))?;
        }
        Ok(())
    }

    /// Removes commits of one table below version `below`, at most `limit`, oldest first; how many were removed.
    pub fn remove_commits(&self, group: &GroupId, name: &str, below: i64, limit: usize) -> rusqlite::Result<usize> {
        self.tx
            .prepare_cached(
                "DELETE FROM commits WHERE group_id = ?1 AND name = ?2 AND version IN (
                     SELECT version FROM commits WHERE group_id = ?1 AND name = ?2 AND version < ?3
                     ORDER BY version LIMIT ?4)",
            )?
            .execute((group.as_str(), name, below, limit as i64))
    }

    /// Removes files of one table.
    pub fn remove_files(&self, group: &GroupId, name: &str, paths: &[String]) -> rusqlite::Result<()> {
        let mut remove = self.tx.prepare_cached("DELETE FROM files WHERE group_id = ?1 AND name = ?2 AND path = ?3")?;
        for path in paths {
            remove.execute((group.as_str(), name, path))?;
        }
        Ok(())
    }

    /// The names of at most `limit` tables of a group after `after`, in order.
    pub fn table_names(&self, group: &GroupId, after: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
        self.tx
            .prepare_cached("SELECT name FROM tables WHERE group_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3")?
            .query_map((group.as_str(), after, limit as i64), |row| row.get(0))?
            .collect()
    }

    /// Lists what was salvaged of one table, under a name of its own in the epoch; listing it again replaces the entry.
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
