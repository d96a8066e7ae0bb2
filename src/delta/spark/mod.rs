//! Spark as the copy engine: one job of `spark-submit` for the files of a big shipment.

mod folder;
mod options;
mod process;
mod said;
mod view;

use super::bulk::{BulkCopy, BulkJob, BulkOutcome};
use super::{HandOut, TableRoot};
use crate::wire::store_login::StoreLogin;
use chrono::{DateTime, TimeDelta, Utc};
use folder::JobFolder;
pub use options::SparkOptions;
use process::{Ended, Submitted};
use said::{Said, SaidOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};
pub use view::{SparkJobEnd, SparkRunning, SparkView};

/// The first pause after a failed job, doubled each time: the start of a job costs seconds of a processor.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// No file is begun so shortly before its credentials end.
const MARGIN: TimeDelta = TimeDelta::minutes(2);
/// Between two looks at a job.
const LOOK: Duration = Duration::from_millis(100);

/// Which program copies the files of big shipments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CopyEngine {
    /// This one.
    #[default]
    Own,
    /// Spark.
    Spark(SparkOptions),
}

/// Runs jobs, one at a time.
pub struct Spark {
    options: SparkOptions,
    /// Where the folders of jobs are made; only its owner can open it.
    folder: PathBuf,
    state: Mutex<State>,
    one: Mutex<()>,
}

#[derive(Default)]
struct State {
    view: SparkView,
    failures: u32,
    /// Until then no job is started.
    again: Option<Instant>,
}

impl std::fmt::Debug for Spark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Spark").field(&self.options).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Spark {
    /// An engine whose jobs get folders below `folder`; what killed jobs left there is removed.
    pub fn new(options: SparkOptions, folder: &Path) -> Self {
        // A job that still runs ends by itself when its folder is gone.
        let _ = std::fs::remove_dir_all(folder);
        let view = SparkView { master: options.master.clone(), ..SparkView::default() };
        let state = Mutex::new(State { view, ..State::default() });
        Self { options, folder: folder.to_owned(), state, one: Mutex::default() }
    }

    /// What runs and what came of the last job.
    pub fn view(&self) -> SparkView {
        lock(&self.state).view.clone()
    }

    fn ended(&self, files: usize, bytes: u64, begun: DateTime<Utc>, result: &Result<(), String>) {
        let mut state = lock(&self.state);
        state.view.running = None;
        let error = result.as_ref().err().cloned();
        state.failures = if error.is_some() { state.failures.saturating_add(1) } else { 0 };
        state.again = error.is_some().then(|| {
            let factor = 1_u32 << (state.failures - 1).min(8);
            Instant::now() + FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
        });
        state.view.last = Some(SparkJobEnd { begun, ended: Utc::now(), files, bytes, error });
    }

    /// Runs one submission over `files`, which are numbers of the job's in order; gives back those whose turn didn't come before their
    /// credentials ended.
    fn submit(
        &self,
        job: &BulkJob,
        files: &[usize],
        said: &mut dyn FnMut(usize, BulkOutcome),
    ) -> Result<Vec<usize>, String> {
        let logins = Logins::ask(job, files)?;
        let folder = JobFolder::make(&self.folder, job, files, &logins.by_end, logins.deadline())
            .map_err(|error| format!("Couldn't write the job's folder in {}: {error}", self.folder.display()))?;
        let mut submitted = Submitted::start(&self.options, &folder)?;
        let mut results = Said::new(folder.results());
        let mut late = BTreeSet::new();
        loop {
            let ended = submitted.look();
            folder.touch();
            if let Some(link) = submitted.link() {
                self.show(|running| running.link = Some(link));
            }
            // Once more after the end: what was written last.
            for (file, outcome) in results.read() {
                if files.binary_search(&file).is_err() {
                    continue;
                }
                match outcome {
                    SaidOutcome::Late => drop(late.insert(file)),
                    SaidOutcome::Known(BulkOutcome::Failed(detail)) => {
                        said(file, BulkOutcome::Failed(logins.scrub(detail)));
                    }
                    SaidOutcome::Known(outcome) => {
                        if let BulkOutcome::Copied { size, .. } | BulkOutcome::Same { size, .. } = &outcome {
                            self.show(|running| {
                                running.files_done += 1;
                                running.bytes_done += *size;
                            });
                        }
                        said(file, outcome);
                    }
                }
            }
            match ended {
                Some(Ended::Well) => return Ok(late.into_iter().collect()),
                Some(Ended::Badly(why)) => return Err(logins.scrub(why)),
                None if job.stop.load(Ordering::Relaxed) => {
                    submitted.kill();
                    return Ok(Vec::new());
                }
                None => std::thread::sleep(LOOK),
            }
        }
    }

    fn show(&self, change: impl FnOnce(&mut SparkRunning)) {
        if let Some(running) = &mut lock(&self.state).view.running {
            change(running);
        }
    }

    fn run(&self, job: &BulkJob, said: &mut dyn FnMut(usize, BulkOutcome)) -> Result<(), String> {
        let mut files: Vec<usize> = (0..job.files.len()).collect();
        let mut in_vain = 0;
        while !files.is_empty() && !job.stop.load(Ordering::Relaxed) {
            let left = self.submit(job, &files, said)?;
            // Those that were handed out the first time may have been old.
            in_vain = if left.len() == files.len() { in_vain + 1 } else { 0 };
            if in_vain > 1 {
                return Err(
                    "The credentials ended before a file was begun. Ask the region for longer ones, or add executors"
                        .to_owned(),
                );
            }
            files = left;
        }
        Ok(())
    }
}

