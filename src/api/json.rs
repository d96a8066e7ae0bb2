//! JSON bodies: one object, read in one way only, with the field named where something is wrong.

use super::reply::{Rejection, bad};
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Number, Value};
use std::fmt;

/// A JSON object, read as `T`. Null counts as absent and unknown fields are let pass, as everywhere in this API.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejection> {
    let value = match bytes.is_empty() {
        true => Value::Object(Map::new()),
        false => {
            serde_json::from_slice::<Unambiguous>(bytes)
                .map_err(|problem| bad(format!("The body is not JSON: {problem}. Send one JSON object.")))?
                .0
        }
    };
    if !value.is_object() {
        return Err(bad("The body is JSON, but not an object. Send one in braces."));
    }
    serde_path_to_error::deserialize(without_nulls(value)).map_err(|error| {
        let (field, problem) = (error.path().to_string(), error.into_inner().to_string());
        let advice =
            if problem.contains("expected a string") { "Write it as text, in quotes." } else { "See /openapi.json." };
        bad(format!("The field {field} has the wrong type: {problem}. {advice}"))
    })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Any JSON in which no object has a field twice: which of the two is meant would be a guess.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let Unambiguous(value) = fields.next_value()?;
            if all.contains_key(&name) {
                return Err(A::Error::custom(format!("the field {name:?} comes twice")));
            }
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::disaster_recovery::{FailoverGroupBody, FailoverRequest, StableUrlBody};
    use serde_json::json;

    fn refused<T: DeserializeOwned>(text: &str) -> String {
        match object::<T>(text.as_bytes()) {
            Err(Rejection::BadRequest { sentence }) => sentence,
            _ => panic!("{text} was taken"),
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_by_its_field() {
        for (body, field) in [
            (json!({"workspace_sets": [{"workspace_ids": ["1", 2]}]}), "workspace_sets[0].workspace_ids[1]"),
            (json!({"regions": "mars"}), "regions"),
            (json!({"regions": [1]}), "regions[0]"),
            (json!({"workspace_sets": {"name": "a"}}), "workspace_sets"),
            (
                json!({"workspace_sets": [{"replicate_workspace_assets": "yes"}]}),
                "workspace_sets[0].replicate_workspace_assets",
            ),
            (json!({"unity_catalog_assets": {"catalogs": ["main"]}}), "unity_catalog_assets.catalogs[0]"),
            (json!({"unity_catalog_assets": {"catalogs": [{"name": 5}]}}), "unity_catalog_assets.catalogs[0].name"),
            (
                json!({"unity_catalog_assets": {"location_mappings": [{"uri_by_region": [{"uri": ["a"]}]}]}}),
                "unity_catalog_assets.location_mappings[0].uri_by_region[0].uri",
            ),
            (json!({"initial_primary_region": true}), "initial_primary_region"),
        ] {
            let sentence = refused::<FailoverGroupBody>(&body.to_string());
            assert!(sentence.starts_with(&format!("The field {field} has the wrong type: ")), "{sentence}");
        }
        let sentence = refused::<StableUrlBody>(r#"{"initial_workspace_id": 7}"#);
        assert!(sentence.contains("initial_workspace_id") && sentence.contains("in quotes"), "{sentence}");
        assert!(refused::<FailoverRequest>(r#"{"etag": 7}"#).contains("The field etag "));
    }

    #[test]
    fn a_field_that_comes_twice_is_refused_wherever_it_stands() {
        let twice = r#"{"failover_type": "PLANNED", "failover_type": "FORCED"}"#;
        assert!(refused::<FailoverRequest>(twice).contains("\"failover_type\" comes twice"));
        assert!(refused::<FailoverRequest>(r#"{"future": [{"a": 1, "a": 1}]}"#).contains("comes twice"));
    }

    #[test]
    fn null_is_absent_and_unknown_fields_pass() {
        let body = br#"{"target_primary_region": "mars", "etag": null, "future": {"a": [1.5, -2, null, true]}}"#;
        let request: FailoverRequest = object(body).unwrap_or_else(|_| panic!("refused"));
        assert_eq!((request.target_primary_region.as_str(), request.etag), ("mars", None));
        assert!(object::<FailoverRequest>(b"").is_ok());
        for wrong in ["[1]", "5", "{", "{} {}", "\u{feff}{}", &"[".repeat(100_000)] {
            assert!(object::<FailoverRequest>(wrong.as_bytes()).is_err());
        }
    }
}
