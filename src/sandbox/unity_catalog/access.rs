//! Bindings, grants and policies.

use crate::sandbox::call::{Answer, Call, answer};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{
    BINDING_READ_ONLY, BINDING_READ_WRITE, Permissions, PrivilegeAssignment, UpdateBindings, UpdatePermissions,
    WorkspaceBinding, WorkspaceBindings,
};
use serde_json::json;

/// Fails where there is no such securable.
fn known(region: &Region, kind: &str, name: &str) -> Result<String, Refusal> {
    let name = name.to_lowercase();
    let (record, code) = match kind.to_lowercase().as_str() {
        "catalog" => (Kind::Catalog, "CATALOG"),
        "schema" => (Kind::Schema, "SCHEMA"),
        "table" => (Kind::Table, "TABLE"),
        "volume" => (Kind::Volume, "VOLUME"),
        "function" => (Kind::Function, "FUNCTION"),
        "external_location" | "external-location" => (Kind::ExternalLocation, "EXTERNAL_LOCATION"),
        "storage_credential" | "storage-credential" | "credential" => (Kind::StorageCredential, "STORAGE_CREDENTIAL"),
        "metastore" => return Ok(format!("metastore/{name}")),
        other => return Err(Refusal::invalid(format!("The securable type {other:?} is unknown."))),
    };
    match region.records.text(record, &name) {
        Some(_) => Ok(format!("{}/{name}", kind.to_lowercase())),
        None => Err(Refusal::missing(code, &name)),
    }
}

pub fn bindings(region: &Region, kind: &str, name: &str) -> Answer {
    let key = known(region, kind, name)?;
    answer(&region.records.get::<WorkspaceBindings>(Kind::Bindings, &key).unwrap_or_default())
}

pub fn update_bindings(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let wanted: UpdateBindings = call.body()?;
    // Waits for commits that were allowed before, should this shut them out.
    let _gate = region.commit_gate.write();
    let mut writing = region.records.write();
    let key = known(region, kind, name)?;
    let mut bindings: WorkspaceBindings = region.records.get(Kind::Bindings, &key).unwrap_or_default();
    for removed in &wanted.remove {
        bindings.bindings.retain(|b| b.workspace_id != removed.workspace_id);
    }
    for added in wanted.add {
        let binding_type = added.binding_type.unwrap_or_else(|| BINDING_READ_WRITE.to_owned());
        if ![BINDING_READ_WRITE, BINDING_READ_ONLY].contains(&binding_type.as_str()) {
            return Err(Refusal::invalid(format!(
                "The binding_type {binding_type:?} is unknown. Use {BINDING_READ_WRITE} or {BINDING_READ_ONLY}."
            )));
        }
        bindings.bindings.retain(|b| b.workspace_id != added.workspace_id);
        bindings.bindings.push(WorkspaceBinding { workspace_id: added.workspace_id, binding_type: Some(binding_type) });
    }
    writing.put(Kind::Bindings, key, &bindings);
    writing.commit()?;
    answer(&bindings)
}

pub fn permissions(region: &Region, kind: &str, name: &str) -> Answer {
    let key = known(region, kind, name)?;
    answer(&region.records.get::<Permissions>(Kind::Grants, &key).unwrap_or_default())
}

pub fn update_permissions(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let wanted: UpdatePermissions = call.body()?;
    let mut writing = region.records.write();
    let key = known(region, kind, name)?;
    let mut grants: Permissions = region.records.get(Kind::Grants, &key).unwrap_or_default();
    let assignments = &mut grants.privilege_assignments;
    for change in wanted.changes {
        let at = match assignments.iter().position(|a| a.principal == change.principal) {
            Some(at) => at,
            None => {
                assignments.push(PrivilegeAssignment { principal: change.principal, privileges: Vec::new() });
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
    writing.put(Kind::Grants, key, &grants);
    writing.commit()?;
    answer(&grants)
}

pub fn policies(region: &Region, kind: &str, name: &str) -> Answer {
    let key = known(region, kind, name)?;
    match region.records.text(Kind::Policies, &key) {
        Some(policies) => Ok(policies.to_string()),
        None => answer(&json!({"policies": []})),
    }
}
