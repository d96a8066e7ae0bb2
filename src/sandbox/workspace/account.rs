use crate::sandbox::call::{Answer, answer};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::workspace::AccountWorkspace;
use serde_json::json;

/// Which account and workspace this is, as clients ask it before they log in. There is no `oidc_endpoint` to name.
pub fn host_metadata(region: &Region) -> Answer {
    answer(&json!({
        "account_id": region.identity.account_id,
        "workspace_id": region.identity.workspace_id.to_string(),
        "cloud": "AWS",
    }))
}

pub fn workspaces(region: &Region, account: &str) -> Answer {
    if account != region.identity.account_id {
        return Err(Refusal::missing("ACCOUNT", account));
    }
    let entries: Vec<AccountWorkspace> = region
        .account
        .iter()
        .map(|sibling| AccountWorkspace {
            workspace_id: sibling.workspace_id,
            workspace_name: sibling.workspace_name.clone(),
            account_id: Some(account.to_owned()),
            deployment_name: Some(sibling.workspace_name.clone()),
            cloud: Some("aws".to_owned()),
            aws_region: Some(sibling.region.clone()),
            workspace_status: Some("RUNNING".to_owned()),
            ..AccountWorkspace::default()
        })
        .collect();
    answer(&entries)
}
