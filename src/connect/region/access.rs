//! What a region tells and keeps of who may do what, and of tags and policies.

use super::Answer;
use super::flavour::RestFlavour;
use crate::wire::unity_catalog::{
    EntityTagAssignment, Leftover, PolicyInfo, PrivilegeAssignment, Securable, UpdatePermissions,
};
use futures::future::FutureExt;

/// Grants, owners, tags and policies of a region. Names are full names.
pub trait AccessApi {
    /// The principal of the login, as grants and owners name it.
    fn me(&self) -> Answer<'_, String>;
    /// What is granted on an object itself, without what it inherits.
    fn grants<'a>(&'a self, of: Securable, name: &'a str) -> Answer<'a, Vec<PrivilegeAssignment>>;
    /// Grants and revokes. A principal that the workspace doesn't know refuses the whole change.
    fn update_grants<'a>(&'a self, of: Securable, name: &'a str, change: &'a UpdatePermissions) -> Answer<'a, ()>;
    /// Gives an object to another owner.
    fn set_owner<'a>(&'a self, of: Securable, name: &'a str, owner: &'a str) -> Answer<'a, ()>;
    /// Every tag of an entity; `entity_type` is a plural, such as `tables`.
    fn tags<'a>(&'a self, entity_type: &'a str, name: &'a str) -> Answer<'a, Vec<EntityTagAssignment>>;
    /// Assigns a tag that the entity doesn't have.
    fn assign_tag<'a>(&'a self, tag: &'a EntityTagAssignment) -> Answer<'a, ()>;
    /// Gives a tag that the entity has another value.
    fn update_tag<'a>(&'a self, tag: &'a EntityTagAssignment) -> Answer<'a, ()>;
    /// Takes a tag away.
    fn remove_tag<'a>(&'a self, entity_type: &'a str, name: &'a str, key: &'a str) -> Answer<'a, ()>;
    /// Names of all of what no cycle replicates.
    fn leftovers(&self, what: Leftover) -> Answer<'_, Vec<String>>;
    /// Full names of the registered models of a schema.
    fn models<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<String>>;
    /// Every attribute policy that holds for an object, those of what it lies in too.
    fn policies<'a>(&'a self, of: Securable, name: &'a str) -> Answer<'a, Vec<PolicyInfo>>;
}

impl<T: RestFlavour> AccessApi for T {
    fn me(&self) -> Answer<'_, String> {
        self.rest().me().boxed()
    }

    fn grants<'a>(&'a self, of: Securable, name: &'a str) -> Answer<'a, Vec<PrivilegeAssignment>> {
        self.rest().grants(of, name).boxed()
    }

    fn update_grants<'a>(&'a self, of: Securable, name: &'a str, change: &'a UpdatePermissions) -> Answer<'a, ()> {
        self.rest().update_grants(of, name, change).boxed()
    }

    fn set_owner<'a>(&'a self, of: Securable, name: &'a str, owner: &'a str) -> Answer<'a, ()> {
        self.rest().set_owner(of, name, owner).boxed()
    }

    fn tags<'a>(&'a self, entity_type: &'a str, name: &'a str) -> Answer<'a, Vec<EntityTagAssignment>> {
        self.rest().tags(entity_type, name).boxed()
    }

    fn assign_tag<'a>(&'a self, tag: &'a EntityTagAssignment) -> Answer<'a, ()> {
        self.rest().assign_tag(tag).boxed()
    }

    fn update_tag<'a>(&'a self, tag: &'a EntityTagAssignment) -> Answer<'a, ()> {
        self.rest().update_tag(tag).boxed()
    }

    fn remove_tag<'a>(&'a self, entity_type: &'a str, name: &'a str, key: &'a str) -> Answer<'a, ()> {
        self.rest().remove_tag(entity_type, name, key).boxed()
    }

    fn leftovers(&self, what: Leftover) -> Answer<'_, Vec<String>> {
        self.rest().leftovers(what).boxed()
    }

    fn models<'a>(&'a self, catalog: &'a str, schema: &'a str) -> Answer<'a, Vec<String>> {
        self.rest().models(catalog, schema).boxed()
    }

    fn policies<'a>(&'a self, of: Securable, name: &'a str) -> Answer<'a, Vec<PolicyInfo>> {
        self.rest().policies(of, name).boxed()
    }
}
