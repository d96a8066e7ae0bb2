//! Workspaces that several groups share.

use crate::control::Control;
use crate::control::group::GroupHandle;
use crate::control::view::OperationOutcome;
use crate::domain::FailoverGroup;
use crate::replicate::Endpoint;

/// The other group for which the endpoint's workspace is primary, if there is one.
pub fn primary_elsewhere(control: &Control, group: &FailoverGroup, endpoint: &Endpoint) -> Option<String> {
    // A group that is failing over away from there itself no longer needs what runs there.
    let leaving = |handle: &GroupHandle| {
        handle.operation().is_some_and(|o| o.outcome == OperationOutcome::Running && o.from_region == endpoint.region)
    };
    control.handles().into_iter().filter(|handle| !leaving(handle)).map(|handle| handle.group()).find_map(|other| {
        let shared = other.spec.id != group.spec.id
            && other.effective_primary_region == endpoint.region
            && other.spec.workspace_sets.iter().any(|set| set.workspace_ids.contains(&endpoint.workspace_id));
        shared.then(|| other.spec.id.to_string())
    })
}
