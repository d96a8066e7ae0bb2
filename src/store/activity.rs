//! The audit log: append-only, who did what to what.

use super::Tx;
use super::groups::instant;
use crate::domain::Timestamp;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What, such as `failover_group.create`.
    pub action: String,
    /// To what.
    pub target: String,
    /// The whole story as a sentence.
    pub message: String,
    /// The target before, as JSON.
    pub before: Option<String>,
    /// The target after, as JSON.
    pub after: Option<String>,
}

impl Tx<'_> {
    /// Appends a line.
    pub fn add_activity(&self, row: &ActivityRow) -> rusqlite::Result<()> {
        self.tx
            .prepare_cached(
                "INSERT INTO activity (at, actor, action, target, message, before, after) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                row.at.timestamp_millis(),
                &row.actor,
                &row.action,
                &row.target,
                &row.message,
                &row.before,
                &row.after,
            ))?;
        Ok(())
    }

    /// The newest lines, newest first.
    pub fn activity(&self, limit: usize) -> rusqlite::Result<Vec<ActivityRow>> {
        self.tx
            .prepare_cached(
                "SELECT at, actor, action, target, message, before, after FROM activity ORDER BY seq DESC LIMIT ?1",
            )?
            .query_map([limit as i64], |row| {
                Ok(ActivityRow {
                    at: instant(row.get(0)?),
                    actor: row.get(1)?,
                    action: row.get(2)?,
                    target: row.get(3)?,
                    message: row.get(4)?,
                    before: row.get(5)?,
                    after: row.get(6)?,
                })
            })?
            .collect()
    }
}
