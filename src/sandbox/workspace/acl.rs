//! Permissions of workspace assets: kept, inherited along folders, and checked.

use super::{settings, tree};
use crate::sandbox::call::Caller;
use crate::sandbox::principals::{self, ADMINS};
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::objects::{OBJECT_DASHBOARD, OBJECT_FILE, OBJECT_NOTEBOOK, ObjectInfo};
use crate::wire::permissions::{AccessControl, CAN_MANAGE, IS_OWNER, ObjectPermissions, Permission};
use crate::wire::scim::{GROUPS, SERVICE_PRINCIPALS, USERS};

/// Assets of one kind.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// As the path has it.
    pub path: &'static str,
    /// `object_type` of the answers.
    object_type: &'static str,
    /// Levels with what they allow, the lowest first.
    pub levels: &'static [(&'static str, &'static str)],
    /// Whether each asset has exactly one owner.
    is_owned: bool,
}

const OBJECT_LEVELS: &[(&str, &str)] = &[
    ("CAN_READ", "Can view, comment and export"),
    ("CAN_RUN", "Can view, comment, export and run"),
    ("CAN_EDIT", "Can view, comment, export, run and edit"),
    (CAN_MANAGE, "Can do everything, and change permissions"),
];

pub const JOBS: Family = Family {
    path: "jobs",
    object_type: "job",
    levels: &[
        ("CAN_VIEW", "Can view the job and its runs"),
        ("CAN_MANAGE_RUN", "Can view the job, and start and cancel runs"),
        (IS_OWNER, "Owns the job, as which it runs"),
        (CAN_MANAGE, "Can do everything, and change permissions"),
    ],
    is_owned: true,
};
pub const CLUSTERS: Family = Family {
    path: "clusters",
    object_type: "cluster",
    levels: &[
        ("CAN_ATTACH_TO", "Can attach notebooks"),
        ("CAN_RESTART", "Can attach notebooks, start, restart and terminate"),
        (CAN_MANAGE, "Can do everything, and change permissions"),
    ],
    is_owned: false,
};
pub const WAREHOUSES: Family = Family {
    path: "warehouses",
    object_type: "warehouses",
    levels: &[
        ("CAN_VIEW", "Can view the warehouse"),
        ("CAN_MONITOR", "Can view the warehouse and its queries"),
        ("CAN_USE", "Can run queries"),
        (IS_OWNER, "Owns the warehouse"),
        (CAN_MANAGE, "Can do everything, and change permissions"),
    ],
    is_owned: true,
};
pub const DIRECTORIES: Family =
    Family { path: "directories", object_type: "directory", levels: OBJECT_LEVELS, is_owned: false };
pub const NOTEBOOKS: Family =
    Family { path: "notebooks", object_type: "notebook", levels: OBJECT_LEVELS, is_owned: false };
pub const FILES: Family = Family { path: "files", object_type: "file", levels: OBJECT_LEVELS, is_owned: false };
pub const DASHBOARDS: Family =
    Family { path: "dashboards", object_type: "dashboard", levels: OBJECT_LEVELS, is_owned: false };

pub const FAMILIES: [&Family; 7] = [&JOBS, &CLUSTERS, &WAREHOUSES, &DIRECTORIES, &NOTEBOOKS, &FILES, &DASHBOARDS];

/// The family of a folder, notebook, file or dashboard.
pub fn family_of(object: &ObjectInfo) -> &'static Family {
    match object.object_type.as_str() {
        OBJECT_NOTEBOOK => &NOTEBOOKS,
        OBJECT_FILE => &FILES,
        OBJECT_DASHBOARD => &DASHBOARDS,
        _ => &DIRECTORIES,
    }
}

/// Key of an asset's permissions among the records.
pub fn key(family: &Family, id: &str) -> String {
    match family.path {
        "directories" | "notebooks" | "files" => format!("objects/{id}"),
        path => format!("{path}/{id}"),
    }
}

/// The family and id by which a workspace object's permissions are kept.
pub fn of_object(object: &ObjectInfo) -> (&'static Family, String) {
    let family = family_of(object);
    let id = match &object.resource_id {
        Some(id) if object.object_type == OBJECT_DASHBOARD => id.clone(),
        _ => object.object_id.to_string(),
    };
    (family, id)
}

/// Direct permissions of an asset, one entry a principal.
fn direct(region: &Region, key: &str) -> Vec<AccessControl> {
    region.records.get(Kind::Acl, key).unwrap_or_default()
}

/// The one name of an entry, with the family of its principal.
fn principal_of(entry: &AccessControl) -> Option<(&'static str, &str)> {
    let names =
        [(USERS, &entry.user_name), (GROUPS, &entry.group_name), (SERVICE_PRINCIPALS, &entry.service_principal_name)];
    let mut given = names.into_iter().filter_map(|(family, name)| Some((family, name.as_deref()?)));
    given.next().filter(|_| given.next().is_none())
}

