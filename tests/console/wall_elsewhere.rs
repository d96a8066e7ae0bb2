//! A wall display that shows another machine's runtime over its account API.

use crate::desk::Desk;
use crate::support;
use chrono::TimeDelta;
use eframe::egui::Key;
use resilience::domain::{Clock, ManualClock, Role, SystemClock};
use resilience::runtime::{AccountLogin, AccountSource, Engine, RuntimeThread};
use std::path::Path;
use std::sync::Arc;

/// The other machine: an engine on a data dir of its own, which can be stopped and started.
struct Machine {
    runtime: tokio::runtime::Runtime,
    engine: Option<Engine>,
}

impl Machine {
    fn start(&mut self, dir: &Path) {
        self.engine = Some(self.runtime.block_on(support::engine_with_api(dir)));
    }

    fn stop(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.runtime.block_on(engine.stop());
        }
    }
}

#[test]
fn a_display_of_another_machine_comes_up_before_it_and_picks_itself_up_when_the_feed_returns() {
    let dir = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut machine = Machine { runtime, engine: None };
    machine.start(dir.path());
    let engine = machine.engine.as_ref().expect("started");
    let url = engine.ready().api_url.expect("served");
    let token = machine.runtime.block_on(async {
        let catalogs = support::catalogs(engine).await;
        let spec = support::spec(engine, "core", &[catalogs[0].as_str()]);
        engine.control().create_group("tester", spec, false).await.expect("created");
        support::until_active(engine, "core").await;
        engine.control().create_token("tester", "wall", Role::Viewer).await.expect("made").1
    });
    let file = dir.path().join("token");
    std::fs::write(&file, token.expose()).expect("written");
    machine.stop();

    let source = AccountSource { url, account_id: None, login: AccountLogin::TokenFile(file) };
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    assert!(RuntimeThread::start_for_account(source.clone(), false, clock.clone(), || {}).is_err(), "a window says so");
    let (display, answers) =
        RuntimeThread::start_for_account(source, true, clock.clone(), || {}).expect("a display waits");
    let mut desk = Desk::live_as(&display, answers, true);
    desk.until("the first picture", |desk| desk.shows("No data yet") && desk.shows("Waiting for the account."));
    assert!(!desk.shows("Nothing is protected yet"), "that would be a claim");

    machine.start(dir.path());
    desk.until("the group", |desk| desk.shows("core, ACTIVE,") && desk.shows("1 group"));
    assert!(!desk.shows("No data yet") && desk.shows("Proof isn't told"));

    machine.stop();
    clock.advance(TimeDelta::seconds(240));
    desk.until("the mark of old data", |desk| desk.shows("DATA 4 min OLD") && desk.shows("core, ACTIVE,"));

    machine.start(dir.path());
    desk.until("news", |desk| !desk.shows("DATA") && desk.shows("core, ACTIVE,"));
    desk.key(Key::Escape);
    assert!(desk.can_press("core, ACTIVE"), "behind the display is the window on that account");
    machine.stop();
}
