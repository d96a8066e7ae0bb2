//! What the last hour makes likely, while the source can't be asked.

use crate::control::view::LikelyLoss;
use crate::control::{Control, ControlError};
use crate::delta;
use crate::domain::{FailoverGroup, Timestamp};
use crate::replicate::{ReplicaState, root_of};
use chrono::TimeDelta;
use std::collections::{BTreeMap, BTreeSet};

/// How far back the rate is taken from.
const SPAN: TimeDelta = TimeDelta::hours(1);
/// A shorter history than this says nothing of a rate.
const SHORTEST: TimeDelta = TimeDelta::seconds(10);
/// Commits of which rows and bytes are read; the rest counts as their average.
const SAMPLE: usize = 200;

/// Rows and bytes of the commits that were read, and how many those are.
#[derive(Debug, Default)]
struct Sample {
    commits: u64,
    rows: Option<u64>,
    bytes: u64,
}

impl Control {
    /// How fast commits came in the hour before `since`; and what can't be told, as sentences.
    pub(super) async fn likely_loss(
        &self,
        group: &FailoverGroup,
        since: Option<Timestamp>,
    ) -> (Option<LikelyLoss>, Vec<String>) {
        let Some(since) = since else {
            let sentence = "Nothing has arrived yet, so there is no rate to estimate from.";
            return (None, vec![sentence.to_owned()]);
        };
        // What was committed before the group existed came in one go and says nothing of a rate.
        let from = (since - SPAN).max(group.create_time);
        if since - from < SHORTEST {
            let sentence = "The group is too young to estimate what was committed since.";
            return (None, vec![sentence.to_owned()]);
        }
        let id = group.spec.id.clone();
        let counted = self.inner.store.run(move |tx| tx.commits_between(&id, from, since, SAMPLE)).await;
        let (count, newest) = match counted {
            Ok(counted) => counted,
            Err(error) => return (None, vec![ControlError::from(error).to_string()]),
        };
        let seconds = (since - from).num_milliseconds() as f64 / 1000.0;
        let mut unknown = Vec::new();
        let sample = match self.sample(group, newest).await {
            Ok(sample) => Some(sample),
            Err(error) => {
                unknown.push(format!("Rows and bytes can't be estimated: {error}"));
                None
            }
        };
        let rate = |of: u64, sampled: u64| match sampled {
            0 => 0.0,
            sampled => of as f64 / sampled as f64 * count as f64 / seconds,
        };
        let likely = LikelyLoss {
            since,
            span: seconds,
            commits: count as f64 / seconds,
            rows: sample.as_ref().and_then(|s| Some(rate(s.rows?, s.commits))),
            bytes: sample.as_ref().map(|s| rate(s.bytes, s.commits)),
        };
        (Some(likely), unknown)
    }

    /// Reads the named commits in the replica, where they arrived byte for byte.
    async fn sample(&self, group: &FailoverGroup, newest: Vec<(String, i64)>) -> Result<Sample, ControlError> {
        let mut sample = Sample { rows: Some(0), ..Sample::default() };
        let mut versions: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for (table, version) in newest {
            versions.entry(table).or_default().insert(version);
        }
        if versions.is_empty() {
            return Ok(sample);
        }
        let endpoint = self.inner.deployment.endpoint(group, group.effective_secondary_region()).await?;
        let id = group.spec.id.clone();
        for row in self.inner.store.run(move |tx| tx.tables::<ReplicaState>(&id)).await? {
            let Some(wanted) = versions.get(&row.name) else { continue };
            let Some(first) = wanted.first() else { continue };
            // Just failed over, the ledger still has it the other way round.
            let forward = row.body.source_region == group.effective_primary_region;
            let place = if forward { row.body.replica() } else { row.body.source() };
            let granted = root_of(&endpoint, &place, false, self.inner.clock.as_ref()).await?;
            // A log that cannot be read any more is only missing from the average.
            let Ok(commits) = delta::commits_since(&granted.root, first - 1).await else { continue };
            for commit in commits.iter().filter(|commit| wanted.contains(&commit.version)) {
                sample.commits += 1;
                sample.bytes = sample.bytes.saturating_add(commit.bytes_added);
                sample.rows = sample.rows.zip(commit.rows_added).map(|(sum, rows)| sum.saturating_add(rows));
            }
        }
        Ok(sample)
    }
}
