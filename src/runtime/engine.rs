//! The runtime itself: the store, the regions and the control handle, started in order and stopped in reverse.

use super::bootstrap::{Connected, ReadyRegion, SandboxSource};
use super::perform::perform;
use super::recorder::Recorder;
use super::{
    ConnectionView, DataDir, DeploymentView, GatewayView, Intent, IntentError, NoticeDetail, RuntimeError,
    SystemTablesView, socket,
};
use crate::api::{ApiOptions, ApiServer};
use crate::control::{Control, ControlSettings, CredentialFiles};
use crate::delta::CopyEngine;
use crate::domain::{Asker, Clock, Targets};
use crate::gateway::{Gateway, GatewayOptions};
use crate::sandbox::Sandbox;
use crate::store::Store;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Requests a second that a pass over a workspace of the sandbox makes at most.
const SANDBOX_ASSET_CALLS: u32 = 1_000;
/// Between two passes over a workspace of the sandbox.
const SANDBOX_ASSET_PAUSE: Duration = Duration::from_secs(3);
use tokio::sync::watch;

/// What the runtime starts with.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// The regions.
    pub sandbox: SandboxSource,
    /// How eagerly the runtime works.
    pub control: ControlSettings,
    /// How the account API is served; None to serve none.
    pub api: Option<ApiOptions>,
    /// How the gateway of the stable URLs is served; None to serve none.
    pub gateway: Option<GatewayOptions>,
    /// Targets that an earlier version kept with the window, by group: taken up where a group has none.
    pub kept_targets: BTreeMap<String, Targets>,
    /// Between two regular rows of a group in the system tables.
    pub system_tables_interval: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            sandbox: SandboxSource::default(),
            control: ControlSettings::default(),
            api: None,
            gateway: None,
            kept_targets: BTreeMap::new(),
            system_tables_interval: Duration::from_secs(30),
        }
    }
}

/// The runtime.
pub struct Engine {
    data_dir: DataDir,
    regions: Vec<ReadyRegion>,
    sandbox: Option<Arc<Sandbox>>,
    connections: Vec<ConnectionView>,
    control: Control,
    api: Option<ApiServer>,
    gateway: Option<Gateway>,
    recorder: Option<Recorder>,
    system_tables: watch::Receiver<SystemTablesView>,
    credentials: Option<CredentialFiles>,
    socket: Option<tokio::task::JoinHandle<()>>,
}

/// What `serve` says on standard output when it is ready.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ready {
    /// The account API; null where it is not served.
    pub api_url: Option<String>,
    /// The account's id.
    pub account_id: String,
    /// The file that holds the account API's token.
    pub token_file: Option<String>,
    /// The file that holds a client id and secret for the account API, as JSON.
    pub client_file: Option<String>,
    /// The gateway of the stable URLs; null where it is not served.
    pub gateway_url: Option<String>,
    /// The folder that holds `replication/states`.
    pub system_tables: Option<String>,
    /// The regions; the seeded one first.
    pub regions: Vec<ReadyRegion>,
}

/// The copy engine, whose program must be there before anything starts.
fn found(engine: CopyEngine) -> Result<CopyEngine, RuntimeError> {
    match engine {
        CopyEngine::Own => Ok(CopyEngine::Own),
        CopyEngine::Spark(options) => match options.found() {
            Ok(options) => Ok(CopyEngine::Spark(options)),
            Err(problem) => Err(RuntimeError::CopyEngine { problem }),
        },
    }
}

impl Engine {
    /// Starts everything on a data dir that this process holds.
    pub async fn start(data_dir: DataDir, options: EngineOptions, clock: Arc<dyn Clock>) -> Result<Self, RuntimeError> {
        crate::net::raise_descriptor_limit();
        // The store first: a damaged one must stop the start before anything else is touched.
        let store = Store::open(&data_dir.store())?;
        let connected = Connected::to_regions(options.sandbox, &data_dir, &clock).await?;
        let metastores = connected.metastores();
        let Connected { deployment, regions, sandbox, connections } = connected;
        let mut settings = ControlSettings {
            stable_url_origin: stable_url_origin(&store).await?,
            copy_jobs: data_dir.copy_jobs(),
            copy_engine: found(options.control.copy_engine)?,
            ..options.control
        };
        if sandbox.is_some() {
            // Its workspaces are on this machine: nobody else shares their limits.
            settings.asset_calls_per_second = SANDBOX_ASSET_CALLS;
            settings.asset_pause = settings.asset_pause.min(SANDBOX_ASSET_PAUSE);
        }
        let read_only = settings.read_only;
        let control = Control::start(deployment, store, clock, settings).await?;
        control.adopt_targets(&options.kept_targets).await?;
        let credentials = if read_only { None } else { Some(control.keep_credentials(data_dir.path()).await?) };
        let api = match &options.api {
            Some(api) => Some(ApiServer::start(control.clone(), api).await?),
            None => None,
        };
        if let Some(api) = &api {
            control.set_api_url(api.url());
        }
        let gateway = match options.gateway.filter(|_| !read_only) {
            Some(options) => Some(start_gateway(&control, options).await?),
            None => None,
        };
        let (told, system_tables) = watch::channel(SystemTablesView::below(&data_dir.system_tables()));
        let recorder = (!read_only).then(|| {
            let (root, interval) = (data_dir.system_tables(), options.system_tables_interval);
            Recorder::start(&root, interval, control.clone(), metastores, told)
        });
        let socket = if read_only { None } else { socket::listen(data_dir.path(), control.clone()) };
        Ok(Self {
            data_dir,
            regions,
            sandbox,
            connections,
            control,
            api,
            gateway,
            recorder,
            system_tables,
            credentials,
            socket,
        })
    }

