//! What a person sees of Spark's jobs.

use chrono::{DateTime, Utc};

/// What runs, and what came of the last job.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SparkView {
    /// Where jobs run, such as `local[2]`.
    pub master: String,
    /// The job that runs.
    pub running: Option<SparkRunning>,
    /// The last job that ended.
    pub last: Option<SparkJobEnd>,
}

/// A job under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparkRunning {
    /// When it was begun.
    pub begun: DateTime<Utc>,
    /// Files to copy.
    pub files: usize,
    /// Bytes to copy.
    pub bytes: u64,
    /// Files that are done.
    pub files_done: usize,
    /// Bytes that are done.
    pub bytes_done: u64,
    /// Where Spark shows the job, where it does.
    pub link: Option<String>,
}

impl SparkRunning {
    /// A job of which nothing is done.
    pub fn new(files: usize, bytes: u64) -> Self {
        Self { begun: Utc::now(), files, bytes, files_done: 0, bytes_done: 0, link: None }
    }
}

/// A job that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparkJobEnd {
    /// When it was begun.
    pub begun: DateTime<Utc>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// Files that it was to copy.
    pub files: usize,
    /// Bytes that it was to copy.
    pub bytes: u64,
    /// Why it failed, as a sentence; None where it didn't.
    pub error: Option<String>,
}
