//! Tables that go back to an earlier version by a commit.

use super::table::*;
use crate::delta::*;
use serde_json::json;

fn about() -> RestoreAbout {
    RestoreAbout { group: "core".into(), epoch: 3, now_ms: START_MS + 1_000_000 }
}

fn sha(table: &Table, version: i64) -> String {
    let bytes = std::fs::read(table.path.join(log_path(version, "json"))).expect("a commit");
    super::super::log::sha256_hex(&bytes)
}

#[tokio::test]
async fn a_reader_sees_the_earlier_version_and_the_history_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    for with_checkpoint in [false, true] {
        let mut table = Table::create(dir.path().join(format!("t{with_checkpoint}")));
        table.append_many(0..4);
        let (id, file) = vector(7);
        table.file(&file, b"which rows are gone");
        let marked = with_vector(add("3.parquet"), "u", &id, 1);
        table.commit(&[info("DELETE"), remove("3.parquet"), marked]);
        if with_checkpoint {
            let name = table.checkpoint_json();
            assert!(table.path.join("_delta_log").join(name).is_file());
            (0..=4).for_each(|version| table.remove_log(version));
        }
        let (then, files) = read_whole(&table.path).expect("readable").expect("a table");
        table.commit(&[info("OPTIMIZE"), remove("0.parquet"), remove("1.parquet")]);
        table.append("a b.parquet");
        let unmarked = with_vector(remove("3.parquet"), "u", &id, 1);
        table.commit(&[info("WRITE"), unmarked, add("3.parquet")]);
        let hash = sha(&table, then);
        assert_eq!(restore_problem(&table.root, then, &hash).await.expect("looked at"), None);

        let done = restore(&table.root, then, about()).await.expect("restored");
        assert_eq!((done.version, done.added, done.removed), (Some(then + 4), 3, 2), "{done:?}");
        assert_eq!(read_whole(&table.path), Ok(Some((then + 4, files.clone()))));
        let again = restore(&table.root, then, about()).await.expect("restored");
        assert_eq!(again.version, done.version, "once for an epoch");
        assert!(read_version(&table.path, then + 3).expect("the history").contains_key("a b.parquet"));

        let nothing = restore(&table.root, then + 4, RestoreAbout { epoch: 4, ..about() }).await.expect("looked at");
        assert_eq!(nothing.version, None, "it is there already");
    }
}

#[tokio::test]
async fn schema_and_properties_go_back_too_and_ids_of_columns_do_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let properties = json!({"delta.columnMapping.maxColumnId": "2", "note": "then"});
    let mut table =
        Table::create_with(dir.path().join("t"), json!({"minReaderVersion": 1, "minWriterVersion": 2}), properties);
    table.append("a.parquet");
    let changed = json!({"metaData": {"id": table.id(), "format": {"provider": "parquet", "options": {}},
        "schemaString": "{\"type\":\"struct\",\"fields\":[]}", "partitionColumns": [],
        "configuration": {"delta.columnMapping.maxColumnId": "9", "note": "now"}, "createdTime": START_MS}});
    table.commit(&[info("SET TBLPROPERTIES"), changed]);
    let version = restore(&table.root, 1, about()).await.expect("restored").version.expect("a commit");
    let text = std::fs::read_to_string(table.path.join(log_path(version, "json"))).expect("read");
    assert!(text.contains(r#""note":"then""#) && text.contains(r#""delta.columnMapping.maxColumnId":"9""#), "{text}");
}

#[tokio::test]
async fn what_was_vacuumed_replaced_or_only_takes_rows_is_refused_with_a_sentence() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("vacuumed"));
    table.append("a.parquet");
    table.commit(&[info("DELETE"), remove("a.parquet")]);
    let hash = sha(&table, 1);
    std::fs::remove_file(table.path.join("a.parquet")).expect("vacuumed");
    let why = restore_problem(&table.root, 1, &hash).await.expect("looked at").expect("a sentence");
    assert!(why.contains("a.parquet was vacuumed"), "{why}");
    let why = restore_problem(&table.root, 1, "another").await.expect("looked at").expect("a sentence");
    assert!(why.contains("another commit"), "{why}");
    let before = table.version();
    restore(&table.root, 1, about()).await.expect_err("refused");
    assert_eq!(read_whole(&table.path).expect("readable").map(|(version, _)| version), Some(before));

    let protocol = json!({"minReaderVersion": 1, "minWriterVersion": 2});
    let mut table = Table::create_with(dir.path().join("rows"), protocol, json!({"delta.appendOnly": "true"}));
    table.append("a.parquet");
    table.append("b.parquet");
    let hash = sha(&table, 1);
    let why = restore_problem(&table.root, 1, &hash).await.expect("looked at").expect("a sentence");
    assert!(why.contains("appendOnly") && why.ends_with('.'), "{why}");
}

#[tokio::test]
async fn what_was_committed_later_is_salvaged_before_and_the_table_is_untouched_by_that() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut table = Table::create(dir.path().join("t"));
    table.append("a.parquet");
    table.append("b.parquet");
    table.append("c.parquet");
    let before = read_whole(&table.path);
    let aside = TableRoot::Local(dir.path().join("aside"));
    let about = SalvageAbout { table: "t".into(), group: "core".into(), epoch: 3, now_ms: START_MS, arrived: None };
    for _ in 0..2 {
        let salvaged = salvage_later(&table.root, &aside, (1, 3), about.clone()).await.expect("salvaged");
        let salvaged = salvaged.expect("something is later");
        assert_eq!((salvaged.first_version, salvaged.last_version, salvaged.commits), (Some(2), Some(3), 2));
        assert_eq!(salvaged.files, 2);
        // Later writes are none of its business.
        table.append(&format!("{}.parquet", table.version()));
    }
    assert_eq!(std::fs::read(dir.path().join("aside/c.parquet")).ok(), Some(content("c.parquet")));
    assert!(!dir.path().join("aside/a.parquet").exists(), "what the earlier version has is not copied");
    assert_eq!(read_version(&table.path, 3), before.expect("readable").map(|(_, files)| files).ok_or_else(String::new));
    let none = salvage_later(&table.root, &TableRoot::Local(dir.path().join("none")), (9, 9), about).await;
    assert_eq!(none.expect("looked at"), None);
}
