//! A region of the embedded sandbox: the public REST APIs, and the private calls, which it serves.

use super::flavour::RestFlavour;
use super::{CredentialModes, RegionApi};
use crate::connect::error::ConnectError;
use crate::connect::rest::RegionClient;
use crate::connect::settings::ConnectSettings;
use std::sync::Arc;

/// A sandbox region. One that does not serve a private call offers nothing more than the public APIs.
#[derive(Debug)]
pub struct SandboxRegion {
    rest: RegionClient,
    modes: CredentialModes,
}

impl SandboxRegion {
    /// A client; nothing is sent yet.
    pub fn connect(settings: ConnectSettings) -> Result<Arc<dyn RegionApi>, ConnectError> {
        Ok(Arc::new(Self { rest: RegionClient::new(settings)?, modes: CredentialModes::default() }))
    }
}

impl RestFlavour for SandboxRegion {
    fn rest(&self) -> &RegionClient {
        &self.rest
    }

    fn credential_modes(&self) -> &CredentialModes {
        &self.modes
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Enforcement, RegionCapabilities, WorkspaceRole};
    use crate::connect::testing::{refusal, region_of};
    use crate::domain::GroupId;
    use crate::wire::sandbox::CAPABILITIES_PATH;
    use axum::Router;
    use axum::response::Json;
    use axum::routing::get;
    use serde_json::json;

    #[tokio::test]
    async fn a_region_that_offers_nothing_more_says_so_in_any_way() {
        let endpoint = || async { refusal(404, "ENDPOINT_NOT_FOUND", "No API found") };
        let group = GroupId::new("main").expect("an id");
        for router in [Router::new(), Router::new().fallback(endpoint)] {
            let region = region_of(router).await;
            assert_eq!(region.capabilities().await, Ok(RegionCapabilities::default()));
            assert_eq!(region.mission_critical().await, Ok(None));
            assert_eq!(region.set_mission_critical(true).await, Ok(Enforcement::NotOffered));
            let role = region.set_workspace_role(&group, WorkspaceRole::Secondary, 1).await;
            assert_eq!(role, Ok(Enforcement::NotOffered), "nobody may think that compute is refused there");
        }
    }

    #[tokio::test]
    async fn an_offer_is_read() {
        let offer = || async {
            Json(json!({"managed_tables": "STAGING_TABLES", "keeps_ids": true, "disaster_recovery_role": true}))
        };
        let region = region_of(Router::new().route(CAPABILITIES_PATH, get(offer))).await;
        let offered = region.capabilities().await.expect("it answers");
        assert!(offered.staging_tables && offered.keeps_ids && offered.disaster_recovery_role);
    }
}
