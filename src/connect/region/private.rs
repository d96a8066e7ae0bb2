//! The private calls that a region may serve beyond the public REST APIs. The sandbox does; one that doesn't offers nothing
//! more, and says so.

use super::{Enforcement, RegionCapabilities, WorkspaceRole};
use crate::connect::error::{ConnectError, is_not_offered};
use crate::connect::http::Call;
use crate::connect::rest::RegionClient;
use crate::domain::GroupId;
use crate::wire::sandbox::{
    CAPABILITIES_PATH, Capabilities, DISASTER_RECOVERY_ROLE_PATH, DisasterRecoveryRole, MANAGED_TABLES_STAGING,
    MISSION_CRITICAL_PATH, MissionCritical, ROLE_NONE, ROLE_PRIMARY, ROLE_SECONDARY,
};
use reqwest::Method;

/// What a region says of itself by the private call; nothing where it doesn't serve that.
pub async fn capabilities(rest: &RegionClient) -> Result<RegionCapabilities, ConnectError> {
    let offered = offered(rest.transport.send::<Capabilities>(Call::get(CAPABILITIES_PATH, &[])).await)?;
    Ok(offered.map_or_else(RegionCapabilities::default, |offered| RegionCapabilities {
        staging_tables: offered.managed_tables == MANAGED_TABLES_STAGING,
        keeps_ids: offered.keeps_ids,
        disaster_recovery_role: offered.disaster_recovery_role,
        // A region that serves the private calls keeps bindings.
        bindings: true,
    }))
}

pub async fn set_role(
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

pub async fn mission_critical(rest: &RegionClient) -> Result<Option<bool>, ConnectError> {
    let add_on = rest.transport.send::<MissionCritical>(Call::get(MISSION_CRITICAL_PATH, &[])).await;
    Ok(offered(add_on)?.map(|add_on| add_on.enabled))
}

pub async fn set_mission_critical(rest: &RegionClient, enabled: bool) -> Result<Enforcement, ConnectError> {
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
