//! What happens by itself as time passes: a provisional failover goes back, drills start on their schedule, gates time out.

use super::support::{account_with, catalogs, spec, until, until_active};
use chrono::{TimeDelta, Timelike};
use resilience::api::ApiOptions;
use resilience::control::{ControlSettings, drill_report};
use resilience::domain::{
    Asker, Clock, Drill, DrillKind, DrillOutcome, DrillStep, FailoverKind, FailoverOrder, GroupId, GroupState, Region,
    Role, StepStatus, SystemClock, Timestamp,
};
use resilience::runtime::{DataDir, Engine, EngineOptions, SandboxSource};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

/// The machine's clock, with time that passed at once.
#[derive(Default)]
struct Passing(AtomicI64);

impl Passing {
    fn pass(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for Passing {
    fn now(&self) -> Timestamp {
        SystemClock.now() + TimeDelta::milliseconds(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic() + Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

fn core() -> GroupId {
    GroupId::new("core").expect("an id")
}

async fn with_group(dir: &Path) -> (Engine, Arc<Passing>) {
    let clock = Arc::new(Passing::default());
    let options = EngineOptions {
        sandbox: SandboxSource { commits_per_second: Some(0.0), seed: 7, ..SandboxSource::default() },
        control: ControlSettings {
            quiet_period: Duration::from_millis(150),
            drill_look: Duration::from_millis(50),
            ..ControlSettings::default()
        },
        api: Some(ApiOptions::default()),
        ..EngineOptions::default()
    };
    let data_dir = DataDir::hold(&dir.join("data")).expect("the data dir is free");
    let engine = Engine::start(data_dir, options, clock.clone()).await.expect("the runtime starts");
    let catalog = catalogs(&engine).await.swap_remove(0);
    engine.control().create_group("tester", spec(&engine, "core", &[&catalog]), false).await.expect("created");
    until_active(&engine, "core").await;
    (engine, clock)
}

/// Waits until something is so.
async fn shown(engine: &Engine, what: &str, is: impl Fn(&Engine) -> bool) {
    let begun = Instant::now();
    while !is(engine) {
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn drills(engine: &Engine) -> Vec<Arc<Drill>> {
    engine.control().rehearsals_of(&core()).expect("the group is there").drills
}

fn provisional(engine: &Engine) -> Option<resilience::domain::Provisional> {
    engine.control().view().groups[0].provisional.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provisional_failover_that_no_one_keeps_goes_back_when_its_minutes_are_over_and_not_before() {
    let dir = tempfile::tempdir().expect("a folder");
    let (engine, clock) = with_group(dir.path()).await;
    let order = FailoverOrder {
        provisional_minutes: Some(30),
        ..FailoverOrder::new(&Region::new(WEST), FailoverKind::Planned)
    };
    engine.control().order_failover(&Asker::named("ada"), &core(), order, None).await.expect("accepted");
    shown(&engine, "its end", |engine| provisional(engine).is_some_and(|known| known.until.is_some())).await;
    assert_eq!(engine.control().group(&core()).expect("there").effective_primary_region, WEST);
    clock.pass(TimeDelta::minutes(29));
    // Two looks of the worker later it still stands.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(provisional(&engine).is_some(), "29 of 30 minutes");
    assert_eq!(engine.control().group(&core()).expect("there").effective_primary_region, WEST);
    clock.pass(TimeDelta::minutes(2));
    let back = |group: &resilience::domain::FailoverGroup| {
        group.state == GroupState::Active && group.effective_primary_region == EAST
    };
    until(&engine, "core", back).await;
    assert!(provisional(&engine).is_none());
    let view = engine.control().view();
    let line = view.activity.iter().find(|line| line.action == "failover_group.undo").expect("a line");
    assert_eq!(line.actor, "runtime", "no person did it: {line:?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolated_drill_starts_at_its_hour_and_again_after_its_days_and_a_full_one_is_only_due() {
    let dir = tempfile::tempdir().expect("a folder");
    let (engine, clock) = with_group(dir.path()).await;
    let control = engine.control();
    let hour = u8::try_from((clock.now() + TimeDelta::hours(2)).hour()).expect("an hour");
    control.set_drill_schedule("ada", &core(), Some((DrillKind::Isolated, 7, hour))).await.expect("set");
    let due = control.rehearsals_of(&core()).expect("there").next.expect("a drill is next").1;
    clock.pass(due - clock.now() - TimeDelta::minutes(2));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(drills(&engine).is_empty(), "not before its hour");
    clock.pass(TimeDelta::minutes(3));
    shown(&engine, "the drill", |engine| drills(engine).iter().any(|drill| !drill.is_running())).await;
    let first = drills(&engine)[0].clone();
    assert_eq!((first.requested_by.as_str(), first.outcome), ("schedule", DrillOutcome::Held), "{first:#?}");
    let next = control.rehearsals_of(&core()).expect("there").next.expect("another is next").1;
    assert!(next >= first.started + TimeDelta::days(6), "{next}");
    clock.pass(next - clock.now() + TimeDelta::minutes(1));
    shown(&engine, "the second drill", |engine| drills(engine).iter().filter(|drill| !drill.is_running()).count() == 2)
        .await;

    control.set_drill_schedule("ada", &core(), Some((DrillKind::Full, 30, hour))).await.expect("set");
    let due = control.rehearsals_of(&core()).expect("there").next.expect("a full drill is next").1;
    clock.pass(due - clock.now() + TimeDelta::hours(1));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(drills(&engine).len(), 2, "a full drill moves the primary, so only a person starts it");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_book_is_kept_holds_steps_at_their_gates_and_is_in_the_report_with_who_said_go() {
    let dir = tempfile::tempdir().expect("a folder");
    let (engine, clock) = with_group(dir.path()).await;
    let (_, token) = engine.control().create_token("tester", "ada", Role::Admin).await.expect("made");
    let ada = account_with(&engine, token.expose());
    let path = "failover-groups/core/drills/run-book";
    for wrong in [
        json!({ "steps": [{ "step": "fly" }] }),
        json!({ "steps": [{ "step": "clean_up", "gate": true }] }),
        json!({ "steps": [{ "step": "fail_over", "timeout_minutes": 0 }] }),
        json!({ "steps": [{ "step": "fail_over" }, { "step": "fail_over", "owner": "x" }] }),
    ] {
        let (status, answer) = ada.patch(path, wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
    }
    let book = json!({ "steps": [
        { "step": "copy_tables", "owner": "Mei <DBA>", "note": "Tell the desk first.", "gate": true, "timeout_minutes": 60 },
    ] });
    let (status, kept) = ada.patch(path, book).await;
    assert_eq!((status, kept["steps"][0]["gate"].as_bool()), (200, Some(true)), "{kept}");
    let started = engine.control().start_drill("bob", &core(), DrillKind::Isolated, false).await.expect("started");
    shown(&engine, "the gate", |engine| drills(engine)[0].is_waiting()).await;
    assert_eq!(drills(&engine)[0].next_step(), Some(DrillStep::CopyTables));
    let (status, _) = ada.post("failover-groups/core/drills/go-on", json!({ "drill_id": started.id })).await;
    assert_eq!(status, 200);
    shown(&engine, "its end", |engine| !drills(engine)[0].is_running()).await;
    let drill = drills(&engine)[0].clone();
    assert_eq!(drill.outcome, DrillOutcome::Held, "{drill:#?}");
    let copied = drill.steps.iter().find(|record| record.step == DrillStep::CopyTables).expect("a step");
    assert_eq!(copied.approved.as_ref().map(|approved| approved.by.as_str()), Some("ada"));
    let html = drill_report(&drill, &drills(&engine));
    assert!(html.contains("Owner: Mei &lt;DBA&gt;.") && html.contains("Tell the desk first."), "{html}");
    assert!(html.contains("ada let it go on at ") && html.contains("Timeout: 60 min."), "{html}");
    let json = serde_json::to_value(drill.as_ref()).expect("JSON");
    let step = json["steps"].as_array().expect("steps").iter().find(|step| step["step"] == "copy_tables").cloned();
    assert!(step.is_some_and(|step| step["approved"]["at"].is_string() && step["book"]["owner"] == "Mei <DBA>"));

    // No one says go: the drill gives up and removes what it made.
    engine.control().start_drill("bob", &core(), DrillKind::Isolated, false).await.expect("started");
    shown(&engine, "the gate", |engine| drills(engine)[0].is_waiting()).await;
    clock.pass(TimeDelta::minutes(61));
    shown(&engine, "its end", |engine| !drills(engine)[0].is_running()).await;
    let given_up = drills(&engine)[0].clone();
    assert_eq!(given_up.outcome, DrillOutcome::NotHeld);
    assert!(given_up.problems[0].contains("No one let it go on within its timeout."), "{:?}", given_up.problems);
    let cleaned = given_up.steps.iter().find(|record| record.step == DrillStep::CleanUp).expect("a step");
    assert_eq!(cleaned.status, StepStatus::Done, "{given_up:#?}");
    engine.stop().await;
}
