//! Which workspaces may use a catalog, location or credential.

use super::securable::{Securable, Type};
use crate::sandbox::call::{Answer, Call, Caller, answer};
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{
    BINDING_READ_ONLY, BINDING_READ_WRITE, ISOLATION_MODE_ISOLATED, UpdateBindings, WorkspaceBinding, WorkspaceBindings,
};

/// Types that can be bound.
const BOUND: [Type; 3] = [Type::Catalog, Type::ExternalLocation, Type::StorageCredential];

fn found(region: &Region, kind: &str, name: &str) -> Result<Securable, Refusal> {
    let securable = Securable::known(region, kind, name)?;
    if !BOUND.contains(&securable.of) {
        return Err(Refusal::invalid(format!("A {} cannot be bound to workspaces.", securable.of.as_str())));
    }
    Ok(securable)
}

fn of(region: &Region, securable: &Securable) -> WorkspaceBindings {
    region.records.get(Kind::Bindings, &securable.key()).unwrap_or_default()
}

pub fn get(region: &Region, kind: &str, name: &str) -> Answer {
    answer(&of(region, &found(region, kind, name)?))
}

pub fn update(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let wanted: UpdateBindings = call.body()?;
    // Waits for commits that were allowed before, should this shut them out.
    let _gate = region.commit_gate.write();
    let mut writing = region.records.write();
    let securable = found(region, kind, name)?;
    let mut bindings = of(region, &securable);
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
        if binding_type == BINDING_READ_ONLY && securable.of != Type::Catalog {
            return Err(Refusal::invalid(format!("Only catalogs are bound as {BINDING_READ_ONLY}.")));
        }
        bindings.bindings.retain(|b| b.workspace_id != added.workspace_id);
        bindings.bindings.push(WorkspaceBinding { workspace_id: added.workspace_id, binding_type: Some(binding_type) });
    }
    writing.put(Kind::Bindings, securable.key(), &bindings);
    writing.commit()?;
    answer(&bindings)
}

/// The workspace that isolates something stays bound to it, as in a real region. Its bindings are still under the name
/// that it had `before` the change.
pub fn put_own(region: &Region, writing: &mut Writing<'_>, before: &Securable, after: &Securable) {
    let mut bindings = of(region, before);
    let own = region.identity.workspace_id;
    if !bindings.bindings.iter().any(|b| b.workspace_id == own) {
        bindings.bindings.push(WorkspaceBinding::read_write(own));
        writing.put(Kind::Bindings, after.key(), &bindings);
    }
}

/// Fails where an isolated location or credential is not bound to this workspace. Metastore admins manage them from any.
pub fn check(region: &Region, caller: Caller, securable: &Securable) -> Result<(), Refusal> {
    let Some(kind) = securable.of.kind().filter(|_| caller != Caller::Replication) else { return Ok(()) };
    if region.records.value(kind, &securable.name)["isolation_mode"] != ISOLATION_MODE_ISOLATED {
        return Ok(());
    }
    let own = region.identity.workspace_id;
    if of(region, securable).bindings.iter().any(|b| b.workspace_id == own) {
        return Ok(());
    }
    Err(Refusal::denied(format!(
        "{} '{}' is not accessible in workspace {own}. Ask its owner to bind it to this workspace.",
        securable.of.words(),
        securable.name
    )))
}
