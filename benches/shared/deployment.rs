//! A sandbox to measure on: its scope, and both its regions as the product reaches them.

use super::Fault;
use resilience::connect::{ConnectSettings, SandboxRegion, Secret};
use resilience::domain::Region;
use resilience::domain::{CatalogName, LocationMapping, WorkspaceId};
use resilience::replicate::Endpoint;
use resilience::sandbox::{RegionEndpoint, Sandbox};
use std::collections::BTreeSet;

/// The catalog of the sandbox that holds what cannot be replicated.
const NOT_REPLICATED: &str = "cannot_replicate";

/// What of a sandbox is replicated.
pub struct Scope {
    /// The catalogs, by name.
    pub catalogs: Vec<CatalogName>,
    /// The managed tables in them, by name.
    pub tables: Vec<String>,
    /// One row that covers both regions' whole storage.
    pub mappings: Vec<LocationMapping>,
}

impl Scope {
    /// Everything in the first region that can be replicated.
    pub async fn of(sandbox: &Sandbox) -> Result<Self, Fault> {
        let regions = sandbox.regions();
        let home = regions.first().ok_or("The sandbox has no region.")?;
        let (mut catalogs, mut tables) = (BTreeSet::new(), Vec::new());
        for table in sandbox.truth(&home.region, &[]).await? {
            let catalog = table.full_name.split('.').next().unwrap_or_default();
            if catalog != NOT_REPLICATED {
                catalogs.insert(catalog.to_owned());
                tables.push(table.full_name);
            }
        }
        let uri = |root: &str| format!("{}/*", root.trim_end_matches('/'));
        let mappings = vec![LocationMapping {
            name: "storage".to_owned(),
            uri_by_region: regions.iter().map(|r| (Region::new(&r.region), uri(&r.storage_root))).collect(),
        }];
        Ok(Self { catalogs: catalogs.into_iter().map(CatalogName::new).collect(), tables, mappings })
    }
}

/// One end of a replication, reached as the runtime reaches it.
pub async fn endpoint(region: &RegionEndpoint) -> Result<Endpoint, Fault> {
    let token = Secret::new(region.replication_token.clone());
    let client =
        SandboxRegion::connect(ConnectSettings::new(&region.region, &region.workspace_url, token).fail_fast())?;
    Ok(Endpoint::connect(&Region::new(&region.region), &WorkspaceId::new(region.workspace_id.as_str()), client).await?)
}
