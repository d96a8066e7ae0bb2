//! Asking the source which commits have not arrived.

use crate::connect::TablePlace;
use crate::control::group::AskProgress;
use crate::control::view::LossEstimate;
use crate::control::{Control, ControlError};
use crate::delta::{self, Change, CommitSummary, Position, TableRoot};
use crate::domain::FailoverGroup;
use crate::replicate::{self, Access, CycleError, Endpoint, ReplicaState};
use crate::wire::unity_catalog::TABLE_VIEW;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Credentials asked for at a time.
const PARALLEL_CALLS: usize = 32;
/// Logs read at a time.
const PARALLEL_READS: usize = 32;
/// Tables looked at in one go on a blocking thread.
const LOOK_CHUNK: usize = 256;

/// How long the storage of a table may take to answer, and that of all others once one has taken longer.
const PATIENCE: Duration = Duration::from_secs(20);
const PATIENCE_AFTERWARDS: Duration = Duration::from_secs(1);

/// Waits for storage, which may hang in a region that answers: a person with a failover to decide on waits for this.
#[derive(Default)]
struct Patience {
    is_short: AtomicBool,
}

impl Patience {
    /// What storage answers; None where it takes too long.
    async fn wait<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let most = if self.is_short.load(Ordering::Relaxed) { PATIENCE_AFTERWARDS } else { PATIENCE };
        let answer = tokio::time::timeout(most, answer).await.ok();
        if answer.is_none() {
            self.is_short.store(true, Ordering::Relaxed);
        }
        answer
    }
}

/// One table to ask about.
struct Question {
    name: String,
    place: TablePlace,
    /// What has arrived of it; None where nothing has.
    position: Option<Position>,
}

impl Control {
    /// Counts the commits of every table in scope that are at the source and were never recorded as arrived.
    pub(super) async fn ask_source(
        &self,
        group: &FailoverGroup,
        access: &mut Access,
        progress: &AskProgress,
    ) -> Result<LossEstimate, ControlError> {
        let as_of = self.now();
        let source = self.inner.deployment.endpoint(group, &group.effective_primary_region).await?;
        let inventory = replicate::read_inventory(&source, group.catalogs()).await?;
        let id = group.spec.id.clone();
        let known = self.inner.store.run(move |tx| tx.tables::<ReplicaState>(&id)).await?;
        let mut known: BTreeMap<String, ReplicaState> = known.into_iter().map(|row| (row.name, row.body)).collect();
        let replicated = |t: &&crate::wire::unity_catalog::TableInfo| {
            t.table_type != TABLE_VIEW && replicate::unsupported_reason(t).is_none()
        };
        let questions = inventory.tables().filter(replicated).filter_map(|info| {
            let (name, place) = (info.full_name(), TablePlace::of(info)?);
            // Another table under the same name never arrived.
            let same = |t: &ReplicaState| place.table_id.as_deref().is_none_or(|id| id == t.table_id);
            let position = known.remove(&name).filter(same).map(|table| table.position);
            Some(Question { name, place, position })
        });
        let questions: Vec<Question> = questions.collect();
        progress.total.store(questions.len() as u64, Ordering::Relaxed);
        let mut found = LossEstimate {
            as_of: Some(as_of),
            seconds: Some(0.0),
            commits: Some(0),
            rows: Some(0),
            bytes: Some(0),
            ..LossEstimate::default()
        };
        let roots = self.open(&source, &questions, access, &mut found).await?;
        let patience = Patience::default();
        let moved = moved(roots, &patience, progress).await;
        let count = async |question: &Question, root: TableRoot| {
            let after = question.position.as_ref().map_or(-1, |position| position.version);
            let commits = patience.wait(delta::commits_since(&root, after)).await;
            progress.done.fetch_add(1, Ordering::Relaxed);
            (question.name.clone(), commits)
        };
        let each: Vec<_> = moved.into_iter().map(|(question, root)| count(question, root)).collect();
        let counted: Vec<_> = stream::iter(each).buffered(PARALLEL_READS).collect().await;
        let mut first_ms = i64::MAX;
        for (table, commits) in counted {
            match commits {
                Some(Ok(commits)) => {
                    add(&mut found, &table, &commits);
                    first_ms = commits.iter().map(|commit| commit.time_ms).fold(first_ms, i64::min);
                }
                Some(Err(fault)) => found.unknown.push(fault.message),
                None => found.unknown.push(format!(
                    "{table} could not be counted in time: its storage in {} is slow or does not answer.",
                    source.region
                )),
            }
        }
        if first_ms != i64::MAX {
            found.seconds = Some((as_of.timestamp_millis() - first_ms).max(0) as f64 / 1000.0);
        }
        Ok(found)
    }

