//! Writes the system tables while the runtime runs, and gives the charts what they hold of the time before.

use super::SystemTablesView;
use crate::control::view::{LagSample, OperationOutcome};
use crate::control::{Control, GroupStatus, OperationStatus};
use crate::domain::{GroupId, Region, Timestamp};
use crate::system_tables::{
    AccountSnapshot, GroupSnapshot, LagPoint, OBJECTS, ObjectChanges, ObjectSnapshot, OperationEnd, OperationSnapshot,
    STATES, StateChanges, SystemTableError, TableWriter, lag_since,
};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Changes closer together than this are written in one commit.
const COALESCE: Duration = Duration::from_millis(250);
/// How far back the charts show.
const CHART: TimeDelta = TimeDelta::hours(1);
/// Farther apart, samples of a chart are not joined.
const JOINED: TimeDelta = TimeDelta::seconds(10);

/// Writes both tables until it is stopped.
pub struct Recorder {
    task: tokio::task::JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Recorder {
    /// Starts on the folder of the system tables. Nothing waits for it, and whatever it meets stops nothing else.
    pub fn start(
        root: &Path,
        interval: Duration,
        control: Control,
        metastores: BTreeMap<Region, String>,
        told: watch::Sender<SystemTablesView>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let tables = Tables::new(root.to_owned(), interval, metastores);
        Self { task: tokio::spawn(record(control, tables, told, stopped)), stop }
    }

    /// Writes what is still new, then ends.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

async fn record(
    control: Control,
    mut tables: Tables,
    told: watch::Sender<SystemTablesView>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut changes = control.changes();
    let mut ticks = tokio::time::interval(tables.interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let (regular, last) = tokio::select! {
            _ = ticks.tick() => (true, false),
            news = changes.changed() => (false, news.is_err()),
            _ = &mut stopped => (false, true),
        };
        if !regular && !last {
            tokio::time::sleep(COALESCE).await;
        }
        changes.mark_unchanged();
        let (again, control) = (tables.again(), control.clone());
        // On a thread that may wait for the disk; the next round sees whatever changes in the meantime.
        let round = tokio::task::spawn_blocking(move || {
            tables.round(&control, regular || last);
            tables
        });
        // A round that broke off is begun again from what the disk holds.
        tables = round.await.unwrap_or(again);
        told.send_if_modified(|view| {
            let write_error = tables.write_error();
            let changed = view.write_error != write_error;
            view.write_error = write_error;
            changed
        });
        if last {
            return;
        }
    }
}

/// Both tables.
struct Tables {
    root: PathBuf,
    interval: Duration,
    metastores: BTreeMap<Region, String>,
    states: Kept<StateChanges>,
    objects: Kept<ObjectChanges>,
    recalled: bool,
}

/// One table, and why it could not be written.
struct Kept<W: crate::system_tables::ChangeDetector> {
    writer: TableWriter<W>,
    write_error: Option<String>,
}

impl<W: crate::system_tables::ChangeDetector> Kept<W> {
    fn new(folder: PathBuf) -> Self {
        Self { writer: TableWriter::new(folder), write_error: None }
    }

    /// Writes what is new. What fails is tried again at the next interval, and said once.
    fn keep(&mut self, snapshot: &AccountSnapshot<'_>, regular: bool) {
        if self.write_error.is_some() && !regular {
            return;
        }
        let kept = self.writer.keep(snapshot, regular);
        self.said(kept);
    }

    fn said(&mut self, outcome: Result<(), SystemTableError>) {
        let write_error = outcome.err().map(|error| error.to_string());
        match (&self.write_error, &write_error) {
            (before, Some(now)) if before.as_ref() != Some(now) => tracing::warn!("{now}"),
            (Some(_), None) => {
                tracing::info!(folder = %self.writer.folder().display(), "the system table is written again");
            }
            _ => {}
        }
        self.write_error = write_error;
    }
}

impl Tables {
    fn new(root: PathBuf, interval: Duration, metastores: BTreeMap<Region, String>) -> Self {
        let (states, objects) = (Kept::new(root.join(STATES)), Kept::new(root.join(OBJECTS)));
        Self { root, interval, metastores, states, objects, recalled: false }
    }

    fn again(&self) -> Self {
        Self::new(self.root.clone(), self.interval, self.metastores.clone())
    }

    fn write_error(&self) -> Option<String> {
        let sentences: Vec<&str> =
            [&self.states.write_error, &self.objects.write_error].into_iter().flatten().map(String::as_str).collect();
        (!sentences.is_empty()).then(|| sentences.join(" "))
    }

    fn round(&mut self, control: &Control, regular: bool) {
        let now = control.now();
        self.recall(control, now);
        let statuses = control.statuses();
        let snapshot = AccountSnapshot {
            now,
            account_id: control.account_id(),
            metastores: &self.metastores,
            groups: statuses.iter().map(group_picture).collect(),
        };
        self.states.keep(&snapshot, regular);
        self.objects.keep(&snapshot, regular);
    }

    /// Gives the charts the last hour, once the table could be opened.
    fn recall(&mut self, control: &Control, now: Timestamp) {
        if self.recalled || self.states.write_error.is_some() {
            return;
        }
        let lag = self.states.writer.open(now).and_then(|table| lag_since(table, now - CHART));
        match lag {
            Ok(groups) => {
                for (name, points) in groups {
                    if let Ok(id) = GroupId::new(&name) {
                        control.recall_lag(&id, chart_samples(&points, self.interval));
                    }
                }
                self.recalled = true;
            }
            Err(error) => self.states.said(Err(error)),
        }
    }
}

/// Samples of a chart from rows of the table.
///
/// Rows come at intervals, and a chart joins only what is close together. Between two rows of one run it must draw the
/// straight line that it draws between any two samples, so points of that line are put in.
fn chart_samples(points: &[LagPoint], interval: Duration) -> Vec<LagSample> {
    let one_run = TimeDelta::from_std(interval.mul_f64(2.5)).unwrap_or(TimeDelta::MAX);
    let mut samples: Vec<LagSample> = Vec::new();
    for point in points {
        let before = samples.last().copied();
        if let Some((before, from, to)) = before.and_then(|b| Some((b, b.lag_ms? as f64, point.lag_ms? as f64)))
            && point.at - before.at <= one_run
        {
            let span = (point.at - before.at).num_milliseconds() as f64;
            let mut at = before.at + JOINED;
            while at < point.at {
                let part = (at - before.at).num_milliseconds() as f64 / span;
                samples.push(LagSample { at, lag_ms: Some((from + (to - from) * part) as u64) });
                at += JOINED;
            }
        }
        samples.push(LagSample { at: point.at, lag_ms: point.lag_ms });
    }
    samples
}

fn group_picture(status: &GroupStatus) -> GroupSnapshot<'_> {
    let objects = status.objects.iter().map(|object| ObjectSnapshot {
        kind: object.kind,
        name: &object.name,
        status: object.status,
        source_version: object.source_version,
        replica_version: object.replica_version,
        lag_ms: object.lag_ms,
        bytes: object.bytes,
        error: object.error.as_ref(),
    });
    GroupSnapshot {
        group: &status.group,
        errors: &status.errors,
        operations: status.operations.iter().map(operation_picture).collect(),
        objects: objects.collect(),
    }
}

fn operation_picture(operation: &OperationStatus) -> OperationSnapshot<'_> {
    let end = match operation.outcome {
        OperationOutcome::Succeeded => Some(OperationEnd::Finished),
        OperationOutcome::RolledBack => Some(OperationEnd::Aborted),
        // One that failed waits for a retry, and has not ended before that.
        OperationOutcome::Running | OperationOutcome::Failed => None,
    };
    OperationSnapshot {
        id: &operation.id,
        from_region: &operation.from_region,
        to_region: &operation.to_region,
        started: operation.started,
        ended: end.zip(operation.ended),
        message: operation.message.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{TimeZone, Utc};

    #[test]
    fn rows_of_one_run_are_joined_and_a_stop_stays_a_gap() {
        let at = |seconds: i64| Utc.timestamp_opt(1_800_000_000 + seconds, 0).single().expect("a time");
        let point = |seconds, lag| LagPoint { at: at(seconds), lag_ms: lag };
        let rows = [point(0, Some(1_000)), point(30, Some(4_000)), point(300, Some(500)), point(330, None)];
        let samples = chart_samples(&rows, Duration::from_secs(30));
        let shown: Vec<(i64, Option<u64>)> =
            samples.iter().map(|sample| ((sample.at - at(0)).num_seconds(), sample.lag_ms)).collect();
        let joined = [(0, Some(1_000)), (10, Some(2_000)), (20, Some(3_000)), (30, Some(4_000))];
        assert_eq!(shown[..4], joined, "the straight line between two rows");
        assert_eq!(shown[4..], [(300, Some(500)), (330, None)], "nothing is claimed of the time between");
    }
}
