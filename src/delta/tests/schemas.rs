//! Schemas, partition columns and protocols, and what Python's deltalake 1.6.6 and DuckDB 1.5.5 make of each: what neither reads, and
//! Spark doesn't either, is flagged.

use super::pair::Pair;
use super::table::*;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use serde_json::{Value, json};

fn column(name: &str, kind: Value) -> Value {
    json!({"name": name, "type": kind, "nullable": true, "metadata": {}})
}

fn with(name: &str, value: Option<Value>) -> String {
    let mut x = column("x", json!("long"));
    match value {
        Some(value) => x[name] = value,
        None => _ = x.as_object_mut().expect("an object").remove(name),
    }
    of(&[x])
}

fn of(columns: &[Value]) -> String {
    json!({"type": "struct", "fields": columns}).to_string()
}

fn described(schema: &str, partitioned_by: &[&str]) -> Value {
    let mut action = metadata(json!("x"), json!({}));
    action["metaData"]["schemaString"] = json!(schema);
    action["metaData"]["partitionColumns"] = json!(partitioned_by);
    action
}

/// Whether a table with this metadata is flagged: at once, with its commit alone after a shipment, and from a checkpoint.
async fn verdicts(action: &Value) -> [Option<TableFault>; 3] {
    let mut at_once = Pair::new();
    at_once.table.append("a.parquet");
    at_once.table.commit(std::slice::from_ref(action));
    let mut later = Pair::new();
    later.table.append("a.parquet");
    let begun = later.arrives(None).await.position;
    later.table.commit(std::slice::from_ref(action));
    let mut cleaned = Pair::new();
    cleaned.table.append("a.parquet");
    cleaned.table.commit(std::slice::from_ref(action));
    cleaned.table.checkpoint();
    (0..=1).for_each(|version| cleaned.table.remove_log(version));
    let mut found = Vec::new();
    for (pair, known) in [(&at_once, None), (&later, Some(&begun)), (&cleaned, None)] {
        let fault = pair.ship(known).await.err();
        let compared = compare_all(&pair.table.root, &pair.replica).await;
        match &fault {
            Some(fault) => {
                assert_eq!((compared.status, compared.class), (ObjectStatus::Failed, Some(fault.class)));
                assert_eq!(compared.message.as_deref(), Some(fault.message.as_str()));
            }
            None => assert_eq!(compared.status, ObjectStatus::InSync, "{compared:?}"),
        }
        found.push(fault);
    }
    found.try_into().expect("three verdicts")
}

