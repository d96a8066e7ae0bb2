//! Damaged, lying and absurd logs: whatever they hold, reading, shipping and comparing a table ends soon, panics nowhere and
//! takes little memory.
//!
//! `FUZZ_SECONDS=3600` goes on for an hour, `FUZZ_SEED=N` says with which number to begin, `FUZZ_CASES=N` how many to try.
//! `FUZZ_KEEP=folder` keeps the tables of cases that went wrong there, and `FUZZ_TABLE=folder` tries one of them alone.
//! `FUZZ_TRACE=1` says where a large piece of memory was asked for.

#[path = "fuzz_log/allocator.rs"]
mod allocator;
#[path = "fuzz_log/mutate.rs"]
mod mutate;
#[path = "fuzz_log/seeds.rs"]
mod seeds;

use rand::SeedableRng;
use rand::rngs::StdRng;
use resilience::delta::*;
use resilience::domain::ObjectStatus;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Memory that one case may take.
const MEMORY: usize = 512 << 20;
/// How long one case may take.
const TIME: Duration = Duration::from_secs(60);
/// Cases of an ordinary run.
const CASES: u64 = 150;

static JUDGING: AtomicBool = AtomicBool::new(false);
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What came of one case: its table's class, or how it was read.
async fn judge(source: &Path, replica: &Path) -> Result<String, String> {
    let (source, replica) = (TableRoot::Local(source.to_owned()), TableRoot::Local(replica.to_owned()));
    let named = |fault: TableFault| match fault.error() {
        DeltaError::Interrupted { .. } => Err(format!("a worker ended: {fault}")),
        _ if fault.message.is_empty() => Err("a fault without a sentence".to_owned()),
        _ => Ok(format!("{:?}", fault.class)),
    };
    let unread = |fault: TableFault| match fault.error() {
        DeltaError::Interrupted { .. } => Some(format!("a worker ended: {fault}")),
        _ => None,
    };
    for fault in [
        latest(&source).await.err(),
        commits_since(&source, 0).await.err(),
        newest_whole_version(&source).await.err(),
        named_files(&source).await.err(),
        oldest_version(&source).await.err(),
        common_version(&source, &replica).await.err(),
    ] {
        if let Some(wrong) = fault.and_then(unread) {
            return Err(wrong);
        }
    }
    let shipment = match plan(PlanRequest::new(&source, &replica, None)).await {
        Ok(Plan::Ship(shipment)) => shipment,
        Ok(Plan::UpToDate(_)) => return Ok("up to date".to_owned()),
        Err(fault) => return named(fault),
    };
    let shipped = match ship(vec![*shipment], &Transfer::default()).await.remove(0) {
        Ok(shipped) => shipped,
        Err(fault) => return named(fault),
    };
    let options = CompareOptions { up_to: None, depth: Depth::Source };
    let compared = compare(&source, &replica, &Kept::default(), options).await;
    // A feature that is not known is shipped and named.
    if !matches!(compared.status, ObjectStatus::InSync | ObjectStatus::Unverifiable) {
        return Err(format!("what arrived is not what was sent: {compared:?}"));
    }
    match plan(PlanRequest::new(&source, &replica, Some(&shipped.position))).await {
        Ok(Plan::UpToDate(_)) => Ok("arrived".to_owned()),
        Ok(Plan::Ship(_)) => Err("what arrived is sent again".to_owned()),
        Err(fault) => Err(format!("what arrived is refused: {fault}")),
    }
}

