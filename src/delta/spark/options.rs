//! How jobs are submitted.

use std::path::{Path, PathBuf};

/// How jobs are submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparkOptions {
    /// The program `spark-submit`.
    pub submit: PathBuf,
    /// Such as `local[2]` or `spark://host:7077`.
    pub master: String,
    /// The Python of driver and executors, with `obstore`; None for the one that Spark finds.
    pub python: Option<PathBuf>,
    /// A file with further settings of Spark, passed on as `--properties-file`.
    pub properties: Option<PathBuf>,
}

impl SparkOptions {
    /// The files that it names, with every path made whole; the error is a sentence about one that isn't there.
    pub fn found(mut self) -> Result<Self, String> {
        let find = |path: &Path, option: &str| {
            let is_bare = path.components().count() == 1;
            let folders = std::env::var_os("PATH").filter(|_| is_bare).unwrap_or_default();
            let all = std::env::split_paths(&folders).map(|folder| folder.join(path));
            let found = all.chain([path.to_owned()]).find(|path| path.is_file());
            // Not through links: a Python knows its environment by the path that it was started with.
            let whole = found.and_then(|path| std::path::absolute(path).ok());
            whole.ok_or_else(|| format!("{option} names {}, and there is no such file", path.display()))
        };
        self.submit = find(&self.submit, "--spark-submit")?;
        self.python = self.python.map(|path| find(&path, "--spark-python")).transpose()?;
        self.properties = self.properties.map(|path| find(&path, "--spark-properties")).transpose()?;
        Ok(self)
    }
}
