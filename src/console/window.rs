//! Opens the window, or says in a sentence why it can't.

use super::app::{ConsoleApp, ConsoleLink};
use super::first_run::{FirstRun, FirstRunHost};
use super::preferences::{Preferences, WindowPlace};
use eframe::egui::{self, Vec2, ViewportId};
use std::sync::Arc;
use std::time::Duration;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// Neither X11 nor Wayland is there.
    #[error(
        "There is no display to open a window on: {reason}. Start it from a desktop session, or run `resilience-console serve`, which needs no window."
    )]
    NoDisplay {
        /// What the windowing system said.
        reason: String,
    },
    /// There is a display, but nothing that draws on it.
    #[error(
        "The display has no usable OpenGL: {reason}. Install libgl1 and libgl1-mesa-dri, or run `resilience-console serve`, which needs no window."
    )]
    NoOpenGl {
        /// What the driver said.
        reason: String,
    },
    /// Anything else that keeps the window from opening or ends it.
    #[error("The window could not be opened: {reason}. `resilience-console serve` needs no window.")]
    Failed {
        /// What went wrong.
        reason: String,
    },
}

/// Wakes the window, from any thread: there is something new to draw.
pub type Waker = Box<dyn Fn() + Send + Sync>;

/// A woken window draws within this time, so that a burst of news is one frame.
const WAKE: Duration = Duration::from_millis(16);

/// Opens the window and stays until it is closed.
///
/// `on_ready` gets a [`Waker`] before the first frame.
pub fn open_window(link: ConsoleLink, on_ready: impl FnOnce(Waker) + 'static) -> Result<(), WindowError> {
    let place = link.preferences.borrow().window;
    let wall = link.wall;
    open(place, wall, on_ready, move |ctx| Box::new(ConsoleApp::over(ctx, link)))
}

/// Opens the window of the first start: the sandbox or regions of one's own, and then the console. `connected` are the
/// names and URLs of regions that were connected before.
pub fn open_first_run(
    host: Arc<dyn FirstRunHost>,
    preferences: Preferences,
    connected: Vec<(String, String)>,
    on_ready: impl FnOnce(Waker) + 'static,
) -> Result<(), WindowError> {
    let place = preferences.window;
    open(place, false, on_ready, move |ctx| Box::new(FirstRun::new(ctx, host, &preferences, &connected)))
}

fn open(
    place: Option<WindowPlace>,
    wall: bool,
    on_ready: impl FnOnce(Waker) + 'static,
    make: impl FnOnce(&egui::Context) -> Box<dyn eframe::App> + 'static,
) -> Result<(), WindowError> {
    if !display_is_named() {
        return Err(WindowError::NoDisplay { reason: "neither DISPLAY nor WAYLAND_DISPLAY is set".to_owned() });
    }
    let size = place.map_or([1440.0, 900.0], |place| place.size);
    let mut viewport = egui::ViewportBuilder::default().with_maximized(place.is_some_and(|place| place.maximized));
    if let Some(at) = place.and_then(|place| place.at) {
        viewport = viewport.with_position(at);
    }
    let options = eframe::NativeOptions {
        viewport: viewport
            .with_title("Resilience Console")
            .with_app_id("resilience-console")
            .with_inner_size(Vec2::from(size))
            .with_min_inner_size(Vec2::new(1024.0, 640.0))
            .with_clamp_size_to_monitor_size(true)
            .with_fullscreen(wall),
        // Names in scripts that the compiled-in fonts don't have are drawn with the machine's fonts, found when one is first
        // needed. Tests draw without this, so their pictures are the same on every machine.
        system_font_fallback: true,
        ..eframe::NativeOptions::default()
    };
    let create = Box::new(move |cc: &eframe::CreationContext<'_>| {
        let app = make(&cc.egui_ctx);
        let context = cc.egui_ctx.clone();
        on_ready(Box::new(move || context.request_repaint_after_for(WAKE, ViewportId::ROOT)));
        Ok(app)
    });
    eframe::run_native("resilience-console", options, create).map_err(explain)
}

fn display_is_named() -> bool {
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return true;
    }
    ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn explain(error: eframe::Error) -> WindowError {
    let reason = plain(&error.to_string());
    match error {
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => WindowError::NoDisplay { reason },
        eframe::Error::Glutin(_) | eframe::Error::NoGlutinConfigs(..) | eframe::Error::OpenGL(_) => {
            WindowError::NoOpenGl { reason }
        }
        _ => WindowError::Failed { reason },
    }
}

/// What went wrong, without the place in the windowing library's source where it was noticed.
fn plain(error: &str) -> String {
    let after_place = error.rsplit_once(".rs:").map_or(error, |(_, rest)| rest);
    let words =
        after_place.split_once(": ").filter(|(line, _)| line.parse::<u32>().is_ok()).map_or(error, |(_, words)| words);
    words.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_names_no_source_file() {
        let error = "winit EventLoopError: os error at /home/x/winit/src/linux/mod.rs:788: Failed to open connection to X server";
        assert_eq!(plain(error), "Failed to open connection to X server");
        assert_eq!(plain("Found no glutin configs."), "Found no glutin configs");
    }
}
