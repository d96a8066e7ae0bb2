//! Whole tables to begin with: with deletion vectors, change data, and checkpoints of every kind and encoding.

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use resilience::sandbox::writer::{Durability, Feature, TableSpec, TableWriter};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

const COLUMNS: &[(&str, &str)] = &[("id", "long"), ("region", "string"), ("day", "date"), ("open", "boolean")];
/// Versions of a table.
const VERSIONS: i64 = 7;
const CHECKPOINT: &str = "00000000000000000006.checkpoint";

/// Makes the tables below `home` and returns their folders.
pub fn tables(home: &Path) -> Vec<PathBuf> {
    let temporary = home.join("tmp");
    fs::create_dir(&temporary).expect("a folder");
    let specs: [(&'static [&'static str], &'static [Feature]); 3] = [
        (&[], &[Feature::Checkpoints(3), Feature::DeletionVectors]),
        (&["region"], &[Feature::Checkpoints(6), Feature::ChangeData, Feature::InCommitTimestamps]),
        (&[], &[Feature::ColumnMapping, Feature::DeletionVectors, Feature::Checkpoints(6)]),
    ];
    let mut tables = Vec::new();
    for (number, (partition_by, features)) in specs.into_iter().enumerate() {
        let folder = home.join(format!("table-{number}"));
        let mut writer = TableWriter::new(folder.clone(), temporary.clone(), number as u64, "a.b.c");
        writer = writer.with(Durability::Later);
        writer.create(&TableSpec { columns: COLUMNS, partition_by, features }, 1_782_864_000_000).expect("a table");
        (1..VERSIONS).for_each(|at| _ = writer.commit(1_782_864_000_000 + at).expect("a commit"));
        assert!(folder.join("_delta_log").join(format!("{CHECKPOINT}.parquet")).is_file(), "a checkpoint");
        tables.push(folder);
    }
    let first = tables[0].clone();
    for (number, properties) in encodings().into_iter().enumerate() {
        let folder = home.join(format!("encoded-{number}"));
        copy(&first, &folder);
        let path = folder.join("_delta_log").join(format!("{CHECKPOINT}.parquet"));
        rewrite(&path, properties.build());
        tables.push(folder);
    }
    let json = home.join("json");
    copy(&first, &json);
    as_json(&json);
    tables.push(json);
    // Without its first commits a table stands or falls with its checkpoint.
    for table in tables.clone() {
        let folder = table.with_extension("cleaned");
        copy(&table, &folder);
        (0..6).for_each(|at| fs::remove_file(folder.join(format!("_delta_log/{at:020}.json"))).expect("a commit"));
        tables.push(folder);
    }
    tables
}

fn encodings() -> Vec<WriterPropertiesBuilder> {
    let plain = || WriterProperties::builder().set_compression(Compression::UNCOMPRESSED);
    vec![
        plain(),
        plain().set_dictionary_enabled(false).set_encoding(Encoding::PLAIN),
        plain().set_writer_version(WriterVersion::PARQUET_2_0).set_dictionary_enabled(false),
        plain()
            .set_dictionary_enabled(false)
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_data_page_row_count_limit(4),
        WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())),
    ]
}

fn rewrite(path: &Path, properties: WriterProperties) {
    let file = File::open(path).expect("a checkpoint");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build()).expect("a reader");
    let batches: Vec<_> = reader.collect::<Result<_, _>>().expect("rows");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batches[0].schema(), Some(properties)).expect("a writer");
    batches.iter().for_each(|batch| writer.write(batch).expect("rows"));
    writer.close().expect("a file");
    fs::write(path, bytes).expect("a checkpoint");
}

/// Puts a JSON checkpoint in the place of the Parquet ones, and adds what else lies in a log.
fn as_json(table: &Path) {
    let log = table.join("_delta_log");
    let mut live: Vec<(String, Value)> = Vec::new();
    let mut all = String::new();
    for at in 0..VERSIONS {
        let text = fs::read_to_string(log.join(format!("{at:020}.json"))).expect("a commit");
        for line in text.lines() {
            let action: Value = serde_json::from_str(line).expect("an action");
            for (kind, value) in action.as_object().expect("an object") {
                let key = format!("{}{}", value["path"], value["deletionVector"]["pathOrInlineDv"]);
                match kind.as_str() {
                    "add" => live.push((key, action.clone())),
                    "remove" => live.retain(|(found, _)| *found != key),
                    "protocol" | "metaData" => {
                        live.retain(|(found, _)| found != kind);
                        live.push((kind.clone(), action.clone()));
                    }
                    _ => {}
                }
            }
            if at >= 5 && !line.contains("commitInfo") {
                all.push_str(line);
                all.push('\n');
            }
        }
    }
    for entry in fs::read_dir(&log).expect("the log").flatten() {
        if entry.file_name().to_string_lossy().contains("checkpoint") {
            fs::remove_file(entry.path()).expect("a checkpoint");
        }
    }
    let lines: String = live.iter().map(|(_, action)| format!("{action}\n")).collect();
    let name = format!("{CHECKPOINT}.11111111-1111-1111-1111-111111111111.json");
    fs::write(log.join(name), lines).expect("a checkpoint");
    fs::write(log.join("00000000000000000005.00000000000000000006.compacted.json"), all).expect("a compaction");
    fs::write(log.join("00000000000000000006.crc"), r#"{"tableSizeBytes":1,"numFiles":1}"#).expect("a checksum");
    fs::write(log.join("_last_checkpoint"), r#"{"version":6,"size":9,"parts":null}"#).expect("a hint");
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
