//! What clusters and SQL warehouses have in common: records with a state.

use super::acl::{self, Family};
use crate::sandbox::call::Call;
use crate::sandbox::records::Kind;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;
use crate::wire::workspace::{STATE_PENDING, STATE_RUNNING, STATE_STARTING, STATE_STOPPED, STATE_TERMINATED};
use serde_json::Value;
use uuid::Uuid;

/// A kind of compute.
pub struct Compute {
    pub kind: Kind,
    pub family: &'static Family,
    /// As an error code spells it.
    pub code: &'static str,
    /// The field that holds an id.
    pub id_field: &'static str,
    /// The state of what doesn't run.
    pub at_rest: &'static str,
}

/// Digits for a new id.
pub fn short_id(digits: usize) -> String {
    Uuid::new_v4().simple().to_string().chars().take(digits).collect()
}

/// `record` with the fields of `change`, except those in `fixed`; without those that are null there.
pub fn merged(mut record: Value, change: &Value, fixed: &[&str]) -> Value {
    let Some(fields) = record.as_object_mut() else { return record };
    for (key, value) in change.as_object().into_iter().flatten().filter(|(key, _)| !fixed.contains(&key.as_str())) {
        match value {
            Value::Null => drop(fields.remove(key)),
            value => drop(fields.insert(key.clone(), value.clone())),
        }
    }
    record
}

impl Compute {
    pub fn found(&self, region: &Region, id: &str) -> Result<Value, Refusal> {
        match region.records.value(self.kind, id) {
            Value::Null => Err(Refusal::missing(self.code, id)),
            record => Ok(record),
        }
    }

    /// The one with this id, if the caller may do with it what `level` allows.
    pub fn allowed(&self, region: &Region, call: &Call, id: &str, level: &str) -> Result<Value, Refusal> {
        let record = self.found(region, id)?;
        acl::need(region, call.caller, self.family, id, level)?;
        Ok(record)
    }

    /// The id that the body asks for, if it is free; None where it doesn't ask.
    pub fn asked_id(&self, region: &Region, call: &Call) -> Result<Option<String>, Refusal> {
        match call.body[self.id_field].as_str().filter(|id| !id.is_empty()) {
            Some(id) if self.found(region, id).is_ok() => {
                Err(Refusal::invalid(format!("The {} {id} exists already.", self.id_field)))
            }
            id => Ok(id.map(str::to_owned)),
        }
    }

    /// With the state that it has just now.
    pub fn present(&self, region: &Region, mut record: Value) -> Value {
        let id = record[self.id_field].as_str().unwrap_or_default().to_owned();
        let state = match record["state"].as_str().unwrap_or_default() {
            STATE_RUNNING if region.is_starting(&id) && self.kind == Kind::Cluster => STATE_PENDING,
            STATE_RUNNING if region.is_starting(&id) => STATE_STARTING,
            // The last commit is still being written.
            STATE_TERMINATED if region.in_use(&id) => "TERMINATING",
            STATE_STOPPED if region.in_use(&id) => "STOPPING",
            stored => stored,
        };
        record["state"] = state.into();
        record
    }

    /// A new one is started where compute may start, and is at rest elsewhere.
    pub fn first_state(&self, region: &Region, id: &str) -> &'static str {
        match region.compute_allowed() {
            Ok(()) => {
                region.note_start(id);
                STATE_RUNNING
            }
            Err(_) => self.at_rest,
        }
    }

    /// Sets the state, with other fields that go with it.
    pub fn set_state(&self, region: &Region, id: &str, state: &str, with: &Value) -> Result<(), Refusal> {
        let mut writing = region.records.write();
        let mut record = self.found(region, id)?;
        if record["state"] != state {
            record["state"] = state.into();
            if state == STATE_RUNNING {
                region.note_start(id);
            }
            writing.put(self.kind, id, &merged(record, with, &[]));
            writing.commit()?;
        }
        Ok(())
    }

    pub fn remove(&self, region: &Region, id: &str) -> Result<(), Refusal> {
        let mut writing = region.records.write();
        self.found(region, id)?;
        writing.delete(self.kind, id);
        writing.delete(Kind::Acl, acl::key(self.family, id));
        writing.commit()?;
        Ok(())
    }
}