/// An entry for a principal of this name, known or not.
pub fn entry(region: &Region, name: &str, level: &str) -> AccessControl {
    let (name, level) = (Some(name.to_owned()), Some(level.to_owned()));
    let family = principals::named(&region.records, name.as_deref().unwrap_or_default()).map(|p| p.family);
    match family {
        Some(GROUPS) => AccessControl { group_name: name, permission_level: level, ..AccessControl::default() },
        Some(SERVICE_PRINCIPALS) => {
            AccessControl { service_principal_name: name, permission_level: level, ..AccessControl::default() }
        }
        _ => AccessControl { user_name: name, permission_level: level, ..AccessControl::default() },
    }
}

/// Makes the caller the owner of a new asset, or its manager where that kind has no owners.
pub fn put_first(region: &Region, writing: &mut Writing<'_>, family: &Family, id: &str, caller: Caller) {
    let level = if family.is_owned { IS_OWNER } else { CAN_MANAGE };
    writing.put(Kind::Acl, key(family, id), &[entry(region, &region.user(caller), level)]);
}

/// Entries that fit: principals that exist, levels of the family.
pub fn checked(region: &Region, family: &Family, wanted: Vec<AccessControl>) -> Result<Vec<AccessControl>, Refusal> {
    let mut found: Vec<AccessControl> = Vec::new();
    for entry in wanted {
        let Some((of, name)) = principal_of(&entry) else {
            return Err(Refusal::invalid("Each entry needs one of user_name, group_name and service_principal_name."));
        };
        let kind = match of {
            USERS => "UserName",
            GROUPS => "GroupName",
            _ => "ServicePrincipalName",
        };
        if principals::named_in(&region.records, of, name).is_none() {
            let sentence = format!("Principal: {kind}({name}) does not exist");
            return Err(Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", sentence));
        }
        let level = entry.permission_level.clone().unwrap_or_default();
        if !family.levels.iter().any(|(known, _)| *known == level) {
            let known: Vec<&str> = family.levels.iter().map(|(level, _)| *level).collect();
            return Err(Refusal::invalid(format!(
                "The permission level {level:?} does not exist for {}. Use {}.",
                family.path,
                known.join(", ")
            )));
        }
        if level == IS_OWNER && of == GROUPS {
            return Err(Refusal::invalid(format!(
                "Group {name} cannot own a {}. Use a user or service principal.",
                family.object_type
            )));
        }
        found.retain(|known| principal_of(known) != principal_of(&entry));
        found.push(AccessControl { display_name: None, all_permissions: Vec::new(), ..entry });
    }
    Ok(found)
}

/// Puts the direct permissions of an asset; with `keeps`, those of principals that aren't named stay.
pub fn put(
    region: &Region,
    writing: &mut Writing<'_>,
    family: &Family,
    id: &str,
    wanted: Vec<AccessControl>,
    keeps: bool,
) -> Result<(), Refusal> {
    let wanted = checked(region, family, wanted)?;
    let key = key(family, id);
    let mut list = if keeps { direct(region, &key) } else { Vec::new() };
    list.retain(|known| !wanted.iter().any(|new| principal_of(new) == principal_of(known)));
    list.extend(wanted);
    let owners = list.iter().filter(|entry| entry.permission_level.as_deref() == Some(IS_OWNER)).count();
    if family.is_owned && owners != 1 {
        return Err(Refusal::invalid(format!(
            "The {} must have exactly one owner.",
            family.object_type.trim_end_matches('s')
        )));
    }
    writing.put(Kind::Acl, key, &list);
    Ok(())
}

/// Every level with where it comes from, the asset's own first.
fn held(region: &Region, family: &Family, id: &str) -> Vec<(AccessControl, Option<String>)> {
    let own = direct(region, &key(family, id)).into_iter().map(|entry| (entry, None));
    let mut found: Vec<_> = own.collect();
    let admins = AccessControl {
        group_name: Some(ADMINS.to_owned()),
        permission_level: Some(CAN_MANAGE.to_owned()),
        ..AccessControl::default()
    };
    let Some(object) = object_with(region, family, id) else {
        found.push((admins, Some(format!("/{}/", family.path))));
        return found;
    };
    found.extend(implied(region, &object.path).map(|entry| (entry, None)));
    let mut path = object.path.as_str();
    while let Some(folder) = tree::parent(path).and_then(|above| tree::find(region, above)) {
        let from = format!("/directories/{}", folder.object_id);
        found.extend(implied(region, &folder.path).into_iter().map(|entry| (entry, Some(from.clone()))));
        let entries = direct(region, &key(&DIRECTORIES, &folder.object_id.to_string()));
        found.extend(entries.into_iter().map(|entry| (entry, Some(from.clone()))));
        if folder.path == "/" {
            found.push((admins, Some(from)));
            return found;
        }
        path = &path[..folder.path.len()];
    }
    found.push((admins, None));
    found
}

/// What everybody holds in the shared folder, and a user in their own.
fn implied(region: &Region, folder: &str) -> Option<AccessControl> {
    if folder == "/Shared" {
        return Some(entry(region, principals::EVERYBODY, CAN_MANAGE));
    }
    let user = folder.strip_prefix("/Users/").filter(|user| !user.contains('/'))?;
    Some(entry(region, user, CAN_MANAGE))
}

/// The workspace object that permissions of this family and id are about.
fn object_with(region: &Region, family: &Family, id: &str) -> Option<ObjectInfo> {
    if ![&DIRECTORIES, &NOTEBOOKS, &FILES, &DASHBOARDS].contains(&family) {
        return None;
    }
    if *family == DASHBOARDS {
        let path = region.records.value(Kind::Dashboard, id)["path"].as_str()?.to_owned();
        return tree::find(region, &path);
    }
    let object = tree::find(region, &region.records.object_by_id(id.parse().ok()?)?)?;
    (family_of(&object) == family).then_some(object)
}

/// Whether it is the folder that everybody shares, whose permissions stay as they are.
pub fn is_shared_root(region: &Region, family: &Family, id: &str) -> bool {
    object_with(region, family, id).is_some_and(|object| object.path == "/Shared")
}

/// Fails where there is no such asset.
pub fn known(region: &Region, family: &Family, id: &str) -> Result<(), Refusal> {
    let is_known = match family.path {
        "jobs" => id.parse().is_ok_and(|id| region.records.text(Kind::Job, &settings::job_key(id)).is_some()),
        "clusters" => region.records.text(Kind::Cluster, id).is_some(),
        "warehouses" => region.records.text(Kind::Warehouse, id).is_some(),
        _ => object_with(region, family, id).is_some(),
    };
    if is_known {
        return Ok(());
    }
    let sentence = format!("{} {id} does not exist.", family.object_type);
    Err(Refusal::new(404, "RESOURCE_DOES_NOT_EXIST", sentence))
}

/// The permissions of an asset, by principal.
pub fn shown(region: &Region, family: &Family, id: &str) -> ObjectPermissions {
    let mut list: Vec<AccessControl> = Vec::new();
    for (entry, from) in held(region, family, id) {
        let permission = Permission {
            permission_level: entry.permission_level.clone().unwrap_or_default(),
            inherited: from.is_some(),
            inherited_from_object: from.into_iter().collect(),
        };
        match list.iter_mut().find(|known| principal_of(known) == principal_of(&entry)) {
            Some(known) => known.all_permissions.push(permission),
            None => {
                let display = principal_of(&entry)
                    .and_then(|(family, name)| principals::named_in(&region.records, family, name))
                    .and_then(|principal| principal.record.display_name);
                list.push(AccessControl {
                    permission_level: None,
                    display_name: display.filter(|_| entry.group_name.is_none()),
                    all_permissions: vec![permission],
                    ..entry
                });
            }
        }
    }
    let object_id = match family.path {
        "warehouses" => format!("/sql/warehouses/{id}"),
        path => format!("/{path}/{id}"),
    };
    ObjectPermissions { object_id, object_type: family.object_type.to_owned(), access_control_list: list }
}

/// Fails where the caller may do less with the asset than `level` allows.
pub fn need(region: &Region, caller: Caller, family: &Family, id: &str, level: &str) -> Result<(), Refusal> {
    if principals::is_admin(region, caller) {
        return Ok(());
    }
    let rank = |level: &str| family.levels.iter().position(|(known, _)| *known == level);
    let names = principals::names_of(region, caller);
    let mine = held(region, family, id)
        .into_iter()
        .filter(|(entry, _)| principal_of(entry).is_some_and(|(_, name)| names.iter().any(|mine| mine == name)));
    if mine.filter_map(|(entry, _)| rank(entry.permission_level.as_deref()?)).any(|held| Some(held) >= rank(level)) {
        return Ok(());
    }
    Err(Refusal::denied(format!(
        "{} does not have {level} permissions on {} {id}. Ask whoever manages it.",
        region.user(caller),
        family.object_type
    )))
}

/// The same for a folder, notebook, file or dashboard.
pub fn need_object(region: &Region, caller: Caller, object: &ObjectInfo, level: &str) -> Result<(), Refusal> {
    let (family, id) = of_object(object);
    need(region, caller, family, &id, level)
}

/// Fails where the caller may not replace what is there, or may not add to the folder that a new object goes into.
pub fn need_to_write(region: &Region, caller: Caller, known: Option<&ObjectInfo>, path: &str) -> Result<(), Refusal> {
    match known.cloned().or_else(|| tree::find(region, tree::parent(path)?)) {
        Some(object) => need_object(region, caller, &object, "CAN_EDIT"),
        None => Ok(()),
    }
}
