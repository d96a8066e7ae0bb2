//! Permissions of workspace assets, and the principals that may hold them.

use super::RegionClient;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::wire::permissions::{ObjectPermissions, PREFIX, SetPermissions};
use crate::wire::scim::{self, ListScim};
use reqwest::Method;

/// Entries of one page of principals.
const PAGE: usize = 500;
/// Entries that are read of each family at most.
const MOST_PRINCIPALS: usize = 100_000;

impl RegionClient {
    /// The permissions of an asset; `family` as the path spells the kind, such as `jobs`.
    pub async fn permissions(&self, family: &str, id: &str) -> Result<ObjectPermissions, ConnectError> {
        self.transport.send(Call::get(PREFIX, &[family, id])).await
    }

    /// Replaces every direct permission of an asset.
    pub async fn set_permissions(
        &self,
        family: &str,
        id: &str,
        wanted: &SetPermissions,
    ) -> Result<ObjectPermissions, ConnectError> {
        self.transport.send(Call::new(Method::PUT, PREFIX, &[family, id]).body(wanted)).await
    }

    /// The names by which permissions know the active users, the groups and the service principals of the workspace.
    pub async fn principals(&self) -> Result<Vec<String>, ConnectError> {
        let mut names = Vec::new();
        for family in [scim::USERS, scim::GROUPS, scim::SERVICE_PRINCIPALS] {
            let mut read = 0;
            loop {
                let attributes = "userName,displayName,applicationId,active";
                let call = Call::get(scim::PREFIX, &[family]).query("startIndex", read + 1).query("count", PAGE);
                let page: ListScim = self.transport.send(call.query("attributes", attributes)).await?;
                read += page.resources.len();
                let last = page.resources.is_empty() || read as i64 >= page.total_results || read >= MOST_PRINCIPALS;
                names.extend(page.resources.into_iter().filter(|p| p.active != Some(false)).filter_map(
                    |p| match family {
                        scim::USERS => p.user_name,
                        scim::GROUPS => p.display_name,
                        _ => p.application_id,
                    },
                ));
                if last {
                    break;
                }
            }
        }
        Ok(names)
    }
}
