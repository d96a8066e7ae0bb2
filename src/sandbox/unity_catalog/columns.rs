//! A table's columns and properties as its Delta log has them.

use super::places;
use crate::sandbox::writer::latest_metadata;
use crate::wire::unity_catalog::{ColumnInfo, TableInfo};
use serde_json::Value;

/// Fills in what the client left out, from the log at the table's location, where there is one.
///
/// A log that can't be read leaves the table as it is: catalogs register tables without opening them.
pub fn fill_from_log(table: &mut TableInfo) {
    let Some(folder) = table.storage_location.as_deref().and_then(places::folder_of) else {
        return;
    };
    let Ok(Some((_, metadata))) = latest_metadata(&folder) else {
        return;
    };
    if table.columns.is_empty() {
        table.columns = columns(&metadata);
    }
    for (key, value) in metadata["configuration"].as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            table.properties.entry(key.clone()).or_insert_with(|| value.to_owned());
        }
    }
}

/// The columns that a `metaData` action describes.
pub fn columns(metadata: &Value) -> Vec<ColumnInfo> {
    let schema: Value =
        metadata["schemaString"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let partitions: Vec<&str> =
        metadata["partitionColumns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema["fields"].as_array().cloned().unwrap_or_default();
    fields
        .iter()
        .enumerate()
        .map(|(position, field)| {
            let name = field["name"].as_str().unwrap_or_default();
            let (type_text, type_name) = type_names(&field["type"]);
            let digits = type_text.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')?.split_once(','));
            ColumnInfo {
                name: name.to_owned(),
                type_precision: digits.and_then(|(precision, _)| precision.trim().parse().ok()),
                type_scale: digits.and_then(|(_, scale)| scale.trim().parse().ok()),
                type_text: Some(type_text),
                type_json: Some(field.to_string()),
                type_name: Some(type_name),
                position: i32::try_from(position).ok(),
                nullable: field["nullable"].as_bool(),
                comment: field["metadata"]["comment"].as_str().map(str::to_owned),
                partition_index: partitions.iter().position(|p| *p == name).and_then(|i| i32::try_from(i).ok()),
                mask: None,
            }
        })
        .collect()
}

/// A Delta type as SQL writes it and as the API names it.
fn type_names(kind: &Value) -> (String, String) {
    let Some(text) = kind.as_str() else {
        let name = kind["type"].as_str().unwrap_or("struct").to_uppercase();
        return (name.to_lowercase(), name);
    };
    let (sql, name) = match text {
        "long" => ("bigint", "LONG"),
        "integer" => ("int", "INT"),
        "short" => ("smallint", "SHORT"),
        "byte" => ("tinyint", "BYTE"),
        _ if text.starts_with("decimal") => (text, "DECIMAL"),
        _ => return (text.to_owned(), text.to_uppercase()),
    };
    (sql.to_owned(), name.to_owned())
}
