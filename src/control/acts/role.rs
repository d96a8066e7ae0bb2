//! The role of a workspace in a group.

use crate::connect::{Enforcement, WorkspaceRole};
use crate::control::ControlError;
use crate::domain::FailoverGroup;
use crate::replicate::Endpoint;

/// Tells a region its role in the group. Where the region has no way to keep it up, the log says so.
pub async fn set_role(
    endpoint: &Endpoint,
    group: &FailoverGroup,
    role: WorkspaceRole,
) -> Result<Enforcement, ControlError> {
    let answer = endpoint.client.set_workspace_role(&group.spec.id, role, group.epoch).await?;
    if answer == Enforcement::NotOffered {
        tracing::info!(region = %endpoint.region, group = %group.spec.id, ?role, "the region can't be told its role");
    }
    Ok(answer)
}

/// What a step says of a role that the region does not keep up; nothing where it does.
pub fn role_note(answer: Enforcement, endpoint: &Endpoint) -> String {
    match answer {
        Enforcement::Enforced => String::new(),
        Enforcement::NotOffered => {
            format!(" The workspace's role is not enforced: {} has no way to set it.", endpoint.region)
        }
    }
}
