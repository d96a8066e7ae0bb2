//! Files that claim more than they have, or have more than any file should: they flag their table and cost no memory.

use super::pair::Pair;
use super::table::*;
use crate::delta::bounds;
use crate::delta::*;
use crate::domain::ErrorClass;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

const TERABYTE: u64 = 1 << 40;

/// Makes a file claim `size` bytes, of which it has none but those that it had.
fn stretch(path: &Path, size: u64) {
    File::options().create(true).append(true).open(path).and_then(|file| file.set_len(size)).expect("a sparse file");
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.expect("it takes no time")
}

#[tokio::test]
async fn a_log_file_of_a_terabyte_flags_its_table() {
    let id = "11111111-1111-1111-1111-111111111111";
    let names = [
        log_path(2, "json"),
        log_path(3, "json"),
        log_path(2, "checkpoint.parquet"),
        log_path(2, &format!("checkpoint.{id}.json")),
        log_path(2, &format!("checkpoint.{id}.parquet")),
        log_path(2, "crc"),
        format!("_delta_log/{:020}.{:020}.compacted.json", 0, 2),
    ];
    for name in names {
        let mut pair = Pair::new();
        pair.table.append_many(0..2);
        stretch(&pair.table.path.join(&name), TERABYTE);
        let fault = soon(pair.ship(None)).await.expect_err(&name);
        assert_eq!(fault.class, ErrorClass::CorruptLog, "{name}: {fault:?}");
        assert!(matches!(fault.error(), DeltaError::TooLarge { size: TERABYTE, .. }), "{name}: {fault:?}");
        assert!(fault.message.contains(&name) && fault.message.contains("1099511627776"), "{}", fault.message);
    }
}

#[tokio::test]
async fn a_hint_of_a_terabyte_flags_its_table() {
    let mut pair = Pair::new();
    pair.table.append("a.parquet");
    pair.table.checkpoint();
    stretch(&pair.table.path.join("_delta_log/_last_checkpoint"), TERABYTE);
    let fault = soon(pair.ship(None)).await.expect_err("a flagged table");
    assert!(matches!(fault.error(), DeltaError::TooLarge { most: bounds::HINT, .. }), "{fault:?}");
}

#[tokio::test]
async fn a_file_within_the_bound_that_holds_nothing_is_not_read_whole() {
    for name in [log_path(2, "json"), log_path(2, "checkpoint.11111111-1111-1111-1111-111111111111.json")] {
        let mut pair = Pair::new();
        pair.table.append_many(0..2);
        stretch(&pair.table.path.join(&name), bounds::LOG_FILE);
        let fault = soon(pair.ship(None)).await.expect_err(&name);
        assert!(fault.message.contains("longer than 32 MiB"), "{}", fault.message);
        assert_eq!(fault.class, ErrorClass::CorruptLog);
    }
}

#[tokio::test]
async fn a_large_commit_arrives_line_by_line() {
    let mut pair = Pair::new();
    pair.table.file("a.parquet", &content("a.parquet"));
    let filler = format!("{{\"txn\":{{\"appId\":\"{}\",\"version\":1}}}}\n", "x".repeat(60_000));
    let mut bytes = format!("{}\n", add("a.parquet"));
    while bytes.len() as u64 <= bounds::COMMIT_IN_MEMORY {
        bytes.push_str(&filler);
    }
    bytes.push_str(&format!("{}", info("WRITE")));
    pair.table.commit_bytes(bytes.as_bytes());
    let shipped = pair.arrives(None).await;
    let there = std::fs::read(pair.replica_path.join(log_path(1, "json"))).expect("the commit");
    assert!(there == bytes.as_bytes());
    pair.table.append("b.parquet");
    pair.arrives(Some(&shipped.position)).await;
}

