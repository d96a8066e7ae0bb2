//! Turns what the regions are into a deployment. Everything after it knows only the deployment.

use super::connections::Connections;
use super::{ConnectionView, DataDir, RuntimeError};
use crate::connect::{ConnectSettings, PublicRegion, RegionHealth, SandboxRegion, Secret, StorageOptions};
use crate::control::{Deployment, Workspace};
use crate::domain::{Clock, Region, WorkspaceId};
use crate::sandbox::{Sandbox, SandboxOptions};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The embedded sandbox as a deployment's regions.
#[derive(Debug, Clone, Default)]
pub struct SandboxSource {
    /// Managed tables that a new sandbox is seeded with.
    pub tables: Option<usize>,
    /// Catalogs that a new sandbox is seeded with.
    pub catalogs: Option<usize>,
    /// Commits a second of all the sandbox's writers together; None for the usual few.
    pub commits_per_second: Option<f64>,
    /// The seed of names, schemas and rows.
    pub seed: u64,
    /// Endpoints and keys of the object stores that hold external locations of its regions.
    pub stores: StorageOptions,
}

/// One region of the ready line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadyRegion {
    /// Its name.
    pub region: Region,
    /// Its workspace's id.
    pub workspace_id: String,
    /// Its metastore's id.
    pub metastore_id: String,
    /// Its workspace's URL.
    pub workspace_url: String,
    /// The file that holds a user's token for it; empty, and null as JSON, for a region of one's own.
    #[serde(serialize_with = "null_when_empty")]
    pub token_file: String,
    /// A `file://` URI above every location of it; empty, and null as JSON, where there is no such place.
    #[serde(serialize_with = "null_when_empty")]
    pub storage_root: String,
}

fn null_when_empty<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    Some(text).filter(|text| !text.is_empty()).serialize(serializer)
}

/// The regions, connected.
pub(super) struct Connected {
    pub deployment: Deployment,
    /// The same regions as `serve` announces them; the seeded one first.
    pub regions: Vec<ReadyRegion>,
    /// The sandbox's faults and seed, where the regions are its.
    pub sandbox: Option<Arc<Sandbox>>,
    /// The connections, where the regions are the user's own.
    pub connections: Vec<ConnectionView>,
}

impl Connected {
    /// Connects to the data dir's own regions, or else to the sandbox.
    pub async fn to_regions(
        source: SandboxSource,
        data_dir: &DataDir,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        let connections = Connections::load(data_dir.path())?;
        if connections.all().is_empty() {
            return Self::to_sandbox(source, data_dir, clock).await;
        }
        Self::to_connections(&connections, clock)
    }

    /// Makes clients of two regions of one's own. Nothing is asked: a region that is away must not keep the other from
    /// being used.
    fn to_connections(connections: &Connections, clock: &Arc<dyn Clock>) -> Result<Self, RuntimeError> {
        if !connections.is_whole() {
            let sentence =
                "A deployment needs two regions, and the data dir has one connection. Add the other with connect add.";
            return Err(RuntimeError::GaveUp { sentence: sentence.to_owned() });
        }
        let (mut workspaces, mut regions) = (Vec::new(), Vec::new());
        for connection in connections.all() {
            let settings = connections.settings(connection, RegionHealth::new(clock.clone()))?;
            workspaces.push(Workspace {
                client: PublicRegion::connect(settings, connection.workspace_id.parse().ok())?,
                id: WorkspaceId::new(connection.workspace_id.as_str()),
                name: connection.name.clone(),
                region: connection.region.clone(),
                url: connection.url.clone(),
                storage_root: None,
            });
            regions.push(ReadyRegion {
                region: connection.region.clone(),
                workspace_id: connection.workspace_id.clone(),
                metastore_id: connection.metastore_id.clone(),
                workspace_url: connection.url.clone(),
                token_file: String::new(),
                storage_root: String::new(),
            });
        }
        let deployment = Deployment { account_id: connections.account_id().to_owned(), workspaces };
        let connections = connections.all().iter().map(ConnectionView::of).collect();
        Ok(Self { deployment, regions, sandbox: None, connections })
    }

    /// Starts the sandbox in its folder of the data dir, and connects to its regions.
    pub async fn to_sandbox(
        source: SandboxSource,
        data_dir: &DataDir,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, RuntimeError> {
        let mut options = SandboxOptions::new(data_dir.sandbox());
        options.tables = source.tables;
        options.catalogs = source.catalogs;
        options.seed = source.seed;
        options.every_kind = true;
        if let Some(rate) = source.commits_per_second {
            options.commits_per_second = rate;
        }
        let sandbox = Arc::new(Sandbox::start(options, clock.clone()).await?);
        let (mut workspaces, mut regions) = (Vec::new(), Vec::new());
        for region in sandbox.regions() {
            let token = Secret::new(region.replication_token);
            let settings = ConnectSettings {
                storage: source.stores.clone(),
                health: RegionHealth::new(clock.clone()),
                ..ConnectSettings::new(&region.region, &region.workspace_url, token).fail_fast()
            };
            workspaces.push(Workspace {
                client: SandboxRegion::connect(settings)?,
                id: WorkspaceId::new(region.workspace_id.as_str()),
                name: region.workspace_name,
                region: Region::new(region.region.clone()),
                url: region.workspace_url.clone(),
                storage_root: Some(region.storage_root.clone()),
            });
            regions.push(ReadyRegion {
                region: Region::new(region.region),
                workspace_id: region.workspace_id,
                metastore_id: region.metastore_id,
                workspace_url: region.workspace_url,
                token_file: region.token_file.display().to_string(),
                storage_root: region.storage_root,
            });
        }
        let deployment = Deployment { account_id: sandbox.account_id().to_owned(), workspaces };
        Ok(Self { deployment, regions, sandbox: Some(sandbox), connections: Vec::new() })
    }

    /// The id of each region's metastore.
    pub fn metastores(&self) -> BTreeMap<Region, String> {
        self.regions.iter().map(|region| (region.region.clone(), region.metastore_id.clone())).collect()
    }
}
