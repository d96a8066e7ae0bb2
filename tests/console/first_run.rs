//! The first start by keyboard alone.

use eframe::egui::{Key, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use resilience::connect::CapabilitySheet;
use resilience::console::first_run::FirstRun;
use resilience::console::{ConsoleLink, FirstRunHost, Preferences};
use resilience::runtime::NewConnection;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the window asked of its host.
#[derive(Default)]
struct Host {
    started: Mutex<Vec<bool>>,
}

impl FirstRunHost for Host {
    fn connect(&self, new: NewConnection) -> Result<CapabilitySheet, String> {
        Ok(CapabilitySheet { region: new.name, url: new.url.unwrap_or_default(), lines: Vec::new() })
    }

    fn start(&self, on_sandbox: bool) -> Result<ConsoleLink, String> {
        self.started.lock().expect("a lock").push(on_sandbox);
        Err("The sandbox of this test doesn't start.".to_owned())
    }
}

struct Keyboard {
    window: Harness<'static, FirstRun>,
    host: Arc<Host>,
}

impl Keyboard {
    fn new() -> Self {
        let host = Arc::new(Host::default());
        let given = host.clone();
        let window = Harness::builder()
            .with_size(Vec2::new(1280.0, 900.0))
            .build_eframe(move |cc| FirstRun::new(&cc.egui_ctx, given, &Preferences::default(), &[]));
        Self { window, host }
    }

    fn key(&mut self, key: Key) {
        self.window.key_press(key);
        self.window.run();
    }

    fn shows(&self, label: &str) -> bool {
        self.window.query_all_by_label_contains(label).next().is_some()
    }

    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        loop {
            self.window.step();
            if done(self) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn the_sandbox_is_started_by_enter_alone_and_a_refusal_is_shown() {
    let mut keyboard = Keyboard::new();
    keyboard.window.run();
    keyboard.key(Key::Enter);
    keyboard.until("the refusal", |keyboard| keyboard.shows("The sandbox of this test doesn't start."));
    assert_eq!(*keyboard.host.started.lock().expect("a lock"), [true]);
}
