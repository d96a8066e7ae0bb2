//! Spark as the copy engine: real jobs between a disk and real stores.
//!
//! `packaging/test.sh` installs Spark and names its `spark-submit` in `SPARK_SUBMIT`; its Python lies beside it.

use super::replica::{assert_equal, catch_up};
use super::servers::{self, Server};
use super::tables::Table;
use chrono::{TimeDelta, Utc};
use resilience::delta::{
    Plan, PlanRequest, Shipped, Spark, SparkOptions, TableFault, TableRoot, Transfer, TransferLimits, plan, ship,
};
use resilience::domain::{ErrorClass, TransferLimit};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn options() -> Option<SparkOptions> {
    let Some(submit) = std::env::var_os("SPARK_SUBMIT").filter(|path| !path.is_empty()).map(PathBuf::from) else {
        println!("did not run: SPARK_SUBMIT names no spark-submit; packaging/test.sh installs one");
        return None;
    };
    let python = submit.with_file_name("python");
    let options = SparkOptions { submit, master: "local[2]".to_owned(), python: Some(python), properties: None };
    Some(options.found().expect("a whole installation"))
}

async fn ship_by(spark: &Arc<Spark>, from: &TableRoot, to: &TableRoot, rate: &str) -> Result<Shipped, TableFault> {
    let limit = TransferLimit { bulk_from: 1, bandwidth: rate.parse().ok(), ..TransferLimit::default() };
    let limits = Arc::new(TransferLimits::new(limit));
    let transfer = Transfer { bulk: Some(spark.clone()), limits, ..Transfer::default() };
    match plan(PlanRequest::new(from, to, None)).await? {
        Plan::Ship(shipment) => ship(vec![*shipment], &transfer).await.remove(0),
        Plan::UpToDate(_) => panic!("something to ship"),
    }
}

fn table(folder: &Path) -> Table {
    let mut table = Table::by_hand(folder, "bulk");
    table.append("p=a b/odd %25 name.parquet", 70_000);
    table.grow(4);
    table
}

