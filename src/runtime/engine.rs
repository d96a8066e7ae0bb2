//! The runtime itself: the sandbox, the store and the control handle, started in order and stopped in reverse.

use super::recorder::Recorder;
use super::{
    DataDir, DeploymentView, GatewayView, Intent, IntentError, NoticeDetail, RuntimeError, SystemTablesView, socket,
};
use crate::api::{ApiOptions, ApiServer};
use crate::connect::{ConnectSettings, RegionHealth, SandboxRegion, Secret, StorageOptions};
use crate::control::{Control, ControlError, ControlSettings, CredentialFiles, Deployment, Repair, Workspace};
use crate::domain::{Clock, GroupId, ObjectStatus};
use crate::gateway::{Gateway, GatewayOptions};
use crate::sandbox::{Sandbox, SandboxOptions};
use crate::store::Store;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What the runtime starts with.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Managed tables that a new sandbox is seeded with.
    pub sandbox_tables: Option<usize>,
    /// Catalogs that a new sandbox is seeded with.
    pub sandbox_catalogs: Option<usize>,
    /// Commits a second of all the sandbox's writers together; None for the usual few.
    pub sandbox_commits_per_second: Option<f64>,
    /// The seed of names, schemas and rows.
    pub sandbox_seed: u64,
    /// Endpoints and keys of the object stores that hold external locations of the sandbox's regions.
    pub sandbox_stores: StorageOptions,
    /// How eagerly the runtime works.
    pub control: ControlSettings,
    /// How the account API is served; None to serve none.
    pub api: Option<ApiOptions>,
    /// How the gateway of the stable URLs is served; None to serve none.
    pub gateway: Option<GatewayOptions>,
    /// Between two regular rows of a group in the system tables.
    pub system_tables_interval: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            sandbox_tables: None,
            sandbox_catalogs: None,
            sandbox_commits_per_second: None,
            sandbox_seed: 0,
            sandbox_stores: StorageOptions::default(),
            control: ControlSettings::default(),
            api: None,
            gateway: None,
            system_tables_interval: Duration::from_secs(30),
        }
    }
}

/// The runtime.
pub struct Engine {
    data_dir: DataDir,
    sandbox: Arc<Sandbox>,
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

/// One region of the ready line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadyRegion {
    /// Its name.
    pub region: String,
    /// Its workspace's id.
    pub workspace_id: String,
    /// Its metastore's id.
    pub metastore_id: String,
    /// Its workspace's URL.
    pub workspace_url: String,
    /// The file that holds a user's token for it.
    pub token_file: String,
    /// A `file://` URI above every location of it.
    pub storage_root: String,
}

impl Engine {
    /// Starts everything on a data dir that this process holds.
    pub async fn start(data_dir: DataDir, options: EngineOptions, clock: Arc<dyn Clock>) -> Result<Self, RuntimeError> {
        crate::net::raise_descriptor_limit();
        // The store first: a damaged one must stop the start before anything else is touched.
        let store = Store::open(&data_dir.store())?;
        let mut seed = SandboxOptions::new(data_dir.sandbox());
        seed.tables = options.sandbox_tables;
        seed.catalogs = options.sandbox_catalogs;
        seed.seed = options.sandbox_seed;
        if let Some(rate) = options.sandbox_commits_per_second {
            seed.commits_per_second = rate;
        }
        let sandbox = Arc::new(Sandbox::start(seed, clock.clone()).await?);
        let workspaces = sandbox.regions().into_iter().map(|region| {
            let token = Secret::new(region.replication_token.clone());
            let settings = ConnectSettings::new(&region.region, &region.workspace_url, token).fail_fast();
            let health = RegionHealth::new(clock.clone());
            let settings = ConnectSettings { storage: options.sandbox_stores.clone(), health, ..settings };
            Ok(Workspace {
                client: SandboxRegion::connect(settings)?,
                id: region.workspace_id,
                name: region.workspace_name,
                region: region.region,
                url: region.workspace_url,
                storage_root: Some(region.storage_root),
            })
        });
        let workspaces = workspaces.collect::<Result<Vec<_>, RuntimeError>>()?;
        let deployment = Deployment { account_id: sandbox.account_id().to_owned(), workspaces };
        let settings = ControlSettings { stable_url_origin: stable_url_origin(&store).await?, ..options.control };
        let read_only = settings.read_only;
        let control = Control::start(deployment, store, clock, settings).await?;
        let credentials = if read_only { None } else { Some(control.keep_credentials(data_dir.path()).await?) };
        let api = match &options.api {
            Some(api) => Some(ApiServer::start(control.clone(), api).await?),
            None => None,
        };
        let gateway = match options.gateway.filter(|_| !read_only) {
            Some(options) => Some(start_gateway(&control, options).await?),
            None => None,
        };
        let (told, system_tables) = watch::channel(SystemTablesView::below(&data_dir.system_tables()));
        let recorder = (!read_only).then(|| {
            let metastores = sandbox.regions().into_iter().map(|region| (region.region, region.metastore_id)).collect();
            let (root, interval) = (data_dir.system_tables(), options.system_tables_interval);
            Recorder::start(&root, interval, control.clone(), metastores, told)
        });
        let socket = if read_only { None } else { socket::listen(data_dir.path(), control.clone()) };
        Ok(Self { data_dir, sandbox, control, api, gateway, recorder, system_tables, credentials, socket })
    }

