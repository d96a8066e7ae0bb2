//! A clock that is wrong, and what is put right once it isn't any more.

use super::support::{catalogs, engine_with_clock, spec, until, until_active};
use chrono::TimeDelta;
use resilience::domain::{Clock, GroupId, SystemClock, Timestamp};
use resilience::runtime::Engine;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The machine's clock, put ahead or back.
#[derive(Default)]
struct Shifted(AtomicI64);

impl Shifted {
    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        SystemClock.now() + TimeDelta::seconds(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

/// How far each region's clock is said to be ahead of this machine's.
fn skews(engine: &Engine) -> Vec<Option<i64>> {
    engine.control().view().regions.iter().map(|region| region.clock_skew_s).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_clock_that_was_two_hours_ahead_claimed_is_withdrawn_when_it_is_set_right() {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(Shifted::default());
    clock.set(7_200);
    // Writers use the same clock, so commits are timed ahead too, and stay so.
    let engine = engine_with_clock(dir.path(), 0.0, clock.clone()).await;
    let scope = catalogs(&engine).await;
    let scope: Vec<&str> = scope.iter().map(String::as_str).collect();
    engine.control().create_group("ada", spec(&engine, "core", &scope), false).await.expect("created");
    until_active(&engine, "core").await;
    let ahead = until(&engine, "core", |group| group.replication_point.is_some()).await.replication_point;
    assert!(ahead > Some(SystemClock.now() + TimeDelta::hours(1)), "{ahead:?}");
    // The regions' calls are answered by the same clock, and the machine's own is right.
    let two_hours = |skew: &Option<i64>| skew.is_some_and(|seconds| (seconds - 7_200).abs() <= 1);
    until(&engine, "core", |_| skews(&engine).iter().all(two_hours)).await;

    clock.set(0);
    let is_true = |point: Option<Timestamp>| point.is_some_and(|point| point <= SystemClock.now());
    until(&engine, "core", |group| is_true(group.replication_point)).await;
    let view = engine.control().view();
    let withdrawn = view.activity.iter().find(|line| line.action == "replication_point.withdraw").expect("a line");
    assert!(withdrawn.message.contains("was withdrawn") && withdrawn.at <= SystemClock.now(), "{withdrawn:?}");
    let told = view.clock_move.expect("the screen says so").to_string();
    assert!(told.starts_with("This machine's clock jumped 2 h back at "), "{told}");
    until(&engine, "core", |_| skews(&engine).iter().all(Option::is_none)).await;

    // Everything that arrived is found, in the time as it is now, and after a restart too.
    let id = GroupId::new("core").expect("an id");
    for asked in [SystemClock.now(), SystemClock.now() + TimeDelta::hours(3)] {
        let report = engine.control().point(&id, asked).await.expect("read back");
        assert!(report.is_held() && is_true(report.point), "{report:#?}");
        let view = engine.control().view();
        let group = view.groups.iter().find(|view| view.group.spec.id == id).expect("the group");
        for table in &report.tables {
            let arrived = group.objects.iter().find(|object| object.name == table.name).and_then(|o| o.replica_version);
            assert_eq!(table.version, arrived, "{}", table.name);
        }
    }
    engine.stop().await;
    let again = engine_with_clock(dir.path(), 0.0, clock).await;
    let report = again.control().point(&id, SystemClock.now()).await.expect("read back");
    assert!(report.is_held() && is_true(report.point), "{report:#?}");
    again.stop().await;
}
