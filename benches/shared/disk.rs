//! Folders and files to measure with, and the state of the page cache.

use super::Fault;
use rand::rngs::SmallRng;
use rand::{Rng, RngCore, SeedableRng};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of its own, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty folder `name` below `parent`.
    pub fn new(parent: &Path, name: &str) -> Result<Self, Fault> {
        let path = fs::canonicalize(parent)?.join(format!("{name}-{}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}

/// Writes a Delta table of `count` files of `size` random bytes each, in commits of at most `per_commit` files.
///
/// Returns the newest version. The files are named as Parquet; nothing here reads rows.
pub fn write_table(root: &Path, count: usize, size: usize, per_commit: usize) -> Result<i64, Fault> {
    let log = root.join("_delta_log");
    fs::create_dir_all(&log)?;
    let mut random = SmallRng::seed_from_u64(size as u64);
    let mut bytes = vec![0; size];
    let (mut version, mut lines) = (0i64, vec![protocol(), metadata()]);
    for number in 0..count {
        random.fill_bytes(&mut bytes);
        let name = format!("part-{number:05}-{:032x}-c000.snappy.parquet", random.random::<u128>());
        fs::File::create(root.join(&name))?.write_all(&bytes)?;
        lines.push(add(&name, size));
        if (number + 1) % per_commit == 0 || number + 1 == count {
            commit(root, version, &lines)?;
            (version, lines) = (version + 1, Vec::new());
        }
    }
    Ok(version - 1)
}

fn commit(root: &Path, version: i64, lines: &[serde_json::Value]) -> Result<(), Fault> {
    let mut text = json!({"commitInfo": {"timestamp": TIME_MS + version, "operation": "WRITE"}}).to_string() + "\n";
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    fs::write(root.join(format!("_delta_log/{version:020}.json")), text)?;
    Ok(())
}

const TIME_MS: i64 = 1_790_000_000_000;

fn protocol() -> serde_json::Value {
    json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
}

fn metadata() -> serde_json::Value {
    let schema =
        json!({"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": true, "metadata": {}}]});
    json!({"metaData": {
        "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9", "format": {"provider": "parquet", "options": {}},
        "schemaString": schema.to_string(), "partitionColumns": [], "configuration": {}, "createdTime": TIME_MS,
    }})
}

fn add(path: &str, size: usize) -> serde_json::Value {
    json!({"add": {"path": path, "partitionValues": {}, "size": size, "modificationTime": TIME_MS, "dataChange": true}})
}

/// Every file below `folder`, relative to it.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(folder)?.to_owned());
            }
        }
    }
    Ok(found)
}

/// Says which file of `source` is not the same in `copy`.
pub fn check_same(source: &Path, copy: &Path) -> Result<(), Fault> {
    for file in files_below(source)? {
        if fs::read(source.join(&file))? != fs::read(copy.join(&file)).unwrap_or_default() {
            return Err(
                format!("{} differs between {} and {}.", file.display(), source.display(), copy.display()).into()
            );
        }
    }
    Ok(())
}

/// What the page cache holds of the source when a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Nothing: it was dropped.
    Dropped,
    /// The whole source: it was read just before.
    Warm,
}

impl Cache {
    /// The word in the JSON lines.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Warm => "warm",
        }
    }
}

/// Brings disk and page cache into the same state before each run: nothing dirty, and the source either out of the
/// cache or, where this process may not drop it, wholly in.
pub fn level(source: &Path) -> Result<Cache, Fault> {
    sync()?;
    if fs::write("/proc/sys/vm/drop_caches", "3").is_ok() {
        return Ok(Cache::Dropped);
    }
    let mut buffer = vec![0; 1 << 20];
    for file in files_below(source)? {
        let mut file = fs::File::open(source.join(file))?;
        while file.read(&mut buffer)? > 0 {}
    }
    Ok(Cache::Warm)
}

/// Runs `sync`, as a person would.
pub fn sync() -> Result<(), Fault> {
    succeed(&mut Command::new("sync"))
}

/// Runs a command to its end; an error unless it ends well.
pub fn succeed(command: &mut Command) -> Result<(), Fault> {
    let status = command.status().map_err(|error| format!("{command:?} could not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}.").into()) }
}
