//! Lines that break, stall and are told to slow down while a table is copied: a reader always finds a whole version, and the
//! replica ends equal.

use super::proxy::{Fault, Proxy, Request};
use super::replica::{assert_equal, bytes_of, catch_up, objects, ship_once, watched};
use super::servers::{self, Server};
use super::tables::Table;
use resilience::delta::TableRoot;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A table with a file of several parts and several commits.
fn table(folder: &tempfile::TempDir, name: &'static str) -> Table {
    let mut table = Table::by_hand(folder.path(), name);
    table.grow(8);
    table.checkpoint_late(5);
    table
}

/// Every third request meets another fault, until `most` have.
fn faults(most: usize) -> impl Fn(&Request) -> Fault + Send + Sync {
    let met = AtomicUsize::new(0);
    move |request| {
        if request.number % 3 != 1 || met.load(Ordering::SeqCst) >= most {
            return Fault::None;
        }
        match met.fetch_add(1, Ordering::SeqCst) % 6 {
            0 => Fault::CutAnswer(1_000),
            1 => Fault::CutRequest(1_500),
            2 => Fault::SlowDown,
            3 => Fault::LoseAnswer,
            4 => Fault::CutAnswer(0),
            _ => Fault::Stall,
        }
    }
}

async fn survives(source: &TableRoot, table: &Table, through: &Server, direct: &Server, prefix: &str) {
    let replica = direct.root(prefix);
    let (failed, looks) = watched(table, &replica, catch_up(source, &through.root(prefix))).await;
    println!("{failed} cycles failed, {looks} looks found a whole version");
    assert!(looks > 0);
    assert_equal(table, &replica).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_line_to_s3_breaks_in_every_way() {
    let Some(s3) = servers::s3() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = table(&folder, "breaking");
    let line = Proxy::start(s3.port, faults(18));
    let source = TableRoot::Local(table.path.clone());
    survives(&source, &table, &s3.through(line.port), &s3, "breaking").await;
    table.grow(4);
    let line = Proxy::start(s3.port, faults(9));
    survives(&source, &table, &s3.through(line.port), &s3, "breaking").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_lines_break_between_s3_and_azure() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let table = table(&folder, "between");
    catch_up(&TableRoot::Local(table.path.clone()), &s3.root("between/source")).await;
    let (here, there) = (Proxy::start(s3.port, faults(12)), Proxy::start(azure.port, faults(12)));
    let source = s3.through(here.port).root("between/source");
    survives(&source, &table, &azure.through(there.port), &azure, "between/replica").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_big_file_goes_on_where_its_line_broke() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::by_hand(folder.path(), "resumed");
    table.grow(2);
    catch_up(&TableRoot::Local(table.path.clone()), &s3.root("resumed")).await;
    let reads: Arc<Mutex<Vec<u64>>> = Arc::default();
    let seen = reads.clone();
    let line = Proxy::start(s3.port, move |request| {
        if request.method != "GET" || !request.target.contains("part-2") {
            return Fault::None;
        }
        let mut seen = seen.lock().expect("a lock");
        seen.push(request.first_byte);
        // Each answer brings two mebibytes more, then breaks: more often than any one request is tried.
        if seen.len() <= 9 { Fault::CutAnswer(2 << 20) } else { Fault::None }
    });
    let source = s3.through(line.port).root("resumed");
    let shipped = ship_once(&source, &azure.root("resumed"), None).await;
    assert!(shipped.is_ok(), "{shipped:?}");
    assert_equal(&table, &azure.root("resumed")).await;
    let reads = reads.lock().expect("a lock").clone();
    assert!(reads.len() >= 10 && reads.is_sorted(), "{reads:?}");
    assert!(reads.last().is_some_and(|first| *first > 12 << 20), "it began anew: {reads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_whose_answer_is_lost_is_known_as_our_own() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let table = table(&folder, "lost");
    for server in [s3, azure] {
        let lost = Arc::new(AtomicUsize::new(0));
        let counted = lost.clone();
        let line = Proxy::start(server.port, move |request| {
            // The store takes the commit, and no one hears of it.
            if request.is_conditional && counted.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                Fault::LoseAnswer
            } else {
                Fault::None
            }
        });
        let source = TableRoot::Local(table.path.clone());
        let shipped = ship_once(&source, &server.through(line.port).root("lost"), None).await;
        let shipped = shipped.expect("a lost answer is no failure").expect("a shipment");
        assert_eq!(shipped.commits.len() as i64, table.version() + 1);
        assert!(lost.load(Ordering::SeqCst) > 8, "answers were lost");
        assert_equal(&table, &server.root("lost")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_commit_of_somebody_elses_is_never_taken_for_our_own() {
    let Some(s3) = servers::s3() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::by_hand(folder.path(), "split");
    table.grow(1);
    let source = TableRoot::Local(table.path.clone());
    let replica = s3.root("split");
    catch_up(&source, &replica).await;
    table.grow(1);
    let TableRoot::Remote { store, prefix, .. } = &replica else { panic!("a store") };
    let key = prefix.clone().join("_delta_log").join(format!("{:020}.json", table.version()));
    object_store::ObjectStoreExt::put(&**store, &key, "{\"commitInfo\":{}}\n".into()).await.expect("a put");
    let fault = ship_once(&source, &replica, None).await.expect_err("a split brain");
    assert_eq!(fault.class, resilience::domain::ErrorClass::SplitBrain);
    let kept = bytes_of(&replica, &format!("_delta_log/{:020}.json", table.version())).await;
    assert_eq!(kept.as_deref(), Some(&b"{\"commitInfo\":{}}\n"[..]), "what somebody else wrote is left as it is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_stays_away_is_named_in_a_sentence() {
    let Some(s3) = servers::s3() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::by_hand(folder.path(), "away");
    table.grow(1);
    let line = Proxy::start(s3.port, |request| if request.method == "PUT" { Fault::SlowDown } else { Fault::None });
    let fault = ship_once(&TableRoot::Local(table.path.clone()), &s3.through(line.port).root("away"), None).await;
    let fault = fault.expect_err("nothing can be written");
    assert!(fault.class.is_transient() && fault.message.contains("SlowDown"), "{fault}");
    assert!(!fault.message.contains('<') && fault.message.contains("s3://lake/away"), "{fault}");
    assert_eq!(objects(&s3.root("away")).await.len(), 0, "nothing half is seen");
}
