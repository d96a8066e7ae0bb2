//! Catalogs and schemas with everything in them: renamed, dropped; and one object's new name.

use super::securable::{Securable, Type, tag_prefix};
use crate::sandbox::call::checked_name;
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use serde_json::Value;

/// Types whose records lie in a catalog.
const INSIDE: [Type; 5] = [Type::Schema, Type::Table, Type::Volume, Type::Function, Type::Model];

/// Puts `record` under its new name, with what is kept about it.
pub fn object(
    region: &Region,
    writing: &mut Writing<'_>,
    before: &Securable,
    record: &mut Value,
    new_name: &str,
) -> Result<(), Refusal> {
    let new_name = checked_name(new_name)?;
    let name = match before.name.rsplit_once('.') {
        Some((above, _)) => format!("{above}.{new_name}"),
        None => new_name.clone(),
    };
    let Some(kind) = before.of.kind() else { return Ok(()) };
    let after = Securable::new(before.of, &name);
    if after != *before {
        if region.records.text(kind, &after.name).is_some() {
            return Err(Refusal::exists(&before.of.code(), &after.name));
        }
        writing.delete(kind, &before.name);
        beside(region, writing, before, &after);
    }
    record["name"] = new_name.into();
    if record.get("full_name").is_some() {
        record["full_name"] = after.name.clone().into();
    }
    writing.put(kind, &after.name, record);
    Ok(())
}

/// Grants, bindings, policies and tags go along.
fn beside(region: &Region, writing: &mut Writing<'_>, before: &Securable, after: &Securable) {
    for kind in [Kind::Grants, Kind::Bindings, Kind::Policies] {
        if let Some(body) = region.records.text(kind, &before.key()) {
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            writing.delete(kind, before.key());
            writing.put(kind, after.key(), &body);
        }
    }
    let of = before.of.as_str();
    let tags = (tag_prefix(of, &before.name), tag_prefix(of, &after.name));
    let columns = (format!("column/{}.", before.name), format!("column/{}.", after.name));
    for (old, new) in [tags, columns] {
        for (key, body) in region.records.page(Kind::TagAssignment, &old, "", usize::MAX) {
            let mut tag: Value = serde_json::from_str(&body).unwrap_or_default();
            let entity = tag["entity_name"].as_str().map(|name| name.replacen(&before.name, &after.name, 1));
            tag["entity_name"] = entity.into();
            writing.put(Kind::TagAssignment, key.replacen(&old, &new, 1), &tag);
            writing.delete(Kind::TagAssignment, key);
        }
    }
}

/// Everything in a catalog or schema goes along with its new name, and what is kept about it and them.
pub fn with_contents(region: &Region, writing: &mut Writing<'_>, before: &Securable, after: &str) {
    beside(region, writing, before, &Securable::new(before.of, after));
    let (old, new) = (format!("{}.", before.name), format!("{after}."));
    let renamed = |name: &str| name.strip_prefix(&old).map(|rest| format!("{new}{rest}"));
    for of in INSIDE {
        let Some(kind) = of.kind() else { continue };
        for (key, body) in region.records.page(kind, &old, "", usize::MAX) {
            let Some(name) = renamed(&key) else { continue };
            writing.delete(kind, &key);
            writing.put(kind, &name, &moved(&body, &name));
            beside(region, writing, &Securable::new(of, &key), &Securable::new(of, &name));
        }
    }
    for (key, body) in region.records.page(Kind::StagingTable, &old, "", usize::MAX) {
        if let Some(name) = renamed(&key) {
            writing.delete(Kind::StagingTable, key);
            writing.put(Kind::StagingTable, &name, &moved(&body, &name));
        }
    }
}

/// Drops everything in a catalog or schema.
pub fn drop_contents(region: &Region, writing: &mut Writing<'_>, above: &str) {
    let prefix = format!("{above}.");
    for of in INSIDE {
        let Some(kind) = of.kind() else { continue };
        for (key, _) in region.records.page(kind, &prefix, "", usize::MAX) {
            Securable::new(of, &key).forget(region, writing);
            writing.delete(kind, key);
        }
    }
    for (key, _) in region.records.page(Kind::StagingTable, &prefix, "", usize::MAX) {
        writing.delete(Kind::StagingTable, key);
    }
}

/// A record with the names of catalog and schema that its full name has.
fn moved(body: &str, full_name: &str) -> Value {
    let mut record: Value = serde_json::from_str(body).unwrap_or_default();
    let mut parts = full_name.split('.');
    record["catalog_name"] = parts.next().into();
    if record.get("schema_name").is_some() {
        record["schema_name"] = parts.next().into();
    }
    if record.get("full_name").is_some() {
        record["full_name"] = full_name.into();
    }
    record
}