impl BulkCopy for Spark {
    fn copy(&self, job: &BulkJob, said: &mut dyn FnMut(usize, BulkOutcome)) -> Result<(), String> {
        // Two jobs at a time would each get half of the executors and pay for two starts. One that waits is let go when a
        // failover or the end of the program asks for it: the other job may take hours.
        let _one = loop {
            match self.one.try_lock() {
                Ok(turn) => break turn,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if job.stop.load(Ordering::Relaxed) => return Ok(()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
            }
        };
        let bytes = job.files.iter().fold(0, |sum, file| u64::saturating_add(sum, file.size));
        {
            let mut state = lock(&self.state);
            let last = state.view.last.as_ref().and_then(|last| last.error.clone());
            if let (Some(again), Some(error)) = (state.again, last)
                && let Some(wait) = again.checked_duration_since(Instant::now())
            {
                return Err(format!("{error}. The next job starts in {} s at the earliest", wait.as_secs() + 1));
            }
            state.view.running = Some(SparkRunning::new(job.files.len(), bytes));
        }
        let begun = Utc::now();
        let result = self.run(job, said);
        self.ended(job.files.len(), bytes, begun, &result);
        result
    }

    fn disbelieve(&self, why: &str) {
        if let Some(last) = &mut lock(&self.state).view.last {
            last.error = Some(why.to_owned());
        }
    }
}

/// The logins of one submission.
struct Logins {
    /// By table and whether it's the target.
    by_end: BTreeMap<(usize, bool), StoreLogin>,
}

impl Logins {
    fn ask(job: &BulkJob, files: &[usize]) -> Result<Self, String> {
        let tables: BTreeSet<usize> =
            files.iter().filter_map(|file| job.files.get(*file)).map(|file| file.table).collect();
        let handle = tokio::runtime::Handle::try_current().map_err(|error| error.to_string())?;
        let mut by_end = BTreeMap::new();
        for table in tables {
            let Some((source, target)) = job.tables.get(table) else { continue };
            for (root, is_target) in [(source, false), (target, true)] {
                if let TableRoot::Remote { login: Some(login), .. } = root {
                    let login: &HandOut = login;
                    by_end.insert((table, is_target), handle.block_on(login())?);
                }
            }
        }
        Ok(Self { by_end })
    }

    /// When no file is begun any more.
    fn deadline(&self) -> Option<DateTime<Utc>> {
        self.by_end.values().filter_map(|login| login.until).min().map(|until| until - MARGIN)
    }

    /// A text of Spark's without any of the values that it was told: an error of a store may name the URL that was asked.
    fn scrub(&self, text: String) -> String {
        /// Shorter values are words such as `true`, which are no secrets.
        const SHORTEST: usize = 8;
        let mut text = text;
        for value in self.by_end.values().flat_map(|login| login.options.values()) {
            let value = value.expose();
            let parts =
                std::iter::once(value).chain(value.split('&').map(|pair| pair.split_once('=').map_or(pair, |p| p.1)));
            for part in parts.filter(|part| part.len() >= SHORTEST) {
                text = text.replace(part, "…");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn a_job_that_waits_for_its_turn_can_be_stopped() {
        let dir = tempfile::tempdir().expect("a folder");
        let options =
            SparkOptions { submit: "spark-submit".into(), master: "local[1]".into(), python: None, properties: None };
        let spark = Arc::new(Spark::new(options, &dir.path().join("jobs")));
        let running = lock(&spark.one);
        let stop = Arc::new(AtomicBool::new(false));
        let job = BulkJob { tables: Vec::new(), files: Vec::new(), stop: stop.clone(), bytes_per_second: None };
        let (waits, (told, ended)) = (spark.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || told.send(waits.copy(&job, &mut |_, _| {})));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(Ok(())));
        assert!(spark.view().running.is_none());
        drop(running);
    }
}
