//! What lies in a schema beside tables: volumes, functions, models. One record each, kept as the client sent it.

use super::privileges;
use super::rename;
use super::securable::{Securable, Type};
use crate::sandbox::call::{Answer, Call, answer, checked_name, done, page};
use crate::sandbox::principals;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A kind of object in a schema.
pub struct Family {
    pub of: Type,
    /// The field of a list.
    pub plural: &'static str,
    /// The field that holds an id; a region that keeps ids takes it at creation.
    pub id_field: Option<&'static str>,
    /// Fields that a change may hold; with `new_name` it may be renamed.
    pub mutable: &'static [&'static str],
}

/// What only the service sets.
const FIXED: [&str; 8] =
    ["full_name", "owner", "metastore_id", "created_at", "created_by", "updated_at", "updated_by", "browse_only"];

impl Family {
    fn kind(&self) -> crate::sandbox::records::Kind {
        // Everything in a schema has records.
        self.of.kind().unwrap_or(crate::sandbox::records::Kind::Volume)
    }

    pub fn list(&self, region: &Region, call: &Call) -> Answer {
        let catalog = call.required("catalog_name")?.to_lowercase();
        let schema = call.required("schema_name")?.to_lowercase();
        region.catalog(call.caller, &catalog)?;
        Securable::known(region, "schema", &format!("{catalog}.{schema}"))?;
        page(&region.records, call, self.kind(), &format!("{catalog}.{schema}."), self.plural, |body| {
            privileges::shows(region, call.caller, self.of, body).then(|| body.to_owned())
        })
    }

    /// The one with this full name.
    pub fn found(&self, region: &Region, call: &Call, name: &str) -> Result<(Securable, Value), Refusal> {
        let securable = Securable::new(self.of, name);
        region.catalog(call.caller, securable.name.split('.').next().unwrap_or_default())?;
        match region.records.value(self.kind(), &securable.name) {
            Value::Null => Err(securable.missing()),
            record => Ok((securable, record)),
        }
    }

    pub fn get(&self, region: &Region, call: &Call, name: &str) -> Answer {
        answer(&self.found(region, call, name)?.1)
    }

    /// Creates what `body` says; `complete` checks it and fills in what the kind needs.
    pub fn create(
        &self,
        region: &Region,
        call: &Call,
        body: &Value,
        complete: impl FnOnce(&str, &mut Map<String, Value>) -> Result<(), Refusal>,
    ) -> Answer {
        let field = |name: &str| match body[name].as_str().filter(|text| !text.is_empty()) {
            Some(text) => checked_name(text),
            None => Err(Refusal::invalid(format!("The field {name} is missing."))),
        };
        let (catalog, schema, name) = (field("catalog_name")?, field("schema_name")?, field("name")?);
        let full_name = format!("{catalog}.{schema}.{name}");
        let mut record = body.as_object().cloned().unwrap_or_default();
        record.retain(|field, value| !FIXED.contains(&field.as_str()) && !value.is_null());
        let mut writing = region.records.write();
        region.writable_catalog(call.caller, &catalog)?;
        Securable::known(region, "schema", &format!("{catalog}.{schema}"))?;
        if region.records.text(self.kind(), &full_name).is_some() {
            return Err(Refusal::exists(&self.of.code(), &full_name));
        }
        let (user, now) = (region.user(call.caller), region.now_ms());
        if let Some(field) = self.id_field {
            let id = record.remove(field).filter(Value::is_string);
            record.insert(field.to_owned(), id.unwrap_or_else(|| Uuid::new_v4().to_string().into()));
        }
        for (field, value) in [
            ("catalog_name", json!(catalog)),
            ("schema_name", json!(schema)),
            ("name", json!(name)),
            ("full_name", json!(full_name)),
            ("owner", json!(user)),
            ("metastore_id", json!(region.identity.metastore_id)),
            ("created_at", json!(now)),
            ("created_by", json!(user)),
            ("updated_at", json!(now)),
            ("updated_by", json!(user)),
        ] {
            record.insert(field.to_owned(), value);
        }
        complete(&full_name, &mut record)?;
        writing.put(self.kind(), full_name, &record);
        writing.commit()?;
        answer(&record)
    }

    pub fn update(&self, region: &Region, call: &Call, name: &str) -> Answer {
        let fields = call.body.as_object().cloned().unwrap_or_default();
        if let Some(owner) = fields.get("owner").and_then(Value::as_str) {
            principals::check(&region.records, owner)?;
        }
        let mut writing = region.records.write();
        let (securable, mut record) = self.found(region, call, name)?;
        region.writable_catalog(call.caller, record["catalog_name"].as_str().unwrap_or_default())?;
        for (field, value) in fields.iter().filter(|(field, _)| self.mutable.contains(&field.as_str())) {
            if field != "new_name" {
                record[field.as_str()] = value.clone();
            }
        }
        record["updated_at"] = region.now_ms().into();
        record["updated_by"] = region.user(call.caller).into();
        match fields.get("new_name").and_then(Value::as_str).filter(|_| self.mutable.contains(&"new_name")) {
            Some(new_name) => rename::object(region, &mut writing, &securable, &mut record, new_name)?,
            None => writing.put(self.kind(), &securable.name, &record),
        }
        writing.commit()?;
        answer(&record)
    }

    pub fn delete(&self, region: &Region, call: &Call, name: &str) -> Answer {
        let mut writing = region.records.write();
        let (securable, record) = self.found(region, call, name)?;
        region.writable_catalog(call.caller, record["catalog_name"].as_str().unwrap_or_default())?;
        writing.delete(self.kind(), &securable.name);
        securable.forget(region, &mut writing);
        writing.commit()?;
        done()
    }
}
