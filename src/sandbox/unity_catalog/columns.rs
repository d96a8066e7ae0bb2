//! A table's columns and properties as its Delta log has them.

use super::places;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::writer::latest_metadata;
use crate::wire::error;
use crate::wire::unity_catalog::{ColumnInfo, TableInfo};
use serde_json::Value;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// How long a call waits for a table's log.
const LOG_TIME: Duration = Duration::from_secs(20);

/// Fills in what the client left out, from the log at the table's location, where there is one.
///
/// A log that can't be read leaves the table as it is: catalogs register tables without opening them. It is read on a
/// thread of its own, because a storage may keep a reader for as long as it likes, and no call waits for it for ever.
/// The caller must hold no lock.
pub fn fill_from_log(table: &mut TableInfo) -> Result<(), Refusal> {
    let Some(folder) = table.storage_location.as_deref().and_then(places::folder_of) else {
        return Ok(());
    };
    let (answer, answered) = mpsc::channel();
    let read = move || drop(answer.send(latest_metadata(&folder)));
    std::thread::Builder::new().name("table log".to_owned()).spawn(read).map_err(|_| late(table))?;
    let metadata = match answered.recv_timeout(LOG_TIME) {
        Ok(Ok(Some((_, metadata)))) => metadata,
        Ok(_) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
        Err(RecvTimeoutError::Timeout) => return Err(late(table)),
    };
    if table.columns.is_empty() {
        table.columns = columns(&metadata);
    }
    for (key, value) in metadata["configuration"].as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            table.properties.entry(key.clone()).or_insert_with(|| value.to_owned());
        }
    }
    Ok(())
}

fn late(table: &TableInfo) -> Refusal {
    let location = table.storage_location.as_deref().unwrap_or_default();
    Refusal::new(
        504,
        error::TEMPORARILY_UNAVAILABLE,
        format!("The Delta log at '{location}' was not read within {LOG_TIME:?}. Check the storage, then try again."),
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::fs::File;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::time::Instant;

    /// Fills a table in whose log lies what `make` makes; returns its columns.
    fn filled(name: &str, make: impl FnOnce(&Path)) -> usize {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("_delta_log");
        std::fs::create_dir(&log).expect("a folder");
        make(&log.join(name));
        let storage_location = Some(format!("file://{}", folder.path().display()));
        let mut table = TableInfo { storage_location, ..TableInfo::default() };
        fill_from_log(&mut table).expect("an answer in time");
        table.columns.len()
    }

    #[test]
    fn what_stands_in_place_of_a_commit_holds_up_no_call() {
        let begun = Instant::now();
        for name in ["00000000000000000000.json", "00000000000000000000.checkpoint.parquet"] {
            let pipe = |path: &Path| {
                mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe");
            };
            assert_eq!(filled(name, pipe), 0);
            assert_eq!(filled(name, |path| symlink("/dev/zero", path).expect("a link")), 0);
            assert_eq!(filled(name, |path| std::fs::create_dir(path).expect("a folder")), 0);
            for size in [1 << 29, 1 << 40] {
                let sparse =
                    |path: &Path| File::create(path).and_then(|file| file.set_len(size)).expect("a sparse file");
                assert_eq!(filled(name, sparse), 0);
            }
        }
        assert!(begun.elapsed() < LOG_TIME, "nothing was waited for");
    }

    #[test]
    fn columns_come_from_the_newest_metadata() {
        let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\",\"nullable\":true}]}"#;
        let lines =
            format!("{{\"protocol\":{{}}}}\n\n{{\"metaData\":{{\"schemaString\":\"{schema}\"}}}}\n{{\"add\":{{}}}}\n");
        let write = |path: &Path| std::fs::write(path, lines).expect("a commit");
        assert_eq!(filled("00000000000000000000.json", write), 1);
    }
}
