//! Any region with the public REST APIs, or with some of them: what it offers is asked, never concluded from its name.

use super::flavour::RestFlavour;
use super::sandbox::{mission_critical, private_capabilities, set_mission_critical, set_role};
use super::{Answer, CredentialModes, Enforcement, RegionApi, RegionCapabilities, WorkspaceRole};
use crate::connect::error::ConnectError;
use crate::connect::rest::RegionClient;
use crate::connect::settings::ConnectSettings;
use crate::domain::GroupId;
use futures::future::FutureExt;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A region of the user's own: a Databricks workspace, an open-source Unity Catalog, or what speaks like one.
#[derive(Debug)]
pub struct PublicRegion {
    rest: RegionClient,
    modes: CredentialModes,
    /// Asked once: every cycle needs it, and it changes only with the region's software.
    offered: OnceCell<RegionCapabilities>,
}

impl PublicRegion {
    /// A client; nothing is sent yet.
    pub fn connect(settings: ConnectSettings) -> Result<Arc<dyn RegionApi>, ConnectError> {
        let rest = RegionClient::new(settings)?;
        Ok(Arc::new(Self { rest, modes: CredentialModes::default(), offered: OnceCell::new() }))
    }
}

/// What a region offers beyond what every region does.
pub(in crate::connect) async fn ask_capabilities(rest: &RegionClient) -> Result<RegionCapabilities, ConnectError> {
    let said = private_capabilities(rest).await?;
    Ok(RegionCapabilities { bindings: said.bindings || rest.serves_bindings().await?, ..said })
}

impl RestFlavour for PublicRegion {
    fn rest(&self) -> &RegionClient {
        &self.rest
    }

    fn credential_modes(&self) -> &CredentialModes {
        &self.modes
    }

    fn capabilities(&self) -> Answer<'_, RegionCapabilities> {
        async { self.offered.get_or_try_init(|| ask_capabilities(&self.rest)).await.copied() }.boxed()
    }

    fn set_workspace_role<'a>(
        &'a self,
        group: &'a GroupId,
        role: WorkspaceRole,
        epoch: u64,
    ) -> Answer<'a, Enforcement> {
        set_role(&self.rest, group, role, epoch).boxed()
    }

    fn mission_critical(&self) -> Answer<'_, Option<bool>> {
        mission_critical(&self.rest).boxed()
    }

    fn set_mission_critical(&self, enabled: bool) -> Answer<'_, Enforcement> {
        set_mission_critical(&self.rest, enabled).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::{EAGER, refusal, serve, settings};
    use axum::Router;
    use axum::routing::get;

    const BINDINGS: &str = "/api/2.1/unity-catalog/bindings/catalog/{name}";

    async fn offers_bindings(router: Router) -> bool {
        let region = PublicRegion::connect(settings(&serve(router).await, EAGER)).expect("the settings are good");
        region.capabilities().await.expect("it answers").bindings
    }

    #[tokio::test]
    async fn bindings_are_found_by_asking_for_those_of_a_catalog_that_is_not_there() {
        let missing = || async { refusal(404, "CATALOG_DOES_NOT_EXIST", "no such catalog") };
        assert!(offers_bindings(Router::new().route(BINDINGS, get(missing))).await);
        let unknown = || async { refusal(501, "NOT_IMPLEMENTED", "no") };
        assert!(!offers_bindings(Router::new().fallback(unknown)).await);
        assert!(!offers_bindings(Router::new()).await, "a bare 404 says nothing of a catalog");
    }
}
