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
const POINTS: usize = 1_000_000;
/// The most that a frame may take, in milliseconds, at the 99th percentile.
const AIM_MS: f64 = 4.0;

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
    let (objects, errors, points) = (OBJECTS / divide, ERRORS / divide, POINTS / divide);
    let full = account::full(objects, errors, points);
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
        let mut window = window(full.clone(), route.is_none());
        if let Some(route) = route {
            window.app.open(route);
        }
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
            "lag_points": points,
            "p50_ms": round(median(times.clone())),
            "p99_ms": round(percentile(times.clone(), 0.99)),
            "aim_met": percentile(times, 0.99) <= AIM_MS,
        });
        println!("{line}");
    }
    Ok(())
}

/// Resident memory of the process, in bytes.
fn resident() -> Result<u64, Fault> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = text.split_whitespace().nth(1).ok_or("statm has no second number")?.parse()?;
    Ok(pages * 4096)
}

/// A week of the wall display and of the list: a new snapshot and a frame every 30 s, and what memory came of it.
pub fn week(divide: usize) -> Result<(), Fault> {
    let divide = divide.max(1);
    let updates = 7 * 86_400 / 30 / divide;
    for (screen, wall) in [("wall", true), ("groups", false)] {
        let mut window = window(account::full(OBJECTS / divide, ERRORS / divide, POINTS / divide), wall);
        let (mut first_day, mut most) = (0, 0);
        let mut times = Vec::with_capacity(updates);
        for number in 0..updates {
            window.clock.advance(TimeDelta::seconds(30));
            let mut next = (**window.snapshots.borrow()).clone();
            next.taken_at += TimeDelta::seconds(30);
            // What a runtime publishes is new every time, also where nothing has changed.
            next.account = Arc::new((*next.account).clone());
            window.snapshots.send_replace(Arc::new(next));
            times.push(window.frame_ms(number));
            if number == updates / 7 {
                first_day = resident()?;
            }
            most = most.max(resident()?);
        }
        let last = resident()?;
        let growth = last as f64 / first_day.max(1) as f64 - 1.0;
        let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
        let line = json!({
            "bench": "console",
            "part": "week",
            "screen": screen,
            "updates": updates,
            "bytes_after_a_day": first_day,
            "bytes_at_the_end": last,
            "bytes_at_most": most,
            "growth_percent": round(growth * 100.0),
            "mean_frame_ms": round(mean),
            "percent_of_a_core_at_one_update_a_second": round(mean / 10.0),
            "aim_met": growth.abs() <= 0.05 && mean / 10.0 < 5.0,
        });
        println!("{line}");
    }
    Ok(())
}

fn round(milliseconds: f64) -> f64 {
    (milliseconds * 100.0).round() / 100.0
}
