//! A region of the embedded sandbox: the public REST APIs, and its private calls.

use super::flavour::RestFlavour;
use super::{Answer, CredentialModes, Enforcement, RegionApi, RegionCapabilities, WorkspaceRole};
use crate::connect::error::{ConnectError, is_not_offered};
use crate::connect::http::Call;
use crate::connect::rest::RegionClient;
use crate::connect::settings::ConnectSettings;
use crate::domain::GroupId;
use crate::wire::sandbox::{
    CAPABILITIES_PATH, Capabilities, DISASTER_RECOVERY_ROLE_PATH, DisasterRecoveryRole, MANAGED_TABLES_STAGING,
    MISSION_CRITICAL_PATH, MissionCritical, ROLE_NONE, ROLE_PRIMARY, ROLE_SECONDARY,
};
use futures::future::FutureExt;
use reqwest::Method;
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

    fn capabilities(&self) -> Answer<'_, RegionCapabilities> {
        private_capabilities(&self.rest).boxed()
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

/// What a region says of itself by the private call; nothing where it doesn't serve that.
pub(super) async fn private_capabilities(rest: &RegionClient) -> Result<RegionCapabilities, ConnectError> {
    let offered = offered(rest.transport.send::<Capabilities>(Call::get(CAPABILITIES_PATH, &[])).await)?;
    Ok(offered.map_or_else(RegionCapabilities::default, |offered| RegionCapabilities {
        staging_tables: offered.managed_tables == MANAGED_TABLES_STAGING,
        keeps_ids: offered.keeps_ids,
        disaster_recovery_role: offered.disaster_recovery_role,
        // Whoever offers the private calls keeps bindings.
        bindings: true,
    }))
}

pub(super) async fn set_role(
    rest: &RegionClient,
    group: &GroupId,
    role: WorkspaceRole,
    epoch: u64,
) -> Result<Enforcement, ConnectError> {
    let role = match role {
        WorkspaceRole::Primary => ROLE_PRIMARY,
        WorkspaceRole::Secondary => ROLE_SECONDARY,
        WorkspaceRole::None => ROLE_NONE,
    };
    let body = DisasterRecoveryRole { failover_group: group.to_string(), role: role.to_owned(), epoch };
    let call = Call::new(Method::PUT, DISASTER_RECOVERY_ROLE_PATH, &[]).body(&body);
    enforced(rest.transport.send_for_nothing(call).await)
}

pub(super) async fn mission_critical(rest: &RegionClient) -> Result<Option<bool>, ConnectError> {
    let add_on = rest.transport.send::<MissionCritical>(Call::get(MISSION_CRITICAL_PATH, &[])).await;
    Ok(offered(add_on)?.map(|add_on| add_on.enabled))
}

pub(super) async fn set_mission_critical(rest: &RegionClient, enabled: bool) -> Result<Enforcement, ConnectError> {
    let call = Call::new(Method::PUT, MISSION_CRITICAL_PATH, &[]).body(&MissionCritical { enabled });
    enforced(rest.transport.send_for_nothing(call).await)
}

/// None where the call isn't served.
fn offered<T>(answer: Result<T, ConnectError>) -> Result<Option<T>, ConnectError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if is_not_offered(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn enforced(answer: Result<(), ConnectError>) -> Result<Enforcement, ConnectError> {
    Ok(offered(answer)?.map_or(Enforcement::NotOffered, |()| Enforcement::Enforced))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::testing::{refusal, region_of};
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
