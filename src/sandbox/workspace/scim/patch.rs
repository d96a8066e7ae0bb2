//! SCIM changes: values added to, removed from or put in place of what a principal has.

use serde_json::{Map, Value};

/// Carries out one operation; None where it cannot be read.
pub fn apply(record: &mut Value, operation: &Value) -> Option<()> {
    let kind = operation["op"].as_str()?.to_ascii_lowercase();
    let value = &operation["value"];
    let fields = record.as_object_mut()?;
    match (kind.as_str(), operation["path"].as_str().filter(|path| !path.is_empty())) {
        ("add" | "replace", None) => {
            for (field, value) in value.as_object()? {
                put(fields, field, value, kind == "add");
            }
        }
        ("add" | "replace", Some(path)) if !path.contains('[') && !value.is_null() => {
            let (field, inner) = path.split_once('.').unwrap_or((path, ""));
            if inner.is_empty() {
                put(fields, field, value, kind == "add");
            } else {
                let object = fields.entry(field).or_insert_with(|| Value::Object(Map::new()));
                object.as_object_mut()?.insert(inner.to_owned(), value.clone());
            }
        }
        ("remove", Some(path)) => match path.split_once('[') {
            Some((field, condition)) => {
                let condition = condition.strip_suffix(']')?;
                let (attribute, wanted) = condition.split_once(" eq ")?;
                let wanted = wanted.trim().trim_matches('"');
                let entries = fields.get_mut(field)?.as_array_mut()?;
                entries.retain(|entry| entry[attribute.trim()] != wanted);
            }
            None => match (fields.get_mut(path), value) {
                (Some(Value::Array(entries)), Value::Array(gone)) => {
                    entries.retain(|entry| !gone.iter().any(|gone| gone["value"] == entry["value"]));
                }
                _ => drop(fields.remove(path)),
            },
        },
        _ => return None,
    }
    Some(())
}

/// Sets a field; what is added to a list joins what is there.
fn put(fields: &mut Map<String, Value>, field: &str, value: &Value, adds: bool) {
    match (fields.get_mut(field), value) {
        (Some(Value::Array(entries)), Value::Array(new)) if adds => {
            for entry in new {
                if !entries.iter().any(|known| known["value"] == entry["value"]) {
                    entries.push(entry.clone());
                }
            }
        }
        (Some(Value::Array(entries)), one @ Value::Object(_)) if adds => {
            if !entries.iter().any(|known| known["value"] == one["value"]) {
                entries.push(one.clone());
            }
        }
        _ => drop(fields.insert(field.to_owned(), value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn operations_do_what_they_say() {
        let mut group = json!({"displayName": "a", "members": [{"value": "1"}]});
        for operation in [
            json!({"op": "add", "path": "members", "value": [{"value": "2"}, {"value": "1"}]}),
            json!({"op": "add", "value": {"members": [{"value": "3"}]}}),
            json!({"op": "remove", "path": "members[value eq \"1\"]"}),
            json!({"op": "remove", "path": "members", "value": [{"value": "3"}]}),
            json!({"op": "replace", "path": "displayName", "value": "b"}),
            json!({"op": "add", "path": "name.givenName", "value": "Ana"}),
        ] {
            assert_eq!(apply(&mut group, &operation), Some(()), "{operation}");
        }
        let expected = json!({"displayName": "b", "members": [{"value": "2"}], "name": {"givenName": "Ana"}});
        assert_eq!(group, expected);
        for wrong in [json!({"op": "move"}), json!({"op": "add", "value": 5}), json!({"path": "x"})] {
            assert_eq!(apply(&mut group, &wrong), None, "{wrong}");
        }
    }
}
