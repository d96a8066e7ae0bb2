//! The window on the deployment in the data dir.

use super::common::{Common, clock, sentence};
use resilience::api::ApiOptions;
use resilience::console::{ConsoleLink, Preferences, Waker, open_window};
use resilience::delta::read_regular;
use resilience::gateway::GatewayOptions;
use resilience::runtime::{EngineOptions, RuntimeThread};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// Opens the window; closing it stops the runtime cleanly.
pub fn run(common: &Common, wall: bool) -> Result<ExitCode, String> {
    let data_dir = common.hold()?;
    let kept = data_dir.path().join("preferences.json");
    let (preferences, chosen) = watch::channel(read_preferences(&kept));
    let window: Arc<OnceLock<Waker>> = Arc::default();
    let woken = window.clone();
    // Loopback only: whoever holds the token drives the same deployment that the window shows.
    let gateway = Some(GatewayOptions::default());
    let options = EngineOptions { api: Some(ApiOptions::default()), gateway, ..common.engine() };
    let started = RuntimeThread::start(data_dir, options, clock(), move || {
        if let Some(wake) = woken.get() {
            wake();
        }
    });
    let (runtime, notices) = started.map_err(sentence)?;
    let link = ConsoleLink {
        snapshots: runtime.snapshots.clone(),
        intents: runtime.intents.clone(),
        notices,
        clock: runtime.clock.clone(),
        preferences,
        wall,
    };
    let opened = open_window(link, move |waker| {
        let _ = window.set(waker);
    });
    // First, because stopping may take a while, and the person who waits may lose patience.
    keep_preferences(&kept, &chosen.borrow());
    runtime.stop();
    opened.map_err(sentence)?;
    Ok(ExitCode::SUCCESS)
}

/// What was chosen last time; nonsense in the file isn't a reason not to open.
fn read_preferences(file: &Path) -> Preferences {
    read_regular(file, 1 << 20).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

fn keep_preferences(file: &Path, preferences: &Preferences) {
    if let Ok(text) = serde_json::to_vec(preferences)
        && let Err(error) = std::fs::write(file, text)
    {
        tracing::warn!(%error, "the window's preferences could not be kept");
    }
}
