//! Writes salvaged files into a folder on this machine.

use super::contents::{Salvage, path_of};
use super::rows::{Cell, is_flat, logical, partitions, read_rows};
use crate::delta::DeltaError;
use crate::delta::place::{Place, storage_error};
use serde_json::Value;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read, Write};
use std::path::Path;

/// Writes the files of the commits into `folder`, which must be new or empty; their names.
pub fn export(salvage: &Salvage, versions: &[i64], folder: &Path) -> Result<Vec<String>, DeltaError> {
    fs::create_dir_all(folder).map_err(|error| storage_error("make the folder", folder, &error))?;
    let mut there = fs::read_dir(folder).map_err(|error| storage_error("read", folder, &error))?;
    if there.next().is_some() {
        let sentence =
            format!("{} isn't empty. Choose a new folder, so that nothing is overwritten.", folder.display());
        return Err(salvage.unfit(sentence));
    }
    let mut names = Vec::new();
    for version in versions {
        let commit = salvage.contents(*version)?;
        let metadata = salvage.state(*version).map(|state| state.metadata).unwrap_or_default();
        for (number, add) in commit.adds.iter().enumerate() {
            let path = path_of(add, &salvage.table())?;
            let holder = salvage.holder(&path)?;
            let stem = format!("v{version}-{}", number + 1);
            names.push(copy_out(holder, &path, folder, &format!("{stem}.parquet"))?);
            // Rows that a vector marks as deleted must not look as if they were there.
            let whole = !add.get("deletionVector").is_some_and(Value::is_object);
            if whole && is_flat(holder, &path)? {
                names.push(csv(holder, &path, add, &metadata, folder, &format!("{stem}.csv"))?);
            }
        }
    }
    let synced = File::open(folder).and_then(|handle| handle.sync_all());
    synced.map_err(|error| storage_error("sync", folder, &error))?;
    Ok(names)
}

fn new_file(folder: &Path, name: &str) -> Result<BufWriter<File>, DeltaError> {
    let path = folder.join(name);
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    file.map(BufWriter::new).map_err(|error| storage_error("write", &path, &error))
}

fn close(file: BufWriter<File>, path: &Path) -> Result<(), DeltaError> {
    let file = file.into_inner().map_err(|error| storage_error("write", path, error.error()))?;
    file.sync_all().map_err(|error| storage_error("sync", path, &error))
}

fn copy_out(place: &dyn Place, rel: &str, folder: &Path, name: &str) -> Result<String, DeltaError> {
    let to = folder.join(name);
    let failed = |error: std::io::Error| storage_error("write", &to, &error);
    let gone = || DeltaError::MissingFile { table: place.display(""), path: rel.to_owned(), version: 0 };
    let mut from = place.open(rel)?.ok_or_else(gone)?.reader;
    let mut file = new_file(folder, name)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = from.read(&mut buffer).map_err(failed)?;
        match buffer.get(..read).filter(|some| !some.is_empty()) {
            None => break,
            Some(some) => file.write_all(some).map_err(failed)?,
        }
    }
    close(file, &to)?;
    Ok(name.to_owned())
}

fn csv(
    place: &dyn Place,
    rel: &str,
    add: &Value,
    metadata: &Value,
    folder: &Path,
    name: &str,
) -> Result<String, DeltaError> {
    let (to, mut file) = (folder.join(name), new_file(folder, name)?);
    let shared = partitions(add, metadata);
    let (mut failed, mut begun) = (None, false);
    read_rows(place, rel, usize::MAX, &mut |names, cells| {
        let mut write = |line: Vec<Cell>| {
            if let Err(error) = writeln!(file, "{}", line_of(&line)) {
                failed.get_or_insert(error);
            }
        };
        if !std::mem::replace(&mut begun, true) {
            let shared = shared.iter().map(|(name, _)| name.clone());
            write(names.iter().map(|name| logical(metadata, name)).chain(shared).map(Some).collect());
        }
        write(cells.into_iter().chain(shared.iter().map(|(_, value)| value.clone())).collect());
    })?;
    match failed {
        Some(error) => Err(storage_error("write", &to, &error)),
        None => close(file, &to).map(|()| name.to_owned()),
    }
}

/// A line of a CSV file. A null is nothing, an empty text two quotes.
fn line_of(cells: &[Cell]) -> String {
    let quoted = |cell: &Cell| match cell.as_deref() {
        None => String::new(),
        Some(text) if text.is_empty() || text.contains(['"', ',', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Some(text) => text.to_owned(),
    };
    cells.iter().map(quoted).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_what_is_null_what_is_empty_and_what_holds_commas_apart() {
        let cells = [None, Some(String::new()), Some("a,\"b\"".to_owned()), Some("7".to_owned())];
        assert_eq!(line_of(&cells), r#","","a,""b""",7"#);
    }
}
