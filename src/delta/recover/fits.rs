//! Whether a salvaged commit can become an ordinary commit of the live table.

use super::contents::Contents;
use super::features::{fields, partition_columns, refusal, schema_of};
use crate::delta::log::RawState;
use arrow::datatypes::{DataType, Schema};
use serde_json::Value;

/// Why a commit can't be appended to any table, as a sentence.
pub fn commit_unfit(commit: &Contents) -> Option<String> {
    let Contents { version, adds, removes, protocol, metadata, others, .. } = commit;
    let says = |what: String| Some(format!("Version {version} {what}, so it can't be appended."));
    if !removes.is_empty() {
        let files = if removes.len() == 1 { "1 file".to_owned() } else { format!("{} files", removes.len()) };
        return says(format!("removes {files}"));
    }
    if protocol.is_some() || metadata.is_some() {
        return says("changes the table's schema or properties".to_owned());
    }
    if let Some(other) = others.first() {
        return says(format!("has a {other} action"));
    }
    if adds.iter().any(|add| add.get("deletionVector").is_some_and(Value::is_object)) {
        return says("adds files with deleted rows".to_owned());
    }
    if adds.iter().any(|add| add.get("dataChange") == Some(&Value::Bool(false))) {
        return says("only rearranges rows".to_owned());
    }
    if adds.is_empty() { says("adds no file".to_owned()) } else { None }
}

/// Why files written as `written` says don't fit the live table, as a sentence.
pub fn unfit(written: &RawState, live: &RawState) -> Option<String> {
    if let Some(why) = refusal(live) {
        return Some(format!("The live table takes no appended files, because {why}."));
    }
    let (before, now) = (partition_columns(&written.metadata), partition_columns(&live.metadata));
    if before != now {
        let words = |columns: &[&str]| if columns.is_empty() { "nothing".to_owned() } else { columns.join(", ") };
        return Some(format!("The commit is partitioned by {} and the live table by {}.", words(&before), words(&now)));
    }
    let (before, now) = (schema_of(&written.metadata), schema_of(&live.metadata));
    let name = |field: &Value| field.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let nullable = |field: &Value| field.get("nullable") != Some(&Value::Bool(false));
    for field in fields(&before) {
        let Some(twin) = fields(&now).iter().find(|twin| name(twin) == name(field)) else {
            return Some(format!("The live table has no column {}.", name(field)));
        };
        if twin.get("type") != field.get("type") {
            return Some(format!("The column {} has another type in the live table.", name(field)));
        }
        if nullable(field) && !nullable(twin) {
            return Some(format!("The column {} takes no nulls in the live table.", name(field)));
        }
    }
    let missing = |twin: &&Value| !nullable(twin) && !fields(&before).iter().any(|field| name(field) == name(twin));
    let missing = fields(&now).iter().find(missing);
    missing.map(|twin| {
        format!("The live table needs a value for the column {}, which the commit doesn't have.", name(twin))
    })
}

/// Why a file with these columns doesn't fit the live table, as a sentence: a log may say what its files don't hold.
pub fn file_unfit(file: &Schema, live: &RawState) -> Option<String> {
    let schema = schema_of(&live.metadata);
    file.fields().iter().find_map(|column| {
        let twin =
            fields(&schema).iter().find(|field| field.get("name").and_then(Value::as_str) == Some(column.name()));
        let Some(twin) = twin else {
            return Some(format!("The files have a column {} that the live table doesn't have.", column.name()));
        };
        let kind = twin.get("type").and_then(Value::as_str)?;
        (!holds(column.data_type(), kind)).then(|| {
            format!("The files' column {} is {}, and the live table's is {kind}.", column.name(), column.data_type())
        })
    })
}

