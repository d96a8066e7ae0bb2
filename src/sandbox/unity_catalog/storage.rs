//! External locations and storage credentials.

use super::bindings;
use super::places;
use super::privileges;
use super::rename;
use super::securable::{Securable, Type};
use crate::sandbox::call::{Answer, Call, answer, checked_name, done, page};
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{
    ExternalLocationInfo, ISOLATION_MODE_ISOLATED, ISOLATION_MODE_OPEN, TableInfo, VolumeInfo,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Fields of a credential that say how it reaches the cloud.
const CLOUD: [&str; 6] = [
    "aws_iam_role",
    "azure_managed_identity",
    "azure_service_principal",
    "cloudflare_api_token",
    "databricks_gcp_service_account",
    "purpose",
];
/// Fields that only the service sets, and those that aren't part of the object.
const FIXED: [&str; 11] = [
    "owner",
    "metastore_id",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "credential_id",
    "skip_validation",
    "force",
    "new_name",
    "isolation_mode",
];

fn kind(of: Type) -> Kind {
    if of == Type::ExternalLocation { Kind::ExternalLocation } else { Kind::StorageCredential }
}

pub fn list(region: &Region, call: &Call, of: Type, field: &str) -> Answer {
    let unbound_too = call.flag("include_unbound");
    page(&region.records, call, kind(of), "", field, |body| {
        let name = serde_json::from_str::<Value>(body).ok()?["name"].as_str()?.to_owned();
        let is_bound = unbound_too || bindings::check(region, call.caller, &Securable::new(of, &name)).is_ok();
        (is_bound && privileges::shows(region, call.caller, of, body)).then(|| body.to_owned())
    })
}

fn found(region: &Region, call: &Call, of: Type, name: &str) -> Result<(Securable, Value), Refusal> {
    let securable = Securable::new(of, name);
    match region.records.value(kind(of), &securable.name) {
        Value::Null => Err(securable.missing()),
        record => {
            bindings::check(region, call.caller, &securable)?;
            Ok((securable, record))
        }
    }
}

pub fn get(region: &Region, call: &Call, of: Type, name: &str) -> Answer {
    answer(&found(region, call, of, name)?.1)
}

/// What the client sent, with what the service sets.
fn begun(region: &Region, call: &Call) -> Result<(String, Map<String, Value>), Refusal> {
    let name = checked_name(&call.field("name")?)?;
    let mut record = call.body.as_object().cloned().unwrap_or_default();
    record.retain(|field, value| !FIXED.contains(&field.as_str()) && !value.is_null());
    let (user, now) = (region.user(call.caller), region.now_ms());
    for (field, value) in [
        ("name", json!(name)),
        ("owner", json!(user)),
        ("metastore_id", json!(region.identity.metastore_id)),
        ("isolation_mode", json!(ISOLATION_MODE_OPEN)),
        ("created_at", json!(now)),
        ("created_by", json!(user)),
        ("updated_at", json!(now)),
        ("updated_by", json!(user)),
    ] {
        record.insert(field.to_owned(), value);
    }
    record.entry("read_only").or_insert(false.into());
    Ok((name, record))
}

/// Takes a location anywhere; one in an object store has to be reached with keys of the operator's own, for the region
/// has none to vend.
pub fn create_location(region: &Region, call: &Call) -> Answer {
    let _: ExternalLocationInfo = call.body()?;
    let (name, mut record) = begun(region, call)?;
    let mut writing = region.records.write();
    if region.records.text(Kind::ExternalLocation, &name).is_some() {
        return Err(Refusal::exists("EXTERNAL_LOCATION", &name));
    }
    record.insert("url".to_owned(), free_url(region, &call.field("url")?, &name)?.into());
    let credential = record.get("credential_name").and_then(Value::as_str).map(str::to_owned);
    if let Some(credential) = credential {
        record.insert("credential_id".to_owned(), credential_id(region, &credential)?);
    }
    writing.put(Kind::ExternalLocation, name, &record);
    writing.commit()?;
    answer(&record)
}

/// The id of a credential that is there.
fn credential_id(region: &Region, name: &str) -> Result<Value, Refusal> {
    match region.records.value(Kind::StorageCredential, &name.to_lowercase()) {
        Value::Null => Err(Refusal::missing("STORAGE_CREDENTIAL", name)),
        credential => Ok(credential["id"].clone()),
    }
}

/// A location's URL, which overlaps with that of no other.
fn free_url(region: &Region, url: &str, name: &str) -> Result<String, Refusal> {
    let url = places::normal(url)?;
    let others: Vec<ExternalLocationInfo> = region.records.all(Kind::ExternalLocation, "");
    match others.iter().find(|other| other.name != name && places::overlap(&url, &other.url)) {
        None => Ok(url),
        Some(other) => {
            let sentence = format!(
                "'{url}' overlaps with external location '{}' at '{}'. Choose another one.",
                other.name, other.url
            );
            Err(Refusal::new(400, "LOCATION_OVERLAP", sentence))
        }
    }
}

pub fn create_credential(region: &Region, call: &Call) -> Answer {
    let (name, mut record) = begun(region, call)?;
    let mut writing = region.records.write();
    if region.records.text(Kind::StorageCredential, &name).is_some() {
        return Err(Refusal::exists("STORAGE_CREDENTIAL", &name));
    }
    let id = record.remove("id").filter(Value::is_string);
    record.insert("id".to_owned(), id.unwrap_or_else(|| Uuid::new_v4().to_string().into()));
    describe_role(region, &mut record);
    writing.put(Kind::StorageCredential, name, &record);
    writing.commit()?;
    answer(&record)
}

/// What AWS has to be told to trust the credential's role.
fn describe_role(region: &Region, record: &mut Map<String, Value>) {
    if let Some(role) = record.get_mut("aws_iam_role").filter(|role| role.is_object()) {
        role["external_id"] = region.identity.account_id.clone().into();
        role["unity_catalog_iam_arn"] = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole".into();
    }
}

pub fn update(region: &Region, call: &Call, of: Type, name: &str) -> Answer {
    let body = call.body.as_object().cloned().unwrap_or_default();
    let mut writing = region.records.write();
    let (securable, mut record) = found(region, call, of, name)?;
    for (field, value) in &body {
        let is_own = ["comment", "owner", "read_only", "fallback", "encryption_details", "credential_name", "url"]
            .contains(&field.as_str())
            || CLOUD.contains(&field.as_str());
        if is_own && !value.is_null() {
            record[field.as_str()] = value.clone();
        }
    }
    if let Some(url) = body.get("url").and_then(Value::as_str) {
        let before = region.records.value(kind(of), &securable.name)["url"].as_str().unwrap_or_default().to_owned();
        record["url"] = free_url(region, url, &securable.name)?.into();
        refuse_in_use(region, call, &before)?;
    }
    if let Some(credential) = body.get("credential_name").and_then(Value::as_str) {
        record["credential_id"] = credential_id(region, credential)?;
    }
    if let Some(fields) = record.as_object_mut() {
        describe_role(region, fields);
    }
    match body.get("isolation_mode").and_then(Value::as_str) {
        None => {}
        Some(mode @ (ISOLATION_MODE_OPEN | ISOLATION_MODE_ISOLATED)) => {
            record["isolation_mode"] = mode.into();
        }
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "The isolation_mode {other:?} is unknown. Use {ISOLATION_MODE_OPEN} or {ISOLATION_MODE_ISOLATED}."
            )));
        }
    }
    record["updated_at"] = region.now_ms().into();
    record["updated_by"] = region.user(call.caller).into();
    match body.get("new_name").and_then(Value::as_str) {
        Some(new_name) => {
            rename::object(region, &mut writing, &securable, &mut record, new_name)?;
            if of == Type::StorageCredential {
                follow_credential(region, &mut writing, &securable.name, &record["name"]);
            }
        }
        None => writing.put(kind(of), &securable.name, &record),
    }
    if body.get("isolation_mode").and_then(Value::as_str) == Some(ISOLATION_MODE_ISOLATED) {
        let after = Securable::new(of, record["name"].as_str().unwrap_or(&securable.name));
        bindings::put_own(region, &mut writing, &securable, &after);
    }
    writing.commit()?;
    answer(&record)
}

