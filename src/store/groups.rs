//! Failover groups and the operations on them.

use super::{Tx, from_json, to_json};
use crate::domain::{FailoverGroup, GroupId, Timestamp};
use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row};
use serde::{Serialize, de::DeserializeOwned};

/// An operation as it lies in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredOperation<T> {
    /// Its id.
    pub id: String,
    /// When it was confirmed.
    pub started: Timestamp,
    /// The rest.
    pub body: T,
}

pub(super) fn instant(millis: i64) -> Timestamp {
    DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default()
}

fn group_row(row: &Row<'_>) -> rusqlite::Result<(FailoverGroup, Timestamp)> {
    Ok((from_json(&row.get::<_, String>(0)?)?, instant(row.get(1)?)))
}

impl Tx<'_> {
    /// Every group with the instant of its last change of state, by id.
    pub fn groups(&self) -> rusqlite::Result<Vec<(FailoverGroup, Timestamp)>> {
        self.tx
            .prepare_cached("SELECT body, state_since FROM failover_groups ORDER BY id")?
            .query_map([], group_row)?
            .collect()
    }

    /// One group.
    pub fn group(&self, id: &GroupId) -> rusqlite::Result<Option<(FailoverGroup, Timestamp)>> {
        self.tx
            .prepare_cached("SELECT body, state_since FROM failover_groups WHERE id = ?1")?
            .query_row([id.as_str()], group_row)
            .optional()
    }

    /// Writes a group whole.
    pub fn put_group(&self, group: &FailoverGroup, state_since: Timestamp) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO failover_groups (id, body, state_since) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET body = ?2, state_since = ?3",
            )?
            .execute((group.spec.id.as_str(), to_json(group)?, state_since.timestamp_millis()))?;
        Ok(())
    }

    /// Removes a group and what is remembered of it; salvage and activity stay, because they are evidence.
    pub fn remove_group(&self, id: &GroupId) -> rusqlite::Result<()> {
        let of_group = [
            "operations",
            "points",
            "tables",
            "commits",
            "files",
            "owned",
            "attributes",
            "workspace_assets",
            "error_history",
        ];
        for table in of_group {
            self.tx.execute(&format!("DELETE FROM {table} WHERE group_id = ?1"), [id.as_str()])?;
        }
        self.tx.execute("DELETE FROM failover_groups WHERE id = ?1", [id.as_str()])?;
        Ok(())
    }

    /// Writes an operation whole. The order in which operations are first written is the order in which they are read.
    pub fn put_operation<T: Serialize>(
        &self,
        id: &str,
        group: &GroupId,
        started: Timestamp,
        body: &T,
    ) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO operations (id, group_id, started, body, seq)
                 VALUES (?1, ?2, ?3, ?4, (SELECT COALESCE(MAX(seq), 0) + 1 FROM operations))
                 ON CONFLICT (id) DO UPDATE SET body = ?4",
            )?
            .execute((id, group.as_str(), started.timestamp_millis(), to_json(body)?))?;
        Ok(())
    }

    /// A group's operations, newest first, at most `limit`.
    pub fn operations<T: DeserializeOwned>(
        &self,
        group: &GroupId,
        limit: usize,
    ) -> rusqlite::Result<Vec<StoredOperation<T>>> {
        self.tx
            .prepare_cached("SELECT id, started, body FROM operations WHERE group_id = ?1 ORDER BY seq DESC LIMIT ?2")?
            .query_map((group.as_str(), limit as i64), |row| {
                Ok(StoredOperation {
                    id: row.get(0)?,
                    started: instant(row.get(1)?),
                    body: from_json(&row.get::<_, String>(2)?)?,
                })
            })?
            .collect()
    }
}
