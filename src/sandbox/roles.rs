//! What a sandbox region offers beyond the public APIs: its capabilities, roles in failover groups, Mission Critical.

use super::call::{Answer, Call, Caller, answer as text, done};
use super::faults;
use super::records::Kind;
use super::refusal::Refusal;
use super::region::Region;
use crate::wire::error;
use crate::wire::sandbox::{
    Capabilities, DisasterRecoveryRole, MANAGED_TABLES_STAGING, MissionCritical, ROLE_NONE, ROLE_PRIMARY,
    ROLE_SECONDARY,
};
use axum::http::Method;
use serde_json::json;

/// Key of the Mission Critical setting.
pub(super) const MISSION_CRITICAL: &str = "mission_critical";

pub(super) fn answer(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    if call.method != Method::GET && matches!(call.caller, Caller::Principal(_)) {
        return Some(Err(Refusal::denied("Only the account's admin and the product change this.")));
    }
    Some(match (&call.method, path) {
        (&Method::GET, ["capabilities"]) => text(&Capabilities {
            managed_tables: MANAGED_TABLES_STAGING.to_owned(),
            keeps_ids: !region.switches.faults().ids_are_its_own,
            disaster_recovery_role: true,
        }),
        (&Method::GET, ["faults"]) => faults::get(region),
        (&Method::PUT, ["faults"]) => faults::set(region, call),
        (&Method::GET, ["disaster-recovery-role"]) => {
            let roles: Vec<DisasterRecoveryRole> = region.records.all(Kind::Role, "");
            text(&json!({"roles": roles}))
        }
        (&Method::PUT, ["disaster-recovery-role"]) => set_role(region, call),
        (&Method::GET, ["mission-critical"]) => text(&MissionCritical { enabled: is_mission_critical(region) }),
        (&Method::PUT, ["mission-critical"]) => set_mission_critical(region, call),
        _ => return None,
    })
}

pub(super) fn is_mission_critical(region: &Region) -> bool {
    region.records.get::<MissionCritical>(Kind::Setting, MISSION_CRITICAL).is_some_and(|setting| setting.enabled)
}

fn set_role(region: &Region, call: &Call) -> Answer {
    let wanted: DisasterRecoveryRole = call.body()?;
    if wanted.failover_group.is_empty() {
        return Err(Refusal::invalid("The field failover_group is missing."));
    }
    let mut writing = region.records.write();
    let known: Option<DisasterRecoveryRole> = region.records.get(Kind::Role, &wanted.failover_group);
    if let Some(known) = known.filter(|known| known.epoch > wanted.epoch) {
        return Err(Refusal::new(
            409,
            error::ABORTED,
            format!(
                "Workspace {} knows epoch {} of failover group {} already, so a role of epoch {} is refused.",
                region.identity.workspace_name, known.epoch, wanted.failover_group, wanted.epoch
            ),
        ));
    }
    match wanted.role.as_str() {
        ROLE_PRIMARY | ROLE_SECONDARY => writing.put(Kind::Role, &wanted.failover_group, &wanted),
        ROLE_NONE => writing.delete(Kind::Role, &wanted.failover_group),
        other => {
            return Err(Refusal::invalid(format!(
                "The role {other:?} is unknown. Use {ROLE_PRIMARY}, {ROLE_SECONDARY} or {ROLE_NONE}."
            )));
        }
    }
    writing.commit()?;
    done()
}

fn set_mission_critical(region: &Region, call: &Call) -> Answer {
    let wanted: MissionCritical = call.body()?;
    let mut writing = region.records.write();
    let roles: Vec<DisasterRecoveryRole> = region.records.all(Kind::Role, "");
    if let (false, Some(role)) = (wanted.enabled, roles.first()) {
        return Err(Refusal::state(format!(
            "Mission Critical cannot be switched off in workspace {}: it belongs to failover group {}. Delete the group first.",
            region.identity.workspace_name, role.failover_group
        )));
    }
    writing.put(Kind::Setting, MISSION_CRITICAL, &wanted);
    writing.commit()?;
    text(&wanted)
}
