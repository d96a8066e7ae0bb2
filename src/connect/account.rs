//! Another account's disaster-recovery API: that of a Databricks account, or of a runtime on another machine.

use super::error::ConnectError;
use super::http::{Call, Transport};
use super::settings::ConnectSettings;
use crate::domain::Region;
use crate::wire::disaster_recovery::{
    FailoverGroupBody, FailoverRequest, ListFailoverGroups, ListStableUrls, PREFIX, StableUrlBody, TargetsBody,
};
use reqwest::Method;
use serde_json::Value;
use std::fmt;

const HOST_PATH: &str = "/.well-known/databricks-config";
const ACCOUNTS_PREFIX: &str = "/api/2.0/accounts";

/// A client of an account's disaster-recovery API.
pub struct AccountClient {
    transport: Transport,
    account_id: String,
}

impl fmt::Debug for AccountClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountClient").field("account_id", &self.account_id).finish_non_exhaustive()
    }
}

impl AccountClient {
    /// A client for an account; its id is asked of the host where it isn't given.
    pub async fn connect(settings: &ConnectSettings, account_id: Option<&str>) -> Result<Self, ConnectError> {
        let transport = Transport::new(settings)?;
        let account_id = match account_id {
            Some(id) => id.to_owned(),
            None => {
                let host: Value = transport.send(Call::get(HOST_PATH, &[])).await?;
                let told = host.get("account_id").and_then(Value::as_str).filter(|id| !id.is_empty());
                told.map(str::to_owned).ok_or_else(|| ConnectError::BadSettings {
                    region: Region::new(settings.region_name()),
                    problem: "the host doesn't tell its account's id. Give it with --account-api-id".to_owned(),
                })?
            }
        };
        Ok(Self { transport, account_id })
    }

    /// The account's id.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// Where the API is served.
    pub fn url(&self) -> &str {
        self.transport.url()
    }

    fn call(&self, method: Method, segments: &[&str]) -> Call {
        let all: Vec<&str> = std::iter::once(self.account_id.as_str()).chain(segments.iter().copied()).collect();
        Call::new(method, PREFIX, &all)
    }

    /// Every failover group, each read whole: a list leaves out states and replication points.
    pub async fn groups(&self) -> Result<Vec<FailoverGroupBody>, ConnectError> {
        let listed = self.transport.list::<ListFailoverGroups>(self.call(Method::GET, &["failover-groups"])).await?;
        let mut groups = Vec::with_capacity(listed.len());
        for group in &listed {
            let name = group.name.as_deref().unwrap_or_default();
            match self.group(short(name)).await {
                Ok(whole) => groups.push(whole),
                // Deleted since it was listed.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(groups)
    }

    /// One failover group, whole.
    pub async fn group(&self, id: &str) -> Result<FailoverGroupBody, ConnectError> {
        self.transport.send(self.call(Method::GET, &["failover-groups", id])).await
    }

    /// Creates a failover group, or only has it checked.
    pub async fn create_group(
        &self,
        id: &str,
        body: &FailoverGroupBody,
        validate_only: bool,
    ) -> Result<FailoverGroupBody, ConnectError> {
        let call = self.call(Method::POST, &["failover-groups"]).query("failover_group_id", id).body(body);
        self.transport.send(if validate_only { call.query("validate_only", true) } else { call }).await
    }

    /// Changes the fields of a failover group that `mask` names, separated by commas.
    pub async fn update_group(
        &self,
        id: &str,
        mask: &str,
        etag: Option<&str>,
        body: &FailoverGroupBody,
    ) -> Result<FailoverGroupBody, ConnectError> {
        let call = self.call(Method::PATCH, &["failover-groups", id]).query("update_mask", mask).body(body);
        self.transport.send(with_etag(call, etag)).await
    }

    /// Deletes a failover group. Its replica stays.
    pub async fn delete_group(&self, id: &str, etag: Option<&str>) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(with_etag(self.call(Method::DELETE, &["failover-groups", id]), etag)).await
    }

    /// Fails a group over.
    pub async fn fail_over(&self, id: &str, request: &FailoverRequest) -> Result<FailoverGroupBody, ConnectError> {
        self.transport.send(self.call(Method::POST, &["failover-groups", id, "failover"]).body(request)).await
    }

    /// Sets what a group should reach.
    pub async fn set_targets(&self, id: &str, body: &TargetsBody) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(self.call(Method::PATCH, &["failover-groups", id, "targets"]).body(body)).await
    }

    /// Every stable URL.
    pub async fn stable_urls(&self) -> Result<Vec<StableUrlBody>, ConnectError> {
        self.transport.list::<ListStableUrls>(self.call(Method::GET, &["stable-urls"])).await
    }

    /// Creates a stable URL that leads to a workspace first.
    pub async fn create_stable_url(&self, id: &str, workspace_id: &str) -> Result<StableUrlBody, ConnectError> {
        let body = StableUrlBody { initial_workspace_id: Some(workspace_id.to_owned()), ..StableUrlBody::default() };
        self.transport.send(self.call(Method::POST, &["stable-urls"]).query("stable_url_id", id).body(&body)).await
    }

    /// Deletes a stable URL.
    pub async fn delete_stable_url(&self, id: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(self.call(Method::DELETE, &["stable-urls", id])).await
    }

    /// The account's workspaces as it describes them; None where the login may not list them.
    pub async fn workspaces(&self) -> Result<Option<Vec<Value>>, ConnectError> {
        let call = Call::get(ACCOUNTS_PREFIX, &[&self.account_id, "workspaces"]);
        match self.transport.send::<Vec<Value>>(call).await {
            Ok(all) => Ok(Some(all)),
            Err(error) if error.is_permission_denied() || error.is_not_served() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The last part of a resource's name.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

fn with_etag(call: Call, etag: Option<&str>) -> Call {
    match etag {
        Some(etag) => call.query("etag", etag),
        None => call,
    }
}