    /// The control handle.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The sandbox.
    pub fn sandbox(&self) -> &Arc<Sandbox> {
        &self.sandbox
    }

    /// The data dir.
    pub fn data_dir(&self) -> &std::path::Path {
        self.data_dir.path()
    }

    /// How the deployment is reached, for the screens.
    pub fn deployment(&self) -> DeploymentView {
        DeploymentView {
            data_dir: self.data_dir.path().display().to_string(),
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
        let regions = self.sandbox.regions().into_iter().map(|region| ReadyRegion {
            region: region.region,
            workspace_id: region.workspace_id,
            metastore_id: region.metastore_id,
            workspace_url: region.workspace_url,
            token_file: text(region.token_file),
            storage_root: region.storage_root,
        });
        Ready {
            api_url: self.api.as_ref().map(|api| api.url().to_owned()),
            account_id: self.control.account_id().to_owned(),
            token_file: self.credentials.as_ref().map(|files| text(files.token.clone())),
            client_file: self.credentials.as_ref().map(|files| text(files.client.clone())),
            gateway_url: self.gateway.as_ref().map(|gateway| gateway.url().to_owned()),
            system_tables: Some(text(self.data_dir.system_tables())),
            regions: regions.collect(),
        }
    }

    /// Does what an intent asks for, as `actor`.
    pub async fn perform(&self, actor: &str, intent: Intent) -> Result<NoticeDetail, IntentError> {
        perform(&self.control, &self.sandbox, actor, intent).await
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
        if let Some(sandbox) = Arc::into_inner(self.sandbox) {
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

/// Does what an intent asks for, as `actor`.
pub async fn perform(
    control: &Control,
    sandbox: &Sandbox,
    actor: &str,
    intent: Intent,
) -> Result<NoticeDetail, IntentError> {
    let group = |group| NoticeDetail::Group(Box::new(group));
    let answer = match intent {
        Intent::CreateGroup { spec, validate_only } => {
            control.create_group(actor, spec, validate_only).await.map(group)
        }
        Intent::UpdateGroup { id, patch, etag } => {
            control.update_group(actor, &id, Some(&etag), patch).await.map(group)
        }
        Intent::CreateStableUrl { id, workspace_id } => {
            let made = control.create_stable_url(actor, &id, &workspace_id, false).await;
            made.map(|_| NoticeDetail::Done(format!("The stable URL {id} was created.")))
        }
        Intent::DeleteStableUrl { id } => {
            let gone = control.delete_stable_url(actor, &id).await;
            gone.map(|()| NoticeDetail::Done(format!("The stable URL {id} was deleted.")))
        }
        Intent::CreateToken { name, role, is_client } => {
            let made = match is_client {
                true => control.create_client(actor, &name, role).await,
                false => control.create_token(actor, &name, role).await,
            };
            made.map(|(token, secret)| NoticeDetail::NewToken { token, secret })
        }
        Intent::RevokeToken { id } => {
            let revoked = control.revoke_token(actor, &id).await;
            revoked.map(|token| NoticeDetail::Done(format!("{} was revoked.", token.name)))
        }
        Intent::FailOver { id, target_primary_region, kind, etag, accept_left_behind } => control
            .fail_over_accepting(actor, &id, &target_primary_region, kind, Some(&etag), &accept_left_behind)
            .await
            .map(group),
        Intent::ReleaseLeftBehind { id, object } => {
            control.release_left_behind(actor, &id, &object).await.map(NoticeDetail::Done)
        }
        Intent::EstimateLoss { id } => {
            let found = control.estimate_loss(&id).await;
            found.map(|_| NoticeDetail::Done(format!("Estimated what a forced failover of {id} would lose.")))
        }
        Intent::ResumeWorkloads { id } => control.resume_workloads(actor, &id).await.map(NoticeDetail::Done),
        Intent::Repair { id, deep, etag } => {
            control.repair(actor, &id, deep, Some(&etag)).await.map(|repair| NoticeDetail::Done(repaired(&id, &repair)))
        }
        Intent::ReadPoint { id, at } => {
            control.point(&id, at).await.map(|report| NoticeDetail::Point(Box::new(report)))
        }
        Intent::RetryGroup { id } => control.retry(actor, &id).await.map(group),
        Intent::DeleteGroup { id, etag, given_up_region } => match given_up_region {
            Some(region) => control.delete_group_giving_up(actor, &id, Some(&etag), &region).await,
            None => control.delete_group(actor, &id, Some(&etag)).await,
        }
        .map(group),
        Intent::ReleaseReplica { region, catalog } => {
            control.release_replica(actor, &region, &catalog).await.map(NoticeDetail::Done)
        }
        Intent::RefreshRegions => {
            control.refresh_regions();
            Ok(NoticeDetail::Done("Refreshing the regions.".to_owned()))
        }
        Intent::SetMissionCritical { workspace_id, on } => {
            control.set_mission_critical(actor, &workspace_id, on).await.map(NoticeDetail::Done)
        }
        Intent::SetTransferLimit { limit } => control.set_transfer_limit(actor, limit).await.map(NoticeDetail::Done),
        Intent::TakeRegionDown { region } => {
            return sandbox_answer(sandbox.take_down(&region).await.map(|()| format!("{region} is down.")), control);
        }
        Intent::BringRegionUp { region } => {
            return sandbox_answer(sandbox.bring_up(&region).await.map(|()| format!("{region} is up.")), control);
        }
    };
    answer.map_err(refusal)
}

/// What a repair did and what still differs, in a few sentences.
fn repaired(id: &GroupId, repair: &Repair) -> String {
    let left = repair.report.objects.iter().filter(|o| o.status.is_difference() && o.status != ObjectStatus::Lagging);
    let left: Vec<&str> = left.map(|o| o.name.as_str()).collect();
    let mut sentence = match repair.done.as_slice() {
        [] => format!("{} was compared. Nothing needed repair.", id),
        done => done.join(" "),
    };
    if let Some(first) = left.first() {
        let more = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
        sentence.push_str(&format!(" Still not as its source: {first}{more}. See the objects for why."));
    }
    sentence
}

fn sandbox_answer(
    done: Result<String, crate::sandbox::SandboxError>,
    control: &Control,
) -> Result<NoticeDetail, IntentError> {
    control.refresh_regions();
    done.map(NoticeDetail::Done).map_err(|e| IntentError {
        sentence: e.to_string(),
        violations: Vec::new(),
        stale: false,
    })
}

fn refusal(error: ControlError) -> IntentError {
    let sentence = error.to_string();
    match error {
        ControlError::Invalid { violations } => IntentError { sentence, violations, stale: false },
        ControlError::Stale { .. } => IntentError { sentence, violations: Vec::new(), stale: true },
        _ => IntentError { sentence, violations: Vec::new(), stale: false },
    }
}
