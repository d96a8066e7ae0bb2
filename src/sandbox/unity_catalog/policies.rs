//! Attribute policies of catalogs, schemas and tables: kept and listed, by what they are on.

use super::securable::{Securable, Type};
use crate::sandbox::call::{Answer, Call, answer, done};
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::unity_catalog::{ListPolicies, PolicyInfo};
use serde_json::Value;
use uuid::Uuid;

fn found(region: &Region, kind: &str, name: &str) -> Result<Securable, Refusal> {
    let securable = Securable::known(region, kind, name)?;
    if ![Type::Catalog, Type::Schema, Type::Table].contains(&securable.of) {
        return Err(Refusal::invalid(format!("A {} has no policies.", securable.of.as_str())));
    }
    Ok(securable)
}

/// Policies that are on a securable itself.
fn on(region: &Region, securable: &Securable) -> Vec<PolicyInfo> {
    region.records.get::<ListPolicies>(Kind::Policies, &securable.key()).unwrap_or_default().policies
}

fn missing(name: &str) -> Refusal {
    Refusal::missing("POLICY", name)
}

pub fn list(region: &Region, call: &Call, kind: &str, name: &str) -> Answer {
    let securable = found(region, kind, name)?;
    let above = if call.flag("include_inherited") { securable.chain(region) } else { vec![securable] };
    let policies = above.iter().flat_map(|securable| on(region, securable)).collect();
    answer(&ListPolicies { policies, next_page_token: None })
}

pub fn get(region: &Region, kind: &str, securable: &str, name: &str) -> Answer {
    let policies = on(region, &found(region, kind, securable)?);
    answer(&policies.into_iter().find(|policy| policy.name == name).ok_or_else(|| missing(name))?)
}

pub fn create(region: &Region, call: &Call) -> Answer {
    let mut new: PolicyInfo = call.body()?;
    call.field("name")?;
    let (kind, on_what) = (call.field("on_securable_type")?, call.field("on_securable_fullname")?);
    let mut writing = region.records.write();
    let securable = found(region, &kind, &on_what)?;
    let mut policies = on(region, &securable);
    if policies.iter().any(|policy| policy.name == new.name) {
        return Err(Refusal::exists("POLICY", &new.name));
    }
    let user = region.user(call.caller);
    for (field, value) in [
        ("id", Value::from(Uuid::new_v4().to_string())),
        ("created_at", region.now_ms().into()),
        ("created_by", user.clone().into()),
        ("updated_at", region.now_ms().into()),
        ("updated_by", user.into()),
    ] {
        let kept = new.other.get(field).filter(|value| field == "id" && value.is_string()).cloned();
        new.other.insert(field.to_owned(), kept.unwrap_or(value));
    }
    policies.push(new.clone());
    writing.put(Kind::Policies, securable.key(), &ListPolicies { policies, next_page_token: None });
    writing.commit()?;
    answer(&new)
}

pub fn update(region: &Region, call: &Call, kind: &str, securable: &str, name: &str) -> Answer {
    let mut writing = region.records.write();
    let securable = found(region, kind, securable)?;
    let mut policies = on(region, &securable);
    let policy = policies.iter_mut().find(|policy| policy.name == name).ok_or_else(|| missing(name))?;
    let mask = call.query.get("update_mask").map(|mask| mask.split(',').collect::<Vec<_>>());
    for (field, value) in call.body.as_object().into_iter().flatten() {
        let wanted = mask.as_ref().is_none_or(|mask| mask.contains(&field.as_str()));
        match field.as_str() {
            _ if !wanted => {}
            "name" => policy.name = value.as_str().unwrap_or(name).to_owned(),
            "id" | "created_at" | "created_by" | "on_securable_type" | "on_securable_fullname" => {}
            field => drop(policy.other.insert(field.to_owned(), value.clone())),
        }
    }
    policy.other.insert("updated_at".to_owned(), region.now_ms().into());
    policy.other.insert("updated_by".to_owned(), region.user(call.caller).into());
    let changed = policy.clone();
    writing.put(Kind::Policies, securable.key(), &ListPolicies { policies, next_page_token: None });
    writing.commit()?;
    answer(&changed)
}

pub fn delete(region: &Region, kind: &str, securable: &str, name: &str) -> Answer {
    let mut writing = region.records.write();
    let securable = found(region, kind, securable)?;
    let mut policies = on(region, &securable);
    let before = policies.len();
    policies.retain(|policy| policy.name != name);
    if policies.len() == before {
        return Err(missing(name));
    }
    writing.put(Kind::Policies, securable.key(), &ListPolicies { policies, next_page_token: None });
    writing.commit()?;
    done()
}
