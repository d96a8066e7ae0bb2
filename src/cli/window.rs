//! The window on the deployment in the data dir; on a new data dir, the choice of what that is to be.

use super::common::{Common, clock, sentence};
use resilience::api::ApiOptions;
use resilience::connect::CapabilitySheet;
use resilience::console::{ConsoleLink, FirstRunHost, Preferences, Waker, open_first_run, open_window};
use resilience::delta::read_regular;
use resilience::gateway::GatewayOptions;
use resilience::runtime::{AccountSource, Connections, DataDir, EngineOptions, NewConnection, Notice, RuntimeThread};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{mpsc, watch};

/// What a window is opened with: where its data lies, how it is woken, and what runs behind it.
struct Host {
    common: Common,
    /// Held until the runtime takes it.
    data_dir: Mutex<Option<DataDir>>,
    runtime: Mutex<Option<RuntimeThread>>,
    window: Arc<OnceLock<Waker>>,
    preferences: watch::Sender<Preferences>,
    /// Where they are kept.
    kept: PathBuf,
    wall: bool,
}

impl Host {
    fn start_runtime(&self) -> Result<ConsoleLink, String> {
        let held = self.data_dir.lock().unwrap_or_else(PoisonError::into_inner).take();
        let data_dir = match held {
            Some(data_dir) => data_dir,
            // A start that failed let go of it.
            None => self.common.hold()?,
        };
        // On loopback only, because a token of this API controls the deployment that the window shows.
        let gateway = Some(GatewayOptions::default());
        let kept_targets = self.preferences.borrow().targets.clone();
        let options = EngineOptions { api: Some(ApiOptions::default()), gateway, kept_targets, ..self.common.engine() };
        let started = RuntimeThread::start(data_dir, options, clock(), wake(&self.window));
        let (runtime, notices) = started.map_err(sentence)?;
        if !self.preferences.borrow().targets.is_empty() {
            // The runtime keeps them from now on. If they were read again after a kill, they would undo later changes.
            self.preferences.send_modify(|preferences| preferences.targets.clear());
            keep_preferences(&self.kept, &self.preferences.borrow());
        }
        let link = link_to(&runtime, notices, self.preferences.clone(), self.wall);
        *self.runtime.lock().unwrap_or_else(PoisonError::into_inner) = Some(runtime);
        Ok(link)
    }
}

impl FirstRunHost for Host {
    fn connect(&self, new: NewConnection) -> Result<CapabilitySheet, String> {
        let dir = self.common.data_dir()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        runtime.block_on(async {
            let mut connections = Connections::load(&dir).map_err(sentence)?;
            let added = connections.add(new).await.map_err(sentence)?;
            connections.test(&added.name).await.map_err(sentence)
        })
    }

    fn start(&self, _on_sandbox: bool) -> Result<ConsoleLink, String> {
        self.start_runtime()
    }
}

/// Wakes the window, once there is one.
fn wake(window: &Arc<OnceLock<Waker>>) -> impl Fn() + Send + Sync + 'static {
    let window = window.clone();
    move || {
        if let Some(wake) = window.get() {
            wake();
        }
    }
}

fn link_to(
    runtime: &RuntimeThread,
    notices: mpsc::UnboundedReceiver<Notice>,
    preferences: watch::Sender<Preferences>,
    wall: bool,
) -> ConsoleLink {
    let (snapshots, intents) = (runtime.snapshots.clone(), runtime.intents.clone());
    ConsoleLink { snapshots, intents, notices, clock: runtime.clock.clone(), preferences, wall }
}

/// Opens the window; closing it stops the runtime cleanly.
pub fn run(common: &Common, wall: bool) -> Result<ExitCode, String> {
    if let Some(source) = common.account()? {
        return run_for_account(common, source, wall);
    }
    let data_dir = common.hold()?;
    let connections = Connections::load(data_dir.path()).map_err(sentence)?;
    if common.sandbox && !connections.all().is_empty() {
        common.needs_regions("The window")?;
    }
    let is_new = !data_dir.sandbox().is_dir() && !data_dir.store().is_file() && !connections.is_whole();
    let chooses = is_new && !wall && !common.wants_sandbox();
    let kept = data_dir.path().join("preferences.json");
    let (preferences, chosen) = watch::channel(read_preferences(&kept));
    let window: Arc<OnceLock<Waker>> = Arc::default();
    let host = Arc::new(Host {
        common: common.clone(),
        data_dir: Mutex::new(Some(data_dir)),
        runtime: Mutex::default(),
        window: window.clone(),
        preferences,
        kept: kept.clone(),
        wall,
    });
    let on_ready = move |waker| {
        let _ = window.set(waker);
    };
    let opened = if chooses {
        let connected = connections.all().iter().map(|known| (known.name.clone(), known.url.clone())).collect();
        let preferences = chosen.borrow().clone();
        open_first_run(host.clone(), preferences, connected, on_ready)
    } else {
        open_window(host.start_runtime()?, on_ready)
    };
    // First, because stopping may take a while, and the person who waits may lose patience.
    keep_preferences(&kept, &chosen.borrow());
    if let Some(runtime) = host.runtime.lock().unwrap_or_else(PoisonError::into_inner).take() {
        runtime.stop();
    }
    opened.map_err(sentence)?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the window as a client of another account. Nothing is kept: the data dir may be another window's.
fn run_for_account(common: &Common, source: AccountSource, wall: bool) -> Result<ExitCode, String> {
    let kept = common.data_dir()?.join("preferences.json");
    let (preferences, _chosen) = watch::channel(read_preferences(&kept));
    let window: Arc<OnceLock<Waker>> = Arc::default();
    let started = RuntimeThread::start_for_account(source, wall, clock(), wake(&window));
    let (runtime, notices) = started.map_err(sentence)?;
    let opened = open_window(link_to(&runtime, notices, preferences, wall), move |waker| {
        let _ = window.set(waker);
    });
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
