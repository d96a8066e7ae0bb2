//! SCIM: users, groups and service principals, to be listed, made, changed and removed.

mod filter;
mod patch;

use super::tree;
use crate::sandbox::call::{Answer, Call, answer, done};
use crate::sandbox::principals::{self, Principal};
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::scim::{
    GROUPS, SCHEMA_GROUP, SCHEMA_LIST, SCHEMA_SERVICE_PRINCIPAL, SCHEMA_USER, SERVICE_PRINCIPALS, ScimPrincipal, USERS,
};
use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Groups that every workspace has and keeps.
const KEPT: [&str; 2] = [principals::ADMINS, principals::EVERYBODY];

pub fn respond(region: &Region, call: &Call, path: &[&str]) -> Option<Answer> {
    let (family, rest) = path.split_first()?;
    if (&call.method, path) == (&Method::GET, ["Me"].as_slice()) {
        return Some(me(region, call));
    }
    let family = [USERS, GROUPS, SERVICE_PRINCIPALS].into_iter().find(|known| known == family)?;
    Some(match (&call.method, rest) {
        (&Method::GET, []) => list(region, call, family),
        (&Method::POST, []) => create(region, call, family),
        (&Method::GET, [id]) => get(region, call, family, id),
        (&Method::PUT, [id]) => replace(region, call, family, id),
        (&Method::PATCH, [id]) => change(region, call, family, id),
        (&Method::DELETE, [id]) => delete(region, call, family, id),
        _ => return None,
    })
}

fn singular(family: &str) -> &'static str {
    match family {
        USERS => "User",
        GROUPS => "Group",
        _ => "ServicePrincipal",
    }
}

fn schema(family: &str) -> &'static str {
    match family {
        USERS => SCHEMA_USER,
        GROUPS => SCHEMA_GROUP,
        _ => SCHEMA_SERVICE_PRINCIPAL,
    }
}

/// The field that holds a principal's name.
fn name_field(family: &str) -> &'static str {
    match family {
        USERS => "userName",
        GROUPS => "displayName",
        _ => "applicationId",
    }
}

fn found(region: &Region, family: &'static str, id: &str) -> Result<Principal, Refusal> {
    principals::with_id(&region.records, id)
        .filter(|principal| principal.family == family)
        .ok_or_else(|| Refusal::scim(404, format!("{} with id {id} not found.", singular(family))))
}

fn admins_only(region: &Region, call: &Call) -> Result<(), Refusal> {
    if principals::is_admin(region, call.caller) {
        return Ok(());
    }
    Err(Refusal::scim(403, "Only workspace admins change users, groups and service principals."))
}

/// A principal as it is shown: with its schemas and the groups that hold it.
fn shown(region: &Region, family: &str, mut record: ScimPrincipal) -> Value {
    record.groups = principals::groups_of(&region.records, &record.id);
    let mut value = serde_json::to_value(&record).unwrap_or_default();
    value["schemas"] = json!([schema(family)]);
    value
}

/// The attributes that the call asks for; all where it doesn't say.
fn selected(call: &Call, mut value: Value) -> Value {
    let names = |parameter: &str| -> Option<Vec<String>> {
        let text = call.query.get(parameter).filter(|text| !text.is_empty())?;
        Some(text.split(',').filter_map(|name| name.trim().split('.').next().map(str::to_owned)).collect())
    };
    let (wanted, unwanted) = (names("attributes"), names("excludedAttributes").unwrap_or_default());
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| {
            let listed = wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
            ["id", "schemas"].contains(&name.as_str()) || listed && !unwanted.contains(name)
        });
    }
    value
}

fn me(region: &Region, call: &Call) -> Answer {
    let name = region.user(call.caller);
    let Some(principal) = principals::named(&region.records, &name) else {
        return answer(&json!({"id": name, "userName": name, "displayName": name, "active": true}));
    };
    let mut value = shown(region, principal.family, principal.record);
    value["userName"] = name.into();
    answer(&value)
}

fn list(region: &Region, call: &Call, family: &'static str) -> Answer {
    let filter = match call.query.get("filter").filter(|text| !text.is_empty()) {
        Some(text) => Some(filter::Filter::parse(text).ok_or_else(|| {
            Refusal::scim(400, format!("The filter {text:?} cannot be read. Use: attribute eq \"value\"."))
        })?),
        None => None,
    };
    let number = |name: &str, usual: usize| match call.query.get(name).map(|text| text.parse::<i64>()) {
        None => Ok(usual),
        Some(Ok(number)) => Ok(number.max(0) as usize),
        Some(Err(_)) => Err(Refusal::scim(400, format!("{name} must be a number."))),
    };
    let start = number("startIndex", 1)?.max(1);
    let count = number("count", usize::MAX)?;
    let everyone = principals::all(&region.records, family).into_iter().map(|p| shown(region, family, p.record));
    let matching: Vec<Value> =
        everyone.filter(|value| filter.as_ref().is_none_or(|filter| filter.holds(value))).collect();
    let total = matching.len();
    let page: Vec<Value> =
        matching.into_iter().skip(start - 1).take(count).map(|value| selected(call, value)).collect();
    answer(&json!({"schemas": [SCHEMA_LIST], "totalResults": total, "startIndex": start,
        "itemsPerPage": page.len(), "Resources": page}))
}

fn get(region: &Region, call: &Call, family: &'static str, id: &str) -> Answer {
    answer(&selected(call, shown(region, family, found(region, family, id)?.record)))
}

