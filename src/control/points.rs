//! Reading a replication point back: which version of each table it was, and whether the replica still holds it.

use super::{Control, ControlError};
use crate::delta;
use crate::domain::{FailoverGroup, GroupId, Timestamp, replication_point};
use crate::replicate::{Endpoint, ReplicaState, root_of};
use crate::store::CommitRow;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tables looked at at a time.
const PARALLEL_LOOKS: usize = 8;

/// A replication point, read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointReport {
    /// The group.
    pub group: String,
    /// The time that was asked for.
    pub asked: Timestamp,
    /// The newest replication point not after it; None where none is recorded.
    pub point: Option<Timestamp>,
    /// The first point that is recorded.
    pub first_point: Option<Timestamp>,
    /// Each table's version at the point, by name.
    pub tables: Vec<PointTable>,
    /// What there is to know before reading, as sentences.
    pub notes: Vec<String>,
}

/// One table at a replication point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointTable {
    /// Its full name.
    pub name: String,
    /// Its version; None where the ledger holds none from then: it did not exist yet, or was cleaned up since.
    pub version: Option<i64>,
    /// The sha256 of the version's commit.
    pub sha256: Option<String>,
    /// When it was committed at the source.
    pub committed: Option<Timestamp>,
    /// Where the replica lies; read the version there.
    pub location: String,
    /// Whether the replica can still be read at the version; None where it could not be asked.
    pub held: Option<bool>,
    /// Whether a reader that asks for the time instead of the version finds the same one.
    pub by_timestamp: Option<bool>,
    /// Why it isn't held, or why no one knows.
    pub message: Option<String>,
}

impl PointReport {
    /// Whether the replica holds every table at the point.
    pub fn is_held(&self) -> bool {
        self.point.is_some() && self.tables.iter().all(|table| table.held == Some(true))
    }
}

impl Control {
    /// Reads back the newest replication point of a group not after `at`.
    pub async fn point(&self, id: &GroupId, at: Timestamp) -> Result<PointReport, ControlError> {
        let group = self.handle(id)?.group();
        // Nothing is known of the future: what a wrong clock recorded there answers for nothing.
        let until = at.min(self.now() + replication_point::TOLERANCE);
        let (of, last) = (id.clone(), group.replication_point.filter(|point| *point <= until));
        let (point, first_point, versions, tables) = self
            .inner
            .store
            .run(move |tx| {
                // An idle cycle moves the group's point without recording another: the versions are the same.
                let point = tx.point_at(&of, until)?.map(|(_, time)| time).max(last);
                let versions = point.map(|point| tx.versions_at(&of, point)).transpose()?.unwrap_or_default();
                Ok((point, tx.first_point(&of)?.or(last), versions, tx.tables::<ReplicaState>(&of)?))
            })
            .await?;
        let mut versions: BTreeMap<String, CommitRow> = versions.into_iter().collect();
        let endpoint = match point {
            Some(_) => self.inner.deployment.endpoint(&group, group.effective_secondary_region()).await,
            None => return Ok(nothing(&group, at, first_point)),
        };
        let each: Vec<_> = tables
            .into_iter()
            .map(|row| (versions.remove(&row.name), row))
            .map(|(commit, row)| self.look(&endpoint, &group, row.name, row.body, commit))
            .collect();
        let tables: Vec<PointTable> = stream::iter(each).buffered(PARALLEL_LOOKS).collect().await;
        let notes = notes(&tables);
        Ok(PointReport { group: id.to_string(), asked: at, point, first_point, tables, notes })
    }

    async fn look(
        &self,
        endpoint: &Result<Endpoint, ControlError>,
        group: &FailoverGroup,
        name: String,
        table: ReplicaState,
        commit: Option<CommitRow>,
    ) -> PointTable {
        // Just failed over, the ledger still has it the other way round.
        let forward = table.source_region == group.effective_primary_region;
        let place = if forward { table.replica() } else { table.source() };
        let mut found = PointTable {
            name,
            version: commit.as_ref().map(|commit| commit.version),
            sha256: commit.as_ref().map(|commit| commit.sha256.clone()),
            committed: commit.as_ref().and_then(|commit| DateTime::<Utc>::from_timestamp_millis(commit.time_ms)),
            location: place.uri.clone(),
            held: None,
            by_timestamp: None,
            message: None,
        };
        let Some(commit) = commit else {
            found.held = Some(false);
            let message = "Nothing is known of it at that time. It didn't exist yet, or its log was cleaned up.";
            found.message = Some(message.to_owned());
            return found;
        };
        let root = match endpoint {
            Ok(endpoint) => root_of(endpoint, &place, false, self.inner.clock.as_ref()).await,
            Err(error) => {
                found.message = Some(error.to_string());
                return found;
            }
        };
        let held = match root {
            Ok(granted) => {
                let held = delta::check_point(&granted.root, commit.version, &commit.sha256).await;
                held.map_err(|fault| fault.message)
            }
            Err(error) => Err(error.to_string()),
        };
        match held {
            Ok(held) => {
                found.held = Some(held.problem.is_none());
                found.by_timestamp = Some(held.by_timestamp);
                found.message = held.problem;
            }
            Err(message) => found.message = Some(message),
        }
        found
    }
}

fn nothing(group: &FailoverGroup, at: Timestamp, first_point: Option<Timestamp>) -> PointReport {
    let note = match first_point {
        Some(first) => format!(
            "No replication point is recorded at or before {}. The first one is {}.",
            at.to_rfc3339(),
            first.to_rfc3339()
        ),
        None => "No replication point is recorded yet. There is one once everything in scope has arrived.".to_owned(),
    };
    PointReport {
        group: group.spec.id.to_string(),
        asked: at,
        point: None,
        first_point,
        tables: Vec::new(),
        notes: vec![note],
    }
}

fn notes(tables: &[PointTable]) -> Vec<String> {
    let mut notes = vec!["Read each table by its version at its location. That is exact everywhere.".to_owned()];
    let inexact = tables.iter().filter(|table| table.by_timestamp == Some(false)).count();
    if inexact > 0 {
        notes.push(format!(
            "By timestamp the history of {inexact} of the tables is not exact: an object store gives each commit the time at which it was copied. It is exact on local disks, and where the table has in-commit timestamps."
        ));
    } else if tables.iter().any(|table| table.by_timestamp == Some(true)) {
        notes.push("Reading by timestamp finds the same versions.".to_owned());
    }
    notes
}
