//! What a region offers beyond the public APIs.

use super::error::ConnectError;
use super::region::RegionClient;
use super::transport::Call;
use crate::wire::sandbox::{
    CAPABILITIES_PATH, Capabilities, DISASTER_RECOVERY_ROLE_PATH, DisasterRecoveryRole, MANAGED_TABLES_STAGING,
    MISSION_CRITICAL_PATH, MissionCritical,
};
use reqwest::Method;
use serde_json::Value;

/// What a region offers beyond the public APIs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RegionCapabilities {
    /// Managed tables and views can be made over REST, by staging.
    pub staging_tables: bool,
    /// A create call may say the new object's id and location.
    pub keeps_ids: bool,
    /// The workspace can be told its role in a failover group.
    pub disaster_recovery_role: bool,
}

impl RegionClient {
    /// Asks what the region offers; a region that doesn't know the question offers nothing more.
    pub async fn capabilities(&self) -> Result<RegionCapabilities, ConnectError> {
        match self.transport.send::<Capabilities>(Call::get(CAPABILITIES_PATH, &[])).await {
            Ok(offered) => Ok(RegionCapabilities {
                staging_tables: offered.managed_tables == MANAGED_TABLES_STAGING,
                keeps_ids: offered.keeps_ids,
                disaster_recovery_role: offered.disaster_recovery_role,
            }),
            Err(error) if is_not_offered(&error) => Ok(RegionCapabilities::default()),
            Err(error) => Err(error),
        }
    }

    /// Tells the workspace its role in a failover group.
    pub async fn set_disaster_recovery_role(&self, role: &DisasterRecoveryRole) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::new(Method::PUT, DISASTER_RECOVERY_ROLE_PATH, &[]).body(role)).await
    }

    /// Whether the Mission Critical add-on is on; None where the region can't say.
    pub async fn mission_critical(&self) -> Result<Option<bool>, ConnectError> {
        match self.transport.send::<MissionCritical>(Call::get(MISSION_CRITICAL_PATH, &[])).await {
            Ok(add_on) => Ok(Some(add_on.enabled)),
            Err(error) if is_not_offered(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Switches the Mission Critical add-on.
    pub async fn set_mission_critical(&self, enabled: bool) -> Result<(), ConnectError> {
        let body = MissionCritical { enabled };
        self.transport.send::<Value>(Call::new(Method::PUT, MISSION_CRITICAL_PATH, &[]).body(&body)).await.map(|_| ())
    }
}

/// A path that isn't served, however the server says so.
pub(super) fn is_not_offered(error: &ConnectError) -> bool {
    match error {
        ConnectError::NotFound { .. } => true,
        ConnectError::Refused { status, .. } => matches!(status, 404 | 501),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{client_of, refusal};
    use super::*;
    use axum::Router;
    use axum::response::Json;
    use axum::routing::get;
    use serde_json::json;

    #[tokio::test]
    async fn a_region_that_offers_nothing_more_says_so_in_any_way() {
        let endpoint = || async { refusal(404, "ENDPOINT_NOT_FOUND", "No API found") };
        for router in [Router::new(), Router::new().fallback(endpoint)] {
            let client = client_of(router).await;
            assert_eq!(client.capabilities().await, Ok(RegionCapabilities::default()));
            assert_eq!(client.mission_critical().await, Ok(None));
        }
    }

    #[tokio::test]
    async fn an_offer_is_read() {
        let offer = || async {
            Json(json!({"managed_tables": "STAGING_TABLES", "keeps_ids": true, "disaster_recovery_role": true}))
        };
        let client = client_of(Router::new().route(CAPABILITIES_PATH, get(offer))).await;
        let offered = client.capabilities().await.expect("it answers");
        assert!(offered.staging_tables && offered.keeps_ids && offered.disaster_recovery_role);
    }
}