/// Locations name their credential by its new name.
fn follow_credential(region: &Region, writing: &mut Writing<'_>, before: &str, after: &Value) {
    for (key, body) in region.records.page(Kind::ExternalLocation, "", "", usize::MAX) {
        let mut location: Value = serde_json::from_str(&body).unwrap_or_default();
        if location["credential_name"] == before {
            location["credential_name"] = after.clone();
            writing.put(Kind::ExternalLocation, key, &location);
        }
    }
}

/// Fails where tables or volumes lie at a location, unless the call is forced.
fn refuse_in_use(region: &Region, call: &Call, url: &str) -> Result<(), Refusal> {
    if call.flag("force") || call.body["force"] == true {
        return Ok(());
    }
    let inside = |at: &Option<String>| at.as_deref().is_some_and(|at| places::is_within(at, url));
    let tables = region.records.all::<TableInfo>(Kind::Table, "").into_iter();
    let volumes = region.records.all::<VolumeInfo>(Kind::Volume, "").into_iter();
    let table = tables.filter(|table| inside(&table.storage_location)).map(|table| table.full_name()).next();
    let volume = || volumes.filter(|volume| inside(&volume.storage_location)).find_map(|volume| volume.full_name);
    match table.or_else(volume) {
        None => Ok(()),
        Some(user) => Err(Refusal::state(format!(
            "The external location at '{url}' is used by '{user}'. Use force=true to go on."
        ))),
    }
}

pub fn delete(region: &Region, call: &Call, of: Type, name: &str) -> Answer {
    let mut writing = region.records.write();
    let (securable, record) = found(region, call, of, name)?;
    if of == Type::ExternalLocation {
        refuse_in_use(region, call, record["url"].as_str().unwrap_or_default())?;
    } else if !call.flag("force") {
        let locations: Vec<ExternalLocationInfo> = region.records.all(Kind::ExternalLocation, "");
        let uses = |location: &&ExternalLocationInfo| location.credential_name.as_deref() == Some(&securable.name);
        if let Some(location) = locations.iter().find(uses) {
            return Err(Refusal::state(format!(
                "The storage credential '{}' is used by external location '{}'. Use force=true to go on.",
                securable.name, location.name
            )));
        }
    }
    writing.delete(kind(of), &securable.name);
    securable.forget(region, &mut writing);
    writing.commit()?;
    done()
}
