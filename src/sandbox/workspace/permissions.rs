//! The permissions API of workspace assets.

use super::acl::{self, FAMILIES, Family};
use crate::sandbox::call::{Answer, Call, answer};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::permissions::{CAN_MANAGE, SetPermissions};
use axum::http::Method;
use serde_json::{Value, json};

pub fn respond(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    // Some clients write the warehouses' family with the prefix of their own calls.
    let path = match path {
        ["sql", rest @ ..] => rest,
        path => path,
    };
    let (family, id, rest) = match path {
        [family, id, rest @ ..] => (*FAMILIES.iter().find(|known| known.path == *family)?, *id, rest),
        _ => return None,
    };
    Some(match (&call.method, rest) {
        (&Method::GET, []) => get(region, call, family, id),
        (&Method::PUT, []) => set(region, call, family, id, false),
        (&Method::PATCH, []) => set(region, call, family, id, true),
        (&Method::GET, ["permissionLevels"]) => levels(region, family, id),
        _ => return None,
    })
}

fn lowest(family: &Family) -> &'static str {
    family.levels.first().map_or(CAN_MANAGE, |(level, _)| level)
}

fn get(region: &Region, call: &Call, family: &Family, id: &str) -> Answer {
    acl::known(region, family, id)?;
    acl::need(region, call.caller, family, id, lowest(family))?;
    answer(&acl::shown(region, family, id))
}

fn set(region: &Region, call: &Call, family: &Family, id: &str, keeps: bool) -> Answer {
    let wanted: SetPermissions = call.body()?;
    let mut writing = region.records.write();
    acl::known(region, family, id)?;
    acl::need(region, call.caller, family, id, CAN_MANAGE)?;
    if acl::is_shared_root(region, family, id) {
        return Err(Refusal::invalid("The permissions of the folder /Shared can't be changed."));
    }
    acl::put(region, &mut writing, family, id, wanted.access_control_list, keeps)?;
    writing.commit()?;
    answer(&acl::shown(region, family, id))
}

fn levels(region: &Region, family: &Family, id: &str) -> Answer {
    acl::known(region, family, id)?;
    let levels: Vec<Value> = family
        .levels
        .iter()
        .map(|(level, description)| json!({"permission_level": level, "description": description}))
        .collect();
    answer(&json!({"permission_levels": levels}))
}
