//! Grants: direct, and effective with where each comes from.

use super::privileges;
use super::securable::Securable;
use crate::sandbox::call::{Answer, Call, answer, done};
use crate::sandbox::principals;
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{
    EffectivePermissions, EffectivePrivilege, EffectivePrivilegeAssignment, PrivilegeAssignment, UpdatePermissions,
};

pub fn get(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let mut grants = Securable::known(region, kind, name)?.grants(region);
    if let Some(principal) = call.query.get("principal").filter(|name| !name.is_empty()) {
        grants.privilege_assignments.retain(|assignment| assignment.principal == *principal);
    }
    answer(&grants)
}

pub fn update(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let wanted: UpdatePermissions = call.body()?;
    let mut writing = region.records.write();
    let securable = Securable::known(region, kind, name)?;
    let mut grants = securable.grants(region);
    let assignments = &mut grants.privilege_assignments;
    for change in wanted.changes {
        let principal = change.principal;
        if !change.add.is_empty() {
            principals::check(&region.records, &principal)?;
        }
        if let Some(wrong) = change.add.iter().find(|privilege| !privileges::fits(securable.of, privilege)) {
            return Err(Refusal::invalid(format!(
                "Privilege {wrong} is not applicable to this entity [{}:{}].",
                securable.of.code(),
                securable.name
            )));
        }
        let at = match assignments.iter().position(|a| a.principal == principal) {
            Some(at) => at,
            None => {
                assignments.push(PrivilegeAssignment { principal, privileges: Vec::new() });
                assignments.len() - 1
            }
        };
        if let Some(assignment) = assignments.get_mut(at) {
            assignment.privileges.retain(|p| !change.remove.contains(p));
            for privilege in change.add {
                if !assignment.privileges.contains(&privilege) {
                    assignment.privileges.push(privilege);
                }
            }
            assignment.privileges.sort();
        }
    }
    assignments.retain(|assignment| !assignment.privileges.is_empty());
    writing.put(Kind::Grants, securable.key(), &grants);
    writing.commit()?;
    if call.body["omit_permissions_in_response"] == true { done() } else { answer(&grants) }
}

/// What is granted on a securable and on what holds it.
pub fn effective(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let securable = Securable::known(region, kind, name)?;
    let only = call.query.get("principal").filter(|name| !name.is_empty());
    let mut found = EffectivePermissions::default();
    for from in securable.chain(region) {
        let is_own = from == securable;
        for assignment in from.grants(region).privilege_assignments {
            if only.is_some_and(|only| *only != assignment.principal) {
                continue;
            }
            let handed_down = assignment.privileges.into_iter().filter(|p| is_own || privileges::fits(securable.of, p));
            let privileges: Vec<EffectivePrivilege> = handed_down
                .map(|privilege| EffectivePrivilege {
                    privilege,
                    inherited_from_name: (!is_own).then(|| from.name.clone()),
                    inherited_from_type: (!is_own).then(|| from.of.code()),
                })
                .collect();
            if privileges.is_empty() {
                continue;
            }
            let list = &mut found.privilege_assignments;
            match list.iter_mut().find(|known| known.principal == assignment.principal) {
                Some(known) => known.privileges.extend(privileges),
                None => list.push(EffectivePrivilegeAssignment { principal: assignment.principal, privileges }),
            }
        }
    }
    answer(&found)
}
