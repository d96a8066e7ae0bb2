//! The window on a running engine with its sandbox, driven by the names that a screen reader would say.

use crate::desk::Desk;
use crate::support::{self, left_by_force};
use resilience::control::{AlertTimes, ControlSettings};
use resilience::domain::SystemClock;
use resilience::runtime::{DataDir, EngineOptions, RuntimeThread, SandboxSource};
use std::path::Path;
use std::sync::Arc;

/// A window on a runtime of its own.
pub struct Live {
    pub desk: Desk,
    pub runtime: RuntimeThread,
}

impl Live {
    /// Opens the window on the data dir below `dir`.
    pub fn open(dir: &Path) -> Self {
        let options = EngineOptions {
            sandbox: SandboxSource { commits_per_second: Some(0.0), seed: 7, ..SandboxSource::default() },
            // The webhook of a test is on this machine.
            control: ControlSettings {
                alerts: AlertTimes { private_webhooks: true, ..AlertTimes::default() },
                ..ControlSettings::default()
            },
            ..EngineOptions::default()
        };
        let data_dir = DataDir::hold(&dir.join("data")).expect("the data dir is free");
        let (runtime, notices) =
            RuntimeThread::start(data_dir, options, Arc::new(SystemClock), || {}).expect("the runtime starts");
        let desk = Desk::live(&runtime, notices);
        Self { desk, runtime }
    }

    /// Draws until `done`, and panics with what is there after a minute.
    pub fn until(&mut self, what: &str, done: impl Fn(&Desk) -> bool) {
        self.desk.until(what, done);
    }

    /// Waits until something can be pressed, and presses it.
    pub fn click(&mut self, label: &str) {
        self.until(label, |desk| desk.can_press(label));
        self.desk.click(label);
    }
}

/// Runs `work` on an engine in `dir`, which is stopped then.
pub fn prepared<F: Future<Output = ()>>(dir: &Path, work: impl FnOnce(Arc<resilience::runtime::Engine>) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let engine = Arc::new(support::engine(dir, 0.0).await);
        work(engine.clone()).await;
        Arc::into_inner(engine).expect("no one else has it").stop().await;
    });
}

#[test]
fn what_a_forced_failover_left_is_appended_by_clicking() {
    let dir = tempfile::tempdir().expect("a folder");
    prepared(dir.path(), |engine| async move { left_by_force(&engine).await });
    let mut live = Live::open(dir.path());
    live.click("core, ACTIVE");
    let lines = live.runtime.snapshots.borrow().account.groups[0].salvage.clone();
    live.click(&format!("Left behind {}", lines.len()));
    let mut appended = false;
    for line in lines.iter() {
        live.click(&format!("Recover {}…", line.table));
        live.until("rows", |desk| desk.shows("rows") && desk.shows("Commits in us-east-1"));
        let versions = (0..60).map(|version| format!("Version {version}"));
        let versions: Vec<String> = versions.filter(|label| live.desk.can_press(label)).collect();
        for version in versions {
            live.desk.click(&version);
            // What lies below moves when they arrive.
            live.until("its rows", |desk| !desk.shows("Reading rows…"));
            if live.desk.can_press("Append to the live table") {
                live.desk.click("Append to the live table");
                live.click("Append 1 commit");
                live.until("the answer", |desk| desk.shows(&format!("{} has version", line.table)));
                appended = true;
                break;
            }
        }
        if appended {
            live.until("the line", |desk| desk.shows(", Appended"));
            break;
        }
        live.desk.click("Close");
    }
    assert!(appended, "one of the commits fits");
}