/// What a client may say of a principal: not the groups that hold it, nor the schemas.
fn record(region: &Region, body: &Value) -> Result<ScimPrincipal, Refusal> {
    let mut record: ScimPrincipal = serde_json::from_value(body.clone())
        .map_err(|e| Refusal::scim(400, format!("The request body cannot be read: {e}.")))?;
    record.groups.clear();
    record.other.remove("schemas");
    for member in &mut record.members {
        let known = principals::with_id(&region.records, &member.value)
            .ok_or_else(|| Refusal::scim(404, format!("Member with id {} not found.", member.value)))?;
        member.display = known.record.display_name.or(Some(known.name));
        member.other = serde_json::Map::new();
        member.other.insert("$ref".to_owned(), format!("{}/{}", known.family, member.value).into());
    }
    Ok(record)
}

/// Fails where the name is missing, or belongs to another.
fn free_name(region: &Region, family: &'static str, record: &ScimPrincipal) -> Result<(), Refusal> {
    let value = serde_json::to_value(record).unwrap_or_default();
    let name = value[name_field(family)].as_str().unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::scim(400, format!("The attribute {} is missing.", name_field(family))));
    }
    match principals::named_in(&region.records, family, name) {
        Some(other) if other.record.id != record.id => {
            Err(Refusal::scim(409, format!("{} with name {name} already exists.", singular(family))))
        }
        _ => Ok(()),
    }
}

fn create(region: &Region, call: &Call, family: &'static str) -> Answer {
    admins_only(region, call)?;
    let mut writing = region.records.write();
    let mut new = record(region, &call.body)?;
    if new.id.is_empty() {
        new.id = rand::random_range(1_000_000_000_000_i64..9_000_000_000_000_000).to_string();
    }
    if principals::with_id(&region.records, &new.id).is_some() {
        return Err(Refusal::scim(409, format!("A principal with id {} already exists.", new.id)));
    }
    match family {
        USERS | SERVICE_PRINCIPALS => {
            new.active = Some(new.active.unwrap_or(true));
            new.members.clear();
        }
        _ => {}
    }
    if family == SERVICE_PRINCIPALS && new.application_id.is_none() {
        new.application_id = Some(Uuid::new_v4().to_string());
    }
    if family == USERS && new.display_name.is_none() {
        new.display_name = new.user_name.clone();
    }
    free_name(region, family, &new)?;
    put(&mut writing, family, &new);
    if let Some(name) = new.user_name.as_deref().filter(|_| family == USERS) {
        put_home(region, &mut writing, name)?;
    }
    writing.commit()?;
    answer(&shown(region, family, new))
}

fn put(writing: &mut Writing<'_>, family: &str, record: &ScimPrincipal) {
    writing.put(Kind::Principal, principals::key(family, &record.id), record);
}

/// A user's own folder.
pub fn put_home(region: &Region, writing: &mut Writing<'_>, name: &str) -> Result<(), Refusal> {
    match tree::normal(&format!("/Users/{name}")) {
        Ok(home) if tree::parent(&home) == Some("/Users") => tree::put_folders(region, writing, &home, None),
        _ => Err(Refusal::scim(400, format!("{name:?} is no user name: it can't be a folder's."))),
    }
}

fn replace(region: &Region, call: &Call, family: &'static str, id: &str) -> Answer {
    admins_only(region, call)?;
    let mut writing = region.records.write();
    let before = found(region, family, id)?;
    let mut new = record(region, &call.body)?;
    new.id = id.to_owned();
    new.application_id = new.application_id.or(before.record.application_id.clone());
    save(region, &mut writing, &before, &new)?;
    writing.commit()?;
    done()
}

fn change(region: &Region, call: &Call, family: &'static str, id: &str) -> Answer {
    admins_only(region, call)?;
    let mut writing = region.records.write();
    let before = found(region, family, id)?;
    let mut value = serde_json::to_value(&before.record).unwrap_or_default();
    for operation in call.body["Operations"].as_array().into_iter().flatten() {
        patch::apply(&mut value, operation)
            .ok_or_else(|| Refusal::scim(400, format!("The operation {operation} cannot be carried out.")))?;
    }
    let mut new = record(region, &value)?;
    new.id = id.to_owned();
    save(region, &mut writing, &before, &new)?;
    writing.commit()?;
    done()
}

fn save(region: &Region, writing: &mut Writing<'_>, before: &Principal, new: &ScimPrincipal) -> Result<(), Refusal> {
    let family = before.family;
    free_name(region, family, new)?;
    if family == GROUPS && KEPT.contains(&before.name.as_str()) && new.display_name.as_ref() != Some(&before.name) {
        return Err(Refusal::scim(400, format!("The group {} keeps its name.", before.name)));
    }
    if family != GROUPS && new.user_name != before.record.user_name {
        return Err(Refusal::scim(400, "The attribute userName can't be changed."));
    }
    if family == SERVICE_PRINCIPALS && new.application_id != before.record.application_id {
        return Err(Refusal::scim(400, "The attribute applicationId can't be changed."));
    }
    put(writing, family, new);
    Ok(())
}

fn delete(region: &Region, call: &Call, family: &'static str, id: &str) -> Answer {
    admins_only(region, call)?;
    let mut writing = region.records.write();
    let gone = found(region, family, id)?;
    let own = [&region.identity.admin_name, &region.identity.replication_name].contains(&&gone.name);
    if own || family == GROUPS && KEPT.contains(&gone.name.as_str()) {
        return Err(Refusal::scim(400, format!("{} belongs to the workspace and can't be deleted.", gone.name)));
    }
    for mut group in principals::all(&region.records, GROUPS) {
        let members = group.record.members.len();
        group.record.members.retain(|member| member.value != id);
        if group.record.members.len() < members {
            put(&mut writing, GROUPS, &group.record);
        }
    }
    writing.delete(Kind::Principal, principals::key(family, id));
    writing.commit()?;
    done()
}