#[tokio::test]
async fn lists_and_properties_without_end_flag_their_table() {
    let features =
        format!(r#"{{"protocol":{{"minReaderVersion":3,"readerFeatures":[{}"x"]}}}}"#, r#""","#.repeat(2_000_000));
    let properties: String = (0..200_000).map(|number| format!(r#""{number}":"","#)).collect();
    let properties = format!(r#"{{"metaData":{{"id":"x","configuration":{{{properties}"a":""}}}}}}"#);
    for (line, says) in [(features, "table features"), (properties, "properties")] {
        let mut pair = Pair::new();
        pair.table.commit_bytes(line.as_bytes());
        let fault = pair.fault().await;
        assert!(fault.class == ErrorClass::CorruptLog && fault.message.contains(says), "{}", fault.message);
    }
    // What is passed over may have as many as it likes.
    let mut pair = Pair::new();
    let numbers = "0,".repeat(3_000_000);
    pair.table.commit_bytes(
        format!(r#"{{"commitInfo":{{"operationParameters":{{"x":[{numbers}0],"isShallow":"false"}}}}}}"#).as_bytes(),
    );
    pair.arrives(None).await;
}

#[tokio::test]
async fn json_of_any_depth_ends_nothing() {
    let deep = |levels: usize| format!("{}1{}", r#"{"a":["#.repeat(levels), "]}".repeat(levels));
    for levels in [100, 100_000] {
        let mut pair = Pair::new();
        pair.table.commit_bytes(format!(r#"{{"unknown":{0},"commitInfo":{{"x":{0}}}}}"#, deep(levels)).as_bytes());
        pair.arrives(None).await;
        for line in [
            format!(r#"{{"add":{}}}"#, deep(levels)),
            format!(r#"{{"metaData":{{"configuration":{}}}}}"#, deep(levels)),
            format!(r#"{{"add":{{"path":"x","path":{}}}}}"#, deep(levels)),
            format!(r#"{{"protocol":{{"readerFeatures":{}}}}}"#, deep(levels)),
        ] {
            let mut pair = Pair::new();
            pair.table.commit_bytes(line.as_bytes());
            assert_eq!(pair.fault().await.class, ErrorClass::CorruptLog);
        }
    }
}

/// A checkpoint of a few files, changed by `change`, and what shipping its table says.
async fn with_changed_checkpoint(change: impl FnOnce(&mut File)) -> TableFault {
    let mut pair = Pair::new();
    pair.table.append_many(0..3);
    let name = pair.table.checkpoint();
    let path = pair.table.path.join(name);
    let mut file = File::options().read(true).write(true).open(path).expect("the checkpoint");
    change(&mut file);
    let fault = soon(pair.ship(None)).await.expect_err("a flagged table");
    assert_eq!(fault.class, ErrorClass::CorruptLog, "{fault:?}");
    fault
}

#[tokio::test]
async fn a_footer_that_claims_gigabytes_flags_its_table() {
    let fault = with_changed_checkpoint(|file| {
        let size = 5 << 30;
        file.set_len(size - 8).expect("a sparse file");
        file.seek(SeekFrom::End(0)).expect("its end");
        file.write_all(&u32::MAX.to_le_bytes()).and_then(|()| file.write_all(b"PAR1")).expect("a tail");
    });
    assert!(fault.await.message.contains("its footer claims 4294967295 bytes"));
}

#[tokio::test]
async fn a_page_that_claims_gigabytes_flags_its_table() {
    // The first page's header stands right behind the letters: its type, then both sizes as varints.
    let fault = with_changed_checkpoint(|file| {
        let mut head = [0; 16];
        file.read_exact_at(&mut head, 4).expect("a header");
        let size_at = head.iter().position(|byte| *byte == 0x15).expect("a type") + 3;
        let length = head[size_at..].iter().position(|byte| byte & 0x80 == 0).expect("a varint") + 1;
        let mut varint = vec![0xff; length];
        varint[length - 1] = 0x7f;
        file.write_all_at(&varint, 4 + size_at as u64).expect("a size");
    });
    let fault = fault.await;
    assert!(fault.message.contains("column "), "{}", fault.message);
}
