//! Users, groups and service principals of a workspace (SCIM 2.0).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Prefix of the calls.
pub const PREFIX: &str = "/api/2.0/preview/scim/v2";
/// Last part of the users' path.
pub const USERS: &str = "Users";
/// Last part of the groups' path.
pub const GROUPS: &str = "Groups";
/// Last part of the service principals' path.
pub const SERVICE_PRINCIPALS: &str = "ServicePrincipals";

/// Schema of a user.
pub const SCHEMA_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Schema of a group.
pub const SCHEMA_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// Schema of a service principal.
pub const SCHEMA_SERVICE_PRINCIPAL: &str = "urn:ietf:params:scim:schemas:core:2.0:ServicePrincipal";
/// Schema of a list.
pub const SCHEMA_LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// Schema of an error.
pub const SCHEMA_ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A value of a list: a member, a group, an e-mail address, an entitlement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScimValue {
    /// An id, an address or a name.
    #[serde(default)]
    pub value: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A user, group or service principal, as far as others refer to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScimPrincipal {
    /// Digits; the same in every workspace of an account.
    #[serde(default)]
    pub id: String,
    /// A user's name at login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// A service principal's name at login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_id: Option<String>,
    /// A group's name; a name for people of any other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it may log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// A group's members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<ScimValue>,
    /// Groups that it is in, directly or through another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ScimValue>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One page of a list. Pages are counted from `startIndex` 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListScim {
    /// The page.
    #[serde(default, rename = "Resources")]
    pub resources: Vec<ScimPrincipal>,
    /// Of all pages.
    #[serde(default)]
    pub total_results: i64,
    /// The first entry's number.
    #[serde(default)]
    pub start_index: i64,
    /// Entries of this page.
    #[serde(default)]
    pub items_per_page: i64,
}
