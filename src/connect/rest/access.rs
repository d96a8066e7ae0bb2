//! Grants, owners, tags and policies.

use super::RegionClient;
use crate::connect::error::ConnectError;
use crate::connect::http::{Call, NamesPage};
use crate::wire::scim::ScimPrincipal;
use crate::wire::unity_catalog::{
    EntityTagAssignment, Leftover, ListEntityTagAssignments, ListPolicies, PREFIX, Permissions, PolicyInfo,
    PrivilegeAssignment, Securable, UpdateOwner, UpdatePermissions,
};
use crate::wire::workspace::ME_PATH;
use reqwest::Method;

const TAGS: &str = "entity-tag-assignments";

fn tag(method: Method, entity_type: &str, name: &str, key: &str) -> Call {
    Call::new(method, PREFIX, &[TAGS, entity_type, name, "tags", key])
}

impl RegionClient {
    /// The principal of the login. A service principal's name is its application id.
    pub async fn me(&self) -> Result<String, ConnectError> {
        let me: ScimPrincipal = self.transport.send(Call::get(ME_PATH, &[])).await?;
        Ok(me.user_name.or(me.application_id).unwrap_or(me.id))
    }

    pub async fn grants(&self, of: Securable, name: &str) -> Result<Vec<PrivilegeAssignment>, ConnectError> {
        let call = Call::get(PREFIX, &["permissions", of.as_str(), name]).query("max_results", 0);
        self.transport.list::<Permissions>(call).await
    }

    pub async fn update_grants(
        &self,
        of: Securable,
        name: &str,
        change: &UpdatePermissions,
    ) -> Result<(), ConnectError> {
        let call = Call::new(Method::PATCH, PREFIX, &["permissions", of.as_str(), name]).body(change);
        self.transport.send_for_nothing(call).await
    }

    pub async fn set_owner(&self, of: Securable, name: &str, owner: &str) -> Result<(), ConnectError> {
        let body = UpdateOwner { owner: owner.to_owned() };
        self.transport.send_for_nothing(Call::new(Method::PATCH, PREFIX, &[of.family(), name]).body(&body)).await
    }

    pub async fn tags(&self, entity_type: &str, name: &str) -> Result<Vec<EntityTagAssignment>, ConnectError> {
        let call = Call::get(PREFIX, &[TAGS, entity_type, name, "tags"]).query("max_results", 0);
        self.transport.list::<ListEntityTagAssignments>(call).await
    }

    pub async fn assign_tag(&self, tag: &EntityTagAssignment) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(Call::post(PREFIX, &[TAGS]).body(tag)).await
    }

    pub async fn update_tag(&self, wanted: &EntityTagAssignment) -> Result<(), ConnectError> {
        let call = tag(Method::PATCH, &wanted.entity_type, &wanted.entity_name, &wanted.tag_key);
        self.transport.send_for_nothing(call.query("update_mask", "tag_value").body(wanted)).await
    }

    pub async fn remove_tag(&self, entity_type: &str, name: &str, key: &str) -> Result<(), ConnectError> {
        self.transport.send_for_nothing(tag(Method::DELETE, entity_type, name, key)).await
    }

    pub async fn leftovers(&self, what: Leftover) -> Result<Vec<String>, ConnectError> {
        self.transport.list::<NamesPage>(Call::get(what.path(), &[])).await
    }

    pub async fn models(&self, catalog: &str, schema: &str) -> Result<Vec<String>, ConnectError> {
        let call = Call::get(PREFIX, &["models"]).query("catalog_name", catalog).query("schema_name", schema);
        self.transport.list::<NamesPage>(call.query("max_results", 0)).await
    }

    pub async fn policies(&self, of: Securable, name: &str) -> Result<Vec<PolicyInfo>, ConnectError> {
        let call = Call::get(PREFIX, &["policies", of.as_str(), name]).query("include_inherited", true);
        self.transport.list::<ListPolicies>(call.query("max_results", 0)).await
    }
}