    /// The storage of every table; one that is refused is named, a region that is away ends it.
    async fn open<'q>(
        &self,
        source: &Endpoint,
        questions: &'q [Question],
        access: &mut Access,
        found: &mut LossEstimate,
    ) -> Result<Vec<(&'q Question, TableRoot)>, ControlError> {
        let clock = self.inner.clock.as_ref();
        let opened: Vec<_> = {
            let access = &*access;
            let each: Vec<_> = questions.iter().map(|q| access.reach(source, &q.place, false, clock)).collect();
            stream::iter(each).buffered(PARALLEL_CALLS).collect().await
        };
        let mut roots = Vec::with_capacity(questions.len());
        for (question, granted) in questions.iter().zip(opened) {
            match granted {
                Ok(granted) => {
                    roots.push((question, granted.root.clone()));
                    access.keep(&question.place.uri, false, granted);
                }
                Err(error) if error.is_unreachable() => return Err(CycleError::at(&source.region, error).into()),
                Err(error) => found.unknown.push(error.to_string()),
            }
        }
        Ok(roots)
    }
}

/// The tables that are not where they were when they last arrived.
async fn moved<'q>(
    roots: Vec<(&'q Question, TableRoot)>,
    patience: &Patience,
    progress: &AskProgress,
) -> Vec<(&'q Question, TableRoot)> {
    let mut moved = Vec::new();
    for chunk in roots.chunks(LOOK_CHUNK) {
        let paths: Vec<_> = chunk
            .iter()
            .map(|(question, root)| match root {
                TableRoot::Local(path) => Some((path.clone(), question.position.clone()?)),
                TableRoot::Remote { .. } | TableRoot::Ratified { .. } => None,
            })
            .collect();
        let looks = tokio::task::spawn_blocking(move || {
            let same = |(path, at): (std::path::PathBuf, Position)| {
                delta::look_local(&path, &at).is_ok_and(|look| look.change == Change::Same)
            };
            paths.into_iter().map(|known| known.is_some_and(same)).collect::<Vec<bool>>()
        });
        // Where the looks take too long, each table is asked by itself, so that those in other storage are counted.
        let looked = patience.wait(looks).await.and_then(Result::ok);
        let same = looked.unwrap_or_else(|| vec![false; chunk.len()]);
        for ((question, root), same) in chunk.iter().zip(same) {
            if same {
                progress.done.fetch_add(1, Ordering::Relaxed);
            } else {
                moved.push((*question, root.clone()));
            }
        }
    }
    moved
}

/// Counts the commits of one table in.
fn add(found: &mut LossEstimate, table: &str, commits: &[CommitSummary]) {
    if commits.is_empty() {
        return;
    }
    found.tables.push(table.to_owned());
    found.commits = found.commits.map(|n| n + commits.len() as u64);
    found.bytes = found.bytes.map(|n| commits.iter().fold(n, |sum, c| sum.saturating_add(c.bytes_added)));
    for commit in commits {
        found.rows = found.rows.zip(commit.rows_added).map(|(sum, rows)| sum.saturating_add(rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn storage_that_hangs_is_waited_for_once() {
        let (patience, begun) = (Patience::default(), tokio::time::Instant::now());
        for _ in 0..5 {
            assert_eq!(patience.wait(std::future::pending::<()>()).await, None);
        }
        assert_eq!(patience.wait(std::future::ready(5)).await, Some(5));
        assert_eq!(begun.elapsed().as_secs(), 24);
    }
}