    /// The control handle.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The sandbox's faults and seed; None where the regions are not its.
    pub fn sandbox(&self) -> Option<&Arc<Sandbox>> {
        self.sandbox.as_ref()
    }

    /// The regions; the seeded one first.
    pub fn regions(&self) -> &[ReadyRegion] {
        &self.regions
    }

    /// The data dir.
    pub fn data_dir(&self) -> &std::path::Path {
        self.data_dir.path()
    }

    /// How the deployment is reached, for the screens.
    pub fn deployment(&self) -> DeploymentView {
        DeploymentView {
            data_dir: self.data_dir.path().display().to_string(),
            connections: self.connections.clone(),
            account_url: None,
            unread: None,
            api_url: self.api.as_ref().map(|api| api.url().to_owned()),
            gateway: self.gateway.as_ref().map(|gateway| GatewayView {
                url: gateway.url().to_owned(),
                domain: gateway.domain().to_owned(),
                fingerprint: gateway.fingerprint().map(str::to_owned),
            }),
            system_tables: self.system_tables.borrow().clone(),
        }
    }

    /// Where the system tables are, and what keeps them from being written.
    pub fn system_tables(&self) -> watch::Receiver<SystemTablesView> {
        self.system_tables.clone()
    }

    /// What `serve` says when it is ready.
    pub fn ready(&self) -> Ready {
        let text = |path: PathBuf| path.display().to_string();
        Ready {
            api_url: self.api.as_ref().map(|api| api.url().to_owned()),
            account_id: self.control.account_id().to_owned(),
            token_file: self.credentials.as_ref().map(|files| text(files.token.clone())),
            client_file: self.credentials.as_ref().map(|files| text(files.client.clone())),
            gateway_url: self.gateway.as_ref().map(|gateway| gateway.url().to_owned()),
            system_tables: Some(text(self.data_dir.system_tables())),
            regions: self.regions.clone(),
        }
    }

    /// Does what an intent asks for, as `actor`.
    pub async fn perform(&self, actor: &str, intent: Intent) -> Result<NoticeDetail, IntentError> {
        let by = Asker::named(actor);
        perform(&self.control, self.sandbox.as_deref(), self.data_dir.path(), &by, intent).await
    }

    /// Stops taking calls and requests, then the recorder, then replication at a commit boundary, then the sandbox.
    pub async fn stop(self) {
        if let Some(api) = self.api {
            api.stop().await;
        }
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
        // Before the workers: a cycle that is broken off leaves tables that only look as if they lagged.
        if let Some(recorder) = self.recorder {
            recorder.stop().await;
        }
        self.control.stop().await;
        if let Some(socket) = self.socket {
            socket.abort();
        }
        if let Some(sandbox) = self.sandbox.and_then(Arc::into_inner) {
            sandbox.shutdown().await;
        }
    }
}

/// Scheme and authority of stable URLs: a port that was free at the first start is kept for whatever serves them.
async fn stable_url_origin(store: &Store) -> Result<String, RuntimeError> {
    const KEY: &str = "stable_urls.origin";
    if let Some(origin) = store.run(|tx| tx.value(KEY)).await? {
        return Ok(origin);
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let origin = format!("https://{}", free.map_err(|source| RuntimeError::System { source })?);
    let kept = origin.clone();
    store.run(move |tx| tx.set_value(KEY, &kept)).await?;
    Ok(origin)
}

/// Starts the gateway on the port of the last time, and tells the stable URLs where they are served.
async fn start_gateway(control: &Control, options: GatewayOptions) -> Result<Gateway, RuntimeError> {
    const KEY: &str = "gateway.port";
    let last_port = control.setting(KEY).await?.and_then(|port| port.parse().ok());
    let is_any = options.listen.port() == 0;
    let told = control.clone();
    let gateway =
        Gateway::start(GatewayOptions { last_port, ..options }, control.routes(), move || told.show_traffic()).await?;
    if is_any && last_port != Some(gateway.port()) {
        control.set_setting(KEY, &gateway.port().to_string()).await?;
    }
    if let Some(fingerprint) = gateway.fingerprint() {
        tracing::info!(fingerprint, url = gateway.url(), "the gateway's certificate has this sha256");
    }
    control.set_gateway(Some(&gateway.origin()));
    Ok(gateway)
}
