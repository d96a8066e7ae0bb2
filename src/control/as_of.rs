//! Which versions the tables of a group had at an instant, and whether they can go back there.

use super::{Control, ControlError};
use crate::delta;
use crate::domain::{AsOfTable, AssetName, FailoverGroup, GroupId, Region, Timestamp};
use crate::replicate::{ReplicaState, root_of};
use crate::store::CommitRow;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;

/// Tables looked at at a time.
const PARALLEL_LOOKS: usize = 8;
/// Problems that a refusal names before it only counts them.
const NAMED: usize = 3;

/// What a failover as of an instant would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOfReport {
    /// The group.
    pub group: GroupId,
    /// The instant.
    pub at: Timestamp,
    /// Tables that go back.
    pub tables: Vec<AsOfTable>,
    /// How many tables are as they were then.
    pub unchanged: usize,
    /// Tables that didn't exist then, and stay as they are.
    pub newer: Vec<String>,
    /// What can't go back, a sentence each; while there is any, the failover is refused.
    pub problems: Vec<String>,
}

impl AsOfReport {
    /// An error that names what can't go back.
    pub fn refuse(&self) -> Result<(), ControlError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let mut sentence = self.problems.iter().take(NAMED).cloned().collect::<Vec<_>>().join(" ");
        if self.problems.len() > NAMED {
            sentence.push_str(&format!(" {} more tables can't go back.", self.problems.len() - NAMED));
        }
        Err(ControlError::Refused { sentence: format!("{sentence} Choose a later instant, or fail over without one.") })
    }
}

/// What is found of one table.
enum Found {
    Back(AsOfTable),
    Unchanged,
    Newer(String),
    Problem(String),
}

impl Control {
    /// What a failover of a group to its secondary as of `at` would do. Nothing is changed.
    pub async fn as_of(&self, id: &GroupId, at: Timestamp) -> Result<AsOfReport, ControlError> {
        let group = self.handle(id)?.group();
        let target = group.spec.other_region(&group.effective_primary_region).clone();
        self.versions_as_of(&group, &target, at).await
    }

    /// [`Self::as_of`] for the region whose tables are to go back.
    pub(super) async fn versions_as_of(
        &self,
        group: &FailoverGroup,
        region: &Region,
        at: Timestamp,
    ) -> Result<AsOfReport, ControlError> {
        let id = group.spec.id.clone();
        match group.replication_point {
            Some(point) if at <= point => {}
            Some(point) => {
                return Err(ControlError::BadArgument {
                    sentence: format!(
                        "{} is after the replication point of {id}, {}. Choose an earlier instant, or fail over without one.",
                        at.format("%Y-%m-%d %H:%M:%S%.3f UTC"),
                        point.format("%Y-%m-%d %H:%M:%S%.3f UTC")
                    ),
                });
            }
            None => {
                return Err(ControlError::Refused {
                    sentence: format!("{id} has no replication point yet. Wait until it is ACTIVE."),
                });
            }
        }
        let of = id.clone();
        let (versions, tables, lowest) = self
            .inner
            .store
            .run(move |tx| {
                let versions: BTreeMap<String, CommitRow> = tx.versions_at(&of, at)?.into_iter().collect();
                let tables = tx.tables::<ReplicaState>(&of)?;
                let mut lowest = BTreeMap::new();
                for row in tables.iter().filter(|row| !versions.contains_key(&row.name)) {
                    let first = tx.commits(&of, &row.name)?.iter().map(|commit| commit.version).min();
                    lowest.insert(row.name.clone(), first);
                }
                Ok((versions, tables, lowest))
            })
            .await?;
        let endpoint = self.inner.deployment.endpoint(group, region).await?;
        let look = |name: String, table: ReplicaState| {
            let (commit, first, endpoint) =
                (versions.get(&name).cloned(), lowest.get(&name).copied().flatten(), &endpoint);
            async move {
                let Some(commit) = commit else {
                    return Ok(match first {
                        Some(0) => Found::Newer(name),
                        _ => Found::Problem(format!("No version of {name} is recorded from then.")),
                    });
                };
                let newest = table.position.version;
                let place = if table.source_region == *region { table.source() } else { table.replica() };
                let root = root_of(endpoint, &place, false, self.inner.clock.as_ref()).await?.root;
                if newest == commit.version {
                    return Ok(Found::Unchanged);
                }
                let problem = delta::restore_problem(&root, commit.version, &commit.sha256).await?;
                Ok::<_, ControlError>(match problem {
                    Some(why) => Found::Problem(format!("{name}: {why}")),
                    None => Found::Back(AsOfTable { name, version: commit.version, newest }),
                })
            }
        };
        let in_scope = |name: &str| group.has_catalog(&AssetName::parse(name).catalog);
        let each: Vec<_> =
            tables.into_iter().filter(|row| in_scope(&row.name)).map(|row| look(row.name, row.body)).collect();
        let all: Vec<Result<Found, ControlError>> = stream::iter(each).buffered(PARALLEL_LOOKS).collect().await;
        let mut report =
            AsOfReport { group: id, at, tables: Vec::new(), unchanged: 0, newer: Vec::new(), problems: Vec::new() };
        for found in all {
            match found? {
                Found::Back(table) => report.tables.push(table),
                Found::Unchanged => report.unchanged += 1,
                Found::Newer(name) => report.newer.push(name),
                Found::Problem(sentence) => report.problems.push(sentence),
            }
        }
        Ok(report)
    }
}
