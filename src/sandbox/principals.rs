//! Who there is in a workspace: users, groups and service principals, and which group holds whom.

use super::call::Caller;
use super::records::{Kind, Records};
use super::refusal::Refusal;
use super::region::Region;
use crate::wire::error;
use crate::wire::scim::{GROUPS, SERVICE_PRINCIPALS, ScimPrincipal, ScimValue, USERS};
use std::collections::BTreeSet;

/// The group whose members may do everything in the workspace.
pub(super) const ADMINS: &str = "admins";
/// The group of everybody in the workspace.
pub(super) const EVERYBODY: &str = "users";
/// The name by which Unity Catalog grants to everybody in the account.
pub(super) const ACCOUNT_USERS: &str = "account users";

/// A user, group or service principal.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Principal {
    /// [`USERS`], [`GROUPS`] or [`SERVICE_PRINCIPALS`].
    pub family: &'static str,
    /// Its name in grants and permissions: user name, application id or group name.
    pub name: String,
    pub record: ScimPrincipal,
}

/// A principal's key among the records.
pub(super) fn key(family: &str, id: &str) -> String {
    format!("{family}/{id}")
}

impl Principal {
    fn new(family: &'static str, record: ScimPrincipal) -> Self {
        let name = match family {
            USERS => record.user_name.clone(),
            SERVICE_PRINCIPALS => record.application_id.clone(),
            _ => record.display_name.clone(),
        };
        Self { family, name: name.unwrap_or_default(), record }
    }

    pub fn is_active(&self) -> bool {
        self.record.active.unwrap_or(true)
    }
}

/// Everyone of one family, by id.
pub(super) fn all(records: &Records, family: &'static str) -> Vec<Principal> {
    let found: Vec<ScimPrincipal> = records.all(Kind::Principal, &key(family, ""));
    found.into_iter().map(|record| Principal::new(family, record)).collect()
}

/// The principal of one family with this name. User names are the same in any case.
pub(super) fn named_in(records: &Records, family: &'static str, name: &str) -> Option<Principal> {
    let same = |known: &str| match family {
        USERS => known.eq_ignore_ascii_case(name),
        _ => known == name,
    };
    all(records, family).into_iter().find(|principal| same(&principal.name))
}

/// The principal that a grant means.
pub(super) fn named(records: &Records, name: &str) -> Option<Principal> {
    [USERS, GROUPS, SERVICE_PRINCIPALS].into_iter().find_map(|family| named_in(records, family, name))
}

/// Fails where a grant or an owner names no one that the workspace knows.
pub(super) fn check(records: &Records, name: &str) -> Result<(), Refusal> {
    if name == ACCOUNT_USERS || named(records, name).is_some() {
        return Ok(());
    }
    let sentence = format!("Could not find principal with name {name}.");
    Err(Refusal::new(404, error::PRINCIPAL_DOES_NOT_EXIST, sentence))
}

/// The principal with this id.
pub(super) fn with_id(records: &Records, id: &str) -> Option<Principal> {
    [USERS, GROUPS, SERVICE_PRINCIPALS]
        .into_iter()
        .find_map(|family| Some(Principal::new(family, records.get(Kind::Principal, &key(family, id))?)))
}

/// Groups that hold the principal with this id: itself, or through a group in a group.
pub(super) fn groups_of(records: &Records, id: &str) -> Vec<ScimValue> {
    let groups = all(records, GROUPS);
    let mut within = BTreeSet::from([id.to_owned()]);
    let mut found = Vec::new();
    loop {
        let holds = |group: &&Principal| {
            !within.contains(&group.record.id) && group.record.members.iter().any(|m| within.contains(&m.value))
        };
        let next: Vec<&Principal> = groups.iter().filter(holds).collect();
        if next.is_empty() {
            return found;
        }
        for group in next {
            within.insert(group.record.id.clone());
            let display = Some(group.name.clone());
            found.push(ScimValue { value: group.record.id.clone(), display, ..ScimValue::default() });
        }
    }
}

/// Every name under which the caller is granted something: its own, and those of its groups.
pub(super) fn names_of(region: &Region, caller: Caller) -> Vec<String> {
    let own = region.user(caller);
    let id = named(&region.records, &own).map(|principal| principal.record.id).unwrap_or_default();
    let groups = groups_of(&region.records, &id).into_iter().filter_map(|group| group.display);
    [own, EVERYBODY.to_owned(), ACCOUNT_USERS.to_owned()].into_iter().chain(groups).collect()
}

/// Whether the caller may do everything in the workspace.
pub(super) fn is_admin(region: &Region, caller: Caller) -> bool {
    match caller {
        Caller::Admin | Caller::Replication => true,
        Caller::Principal(id) => {
            groups_of(&region.records, &id.to_string()).iter().any(|group| group.display.as_deref() == Some(ADMINS))
        }
    }
}
