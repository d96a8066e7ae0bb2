//! A job's folder: what the job is told, and where it writes what it did. Only its owner can open it, and it goes with the job.

use crate::delta::TableRoot;
use crate::delta::bulk::BulkJob;
use crate::wire::store_login::StoreLogin;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What Spark runs.
const PROGRAM: &str = include_str!("../../../assets/spark_copy.py");
/// Files that one task copies at a time: small ones wait for the store, not for the line.
const THREADS: usize = 8;

/// A job's folder; removed when dropped.
pub(super) struct JobFolder(PathBuf);

impl Drop for JobFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One end of a table, as the program reads it.
#[derive(Serialize)]
#[serde(untagged)]
enum Place<'a> {
    Folder {
        root: String,
    },
    Store {
        prefix: String,
        #[serde(flatten)]
        login: &'a StoreLogin,
    },
}

impl JobFolder {
    pub fn make(
        below: &Path,
        job: &BulkJob,
        files: &[usize],
        logins: &BTreeMap<(usize, bool), StoreLogin>,
        deadline: Option<DateTime<Utc>>,
    ) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(below)?;
        let path = below.join(uuid::Uuid::new_v4().to_string());
        DirBuilder::new().mode(0o700).create(&path)?;
        let folder = Self(path);
        std::fs::create_dir(folder.local())?;
        folder.write("copy.py", |out| out.write_all(PROGRAM.as_bytes()))?;
        folder.write("alive", |_| Ok(()))?;
        folder.write("results.jsonl", |_| Ok(()))?;
        folder.write("files.jsonl", |out| {
            for number in files {
                let Some(file) = job.files.get(*number) else { continue };
                let line = json!({"file": number, "table": file.table, "path": file.path, "size": file.size, "check": file.check});
                writeln!(out, "{line}")?;
            }
            Ok(())
        })?;
        let tables: Vec<_> = job
            .tables
            .iter()
            .enumerate()
            .map(|(table, (source, target))| {
                json!({"source": place(source, logins.get(&(table, false))), "target": place(target, logins.get(&(table, true)))})
            })
            .collect();
        let told = json!({"tables": tables, "threads": THREADS, "bytes_per_second": job.bytes_per_second,
            "deadline": deadline.map(|at| at.timestamp())});
        folder.write("job.json", |out| write!(out, "{told}"))?;
        Ok(folder)
    }

    fn write(&self, name: &str, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.0.join(name))?;
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn program(&self) -> PathBuf {
        self.0.join("copy.py")
    }

    /// Where Spark keeps files of its own, credentials in what it sends to its executors among them.
    pub fn local(&self) -> PathBuf {
        self.0.join("local")
    }

    pub fn results(&self) -> PathBuf {
        self.0.join("results.jsonl")
    }

    /// Opens a file for what the job prints.
    pub fn log(&self, name: &str) -> io::Result<(File, PathBuf)> {
        let path = self.0.join(name);
        let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path)?;
        Ok((file, path))
    }

    /// Tells the job that somebody waits for it.
    pub fn touch(&self) {
        let now = std::time::SystemTime::now();
        let file = File::options().write(true).open(self.0.join("alive"));
        let _ = file.and_then(|file| file.set_modified(now));
    }
}

fn place<'a>(root: &TableRoot, login: Option<&'a StoreLogin>) -> Option<Place<'a>> {
    match root {
        TableRoot::Local(path) => Some(Place::Folder { root: path.to_str()?.to_owned() }),
        TableRoot::Ratified { .. } => None,
        TableRoot::Remote { prefix, .. } => login.map(|login| Place::Store { prefix: prefix.to_string(), login }),
    }
}
