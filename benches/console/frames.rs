//! Frames of each screen, as the window draws them, without a display.

use crate::account::{self, CATALOGS, GROUPS};
use crate::shared::Fault;
use crate::shared::figures::{median, percentile};
use chrono::TimeDelta;
use eframe::App;
use eframe::egui::{self, Event, MouseWheelUnit, RawInput, Rect, TouchPhase, Vec2, pos2};
use resilience::console::action::{GroupTab, Route};
use resilience::console::{ConsoleApp, ConsoleLink, Preferences};
use resilience::domain::{GroupId, ManualClock};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{mpsc, watch};

const OBJECTS: usize = 100_000;
const ERRORS: usize = 1_000_000;

struct Window {
    app: ConsoleApp,
    ctx: egui::Context,
    frame: eframe::Frame,
    clock: Arc<ManualClock>,
    snapshots: watch::Sender<Arc<resilience::runtime::Snapshot>>,
    _intents: mpsc::Receiver<(resilience::runtime::IntentId, resilience::runtime::Intent)>,
}

fn window(snapshot: resilience::runtime::Snapshot, wall: bool) -> Window {
    let (snapshots, received) = watch::channel(Arc::new(snapshot));
    let (intents, sent) = mpsc::channel(64);
    let (_, notices) = mpsc::unbounded_channel();
    let clock = Arc::new(ManualClock::new(account::now()));
    let (preferences, _) = watch::channel(Preferences::default());
    let link = ConsoleLink { snapshots: received, intents, notices, clock: clock.clone(), wall, preferences };
    let ctx = egui::Context::default();
    let cc = eframe::CreationContext::_new_kittest(ctx.clone());
    let app = ConsoleApp::over(&cc.egui_ctx, link);
    Window { app, ctx, frame: eframe::Frame::_new_kittest(), clock, snapshots, _intents: sent }
}

impl Window {
    /// Milliseconds that one frame took: what is drawn is laid out, and cut into triangles.
    fn frame_ms(&mut self, number: usize) -> f64 {
        // A wheel that turns makes tables show rows that were not laid out before.
        let turn = if number % 40 < 20 { -90.0 } else { 90.0 };
        let wheel = Event::MouseWheel {
            unit: MouseWheelUnit::Point,
            delta: Vec2::new(0.0, turn),
            modifiers: Default::default(),
            phase: TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
        };
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), Vec2::new(1920.0, 1080.0))),
            time: Some(number as f64 / 60.0),
            events: vec![Event::PointerMoved(pos2(1000.0, 700.0)), wheel],
            ..RawInput::default()
        };
        let begun = Instant::now();
        let (app, frame) = (&mut self.app, &mut self.frame);
        let output = self.ctx.run_ui(input, |ui| {
            app.logic(ui.ctx(), frame);
            app.ui(ui, frame);
        });
        let scale = output.pixels_per_point;
        let meshes = self.ctx.tessellate(output.shapes, scale);
        let taken = begun.elapsed().as_secs_f64() * 1000.0;
        assert!(!meshes.is_empty(), "a frame shows something");
        let mut textures = output.textures_delta;
        textures.clear();
        taken
    }
}

/// Measures every screen and prints a line each.
pub fn measure(frames: usize, divide: usize) -> Result<(), Fault> {
    let divide = divide.max(1);
    let (objects, errors) = (OBJECTS / divide, ERRORS / divide);
    let first = || GroupId::new("group-000").map_err(|_| "the id is not valid");
    let mut screens = vec![
        ("groups", Some(Route::Groups)),
        ("stable_urls", Some(Route::StableUrls)),
        ("create", Some(Route::CreateGroup)),
        ("activity", Some(Route::Activity)),
        ("settings", Some(Route::Settings)),
        ("wall", None),
    ];
    for (name, tab) in [
        ("overview", GroupTab::Overview),
        ("objects", GroupTab::Objects),
        ("errors", GroupTab::Errors),
        ("operations", GroupTab::Operations),
    ] {
        screens.push((name, Some(Route::Group(first()?, tab))));
    }
    for (name, route) in screens {
        let begun = Instant::now();
        let mut window = window(account::full(objects, errors), route.is_none());
        if let Some(route) = route {
            window.app.open(route);
        }
        let built = begun.elapsed();
        let begun = Instant::now();
        window.frame_ms(0);
        let first_ms = begun.elapsed().as_secs_f64() * 1000.0;
        for number in 1..20 {
            window.frame_ms(number);
        }
        let mut times = Vec::with_capacity(frames);
        for number in 20..20 + frames {
            // Once in thirty frames there is news, as in half a second of a busy runtime.
            if number % 30 == 0 {
                window.clock.advance(TimeDelta::milliseconds(500));
                let mut next = (**window.snapshots.borrow()).clone();
                next.taken_at += TimeDelta::milliseconds(500);
                window.snapshots.send_replace(Arc::new(next));
            }
            times.push(window.frame_ms(number));
        }
        let line = json!({
            "bench": "console",
            "part": "frame",
            "screen": name,
            "groups": GROUPS,
            "catalogs": CATALOGS,
            "objects": objects,
            "errors": errors,
            "frames": frames,
            "first_frame_ms": round(first_ms),
            "p50_ms": round(median(times.clone())),
            "p99_ms": round(percentile(times, 0.99)),
            "data_built_ms": built.as_millis() as u64,
        });
        println!("{line}");
    }
    Ok(())
}

fn round(milliseconds: f64) -> f64 {
    (milliseconds * 100.0).round() / 100.0
}