/// Command lines and environments that are seen while `work` runs and mention `mark`, by process.
async fn watched<T>(mark: &Path, work: impl Future<Output = T>) -> (T, String, BTreeSet<i32>) {
    let done = Arc::new(AtomicBool::new(false));
    let (until, mark) = (done.clone(), mark.display().to_string());
    let watcher = std::thread::spawn(move || {
        let (mut text, mut seen) = (String::new(), BTreeSet::new());
        while !until.load(Ordering::Relaxed) {
            for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                let read = |name| {
                    String::from_utf8_lossy(&std::fs::read(entry.path().join(name)).unwrap_or_default()).into_owned()
                };
                let line = read("cmdline");
                let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                if line.contains(&mark) {
                    seen.insert(id);
                    text.push_str(&line);
                    text.push_str(&read("environ"));
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        (text, seen)
    });
    let result = work.await;
    done.store(true, Ordering::Relaxed);
    let (text, seen) = watcher.join().expect("the watcher");
    (result, text, seen)
}

async fn goes(from: &Server, to: &Server, prefix: &str) {
    let Some(options) = options() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let table = table(folder.path());
    let (source, replica) = (from.root(&format!("{prefix}/source")), to.root(&format!("{prefix}/replica")));
    assert_eq!(catch_up(&TableRoot::Local(table.path.clone()), &source).await, 0);
    let jobs = folder.path().join("jobs");
    let spark = Arc::new(Spark::new(options, &jobs));
    let work = ship_by(&spark, &source, &replica, "");
    let (shipped, lines, _) = watched(&jobs, work).await;
    let shipped = shipped.expect("a shipment");
    assert_equal(&table, &replica).await;
    let last = spark.view().last.expect("a job");
    assert_eq!(last.error, None);
    assert!(last.files > 0 && shipped.files.len() >= last.files, "{last:?}");
    assert!(lines.contains("copy.py"), "a job ran");
    assert!(!lines.contains("hunter2") && !lines.contains("sig="), "credentials are in no argument and no variable");
    assert_eq!(std::fs::read_dir(&jobs).expect("the folder").count(), 0, "nothing of the job is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spark_copies_from_s3_to_azure() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    goes(&s3, &azure, "spark").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_end_are_asked_for_again() {
    let Some(s3) = servers::s3() else { return };
    let Some(options) = options() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let table = table(folder.path());
    let asked = Arc::new(AtomicUsize::new(0));
    let TableRoot::Remote { store, prefix, uri, home, login: Some(login) } = s3.root("spark-renewed") else {
        panic!("a store")
    };
    let counted = asked.clone();
    let renewed = Arc::new(move || {
        let first = counted.fetch_add(1, Ordering::Relaxed) == 0;
        let login = login.clone();
        Box::pin(async move {
            // No file is begun in the last two minutes, and a job takes longer than a second to start.
            let life = if first { TimeDelta::seconds(121) } else { TimeDelta::hours(1) };
            login()
                .await
                .map(|login| resilience::wire::store_login::StoreLogin { until: Some(Utc::now() + life), ..login })
        }) as futures::future::BoxFuture<'static, _>
    });
    let replica = TableRoot::Remote { store, prefix, uri, home, login: Some(renewed) };
    let spark = Arc::new(Spark::new(options, &folder.path().join("jobs")));
    ship_by(&spark, &TableRoot::Local(table.path.clone()), &replica, "").await.expect("a shipment");
    assert_equal(&table, &replica).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2, "once for each submission");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_job_leaves_whole_files_or_none_and_the_next_cycle_goes_on() {
    let Some(options) = options() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let table = table(folder.path());
    let (source, path) = (TableRoot::Local(table.path.clone()), folder.path().join("replica"));
    let replica = TableRoot::Local(path.clone());
    let jobs = folder.path().join("jobs");
    let spark = Arc::new(Spark::new(options.clone(), &jobs));
    let begun = path.clone();
    let (mark, killed) = (jobs.clone(), Arc::new(AtomicBool::new(false)));
    let told = killed.clone();
    let killer = std::thread::spawn(move || {
        let start = Instant::now();
        // As soon as a file is being written.
        while start.elapsed() < Duration::from_secs(120) {
            let writing = walk(&begun).iter().any(|file| is_staged(file));
            if writing {
                let mark = mark.display().to_string();
                for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                    let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let id = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
                    if let (true, Some(id)) = (String::from_utf8_lossy(&line).contains(&mark), id) {
                        let _ = std::process::Command::new("kill").args(["-9", &id.to_string()]).status();
                    }
                }
                told.store(true, Ordering::Relaxed);
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let fault = ship_by(&spark, &source, &replica, "1MiB/s").await.expect_err("a killed job");
    killer.join().expect("the killer");
    assert!(killed.load(Ordering::Relaxed));
    assert_eq!(fault.class, ErrorClass::StorageFailure, "{fault}");
    assert!(fault.message.contains("Spark"), "{fault}");
    for file in walk(&path).iter().filter(|file| !is_staged(file)) {
        let rel = file.strip_prefix(&path).expect("below it");
        assert_eq!(std::fs::read(file).expect("read"), std::fs::read(table.path.join(rel)).expect("read"), "{rel:?}");
        assert!(!rel.starts_with("_delta_log"), "no commit without its files: {rel:?}");
    }
    // Another engine, which has no failed job to wait for.
    let spark = Arc::new(Spark::new(options, &jobs));
    ship_by(&spark, &source, &replica, "").await.expect("a shipment");
    for file in walk(&table.path) {
        let rel = file.strip_prefix(&table.path).expect("below it");
        assert_eq!(std::fs::read(path.join(rel)).ok(), std::fs::read(&file).ok(), "{rel:?}");
    }
}

fn is_staged(file: &Path) -> bool {
    file.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.'))
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out
}