/// Whether a column of a file can hold a primitive type of a schema; a type that isn't known here may be anything.
fn holds(column: &DataType, kind: &str) -> bool {
    use DataType::*;
    match kind {
        "long" => matches!(column, Int64),
        "integer" => matches!(column, Int32),
        "short" | "byte" => matches!(column, Int8 | Int16 | Int32),
        "float" => matches!(column, Float32),
        "double" => matches!(column, Float64),
        "boolean" => matches!(column, Boolean),
        "string" => matches!(column, Utf8 | LargeUtf8 | Utf8View | Binary),
        "binary" => matches!(column, Binary | LargeBinary | BinaryView | FixedSizeBinary(_)),
        "date" => matches!(column, Date32),
        "timestamp" | "timestamp_ntz" => matches!(column, Timestamp(_, _)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(fields: Value, partitions: Value, configuration: Value, features: &[&str]) -> RawState {
        RawState {
            protocol: json!({"minReaderVersion": 3, "minWriterVersion": 7, "writerFeatures": features}),
            metadata: json!({"id": "x", "schemaString": json!({"type": "struct", "fields": fields}).to_string(),
                "partitionColumns": partitions, "configuration": configuration}),
        }
    }

    fn column(name: &str, kind: &str, nullable: bool) -> Value {
        json!({"name": name, "type": kind, "nullable": nullable, "metadata": {}})
    }

    fn plain(fields: Value) -> RawState {
        state(fields, json!([]), json!({}), &["appendOnly"])
    }

    #[test]
    fn the_same_schema_fits_and_so_does_one_that_only_grew() {
        let written = plain(json!([column("id", "long", true)]));
        assert_eq!(unfit(&written, &written), None);
        assert_eq!(unfit(&written, &plain(json!([column("new", "string", true), column("id", "long", true)]))), None);
    }

    #[test]
    fn what_the_live_table_would_not_understand_is_refused_with_the_columns_name() {
        let written = plain(json!([column("id", "long", true)]));
        for (live, words) in [
            (plain(json!([])), "no column id"),
            (plain(json!([column("id", "integer", true)])), "column id has another type"),
            (plain(json!([column("id", "long", false)])), "column id takes no nulls"),
            (plain(json!([column("id", "long", true), column("day", "date", false)])), "value for the column day"),
            (state(json!([column("id", "long", true)]), json!(["id"]), json!({}), &[]), "live table by id"),
        ] {
            let why = unfit(&written, &live).expect(words);
            assert!(why.contains(words), "{words}: {why}");
        }
    }

    #[test]
    fn a_table_that_asks_more_of_its_writers_is_refused_with_what_it_asks() {
        let fields = json!([column("id", "long", true)]);
        let written = plain(fields.clone());
        let ruled = json!([{"name": "id", "type": "long", "nullable": true, "metadata": {"delta.invariants": "{}"}}]);
        for (live, words) in [
            (
                state(fields.clone(), json!([]), json!({"delta.columnMapping.mode": "name"}), &["columnMapping"]),
                "column mapping",
            ),
            (
                state(fields.clone(), json!([]), json!({"delta.constraints.positive": "id > 0"}), &[]),
                "constraint positive",
            ),
            (state(fields.clone(), json!([]), json!({}), &["rowTracking"]), "table feature rowTracking"),
            (state(fields.clone(), json!([]), json!({}), &["catalogManaged"]), "catalog manages"),
            (state(ruled, json!([]), json!({}), &[]), "column id has an invariant"),
        ] {
            let why = unfit(&written, &live).expect(words);
            assert!(why.contains(words), "{words}: {why}");
        }
    }

    #[test]
    fn a_file_that_holds_something_else_than_its_log_says_is_refused() {
        use arrow::datatypes::Field;
        let live = plain(json!([column("id", "long", true), column("day", "date", true)]));
        let file = |name: &str, kind: DataType| Schema::new(vec![Field::new(name, kind, true)]);
        assert_eq!(file_unfit(&file("id", DataType::Int64), &live), None);
        assert!(file_unfit(&file("id", DataType::Utf8), &live).is_some_and(|why| why.contains("table's is long")));
        assert!(file_unfit(&file("odd", DataType::Utf8), &live).is_some_and(|why| why.contains("column odd")));
    }

    #[test]
    fn only_a_commit_that_adds_whole_files_and_nothing_else_is_appended() {
        let add = json!({"path": "a", "dataChange": true});
        let commit = |adds: Vec<Value>| Contents { version: 7, adds, ..Contents::default() };
        assert_eq!(commit_unfit(&commit(vec![add.clone()])), None);
        let vector = json!({"path": "a", "dataChange": true, "deletionVector": {"storageType": "i"}});
        let removes = Contents { removes: vec![add.clone()], ..commit(vec![add.clone()]) };
        let changes = Contents { metadata: Some(json!({})), ..commit(vec![add]) };
        for (commit, words) in [
            (commit(vec![]), "adds no file"),
            (commit(vec![vector]), "deleted rows"),
            (commit(vec![json!({"path": "a", "dataChange": false})]), "rearranges"),
            (removes, "removes 1 file, so"),
            (changes, "schema or properties"),
        ] {
            let why = commit_unfit(&commit).expect(words);
            assert!(why.contains(words) && why.starts_with("Version 7 "), "{words}: {why}");
        }
    }
}
