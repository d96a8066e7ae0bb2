//! A process that copies into a store is killed at one request after the other.

use super::proxy::{Fault, Proxy};
use super::replica::{assert_equal, assert_whole, catch_up};
use super::servers;
use super::tables::Table;
use resilience::delta::TableRoot;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const CHILD: &str = "STORES_TEST_CHILD";

/// Runs only as the child of the test below.
#[test]
fn copies_until_killed() {
    let Ok(text) = std::env::var(CHILD) else { return };
    let (path, port) = text.rsplit_once(' ').expect("a path and a port");
    let server = servers::s3_at(port.parse().expect("a port"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(catch_up(&TableRoot::Local(path.into()), &server.root("killed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_at_any_request_leaves_a_whole_version_and_the_next_one_goes_on() {
    let Some(s3) = servers::s3() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::by_hand(folder.path(), "killed");
    table.grow(14);
    let (mut kills, mut seen) = (0, None);
    for at in 0.. {
        // Held while the child starts, so that no request passes before it can be killed.
        let child: Arc<Mutex<Option<Child>>> = Arc::default();
        let (victim, puts) = (child.clone(), AtomicUsize::new(0));
        let line = Proxy::start(s3.port, move |request| {
            if request.method == "PUT" && puts.fetch_add(1, Ordering::SeqCst) == 1 + at % 5 {
                let mut victim = victim.lock().expect("a lock");
                let killed = victim.as_mut().is_some_and(|child| child.kill().is_ok());
                assert!(killed);
                // The store gets the request anyway, or half of it.
                return if at % 2 == 0 { Fault::LoseAnswer } else { Fault::CutRequest(700) };
            }
            Fault::None
        });
        {
            let mut slot = child.lock().expect("a lock");
            let mut command = Command::new(std::env::current_exe().expect("this test"));
            command.args(["--exact", "stores::kills::copies_until_killed"]);
            command.env(CHILD, format!("{} {}", table.path.display(), line.port));
            *slot = Some(command.stdout(Stdio::null()).spawn().expect("a child"));
        }
        let waited = loop {
            let ended = child.lock().expect("a lock").as_mut().expect("a child").try_wait().expect("a child");
            match ended {
                Some(status) => break status,
                None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        };
        let now = assert_whole(&table, &s3.root("killed")).await;
        assert!(now >= seen, "the replica went back from {seen:?} to {now:?}");
        seen = now;
        if waited.success() {
            break;
        }
        kills += 1;
        assert!(kills < 60, "it never ends");
    }
    println!("killed {kills} times");
    assert!(kills >= 5);
    catch_up(&TableRoot::Local(table.path.clone()), &s3.root("killed")).await;
    assert_equal(&table, &s3.root("killed")).await;
}
