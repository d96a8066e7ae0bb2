//! Permissions of an asset: those that the primary gives directly are given in the secondary, and no others.

use super::asset::{AssetState, HeldBack, sha256};
use super::request::AssetRequest;
use super::tree::ROOTS;
use crate::connect::ConnectError;
use crate::domain::AssetKind;
use crate::wire::permissions::{AccessControl, IS_OWNER, ObjectPermissions, SetPermissions};
use std::collections::BTreeSet;

/// Who permissions may name in the secondary.
#[derive(Debug)]
pub struct Principals {
    pub names: BTreeSet<String>,
    /// The product's own principal.
    pub me: String,
    /// The product's own principal in the primary; empty where that doesn't tell.
    pub me_at_source: String,
}

impl Principals {
    pub async fn read(request: &AssetRequest<'_>) -> Result<Self, ConnectError> {
        let names = request.to().await.principals().await?.into_iter().map(|name| name.to_lowercase()).collect();
        let me = request.to().await.me().await?;
        let me_at_source = match request.from().await.me().await {
            // Not to know it now must not count as if the primary never told: an owner would be put back.
            Err(error) if error.is_transient() && !error.is_not_served() => return Err(error),
            answer => answer.unwrap_or_default(),
        };
        Ok(Self { names, me, me_at_source })
    }

    /// Whether the product stands in for an owner whom the primary didn't know, as far as that can be told.
    fn stands_in(&self, owner: &AccessControl) -> bool {
        self.me_at_source.is_empty() || name_of(owner) == Some(&self.me_at_source)
    }

    /// User names are compared without regard to case.
    fn knows(&self, entry: &AccessControl) -> bool {
        name_of(entry).is_some_and(|name| name == self.me || self.names.contains(&name.to_lowercase()))
    }
}

/// What permissions of a kind are kept under; None for what has none of its own.
pub fn family(kind: AssetKind, name: &str) -> Option<&'static str> {
    match kind {
        AssetKind::Folder if ROOTS.contains(&name) => None,
        AssetKind::Folder => Some("directories"),
        AssetKind::Notebook => Some("notebooks"),
        AssetKind::File => Some("files"),
        AssetKind::Job => Some("jobs"),
        AssetKind::Cluster => Some("clusters"),
        AssetKind::SqlWarehouse => Some("warehouses"),
        AssetKind::Dashboard => Some("dashboards"),
        _ => None,
    }
}

pub fn name_of(entry: &AccessControl) -> Option<&str> {
    [&entry.user_name, &entry.group_name, &entry.service_principal_name].into_iter().find_map(|name| name.as_deref())
}

pub fn same_principal(one: &AccessControl, other: &AccessControl) -> bool {
    one.user_name == other.user_name
        && one.group_name == other.group_name
        && one.service_principal_name == other.service_principal_name
}

/// The direct entries, one a principal with its highest level, in a fixed order.
pub fn direct(shown: ObjectPermissions) -> Vec<AccessControl> {
    let mut entries: Vec<AccessControl> = Vec::new();
    for entry in shown.access_control_list {
        let own = entry.all_permissions.iter().find(|permission| !permission.inherited);
        let Some(level) = own.map(|permission| permission.permission_level.clone()) else { continue };
        entries.push(AccessControl {
            display_name: None,
            all_permissions: Vec::new(),
            permission_level: Some(level),
            ..entry
        });
    }
    entries.sort_by(|a, b| name_of(a).cmp(&name_of(b)));
    entries
}

pub fn print(entries: &[AccessControl]) -> String {
    sha256(serde_json::to_string(entries).unwrap_or_default().as_bytes())
}

/// What the secondary is to be given of `entries`, and what it can't be given.
pub fn wanted(
    entries: &[AccessControl],
    kind: AssetKind,
    principals: &Principals,
    held_back: Option<&HeldBack>,
    to_side: usize,
) -> (Vec<AccessControl>, Vec<AccessControl>) {
    let is_owner = |entry: &AccessControl| entry.permission_level.as_deref() == Some(IS_OWNER);
    let mut all = entries.to_vec();
    // What the other side could not be given was given here, and still is.
    for entry in held_back.filter(|held| held.side != to_side).map_or(&[][..], |held| &held.entries) {
        if is_owner(entry) {
            // Whoever was made the owner in the meantime stays it.
            if all.iter().any(|other| is_owner(other) && !principals.stands_in(other)) {
                continue;
            }
            all.retain(|other| !is_owner(other));
        }
        if !all.iter().any(|other| same_principal(other, entry)) {
            all.push(entry.clone());
        }
    }
    let (mut given, not_given): (Vec<AccessControl>, Vec<AccessControl>) =
        all.into_iter().partition(|entry| principals.knows(entry));
    let is_owned = matches!(kind, AssetKind::Job | AssetKind::SqlWarehouse);
    if is_owned && !given.iter().any(is_owner) {
        given.retain(|entry| entry.user_name.as_deref() != Some(&principals.me));
        given.push(AccessControl {
            user_name: Some(principals.me.clone()),
            permission_level: Some(IS_OWNER.to_owned()),
            ..AccessControl::default()
        });
    }
    (given, not_given)
}

/// What to say of permissions that could not be given; nothing where all were.
pub fn note(state: &AssetState, side: usize, region: &str) -> Option<String> {
    let held = state.held_back.as_ref().filter(|held| held.side == side && !held.entries.is_empty())?;
    let names: Vec<String> = held
        .entries
        .iter()
        .map(|e| format!("{} ({})", name_of(e).unwrap_or_default(), e.permission_level.as_deref().unwrap_or_default()))
        .collect();
    Some(format!("{region} doesn't know {}. Permissions of unknown principals aren't given there.", names.join(", ")))
}

/// Writes what is wanted.
pub async fn give(
    request: &AssetRequest<'_>,
    family: &str,
    id: &str,
    given: Vec<AccessControl>,
) -> Result<(), ConnectError> {
    let wanted = SetPermissions { access_control_list: given };
    request.to().await.set_permissions(family, id, &wanted).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, level: &str) -> AccessControl {
        AccessControl {
            user_name: Some(name.to_owned()),
            permission_level: Some(level.to_owned()),
            ..AccessControl::default()
        }
    }

    #[test]
    fn an_unknown_owner_is_replaced_and_comes_back_on_the_way_back() {
        let knows = |names: &[&str]| Principals {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            me: "me@x".to_owned(),
            me_at_source: "me@x".to_owned(),
        };
        let at_primary = [user("ana@x", "CAN_VIEW"), user("noor@x", IS_OWNER)];
        let (given, not_given) = wanted(&at_primary, AssetKind::Job, &knows(&["ana@x"]), None, 1);
        assert_eq!(given, [user("ana@x", "CAN_VIEW"), user("me@x", IS_OWNER)]);
        assert_eq!(not_given, [user("noor@x", IS_OWNER)]);
        let held = HeldBack { side: 1, entries: not_given };
        let (back, none) = wanted(&given, AssetKind::Job, &knows(&["ana@x", "noor@x"]), Some(&held), 0);
        assert_eq!((back, none), (vec![user("ana@x", "CAN_VIEW"), user("noor@x", IS_OWNER)], Vec::new()));
        let given_away = [user("ana@x", IS_OWNER)];
        let (back, _) = wanted(&given_away, AssetKind::Job, &knows(&["ana@x", "noor@x"]), Some(&held), 0);
        assert_eq!(back, given_away, "an owner that was made in the new primary stays the owner");
    }
}