#[test]
fn no_log_ends_more_than_its_own_table() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let keep = std::env::var_os("FUZZ_KEEP").map(std::path::PathBuf::from);
    if let Some(table) = std::env::var_os("FUZZ_TABLE") {
        let replica = tempfile::tempdir().expect("a folder");
        let base = allocator::begin();
        let verdict = runtime.block_on(judge(Path::new(&table), &replica.path().join("replica")));
        eprintln!("{verdict:?} with {} MiB", allocator::peak().saturating_sub(base) >> 20);
        return;
    }
    let home = if Path::new("/dev/shm").is_dir() { Path::new("/dev/shm").to_owned() } else { std::env::temp_dir() };
    let home = tempfile::tempdir_in(home).expect("a folder");
    let tables = seeds::tables(home.path());
    for (at, table) in tables.iter().enumerate() {
        let verdict = runtime.block_on(judge(table, &home.path().join(format!("replica-{at}"))));
        assert_eq!(verdict.as_deref(), Ok("arrived"), "{} as it was made", table.display());
    }
    let first =
        number("FUZZ_SEED").unwrap_or_else(|| number("FUZZ_SECONDS").map_or(1, |_| rand::random::<u32>().into()));
    let until = number("FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let cases = number("FUZZ_CASES").unwrap_or(if until.is_some() { u64::MAX } else { CASES });

    // A case that hangs can only be told from outside.
    let running = Arc::new(AtomicU64::new(first));
    let watched = running.clone();
    std::thread::spawn(move || {
        let (mut case, mut since) = (first, Instant::now());
        loop {
            std::thread::sleep(Duration::from_secs(1));
            match watched.load(Ordering::SeqCst) {
                now if now != case => (case, since) = (now, Instant::now()),
                _ if since.elapsed() > TIME => {
                    eprintln!("case {case} takes more than {TIME:?}");
                    std::process::abort();
                }
                _ => {}
            }
        }
    });

    std::panic::set_hook(Box::new(|panic| {
        if !JUDGING.load(Ordering::SeqCst) {
            eprintln!("{panic}");
        }
        let mut panics = PANICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        panics.push(panic.to_string());
    }));
    let mut verdicts: BTreeMap<String, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    let (mut most, mut slowest) = (0, Duration::ZERO);
    let mut done = 0;
    for case in first..first.saturating_add(cases) {
        if until.is_some_and(|until| Instant::now() > until) {
            break;
        }
        running.store(case, Ordering::SeqCst);
        let mut random = StdRng::seed_from_u64(case);
        let folder = home.path().join(format!("case-{case}"));
        let (source, replica) = (folder.join("source"), folder.join("replica"));
        let what = mutate::copy_and_change(&tables, &source, &mut random);
        let begun = Instant::now();
        let base = allocator::begin();
        JUDGING.store(true, Ordering::SeqCst);
        let verdict = runtime.block_on(judge(&source, &replica));
        JUDGING.store(false, Ordering::SeqCst);
        let taken = allocator::peak().saturating_sub(base);
        (most, slowest) = (most.max(taken), slowest.max(begun.elapsed()));
        done += 1;
        let panics = std::mem::take(&mut *PANICS.lock().expect("no panic holds it"));
        let own = panics.iter().find(|panic| !panic.contains(".cargo/registry") && !panic.contains("/rustc/"));
        let mut fail = |detail: String| {
            eprintln!("case {case} ({what}): {detail}");
            wrong.push(case);
        };
        match verdict {
            Ok(verdict) => *verdicts.entry(verdict).or_default() += 1,
            Err(detail) => fail(detail),
        }
        if let Some(panic) = own {
            fail(panic.clone());
        }
        if panics.len() > usize::from(own.is_some()) {
            *verdicts.entry("a panic of a library, caught".to_owned()).or_default() += 1;
            if number("FUZZ_TRACE").is_some() {
                eprintln!("case {case} ({what}): {panics:?}");
            }
        }
        if taken > MEMORY {
            fail(format!("it took {} MiB of memory", taken >> 20));
        }
        if wrong.last() == Some(&case)
            && let Some(keep) = &keep
        {
            mutate::keep(&source, &keep.join(format!("case-{case}")));
        }
        let _ = std::fs::remove_dir_all(&folder);
    }
    let _ = std::panic::take_hook();
    eprintln!("{done} cases from {first} on: {verdicts:?}; at most {} MiB and {slowest:?}", most >> 20);
    assert!(wrong.is_empty(), "cases {wrong:?} went wrong");
}
