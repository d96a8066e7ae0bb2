//! The jobs: each one that is not paused commits to its tables while its compute runs.

use super::SandboxError;
use super::records::Kind;
use super::region::Region;
use super::unity_catalog::{folder_of, table_credentials};
use super::workspace::{Target, targets};
use super::writer::{Committed, Durability, TableWriter};
use crate::wire::unity_catalog::{OPERATION_READ_WRITE, TableInfo, TemporaryTableCredentialsRequest};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Commits that are written at the same time, at most.
const MOST_AT_ONCE: usize = 4;
/// A job whose commit was refused or failed is tried again after this long.
const RETRY: Duration = Duration::from_secs(1);
/// How often an idle sandbox looks whether a job has something to do.
const IDLE: Duration = Duration::from_millis(50);

/// Region and table.
type Seat = (String, String);
type SharedWriter = Arc<Mutex<TableWriter>>;

/// Writers of tables, kept between commits: they remember what they wrote.
#[derive(Debug, Default)]
pub(super) struct Writers {
    open: Mutex<HashMap<(Seat, PathBuf), SharedWriter>>,
    seed: u64,
}

impl Writers {
    pub fn new(seed: u64) -> Self {
        Self { open: Mutex::default(), seed }
    }

    fn of(&self, region: &Region, table: &str, folder: PathBuf) -> SharedWriter {
        let seat = (region.name().to_owned(), table.to_owned());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A table that was dropped and made elsewhere is another one.
        open.retain(|(known, at), _| *known != seat || *at == folder);
        open.entry((seat, folder.clone()))
            .or_insert_with(|| {
                let writer = TableWriter::new(folder, region.folder.join("tmp"), self.seed, table);
                Arc::new(Mutex::new(writer.with(Durability::Now)))
            })
            .clone()
    }

    /// Makes one commit to a table, as a job does: after asking the region for credentials to write.
    pub fn commit(&self, region: &Region, table: &str) -> Result<Committed, SandboxError> {
        let unknown = || SandboxError::UnknownTable { region: region.name().to_owned(), table: table.to_owned() };
        let info: TableInfo = region.records.get(Kind::Table, table).ok_or_else(unknown)?;
        let wanted = TemporaryTableCredentialsRequest {
            table_id: info.table_id.ok_or_else(unknown)?,
            operation: OPERATION_READ_WRITE.to_owned(),
        };
        let given = table_credentials(region, &wanted).map_err(|refusal| SandboxError::refused(region, refusal))?;
        let folder = given.url.as_deref().and_then(folder_of).ok_or_else(unknown)?;
        let writer = self.of(region, table, folder);
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = writer.commit(region.now_ms())?;
        region.commits.fetch_add(1, Ordering::Relaxed);
        fail::fail_point!("sandbox.after_commit");
        Ok(committed)
    }
}

/// Commits for one target if its job still runs when the gate opens. None: it doesn't any more.
fn run_once(writers: &Writers, region: &Region, target: &Target) -> Result<Option<Committed>, SandboxError> {
    let _gate = region.commit_gate.read();
    region.commit_begins(target.job_id, &target.compute);
    let result = if region.is_up() && targets(region).contains(target) {
        writers.commit(region, &target.table).map(Some)
    } else {
        Ok(None)
    };
    region.commit_ended(target.job_id, &target.compute);
    result
}

/// Runs the jobs of all regions, together so many commits a second, until `stop` turns true.
pub(super) async fn run(
    regions: Vec<Arc<Region>>,
    writers: Arc<Writers>,
    a_second: f64,
    mut stop: watch::Receiver<bool>,
) {
    if a_second <= 0.0 {
        return;
    }
    let period = Duration::from_secs_f64((1.0 / a_second).clamp(0.000_1, 3_600.0));
    let mut running = JoinSet::new();
    let mut busy: HashSet<Seat> = HashSet::new();
    let mut failing: HashMap<Seat, Instant> = HashMap::new();
    let mut turn = 0usize;
    let mut next = Instant::now();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(ended) = running.join_next() => {
                if let Ok((seat, result)) = ended {
                    busy.remove(&seat);
                    note(&mut failing, seat, result);
                }
                continue;
            }
            () = tokio::time::sleep_until(next), if running.len() < MOST_AT_ONCE => {}
        }
        let now = Instant::now();
        let mut candidates = regions
            .iter()
            .filter(|region| region.is_up())
            .flat_map(|region| targets(region).into_iter().map(move |target| (region.clone(), target)))
            .collect::<Vec<_>>();
        let count = candidates.len();
        candidates.rotate_left(turn % count.max(1));
        let chosen = candidates.into_iter().enumerate().find(|(_, (region, target))| {
            let seat = (region.name().to_owned(), target.table.clone());
            !busy.contains(&seat) && failing.get(&seat).is_none_or(|since| *since + RETRY < now)
        });
        let Some((skipped, (region, target))) = chosen else {
            next = now + IDLE.max(period.min(RETRY));
            continue;
        };
        turn = (turn + skipped + 1) % count.max(1);
        let seat = (region.name().to_owned(), target.table.clone());
        busy.insert(seat.clone());
        let writers = writers.clone();
        running.spawn_blocking(move || (seat, run_once(&writers, &region, &target)));
        // What could not be written in time is not caught up with.
        next = (next + period).max(now.checked_sub(period * 2).unwrap_or(now));
    }
    // A commit is finished or was never begun.
    while running.join_next().await.is_some() {}
}

/// One line when a job starts to fail, one when it goes on.
fn note(failing: &mut HashMap<Seat, Instant>, seat: Seat, result: Result<Option<Committed>, SandboxError>) {
    match result {
        Ok(Some(_)) => {
            if failing.remove(&seat).is_some() {
                tracing::info!(region = seat.0, table = seat.1, "the job's commits go on");
            }
        }
        Ok(None) => {}
        Err(error) => {
            if !failing.contains_key(&seat) {
                tracing::info!(region = seat.0, table = seat.1, %error, "the job's commit failed; it is tried again");
            }
            failing.insert(seat, Instant::now());
        }
    }
}
