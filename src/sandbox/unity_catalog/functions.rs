//! Functions and registered models.

use super::in_schema::Family;
use super::securable::Type;
use crate::sandbox::call::{Answer, Call};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::region::Region;

/// A function's definition does not change: it is dropped and created again.
pub const FUNCTIONS: Family =
    Family { of: Type::Function, plural: "functions", id_field: Some("function_id"), mutable: &["owner"] };

/// Models are known by name; they have no versions here.
pub const MODELS: Family = Family {
    of: Type::Model,
    plural: "registered_models",
    id_field: Some("id"),
    mutable: &["new_name", "owner", "comment"],
};

pub fn create_function(region: &Region, call: &Call) -> Answer {
    let body = &call.body["function_info"];
    if !body.is_object() {
        return Err(Refusal::invalid("The field function_info is missing."));
    }
    FUNCTIONS.create(region, call, body, |_, function| {
        match ["routine_body", "routine_definition"].iter().find(|field| !function.contains_key(**field)) {
            Some(field) => Err(Refusal::invalid(format!("The field function_info.{field} is missing."))),
            None => Ok(()),
        }
    })
}

pub fn create_model(region: &Region, call: &Call) -> Answer {
    MODELS.create(region, call, &call.body, |_, _| Ok(()))
}