async fn check(cases: Vec<(&str, Value, bool)>) {
    let mut wrong = Vec::new();
    for (name, action, fine) in cases {
        for fault in verdicts(&action).await {
            match fault {
                None if fine => {}
                Some(fault) if !fine && fault.class == ErrorClass::CorruptLog => {
                    assert!(fault.message.starts_with("Readers can't open"), "{fault:?}");
                }
                other => wrong.push(format!("{name}: {other:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_schema_that_no_reader_takes_flags_its_table() {
    let good = with("name", Some(json!("x")));
    let inner = |kind: Value| of(&[column("x", json!("long")), column("y", kind)]);
    let schema = |schema: &str| described(schema, &[]);
    let mut cases = vec![
        ("good", schema(&good), true),
        ("space at the end", schema(&format!("{good} \n")), true),
        ("another member", schema(&with("foo", Some(json!(1)))), true),
        ("metadata of any kind", schema(&with("metadata", Some(json!({"a": [1, {"b": null}]})))), true),
        ("an empty name", schema(&of(&[column("x", json!("long")), column("", json!("long"))])), true),
        (
            "a map of what may be null or not",
            schema(&inner(json!({"type": "map", "keyType": "long", "valueType": "long"}))),
            true,
        ),
        ("a type of another name for a struct", schema(&good.replace("\"struct\"", "\"STRUCT\"")), true),
        // Spark reads these.
        ("no metadata", schema(&with("metadata", None)), true),
        ("no type of its own", schema(&inner(json!("void"))), true),
        ("a type of a user's", schema(&inner(json!({"type": "udt", "class": "a.B", "sqlType": "long"}))), true),
    ];
    let bad = [
        "",
        "{",
        "null",
        "5",
        "[]",
        "\"x\"",
        "{}",
        "{\"type\":\"struct\"}",
        "{\"fields\":[]}",
        "{\"type\":\"struct\",\"fields\":null}",
        "{\"type\":\"struct\",\"fields\":[null]}",
        "{\"type\":\"struct\",\"fields\":[\"x\"]}",
        "\u{feff}{\"type\":\"struct\",\"fields\":[]}",
    ];
    cases.extend(bad.map(|bad| (bad, schema(bad), false)));
    cases.push(("text at the end", schema(&format!("{good}x")), false));
    for name in ["name", "type", "nullable"] {
        cases.push((name, schema(&with(name, None)), false));
    }
    for (name, value) in [
        ("name", json!(null)),
        ("name", json!(5)),
        ("type", json!(null)),
        ("type", json!(5)),
        ("type", json!([])),
        ("type", json!({})),
        ("type", json!("LONG")),
        ("type", json!("int")),
        ("type", json!({"type": "hologram"})),
        ("type", json!("decimal(39,2)")),
        ("type", json!("decimal(2,10)")),
        ("type", json!("decimal(10)")),
        ("type", json!({"type": "array", "elementType": "long"})),
        ("type", json!({"type": "array", "containsNull": true})),
        ("type", json!({"type": "array", "containsNull": true, "elementType": "foo"})),
        ("type", json!({"type": "map", "valueType": "long", "valueContainsNull": true})),
        ("type", json!({"type": "struct", "fields": [{"type": "long", "nullable": true, "metadata": {}}]})),
        ("type", json!({"type": "struct", "fields": [column("a", json!("long")), column("A", json!("long"))]})),
        ("nullable", json!(null)),
        ("nullable", json!("true")),
        ("metadata", json!(null)),
        ("metadata", json!([])),
        ("metadata", json!("x")),
    ] {
        cases.push((name, schema(&with(name, Some(value))), false));
    }
    cases.push(("two of one name", schema(&of(&[column("x", json!("long")), column("X", json!("long"))])), false));
    check(cases).await;
}

#[tokio::test]
async fn partition_columns_that_are_none_flag_their_table() {
    let parts = [column("a", json!("long"))];
    let kinds = [
        json!({"type": "struct", "fields": parts}),
        json!({"type": "array", "elementType": "long", "containsNull": true}),
    ];
    let [a_struct, a_list] = kinds.map(|kind| of(&[column("x", json!("long")), column("p", kind)]));
    let plain = of(&[column("x", json!("long")), column("p", json!("string"))]);
    check(vec![
        ("a column", described(&plain, &["p"]), true),
        ("twice", described(&plain, &["p", "p"]), true),
        ("no column", described(&plain, &["q"]), false),
        ("in capitals", described(&plain, &["P"]), false),
        ("a field of a column", described(&a_struct, &["p.a"]), false),
        ("a struct", described(&a_struct, &["p"]), false),
        ("a list", described(&a_list, &["p"]), false),
    ])
    .await;
}

#[tokio::test]
async fn a_protocol_whose_features_do_not_fit_its_versions_flags_its_table() {
    let protocol = |reader: i64, writer: i64, lists: [Option<&[&str]>; 2]| {
        let mut protocol = json!({"minReaderVersion": reader, "minWriterVersion": writer});
        for (name, list) in ["readerFeatures", "writerFeatures"].into_iter().zip(lists) {
            if let Some(list) = list {
                protocol[name] = json!(list);
            }
        }
        json!({ "protocol": protocol })
    };
    const NONE: Option<&[&str]> = Some(&[]);
    check(vec![
        ("1, 2", protocol(1, 2, [None, None]), true),
        ("2, 5", protocol(2, 5, [None, None]), true),
        ("1, 7", protocol(1, 7, [None, NONE]), true),
        ("2, 7", protocol(2, 7, [None, Some(&["columnMapping"])]), true),
        ("3, 7", protocol(3, 7, [NONE, NONE]), true),
        ("lists that are null", json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2, "readerFeatures": null, "writerFeatures": null}}), true),
        ("a writer's version to come", protocol(1, 8, [None, None]), true),
        ("1, 2 with an empty list", protocol(1, 2, [None, NONE]), false),
        ("1, 2 with both", protocol(1, 2, [NONE, NONE]), false),
        ("1, 7 without a list", protocol(1, 7, [None, None]), false),
        ("1, 7 with both", protocol(1, 7, [NONE, NONE]), false),
        ("2, 5 with a reader's", protocol(2, 5, [Some(&["columnMapping"]), None]), false),
        ("3, 7 without lists", protocol(3, 7, [None, None]), false),
        ("3, 7 without a writer's", protocol(3, 7, [NONE, None]), false),
        ("3, 7 without a reader's", protocol(3, 7, [None, NONE]), false),
        ("3, 2", protocol(3, 2, [NONE, None]), false),
        ("3, 6 with both", protocol(3, 6, [NONE, NONE]), false),
    ])
    .await;
}

#[tokio::test]
async fn an_add_without_a_partition_value_arrives() {
    // Both readers, and Spark, take the value for null.
    let mut pair = Pair::new();
    pair.table.commit(&[described(&of(&[column("x", json!("long")), column("p", json!("string"))]), &["p"])]);
    pair.table.append("a.parquet");
    pair.arrives(None).await;
}

#[tokio::test]
async fn a_type_that_a_table_feature_may_have_brought_arrives() {
    let mut pair = Pair::with(
        json!({"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["hologram"], "writerFeatures": ["hologram"]}),
        json!({}),
    );
    pair.table.commit(&[described(&of(&[column("x", json!("hologram"))]), &[])]);
    pair.ship(None).await.expect("a shipment");
    assert_eq!(compare_all(&pair.table.root, &pair.replica).await.status, ObjectStatus::Unverifiable);
}

#[tokio::test]
async fn a_schema_that_was_mended_is_none_of_the_newest_version() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.commit(&[described("{", &[])]);
    assert_eq!(pair.fault().await.class, ErrorClass::CorruptLog);
    pair.table.commit(&[described(&of(&[column("x", json!("long"))]), &[])]);
    pair.arrives(None).await;
}
