//! Tags of catalogs, schemas, tables, columns and volumes.

use super::securable::{Securable, tag_prefix};
use crate::sandbox::call::{Answer, Call, answer, done, page};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::error;
use crate::wire::unity_catalog::{EntityTagAssignment, TableInfo};

/// Tags of one entity at most.
const MOST: usize = 50;
/// Characters of a value at most.
const LONGEST_VALUE: usize = 1_000;

/// The entity's type as its tags are kept, and its name; a refusal where there is no such entity.
pub fn entity(region: &Region, kind: &str, name: &str) -> Result<(&'static str, Securable), Refusal> {
    let (of, is_column) = match kind {
        "catalogs" => ("catalog", false),
        "schemas" => ("schema", false),
        "tables" => ("table", false),
        "volumes" => ("volume", false),
        "columns" => ("table", true),
        other => {
            return Err(Refusal::invalid(format!(
                "The entity_type {other:?} is unknown. Use catalogs, schemas, tables, columns or volumes."
            )));
        }
    };
    if !is_column {
        return Ok((of, Securable::known(region, of, name)?));
    }
    let (table, column) = name.rsplit_once('.').ok_or_else(|| Refusal::missing("COLUMN", name))?;
    let table = Securable::known(region, of, table)?;
    let info: Option<TableInfo> = region.records.get(Kind::Table, &table.name);
    if !info.is_some_and(|info| info.columns.iter().any(|known| known.name.eq_ignore_ascii_case(column))) {
        return Err(Refusal::missing("COLUMN", name));
    }
    Ok(("column", table))
}

fn prefix(region: &Region, kind: &str, name: &str) -> Result<String, Refusal> {
    let (of, _) = entity(region, kind, name)?;
    Ok(tag_prefix(of, &name.to_lowercase()))
}

fn found(region: &Region, kind: &str, name: &str, key: &str) -> Result<(String, EntityTagAssignment), Refusal> {
    let at = format!("{}{key}", prefix(region, kind, name)?);
    let missing = || Refusal::new(404, error::NOT_FOUND, format!("The tag '{key}' is not assigned to '{name}'."));
    let tag = region.records.get(Kind::TagAssignment, &at).ok_or_else(missing)?;
    Ok((at, tag))
}

fn checked_value(value: Option<String>) -> Result<Option<String>, Refusal> {
    match value {
        Some(value) if value.chars().count() > LONGEST_VALUE => {
            Err(Refusal::invalid(format!("A tag's value has at most {LONGEST_VALUE} characters.")))
        }
        value => Ok(value),
    }
}

pub fn list(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let prefix = prefix(region, kind, name)?;
    page(&region.records, call, Kind::TagAssignment, &prefix, "tag_assignments", |body| Some(body.to_owned()))
}

pub fn get(region: &Region, kind: &str, name: &str, key: &str) -> Answer {
    answer(&found(region, kind, name, key)?.1)
}

pub fn create(region: &Region, call: &Call) -> Answer {
    let wanted: EntityTagAssignment = call.body()?;
    let (name, key) = (wanted.entity_name.to_lowercase(), wanted.tag_key.clone());
    if key.is_empty() || key.chars().any(|c| ".,-=/:".contains(c) || c.is_control()) || key.trim() != key {
        return Err(Refusal::invalid(format!(
            "{key:?} is no tag key. It must not hold any of . , - = / : nor begin or end with a space."
        )));
    }
    let mut writing = region.records.write();
    let prefix = prefix(region, &wanted.entity_type, &name)?;
    let at = format!("{prefix}{key}");
    if region.records.text(Kind::TagAssignment, &at).is_some() {
        return Err(Refusal::exists("TAG_ASSIGNMENT", &format!("{key} on {name}")));
    }
    if region.records.page(Kind::TagAssignment, &prefix, "", MOST).len() == MOST {
        return Err(Refusal::invalid(format!("'{name}' has {MOST} tags, which is the most that it may have.")));
    }
    let tag = changed(region, call, EntityTagAssignment { entity_name: name, ..wanted })?;
    writing.put(Kind::TagAssignment, at, &tag);
    writing.commit()?;
    answer(&tag)
}

fn changed(region: &Region, call: &Call, tag: EntityTagAssignment) -> Result<EntityTagAssignment, Refusal> {
    Ok(EntityTagAssignment {
        tag_value: checked_value(tag.tag_value)?,
        update_time: Some(region.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
        updated_by: Some(region.user(call.caller)),
        ..tag
    })
}

pub fn update(region: &Region, call: &Call, kind: &str, name: &str, key: &str) -> Answer {
    let mut writing = region.records.write();
    let (at, before) = found(region, kind, name, key)?;
    let tag_value = call.body["tag_value"].as_str().map(str::to_owned);
    let tag = changed(region, call, EntityTagAssignment { tag_value, ..before })?;
    writing.put(Kind::TagAssignment, at, &tag);
    writing.commit()?;
    answer(&tag)
}

pub fn delete(region: &Region, kind: &str, name: &str, key: &str) -> Answer {
    let mut writing = region.records.write();
    let (at, _) = found(region, kind, name, key)?;
    writing.delete(Kind::TagAssignment, at);
    writing.commit()?;
    done()
}
